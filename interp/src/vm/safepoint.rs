//! Giving way to signals and to other threads.

use std::ffi::CStr;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Raised;
use super::run::Vm;
use crate::embed::errors::Held;

/// Turns that take no time worth speaking of.
const QUICK: u32 = 50;

/// Code of functions that do nothing.
static NOTHING: OnceLock<Py<PyAny>> = OnceLock::new();

/// Makes what the VM needs to run. Once per process.
///
/// # Errors
/// Out of memory.
pub fn prepare(py: Python<'_>) -> PyResult<()> {
    let nothing = py.eval(c"lambda: None", Some(&PyDict::new(py)), None)?;
    let _ = NOTHING.set(nothing.unbind());
    Ok(())
}

impl Vm<'_, '_> {
    /// Signals first, whose handlers see our frame; then a call of an empty Python function: entering the interpreter's
    /// loop does whatever else is asked of this thread (handing over the GIL, pending calls, exceptions from other threads),
    /// with CPython's own fairness and by public means only.
    #[cold]
    pub fn safepoint(&mut self, index: u16, pc: usize) -> Result<(), Raised> {
        self.ticks = 0;
        self.since = None;
        self.show(pc);
        let pause = &self.region.pauses[usize::from(index)];
        let pause = match pause.get() {
            Some(pause) => pause,
            None => {
                let new = pause_here(self.py).map_err(|error| {
                    error.restore(self.py);
                    Raised
                })?;
                // Another thread may have made one meanwhile; then this one goes as any function does.
                pause.get_or_init(|| untracked(new))
            }
        };
        // SAFETY: attached, nothing pending.
        unsafe {
            if ffi::PyErr_CheckSignals() != 0 {
                return Err(Raised);
            }
            let result = ffi::PyObject_CallNoArgs(pause.as_ptr());
            if result.is_null() {
                // The empty function does not belong into the traceback.
                Held::take().drop_first();
                return Err(Raised);
            }
            ffi::Py_DECREF(result);
        }
        Ok(())
    }

    /// Before a run ends that took some time. CPython looks at signals right after our call, too, but then the new values
    /// are not yet assigned.
    pub fn look_at_signals(&mut self) -> Result<(), Raised> {
        // SAFETY: attached, nothing pending.
        if self.turns > QUICK && unsafe { ffi::PyErr_CheckSignals() } != 0 { Err(Raised) } else { Ok(()) }
    }
}

/// An empty function that looks like the running one at its line: another thread that takes over at the safepoint may look
/// at this thread's innermost frame.
fn pause_here(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let nothing = NOTHING.get().ok_or_else(|| pyo3::exceptions::PySystemError::new_err("no VM"))?.bind(py);
    // SAFETY: attached, in a builtin that a frame called; the code comes as a new reference.
    let (code, line) = unsafe {
        let frame = ffi::PyEval_GetFrame();
        let code = ffi::PyFrame_GetCode(frame).cast::<ffi::PyObject>();
        (Bound::from_owned_ptr(py, code), ffi::PyFrame_GetLineNumber(frame))
    };
    let changes = PyDict::new(py);
    for name in ["co_name", "co_qualname", "co_filename"] {
        changes.set_item(name, code.getattr(name)?)?;
    }
    changes.set_item("co_firstlineno", line)?;
    let code = nothing.getattr("__code__")?.call_method("replace", (), Some(&changes))?;
    let function: &CStr = c"type(nothing)(code, {})";
    let names = PyDict::new(py);
    names.set_item("nothing", nothing)?;
    names.set_item("code", code)?;
    Ok(py.eval(function, Some(&names), None)?.unbind())
}

/// Programs that count the objects the collector knows should not find one more in the middle of a loop.
fn untracked(function: Py<PyAny>) -> Py<PyAny> {
    // SAFETY: a tracked object; `Region` has it tracked again before it goes.
    unsafe { ffi::PyObject_GC_UnTrack(function.as_ptr().cast()) };
    function
}
