//! What `numpy._core.overrides` takes from the module.

use pyo3::prelude::*;
use pyo3::types::PyModule;

use crate::ffi::methods::{END, Methods};
use crate::ffi::types;
use crate::objects::iter::{broadcast, flatiter};
use crate::objects::{array_converter, dispatcher};
use crate::onearg;

static FUNCTIONS: Methods<2> =
    Methods::new([onearg!(c"_get_implementing_args", dispatcher::get_implementing_args), END]);

pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)?;
    // SAFETY: the types are ready.
    unsafe {
        module.add("flatiter", types::handle(py, flatiter::FLATITER_TYPE.as_type()))?;
        module.add("broadcast", types::handle(py, broadcast::BROADCAST_TYPE.as_type()))?;
        module.add("_ArrayFunctionDispatcher", types::handle(py, dispatcher::DISPATCHER_TYPE.as_type()))?;
        module.add("_array_converter", types::handle(py, array_converter::CONVERTER_TYPE.as_type()))
    }
}
