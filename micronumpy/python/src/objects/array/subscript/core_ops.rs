//! Array indices: from parsed parts to the gather and scatter plans of the object space.

use pyo3::prelude::*;

use super::parse::Index;
use crate::error::missing;
use crate::objects::Array;

/// Positions of the true elements, one array per axis.
pub fn nonzero<'py>(_mask: &Array<'py>) -> PyResult<Vec<Array<'py>>> {
    Err(missing("nonzero"))
}

/// The elements an index with array parts selects, as a new array.
pub fn gather<'py>(_arr: &Array<'py>, _index: &Index<'py>) -> PyResult<Array<'py>> {
    Err(missing("advanced indexing"))
}

/// Assign to the elements an index with array parts selects.
pub fn scatter<'py>(_arr: &Array<'py>, _index: &Index<'py>, _value: &Bound<'py, PyAny>) -> PyResult<()> {
    Err(missing("advanced index assignment"))
}
