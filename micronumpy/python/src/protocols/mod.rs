//! How objects of others take part: buffers, `__array_interface__`, `__array_struct__`, `__array__`, DLPack.

pub mod array_attr;
pub mod buffer;
pub mod dlpack;
pub mod interface;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::objects::array::args::CopyMode;
use crate::objects::{Array, Descr};

/// Convert an object that offers an array protocol; the flag says whether that made a copy. Tried in numpy's order.
pub fn array_like<'py>(
    obj: &Bound<'py, PyAny>,
    descr: Option<&Descr<'py>>,
    copy: CopyMode,
) -> PyResult<Option<(Array<'py>, bool)>> {
    if !(obj.is_instance_of::<PyString>() || obj.is_instance_of::<PyBytes>()) {
        if let Some(arr) = buffer::array_from_buffer(obj)? {
            return Ok(Some((arr, false)));
        }
    }
    if let Some(arr) = interface::from_struct(obj)? {
        return Ok(Some((arr, false)));
    }
    if let Some(arr) = interface::from_interface(obj)? {
        return Ok(Some((arr, false)));
    }
    array_attr::from_array_attr(obj, descr, copy)
}
