//! `numpy.ndarray`.

use micronumpy::{NdArray, Order};
use pyo3::prelude::*;

use super::{Array, Descr};
use crate::abi::*;
use crate::error::missing;

pub static ARRAY_TYPE: StaticType = StaticType::zeroed();

/// Ready the type.
pub fn init(_py: Python<'_>) -> PyResult<()> {
    Err(missing("numpy.ndarray"))
}

/// A new array with its own memory (objects: null slots; `zeroed` as asked). `subtype`: `None` is `numpy.ndarray` itself.
/// A subarray descriptor is unpacked into the shape. Does not call `__array_finalize__`.
pub fn new<'py>(_descr: &Descr<'py>, _shape: &[isize], _order: Order, _zeroed: bool) -> PyResult<Array<'py>> {
    Err(missing("array::new"))
}

/// A view on memory kept alive by `base` (`writeable` as given). With `like`, the new array has its type and
/// `__array_finalize__(like)` is called.
///
/// # Safety
/// `data`, `shape`, `strides` describe memory inside `base`.
pub unsafe fn new_view<'py>(
    _descr: &Descr<'py>,
    _data: *mut u8,
    _shape: &[isize],
    _strides: &[isize],
    _base: &Bound<'py, PyAny>,
    _writeable: bool,
    _like: Option<&Array<'py>>,
) -> PyResult<Array<'py>> {
    Err(missing("array::new_view"))
}

/// A fresh array around a buffer of the object space (no copy).
pub fn from_owned<'py>(_py: Python<'py>, _arr: NdArray) -> PyResult<Array<'py>> {
    Err(missing("array::from_owned"))
}

/// `np.asarray(obj, dtype)` / `np.asanyarray`: no copy when it is already right. `requirements` are `NPY_ARRAY_*` flags as
/// for `PyArray_FromAny` (0: none).
pub fn from_any<'py>(
    _obj: &Bound<'py, PyAny>,
    _descr: Option<&Descr<'py>>,
    _min_depth: usize,
    _max_depth: usize,
    _requirements: i32,
) -> PyResult<Array<'py>> {
    Err(missing("array::from_any"))
}

/// A 0-d array becomes its scalar, anything else stays (numpy's `PyArray_Return`; subclasses are left alone).
pub fn unwrap_0d<'py>(arr: Array<'py>) -> PyResult<Bound<'py, PyAny>> {
    if arr.ndim() == 0 && arr.is_exact() {
        // SAFETY: a 0-d array holds one element.
        unsafe { super::scalar::to_scalar(&arr.descr(), arr.data(), None) }
    } else {
        Ok(arr.0)
    }
}

/// Assign any Python value to an array, with broadcasting and unsafe casting (`arr[...] = value`).
pub fn assign<'py>(_dst: &Array<'py>, _value: &Bound<'py, PyAny>) -> PyResult<()> {
    Err(missing("array::assign"))
}
