//! `numpy._core._multiarray_umath`: the module `import numpy` is made of. It gathers what `objects` and
//! `modules::multiarray` define.

use pyo3::ffi as pyffi;
use pyo3::types::PyModule;

use crate::ffi::guard;
use crate::objects;

/// Create the module (once for the process; CPython keeps it in `sys.modules`).
///
/// # Safety
/// Called with the GIL held.
pub unsafe extern "C" fn init() -> *mut pyffi::PyObject {
    guard(|py| {
        let module = PyModule::new(py, "numpy._core._multiarray_umath")?;
        objects::dtype::init(py)?;
        objects::scalar::init(py)?;
        objects::array::init(py)?;
        objects::ufunc::init(py)?;
        Ok(module.into_ptr())
    })
}
