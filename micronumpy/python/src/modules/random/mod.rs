//! The nine modules of `numpy.random`.
//!
//! `ufuncs::random` draws; this folder is what Python sees of it. `seed_sequence`, `bit_generator` and `generators` are the
//! sources, `generator` and `mtrand` the two front ends. What both front ends share has a file of its own: `call` (argument
//! parsing), `constraint` (checks of parameters), `draw` (one function over broadcast parameters), `integers`, `sampling`.
//! `object` has what the types have in common.

mod bit_generator;
mod call;
mod constraint;
mod draw;
mod generator;
mod generators;
mod integers;
mod mtrand;
mod object;
mod sampling;
mod seed_sequence;

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyModule};

use super::ModuleDef;
use crate::ffi::guard;
use crate::ffi::import::cached;

type Obj<'py> = Bound<'py, PyAny>;
type Arg<'py> = Option<Bound<'py, PyAny>>;

macro_rules! module {
    ($name:literal, $fill:path) => {{
        unsafe extern "C" fn init() -> *mut pyffi::PyObject {
            guard(|py| {
                ready(py)?;
                let module = PyModule::new(py, $name)?;
                $fill(py, &module)?;
                Ok(module.into_ptr())
            })
        }
        ModuleDef { name: $name, init }
    }};
}

// Rows of the table of all modules.
pub const BIT_GENERATOR: ModuleDef = module!("numpy.random.bit_generator", bit_generator::fill);
pub const COMMON: ModuleDef = module!("numpy.random._common", bit_generator::fill_common);
pub const BOUNDED_INTEGERS: ModuleDef = module!("numpy.random._bounded_integers", fill_bounded_integers);
pub const MT19937: ModuleDef = module!("numpy.random._mt19937", generators::fill_mt19937);
pub const PCG64: ModuleDef = module!("numpy.random._pcg64", generators::fill_pcg64);
pub const PHILOX: ModuleDef = module!("numpy.random._philox", generators::fill_philox);
pub const SFC64: ModuleDef = module!("numpy.random._sfc64", generators::fill_sfc64);
pub const GENERATOR: ModuleDef = module!("numpy.random._generator", generator::fill_module);
pub const MTRAND: ModuleDef = module!("numpy.random.mtrand", mtrand::fill_module);

/// Ready all types, when the first of the modules is made.
fn ready(py: Python<'_>) -> PyResult<()> {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    seed_sequence::ready(py)?;
    bit_generator::ready(py)?;
    generators::ready(py)?;
    generator::ready(py)?;
    mtrand::ready(py)
}

/// The module is there to be imported; its functions are `integers` here.
fn fill_bounded_integers(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    set_all(py, module, &[])
}

/// Set `__all__` (after everything else: adding a name changes it).
fn set_all(py: Python<'_>, module: &Bound<'_, PyModule>, names: &[&str]) -> PyResult<()> {
    module.setattr("__all__", PyList::new(py, names)?)
}

/// A function or constant of numpy.
fn np<'py>(py: Python<'py>, name: &str) -> PyResult<Obj<'py>> {
    cached(py, "numpy", name)
}
