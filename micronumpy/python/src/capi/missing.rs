//! What a slot holds until its function is written: raise `NotImplementedError` with the slot's own name.

use super::slots;
use crate::error;

macro_rules! missing_functions {
    ($table:ident) => {
        pub mod $table {
            fn raise(index: usize) {
                // SAFETY: C API functions are called with the GIL held unless documented otherwise; those that are
                // documented otherwise are written.
                let py = unsafe { pyo3::Python::assume_attached() };
                super::error::missing(super::slots::$table::name(index)).restore(py);
            }
            pub extern "C" fn pointer<const I: usize>() -> *mut std::ffi::c_void {
                raise(I);
                std::ptr::null_mut()
            }
            pub extern "C" fn integer<const I: usize>() -> isize {
                raise(I);
                -1
            }
            pub extern "C" fn nothing<const I: usize>() {
                raise(I);
            }
        }
    };
}

missing_functions!(array);
missing_functions!(ufunc);
