//! Arrays with numpy's semantics, without Python.
//!
//! `dtype` says what an element is, `array` where elements lie, `cast` moves them, `index` and `iter` visit them, `ufunc`
//! applies kernels of the crate `ufuncs`, `ops` is everything else. No type here knows a Python object; the few things an
//! object element can do are a table of functions ([`object::ObjectOps`]).

pub mod array;
pub mod cast;
pub mod dtype;
pub mod elem_text;
pub mod error;
pub mod index;
pub mod iter;
pub mod object;
pub mod ops;
pub mod threads;
pub mod ufunc;
pub mod vstring;

pub use array::{ArrayRef, Dims, NdArray, Order};
pub use cast::Casting;
pub use dtype::{Dtype, TypeNum};
pub use error::{Error, Result};
