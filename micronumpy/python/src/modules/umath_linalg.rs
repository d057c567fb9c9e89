//! `numpy.linalg._umath_linalg`: the decompositions as generalized ufuncs.

use micronumpy::ufunc::Ufunc;
use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::PyModule;
use ufuncs::UfuncDef;

use crate::error::IntoPyResult;
use crate::ffi::guard;
use crate::objects::ufunc::make;

/// Create the module.
///
/// # Safety
/// Called with the GIL held.
pub unsafe extern "C" fn init() -> *mut pyffi::PyObject {
    guard(|py| {
        let module = PyModule::new(py, "numpy.linalg._umath_linalg")?;
        module.add("__version__", "0.1.5")?;
        module.add("_ilp64", true)?;
        add_ufuncs(&module, &ufuncs::linalg::UFUNCS)?;
        Ok(module.into_ptr())
    })
}

/// Add a ufunc object for each entry of a table.
pub fn add_ufuncs(module: &Bound<'_, PyModule>, table: &'static [UfuncDef]) -> PyResult<()> {
    let py = module.py();
    for def in table {
        let core = Ufunc::from_def(def).py(py)?;
        module.add(def.name, make(py, core, None, None, None)?.0)?;
    }
    Ok(())
}
