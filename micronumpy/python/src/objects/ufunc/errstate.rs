//! `errstate`: what happens when a calculation raised floating-point status, and the buffer size of ufuncs.
//!
//! The setting travels in a context variable whose value is a capsule around [`ExtObj`]; a new setting is a new capsule.

use std::ffi::{CStr, c_void};
use std::ptr::null_mut;
use std::sync::OnceLock;

use pyo3::exceptions::{PyNameError, PyRuntimeWarning, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};
use ufuncs::fpstatus;

use crate::ffi::guard::owned;
use crate::ffi::{Args, args};

const CAPSULE: &CStr = c"numpy.ufunc.extobj";

/// Buffer size nobody changed.
pub const DEFAULT_BUFSIZE: usize = 8192;
const MIN_BUFSIZE: isize = 16;
const MAX_BUFSIZE: isize = 16_000_000;

/// What to do about one kind of trouble.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Ignore,
    Warn,
    Raise,
    Call,
    Print,
    Log,
}

const MODES: [(&str, Mode); 6] = [
    ("ignore", Mode::Ignore),
    ("warn", Mode::Warn),
    ("raise", Mode::Raise),
    ("call", Mode::Call),
    ("print", Mode::Print),
    ("log", Mode::Log),
];

/// Status bit, keyword of `seterr`, wording.
const KINDS: [(u32, &str, &str); 4] = [
    (fpstatus::DIVIDEBYZERO, "divide", "divide by zero"),
    (fpstatus::OVERFLOW, "over", "overflow"),
    (fpstatus::UNDERFLOW, "under", "underflow"),
    (fpstatus::INVALID, "invalid", "invalid value"),
];

/// One setting.
struct ExtObj {
    modes: [Mode; 4],
    bufsize: usize,
    call: Py<PyAny>,
}

impl ExtObj {
    fn copy(&self, py: Python<'_>) -> ExtObj {
        ExtObj { modes: self.modes, bufsize: self.bufsize, call: self.call.clone_ref(py) }
    }
    fn default(py: Python<'_>) -> ExtObj {
        ExtObj {
            modes: [Mode::Warn, Mode::Warn, Mode::Ignore, Mode::Warn],
            bufsize: DEFAULT_BUFSIZE,
            call: py.None(),
        }
    }
    fn into_capsule(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let ptr = Box::into_raw(Box::new(self));
        // SAFETY: the capsule owns the box and gives it back in `destroy`.
        unsafe { owned(py, ffi::PyCapsule_New(ptr.cast(), CAPSULE.as_ptr(), Some(destroy))) }
    }
}

unsafe extern "C" fn destroy(capsule: *mut ffi::PyObject) {
    // SAFETY: called once, for a capsule made by `into_capsule`.
    unsafe {
        let ptr = ffi::PyCapsule_GetPointer(capsule, CAPSULE.as_ptr());
        if !ptr.is_null() {
            drop(Box::from_raw(ptr.cast::<ExtObj>()));
        }
    }
}

static VARIABLE: OnceLock<Py<PyAny>> = OnceLock::new();

/// Make the context variable and add what concerns it to the module.
pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    let default = ExtObj::default(py).into_capsule(py)?;
    // SAFETY: plain C API call with valid arguments.
    let var = unsafe { owned(py, ffi::PyContextVar_New(CAPSULE.as_ptr(), default.as_ptr()))? };
    let _ = VARIABLE.set(var.clone().unbind());
    module.add("_extobj_contextvar", var)
}

/// Look at the current setting.
fn with_current<R>(py: Python<'_>, f: impl FnOnce(&ExtObj) -> R) -> PyResult<R> {
    let Some(var) = VARIABLE.get() else { return Ok(f(&ExtObj::default(py))) };
    let mut value = null_mut();
    // SAFETY: a live context variable; on success `value` is a new reference or null.
    unsafe {
        if ffi::PyContextVar_Get(var.as_ptr(), null_mut(), &mut value) < 0 {
            return Err(PyErr::fetch(py));
        }
        if value.is_null() {
            return Ok(f(&ExtObj::default(py)));
        }
        let capsule = Bound::from_owned_ptr(py, value);
        let ptr: *mut c_void = ffi::PyCapsule_GetPointer(capsule.as_ptr(), CAPSULE.as_ptr());
        if ptr.is_null() {
            return Err(PyErr::fetch(py));
        }
        // The capsule keeps the setting alive while we look at it.
        Ok(f(&*ptr.cast::<ExtObj>()))
    }
}

/// How many elements go through a buffer at a time.
pub fn bufsize(py: Python<'_>) -> PyResult<usize> {
    with_current(py, |e| e.bufsize)
}

/// Whether status is at most warned of: nothing raises, and nobody is called.
pub fn only_warns(py: Python<'_>) -> PyResult<bool> {
    with_current(py, |e| e.modes.iter().all(|mode| matches!(mode, Mode::Ignore | Mode::Warn)))
}

/// Whether nobody wants to hear of underflow, which is how numpy starts.
pub fn ignores_underflow(py: Python<'_>) -> PyResult<bool> {
    // ORDER of `KINDS`: divide, over, under, invalid.
    with_current(py, |e| e.modes[2] == Mode::Ignore)
}

/// `_get_extobj_dict()`
pub fn get_dict<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let now = with_current(py, |e| e.copy(py))?;
    let dict = PyDict::new(py);
    for ((_, key, _), mode) in KINDS.iter().zip(now.modes) {
        let name = MODES.iter().find(|m| m.1 == mode).map_or("ignore", |m| m.0);
        dict.set_item(key, name)?;
    }
    dict.set_item("call", now.call)?;
    dict.set_item("bufsize", now.bufsize)?;
    Ok(dict.into_any())
}

static SIG: args::Sig = args::Sig::new(
    "_seterrobj(*, all=None, divide=None, over=None, under=None, invalid=None, call=None, bufsize=None)",
);

/// `_make_extobj(...)`: the current setting with some parts replaced, as a capsule.
pub fn make_extobj<'py>(slf: &Bound<'py, PyAny>, a: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let [all, divide, over, under, invalid, call, bufsize] = a.parse(&SIG)?;
    let mut new = with_current(py, |e| e.copy(py))?;
    if let Some(size) = bufsize.filter(|b| !b.is_none()) {
        let n: isize = size.extract()?;
        if n >= 0 {
            if n > MAX_BUFSIZE {
                return Err(PyValueError::new_err(format!("Buffer size, {n}, is too big")));
            }
            if n < MIN_BUFSIZE {
                return Err(PyValueError::new_err(format!("Buffer size, {n}, is too small")));
            }
            if n % 16 != 0 {
                return Err(PyValueError::new_err(format!("Buffer size, {n}, is not a multiple of 16")));
            }
            new.bufsize = n as usize;
        }
    }
    let all = mode(all.as_ref())?;
    for (slot, arg) in new.modes.iter_mut().zip([divide, over, under, invalid]) {
        if let Some(m) = mode(arg.as_ref())?.or(all) {
            *slot = m;
        }
    }
    if let Some(f) = call
        && !args::is_no_value(&f)?
    {
        let writes = || f.getattr("write").is_ok_and(|w| w.is_callable());
        if !f.is_none() && !f.is_callable() && !writes() {
            return Err(PyTypeError::new_err(
                "python object must be callable or have a callable write method",
            ));
        }
        new.call = f.unbind();
    }
    new.into_capsule(py)
}

fn mode(arg: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Mode>> {
    let Some(arg) = arg.filter(|a| !a.is_none()) else { return Ok(None) };
    let found = arg.extract::<&str>().ok().and_then(|s| MODES.iter().find(|m| m.0 == s));
    match found {
        Some(m) => Ok(Some(m.1)),
        None => Err(PyValueError::new_err(format!("invalid error mode {}", arg.repr()?))),
    }
}

/// Raise or warn for status bits as the current setting says.
#[cold]
pub fn report(py: Python<'_>, name: &str, status: u32) -> PyResult<()> {
    let now = with_current(py, |e| e.copy(py))?;
    for ((bit, _, what), mode) in KINDS.iter().zip(now.modes) {
        if status & bit == 0 {
            continue;
        }
        let call = now.call.bind(py);
        let text = || format!("{what} encountered in {name}");
        match mode {
            Mode::Ignore => {}
            Mode::Warn => {
                let text = std::ffi::CString::new(text())?;
                PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &text, 1)?;
            }
            Mode::Raise => {
                return Err(pyo3::exceptions::PyFloatingPointError::new_err(text()));
            }
            Mode::Call => {
                if call.is_none() {
                    return Err(PyNameError::new_err(format!(
                        "python callback specified for {what} (in  {name}) but no function found."
                    )));
                }
                call.call1((*what, status))?;
            }
            // Standard error of the C runtime, as far as Python is concerned: sys.__stderr__ is not asked.
            Mode::Print => eprintln!("Warning: {} encountered in {name}", what),
            Mode::Log => {
                if call.is_none() {
                    return Err(PyNameError::new_err(format!(
                        "log specified for {what} (in {name}) but no object with write method found."
                    )));
                }
                call.call_method1("write", (format!("Warning: {}\n", text()),))?;
            }
        }
    }
    Ok(())
}
