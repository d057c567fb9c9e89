//! `micronumpy`: the command line of `python`, with numpy's compiled modules replaced by ours.
//!
//! There is no Rust `main`, so that the process CPython finds is the one it would find in its own executable: signal
//! dispositions untouched, arguments as the bytes they came as.
#![no_main]

use std::ffi::{c_char, c_int};

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
