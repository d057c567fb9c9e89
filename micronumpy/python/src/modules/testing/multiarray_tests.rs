//! `numpy._core._multiarray_tests`: looks behind the public interface on behalf of numpy's test suite.

use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::PyModule;

use crate::ffi::guard;
use crate::ffi::methods::{END, Methods};
use crate::modules::missing::add_missing;
use crate::modules::multiarray::add_functions;
use crate::noargs;

static FUNCTIONS: Methods<2> = Methods::new([noargs!(c"get_fpu_mode", get_fpu_mode), END]);

/// Every name upstream's module has.
const NAMES: &[&str] = &[
    "argparse_example_function",
    "threaded_argparse_example_function",
    "IsPythonScalar",
    "test_neighborhood_iterator",
    "test_neighborhood_iterator_oob",
    "fromstring_null_term_c_api",
    "create_custom_field_dtype",
    "corrupt_or_fix_bufferinfo",
    "incref_elide",
    "incref_elide_l",
    "npy_char_deprecation",
    "npy_create_writebackifcopy",
    "npy_abuse_writebackifcopy",
    "npy_resolve",
    "npy_discard",
    "npy_ensurenocopy",
    "get_buffer_info",
    "get_c_wrapping_array",
    "get_all_cast_information",
    "identityhash_tester",
    "array_indexing",
    "test_as_c_array",
    "test_nditer_too_large",
    "solve_diophantine",
    "internal_overlap",
    "extint_safe_binop",
    "extint_to_128",
    "extint_to_64",
    "extint_mul_64_64",
    "extint_add_128",
    "extint_sub_128",
    "extint_neg_128",
    "extint_shl_128",
    "extint_shr_128",
    "extint_gt_128",
    "extint_divmod_128_64",
    "extint_floordiv_128_64",
    "extint_ceildiv_128_64",
    "npy_cabsf",
    "npy_cabs",
    "npy_cabsl",
    "npy_cargf",
    "npy_carg",
    "npy_cargl",
    "npy_log10f",
    "npy_log10",
    "npy_log10l",
    "npy_coshf",
    "npy_cosh",
    "npy_coshl",
    "npy_sinhf",
    "npy_sinh",
    "npy_sinhl",
    "npy_tanf",
    "npy_tan",
    "npy_tanl",
    "npy_tanhf",
    "npy_tanh",
    "npy_tanhl",
    "format_float_OSprintf_g",
    "get_struct_alignments",
    "run_byteorder_converter",
    "run_sortkind_converter",
    "run_selectkind_converter",
    "run_searchside_converter",
    "run_order_converter",
    "run_clipmode_converter",
    "run_casting_converter",
    "run_scalar_intp_converter",
    "run_scalar_intp_from_sequence",
    "run_intp_converter",
    "npy_import_entry_point",
];

/// Create the module.
///
/// # Safety
/// Called with the GIL held.
pub unsafe extern "C" fn init() -> *mut pyffi::PyObject {
    guard(|py| {
        let module = PyModule::new(py, "numpy._core._multiarray_tests")?;
        add_functions(&module, FUNCTIONS.as_ptr())?;
        add_missing(&module, NAMES)?;
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
