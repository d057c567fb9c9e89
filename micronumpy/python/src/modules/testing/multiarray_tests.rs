//! `numpy._core._multiarray_tests`: looks behind the public interface on behalf of numpy's test suite.

use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::PyModule;

use crate::ffi::guard;
use crate::ffi::methods::{END, Methods};
use crate::modules::multiarray::add_functions;
use crate::noargs;

static FUNCTIONS: Methods<2> = Methods::new([noargs!(c"get_fpu_mode", get_fpu_mode), END]);

/// Create the module.
///
/// # Safety
/// Called with the GIL held.
pub unsafe extern "C" fn init() -> *mut pyffi::PyObject {
    guard(|py| {
        let module = PyModule::new(py, "numpy._core._multiarray_tests")?;
        add_functions(&module, &FUNCTIONS)?;
        add_functions(&module, &super::arrays::FUNCTIONS)?;
        add_functions(&module, &super::converters::FUNCTIONS)?;
        add_functions(&module, &super::dtypes::FUNCTIONS)?;
        add_functions(&module, &super::extint::FUNCTIONS)?;
        add_functions(&module, &super::iterators::FUNCTIONS)?;
        add_functions(&module, &super::npymath::FUNCTIONS)?;
        Ok(module.into_ptr())
    })
}

/// The x87 control word (bits 16 and up: the SSE control bits), which tests must leave as they found it.
fn get_fpu_mode<'py>(module: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(fpu_mode().into_pyobject(module.py())?.into_any())
}

#[cfg(target_arch = "x86_64")]
fn fpu_mode() -> u32 {
    let mut word: u16 = 0;
    let mut mxcsr: u32 = 0;
    // SAFETY: both instructions store a control word to the given address and change nothing.
    unsafe {
        std::arch::asm!("fnstcw word ptr [{0}]", in(reg) &raw mut word, options(nostack));
        std::arch::asm!("stmxcsr dword ptr [{0}]", in(reg) &raw mut mxcsr, options(nostack));
    }
    // The low six bits of the SSE register are sticky status, not mode.
    u32::from(word) | (mxcsr & 0xffc0) << 16
}

#[cfg(not(target_arch = "x86_64"))]
fn fpu_mode() -> u32 {
    0
}
