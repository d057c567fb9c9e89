//! Names taken from numpy's Python layer (and the standard library), looked up once.

use std::cell::RefCell;
use std::collections::HashMap;

use pyo3::prelude::*;

thread_local! {
    // Objects imported so far. Thread-local keeps this free of locks; the objects are shared by all threads anyway.
    static CACHE: RefCell<HashMap<(&'static str, String), Py<PyAny>>> = RefCell::new(HashMap::new());
}

/// `module.name`, imported at first use.
pub fn cached<'py>(py: Python<'py>, module: &'static str, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let hit = CACHE.with(|c| c.borrow().get(&(module, name.to_string())).map(|o| o.clone_ref(py)));
    if let Some(obj) = hit {
        return Ok(obj.into_bound(py));
    }
    let obj = py.import(module)?.getattr(name)?;
    CACHE.with(|c| c.borrow_mut().insert((module, name.to_string()), obj.clone().unbind()));
    Ok(obj)
}
