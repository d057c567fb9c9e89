//! The Python files of the `micronumpy` package, carried inside the executable.
//!
//! `boot.py` is executed between the two phases of start-up, when nothing can be imported yet; it puts an importer on
//! `sys.meta_path` that serves the other files from memory and brings the numpy finder in when numpy is first asked for.
//! Only `boot.py` costs start-up time.

use std::ffi::CString;
use std::path::Path;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::start::c_path;

const BOOT: &str = include_str!("boot.py");

macro_rules! package_files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../micronumpy/ext/python/micronumpy/", $name)))),*]
    };
}

/// File name inside the package, and contents.
const FILES: &[(&str, &str)] = package_files!("__init__.py" "__main__.py" "finder.py" "fusion.py" "info.py" "layer.py" "numpy.lock"
    "numpy_hook.py" "standin.py");

/// The contents of the native module of the executable, `_micronumpy`.
///
/// # Errors
/// When the module can't be added to.
pub fn fill(m: &Bound<'_, PyModule>) -> PyResult<()> {
    micronumpy_python::host::fill(m)?;
    super::hook::add_to(m)?;
    m.add("carrier", PyBytes::new(m.py(), include_bytes!(concat!(env!("OUT_DIR"), "/carrier.so"))))
}

/// Executes `boot.py`; `None` with an exception set if that fails.
///
/// # Safety
/// The core phase of initialisation is done and we hold the GIL.
pub unsafe fn install(own: &Path) -> Option<()> {
    // SAFETY: by contract; every reference made here is released, and a null goes straight back to the caller. The safe
    // API is not available: it insists on a fully initialised interpreter.
    unsafe {
        let owned = |p: *mut ffi::PyObject| if p.is_null() { None } else { Some(Owned(p)) };
        let globals = owned(ffi::PyDict_New())?;
        let files = owned(ffi::PyDict_New())?;
        for (name, text) in FILES {
            let text =
                owned(ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as ffi::Py_ssize_t))?;
            let name =
                owned(ffi::PyUnicode_FromStringAndSize(name.as_ptr().cast(), name.len() as ffi::Py_ssize_t))?;
            ok(ffi::PyDict_SetItem(files.0, name.0, text.0))?;
        }
        let origin = owned(ffi::PyUnicode_DecodeFSDefault(c_path(own).as_ptr()))?;
        ok(ffi::PyDict_SetItemString(globals.0, c"__builtins__".as_ptr(), ffi::PyEval_GetBuiltins()))?;
        ok(ffi::PyDict_SetItemString(globals.0, c"FILES".as_ptr(), files.0))?;
        ok(ffi::PyDict_SetItemString(globals.0, c"ORIGIN".as_ptr(), origin.0))?;
        let source = CString::new(BOOT).ok()?;
        let code =
            owned(ffi::Py_CompileString(source.as_ptr(), c"<micronumpy boot>".as_ptr(), ffi::Py_file_input))?;
        owned(ffi::PyEval_EvalCode(code.0, globals.0, globals.0)).map(|_| ())
    }
}

fn ok(status: std::ffi::c_int) -> Option<()> {
    (status == 0).then_some(())
}

struct Owned(*mut ffi::PyObject);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: holds one reference, made and dropped under the GIL.
        unsafe { ffi::Py_DECREF(self.0) }
    }
}
