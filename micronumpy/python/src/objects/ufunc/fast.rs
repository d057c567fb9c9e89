//! Small calls: exact arrays and Python numbers, one shape, no keywords.

use pyo3::ffi;
use pyo3::prelude::*;

/// What earlier calls of a ufunc found out.
pub struct Cache;

impl Cache {
    pub fn new() -> Cache {
        Cache
    }
    pub fn clear(&self) {}
}

/// Run a call if it is simple enough: a new reference, or `None` when the general path has to do it.
///
/// # Safety
/// A ufunc and `nargs` arguments by the vectorcall protocol.
pub unsafe fn try_call(
    _py: Python<'_>,
    _callable: *mut ffi::PyObject,
    _args: *const *mut ffi::PyObject,
    _nargs: usize,
) -> PyResult<Option<*mut ffi::PyObject>> {
    Ok(None)
}
