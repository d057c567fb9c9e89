//! numpy 2's C layouts, nothing else. ABI: offsets are asserted beside each struct and never change.
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]

mod array;
mod descr;
mod iter;
mod memory;
mod method;
mod scalar;
mod static_type;
mod ufunc;

pub use array::*;
pub use descr::*;
pub use iter::*;
pub use memory::*;
pub use method::*;
pub use scalar::*;
pub use static_type::StaticType;
pub use ufunc::*;
