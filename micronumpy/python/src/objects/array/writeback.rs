//! Copies that are written back: an array with `WRITEBACKIFCOPY` is a stand-in for its base, which stays locked
//! (not writeable) until the stand-in is resolved or discarded.

use pyo3::ffi;
use pyo3::prelude::*;

use super::flags;
use crate::abi::*;
use crate::objects::Array;

/// Make `arr` the stand-in of `base`: `base` is locked and kept alive.
pub fn install<'py>(arr: &Array<'py>, base: &Array<'py>) -> PyResult<()> {
    if !base.is_writeable() {
        return Err(pyo3::exceptions::PyValueError::new_err("WRITEBACKIFCOPY base is read-only"));
    }
    // SAFETY: both are live; `arr` is new and has no base.
    unsafe {
        flags::set(base, NPY_ARRAY_WRITEABLE, false);
        let old = (*arr.raw()).base;
        (*arr.raw()).base = base.0.clone().into_ptr();
        ffi::Py_XDECREF(old);
        flags::set(arr, NPY_ARRAY_WRITEBACKIFCOPY, true);
    }
    Ok(())
}

/// Copy the contents into the base and let it go. Says whether there was anything to do.
pub fn resolve(arr: &Array<'_>) -> PyResult<bool> {
    let py = arr.py();
    // SAFETY: the base of a stand-in is an array; it is released once.
    unsafe {
        let a = arr.raw();
        if (*a).base.is_null() || !arr.has_flags(NPY_ARRAY_WRITEBACKIFCOPY) {
            return Ok(false);
        }
        let base = Array(Bound::from_owned_ptr(py, (*a).base));
        (*a).base = std::ptr::null_mut();
        flags::set(arr, NPY_ARRAY_WRITEBACKIFCOPY, false);
        flags::set(&base, NPY_ARRAY_WRITEABLE, true);
        super::assign::transfer(py, &base.view(), &arr.view())?;
        Ok(true)
    }
}

/// Let the base go without copying.
pub fn discard(arr: &Array<'_>) {
    // SAFETY: as above.
    unsafe {
        let a = arr.raw();
        if !(*a).base.is_null() && arr.has_flags(NPY_ARRAY_WRITEBACKIFCOPY) {
            let base = Bound::from_owned_ptr(arr.py(), (*a).base);
            (*a).base = std::ptr::null_mut();
            if let Some(b) = Array::cast(&base) {
                flags::set(&b, NPY_ARRAY_WRITEABLE, true);
            }
        }
        flags::set(arr, NPY_ARRAY_WRITEBACKIFCOPY, false);
    }
}
