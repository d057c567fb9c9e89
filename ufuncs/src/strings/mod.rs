//! Universal functions over fixed-width strings, and the operations they share with strings of any length.
//!
//! A fixed-width string ends at its last character that is not NUL; what follows is padding. Characters are bytes (`S`)
//! or code points in the machine's byte order (`U`). Widths come with each call, in [`LoopInfo`](crate::abi::LoopInfo);
//! what does not fit an output is cut off, so that no caller can make a kernel write past it.

pub mod build;
pub mod compare;
pub mod inspect;
#[rustfmt::skip]
mod ranges;
pub mod row;
mod search;
mod table;
pub mod unicode;

pub use compare::Char;
pub use row::trimmed;
pub use table::{COMPARISONS, SHARED_LOOPS, UFUNCS};

#[cfg(test)]
mod tests;
