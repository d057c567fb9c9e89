//! `numpy.fft._pocketfft_umath`: Fourier transforms as generalized ufuncs.

use pyo3::ffi as pyffi;
use pyo3::types::PyModule;

use super::umath_linalg::add_ufuncs;
use crate::ffi::guard;

/// Create the module.
///
/// # Safety
/// Called with the GIL held.
pub unsafe extern "C" fn init() -> *mut pyffi::PyObject {
    guard(|py| {
        let module = PyModule::new(py, "numpy.fft._pocketfft_umath")?;
        add_ufuncs(&module, &ufuncs::fft::UFUNCS)?;
        Ok(module.into_ptr())
    })
}
