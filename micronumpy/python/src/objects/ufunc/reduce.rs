//! x

use pyo3::prelude::*;

use crate::error::missing;
use crate::ffi::Args;

pub fn reduce<'py>(_slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("ufunc.reduce"))
}
pub fn accumulate<'py>(_slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("ufunc.accumulate"))
}
pub fn reduceat<'py>(_slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("ufunc.reduceat"))
}
