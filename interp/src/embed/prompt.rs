//! The interactive prompt.
//!
//! CPython's own prompt compiles what is typed and runs it without passing through `builtins.exec`. It says so by an audit
//! event, with the code object in it, but whatever an audit hook does, that code object would be run afterwards, unless the
//! hook fails. So ours runs the statement with entries itself and fails: with the statement's own exception, which the
//! prompt shows as if it had run it; or, if all went well, with an exception that is withdrawn when it comes to be shown,
//! for that is announced by an event, too.
//!
//! What was typed is seen where lines are read from a terminal; that these lines are the statement, an equal code object
//! proves. Where input is no terminal there are no such lines, and statements run as they are.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PySystemError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::hook::{STDIN, attempt, of_prompt};
use super::watch;

type ReadLine = unsafe extern "C" fn(*mut libc::FILE, *mut libc::FILE, *const c_char) -> *mut c_char;

unsafe extern "C" {
    fn PySys_AddAuditHook(
        hook: unsafe extern "C" fn(*const c_char, *mut ffi::PyObject, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
    fn PySys_Audit(event: *const c_char, format: *const c_char, ...) -> c_int;
    static mut PyOS_ReadlineFunctionPointer: Option<ReadLine>;
}

/// The reader that was there before ours.
static READER: OnceLock<ReadLine> = OnceLock::new();
/// What was typed since the last primary prompt.
static TYPED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// A statement is being run by us.
static RUNNING: AtomicBool = AtomicBool::new(false);
/// The exception nobody shows.
static SILENT: OnceLock<Py<PyAny>> = OnceLock::new();
/// `sys.last_type` and its like, as they were before it.
static LAST: Mutex<Vec<(&str, Option<Py<PyAny>>)>> = Mutex::new(Vec::new());
const LAST_NAMES: [&str; 4] = ["last_type", "last_value", "last_traceback", "last_exc"];

/// Begins to wait for a prompt.
///
/// # Errors
/// When an audit hook that is there already objects.
pub fn install(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the hook is a function of ours that needs no data.
    match unsafe { PySys_AddAuditHook(audit, null_mut()) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(py)),
    }
}

/// Whether standard input is a prompt.
pub fn is_interactive(py: Python<'_>) -> bool {
    // SAFETY: asks about a descriptor.
    flag(py, "interactive") || unsafe { libc::isatty(0) } == 1
}

/// Whether a prompt follows the main program.
pub fn follows(py: Python<'_>) -> bool {
    flag(py, "inspect")
}

fn flag(py: Python<'_>, name: &str) -> bool {
    let flags = py.import("sys").and_then(|sys| sys.getattr("flags"));
    flags.and_then(|flags| flags.getattr(name)?.is_truthy()).unwrap_or(false)
}

/// Raises an exception that is not shown.
pub fn raise_silently(py: Python<'_>) {
    if let Ok(sys) = py.import("sys") {
        let now = LAST_NAMES.map(|name| (name, sys.getattr(name).ok().map(Bound::unbind)));
        let old = std::mem::replace(&mut *LAST.lock().unwrap_or_else(PoisonError::into_inner), now.into());
        drop(old);
    }
    let silent =
        SILENT.get_or_init(|| PySystemError::new_err("micronumpy has run this").into_value(py).into_any());
    PyErr::from_value(silent.bind(py).clone()).restore(py);
}

/// Whether an exception is that one, which is then forgotten.
fn withdraw(py: Python<'_>, exception: &Bound<'_, PyAny>) -> bool {
    if !SILENT.get().is_some_and(|silent| silent.bind(py).is(exception)) {
        return false;
    }
    let last = std::mem::take(&mut *LAST.lock().unwrap_or_else(PoisonError::into_inner));
    if let Ok(sys) = py.import("sys") {
        for (name, value) in last {
            // Not there, as a rule.
            let _ = match value {
                Some(value) => sys.setattr(name, value),
                None => sys.delattr(name),
            };
        }
    }
    true
}

unsafe extern "C" fn audit(event: *const c_char, args: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    // SAFETY: CPython passes the name of the event and a tuple. Of nearly all others, the first letter tells.
    unsafe {
        if !matches!(*event as u8, b'e' | b's' | b'c') {
            return 0;
        }
        let event = CStr::from_ptr(event).to_bytes();
        match event {
            b"cpython.run_interactivehook" | b"cpython.run_stdin" => listen(),
            // Nobody reads lines, or the statement is our own.
            b"exec" if !reads_lines() || RUNNING.load(Ordering::Relaxed) => {}
            b"exec" => {
                let py = Python::assume_attached();
                let Ok(code) = Bound::ref_from_ptr(py, &args).get_item(0) else { return 0 };
                if READER.get().is_none() {
                    // The first statement at the prompt behind a program: from the next one on.
                    if is_typed(&code) {
                        listen();
                    }
                } else if is_typed(&code)
                    && let Some(new) = attempt("prompt", || statement(&code))
                {
                    return run(&new);
                }
            }
            b"sys.excepthook" if SILENT.get().is_some() => {
                let py = Python::assume_attached();
                let exception = Bound::ref_from_ptr(py, &args).get_item(2);
                if exception.is_ok_and(|exception| withdraw(py, &exception)) {
                    PyRuntimeError::new_err("nothing to show").restore(py);
                    return -1;
                }
            }
            _ => {}
        }
        0
    }
}

/// Whether lines are read from a terminal.
///
/// # Safety
/// Attached.
unsafe fn reads_lines() -> bool {
    // SAFETY: a pointer that is written under the GIL.
    unsafe { (&raw const PyOS_ReadlineFunctionPointer).read().is_some() }
}

/// Puts our reader in front of the one that is there.
///
/// # Safety
/// Nobody reads a line meanwhile.
unsafe fn listen() {
    // SAFETY: by contract; a pointer that CPython and its `readline` module set when they begin.
    unsafe {
        let reader = &raw mut PyOS_ReadlineFunctionPointer;
        if let Some(before) = *reader
            && before as *const () != read as *const ()
            && READER.set(before).is_ok()
        {
            *reader = Some(read);
        }
    }
}

/// Called without the GIL.
unsafe extern "C" fn read(
    input: *mut libc::FILE,
    output: *mut libc::FILE,
    prompt: *const c_char,
) -> *mut c_char {
    let Some(reader) = READER.get() else { return null_mut() };
    // SAFETY: the arguments are passed on; the result is a string, or null when it was interrupted.
    unsafe {
        let line = reader(input, output, prompt);
        let mut typed = TYPED.lock().unwrap_or_else(PoisonError::into_inner);
        if !prompt.is_null() && CStr::from_ptr(prompt).to_bytes() == b">>> " {
            typed.clear();
        }
        if !line.is_null() {
            typed.extend_from_slice(CStr::from_ptr(line).to_bytes());
        }
        line
    }
}

fn is_typed(code: &Bound<'_, PyAny>) -> bool {
    code.getattr("co_filename").and_then(|file| file.eq(STDIN)).unwrap_or(false)
}

/// The statement with entries, if this is the code of what was typed last.
fn statement<'py>(code: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = code.py();
    if watch::being_watched(py) {
        return Ok(None);
    }
    let typed = std::mem::take(&mut *TYPED.lock().unwrap_or_else(PoisonError::into_inner));
    // The terminal's encoding, as CPython has it.
    let encoding = py.import("sys")?.getattr("stdin")?.getattr("encoding")?;
    let text = PyBytes::new(py, &typed).call_method1("decode", (encoding,))?;
    of_prompt(text.cast::<PyString>()?.as_any(), code)
}

/// # Safety
/// Attached.
unsafe fn run(code: &Bound<'_, PyAny>) -> c_int {
    let py = code.py();
    let Ok(main) = py.import("__main__") else { return -1 };
    let globals = main.dict();
    RUNNING.store(true, Ordering::Relaxed);
    // SAFETY: attached; a code object and the dict of a module.
    let done = unsafe {
        // The hooks behind ours are told as well.
        if PySys_Audit(c"exec".as_ptr(), c"O".as_ptr(), code.as_ptr()) < 0 {
            false
        } else {
            // What the statement executes is not what was typed.
            RUNNING.store(false, Ordering::Relaxed);
            let result = ffi::PyEval_EvalCode(code.as_ptr(), globals.as_ptr(), globals.as_ptr());
            ffi::Py_XDECREF(result);
            !result.is_null()
        }
    };
    RUNNING.store(false, Ordering::Relaxed);
    if done {
        raise_silently(py);
    }
    -1
}
