//! Moving elements between dtypes: which casts are allowed ([`level`](cast_level)), the plan for moving strided elements
//! from one dtype to another ([`Transfer`]), and assignment between arrays built on it ([`copy_into`]).

mod assign;
mod dates;
mod level;
mod nested;
mod resolve;
mod text;
mod transfer;
mod vstring;

pub use assign::{
    convert_item, copy_into, copy_into_same_value, copy_into_status, copy_masked, fill, object_offsets,
    release_objects, retain_objects, set_masked_scalar,
};
use level::metric_equal;
pub use level::{can_cast, cast_level, sized_for};
pub use resolve::{CastResolution, resolve, view_offset};
pub use transfer::Transfer;

use crate::error::Result;

/// numpy's casting levels, ordered from strict to lenient. Values are ABI (`NPY_CASTING`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(i32)]
pub enum Casting {
    No = 0,
    Equiv = 1,
    Safe = 2,
    SameKind = 3,
    Unsafe = 4,
    /// Unsafe cast that fails when a value changes.
    SameValue = 68,
}

/// The loop of a cast the host performs.
pub trait HostLoop: Send + Sync {
    /// Move `n` elements.
    ///
    /// # Errors
    /// What the host raises.
    ///
    /// # Safety
    /// As for [`Transfer::run`], with the alignment the loop was asked for.
    unsafe fn run(&self, src: *const u8, sst: isize, dst: *mut u8, dst_st: isize, n: usize) -> Result<()>;
    /// Whether the loop works at any alignment.
    fn takes_unaligned(&self) -> bool;
}

#[cfg(test)]
mod tests;
