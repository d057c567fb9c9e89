//! Helper modules of numpy's own test suite.

mod arrays;
mod converters;
mod dtypes;
mod extint;
mod iterators;
pub mod multiarray_tests;
mod npymath;
pub mod sfloat;
