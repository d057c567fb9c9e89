//! Helper modules of numpy's own test suite.

pub mod multiarray_tests;
