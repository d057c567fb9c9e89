//! Start-up: configure, initialise in two phases, run.
//!
//! CPython's multi-phase initialisation (PEP 587) has a point between *core* (objects, frozen importlib) and *main* (paths,
//! `site`). The finder goes in there: even a `sitecustomize` or a `.pth` file that imports numpy gets ours.

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use pyo3::ffi;

use super::{hook, package, paths};

unsafe extern "C" {
    /// Second half of an initialisation begun with `_init_main = 0`.
    fn _Py_InitializeMain() -> ffi::PyStatus;
}

/// Runs the interpreter over a command line and returns the exit code of the process.
///
/// # Safety
/// Called once per process, on the main thread; `argv` holds `argc` C strings.
pub unsafe fn run(argc: c_int, argv: *mut *const c_char) -> c_int {
    // SAFETY: the argument vector is valid by contract; every call below is in the order CPython documents.
    unsafe {
        let argv0 = if argc > 0 { CStr::from_ptr(*argv).to_bytes() } else { b"" };
        let own = paths::own_path(OsStr::from_bytes(argv0));
        let status = initialise(argc, argv, &own);
        if ffi::PyStatus_Exception(status) != 0 {
            if ffi::PyStatus_IsExit(status) != 0 {
                return status.exitcode;
            }
            ffi::Py_ExitStatusException(status);
        }
        claim_executable(&own);
        // The whole program runs inside one attachment, so that the slots it calls find their thread attached: that is a
        // counter then, and a visit to CPython's thread state otherwise. It never ends, because the interpreter is gone
        // when `Py_RunMain` returns.
        pyo3::Python::attach_unchecked(|py| {
            if let Err(error) = jit::log::timed("installing the hook", || hook::install(py)) {
                error.print(py);
                return 1;
            }
            libc::exit(ffi::Py_RunMain())
        })
    }
}

/// # Safety
/// As for [`run`].
unsafe fn initialise(argc: c_int, argv: *mut *const c_char, own: &Path) -> ffi::PyStatus {
    // SAFETY: `config` is set up by PyConfig_InitPythonConfig before any other use and cleared on every way out.
    unsafe {
        let mut config: ffi::PyConfig = std::mem::zeroed();
        ffi::PyConfig_InitPythonConfig(&mut config);
        config._init_main = 0;
        let mut status = ffi::PyConfig_SetBytesArgv(&mut config, argc as ffi::Py_ssize_t, argv);
        if ffi::PyStatus_Exception(status) == 0 {
            let speaks_for = paths::stand_in_for(own).unwrap_or_else(|| own.to_owned());
            let speaks_for = c_path(&speaks_for);
            let field = &raw mut config.executable;
            status = ffi::PyConfig_SetBytesString(&mut config, field, speaks_for.as_ptr());
        }
        if ffi::PyStatus_Exception(status) == 0 {
            status = ffi::Py_InitializeFromConfig(&config);
        }
        ffi::PyConfig_Clear(&mut config);
        if ffi::PyStatus_Exception(status) != 0 {
            return status;
        }
        if package::install(own).is_none() {
            ffi::PyErr_Print();
            return ffi::PyStatus_Error(c"cannot install the numpy finder".as_ptr());
        }
        _Py_InitializeMain()
    }
}

/// Makes child processes ours: `subprocess` and `multiprocessing` start `sys.executable`, `venv` links `_base_executable`.
///
/// # Safety
/// The interpreter is initialised and we hold the GIL.
unsafe fn claim_executable(own: &Path) {
    // In a virtual environment `own` is a link and the base is what it points to; elsewhere a link is as good a name.
    let base = paths::inside_venv(own).then(|| std::fs::canonicalize(own).ok()).flatten();
    for (name, path) in [(c"executable", own), (c"_base_executable", base.as_deref().unwrap_or(own))] {
        let path = c_path(path);
        // SAFETY: by contract; a failed decode leaves the attribute as CPython set it.
        unsafe {
            let value = ffi::PyUnicode_DecodeFSDefault(path.as_ptr());
            if value.is_null() || ffi::PySys_SetObject(name.as_ptr(), value) != 0 {
                ffi::PyErr_Clear();
            }
            ffi::Py_XDECREF(value);
        }
    }
}

/// A path for C. Paths from the system hold no zero byte.
pub(super) fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}
