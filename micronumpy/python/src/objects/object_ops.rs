//! What the object space may ask of Python: the operations on object elements.

use micronumpy::object::ObjectOps;
use micronumpy::{Dtype, Result};
use pyo3::exceptions::{PyDeprecationWarning, PyRuntimeWarning, PyUserWarning};
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{PyTypeInfo, ffi};

use super::scalar::{set, value};
use crate::error::to_host_error;
use crate::ffi::import::cached;
use crate::ffi::stack;

/// Run a body that may raise; the exception stays set.
fn host<T>(body: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    // SAFETY: the object space calls these with the GIL held, see `ObjectOps`.
    let py = unsafe { Python::assume_attached() };
    // An object array that contains itself comes back here without passing through a type slot.
    if stack::is_low() {
        return Err(to_host_error(py, stack::used_up()));
    }
    body(py).map_err(|e| to_host_error(py, e))
}

unsafe fn incref(obj: *mut u8) {
    // SAFETY: an object or null.
    unsafe { ffi::Py_XINCREF(obj.cast()) }
}

unsafe fn decref(obj: *mut u8) {
    // SAFETY: an object or null, of which the caller owns a reference.
    unsafe { ffi::Py_XDECREF(obj.cast()) }
}

unsafe fn get(dtype: &Dtype, src: *const u8) -> Result<*mut u8> {
    // SAFETY: one element, says the caller.
    host(|py| unsafe { Ok(value::get_value(py, dtype, src)?.into_ptr().cast()) })
}

/// An object slot that has not been filled reads as None.
unsafe fn borrow<'py>(py: Python<'py>, obj: *mut u8) -> Bound<'py, PyAny> {
    // SAFETY: an object or null.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, obj.cast()).unwrap_or_else(|| py.None().into_bound(py)) }
}

unsafe fn set(dtype: &Dtype, dst: *mut u8, obj: *mut u8) -> Result<()> {
    // SAFETY: one element and an object, says the caller.
    host(|py| unsafe { set::set_value(dtype, dst, &borrow(py, obj)) })
}

unsafe fn truth(obj: *mut u8) -> Result<bool> {
    // SAFETY: an object or null.
    host(|py| unsafe { if obj.is_null() { Ok(false) } else { borrow(py, obj).is_truthy() } })
}

fn compare(a: *mut u8, b: *mut u8, op: i32) -> Result<bool> {
    host(|py| {
        // SAFETY: objects or null.
        let answer =
            unsafe { ffi::PyObject_RichCompareBool(borrow(py, a).as_ptr(), borrow(py, b).as_ptr(), op) };
        if answer < 0 { Err(PyErr::fetch(py)) } else { Ok(answer != 0) }
    })
}

unsafe fn less(a: *mut u8, b: *mut u8) -> Result<bool> {
    compare(a, b, ffi::Py_LT)
}

unsafe fn equal(a: *mut u8, b: *mut u8) -> Result<bool> {
    compare(a, b, ffi::Py_EQ)
}

unsafe fn multiply(a: *mut u8, b: *mut u8) -> Result<*mut u8> {
    // SAFETY: objects or null.
    host(|py| unsafe { Ok(borrow(py, a).mul(borrow(py, b))?.into_ptr().cast()) })
}

unsafe fn add(a: *mut u8, b: *mut u8) -> Result<*mut u8> {
    // SAFETY: objects or null.
    host(|py| unsafe { Ok(borrow(py, a).add(borrow(py, b))?.into_ptr().cast()) })
}

fn warn(category: &str, message: &str) -> Result<()> {
    host(|py| {
        let class: Bound<'_, PyType> = match category {
            "RuntimeWarning" => PyRuntimeWarning::type_object(py),
            "DeprecationWarning" => PyDeprecationWarning::type_object(py),
            "UserWarning" => PyUserWarning::type_object(py),
            name => cached(py, "numpy.exceptions", name)?.cast_into()?,
        };
        let text = std::ffi::CString::new(message)?;
        PyErr::warn(py, &class, &text, 1)
    })
}

fn none() -> *mut u8 {
    // SAFETY: None is immortal for our purposes.
    unsafe { ffi::Py_None().cast() }
}

fn host_cast(_from: &Dtype, _to: &Dtype) -> Option<micronumpy::cast::HostCast> {
    None
}

/// Make the object space able to handle object elements.
pub fn install() {
    micronumpy::object::install(ObjectOps {
        incref,
        decref,
        get,
        set,
        truth,
        less,
        equal,
        multiply,
        add,
        warn,
        none,
        host_cast,
    });
}
