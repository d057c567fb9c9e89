//! Setting a pending exception aside.

use std::ptr::null_mut;

use pyo3::ffi;

/// The exception that was pending, if one was. It is pending again when this is dropped.
pub struct Held {
    kind: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    traceback: *mut ffi::PyObject,
}

impl Held {
    /// # Safety
    /// Attached, here and where it is dropped; no exception is pending there.
    pub unsafe fn take() -> Held {
        let mut held = Held { kind: null_mut(), value: null_mut(), traceback: null_mut() };
        // SAFETY: by contract.
        #[allow(deprecated)]
        unsafe {
            ffi::PyErr_Fetch(&mut held.kind, &mut held.value, &mut held.traceback);
        }
        held
    }

    /// Borrowed: its first entry is the outermost frame's.
    pub fn traceback(&self) -> Option<*mut ffi::PyObject> {
        (!self.traceback.is_null()).then_some(self.traceback)
    }

    /// Takes the first (outermost) entry off the traceback.
    ///
    /// # Safety
    /// Attached.
    pub unsafe fn drop_first(&mut self) {
        if self.traceback.is_null() {
            return;
        }
        // SAFETY: attached; a traceback's `tb_next` is a traceback or None.
        unsafe {
            let next = ffi::PyObject_GetAttrString(self.traceback, c"tb_next".as_ptr());
            ffi::Py_DECREF(self.traceback);
            self.traceback = next;
            if next.is_null() {
                ffi::PyErr_Clear();
            } else if next == ffi::Py_None() {
                ffi::Py_DECREF(next);
                self.traceback = null_mut();
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.kind.is_null() {
            return;
        }
        // SAFETY: the references are ours to give back.
        #[allow(deprecated)]
        unsafe {
            ffi::PyErr_Restore(self.kind, self.value, self.traceback)
        }
    }
}
