"""Calls everything in the compiled `probe` with many arguments and prints what comes of it."""

import datetime
import os
import sys
import tempfile
import warnings

sys.path.insert(0, sys.argv[1])
import numpy as np
import probe

warnings.simplefilter("ignore")
np.set_printoptions(threshold=40, linewidth=150)

FLAGS = {"c": 1, "f": 2, "force": 0x10, "copy": 0x20, "array": 0x40, "strides": 0x80, "aligned": 0x100, "native": 0x200,
         "write": 0x400, "nocopy": 0x4000}
RAVEL = -2**31
NO_TYPE = 25


def show(x):
    if isinstance(x, np.ndarray):
        kept = type(x.base).__name__ if x.base is not None else "-"
        return f"{type(x).__name__}({x.dtype} {x.shape} {x.strides} {x.flags.num:#x} base={kept} {x.tolist()!r})"
    if isinstance(x, np.generic):
        return f"{type(x).__name__}:{x!r}"
    if isinstance(x, (tuple, list)):
        return type(x).__name__ + "[" + ", ".join(map(show, x)) + "]"
    return f"{type(x).__name__}:{x!r}"


def call(name, *args):
    try:
        result = show(getattr(probe, name)(*args))
    except Exception as e:
        result = f"{type(e).__name__}: {e}"
    print(name, ", ".join(f"{a.dtype}{a.shape}" if isinstance(a, np.ndarray) else repr(a) for a in args), "->", result)


class Sub(np.ndarray):
    def __array_finalize__(self, parent):
        self.parent = type(parent).__name__


class Interface:
    __array_interface__ = {"version": 3, "shape": (2,), "typestr": "<i4", "data": np.array([5, 6], "i4").tobytes()}


class Attr:
    def __array__(self, dtype=None, copy=None):
        return np.arange(3, dtype=dtype)


class Struct:
    __array_struct__ = np.arange(4.0).__array_struct__


base = np.arange(12.0).reshape(3, 4)
ints = np.array([[3, 1, 2], [9, 7, 8]])
objects = np.array([1, "a", None, 2.5], object)
record = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")])
arrays = {
    "floats": base, "ints": ints, "strided": base[::2, ::-1], "fortran": base.T, "empty": np.zeros((0, 3)), "zero": np.array(2.5),
    "bools": np.array([True, False, True]), "big": base.astype(">f8"), "halves": base.astype("f2"), "sub": base.view(Sub),
    "complex": base + 1j, "strings": np.array(["b", "a", "cc"]), "bytes": np.array([b"b", b"a"]),
    "dates": np.array(["2020-01-01", "1969-12-31"], "M8[D]"), "objects": objects, "record": record, "long": base.astype("g"),
}

for num in [*range(24), 256, 99, ord("d"), 2056]:
    call("DescrFromType", num)
    call("TypeObjectFromType", num)
    if num not in (256, 2056):
        call("ValidType", num)
for num in [0, 7, 12, 17, 21, 23]:
    call("DescrNewFromType", num)
    call("New", (2, 3), num, 0, 0)
    call("New", (2, 3), num, 0, 1)
call("New", (3,), 18, 5, 0)
call("New", (3,), 19, 8, 0)
call("New", (3,), 18, 0, 0)
call("New", (-1,), 12, 0, 0)
call("New", (2,) * 70, 12, 0, 0)
call("New", (2,), 12, 0, 0, Sub)
for flags in (0, 0x101, 0x501, 0x2, 0x502, 0x503):
    call("NewFromData", flags, 0)
    call("NewFromData", flags, 1)
for dt in ("f8", "S0", "U", "i4,f4", "(2,3)i2", "O", "M8[s]", ">i4"):
    call("NewFromDescr", np.dtype(dt), (2, 2), 0, np.ndarray)
    call("NewFromDescr", np.dtype(dt), (2, 2), 1, Sub)
    for shape in ((2, 2), (), (0,)):
        call("Zeros", np.dtype(dt), shape, 0)
        call("Zeros", np.dtype(dt), shape, 1)
call("Zeros", None, (2,), 0)
call("Empty", np.dtype(object), (2,), 0)

for name, arr in arrays.items():
    print("##", name)
    call("layout", arr)
    for flags in (0, 0x501, 0x502, 0x20, 0x40, 0x10, 0x211, 0x401 | 0x200):
        for dt in (None, np.dtype("f4"), np.dtype("i8")):
            call("FromArray", arr, dt, flags)
    call("FromAny", arr, None, 0, 0, 0)
    call("FromAny", arr, None, 3, 0, 0)
    call("FromAny", arr, None, 0, 1, 0)
    call("CheckFromAny", arr, None, 0, 0, 0x200)
    call("CheckFromAny", arr, None, 0, 0, 0x80)
    call("EnsureArray", arr)
    call("EnsureAnyArray", arr)
    for order in (-1, 0, 1, 2):
        call("NewCopy", arr, order)
        call("NewLikeArray", arr, order, None, 1)
        call("Ravel", arr, order)
        call("Flatten", arr, order)
        call("ToString", arr, order)
        call("Newshape", arr, (-1,), order)
    call("NewLikeArray", arr, 2, np.dtype("i4"), 0)
    for axis in (RAVEL, 0, -1, 1, 7):
        for method in ("Max", "Min", "Ptp", "All", "Any", "ArgMax", "ArgMin"):
            call(method, arr, axis)
        for method in ("Mean", "Sum", "Prod", "CumSum", "CumProd"):
            call(method, arr, axis, NO_TYPE)
        call("Sum", arr, axis, 15)
        call("Std", arr, axis, NO_TYPE, 0)
        call("Std", arr, axis, NO_TYPE, 1)
        call("Repeat", arr, 2, axis)
        call("CheckAxis", arr, axis, 0)
        call("TakeFrom", arr, [0, 1], axis, 2)
        call("TakeFrom", arr, 5, axis, 1)
        call("Compress", arr, [True, False], axis)
        for kind in (0, 1, 2):
            call("ArgSort", arr, axis, kind)
            copy = arr.copy()
            call("Sort", copy, axis, kind)
            print(show(copy))
    call("Round", arr, 0)
    call("Conjugate", arr)
    call("Nonzero", arr)
    call("CountNonzero", arr)
    call("ToList", arr)
    call("Transpose", arr)
    call("Squeeze", arr)
    call("View", arr, None)
    call("View", arr, None, Sub)
    call("View", arr, np.dtype("i4"))
    call("Byteswap", arr, 0)
    call("Scalar", arr)
    call("Return", arr)
    call("ZeroOne", arr)
    call("Size", arr)
    call("GetPriority", arr)
    call("ElementStrides", arr)
    call("FailUnlessWriteable", arr)
    call("MinScalarType", arr)
    call("DescrFromObject", arr)
    call("ObjectType", arr, 0)
    call("Clip", arr, 2, 3)
    call("IterNew", arr)
    for axis in (0, -1):
        if arr.ndim:
            call("IterAllButAxis", arr, axis)
    call("BroadcastToShape", arr, (2, 3, 4))
    for dt in ("f4", "i8", "U3", "O"):
        call("CastToType", arr, np.dtype(dt), 1)
        call("CanCastArrayTo", arr, np.dtype(dt), 3)
        call("ResultType", arr, np.dtype(dt))
    if arr.ndim == 1 or arr.ndim == 2:
        flat = arr.ravel()[:6] if arr.size else arr.ravel()
        if flat.size >= 2:
            call("functions", np.ascontiguousarray(flat))
            for i in (0, 1):
                call("GETITEM", flat, i)
            copy = flat.copy()
            for value in (1, 2.5, "7", b"8", None, np.float32(3), np.array(4), (5, 6), [1], 10**30):
                call("SETITEM", copy, 1, value)
            print(show(copy))
    call("MultiIterNew", arr, np.arange(3)) if arr.size and arr.ndim == 2 and arr.shape[1] == 3 else None
    copy = arr.copy()
    call("FillWithScalar", copy, 3)
    print(show(copy))
    call("Dumps", arr, 2) if name in ("ints", "floats") else None

for obj in (1, 2.5, 1j, True, "abc", b"abc", None, [1, 2], [1.5, 2], [[1], [2, 3]], (1, [2]), np.float32(1), np.datetime64("2020"), Attr(),
            Interface(), Struct(), memoryview(b"abcd"), bytearray(b"xyz"), range(3), {1: 2}, datetime.date(2020, 1, 2)):
    print("##", type(obj).__name__)
    plain = not isinstance(obj, (Attr, Interface, Struct, memoryview))
    if plain:
        call("FromAny", obj, None, 0, 0, 0)
        call("FromAny", obj, np.dtype("f8"), 0, 0, 0x501)
        call("FromAny", obj, None, 1, 1, 0)
        call("DescrFromObject", obj)
        call("ObjectType", obj, 0)
        call("DescrFromScalar", obj)
        call("CheckAnyScalarExact", obj)
        call("PyIntAsInt", obj)
        call("PyIntAsIntp", obj)
        call("IntpConverter", obj)
        call("Converter", obj)
        call("OutputConverter", obj)
        call("BoolConverter", obj)
        call("AxisConverter", obj)
        call("BufferConverter", obj)
        call("Pack", np.dtype("f8"), obj)
        call("Pack", np.dtype("S4"), obj)
        call("date_object", obj)
        call("GetPriority", obj)
    else:
        for name in ("FromInterface", "FromStructInterface", "FromArrayAttr"):
            try:
                print(name, show(getattr(probe, name)(obj)))
            except Exception as e:
                print(name, type(e).__name__, e)

for word in ("C", "f", "A", "K", "x", "no", "safe", "same_kind", "unsafe", "quicksort", "heap", "stable", "left", "right", "clip", "raise", "wrap",
             "introselect", "<", ">", "=", "|", "little", "big", None, 0, 1, 2, 5, b"C", 1.5):
    for name in ("Order", "Casting", "Clipmode", "Sortkind", "Searchside", "Selectkind", "Byteorder"):
        if not (word is None and name in ("Casting", "Searchside", "Selectkind", "Byteorder")):
            call(name + "Converter", word)
for obj in ([0, 1, 2], ["clip", "wrap", "raise"], "wrap", [1], None):
    call("ConvertClipmodeSequence", obj)
for obj in (2**31, -2**31, 2**63, "x", 1.5, np.int8(3), np.array(4), [5]):
    call("PyIntAsInt", obj)
    call("PyIntAsIntp", obj)
call("DescrAlignConverter", {"names": ["a", "b"], "formats": ["i1", "f8"]})
call("DescrAlignConverter", None)

kinds = ["?", "i1", "u1", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", "F", "D", "G", "O", "S3", "U3", "V4", "M8[s]", "m8[D]", ">i4"]
for a in kinds:
    print("##", a)
    call("DescrNew", np.dtype(a))
    call("DescrNewByteorder", np.dtype(a), "S")
    call("DescrNewByteorder", np.dtype(a), ">")
    call("DescrFromTypeObject", np.dtype(a).type)
    call("ScalarKind", np.dtype(a).num)
    for b in kinds:
        x, y = np.dtype(a), np.dtype(b)
        for name in ("EquivTypes", "CanCastTo", "CanCastSafely", "EquivTypenums", "PromoteTypes"):
            call(name, x, y)
        for level in (0, 1, 3, 4):
            call("CanCastTypeTo", x, y, level)
        call("CanCastScalar", x.type, y.type)
        call("CanCoerceScalar", x, y, 1)
call("ScalarKind", 7, np.array(-3))
call("ScalarKind", 7, np.array(3))
call("DescrFromTypeObject", int)
call("DescrFromTypeObject", float)
call("sized", 18, 4)
call("sized", 19, 12)
call("ConvertToCommonType", [1, 2.5, np.arange(2)])
call("ConvertToCommonType", [])

for s in (np.bool(True), np.int8(-3), np.uint64(2**63), np.float16(1.5), np.float64(-2.5), np.complex64(1 + 2j), np.datetime64("2021-05-06", "D"),
          np.bytes_(b"hey"), np.str_("hé"), np.longdouble(3), record[0], np.timedelta64(5, "s")):
    size = min(s.dtype.itemsize, 10)
    call("ScalarAsCtype", s, size, int(s.dtype.kind not in "SUV"))
    for dt in ("f8", "i4", "M8[s]", "S3"):
        call("CastScalarToCtype", s, np.dtype(dt))
    call("CastScalarDirect", s, 12)
    call("FromScalar", s, None)
    call("FromScalar", s, np.dtype("f4"))
    call("DescrFromScalar", s)
    call("CheckAnyScalarExact", s)

call("FromString", np.arange(3.0).tobytes(), np.dtype("f8"), -1, "")
call("FromString", np.arange(3.0).tobytes(), None, 2, "")
call("FromString", b"abcde", np.dtype("i4"), -1, "")
call("FromString", b"abcde", np.dtype("i4"), 4, "")
call("FromString", b"1, 2, 3.5", np.dtype("f8"), -1, ",")
call("FromBuffer", b"abcdefgh", np.dtype("i4"), -1, 0)
call("FromBuffer", bytearray(b"abcdefgh"), np.dtype("i2"), 2, 2)
call("FromBuffer", b"abc", np.dtype("i4"), -1, 0)
call("FromIter", iter([1, 2, 3]), np.dtype("f4"), -1)
call("FromIter", iter([1, 2, 3]), np.dtype("f4"), 5)
for t in (5, 7, 11, 12, 15):
    call("Arange", 1.0, 10.0, 2.5, t)
    call("Arange", 5.0, 0.0, -1.0, t)
call("ArangeObj", 1, 5, 2, None)
call("ArangeObj", 1, 5, 2, np.dtype("f4"))
with tempfile.TemporaryDirectory() as folder:
    for sep in ("", ",", " "):
        try:
            print("files", show(probe.files(np.arange(5.0), os.path.join(folder, "x"), np.dtype("f8"), sep)))
        except Exception as e:
            print("files", type(e).__name__, e)

call("GetField", record, np.dtype("i4"), 0)
call("GetField", record, np.dtype("f8"), 4)
call("GetField", record, np.dtype("f8"), 400)
copy = record.copy()
call("SetField", copy, np.dtype("i4"), 0, 9)
print(show(copy))
call("Resize", np.arange(4), (2, 3))
call("PutTo", ints.copy(), [5, 6], [0, 3], 2)
call("PutTo", ints.copy(), [5, 6], [0, 30], 2)
call("PutTo", ints.copy(), [5, 6], [0, 30], 0)
copy = ints.copy()
call("PutMask", copy, [0], copy > 3)
print(show(copy))
call("Choose", np.array([0, 1, 1]), [[1, 2, 3], [4, 5, 6]], 2)
call("Choose", np.array(1), [[1, 2, 3], [4, 5, 6]], 2)
for side in (0, 1):
    call("SearchSorted", np.array([1, 2, 2, 3]), [2, 0, 9], side)
    call("SearchSorted", np.array([1, 2, 2, 3]), 2, side)
call("SearchSorted", np.array([3, 1, 2]), [2], 0, np.array([1, 2, 0]))
copy = ints.copy()
call("Partition", copy, np.array(1), 1)
print(sorted(copy[0][:2]))
call("ArgPartition", np.array([3, 1, 2]), np.array(0), 0)
call("Reshape", ints, (3, 2))
call("Reshape", ints, (4, 2))
call("Newshape", ints, (3, 2), 1)
call("Newshape", ints, (5, -1), 0)
call("Transpose", base, (1, 0))
call("Transpose", base, (1, 1))
call("Transpose", base, (0,))
call("SwapAxes", base, 0, 1)
call("SwapAxes", base, 0, 5)
call("Trace", base, 0, 0, 1, NO_TYPE)
call("Trace", base, 1, 0, 1, 7)
call("Diagonal", base, 1, 0, 1)
for axis in (0, 1, RAVEL):
    call("Concatenate", [base, base], axis)
call("Concatenate", [], 0)
call("Concatenate", [base, ints], 0)
for name in ("InnerProduct", "MatrixProduct"):
    call(name, [1, 2, 3], [4, 5, 6.5])
    call(name, base, base.T if name == "MatrixProduct" else base)
    call(name, 2, 3)
    call(name, [1, 2], [1, 2, 3])
call("MatrixProduct2", base, base.T, np.zeros((3, 3)))
call("MatrixProduct2", base, base.T, np.zeros((3, 2)))
for mode in (0, 1, 2):
    call("Correlate", [1, 2, 3, 4.0], [1, 0.5j], mode)
    call("Correlate2", [1, 2, 3, 4.0], [1, 0.5j], mode)
call("Where", ints > 2)
call("Where", ints > 2, ints, 0)
call("LexSort", [[1, 1, 0], [2, 1, 3]], 0)
call("EinsteinSum", "ij,kj->ik", base, base)
call("EinsteinSum", "i,i", np.arange(3), np.arange(3))
call("Sum", base, 0, NO_TYPE, np.zeros(4))
call("Max", base, 1, np.zeros(3))

owner = np.arange(6)
view = probe.NewFromData(0x501, 0)
call("SetBaseObject", view, owner[1:][1:])
print(view.base is owner, type(view.base))
call("SetBaseObject", view, owner)
fresh = probe.NewFromData(0x501, 0)
call("SetBaseObject", fresh, fresh)
call("SetBaseObject", fresh, "text")
print(fresh.base)
call("owned_memory")
for dst, src in ((np.zeros((2, 3)), ints), (np.zeros(3), ints), (np.zeros((2, 2)), ints), (np.zeros(2, "i4"), np.array([1.5, 2])), (objects.copy(), "x")):
    call("CopyInto", dst, np.asarray(src))
    print(show(dst))
    call("CopyObject", dst, src)
    print(show(dst))
call("CopyAnyInto", np.zeros((3, 2)), ints)
call("CopyAnyInto", np.zeros((3, 3)), ints)
locked = np.arange(3)
locked.flags.writeable = False
call("FailUnlessWriteable", locked)
call("CopyInto", locked, locked)
call("CopyObject", locked, 1)
call("FillWithScalar", locked, 1)
for resolve in (1, 0):
    target = np.arange(3)
    call("writeback", target, resolve)
    print(show(target))
call("writeback", locked, 1)
for shape, strides in (((2, 3), (24, 8)), ((2, 3), (8, 24)), ((2, 3), (-24, 8)), ((0,), (8,)), ((2, 3), (24, 9))):
    call("CheckStrides", 8, 48, 0, shape, strides)
    call("CheckStrides", 8, 0, 0, shape, strides)
    call("CheckStrides", 8, 48, 24, shape, strides)
for mask in (0x1, 0x2, 0x100, 0x103):
    call("UpdateFlags", np.zeros((2, 3)), mask)
call("strides_perm", (8, 24, -32, 8))
call("RemoveAxes", np.zeros((2, 1, 3)), 1)
for nd, arr in ((1, np.arange(3)), (2, base), (3, np.arange(24).reshape(2, 3, 4)), (2, np.arange(3)), (4, base)):
    call("AsCArray", arr, nd)
call("GetPtr", base, 2, 1)
marker = object()
slots = np.array([marker, None], object)
call("INCREF", slots)
import gc
before = probe.refs(marker)
copies = [probe.NewCopy(slots, 0), probe.Zeros(np.dtype(object), (2,), 0), probe.CastToType(slots, np.dtype("O"), 0), probe.Scalar(slots[:1].reshape(())), probe.GETITEM(slots, 0)]
probe.SETITEM(copies[1], 0, marker)
probe.CopyInto(copies[1], slots)
print("references", probe.refs(marker) - before)
del copies
gc.collect()
print("references", probe.refs(marker) - before)
descr = np.dtype([("x", "f8")])
before = probe.refs(descr)
for _ in range(10):
    probe.NewFromDescr(descr, (2,), 0, np.ndarray)
    probe.FromArray(base[:, 0], np.dtype("f4"), 0x10)
    try:
        probe.FromArray(base, descr, 0)
    except TypeError:
        pass
    try:
        probe.NewFromDescr(descr, (-2,), 0, np.ndarray)
    except ValueError:
        pass
    probe.Zeros(descr, (2,), 0)
    probe.View(np.zeros(2), descr)
print("references", probe.refs(descr) - before)

call("IterGoto", base[:, ::-1], 5)
call("IterNew", [1])
call("BroadcastToShape", np.arange(4), (3, 4))
call("BroadcastToShape", np.arange(4), (3, 5))
for name in ("MultiIterNew", "MultiIterNew8", "MultiIterFromObjects", "RemoveSmallest"):
    call(name, base, np.arange(4))
    call(name, np.arange(3)[:, None], np.arange(2))
    call(name, np.arange(3), np.arange(2))
call("Broadcast", np.arange(3)[:, None], np.arange(2))
call("Broadcast", np.arange(3), np.arange(2))
for mode in range(5):
    call("Neighborhood", base, mode)
for a, b in ((base, np.arange(4.0)), (base.T, base.T), (base, base[::-1]), (base, np.arange(4)), (base.astype("f4"), base), (np.zeros((0, 2)), np.zeros(2)), (base, np.zeros(3))):
    for flags in (0, 0x200, 0x200 | 0x400, 0x40):
        for order in (-1, 0, 1, 2):
            call("nditer", a, b, flags, order, 2, 0 if order else 5)
for a in (base, base.T, base[::-1]):
    for to in (0, 1, 9):
        call("nditer_index", a, to)
for lo, hi in ((0, 12), (3, 7), (5, 5), (7, 3), (0, 13)):
    if lo != hi:
        call("nditer_range", base, lo, hi)

for value in (0, 1, -1, 12345, -98765, 2**40, -2**63):
    for unit in (0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14):
        call("date_fields", value, unit, 1)
    call("date_fields", value, 7, 25)
for text in ("2020", "2020-02", "2020-02-03", "2020-02-03T04:05:06.789", "NaT", "", "junk", "2020-13", "-0044-03-15"):
    for unit in (-1, 0, 4, 7, 10):
        call("date_text", text, unit)
call("date_object", datetime.datetime(2001, 2, 3, 4, 5, 6, 7))

for two in (0, 1):
    u = probe.ufunc(two)
    print(u, u.types, u.nin, u.nout, u.__doc__)
    for dt in ("e", "f", "d", "g", "F", "D", "G", "O", "i4"):
        x = np.arange(1, 5).astype(dt)
        for y in (x, x[::2], np.append(x, x)[::3]):
            try:
                print(dt, show(u(y, y) if two else u(y)))
            except Exception as e:
                print(dt, type(e).__name__, e)
for x in (0.0, 1.0):
    call("fperr", x)
call("TypeResolver", np.add, base, 3)
call("TypeResolver", np.add, ints, 0)
for name in ("add", "multiply", "maximum"):
    for x in (np.arange(1, 12), np.arange(30)[::3], np.arange(12).reshape(3, 4).T):
        call("ReplaceLoop", getattr(np, name), x)
