//! Names that exist so that the Python layer can import them, but whose work is not written yet: calling one raises
//! `NotImplementedError` with its full name.

use pyo3::prelude::*;
use pyo3::types::{PyModule, PyString};
use pyo3::{PyErr, ffi as pyffi};

use crate::error::missing;
use crate::fastcall;
use crate::ffi::Args;
use crate::ffi::methods::{END, Methods};

static RAISE: Methods<2> = Methods::new([fastcall!(c"missing", raise), END]);

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
        // SAFETY: a static method definition and a live object; the function keeps `full` as its self.
        let function = unsafe {
            Bound::from_owned_ptr_or_opt(
                py,
                pyffi::PyCFunction_NewEx(RAISE.as_ptr(), full.as_ptr(), std::ptr::null_mut()),
            )
        }
        .ok_or_else(|| PyErr::fetch(py))?;
        module.add(*name, function)?;
    }
    Ok(())
}
