//! What instructions do, by family. Each shows the frame before it may run foreign code, has its effect, and then drops
//! what it consumed.

mod arithmetic;
mod build;
mod calls;
mod control;
mod handle;
mod items;
mod names;
mod raise;
mod unpack;

use pyo3::ffi;

/// An exact `int` or `float`: its operators run no foreign code and warn of nothing.
///
/// # Safety
/// A live object.
#[inline]
unsafe fn is_number(object: *mut ffi::PyObject) -> bool {
    // SAFETY: by contract.
    let kind = unsafe { ffi::Py_TYPE(object) };
    kind == &raw mut ffi::PyLong_Type || kind == &raw mut ffi::PyFloat_Type
}

/// An exact `int`, `float` or `complex`.
///
/// # Safety
/// A live object.
#[inline]
unsafe fn is_weak(object: *mut ffi::PyObject) -> bool {
    // SAFETY: by contract.
    unsafe { is_number(object) || ffi::Py_TYPE(object) == &raw mut ffi::PyComplex_Type }
}
