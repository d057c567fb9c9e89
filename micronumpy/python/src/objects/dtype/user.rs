//! Types registered at run time by compiled extensions in the old way: a descriptor with a table of functions
//! (`PyArray_RegisterDataType`), a type number, casts one by one.

use std::ffi::{CStr, CString};
use std::mem::size_of;
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};

use micronumpy::dtype::flags;
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::class::Table;
use super::{DESCR_TYPE, DTYPEMETA_TYPE, classes};
use crate::abi::*;
use crate::error::missing;
use crate::ffi::guard::owned;
use crate::ffi::types;
use crate::objects::Descr;

/// Descriptors of user types, by type number from [`TypeNum::USERDEF`] on. They are never freed.
static USER: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// How many there are, where compiled code reads it.
static COUNT: AtomicI32 = AtomicI32::new(0);

/// The address of the number of user types.
pub fn count() -> *mut i32 {
    COUNT.as_ptr()
}

/// The descriptor of a user type number.
pub fn descr_of_num<'py>(py: Python<'py>, num: TypeNum) -> Option<Descr<'py>> {
    let at = usize::try_from(num.0 - TypeNum::USERDEF).ok()?;
    let ptr = *USER.lock().ok()?.get(at)? as *mut ffi::PyObject;
    // SAFETY: registered descriptors live as long as the process.
    Some(Descr(unsafe { Bound::from_borrowed_ptr(py, ptr) }))
}

/// The descriptor whose scalar class is exactly this one.
pub fn descr_of_class<'py>(py: Python<'py>, class: *mut ffi::PyTypeObject) -> Option<Descr<'py>> {
    let all = USER.lock().ok()?;
    // SAFETY: registered descriptors live as long as the process.
    all.iter().find(|&&p| unsafe { (*(p as *mut PyArray_Descr)).typeobj == class }).map(|&p| {
        // SAFETY: as above.
        Descr(unsafe { Bound::from_borrowed_ptr(py, p as *mut ffi::PyObject) })
    })
}

/// The descriptor of a user dtype value.
pub(super) fn descr_of<'py>(py: Python<'py>, dt: &Dtype) -> PyResult<Descr<'py>> {
    let descr = descr_of_num(py, dt.num).ok_or_else(|| missing(&format!("type number {}", dt.num.0)))?;
    if dt.byteorder == micronumpy::dtype::SWAPPED {
        return super::fields::with_byteorder(&descr, dt.byteorder);
    }
    Ok(descr)
}

/// `PyArray_RegisterDataType`: take in a new type and give it a number and a DType class.
///
/// # Safety
/// A filled struct of that type; its table of functions lives as long as the process.
pub unsafe fn register(py: Python<'_>, proto: *mut PyArray_DescrProto) -> PyResult<TypeNum> {
    // SAFETY: the caller's promise.
    let p = unsafe { &mut *proto };
    if descr_of_num(py, TypeNum(p.type_num)).is_some() {
        return Ok(TypeNum(p.type_num));
    }
    p.type_num = -1;
    if p.elsize == 0 {
        return Err(PyValueError::new_err("cannot register a flexible data-type"));
    }
    // SAFETY: null or the table.
    let functions = unsafe { p.f.as_ref() };
    if !functions.is_some_and(|f| f.copyswap.is_some() && f.getitem.is_some() && f.setitem.is_some()) {
        return Err(PyValueError::new_err("a required array function is missing."));
    }
    if p.typeobj.is_null() {
        return Err(PyValueError::new_err("missing typeobject"));
    }
    // SAFETY: a type object.
    let scalar = unsafe { types::handle(py, p.typeobj) };
    if u64::from(p.flags) & (flags::ITEM_IS_POINTER | flags::ITEM_REFCOUNT) != 0 {
        // References are only counted where fields say that there are some.
        // SAFETY: null or objects.
        let (names, fields) = unsafe {
            (Bound::from_borrowed_ptr_or_opt(py, p.names), Bound::from_borrowed_ptr_or_opt(py, p.fields))
        };
        let names = names.is_some_and(|n| n.is_exact_instance_of::<PyTuple>());
        if !names || !fields.is_some_and(|f| f.is_exact_instance_of::<PyDict>()) {
            return Err(PyValueError::new_err(format!(
                "Failed to register dtype for {}: Legacy user dtypes using `NPY_ITEM_IS_POINTER` or \
                 `NPY_ITEM_REFCOUNT` are unsupported.  It is possible to create such a dtype only if it is a structured \
                 dtype with names and fields hardcoded at registration time.\nPlease contact the NumPy developers if this \
                 used to work but now fails.",
                scalar.str()?
            )));
        }
    }
    // SAFETY: the type of the struct is null or a type.
    let own = unsafe { (*proto.cast::<ffi::PyObject>()).ob_type };
    // SAFETY: a type is an object.
    let is_class = |ty: *mut ffi::PyTypeObject| unsafe { (*ty.cast::<ffi::PyObject>()).ob_type } == DTYPEMETA_TYPE.as_type();
    if own != DESCR_TYPE.as_type() && (own.is_null() || !is_class(own)) {
        return Err(PyRuntimeError::new_err(format!(
            "During creation/wrapping of legacy DType, the original class was not of PyArrayDescr_Type (it is replaced in \
             this step).  The extension creating a custom DType for type {} must be modified to ensure `Py_TYPE(descr) == \
             &PyArrayDescr_Type` or that of an existing dtype (with the assumption it is just copied over and can be \
             replaced).",
            scalar.repr()?
        )));
    }
    let num = {
        let all = USER.lock().map_err(|_| PyRuntimeError::new_err("the list of user types is unusable"))?;
        TypeNum(TypeNum::USERDEF + all.len() as i32)
    };
    if num.0 >= TypeNum::VSTRING.0 {
        return Err(PyValueError::new_err("Too many user defined dtypes registered"));
    }
    // SAFETY: the caller's promise; the class and the descriptor are fresh.
    let descr = unsafe {
        let class = make_class(py, p.typeobj, num)?;
        (*class).dt_slots = Box::into_raw(Box::new(Table::Old(p.f))).cast();
        let descr = owned(py, ffi::PyType_GenericAlloc(class.cast(), 0))?;
        fill(descr.as_ptr().cast(), p, num);
        (*class).singleton = descr.as_ptr().cast();
        descr.into_ptr()
    };
    if let Ok(mut all) = USER.lock() {
        all.push(descr as usize);
        COUNT.store(all.len() as i32, Ordering::Relaxed);
    }
    p.type_num = num.0;
    Ok(num)
}

/// A class named after the scalar type: `numpy.dtype[rational]`.
///
/// # Safety
/// `scalar` is a type.
unsafe fn make_class(
    py: Python<'_>,
    scalar: *mut ffi::PyTypeObject,
    num: TypeNum,
) -> PyResult<*mut PyArray_DTypeMeta> {
    // SAFETY: the caller's promise; classes live as long as the process, and so does what they point to.
    unsafe {
        let full = CStr::from_ptr((*scalar).tp_name).to_string_lossy().into_owned();
        let short = full.rsplit('.').next().unwrap_or(&full);
        let name: &'static CStr =
            Box::leak(CString::new(format!("numpy.dtype[{short}]"))?.into_boxed_c_str());
        let class: *mut PyArray_DTypeMeta = Box::into_raw(Box::new(std::mem::zeroed()));
        let root = DESCR_TYPE.as_type();
        classes::prepare(class, name, root, size_of::<PyArray_LegacyDescr>(), NPY_DT_LEGACY, num.0, scalar);
        (*class.cast::<ffi::PyTypeObject>()).tp_new = Some(crate::callfunc!(new super::new::legacy_new));
        types::ready(py, class.cast())?;
        Ok(class)
    }
}

/// Copy what the struct says into a fresh descriptor.
///
/// # Safety
/// A zeroed descriptor of a legacy class.
unsafe fn fill(descr: *mut PyArray_LegacyDescr, p: &PyArray_DescrProto, num: TypeNum) {
    // SAFETY: the caller's promise; what is shared gets one more reference.
    unsafe {
        let full = &mut *descr;
        let d = &mut full.base;
        d.typeobj = p.typeobj;
        ffi::Py_INCREF(d.typeobj.cast());
        (d.kind, d.type_, d.byteorder) = (p.kind, p.type_, p.byteorder);
        d.flags = u64::from(p.flags);
        d.type_num = num.0;
        (d.elsize, d.alignment) = (p.elsize as isize, p.alignment as isize);
        d.hash = -1;
        d.metadata = p.metadata;
        ffi::Py_XINCREF(d.metadata);
        (full.fields, full.names) = (p.fields, p.names);
        ffi::Py_XINCREF(full.fields);
        ffi::Py_XINCREF(full.names);
        full.subarray = null_mut();
        full.c_metadata = null_mut();
    }
}
