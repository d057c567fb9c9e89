//! Type objects with fixed addresses, as the C API tables need them.

use std::cell::UnsafeCell;

use pyo3::ffi;

/// A type object (or a larger struct starting with one) that lives as long as the process.
///
/// Written only while the module initialises, with the GIL held; afterwards CPython alone touches it.
#[repr(transparent)]
pub struct StaticType<T = ffi::PyTypeObject>(UnsafeCell<T>);

// SAFETY: all access happens with the GIL held, see above.
unsafe impl<T> Sync for StaticType<T> {}

impl<T> StaticType<T> {
    /// A type of which all bytes are zero, to be filled before `PyType_Ready`.
    pub const fn zeroed() -> StaticType<T> {
        // SAFETY: type structs are integers and nullable pointers.
        StaticType(UnsafeCell::new(unsafe { std::mem::zeroed() }))
    }
    /// The whole struct.
    pub const fn get(&'static self) -> *mut T {
        self.0.get()
    }
    /// The type object at its start.
    pub const fn as_type(&'static self) -> *mut ffi::PyTypeObject {
        self.0.get().cast()
    }
    pub const fn as_object(&'static self) -> *mut ffi::PyObject {
        self.0.get().cast()
    }
}
