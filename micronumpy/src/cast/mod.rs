//! Moving elements between dtypes: which casts are allowed, and the strided transfer that does one.

mod level;

pub use level::{can_cast, cast_level, sized_for};

use crate::array::ArrayRef;
use crate::error::{Error, Result};

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

/// A cast the host performs: strided, aligned native on both sides.
#[derive(Clone, Copy)]
pub struct HostCast {
    pub run: unsafe fn(
        aux: usize,
        src: *const u8,
        sst: isize,
        dst: *mut u8,
        dst_st: isize,
        n: usize,
    ) -> Result<()>,
    pub aux: usize,
    pub level: Casting,
}

/// Assign `src` to `dst` element by element with broadcasting, any dtypes, any strides, overlap handled as if `src` had
/// been copied first. Castability is the caller's business. Object references are kept exact.
///
/// # Errors
/// Shapes that do not broadcast (`could not broadcast input array from shape (3,) into shape (2,)`), values that cannot be converted.
pub fn copy_into(dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Result<()> {
    let _ = (dst, src);
    Err(Error::missing("cast::copy_into"))
}

/// Give back every object reference an array holds and set the slots to null.
///
/// # Safety
/// The array's memory is valid and nobody else gives the references back.
pub unsafe fn release_objects(arr: &ArrayRef<'_>) {
    let _ = arr;
}
