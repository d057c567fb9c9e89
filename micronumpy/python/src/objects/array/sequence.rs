//! Length, iteration and membership.

use std::cell::UnsafeCell;

use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::alloc;
use crate::objects::Array;
use crate::{binaryfunc, objobjproc, ssizeargfunc, ssizeobjargproc};

type Obj<'py> = Bound<'py, PyAny>;

struct Table(UnsafeCell<ffi::PySequenceMethods>);
// SAFETY: filled during `init` with the GIL held, then read only.
unsafe impl Sync for Table {}
// SAFETY: all-null is a valid table.
static TABLE: Table = Table(UnsafeCell::new(unsafe { std::mem::zeroed() }));

/// `len(arr)`
pub unsafe extern "C" fn length(obj: *mut ffi::PyObject) -> isize {
    crate::ffi::guard(|py| {
        // SAFETY: CPython passes a live array.
        let arr = Array(unsafe { Bound::from_borrowed_ptr(py, obj) });
        match arr.shape().first() {
            Some(&n) => Ok(n),
            None => Err(PyTypeError::new_err("len() of unsized object")),
        }
    })
}

/// `iter(arr)`: by index, as for any sequence.
pub fn iter<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    if Array(slf.clone()).ndim() == 0 {
        return Err(PyTypeError::new_err("iteration over a 0-d array"));
    }
    // SAFETY: a new reference or null.
    unsafe { crate::ffi::guard::owned(slf.py(), ffi::PySeqIter_New(slf.as_ptr())) }
}

/// `arr[i]` for a plain integer.
pub fn item<'py>(slf: &Obj<'py>, i: isize) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    let Some(&n) = arr.shape().first() else {
        return Err(PyIndexError::new_err(
            "too many indices for array: array is 0-dimensional, but 1 were indexed",
        ));
    };
    if i < 0 || i >= n {
        // What is negative had the length added to it already.
        let given = if i < 0 { i - n } else { i };
        return Err(PyIndexError::new_err(format!(
            "index {given} is out of bounds for axis 0 with size {n}"
        )));
    }
    let data = arr.data().wrapping_offset(i * arr.strides()[0]);
    if arr.ndim() == 1 {
        return super::element(&arr, data);
    }
    // SAFETY: the bounds were checked.
    Ok(unsafe { alloc::derived_view(&arr, &arr.descr(), data, &arr.shape()[1..], &arr.strides()[1..])? }.0)
}

fn set_item(slf: &Obj<'_>, i: isize, value: Option<&Obj<'_>>) -> PyResult<()> {
    use pyo3::IntoPyObjectExt;
    let arr = Array(slf.clone());
    // What is still negative had the length added to it already.
    let i = if i < 0 { i - arr.shape().first().copied().unwrap_or(0) } else { i };
    let key = i.into_bound_py_any(slf.py())?;
    super::subscript::set(slf, &key, value)
}

/// `value in arr`: any element equal.
fn contains(slf: &Obj<'_>, value: &Obj<'_>) -> PyResult<bool> {
    let eq = slf.rich_compare(value, pyo3::basic::CompareOp::Eq)?;
    // Through the array method, so that the result may be anything `==` gives.
    let any = match Array::cast(&eq) {
        Some(a) => a.0.call_method0("any")?,
        None => super::coercion::from_any(&eq, None, 0, 0, 0)?.0.call_method0("any")?,
    };
    any.is_truthy()
}

/// Sequences are not concatenated by `+`; `operator.concat` says so.
fn concat<'py>(_slf: &Obj<'py>, _other: &Obj<'py>) -> PyResult<Obj<'py>> {
    Err(PyTypeError::new_err(
        "Concatenation operation is not implemented for NumPy arrays, use np.concatenate() instead.",
    ))
}

/// The sequence protocol.
pub fn table() -> *mut ffi::PySequenceMethods {
    let t = TABLE.0.get();
    // SAFETY: called once, before the type is ready.
    unsafe {
        (*t).sq_length = Some(length);
        (*t).sq_concat = Some(binaryfunc!(concat));
        (*t).sq_item = Some(ssizeargfunc!(item));
        (*t).sq_ass_item = Some(ssizeobjargproc!(set_item));
        (*t).sq_contains = Some(objobjproc!(contains));
    }
    t
}
