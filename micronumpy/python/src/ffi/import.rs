//! Names taken from numpy's Python layer (and the standard library), looked up once.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use pyo3::prelude::*;

/// Objects imported so far, by module and name. Never given back: when a process ends there is no interpreter to give
/// them to.
static CACHE: LazyLock<Mutex<HashMap<&'static str, HashMap<String, Py<PyAny>>>>> =
    LazyLock::new(Mutex::default);

/// `module.name`, imported at first use.
pub fn cached<'py>(py: Python<'py>, module: &'static str, name: &str) -> PyResult<Bound<'py, PyAny>> {
    // The lock is never held while Python code runs.
    let lock = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(obj) = lock().get(module).and_then(|names| names.get(name)) {
        return Ok(obj.bind(py).clone());
    }
    let obj = py.import(module)?.getattr(name)?;
    let replaced = lock().entry(module).or_default().insert(name.to_string(), obj.clone().unbind());
    drop(replaced);
    Ok(obj)
}
