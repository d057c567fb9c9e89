//! The compiled modules we stand in for, one file each.

use pyo3::ffi;

pub mod lapack_lite;
pub mod missing;
pub mod multiarray;
pub mod multiarray_umath;
pub mod pocketfft_umath;
pub mod random;
pub mod testing;
pub mod umath_linalg;

/// A module served by the import finder.
pub struct ModuleDef {
    /// Full dotted name.
    pub name: &'static str,
    /// Creates and fills the module: a new reference, or null with an exception set.
    pub init: unsafe extern "C" fn() -> *mut ffi::PyObject,
}

/// Every module we serve.
pub static MODULES: &[ModuleDef] = &[
    ModuleDef { name: "numpy._core._multiarray_umath", init: multiarray_umath::init },
    ModuleDef { name: "numpy._core._multiarray_tests", init: testing::multiarray_tests::init },
    ModuleDef { name: "numpy.fft._pocketfft_umath", init: pocketfft_umath::init },
    ModuleDef { name: "numpy.linalg._umath_linalg", init: umath_linalg::init },
    ModuleDef { name: "numpy.linalg.lapack_lite", init: lapack_lite::init },
    random::BIT_GENERATOR,
    random::COMMON,
    random::BOUNDED_INTEGERS,
    random::MT19937,
    random::PCG64,
    random::PHILOX,
    random::SFC64,
    random::GENERATOR,
    random::MTRAND,
];
