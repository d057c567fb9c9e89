//! The type `numpy.ufunc` and its objects.
//!
//! A ufunc object is numpy's C struct with our [`Ufunc`] behind its `ptr` field. The struct's public fields are filled so
//! that extensions can read them; nothing here reads them back.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::{offset_of, size_of};
use std::ptr::{null, null_mut};

use micronumpy::ufunc::Ufunc;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use ufuncs::{Identity, TypeNum};

use super::compiled::{OldLoops, take_added};
use super::dispatch::Entry;
use super::fast::Cache;
use super::{at, call, dtypes_api, reduce};
use crate::abi::*;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::{fastcall, getset, unaryfunc};

pub static UFUNC_TYPE: StaticType = StaticType::zeroed();

/// What a ufunc object owns besides its C struct.
pub struct UfuncData {
    pub core: RefCell<Ufunc>,
    pub cache: Cache,
    /// Loops and promoters of user DTypes.
    pub entries: RefCell<Vec<Entry>>,
    /// Compiled code's loops over positions, by the types of loops in the list.
    pub indexed: RefCell<Vec<(Vec<TypeNum>, StridedLoop)>>,
    /// Backing store of the struct's `name`, `types` and core arrays.
    name: CString,
    types: RefCell<Vec<u8>>,
    doc: RefCell<Option<CString>>,
    core_num_dims: Vec<c_int>,
    core_offsets: Vec<c_int>,
    core_dim_ixs: Vec<c_int>,
    core_dim_sizes: Vec<isize>,
    core_dim_flags: Vec<u32>,
    core_text: Option<CString>,
    op_flags: Vec<u32>,
    /// Loops of compiled code, which `core` has addresses of.
    pub(super) old_loops: OldLoops,
    /// Counts changes of the list of loops, so that cached resolutions can be dropped.
    pub version: Cell<u32>,
}

const UFUNC_CORE_DIM_SIZE_INFERRED: u32 = 2;
const UFUNC_CORE_DIM_CAN_IGNORE: u32 = 4;

/// A handle on a ufunc object.
#[derive(Clone)]
pub struct UfuncRef<'py>(pub Bound<'py, PyAny>);

impl<'py> UfuncRef<'py> {
    pub fn cast(obj: &Bound<'py, PyAny>) -> Option<UfuncRef<'py>> {
        is_ufunc(obj).then(|| UfuncRef(obj.clone()))
    }
    /// A handle on a ufunc whose loops are wanted: compiled code may have written more of them into the struct.
    pub fn with_loops(obj: &Bound<'py, PyAny>) -> UfuncRef<'py> {
        let uf = UfuncRef(obj.clone());
        take_added(&uf);
        uf
    }
    pub fn py(&self) -> Python<'py> {
        self.0.py()
    }
    pub fn raw(&self) -> *mut PyUFuncObject {
        self.0.as_ptr().cast()
    }
    pub fn data(&self) -> &UfuncData {
        // SAFETY: every ufunc object has its data from creation to deallocation, and the handle keeps it alive.
        unsafe { &*(*self.raw()).dispatch_cache.cast::<UfuncData>() }
    }
    pub fn nin(&self) -> usize {
        // SAFETY: live object.
        unsafe { (*self.raw()).nin as usize }
    }
    pub fn nout(&self) -> usize {
        // SAFETY: live object.
        unsafe { (*self.raw()).nout as usize }
    }
    pub fn nargs(&self) -> usize {
        self.nin() + self.nout()
    }
    pub fn name(&self) -> String {
        self.data().core.borrow().name.to_string()
    }
    pub fn is_generalized(&self) -> bool {
        // SAFETY: live object.
        unsafe { (*self.raw()).core_enabled != 0 }
    }
}

/// `isinstance(obj, numpy.ufunc)`
pub fn is_ufunc(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: live object, ready type.
    unsafe { ffi::PyObject_TypeCheck(obj.as_ptr(), UFUNC_TYPE.as_type()) != 0 }
}

static METHODS: Methods<9> = Methods::new([
    fastcall!(c"reduce", reduce::reduce),
    fastcall!(c"accumulate", reduce::accumulate),
    fastcall!(c"reduceat", reduce::reduceat),
    fastcall!(c"outer", call::outer),
    fastcall!(c"at", at::at),
    fastcall!(c"resolve_dtypes", dtypes_api::resolve_dtypes),
    fastcall!(c"_resolve_dtypes_and_context", dtypes_api::resolve_dtypes_and_context),
    fastcall!(c"_get_strided_loop", dtypes_api::get_strided_loop),
    END,
]);

static GETSETS: GetSets<11> = GetSets::new([
    getset!(c"__dict__", get_dict),
    getset!(c"__doc__", get_doc, set_doc),
    getset!(c"__name__", get_name),
    getset!(c"nin", get_nin),
    getset!(c"nout", get_nout),
    getset!(c"nargs", get_nargs),
    getset!(c"ntypes", get_ntypes),
    getset!(c"types", get_types),
    getset!(c"identity", get_identity),
    getset!(c"signature", get_signature),
    GETSET_END,
]);

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = UFUNC_TYPE.as_type();
    let descriptor = py.import("numpy._globals")?.getattr("_signature_descriptor")?;
    let dict = PyDict::new(py);
    dict.set_item("__signature__", descriptor)?;
    // SAFETY: static, not in use yet.
    unsafe {
        types::prepare(
            ty,
            c"numpy.ufunc",
            size_of::<PyUFuncObject>(),
            ffi::Py_TPFLAGS_HAVE_GC
                | ffi::Py_TPFLAGS_HAVE_VECTORCALL
                | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION,
        );
        (*ty).tp_dict = dict.into_ptr();
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_traverse = Some(traverse);
        (*ty).tp_vectorcall_offset = offset_of!(PyUFuncObject, vectorcall) as isize;
        (*ty).tp_call = Some(ffi::PyVectorcall_Call);
        (*ty).tp_dictoffset = offset_of!(PyUFuncObject, dict) as isize;
        (*ty).tp_repr = Some(unaryfunc!(repr));
        (*ty).tp_str = Some(unaryfunc!(repr));
        (*ty).tp_getattro = Some(ffi::PyObject_GenericGetAttr);
        (*ty).tp_setattro = Some(ffi::PyObject_GenericSetAttr);
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

/// Make a ufunc object. `obj` is kept alive with it; `identity` is the reduction identity when it is a Python value.
pub fn make<'py>(
    py: Python<'py>,
    core: Ufunc,
    doc: Option<CString>,
    obj: Option<Bound<'py, PyAny>>,
    identity: Option<Bound<'py, PyAny>>,
) -> PyResult<UfuncRef<'py>> {
    let name = CString::new(core.name.as_bytes())?;
    let mut data = UfuncData {
        cache: Cache::default(),
        entries: RefCell::new(vec![]),
        indexed: RefCell::new(vec![]),
        name,
        types: RefCell::new(vec![]),
        doc: RefCell::new(doc),
        core_num_dims: vec![],
        core_offsets: vec![],
        core_dim_ixs: vec![],
        core_dim_sizes: vec![],
        core_dim_flags: vec![],
        core_text: None,
        op_flags: vec![0; core.nargs()],
        old_loops: OldLoops::default(),
        version: Cell::new(0),
        core: RefCell::new(core),
    };
    {
        let core = data.core.borrow();
        if let Some(sig) = &core.core {
            let mut offset = 0;
            for dims in &sig.operands {
                data.core_num_dims.push(dims.len() as c_int);
                data.core_offsets.push(offset);
                data.core_dim_ixs.extend(dims.iter().map(|&i| i as c_int));
                offset += dims.len() as c_int;
            }
            for d in &sig.dims {
                data.core_dim_sizes.push(d.size.unwrap_or(-1));
                data.core_dim_flags.push(
                    if d.size.is_none() { UFUNC_CORE_DIM_SIZE_INFERRED } else { 0 }
                        | if d.optional { UFUNC_CORE_DIM_CAN_IGNORE } else { 0 },
                );
            }
            data.core_text = CString::new(sig.text.as_str()).ok();
        }
    }
    let data = Box::new(data);
    // SAFETY: a GC allocation of the ready type; all fields after the head are zeroed and then set.
    unsafe {
        let ptr: *mut PyUFuncObject = ffi::PyObject_GC_New(UFUNC_TYPE.as_type());
        if ptr.is_null() {
            return Err(PyErr::fetch(py));
        }
        let head = size_of::<ffi::PyObject>();
        ptr.cast::<u8>().add(head).write_bytes(0, size_of::<PyUFuncObject>() - head);
        let uf = &mut *ptr;
        {
            let core = data.core.borrow();
            uf.nin = core.nin as c_int;
            uf.nout = core.nout as c_int;
            uf.nargs = (core.nin + core.nout) as c_int;
            uf.identity = identity_code(core.identity, identity.is_some());
            // Without any core dimension it is a plain ufunc.
            uf.core_enabled = c_int::from(core.core.as_ref().is_some_and(|s| !s.dims.is_empty()));
            uf.core_num_dim_ix = core.core.as_ref().map_or(0, |s| s.dims.len()) as c_int;
        }
        uf.name = data.name.as_ptr();
        uf.doc = data.doc.borrow().as_ref().map_or(null(), |d| d.as_ptr());
        uf.core_num_dims = data.core_num_dims.as_ptr().cast_mut();
        uf.core_offsets = data.core_offsets.as_ptr().cast_mut();
        uf.core_dim_ixs = data.core_dim_ixs.as_ptr().cast_mut();
        uf.core_dim_sizes = data.core_dim_sizes.as_ptr().cast_mut();
        uf.core_dim_flags = data.core_dim_flags.as_ptr().cast_mut();
        uf.core_signature = data.core_text.as_ref().map_or(null_mut(), |s| s.as_ptr().cast_mut());
        uf.obj = obj.map_or(null_mut(), Bound::into_ptr);
        uf.identity_value = identity.map_or(null_mut(), Bound::into_ptr);
        // Compiled code writes here what it wants of its operands.
        uf.op_flags = data.op_flags.as_ptr().cast_mut();
        uf.dict = PyDict::new(py).into_ptr();
        uf.vectorcall = Some(call::vectorcall);
        uf.dispatch_cache = Box::into_raw(data).cast();
        ffi::PyObject_GC_Track(ptr.cast());
        let uf = UfuncRef(Bound::from_owned_ptr(py, ptr.cast()));
        loops_changed(&uf);
        Ok(uf)
    }
}

/// Bring the struct's `types` and `ntypes` up to date with the list of loops. Those of a ufunc that compiled code made are
/// its maker's, who may free them when the ufunc dies.
pub fn loops_changed(uf: &UfuncRef<'_>) {
    let data = uf.data();
    data.version.set(data.version.get() + 1);
    data.cache.clear();
    let core = data.core.borrow();
    let listed: Vec<_> = core.loops.iter().filter(|l| is_listed(l)).collect();
    *data.types.borrow_mut() =
        listed.iter().flat_map(|l| l.def.types.iter().map(|t| t.0 as u8)).collect::<Vec<u8>>();
    // SAFETY: live object; the vector is kept with it.
    unsafe {
        if !(*uf.raw()).functions.is_null() {
            return;
        }
        (*uf.raw()).ntypes = listed.len() as c_int;
        (*uf.raw()).types = data.types.borrow().as_ptr().cast();
    }
}

/// Loops that `types` shows: those over builtin types.
fn is_listed(l: &micronumpy::ufunc::Loop) -> bool {
    l.listed && l.dtypes.is_none() && l.def.types.iter().all(|t| t.0 < 24)
}

fn identity_code(identity: Identity, value: bool) -> c_int {
    if value {
        return PyUFunc_IdentityValue;
    }
    match identity {
        Identity::None => PyUFunc_None,
        Identity::ReorderableNone => PyUFunc_ReorderableNone,
        Identity::Zero => PyUFunc_Zero,
        Identity::One => PyUFunc_One,
        Identity::MinusOne => PyUFunc_MinusOne,
        Identity::NegInf | Identity::True | Identity::False => PyUFunc_IdentityValue,
    }
}

/// The identity as a Python object, `None` when there is none; the flag says whether axes may be reordered.
pub fn identity_object<'py>(uf: &UfuncRef<'py>) -> PyResult<(Option<Bound<'py, PyAny>>, bool)> {
    let py = uf.py();
    // SAFETY: live object; the field is null or an object.
    let value = unsafe { Bound::from_borrowed_ptr_or_opt(py, (*uf.raw()).identity_value) };
    if let Some(v) = value {
        return Ok((Some(v), true));
    }
    let int = |n: i64| -> PyResult<_> { Ok((Some(n.into_pyobject(py)?.into_any()), true)) };
    let boolean =
        |b: bool| -> PyResult<_> { Ok((Some(pyo3::types::PyBool::new(py, b).to_owned().into_any()), true)) };
    match uf.data().core.borrow().identity {
        Identity::None => Ok((None, false)),
        Identity::ReorderableNone => Ok((None, true)),
        Identity::Zero => int(0),
        Identity::One => int(1),
        Identity::MinusOne => int(-1),
        Identity::NegInf => Ok((Some(f64::NEG_INFINITY.into_pyobject(py)?.into_any()), true)),
        Identity::True => boolean(true),
        Identity::False => boolean(false),
    }
}

unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: CPython passes a ufunc that nobody refers to any more; its data came from `Box::into_raw`; what compiled code
    // leaves in `ptr` is for us to free, by numpy's allocator for such things.
    unsafe {
        let uf = slf.cast::<PyUFuncObject>();
        ffi::PyObject_GC_UnTrack(slf.cast());
        for field in [(*uf).obj, (*uf).identity_value, (*uf).userloops, (*uf).dict, (*uf).loops] {
            ffi::Py_XDECREF(field);
        }
        if !(*uf).dispatch_cache.is_null() {
            drop(Box::from_raw((*uf).dispatch_cache.cast::<UfuncData>()));
        }
        ffi::PyMem_RawFree((*uf).ptr);
        ffi::PyObject_GC_Del(slf.cast());
    }
}

unsafe extern "C" fn traverse(slf: *mut ffi::PyObject, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: CPython passes a live ufunc and a valid visitor.
    unsafe {
        let uf = slf.cast::<PyUFuncObject>();
        for field in [(*uf).obj, (*uf).identity_value, (*uf).dict] {
            if !field.is_null() {
                let code = visit(field, arg);
                if code != 0 {
                    return code;
                }
            }
        }
    }
    0
}

fn repr<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyString::new(slf.py(), &format!("<ufunc '{}'>", UfuncRef(slf.clone()).name())).into_any())
}

fn get_name<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyString::new(slf.py(), &UfuncRef(slf.clone()).name()).into_any())
}

fn instance_dict<'py>(slf: &Bound<'py, PyAny>) -> Bound<'py, PyDict> {
    // SAFETY: `make` gives every ufunc a dict.
    unsafe {
        Bound::from_borrowed_ptr(slf.py(), (*slf.as_ptr().cast::<PyUFuncObject>()).dict).cast_into_unchecked()
    }
}

fn get_dict<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(instance_dict(slf).into_any())
}

fn get_doc<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if let Some(doc) = instance_dict(slf).get_item("__doc__")? {
        return Ok(doc);
    }
    let first = crate::ffi::import::cached(py, "numpy._core._internal", "_ufunc_doc_signature_formatter")?
        .call1((slf,))?;
    match &*UfuncRef(slf.clone()).data().doc.borrow() {
        Some(doc) => {
            let text = format!("{}\n\n{}", first.extract::<String>()?, doc.to_string_lossy());
            Ok(PyString::new(py, &text).into_any())
        }
        None => Ok(first),
    }
}

fn set_doc(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match value {
        Some(v) => instance_dict(slf).set_item("__doc__", v),
        None => instance_dict(slf).del_item("__doc__"),
    }
}

fn get_nin<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(UfuncRef(slf.clone()).nin().into_pyobject(slf.py())?.into_any())
}

fn get_nout<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(UfuncRef(slf.clone()).nout().into_pyobject(slf.py())?.into_any())
}

fn get_nargs<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(UfuncRef(slf.clone()).nargs().into_pyobject(slf.py())?.into_any())
}

fn get_ntypes<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: live object.
    let n = unsafe { (*slf.as_ptr().cast::<PyUFuncObject>()).ntypes };
    Ok(n.into_pyobject(slf.py())?.into_any())
}

fn get_types<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let uf = UfuncRef::with_loops(slf);
    let core = uf.data().core.borrow();
    let rows = core.loops.iter().filter(|l| is_listed(l)).map(|l| {
        let mut text: String = l.def.types.iter().map(|t| t.char().map_or('?', char::from)).collect();
        text.insert_str(core.nin, "->");
        text
    });
    Ok(PyList::new(slf.py(), rows.collect::<Vec<_>>())?.into_any())
}

fn get_identity<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let (value, _) = identity_object(&UfuncRef(slf.clone()))?;
    Ok(value.unwrap_or_else(|| slf.py().None().into_bound(slf.py())))
}

fn get_signature<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let uf = UfuncRef(slf.clone());
    let core = uf.data().core.borrow();
    Ok(match &core.core {
        Some(sig) => PyString::new(slf.py(), &sig.text).into_any(),
        None => slf.py().None().into_bound(slf.py()),
    })
}

/// `_add_newdoc_ufunc(ufunc, docstring)`
pub fn add_newdoc(uf: &UfuncRef<'_>, text: &str) -> PyResult<()> {
    let data = uf.data();
    if data.doc.borrow().is_some() {
        return Err(pyo3::exceptions::PyValueError::new_err(
            "Cannot change docstring of ufunc with non-NULL docstring",
        ));
    }
    let text = CString::new(text).map_err(|_| PyTypeError::new_err("docstring contains a null character"))?;
    // SAFETY: live object; the string is kept with it and not moved.
    unsafe { (*uf.raw()).doc = text.as_ptr() };
    *data.doc.borrow_mut() = Some(text);
    Ok(())
}

/// A C string field as text.
///
/// # Safety
/// Null or a valid C string.
pub unsafe fn text_of(p: *const c_char) -> Option<CString> {
    // SAFETY: the caller's promise.
    (!p.is_null()).then(|| unsafe { CStr::from_ptr(p) }.to_owned())
}
