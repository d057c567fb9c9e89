//! `numpy._core._multiarray_umath`: the module `import numpy` is made of. It gathers what `objects` and
//! `modules::multiarray` define.

use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::PyModule;

use super::multiarray;
use crate::capi;
use crate::ffi::guard;
use crate::objects;

/// Create the module (once for the process; CPython keeps it in `sys.modules`).
///
/// # Safety
/// Called with the GIL held.
pub unsafe extern "C" fn init() -> *mut pyffi::PyObject {
    guard(|py| {
        let module = PyModule::new(py, "numpy._core._multiarray_umath")?;
        fill(py, &module)?;
        Ok(module.into_ptr())
    })
}

/// Types first, in dependency order; then what each topic adds.
fn fill(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    objects::dtype::init(py)?;
    objects::scalar::init(py)?;
    objects::method::init(py)?;
    objects::array::init(py)?;
    objects::ufunc::init(py)?;
    objects::iter::flatiter::init(py)?;
    objects::iter::broadcast::init(py)?;
    objects::iter::neighborhood::init(py)?;
    objects::nditer::init(py)?;
    objects::dispatcher::init(py)?;
    objects::array_converter::init(py)?;
    objects::dtype::classes::register(py)?;

    multiarray::constants::add(py, module)?;
    multiarray::docs::add(py, module)?;
    multiarray::environment::add(py, module)?;
    multiarray::dtypes::add(py, module)?;
    multiarray::strings::add(py, module)?;
    multiarray::text::add(py, module)?;
    multiarray::busday::add(py, module)?;
    multiarray::overrides::add(py, module)?;
    multiarray::ufuncs::add(py, module)?;
    multiarray::casts::add(py, module)?;
    multiarray::create::add(py, module)?;
    multiarray::floats::add(py, module)?;
    multiarray::promotion::add(py, module)?;
    multiarray::io::add(py, module)?;
    multiarray::linear::add(py, module)?;
    multiarray::counting::add(py, module)?;
    multiarray::manipulate::add(py, module)?;
    multiarray::einsum::add(py, module)?;
    multiarray::loadtxt::add(py, module)?;
    objects::nditer::add(py, module)?;
    multiarray::environment::add_missing(module)?;
    capi::init(py, module)?;
    // Where the exceptions of ufuncs are: programs find the module as an attribute, since upstream's loads it here, too.
    py.import("numpy._core._exceptions")?;
    // pyo3 keeps a list of what it added, but upstream's module has none: a star import takes every public name.
    module.delattr("__all__")
}
