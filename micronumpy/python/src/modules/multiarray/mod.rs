//! Functions and constants of `_multiarray_umath`, by topic.

pub mod busday;
pub mod casts;
pub mod constants;
pub mod counting;
pub mod create;
pub mod docs;
pub mod dtypes;
pub mod einsum;
pub mod environment;
pub mod floats;
pub mod io;
pub mod linear;
pub mod loadtxt;
pub mod manipulate;
pub mod overrides;
pub mod promotion;
pub mod strings;
pub mod text;
pub mod ufuncs;

use pyo3::prelude::*;
use pyo3::types::PyModule;
use pyo3::{PyErr, ffi as pyffi};

use crate::ffi::methods::Methods;

/// Add a method table to a module, as `PyModule_AddFunctions`.
pub fn add_functions<const N: usize>(
    module: &Bound<'_, PyModule>,
    table: &'static Methods<N>,
) -> PyResult<()> {
    // SAFETY: a live module and a static table that ends with a zeroed row.
    if unsafe { pyffi::PyModule_AddFunctions(module.as_ptr(), table.as_ptr()) } < 0 {
        return Err(PyErr::fetch(module.py()));
    }
    Ok(())
}
