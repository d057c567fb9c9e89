//! Names that exist so that the Python layer can import them, but whose work is not written yet: calling one raises
//! `NotImplementedError` with its full name.

use std::ffi::CString;

use pyo3::prelude::*;
use pyo3::types::{PyModule, PyString};
use pyo3::{PyErr, ffi as pyffi};

use crate::error::missing;
use crate::fastcall;
use crate::ffi::Args;

fn raise<'py>(slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(missing(slf.cast::<PyString>()?.to_str()?))
}

/// Add a function that says it is missing for each name the module does not have yet.
pub fn add_missing(module: &Bound<'_, PyModule>, names: &[&str]) -> PyResult<()> {
    let py = module.py();
    let prefix = module.name()?;
    for name in names {
        if module.hasattr(*name)? {
            continue;
        }
        let full = PyString::new(py, &format!("{prefix}.{name}"));
        // Each needs a definition of its own, because docstrings are stored there; they live as long as the process.
        let mut definition = fastcall!(c"", raise);
        definition.ml_name = CString::new(*name)?.into_raw();
        let definition = Box::leak(Box::new(definition));
        // SAFETY: a definition that lives for ever and a live object, which the function keeps as its self.
        let function = unsafe {
            Bound::from_owned_ptr_or_opt(
                py,
                pyffi::PyCFunction_NewEx(definition, full.as_ptr(), std::ptr::null_mut()),
            )
        }
        .ok_or_else(|| PyErr::fetch(py))?;
        module.add(*name, function)?;
    }
    Ok(())
}
