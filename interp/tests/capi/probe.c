/* Calls functions of numpy's C API for a script that prints what they do: the same file, compiled once, is loaded by
 * stock numpy and by ours, and both have to print the same.
 *
 * Functions of one shape share a macro. Those that return a status return it as a number, those that fill in a place return
 * what they put there. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_3_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>
#include <numpy/arrayscalars.h>
#include <math.h>

typedef PyArrayObject Arr;

static Arr *out_of(PyObject *o) { return o == Py_None ? NULL : (Arr *)o; }

#define ARGS(...) if (!PyArg_ParseTuple(args, __VA_ARGS__)) return NULL
#define DEF(name) static PyObject *f_##name(PyObject *self, PyObject *args)

/* -- making arrays -- */

DEF(New) {
    PyObject *shape, *type = (PyObject *)&PyArray_Type; int num, itemsize, flags;
    ARGS("Oiii|O", &shape, &num, &itemsize, &flags, &type);
    npy_intp dims[64]; int nd = PyArray_IntpFromSequence(shape, dims, 64);
    if (nd < 0) return NULL;
    PyObject *a = PyArray_New((PyTypeObject *)type, nd, dims, num, NULL, NULL, itemsize, flags, NULL);
    if (a && !PyDataType_REFCHK(PyArray_DESCR((Arr *)a))) memset(PyArray_DATA((Arr *)a), 1, PyArray_NBYTES((Arr *)a));
    return a;
}
static double memory[24];
DEF(NewFromData) {
    int flags, strided; PyArray_Descr *d = PyArray_DescrFromType(NPY_DOUBLE);
    ARGS("ii", &flags, &strided);
    npy_intp dims[2] = {2, 3}, strides[2] = {48, 16};
    for (int i = 0; i < 24; i++) memory[i] = i;
    return PyArray_NewFromDescr(&PyArray_Type, d, 2, dims, strided ? strides : NULL, memory, flags, NULL);
}
DEF(NewFromDescr) {
    PyArray_Descr *d; PyObject *shape, *type; int flags;
    ARGS("O&OiO", PyArray_DescrConverter, &d, &shape, &flags, &type);
    npy_intp dims[64]; int nd = PyArray_IntpFromSequence(shape, dims, 64);
    if (nd < 0) return NULL;
    PyObject *a = PyArray_NewFromDescr((PyTypeObject *)type, d, nd, dims, NULL, NULL, flags, NULL);
    if (a && !PyDataType_REFCHK(PyArray_DESCR((Arr *)a))) memset(PyArray_DATA((Arr *)a), 1, PyArray_NBYTES((Arr *)a));
    return a;
}
#define FRESH(fn) DEF(fn) { \
    PyArray_Descr *d; PyObject *shape; int f; \
    ARGS("O&Oi", PyArray_DescrConverter2, &d, &shape, &f); \
    npy_intp dims[64]; int nd = PyArray_IntpFromSequence(shape, dims, 64); \
    if (nd < 0) return NULL; \
    return PyArray_##fn(nd, dims, d, f); }
FRESH(Zeros)
FRESH(Empty)
#define FROMANY(fn) DEF(fn) { \
    PyObject *o; PyArray_Descr *d; int lo, hi, flags; \
    ARGS("OO&iii", &o, PyArray_DescrConverter2, &d, &lo, &hi, &flags); \
    return PyArray_##fn(o, d, lo, hi, flags, NULL); }
FROMANY(FromAny)
FROMANY(CheckFromAny)
DEF(FromArray) { PyObject *o; PyArray_Descr *d; int flags;
    ARGS("OO&i", &o, PyArray_DescrConverter2, &d, &flags); return PyArray_FromArray((Arr *)o, d, flags); }
DEF(EnsureArray) { PyObject *o; ARGS("O", &o); Py_INCREF(o); return PyArray_EnsureArray(o); }
DEF(EnsureAnyArray) { PyObject *o; ARGS("O", &o); Py_INCREF(o); return PyArray_EnsureAnyArray(o); }
DEF(FromString) { char *s, *sep; Py_ssize_t n, num; PyArray_Descr *d;
    ARGS("y#O&ns", &s, &n, PyArray_DescrConverter2, &d, &num, &sep); return PyArray_FromString(s, n, d, num, sep); }
DEF(FromBuffer) { PyObject *o; PyArray_Descr *d; Py_ssize_t n, off;
    ARGS("OO&nn", &o, PyArray_DescrConverter, &d, &n, &off); return PyArray_FromBuffer(o, d, n, off); }
DEF(FromIter) { PyObject *o; PyArray_Descr *d; Py_ssize_t n;
    ARGS("OO&n", &o, PyArray_DescrConverter, &d, &n); return PyArray_FromIter(o, d, n); }
DEF(FromScalar) { PyObject *o; PyArray_Descr *d; ARGS("OO&", &o, PyArray_DescrConverter2, &d); return PyArray_FromScalar(o, d); }
/* Where an object lacks the protocol, stock numpy gives NotImplemented without a reference. */
static PyObject *protocol(PyObject *r) { return r == Py_NotImplemented ? PyUnicode_FromString("not implemented") : r; }
DEF(FromInterface) { PyObject *o; ARGS("O", &o); return protocol(PyArray_FromInterface(o)); }
DEF(FromStructInterface) { PyObject *o; ARGS("O", &o); return protocol(PyArray_FromStructInterface(o)); }
DEF(FromArrayAttr) { PyObject *o; ARGS("O", &o); return protocol(PyArray_FromArrayAttr(o, NULL, NULL)); }
DEF(Arange) { double a, b, c; int t; ARGS("dddi", &a, &b, &c, &t); return PyArray_Arange(a, b, c, t); }
DEF(ArangeObj) { PyObject *a, *b, *c; PyArray_Descr *d;
    ARGS("OOOO&", &a, &b, &c, PyArray_DescrConverter2, &d);
    PyObject *r = PyArray_ArangeObj(a, b, c, d); Py_XDECREF(d); return r; }
DEF(NewLikeArray) { PyObject *o; int order, subok; PyArray_Descr *d;
    ARGS("OiO&i", &o, &order, PyArray_DescrConverter2, &d, &subok);
    PyObject *a = PyArray_NewLikeArray((Arr *)o, order, d, subok);
    if (a && !PyDataType_REFCHK(PyArray_DESCR((Arr *)a))) memset(PyArray_DATA((Arr *)a), 0, PyArray_NBYTES((Arr *)a));
    return a; }
DEF(NewCopy) { PyObject *o; int order; ARGS("Oi", &o, &order); return PyArray_NewCopy((Arr *)o, order); }
DEF(files) {
    PyObject *o; PyArray_Descr *d; const char *path; char *sep;
    ARGS("OsO&s", &o, &path, PyArray_DescrConverter, &d, &sep);
    FILE *f = fopen(path, "w+");
    int head = fputs("head", f) >= 0;
    int r = PyArray_ToFile((Arr *)o, f, sep, "");
    if (r < 0) { fclose(f); Py_DECREF(d); return NULL; }
    long end = ftell(f);
    fseek(f, 4, SEEK_SET);
    PyObject *back = PyArray_FromFile(f, d, -1, sep);
    long last = ftell(f);
    fclose(f);
    if (!back) return NULL;
    return Py_BuildValue("iilNl", head, r, end, back, last);
}

/* -- methods -- */

#define M_AO(fn) DEF(fn) { PyObject *a, *o = Py_None; int axis; ARGS("Oi|O", &a, &axis, &o); \
    return (PyObject *)PyArray_##fn((Arr *)a, axis, out_of(o)); }
M_AO(Max) M_AO(Min) M_AO(Ptp) M_AO(All) M_AO(Any) M_AO(ArgMax) M_AO(ArgMin) M_AO(Round)
#define M_ATO(fn) DEF(fn) { PyObject *a, *o = Py_None; int axis, t; ARGS("Oii|O", &a, &axis, &t, &o); \
    return PyArray_##fn((Arr *)a, axis, t, out_of(o)); }
M_ATO(Mean) M_ATO(Sum) M_ATO(Prod) M_ATO(CumSum) M_ATO(CumProd)
DEF(Std) { PyObject *a; int axis, t, v; ARGS("Oiii", &a, &axis, &t, &v); return PyArray_Std((Arr *)a, axis, t, NULL, v); }
DEF(Trace) { PyObject *a; int i, j, k, t; ARGS("Oiiii", &a, &i, &j, &k, &t); return PyArray_Trace((Arr *)a, i, j, k, t, NULL); }
DEF(Diagonal) { PyObject *a; int i, j, k; ARGS("Oiii", &a, &i, &j, &k); return PyArray_Diagonal((Arr *)a, i, j, k); }
DEF(Clip) { PyObject *a, *lo, *hi; ARGS("OOO", &a, &lo, &hi); return PyArray_Clip((Arr *)a, lo, hi, NULL); }
DEF(Conjugate) { PyObject *a; ARGS("O", &a); return PyArray_Conjugate((Arr *)a, NULL); }
DEF(Nonzero) { PyObject *a; ARGS("O", &a); return PyArray_Nonzero((Arr *)a); }
DEF(CountNonzero) { PyObject *a; ARGS("O", &a); return PyLong_FromSsize_t(PyArray_CountNonzero((Arr *)a)); }
DEF(CastToType) { PyObject *a; PyArray_Descr *d; int f; ARGS("OO&i", &a, PyArray_DescrConverter, &d, &f); return PyArray_CastToType((Arr *)a, d, f); }
DEF(GetField) { PyObject *a; PyArray_Descr *d; int o; ARGS("OO&i", &a, PyArray_DescrConverter, &d, &o); return PyArray_GetField((Arr *)a, d, o); }
DEF(SetField) { PyObject *a, *v; PyArray_Descr *d; int o; ARGS("OO&iO", &a, PyArray_DescrConverter, &d, &o, &v);
    int r = PyArray_SetField((Arr *)a, d, o, v); if (r < 0) return NULL; return PyLong_FromLong(r); }
DEF(Byteswap) { PyObject *a; int f; ARGS("Oi", &a, &f); return PyArray_Byteswap((Arr *)a, f); }
DEF(Resize) { PyObject *a; PyArray_Dims d; ARGS("OO&", &a, PyArray_IntpConverter, &d);
    PyObject *r = PyArray_Resize((Arr *)a, &d, 0, NPY_CORDER); PyDimMem_FREE(d.ptr); return r; }
DEF(ToList) { PyObject *a; ARGS("O", &a); return PyArray_ToList((Arr *)a); }
DEF(ToString) { PyObject *a; int o; ARGS("Oi", &a, &o); return PyArray_ToString((Arr *)a, o); }
DEF(Dumps) { PyObject *a; int p; ARGS("Oi", &a, &p); return PyArray_Dumps(a, p); }
DEF(FillWithScalar) { PyObject *a, *v; ARGS("OO", &a, &v); int r = PyArray_FillWithScalar((Arr *)a, v); if (r < 0) return NULL; return PyLong_FromLong(r); }
DEF(Transpose) { PyObject *a; PyArray_Dims d = {NULL, 0}; ARGS("O|O&", &a, PyArray_IntpConverter, &d);
    PyObject *r = PyArray_Transpose((Arr *)a, d.ptr ? &d : NULL); PyDimMem_FREE(d.ptr); return r; }
DEF(Newshape) { PyObject *a; PyArray_Dims d; int o; ARGS("OO&i", &a, PyArray_IntpConverter, &d, &o);
    PyObject *r = PyArray_Newshape((Arr *)a, &d, o); PyDimMem_FREE(d.ptr); return r; }
DEF(Reshape) { PyObject *a, *s; ARGS("OO", &a, &s); return PyArray_Reshape((Arr *)a, s); }
DEF(TakeFrom) { PyObject *a, *i; int axis, mode; ARGS("OOii", &a, &i, &axis, &mode); return PyArray_TakeFrom((Arr *)a, i, axis, NULL, mode); }
DEF(PutTo) { PyObject *a, *v, *i; int mode; ARGS("OOOi", &a, &v, &i, &mode); return PyArray_PutTo((Arr *)a, v, i, mode); }
DEF(PutMask) { PyObject *a, *v, *m; ARGS("OOO", &a, &v, &m); return PyArray_PutMask((Arr *)a, v, m); }
DEF(Repeat) { PyObject *a, *r; int axis; ARGS("OOi", &a, &r, &axis); return PyArray_Repeat((Arr *)a, r, axis); }
DEF(Choose) { PyObject *a, *c; int mode; ARGS("OOi", &a, &c, &mode); return PyArray_Choose((Arr *)a, c, NULL, mode); }
DEF(Sort) { PyObject *a; int axis, kind; ARGS("Oii", &a, &axis, &kind); int r = PyArray_Sort((Arr *)a, axis, kind); if (r < 0) return NULL; return PyLong_FromLong(r); }
DEF(ArgSort) { PyObject *a; int axis, kind; ARGS("Oii", &a, &axis, &kind); return PyArray_ArgSort((Arr *)a, axis, kind); }
DEF(SearchSorted) { PyObject *a, *v, *p = NULL; int side; ARGS("OOi|O", &a, &v, &side, &p); return PyArray_SearchSorted((Arr *)a, v, side, p); }
DEF(Partition) { PyObject *a, *k; int axis; ARGS("OOi", &a, &k, &axis); int r = PyArray_Partition((Arr *)a, (Arr *)k, axis, NPY_INTROSELECT); if (r < 0) return NULL; return PyLong_FromLong(r); }
DEF(ArgPartition) { PyObject *a, *k; int axis; ARGS("OOi", &a, &k, &axis); return PyArray_ArgPartition((Arr *)a, (Arr *)k, axis, NPY_INTROSELECT); }
DEF(Squeeze) { PyObject *a; ARGS("O", &a); return PyArray_Squeeze((Arr *)a); }
DEF(View) { PyObject *a, *t = NULL; PyArray_Descr *d; ARGS("OO&|O", &a, PyArray_DescrConverter2, &d, &t); return PyArray_View((Arr *)a, d, (PyTypeObject *)t); }
DEF(SwapAxes) { PyObject *a; int i, j; ARGS("Oii", &a, &i, &j); return PyArray_SwapAxes((Arr *)a, i, j); }
DEF(Compress) { PyObject *a, *c; int axis; ARGS("OOi", &a, &c, &axis); return PyArray_Compress((Arr *)a, c, axis, NULL); }
DEF(Flatten) { PyObject *a; int o; ARGS("Oi", &a, &o); return PyArray_Flatten((Arr *)a, o); }
DEF(Ravel) { PyObject *a; int o; ARGS("Oi", &a, &o); return PyArray_Ravel((Arr *)a, o); }
DEF(Concatenate) { PyObject *a; int axis; ARGS("Oi", &a, &axis); return PyArray_Concatenate(a, axis); }
DEF(InnerProduct) { PyObject *a, *b; ARGS("OO", &a, &b); return PyArray_InnerProduct(a, b); }
DEF(MatrixProduct) { PyObject *a, *b; ARGS("OO", &a, &b); return PyArray_MatrixProduct(a, b); }
DEF(MatrixProduct2) { PyObject *a, *b, *o = Py_None; ARGS("OO|O", &a, &b, &o); return PyArray_MatrixProduct2(a, b, out_of(o)); }
DEF(Correlate) { PyObject *a, *b; int m; ARGS("OOi", &a, &b, &m); return PyArray_Correlate(a, b, m); }
DEF(Correlate2) { PyObject *a, *b; int m; ARGS("OOi", &a, &b, &m); return PyArray_Correlate2(a, b, m); }
DEF(Where) { PyObject *c, *x = NULL, *y = NULL; ARGS("O|OO", &c, &x, &y); return PyArray_Where(c, x, y); }
DEF(LexSort) { PyObject *k; int axis; ARGS("Oi", &k, &axis); return PyArray_LexSort(k, axis); }
DEF(EinsteinSum) { char *s; PyObject *a, *b; ARGS("sOO", &s, &a, &b); Arr *ops[2] = {(Arr *)a, (Arr *)b};
    return (PyObject *)PyArray_EinsteinSum(s, 2, ops, NULL, NPY_KEEPORDER, NPY_SAFE_CASTING, NULL); }
DEF(CheckAxis) { PyObject *a; int axis, flags; ARGS("Oii", &a, &axis, &flags); PyObject *r = PyArray_CheckAxis((Arr *)a, &axis, flags);
    if (!r) return NULL; return Py_BuildValue("Ni", r, axis); }

/* -- ownership -- */

DEF(SetBaseObject) { PyObject *a, *b; ARGS("OO", &a, &b); Py_INCREF(b);
    if (PyArray_SetBaseObject((Arr *)a, b) < 0) return NULL; Py_RETURN_NONE; }
DEF(owned_memory) {
    npy_intp n = 5; double *p = malloc(40); for (int i = 0; i < 5; i++) p[i] = i * i;
    PyObject *a = PyArray_SimpleNewFromData(1, &n, NPY_DOUBLE, p);
    PyArray_ENABLEFLAGS((Arr *)a, NPY_ARRAY_OWNDATA);
    return a;
}
DEF(CopyInto) { PyObject *a, *b; ARGS("OO", &a, &b); if (PyArray_CopyInto((Arr *)a, (Arr *)b) < 0) return NULL; Py_RETURN_NONE; }
DEF(CopyAnyInto) { PyObject *a, *b; ARGS("OO", &a, &b); if (PyArray_CopyAnyInto((Arr *)a, (Arr *)b) < 0) return NULL; Py_RETURN_NONE; }
DEF(CopyObject) { PyObject *a, *b; ARGS("OO", &a, &b); if (PyArray_CopyObject((Arr *)a, b) < 0) return NULL; Py_RETURN_NONE; }
DEF(Size) { PyObject *a; ARGS("O", &a); Py_ssize_t n = PyArray_Size(a); if (n < 0) return NULL; return PyLong_FromSsize_t(n); }
DEF(GetPriority) { PyObject *a; ARGS("O", &a); return PyFloat_FromDouble(PyArray_GetPriority(a, 0.5)); }
DEF(FailUnlessWriteable) { PyObject *a; ARGS("O", &a); if (PyArray_FailUnlessWriteable((Arr *)a, "the thing") < 0) return NULL; Py_RETURN_NONE; }
DEF(CheckStrides) { int size; Py_ssize_t n, off; PyArray_Dims d, s; ARGS("innO&O&", &size, &n, &off, PyArray_IntpConverter, &d, PyArray_IntpConverter, &s);
    int r = PyArray_CheckStrides(size, d.len, n, off, d.ptr, s.ptr); PyDimMem_FREE(d.ptr); PyDimMem_FREE(s.ptr); return PyLong_FromLong(r); }
DEF(ElementStrides) { PyObject *a; ARGS("O", &a); return PyLong_FromLong(PyArray_ElementStrides(a)); }
DEF(UpdateFlags) { PyObject *a; int m; ARGS("Oi", &a, &m); PyArray_CLEARFLAGS((Arr *)a, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED);
    PyArray_UpdateFlags((Arr *)a, m); return PyLong_FromLong(PyArray_FLAGS((Arr *)a)); }
DEF(writeback) {
    PyObject *o; int resolve; ARGS("Oi", &o, &resolve);
    Arr *c = (Arr *)PyArray_FromAny(o, PyArray_DescrFromType(NPY_FLOAT), 0, 0, NPY_ARRAY_CARRAY | NPY_ARRAY_WRITEBACKIFCOPY | NPY_ARRAY_FORCECAST, NULL);
    if (!c) return NULL;
    int locked = PyArray_ISWRITEABLE((Arr *)o);
    *(float *)PyArray_DATA(c) = 42;
    int r = resolve ? PyArray_ResolveWritebackIfCopy(c) : (PyArray_DiscardWritebackIfCopy(c), 7);
    int again = PyArray_ResolveWritebackIfCopy(c), refs = (int)Py_REFCNT(c);
    Py_DECREF(c);
    return Py_BuildValue("iiiii", locked, r, again, refs, PyArray_ISWRITEABLE((Arr *)o));
}
DEF(strides_perm) { PyArray_Dims s; ARGS("O&", PyArray_IntpConverter, &s); npy_stride_sort_item it[64];
    PyArray_CreateSortedStridePerm(s.len, s.ptr, it); PyObject *r = PyList_New(0);
    for (int i = 0; i < s.len; i++) PyList_Append(r, PyLong_FromSsize_t(it[i].perm)); PyDimMem_FREE(s.ptr); return r; }
DEF(RemoveAxes) { PyObject *a; int axis; ARGS("Oi", &a, &axis); npy_bool f[64] = {0}; f[axis] = 1;
    PyObject *v = PyArray_View((Arr *)a, NULL, NULL); PyArray_RemoveAxesInPlace((Arr *)v, f); return v; }
DEF(AsCArray) {
    PyObject *o; int nd; ARGS("Oi", &o, &nd);
    npy_intp dims[3]; double **two, *one, ***three; void *p = nd == 1 ? (void *)&one : nd == 2 ? (void *)&two : (void *)&three;
    Py_INCREF(o); PyObject *op = o;
    if (PyArray_AsCArray(&op, p, dims, nd, PyArray_DescrFromType(NPY_DOUBLE)) < 0) { Py_DECREF(o); return NULL; }
    double x = nd == 1 ? one[dims[0] - 1] : nd == 2 ? two[dims[0] - 1][dims[1] - 1] : three[dims[0] - 1][dims[1] - 1][dims[2] - 1];
    Py_DECREF(o);
    PyArray_Free(op, nd == 1 ? (void *)one : nd == 2 ? (void *)two : (void *)three);
    return PyFloat_FromDouble(x);
}

/* -- dtypes -- */

DEF(DescrFromType) { int t; ARGS("i", &t); return (PyObject *)PyArray_DescrFromType(t); }
DEF(TypeObjectFromType) { int t; ARGS("i", &t); return PyArray_TypeObjectFromType(t); }
DEF(ObjectType) { PyObject *o; int t; ARGS("Oi", &o, &t); int r = PyArray_ObjectType(o, t); if (PyErr_Occurred()) return NULL; return PyLong_FromLong(r); }
DEF(DescrFromObject) { PyObject *o; ARGS("O", &o); return (PyObject *)PyArray_DescrFromObject(o, NULL); }
DEF(DescrFromScalar) { PyObject *o; ARGS("O", &o); return (PyObject *)PyArray_DescrFromScalar(o); }
DEF(DescrFromTypeObject) { PyObject *o; ARGS("O", &o); return (PyObject *)PyArray_DescrFromTypeObject(o); }
DEF(DescrNew) { PyArray_Descr *d; ARGS("O&", PyArray_DescrConverter, &d); PyArray_Descr *n = PyArray_DescrNew(d);
    PyObject *r = Py_BuildValue("Nii", n, n == d, (int)(PyDataType_ELSIZE(n) == PyDataType_ELSIZE(d))); Py_DECREF(d); return r; }
DEF(DescrNewFromType) { int t; ARGS("i", &t); return (PyObject *)PyArray_DescrNewFromType(t); }
DEF(DescrNewByteorder) { PyArray_Descr *d; char *c; ARGS("O&s", PyArray_DescrConverter, &d, &c);
    PyObject *r = (PyObject *)PyArray_DescrNewByteorder(d, *c); Py_DECREF(d); return r; }
DEF(sized) { int t, n; ARGS("ii", &t, &n); PyArray_Descr *d = PyArray_DescrNewFromType(t); PyDataType_SET_ELSIZE(d, n);
    npy_intp k = 2; PyObject *a = PyArray_NewFromDescr(&PyArray_Type, d, 1, &k, NULL, NULL, 0, NULL);
    memset(PyArray_DATA((Arr *)a), 0, PyArray_NBYTES((Arr *)a)); return a; }
DEF(ValidType) { int t; ARGS("i", &t); return PyLong_FromLong(PyArray_ValidType(t)); }
#define TWO(fn, call) DEF(fn) { PyArray_Descr *a, *b; int c = 0; ARGS("O&O&|i", PyArray_DescrConverter, &a, PyArray_DescrConverter, &b, &c); \
    int r = call; Py_DECREF(a); Py_DECREF(b); if (PyErr_Occurred()) return NULL; return PyLong_FromLong(r); }
TWO(EquivTypes, PyArray_EquivTypes(a, b))
TWO(CanCastTo, PyArray_CanCastTo(a, b))
TWO(CanCastTypeTo, PyArray_CanCastTypeTo(a, b, c))
TWO(CanCastSafely, PyArray_CanCastSafely(a->type_num, b->type_num))
TWO(EquivTypenums, PyArray_EquivTypenums(a->type_num, b->type_num))
TWO(CanCoerceScalar, PyArray_CanCoerceScalar(a->type_num, b->type_num, c))
DEF(CanCastArrayTo) { PyObject *a; PyArray_Descr *d; int c; ARGS("OO&i", &a, PyArray_DescrConverter, &d, &c);
    int r = PyArray_CanCastArrayTo((Arr *)a, d, c); Py_DECREF(d); return PyLong_FromLong(r); }
DEF(CanCastScalar) { PyObject *a, *b; ARGS("OO", &a, &b); return PyLong_FromLong(PyArray_CanCastScalar((PyTypeObject *)a, (PyTypeObject *)b)); }
DEF(ScalarKind) { PyObject *a = NULL; int t; ARGS("i|O", &t, &a); Arr *p = (Arr *)a; return PyLong_FromLong(PyArray_ScalarKind(t, a ? &p : NULL)); }
DEF(PromoteTypes) { PyArray_Descr *a, *b; ARGS("O&O&", PyArray_DescrConverter, &a, PyArray_DescrConverter, &b);
    PyObject *r = (PyObject *)PyArray_PromoteTypes(a, b); Py_DECREF(a); Py_DECREF(b); return r; }
DEF(MinScalarType) { PyObject *a; ARGS("O", &a); return (PyObject *)PyArray_MinScalarType((Arr *)a); }
DEF(ResultType) { PyObject *a; PyArray_Descr *d; ARGS("OO&", &a, PyArray_DescrConverter, &d); Arr *p = (Arr *)a;
    PyObject *r = (PyObject *)PyArray_ResultType(1, &p, 1, &d); Py_DECREF(d); return r; }
DEF(ConvertToCommonType) { PyObject *o; int n; ARGS("O", &o); PyArrayObject **l = PyArray_ConvertToCommonType(o, &n); if (!l) return NULL;
    PyObject *r = PyList_New(n); for (int i = 0; i < n; i++) PyList_SetItem(r, i, (PyObject *)l[i]); PyDataMem_FREE(l); return r; }

/* -- elements -- */

DEF(Scalar) { PyObject *a; ARGS("O", &a); return PyArray_Scalar(PyArray_DATA((Arr *)a), PyArray_DESCR((Arr *)a), a); }
DEF(Return) { PyObject *a; ARGS("O", &a); Py_INCREF(a); return PyArray_Return((Arr *)a); }
DEF(ScalarAsCtype) { PyObject *a; int n, direct; ARGS("Oii", &a, &n, &direct); char buf[64]; memset(buf, 0, 64);
    PyArray_ScalarAsCtype(a, buf); return PyBytes_FromStringAndSize(direct ? buf : *(char **)buf, n); }
DEF(CastScalarToCtype) { PyObject *a; PyArray_Descr *d; ARGS("OO&", &a, PyArray_DescrConverter, &d); char buf[64]; memset(buf, 0, 64);
    int r = PyArray_CastScalarToCtype(a, buf, d); Py_ssize_t n = PyDataType_ELSIZE(d); Py_DECREF(d); if (r < 0) return NULL;
    return PyBytes_FromStringAndSize(buf, n > 10 ? 10 : n); }
DEF(CastScalarDirect) { PyObject *a; int t; ARGS("Oi", &a, &t); char buf[64]; memset(buf, 0, 64);
    PyArray_Descr *d = PyArray_DescrFromScalar(a); int r = PyArray_CastScalarDirect(a, d, buf, t); Py_DECREF(d); if (r < 0) return NULL;
    return PyBytes_FromStringAndSize(buf, 8); }
DEF(Pack) { PyObject *v; PyArray_Descr *d; ARGS("O&O", PyArray_DescrConverter, &d, &v); char buf[64]; memset(buf, 0, 64);
    int r = PyArray_Pack(d, buf, v); Py_ssize_t n = PyDataType_ELSIZE(d); Py_DECREF(d); if (r < 0) return NULL; return PyBytes_FromStringAndSize(buf, n > 10 ? 10 : n); }
DEF(ZeroOne) { PyObject *a; ARGS("O", &a); int n = (int)PyArray_ITEMSIZE((Arr *)a); char *z = PyArray_Zero((Arr *)a); if (!z) return NULL; char *o = PyArray_One((Arr *)a);
    if (!o) return NULL;
    if (n > 10) n = 10;
    PyObject *r = PyArray_DESCR((Arr *)a)->type_num == NPY_OBJECT ? Py_BuildValue("OO", *(PyObject **)z, *(PyObject **)o) : Py_BuildValue("y#y#", z, (Py_ssize_t)n, o, (Py_ssize_t)n);
    PyDataMem_FREE(z); PyDataMem_FREE(o); return r; }
DEF(GETITEM) { PyObject *a; Py_ssize_t i; ARGS("On", &a, &i); return PyArray_GETITEM((Arr *)a, PyArray_BYTES((Arr *)a) + i * PyArray_STRIDE((Arr *)a, 0)); }
DEF(SETITEM) { PyObject *a, *v; Py_ssize_t i; ARGS("OnO", &a, &i, &v);
    if (PyArray_SETITEM((Arr *)a, PyArray_BYTES((Arr *)a) + i * PyArray_STRIDE((Arr *)a, 0), v) < 0) return NULL; Py_RETURN_NONE; }
DEF(GetPtr) { PyObject *a; Py_ssize_t i, j; ARGS("Onn", &a, &i, &j); npy_intp at[2] = {i, j};
    return PyFloat_FromDouble(*(double *)PyArray_GetPtr((Arr *)a, at)); }
DEF(CheckAnyScalarExact) { PyObject *o; ARGS("O", &o); return PyLong_FromLong(PyArray_CheckAnyScalarExact(o)); }
DEF(INCREF) { PyObject *a; ARGS("O", &a); PyObject *x = *(PyObject **)PyArray_DATA((Arr *)a); Py_ssize_t n0 = Py_REFCNT(x);
    PyArray_INCREF((Arr *)a); Py_ssize_t n1 = Py_REFCNT(x); PyArray_XDECREF((Arr *)a); Py_ssize_t n2 = Py_REFCNT(x);
    PyArray_Item_INCREF(PyArray_DATA((Arr *)a), PyArray_DESCR((Arr *)a)); Py_ssize_t n3 = Py_REFCNT(x);
    PyArray_Item_XDECREF(PyArray_DATA((Arr *)a), PyArray_DESCR((Arr *)a)); Py_ssize_t n4 = Py_REFCNT(x);
    return Py_BuildValue("nnnn", n1 - n0, n2 - n0, n3 - n0, n4 - n0); }

/* -- tables of functions -- */

DEF(functions) {
    PyObject *a; ARGS("O", &a); Arr *arr = (Arr *)a; PyArray_ArrFuncs *f = PyDataType_GetArrFuncs(PyArray_DESCR(arr));
    npy_intp n = PyArray_DIM(arr, 0), at = -1, lo = -1; char *p = PyArray_BYTES(arr); Py_ssize_t size = PyArray_ITEMSIZE(arr);
    int c = f->compare ? f->compare(p, p + size, arr) : 9; if (PyErr_Occurred()) return NULL;
    if (f->argmax) f->argmax(p, n, &at, arr); if (PyErr_Occurred()) return NULL;
    if (f->argmin) f->argmin(p, n, &lo, arr); if (PyErr_Occurred()) return NULL;
    int nz = f->nonzero(p, arr), nz1 = f->nonzero(p + size, arr);
    PyObject *copy = PyArray_NewCopy(arr, NPY_CORDER), *swapped = PyArray_NewCopy(arr, NPY_CORDER);
    f->copyswap(PyArray_BYTES((Arr *)copy), p + size, 0, arr);
    if (!PyDataType_REFCHK(PyArray_DESCR(arr))) f->copyswapn(PyArray_BYTES((Arr *)swapped), size, p, size, n, 1, arr);
    PyObject *sorted = PyArray_NewCopy(arr, NPY_CORDER); npy_intp order[16]; for (int i = 0; i < n; i++) order[i] = i;
    if (f->sort[0]) f->sort[0](PyArray_BYTES((Arr *)sorted), n, arr);
    if (f->argsort[2]) f->argsort[2](p, order, n, arr); if (PyErr_Occurred()) return NULL;
    PyObject *list = PyList_New(n); for (int i = 0; i < n; i++) PyList_SetItem(list, i, PyLong_FromSsize_t(order[i]));
    PyObject *filled = PyArray_NewCopy(arr, NPY_CORDER), *dotted = PyArray_NewCopy(arr, NPY_CORDER);
    if (f->fill && !PyDataType_REFCHK(PyArray_DESCR(arr))) f->fill(PyArray_BYTES((Arr *)filled), n, arr);
    if (f->dotfunc) f->dotfunc(p, size, p, size, PyArray_BYTES((Arr *)dotted), n, arr);
    if (PyErr_Occurred()) return NULL;
    return Py_BuildValue("inniiNNNNNNii", c, at, lo, nz, nz1, copy, swapped, sorted, list, filled, dotted, f->fill != NULL, f->dotfunc != NULL);
}
/* -- converters -- */

#define CONV(fn, type, code) DEF(fn) { PyObject *o; ARGS("O", &o); type v = 99; if (!PyArray_##fn(o, &v)) return NULL; return code; }
CONV(OrderConverter, NPY_ORDER, PyLong_FromLong(v))
CONV(CastingConverter, NPY_CASTING, PyLong_FromLong(v))
CONV(ClipmodeConverter, NPY_CLIPMODE, PyLong_FromLong(v))
CONV(SortkindConverter, NPY_SORTKIND, PyLong_FromLong(v))
CONV(SearchsideConverter, NPY_SEARCHSIDE, PyLong_FromLong(v))
CONV(SelectkindConverter, NPY_SELECTKIND, PyLong_FromLong(v))
CONV(ByteorderConverter, char, PyLong_FromLong(v))
CONV(BoolConverter, npy_bool, PyLong_FromLong(v))
CONV(AxisConverter, int, PyLong_FromLong(v))
DEF(IntpConverter) { PyObject *o; ARGS("O", &o); PyArray_Dims d = {NULL, 0}; if (!PyArray_IntpConverter(o, &d)) return NULL;
    PyObject *r = PyArray_IntTupleFromIntp(d.len, d.ptr); PyDimMem_FREE(d.ptr); return r; }
DEF(DescrAlignConverter) { PyArray_Descr *d; ARGS("O&", PyArray_DescrAlignConverter, &d); return (PyObject *)d; }
DEF(Converter) { PyObject *o; ARGS("O&", PyArray_Converter, &o); return o; }
DEF(OutputConverter) { Arr *o; ARGS("O&", PyArray_OutputConverter, &o); return PyLong_FromLong(o != NULL); }
DEF(BufferConverter) { PyArray_Chunk c; ARGS("O&", PyArray_BufferConverter, &c); return Py_BuildValue("nii", c.len, c.flags, c.base != NULL); }
DEF(ConvertClipmodeSequence) { PyObject *o; ARGS("O", &o); NPY_CLIPMODE m[3]; if (!PyArray_ConvertClipmodeSequence(o, m, 3)) return NULL; return Py_BuildValue("iii", m[0], m[1], m[2]); }
DEF(PyIntAsInt) { PyObject *o; ARGS("O", &o); int r = PyArray_PyIntAsInt(o); if (r == -1 && PyErr_Occurred()) return NULL; return PyLong_FromLong(r); }
DEF(PyIntAsIntp) { PyObject *o; ARGS("O", &o); npy_intp r = PyArray_PyIntAsIntp(o); if (r == -1 && PyErr_Occurred()) return NULL; return PyLong_FromSsize_t(r); }

/* -- iterators -- */

static PyObject *walk(PyObject *it) { PyObject *l = PyList_New(0); if (!it) return NULL;
    PyArray_ITER_RESET(it);
    while (PyArray_ITER_NOTDONE(it)) { PyArrayIterObject *i = (PyArrayIterObject *)it;
        PyObject *x = PyArray_GETITEM(i->ao, i->dataptr); PyList_Append(l, x); Py_DECREF(x); PyArray_ITER_NEXT(it); }
    Py_DECREF(it); return l; }
DEF(IterNew) { PyObject *a; ARGS("O", &a); return walk(PyArray_IterNew(a)); }
DEF(IterGoto) { PyObject *a; Py_ssize_t i; ARGS("On", &a, &i); PyArrayIterObject *it = (PyArrayIterObject *)PyArray_IterNew(a); PyArray_ITER_GOTO1D(it, i);
    PyObject *x = PyArray_GETITEM(it->ao, it->dataptr); Py_DECREF(it); return x; }
DEF(IterAllButAxis) { PyObject *a; int axis; ARGS("Oi", &a, &axis); PyObject *l = walk(PyArray_IterAllButAxis(a, &axis)); return l ? Py_BuildValue("Ni", l, axis) : NULL; }
DEF(BroadcastToShape) { PyObject *a; PyArray_Dims d; ARGS("OO&", &a, PyArray_IntpConverter, &d); PyObject *r = walk(PyArray_BroadcastToShape(a, d.ptr, d.len)); PyDimMem_FREE(d.ptr); return r; }
static PyObject *walk_multi(PyObject *m) { if (!m) return NULL; PyObject *l = PyList_New(0);
    while (PyArray_MultiIter_NOTDONE(m)) { int n = ((PyArrayMultiIterObject *)m)->numiter; PyObject *t = PyTuple_New(n);
        for (int i = 0; i < n; i++) PyTuple_SetItem(t, i, PyArray_GETITEM(((PyArrayMultiIterObject *)m)->iters[i]->ao, PyArray_MultiIter_DATA(m, i)));
        PyList_Append(l, t); Py_DECREF(t); PyArray_MultiIter_NEXT(m); }
    PyObject *r = Py_BuildValue("Nin", l, PyArray_MultiIter_NDIM((PyArrayMultiIterObject *)m), PyArray_MultiIter_SIZE((PyArrayMultiIterObject *)m)); Py_DECREF(m); return r; }
DEF(MultiIterNew) { PyObject *a, *b; ARGS("OO", &a, &b); return walk_multi(PyArray_MultiIterNew(2, a, b)); }
DEF(MultiIterNew8) { PyObject *a, *b; ARGS("OO", &a, &b); return walk_multi(PyArray_MultiIterNew(9, a, b, a, b, a, b, a, b, b)); }
DEF(MultiIterFromObjects) { PyObject *a, *b; ARGS("OO", &a, &b); PyObject *l[2] = {a, b}; return walk_multi(PyArray_MultiIterFromObjects(l, 2, 5, b, a, a, b, b)); }
DEF(RemoveSmallest) { PyObject *a, *b; ARGS("OO", &a, &b); PyArrayMultiIterObject *m = (PyArrayMultiIterObject *)PyArray_MultiIterNew(2, a, b); if (!m) return NULL;
    int axis = PyArray_RemoveSmallest(m); PyObject *r = Py_BuildValue("in", axis, m->size); Py_DECREF(m); return r; }
DEF(Broadcast) { PyObject *a, *b; ARGS("OO", &a, &b); PyArrayMultiIterObject *m = (PyArrayMultiIterObject *)PyArray_MultiIterNew(2, a, a); if (!m) return NULL;
    PyObject *it = PyArray_IterNew(b); Py_DECREF(m->iters[1]); m->iters[1] = (PyArrayIterObject *)it;
    if (PyArray_Broadcast(m) < 0) { Py_DECREF(m); return NULL; }
    PyArray_MultiIter_RESET(m); return walk_multi((PyObject *)m); }
DEF(Neighborhood) { PyObject *a; int mode; ARGS("Oi", &a, &mode); npy_intp bounds[4] = {-1, 1, 0, 1};
    PyArrayIterObject *x = (PyArrayIterObject *)PyArray_IterNew(a); PyObject *l = PyList_New(0);
    PyArrayNeighborhoodIterObject *n = (PyArrayNeighborhoodIterObject *)PyArray_NeighborhoodIterNew(x, bounds, mode, (Arr *)a);
    if (!n) { Py_DECREF(x); Py_DECREF(l); return NULL; }
    for (npy_intp i = 0; i < x->size; i++) { PyArrayNeighborhoodIter_Reset(n);
        for (npy_intp j = 0; j < n->size; j++) { PyList_Append(l, PyFloat_FromDouble(*(double *)n->dataptr)); PyArrayNeighborhoodIter_Next(n); }
        PyArray_ITER_NEXT(x); }
    Py_DECREF(n); Py_DECREF(x); return l; }

DEF(nditer) {
    PyObject *a, *b; int flags, casting, order, size; ARGS("OOiiii", &a, &b, &flags, &order, &casting, &size);
    Arr *ops[3] = {(Arr *)a, (Arr *)b, NULL};
    npy_uint32 of[3] = {NPY_ITER_READONLY, NPY_ITER_READONLY, NPY_ITER_WRITEONLY | NPY_ITER_ALLOCATE};
    PyArray_Descr *d = PyArray_DescrFromType(NPY_DOUBLE), *ds[3] = {d, d, d};
    NpyIter *it = NpyIter_AdvancedNew(3, ops, flags | NPY_ITER_EXTERNAL_LOOP, order, casting, of, ds, -1, NULL, NULL, size);
    Py_DECREF(d); if (!it) return NULL;
    NpyIter_IterNextFunc *next = NpyIter_GetIterNext(it, NULL); if (!next) { NpyIter_Deallocate(it); return NULL; }
    char **p = NpyIter_GetDataPtrArray(it); npy_intp *st = NpyIter_GetInnerStrideArray(it), *n = NpyIter_GetInnerLoopSizePtr(it); PyObject *sizes = PyList_New(0);
    if (NpyIter_GetIterSize(it) != 0) do { char *x = p[0], *y = p[1], *z = p[2];
        PyList_Append(sizes, PyLong_FromSsize_t(*n));
        for (npy_intp i = 0; i < *n; i++) { *(double *)z = *(double *)x * 10 + *(double *)y; x += st[0]; y += st[1]; z += st[2]; } } while (next(it));
    PyObject *o = (PyObject *)NpyIter_GetOperandArray(it)[2]; Py_INCREF(o);
    char r[3], w[3]; NpyIter_GetReadFlags(it, r); NpyIter_GetWriteFlags(it, w);
    PyObject *res = Py_BuildValue("NNniiiiiiOi", o, sizes, NpyIter_GetIterSize(it), NpyIter_GetNDim(it), NpyIter_GetNOp(it), NpyIter_IsBuffered(it), NpyIter_HasExternalLoop(it), (int)r[2], (int)w[2],
        NpyIter_GetDescrArray(it)[0], NpyIter_RequiresBuffering(it));
    if (!NpyIter_Deallocate(it)) { Py_DECREF(res); return NULL; }
    return res;
}
DEF(nditer_index) {
    PyObject *a; int goto_; ARGS("Oi", &a, &goto_);
    NpyIter *it = NpyIter_New((Arr *)a, NPY_ITER_READONLY | NPY_ITER_MULTI_INDEX | NPY_ITER_C_INDEX | NPY_ITER_REFS_OK, NPY_KEEPORDER, NPY_NO_CASTING, NULL); if (!it) return NULL;
    NpyIter_GetMultiIndexFunc *get = NpyIter_GetGetMultiIndex(it, NULL); NpyIter_IterNextFunc *next = NpyIter_GetIterNext(it, NULL); npy_intp at[64], shape[64]; PyObject *l = PyList_New(0);
    NpyIter_GetShape(it, shape); npy_intp *ix = NpyIter_GetIndexPtr(it);
    do { get(it, at); PyList_Append(l, Py_BuildValue("nnn", at[0], at[1], *ix)); } while (next(it));
    npy_intp to[2] = {goto_, 0}, compat[64]; int ok = NpyIter_GotoMultiIndex(it, to); if (!ok) { NpyIter_Deallocate(it); Py_DECREF(l); return NULL; }
    PyObject *r = Py_BuildValue("Nnnnni", l, shape[0], shape[1], *ix, NpyIter_GetIterIndex(it), NpyIter_CreateCompatibleStrides(it, 8, compat)); PyErr_Clear();
    NpyIter *copy = NpyIter_Copy(it); NpyIter_Deallocate(copy); if (!NpyIter_RemoveMultiIndex(it)) PyErr_Clear(); NpyIter_Deallocate(it); return r;
}
DEF(nditer_range) { PyObject *a; int lo, hi; ARGS("Oii", &a, &lo, &hi);
    NpyIter *it = NpyIter_New((Arr *)a, NPY_ITER_READONLY | NPY_ITER_RANGED | NPY_ITER_BUFFERED | NPY_ITER_DELAY_BUFALLOC, NPY_CORDER, NPY_NO_CASTING, NULL); if (!it) return NULL;
    char *msg = NULL; int ok = NpyIter_ResetToIterIndexRange(it, lo, hi, &msg);
    if (!ok) { NpyIter_Deallocate(it); return PyUnicode_FromString(msg); }
    NpyIter_IterNextFunc *next = NpyIter_GetIterNext(it, NULL); char **p = NpyIter_GetDataPtrArray(it); double sum = 0; do sum += **(double **)p; while (next(it));
    NpyIter_Deallocate(it); return PyFloat_FromDouble(sum); }

/* -- datetime -- */

DEF(date_fields) { long long v; int base, num; ARGS("Lii", &v, &base, &num); PyArray_DatetimeMetaData m = {base, num}; npy_datetimestruct s;
    if (NpyDatetime_ConvertDatetime64ToDatetimeStruct(&m, v, &s) < 0) return NULL; npy_datetime back; if (NpyDatetime_ConvertDatetimeStructToDatetime64(&m, &s, &back) < 0) return NULL;
    char text[70]; memset(text, 0, 70); if (NpyDatetime_MakeISO8601Datetime(&s, text, 62, 0, 1, base, -1, NPY_UNSAFE_CASTING) < 0) return NULL;
    return Py_BuildValue("LiiiiiiiiLsi", (long long)s.year, s.month, s.day, s.hour, s.min, s.sec, s.us, s.ps, s.as, (long long)back, text, NpyDatetime_GetDatetimeISO8601StrLen(0, base)); }
DEF(date_text) { char *t; Py_ssize_t n; int base; ARGS("s#i", &t, &n, &base); npy_datetimestruct s; NPY_DATETIMEUNIT best; npy_bool special;
    if (NpyDatetime_ParseISO8601Datetime(t, n, base, NPY_SAME_KIND_CASTING, &s, &best, &special) < 0) return NULL;
    return Py_BuildValue("Liiiii", (long long)s.year, s.month, s.day, s.sec, best, special); }
DEF(date_object) { PyObject *o; ARGS("O", &o); npy_datetimestruct s; memset(&s, 0, sizeof s); NPY_DATETIMEUNIT best = -1; int r = NpyDatetime_ConvertPyDateTimeToDatetimeStruct(o, &s, &best, 1);
    if (r < 0) return NULL; return Py_BuildValue("iLiiiii", r, (long long)s.year, s.month, s.day, s.hour, s.us, best); }

/* -- ufuncs -- */

static double dd(double x) { return x * x + 1; }
static float ff(float x) { return x * x + 1; }
static double ddd(double x, double y) { return x - 2 * y; }
static float fff(float x, float y) { return x - 2 * y; }
static npy_longdouble gg(npy_longdouble x) { return x * x + 1; }
static npy_longdouble ggg(npy_longdouble x, npy_longdouble y) { return x - 2 * y; }
static void DD(npy_cdouble *x, npy_cdouble *r) { *r = *x; ((double *)r)[1] += 1; }
static void FF(npy_cfloat *x, npy_cfloat *r) { *r = *x; ((float *)r)[1] += 1; }
static void GG(npy_clongdouble *x, npy_clongdouble *r) { *r = *x; ((npy_longdouble *)r)[1] += 1; }
static void DDD(npy_cdouble *x, npy_cdouble *y, npy_cdouble *r) { *r = *x; ((double *)r)[1] = ((double *)y)[0]; }
static void FFF(npy_cfloat *x, npy_cfloat *y, npy_cfloat *r) { *r = *x; ((float *)r)[1] = ((float *)y)[0]; }
static void GGG(npy_clongdouble *x, npy_clongdouble *y, npy_clongdouble *r) { *r = *x; ((npy_longdouble *)r)[1] = ((npy_longdouble *)y)[0]; }
static PyObject *OO(PyObject *x) { return PyNumber_Negative(x); }
static PyUFuncGenericFunction loops1[11], loops2[11];
static void *data1[11], *data2[11];
static char types1[22], types2[33];
static PyObject *ufuncs(int two) {
    PyUFuncGenericFunction *l = two ? loops2 : loops1; void **d = two ? data2 : data1; char *t = two ? types2 : types1; int n = 0, k = 2 + two;
#define ROW(num, loop1, fn1, loop2, fn2) l[n] = two ? loop2 : loop1; d[n] = two ? (void *)fn2 : (void *)fn1; memset(t + n * k, num, k); n++
    ROW(NPY_HALF, PyUFunc_e_e_As_f_f, ff, PyUFunc_ee_e_As_dd_d, ddd);
    ROW(NPY_FLOAT, PyUFunc_f_f_As_d_d, dd, PyUFunc_ff_f, fff);
    ROW(NPY_DOUBLE, PyUFunc_d_d, dd, PyUFunc_dd_d, ddd);
    ROW(NPY_LONGDOUBLE, PyUFunc_g_g, gg, PyUFunc_gg_g, ggg);
    ROW(NPY_CFLOAT, PyUFunc_F_F_As_D_D, DD, PyUFunc_FF_F, FFF);
    ROW(NPY_CDOUBLE, PyUFunc_D_D, DD, PyUFunc_DD_D, DDD);
    ROW(NPY_CLONGDOUBLE, PyUFunc_G_G, GG, PyUFunc_GG_G, GGG);
    ROW(NPY_OBJECT, two ? PyUFunc_OO_O_method : PyUFunc_O_O, OO, PyUFunc_OO_O, PyNumber_Add);
    return PyUFunc_FromFuncAndData(l, d, t, n, 1 + two, 1, PyUFunc_None, two ? "probe2" : "probe1", "doc", 0);
}
DEF(ufunc) { int two; ARGS("i", &two); return ufuncs(two); }
static PyUFuncGenericFunction replaced;
static void one_more(char **args, npy_intp const *n, npy_intp const *steps, void *data) { char *out = args[2], *own[3] = {args[0], args[1], args[2]};
    replaced(own, n, steps, data); for (npy_intp i = 0; i < *n; i++) *(npy_intp *)(out + i * steps[2]) += 1; }
DEF(ReplaceLoop) { PyObject *u, *x; ARGS("OO", &u, &x); int own[3] = {NPY_INTP, NPY_INTP, NPY_INTP}, none[3] = {NPY_INTP, NPY_BOOL, NPY_INTP}; PyUFuncGenericFunction back = NULL;
    int a = PyUFunc_ReplaceLoopBySignature((PyUFuncObject *)u, one_more, own, &replaced); if (a < 0) return NULL; PyObject *other = PyObject_CallFunctionObjArgs(u, x, x, NULL);
    PyObject *fold = PyObject_CallMethod(u, "reduce", "O", x); int b = PyUFunc_ReplaceLoopBySignature((PyUFuncObject *)u, replaced, own, &back);
    return Py_BuildValue("iNNiNii", a, other, fold, b, PyObject_CallFunctionObjArgs(u, x, x, NULL), PyUFunc_ReplaceLoopBySignature((PyUFuncObject *)u, one_more, none, NULL), back == one_more); }
DEF(fperr) { double x; ARGS("d", &x); PyUFunc_clearfperr(); volatile double z = 0, y = x / z; (void)y; return Py_BuildValue("ii", PyUFunc_getfperr(), PyUFunc_getfperr()); }
DEF(TypeResolver) { PyObject *u, *a; int c; ARGS("OOi", &u, &a, &c); Arr *ops[3] = {(Arr *)a, (Arr *)a, NULL}; PyArray_Descr *d[3] = {0};
    if (PyUFunc_DefaultTypeResolver((PyUFuncObject *)u, c, ops, NULL, d) < 0) return NULL; int v = PyUFunc_ValidateCasting((PyUFuncObject *)u, c, ops, d);
    if (v < 0) return NULL; return Py_BuildValue("NNNi", d[0], d[1], d[2], v); }

DEF(refs) { PyObject *o; ARGS("O", &o); return PyLong_FromSsize_t(Py_REFCNT(o)); }
DEF(layout) { PyObject *a; ARGS("O", &a); Arr *x = (Arr *)a; PyArray_Descr *d = PyArray_DESCR(x);
    return Py_BuildValue("innniiicciiiO", PyArray_NDIM(x), PyArray_SIZE(x), PyArray_NBYTES(x), PyArray_ITEMSIZE(x), PyArray_FLAGS(x), PyArray_TYPE(x), PyDataType_ALIGNMENT(d),
        d->kind, d->type, (int)PyDataType_HASFIELDS(d), (int)PyDataType_HASSUBARRAY(d), (int)PyDataType_REFCHK(d), PyDataType_NAMES(d) ? PyDataType_NAMES(d) : Py_None); }

#define F(name) {#name, f_##name, METH_VARARGS, NULL}
static PyMethodDef methods[] = {
    F(New), F(NewFromData), F(NewFromDescr), F(Zeros), F(Empty), F(FromAny), F(CheckFromAny), F(FromArray), F(EnsureArray), F(EnsureAnyArray), F(FromString), F(FromBuffer), F(FromIter),
    F(FromScalar), F(FromInterface), F(FromStructInterface), F(FromArrayAttr), F(Arange), F(ArangeObj), F(NewLikeArray), F(NewCopy), F(files),
    F(Max), F(Min), F(Ptp), F(All), F(Any), F(ArgMax), F(ArgMin), F(Round), F(Mean), F(Sum), F(Prod), F(CumSum), F(CumProd), F(Std), F(Trace), F(Diagonal), F(Clip), F(Conjugate), F(Nonzero),
    F(CountNonzero), F(CastToType), F(GetField), F(SetField), F(Byteswap), F(Resize), F(ToList), F(ToString), F(Dumps), F(FillWithScalar), F(Transpose), F(Newshape), F(Reshape), F(TakeFrom), F(PutTo),
    F(PutMask), F(Repeat), F(Choose), F(Sort), F(ArgSort), F(SearchSorted), F(Partition), F(ArgPartition), F(Squeeze), F(View), F(SwapAxes), F(Compress), F(Flatten), F(Ravel), F(Concatenate),
    F(InnerProduct), F(MatrixProduct), F(MatrixProduct2), F(Correlate), F(Correlate2), F(Where), F(LexSort), F(EinsteinSum), F(CheckAxis),
    F(SetBaseObject), F(owned_memory), F(CopyInto), F(CopyAnyInto), F(CopyObject), F(Size), F(GetPriority), F(FailUnlessWriteable), F(CheckStrides), F(ElementStrides), F(UpdateFlags), F(writeback),
    F(strides_perm), F(RemoveAxes), F(AsCArray),
    F(DescrFromType), F(TypeObjectFromType), F(ObjectType), F(DescrFromObject), F(DescrFromScalar), F(DescrFromTypeObject), F(DescrNew), F(DescrNewFromType), F(DescrNewByteorder), F(sized), F(ValidType),
    F(EquivTypes), F(CanCastTo), F(CanCastTypeTo), F(CanCastSafely), F(EquivTypenums), F(CanCoerceScalar), F(CanCastArrayTo), F(CanCastScalar), F(ScalarKind), F(PromoteTypes), F(MinScalarType), F(ResultType),
    F(ConvertToCommonType), F(Scalar), F(Return), F(ScalarAsCtype), F(CastScalarToCtype), F(CastScalarDirect), F(Pack), F(ZeroOne), F(GETITEM), F(SETITEM), F(GetPtr), F(CheckAnyScalarExact), F(INCREF),
    F(functions), F(OrderConverter), F(CastingConverter), F(ClipmodeConverter), F(SortkindConverter), F(SearchsideConverter), F(SelectkindConverter), F(ByteorderConverter), F(BoolConverter),
    F(AxisConverter), F(IntpConverter), F(DescrAlignConverter), F(Converter), F(OutputConverter), F(BufferConverter), F(ConvertClipmodeSequence), F(PyIntAsInt), F(PyIntAsIntp),
    F(IterNew), F(IterGoto), F(IterAllButAxis), F(BroadcastToShape), F(MultiIterNew), F(MultiIterNew8), F(MultiIterFromObjects), F(RemoveSmallest), F(Broadcast), F(Neighborhood),
    F(nditer), F(nditer_index), F(nditer_range), F(date_fields), F(date_text), F(date_object), F(ufunc), F(ReplaceLoop), F(fperr), F(TypeResolver), F(refs), F(layout), {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "probe", NULL, -1, methods};
PyMODINIT_FUNC PyInit_probe(void) {
    import_array();
    import_umath();
    return PyModule_Create(&module);
}
