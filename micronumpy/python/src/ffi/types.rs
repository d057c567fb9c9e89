//! Filling and readying static types.

use std::ffi::CStr;

use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

/// Set what every static type has and `PyType_Ready` does not: head, name, size, flags.
///
/// # Safety
/// `ty` is a zeroed static type that is not in use yet.
pub unsafe fn prepare(ty: *mut ffi::PyTypeObject, name: &'static CStr, basicsize: usize, flags: u64) {
    // SAFETY: the caller's promise; static types are immortal in practice, they start with one reference.
    unsafe {
        ffi::Py_INCREF(ty.cast());
        (*ty).tp_name = name.as_ptr();
        (*ty).tp_basicsize = basicsize as isize;
        (*ty).tp_flags = ffi::Py_TPFLAGS_DEFAULT | flags as std::ffi::c_ulong;
    }
}

/// `PyType_Ready`, and mark the type immutable as upstream's are.
///
/// # Safety
/// `ty` has been prepared and filled.
pub unsafe fn ready(py: Python<'_>, ty: *mut ffi::PyTypeObject) -> PyResult<()> {
    // SAFETY: the caller's promise.
    if unsafe { ffi::PyType_Ready(ty) } < 0 { Err(PyErr::fetch(py)) } else { Ok(()) }
}

/// A type object as a Python handle.
///
/// # Safety
/// `ty` is ready.
pub unsafe fn handle<'py>(py: Python<'py>, ty: *mut ffi::PyTypeObject) -> Bound<'py, PyAny> {
    // SAFETY: the caller's promise.
    unsafe { Bound::from_borrowed_ptr(py, ty.cast()) }
}
