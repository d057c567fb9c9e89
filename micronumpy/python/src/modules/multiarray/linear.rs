//! Products: `dot`, `inner`, `vdot`, `c_einsum`, `correlate`.

use pyo3::prelude::*;

use crate::error::missing;
use crate::objects::Array;

/// `np.dot(a, b, out)`
pub fn dot<'py>(
    _a: &Bound<'py, PyAny>,
    _b: &Bound<'py, PyAny>,
    _out: Option<&Array<'py>>,
) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("dot"))
}
