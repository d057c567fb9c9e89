//! `numpy.ufunc`.

use pyo3::prelude::*;

use crate::abi::*;
use crate::error::missing;

pub static UFUNC_TYPE: StaticType = StaticType::zeroed();

/// Ready the type.
pub fn init(_py: Python<'_>) -> PyResult<()> {
    Err(missing("numpy.ufunc"))
}

/// Call the builtin ufunc of this name with positional arguments, as the number protocol does (`a + b` is
/// `call_by_name("add", [a, b], None)`), overrides included. `out` is for in-place operators.
pub fn call_by_name<'py>(
    _py: Python<'py>,
    name: &'static str,
    _args: &[&Bound<'py, PyAny>],
    _out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Err(missing(name))
}

/// Raise or warn for floating-point status `fpe` (bits of `ufuncs::fpstatus`) as errstate says; `name` goes into the text
/// `"overflow encountered in {name}"`.
pub fn report_fp_status(_py: Python<'_>, name: &str, fpe: u8) -> PyResult<()> {
    if fpe == 0 { Ok(()) } else { Err(missing(name)) }
}
