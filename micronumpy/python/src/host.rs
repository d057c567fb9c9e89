//! The module `_micronumpy`: what the import finder, which is Python, asks of the Rust side.
//!
//! It is built into the executable and is the extension module of the Python package; both call [`fill`].

use std::sync::Mutex;

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::modules::MODULES;

/// Names of modules that have been created. Each owns process-wide state (type objects, the C API table), so a second
/// copy would share half of it with the first.
static CREATED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// Adds the functions and constants of `_micronumpy` to a fresh module.
pub fn fill(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("version", env!("CARGO_PKG_VERSION"))?;
    m.add_function(wrap_pyfunction!(names, m)?)?;
    m.add_function(wrap_pyfunction!(create, m)?)?;
    m.add_function(wrap_pyfunction!(execute, m)?)?;
    m.add_function(wrap_pyfunction!(machine, m)?)?;
    crate::fusion::fill(m)
}

/// names()
/// --
///
/// Full names of the compiled modules that can be created.
#[pyfunction]
fn names() -> Vec<&'static str> {
    MODULES.iter().map(|def| def.name).collect()
}

/// create(spec)
/// --
///
/// Create the module a spec names; an ImportError if it is unknown or exists already.
#[pyfunction]
fn create<'py>(spec: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = spec.py();
    let name: String = spec.getattr("name")?.extract()?;
    let Some(def) = MODULES.iter().find(|def| def.name == name) else {
        return Err(PyImportError::new_err(format!("micronumpy has no compiled module {name}")));
    };
    if created().contains(&def.name) {
        return Err(PyImportError::new_err("cannot load module more than once per process"));
    }
    // SAFETY: `init` is a PyInit function and we hold the GIL; it returns a new reference or sets an exception. A
    // PyModuleDef is immortal, and importlib does the same two steps with it.
    let module = unsafe {
        let first = Bound::from_owned_ptr_or_err(py, (def.init)())?;
        if ffi::Py_TYPE(first.as_ptr()) == &raw mut ffi::PyModuleDef_Type {
            let made = ffi::PyModule_FromDefAndSpec(first.into_ptr().cast(), spec.as_ptr());
            Bound::from_owned_ptr_or_err(py, made)?
        } else {
            first
        }
    };
    created().push(def.name);
    Ok(module)
}

/// execute(module)
/// --
///
/// Run the second phase of a module made by create(), if it has one that has not run.
#[pyfunction]
fn execute(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // SAFETY: `module` is a module object and we hold the GIL.
    let failed = unsafe {
        let def = ffi::PyModule_GetDef(module.as_ptr());
        let fresh = !def.is_null() && ffi::PyModule_GetState(module.as_ptr()).is_null();
        fresh && ffi::PyModule_ExecDef(module.as_ptr(), def) != 0
    };
    if failed { Err(PyErr::fetch(module.py())) } else { Ok(()) }
}

/// machine()
/// --
///
/// What the kernels run on: processor, its features, those compiled in, and the number of threads.
#[pyfunction]
fn machine(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let d = PyDict::new(py);
    d.set_item("arch", std::env::consts::ARCH)?;
    let (present, compiled) = cpu_features();
    d.set_item("cpu_features", present)?;
    d.set_item("compiled_features", compiled)?;
    // Kernels run on the calling thread.
    d.set_item("threads", 1)?;
    Ok(d)
}

fn created() -> std::sync::MutexGuard<'static, Vec<&'static str>> {
    CREATED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Vector extensions this processor has, and those this library was compiled to rely on.
fn cpu_features() -> (Vec<&'static str>, Vec<&'static str>) {
    let mut present = Vec::new();
    let mut compiled = Vec::new();
    macro_rules! probe {
        ($detect:ident: $($name:tt)*) => {$(
            if std::arch::$detect!($name) {
                present.push($name);
            }
            if cfg!(target_feature = $name) {
                compiled.push($name);
            }
        )*};
    }
    #[cfg(target_arch = "x86_64")]
    probe!(is_x86_feature_detected: "sse2" "sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "avx" "f16c" "fma" "avx2"
        "avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl");
    #[cfg(target_arch = "aarch64")]
    probe!(is_aarch64_feature_detected: "neon" "asimd" "dotprod" "fp16" "sve" "sve2");
    (present, compiled)
}
