//! `micronumpy`: the command line of `python`, with numpy's compiled modules replaced by ours.
//!
//! There is no Rust `main`, so that the process CPython finds is the one it would find in its own executable: signal
//! dispositions untouched, arguments as the bytes they came as.
#![no_main]

use std::ffi::{c_char, c_int, c_void};
use std::time::Duration;

use pyo3::prelude::*;

#[pymodule]
fn _micronumpy(m: &Bound<'_, PyModule>) -> PyResult<()> {
    interp::embed::fill(m)
}

#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *mut *const c_char) -> c_int {
    pyo3::append_to_inittab!(_micronumpy);
    // SAFETY: the C runtime calls this once, on the main thread, with its own argument vector.
    unsafe { interp::embed::run(argc, argv) }
}

/// Ends the calling thread as the C library does, unless it is in the middle of a region. Up to 3.13, CPython ends threads that
/// want the interpreter back when the process ends, wherever they are, by an unwinding that Rust's frames stop with an abort.
/// Such a thread waits here for the end of the process, as all of them do from 3.14 on.
///
/// # Safety
/// As for the C library's function.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn pthread_exit(value: *mut c_void) -> ! {
    while interp::embed::entry::is_inside() {
        std::thread::sleep(Duration::from_secs(3600));
    }
    // SAFETY: the next definition of the name is the C library's, of this type.
    unsafe {
        let real = libc::dlsym(libc::RTLD_NEXT, c"pthread_exit".as_ptr());
        if real.is_null() {
            libc::abort();
        }
        std::mem::transmute::<*mut c_void, unsafe extern "C-unwind" fn(*mut c_void) -> !>(real)(value)
    }
}
