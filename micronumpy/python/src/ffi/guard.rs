//! Nothing unwinds into C: a panic becomes a `SystemError`, an error becomes the exception it is.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PySystemError;
use pyo3::prelude::*;
use pyo3::{PyErr, Python, ffi};

use super::stack;

/// What a C function returns when it failed.
pub trait Failed {
    const FAILED: Self;
}
impl<T> Failed for *mut T {
    const FAILED: Self = std::ptr::null_mut();
}
impl Failed for i32 {
    const FAILED: Self = -1;
}
impl Failed for i64 {
    const FAILED: Self = -1;
}
impl Failed for isize {
    const FAILED: Self = -1;
}
impl Failed for () {
    const FAILED: Self = ();
}
impl Failed for f64 {
    const FAILED: Self = -1.0;
}

/// Run a body that CPython called: the GIL is held, errors and panics become exceptions. It does not start when the stack
/// is nearly used up.
#[inline]
pub fn guard<R: Failed>(body: impl FnOnce(Python<'_>) -> PyResult<R>) -> R {
    cleanup(|py| if stack::is_low() { Err(stack::used_up()) } else { body(py) })
}

/// [`guard`] for a body that has to run however little stack is left, because it gives something back.
#[inline]
pub fn cleanup<R: Failed>(body: impl FnOnce(Python<'_>) -> PyResult<R>) -> R {
    // The GIL is held already. Attaching tells that to pyo3, which otherwise puts off giving back what a `Py` (in a caught
    // error, say) refers to.
    // SAFETY: CPython calls us, so it is there, even if it is shutting down.
    unsafe {
        Python::attach_unchecked(|py| {
            let err = match catch_unwind(AssertUnwindSafe(|| body(py))) {
                Ok(Ok(value)) => return value,
                Ok(Err(err)) => err,
                Err(payload) => panicked(&*payload),
            };
            err.restore(py);
            R::FAILED
        })
    }
}

#[cold]
fn panicked(payload: &(dyn Any + Send)) -> PyErr {
    let text = payload
        .downcast_ref::<&str>()
        .map(|s| s.to_string())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    PySystemError::new_err(format!("internal error in micronumpy: {text}"))
}

/// The result of a C API call that returns a new reference or null.
///
/// # Safety
/// `ptr` is null with an exception set, or a new reference that nobody else gives back.
pub unsafe fn owned<'py>(py: Python<'py>, ptr: *mut ffi::PyObject) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise.
    unsafe { Bound::from_owned_ptr_or_err(py, ptr) }
}

/// A handle on an object somebody else keeps alive for now.
///
/// # Safety
/// `ptr` is a valid object.
pub unsafe fn borrowed<'py>(py: Python<'py>, ptr: *mut ffi::PyObject) -> Bound<'py, PyAny> {
    // SAFETY: the caller's promise.
    unsafe { Bound::from_borrowed_ptr(py, ptr) }
}

/// The result of a C API call that returns -1 with an exception set on failure.
pub fn status(py: Python<'_>, code: i32) -> PyResult<()> {
    if code == -1 { Err(PyErr::fetch(py)) } else { Ok(()) }
}
