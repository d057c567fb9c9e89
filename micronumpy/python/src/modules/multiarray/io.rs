//! Arrays from and to files, buffers, strings and iterators.

use pyo3::prelude::*;
use pyo3::types::PyModule;

use crate::error::missing;
use crate::objects::Array;

/// `arr.tofile`
pub fn to_file<'py>(_arr: &Array<'py>, _file: &Bound<'py, PyAny>, _sep: &str, _format: &str) -> PyResult<()> {
    Err(missing("tofile"))
}

pub fn add(_py: Python<'_>, _module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
