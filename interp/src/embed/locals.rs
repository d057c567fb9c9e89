//! Writing the locals of the running frame.
//!
//! A region that ends as it should hands its values back to code that assigns them. Where there is no such code, since an
//! exception goes by, the rest of the loop is CPython's or some local stays unbound, they are put into the frame from
//! outside.

use pyo3::ffi;

use super::errors::Held;

/// A local to assign, or with null to delete.
pub type Assignment = (*mut ffi::PyObject, *mut ffi::PyObject);

/// Assigns locals, cells included, of the frame that called us. A pending exception stays.
///
/// # Safety
/// Attached; names are interned strings, values objects that live at least as long as the call.
pub unsafe fn assign(items: &[Assignment]) {
    // SAFETY: by contract; the frame and what is asked of it are CPython's public interface, and errors in it (out of
    // memory) leave a local as it was.
    unsafe {
        let _pending = Held::take();
        let frame = ffi::PyEval_GetFrame();
        if frame.is_null() {
            return;
        }
        let locals = ffi::PyFrame_GetLocals(frame);
        if locals.is_null() {
            ffi::PyErr_Clear();
            return;
        }
        for &(name, value) in items {
            let failed = if value.is_null() {
                ffi::PyObject_DelItem(locals, name)
            } else {
                ffi::PyObject_SetItem(locals, name, value)
            };
            if failed != 0 {
                // Deleted and not there, or a memory error.
                ffi::PyErr_Clear();
            }
        }
        #[cfg(not(Py_3_13))]
        {
            ffi::PyFrame_LocalsToFast(frame, 1);
            // Up to 3.12 this dict is a snapshot that stays with the frame, and would keep the values alive. Whoever else
            // has it asked for that.
            if ffi::Py_REFCNT(locals) == 2 {
                ffi::PyDict_Clear(locals);
            }
        }
        ffi::Py_DECREF(locals);
    }
}
