//! Generic loop bodies: a loop shape times an operation gives a [`LoopFn`](crate::LoopFn) for the table.
//!
//! Operands are checked once per call. When they are contiguous (or one is a scalar) and the output is disjoint from
//! the inputs, the body runs over slices, which the compiler vectorises
//! at each [`Level`](crate::cpu::Level); an output that coincides with an input is
//! handled by copying a small block of that input first; everything else goes through one strided body that reads and
//! writes in order, element by element, so that `accumulate` may hand in overlapping operands.
//!
//! The contract of [`LoopFn`](crate::LoopFn) is the safety contract of everything here: `dims[0]` elements of the
//! stated types are readable, or writable, at each pointer with its stride, and they are aligned.

pub mod binary;
pub mod pairs;
pub mod pairwise;
pub mod ternary;
pub mod unary;

use core::mem::MaybeUninit;

use crate::elem::Elem;

/// Reads one element.
///
/// # Safety
/// `p` points to a readable, aligned `T`.
#[inline(always)]
pub unsafe fn load<T: Copy>(p: *const u8) -> T {
    // SAFETY: the caller's promise.
    unsafe { p.cast::<T>().read() }
}

/// Writes one element.
///
/// # Safety
/// `p` points to a writable, aligned `T`.
#[inline(always)]
pub unsafe fn store<T: Copy>(p: *mut u8, value: T) {
    // SAFETY: the caller's promise.
    unsafe { p.cast::<T>().write(value) }
}

/// How an input lies to the output, both contiguous.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overlap {
    Disjoint,
    /// Same address and item size: element `i` of one is element `i` of the other.
    Same,
    Partial,
}

#[inline(always)]
fn overlap(input: *const u8, in_bytes: usize, output: *const u8, out_bytes: usize) -> Overlap {
    let (i, o) = (input as usize, output as usize);
    if i + in_bytes <= o || o + out_bytes <= i {
        Overlap::Disjoint
    } else if i == o && in_bytes == out_bytes {
        Overlap::Same
    } else {
        Overlap::Partial
    }
}

/// Bytes of an input copied at a time when the output overwrites it.
const BLOCK: usize = 2048;

/// Room for one block of an input.
#[repr(C, align(32))]
struct Scratch(MaybeUninit<[u8; BLOCK]>);

impl Scratch {
    #[inline(always)]
    const fn new() -> Scratch {
        Scratch(MaybeUninit::uninit())
    }

    /// How many elements fit.
    #[inline(always)]
    const fn capacity<T>() -> usize {
        BLOCK / size_of::<T>()
    }

    /// Copies `n` elements.
    ///
    /// # Safety
    /// `n` elements are readable at `p`, and they fit.
    #[inline(always)]
    unsafe fn copy<T: Elem>(&mut self, p: *const u8, n: usize) -> &[T] {
        debug_assert!(n <= Self::capacity::<T>() && align_of::<T>() <= 32);
        let to = self.0.as_mut_ptr().cast::<T>();
        // SAFETY: the caller's promise; the buffer is our own and aligned for every element type.
        unsafe {
            core::ptr::copy_nonoverlapping(p.cast::<T>(), to, n);
            core::slice::from_raw_parts(to, n)
        }
    }
}

#[cfg(test)]
mod tests;
