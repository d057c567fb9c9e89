//! `numpy.generic` and everything below it; elements to Python objects and back.

pub mod types;

use pyo3::ffi;
use pyo3::prelude::*;

use super::Descr;
use crate::error::missing;
pub use types::{GENERIC, SCALARS, concrete, typenum_of_class, typenum_of_subclass};

/// Scalars own nothing but their memory (void and object scalars have their own version).
unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone.
    unsafe {
        if let Some(free) = (*ffi::Py_TYPE(slf)).tp_free {
            free(slf.cast());
        }
    }
}

/// Ready the scalar types.
pub fn init(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the module is initialised once.
    unsafe {
        types::init(py, |ty, num| {
            if num.is_none() {
                (*ty).tp_dealloc = Some(dealloc);
            }
            Ok(())
        })
    }
}

/// The numpy scalar of the element at `data` (numpy's `PyArray_Scalar`): a copy, except for structured void scalars, which
/// are views that keep `base` alive. Object elements give the object itself. Bytes may be unaligned and swapped.
///
/// # Safety
/// `data` points to one element of `descr`.
pub unsafe fn to_scalar<'py>(
    _descr: &Descr<'py>,
    _data: *const u8,
    _base: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("to_scalar"))
}

/// The plain Python object of the element at `data` (`item()`).
///
/// # Safety
/// `data` points to one element of `descr`.
pub unsafe fn get_item<'py>(_descr: &Descr<'py>, _data: *const u8) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("get_item"))
}

/// Store a Python object (Python or numpy scalar, string, 0-d array, tuple for structs...) as the element at `data`
/// (numpy's `PyArray_Pack`).
///
/// # Safety
/// `data` points to one writable element of `descr`; object slots in it are null or own a reference.
pub unsafe fn set_item<'py>(_descr: &Descr<'py>, _data: *mut u8, _value: &Bound<'py, PyAny>) -> PyResult<()> {
    Err(missing("set_item"))
}

/// The descriptor of a scalar: exact dtype of numpy scalars; of Python bool/int/float/complex/str/bytes/datetime
/// objects the dtype discovery gives (ints: int64, uint64 or object by value); `None` if `obj` is no known scalar.
pub fn descr_of_scalar<'py>(_obj: &Bound<'py, PyAny>) -> PyResult<Option<Descr<'py>>> {
    Err(missing("descr_of_scalar"))
}
