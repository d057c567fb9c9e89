//! x

use pyo3::prelude::*;

use crate::error::missing;
use crate::ffi::Args;

pub fn at<'py>(_slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("ufunc.at"))
}
