//! The main program: a script, the text after `-c`, or what comes from standard input.
//!
//! `Py_RunMain` runs those without passing through `builtins.exec`. But it says that it is about to, by an audit event, at a point
//! where everything is in place: `sys.path`, `__main__`, all options. If the program has loops for the VM, our audit hook
//! runs it, exactly as CPython would in the next moment, and ends with the `SystemExit` that makes `Py_RunMain` finish; with
//! `-i`, where that would be an error like any other, with an exception that nobody shows ([`super::prompt`]). In
//! all other cases the hook does nothing: a program that can't be read or compiled, and `-x`.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PySystemExit;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::hook::{STDIN, attempt, compiler, of_text};
use super::{prompt, watch};

unsafe extern "C" {
    fn PySys_AddAuditHook(
        hook: unsafe extern "C" fn(*const c_char, *mut ffi::PyObject, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
    fn PySys_Audit(event: *const c_char, format: *const c_char, ...) -> c_int;
}

/// The event has been seen; there is one main program.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Begins to wait for the main program.
///
/// # Errors
/// When an audit hook that is there already objects.
pub fn install(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the hook is a function of ours that needs no data.
    match unsafe { PySys_AddAuditHook(audit, std::ptr::null_mut()) } {
        0 => prompt::install(py),
        _ => Err(PyErr::fetch(py)),
    }
}

unsafe extern "C" fn audit(event: *const c_char, args: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    // SAFETY: CPython passes the name of the event and a tuple. Nearly all others begin with another letter.
    unsafe {
        if *event != b'c' as c_char || BEGUN.load(Ordering::Relaxed) {
            return 0;
        }
        let kind = match CStr::from_ptr(event).to_bytes() {
            b"cpython.run_file" => Kind::File,
            b"cpython.run_command" => Kind::Command,
            b"cpython.run_stdin" => Kind::Stdin,
            _ => return 0,
        };
        BEGUN.store(true, Ordering::Relaxed);
        let py = Python::assume_attached();
        let argument = match kind {
            Kind::Stdin => Some(PyString::new(py, STDIN).into_any()),
            _ if args.is_null() => None,
            _ => Bound::ref_from_ptr(py, &args).get_item(0).ok(),
        };
        let Some(argument) = argument else { return 0 };
        let inspects = prompt::follows(py);
        let code = match attempt("main program", || program(&argument, kind)) {
            Some(code) => Ok(code),
            None if kind == Kind::Stdin && !prompt::is_interactive(py) => match read_stdin(py) {
                Some(program) => program,
                None => return 0,
            },
            None => return 0,
        };
        // The hooks behind ours are told as well, as ours will return an error.
        let heard = match kind {
            Kind::Stdin => PySys_Audit(event, std::ptr::null()),
            _ => PySys_Audit(event, c"O".as_ptr(), argument.as_ptr()),
        };
        if heard < 0 {
            return -1;
        }
        let status = match code {
            Ok(code) => run(&code, (kind != Kind::Command).then_some(&argument), kind == Kind::File),
            Err(error) => {
                error.print(py);
                1
            }
        };
        if inspects {
            prompt::raise_silently(py);
        } else {
            PySystemExit::new_err(status).restore(py);
        }
        -1
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Command,
    Stdin,
}

/// All of a program that comes from standard input: compiled with entries if it has any. `None` if it can't be read.
fn read_stdin(py: Python<'_>) -> Option<PyResult<Bound<'_, PyAny>>> {
    let mut text = Vec::new();
    std::io::stdin().lock().read_to_end(&mut text).ok()?;
    let text = PyBytes::new(py, &text).into_any();
    if let Some(code) = attempt("main program", || of_text(&text, STDIN, false)) {
        return Some(Ok(code));
    }
    Some(compiler(py).and_then(|compile| compile.call1((text, STDIN, "exec", 0, true))))
}

/// The main program with entries; `None` if CPython had better run it.
fn program<'py>(argument: &Bound<'py, PyAny>, kind: Kind) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = argument.py();
    let sys = py.import("sys")?;
    if watch::being_watched(py) {
        return Ok(None);
    }
    match kind {
        Kind::File => {}
        Kind::Command => return of_text(argument, "<string>", false),
        Kind::Stdin => return Ok(None),
    }
    let file: String = argument.extract()?;
    // `-x` is nowhere to be seen but here.
    let options: Vec<String> = sys.getattr("orig_argv")?.extract()?;
    let skips =
        |option: &String| option.starts_with('-') && !option.starts_with("--") && option.contains('x');
    if options.iter().skip(1).take_while(|option| option.starts_with('-')).any(skips) {
        return Ok(None);
    }
    match std::fs::read(&file) {
        Ok(text) => of_text(&PyBytes::new(py, &text).into_any(), &file, false),
        Err(_) => Ok(None),
    }
}

/// Does what CPython does with a program, and returns the exit status.
///
/// # Safety
/// Attached, and the main program may run.
unsafe fn run(code: &Bound<'_, PyAny>, file: Option<&Bound<'_, PyAny>>, is_loaded: bool) -> c_int {
    let py = code.py();
    let Ok(main) = py.import("__main__") else { return 1 };
    let globals = main.dict();
    let mut named = false;
    if let Some(file) = file
        && !globals.contains("__file__").unwrap_or(true)
    {
        named = globals
            .set_item("__file__", file)
            .and_then(|()| globals.set_item("__cached__", py.None()))
            .is_ok();
    }
    if let Some(file) = file.filter(|_| is_loaded)
        && let Err(error) = set_loader(&globals, file)
    {
        error.print(py);
        return 1;
    }
    // SAFETY: attached; a code object and the dict of a module. `PyErr_Print` ends the process at a SystemExit, as it does
    // where CPython runs a program.
    unsafe {
        let result = if PySys_Audit(c"exec".as_ptr(), c"O".as_ptr(), code.as_ptr()) < 0 {
            std::ptr::null_mut()
        } else {
            ffi::PyEval_EvalCode(code.as_ptr(), globals.as_ptr(), globals.as_ptr())
        };
        let status = c_int::from(result.is_null());
        let mut interrupted = false;
        // Where the process ends right here, only the interpreter may hold the module, or objects in it outlive it.
        drop((main, globals));
        if result.is_null() {
            interrupted = ffi::PyErr_Occurred() == ffi::PyExc_KeyboardInterrupt;
            ffi::PyErr_Print();
        }
        ffi::Py_XDECREF(result);
        if named && let Ok(main) = py.import("__main__") {
            let globals = main.dict();
            for name in ["__file__", "__cached__"] {
                let _ = globals.del_item(name);
            }
        }
        if interrupted {
            note_interrupt(py);
        }
        status
    }
}

/// `__main__.__loader__` of a script.
fn set_loader(globals: &Bound<'_, PyDict>, file: &Bound<'_, PyAny>) -> PyResult<()> {
    let external = globals.py().import("_frozen_importlib_external")?;
    let loader =
        external.getattr("SourceFileLoader")?.call1((PyString::new(globals.py(), "__main__"), file))?;
    globals.set_item("__loader__", loader)
}

/// A process that Ctrl-C ended ends by SIGINT. CPython takes note of it where it runs a program from its text, so such a
/// program is run.
fn note_interrupt(py: Python<'_>) {
    let globals = PyDict::new(py);
    let text = c"raise KeyboardInterrupt".as_ptr();
    // SAFETY: attached; the result of a program that raises is null.
    unsafe {
        ffi::PyRun_StringFlags(
            text,
            ffi::Py_file_input,
            globals.as_ptr(),
            globals.as_ptr(),
            std::ptr::null_mut(),
        );
        ffi::PyErr_Clear();
    }
}
