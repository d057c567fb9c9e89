//! Whether somebody follows this thread event by event.
//!
//! Tracers, profilers and tools of `sys.monitoring` get their events from CPython's interpreter loop; while the VM runs a
//! loop there are none. So regions are left to CPython under a tool. Asking costs two calls, and nearly no process ever has
//! a tool: the audit event that every way of installing one raises, from C too, tells when to begin asking.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

/// Some thread has been watched at some time.
static EVER: AtomicBool = AtomicBool::new(false);
static ASK: OnceLock<[Py<PyAny>; 2]> = OnceLock::new();

unsafe extern "C" {
    fn PySys_AddAuditHook(
        hook: unsafe extern "C" fn(*const c_char, *mut ffi::PyObject, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
}

unsafe extern "C" fn audit(event: *const c_char, _: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    // SAFETY: CPython passes the name of the event. Nearly all others begin with another letter.
    unsafe {
        if *event == b's' as c_char && !EVER.load(Ordering::Relaxed) {
            let event = CStr::from_ptr(event).to_bytes();
            if matches!(event, b"sys.settrace" | b"sys.setprofile" | b"sys.monitoring.register_callback") {
                EVER.store(true, Ordering::Relaxed);
            }
        }
    }
    0
}

/// Begins to notice tools. Once per process.
///
/// # Errors
/// When an audit hook that is there already objects.
pub fn install(py: Python<'_>) -> PyResult<()> {
    let sys = py.import("sys")?;
    let ask = [sys.getattr("gettrace")?.unbind(), sys.getattr("getprofile")?.unbind()];
    if ASK.set(ask).is_err() {
        return Ok(());
    }
    // A tool may be there before us.
    EVER.store(asked(py), Ordering::Relaxed);
    // SAFETY: the hook is a function of ours that needs no data.
    match unsafe { PySys_AddAuditHook(audit, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(py)),
    }
}

/// Whether this thread is watched.
#[inline]
pub fn being_watched(py: Python<'_>) -> bool {
    EVER.load(Ordering::Relaxed) && asked(py)
}

#[cold]
fn asked(py: Python<'_>) -> bool {
    let Some(ask) = ASK.get() else { return false };
    // An exception means that we can't know, and running plainly is always right.
    let plain = ask.iter().all(|f| f.bind(py).call0().is_ok_and(|tool| tool.is_none()));
    !plain || monitored(py).unwrap_or(true)
}

/// `sys.monitoring` is there from 3.12 on.
fn monitored(py: Python<'_>) -> PyResult<bool> {
    if !cfg!(Py_3_12) {
        return Ok(false);
    }
    let monitoring = py.import("sys")?.getattr("monitoring")?;
    for tool in 0..6 {
        if !monitoring.call_method1("get_tool", (tool,))?.is_none()
            && monitoring.call_method1("get_events", (tool,))?.extract::<i64>()? != 0
        {
            return Ok(true);
        }
    }
    Ok(false)
}
