//! x

use pyo3::prelude::*;

use crate::error::missing;
use crate::ffi::Args;

pub fn resolve_dtypes<'py>(_slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("ufunc.resolve_dtypes"))
}
pub fn resolve_dtypes_and_context<'py>(
    _slf: &Bound<'py, PyAny>,
    _args: Args<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("ufunc.resolve_dtypes_and_context"))
}
pub fn get_strided_loop<'py>(_slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("ufunc.get_strided_loop"))
}
