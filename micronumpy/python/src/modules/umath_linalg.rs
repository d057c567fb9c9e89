//! `numpy.linalg._umath_linalg`: the decompositions as generalized ufuncs.

use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::PyModule;

use super::missing::add_missing;
use crate::ffi::guard;

/// Every gufunc upstream's module has.
const NAMES: &[&str] = &[
    "slogdet",
    "det",
    "eigh_lo",
    "eigh_up",
    "eigvalsh_lo",
    "eigvalsh_up",
    "solve",
    "solve1",
    "inv",
    "cholesky_lo",
    "cholesky_up",
    "svd",
    "svd_s",
    "svd_f",
    "eig",
    "eigvals",
    "qr_r_raw",
    "qr_reduced",
    "qr_complete",
    "lstsq",
];

/// Create the module.
///
/// # Safety
/// Called with the GIL held.
pub unsafe extern "C" fn init() -> *mut pyffi::PyObject {
    guard(|py| {
        let module = PyModule::new(py, "numpy.linalg._umath_linalg")?;
        module.add("__version__", "0.1.5")?;
        module.add("_ilp64", true)?;
        add_missing(&module, NAMES)?;
        Ok(module.into_ptr())
    })
}
