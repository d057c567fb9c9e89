//! Generic loop bodies: a loop shape times an operation gives a [`LoopFn`](crate::LoopFn) for the table.
//!
//! Operands are checked once per call. When they are contiguous (or one is a scalar) and the output is disjoint from
//! the inputs, or coincides with the first of them, the body runs over slices, which the compiler vectorises
//! at each [`Level`](crate::cpu::Level). Other operands of operations worth it are moved through small blocks of memory.
//! Everything else goes through one strided body that reads and
//! writes in order, element by element, so that `accumulate` may hand in overlapping operands.
//!
//! The contract of [`LoopFn`](crate::LoopFn) is the safety contract of everything here: `dims[0]` elements of the
//! stated types are readable, or writable, at each pointer with its stride, and they are aligned.

pub mod binary;
pub mod exponent;
pub mod fold;
mod packed;
pub mod pairs;
pub mod pairwise;
pub mod ternary;
pub mod unary;

use core::mem::MaybeUninit;

use crate::cpu::{Level, multiversion};
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

/// Whether two operands have no byte in common. Strides may be anything; there is at least one element.
#[inline(always)]
fn are_apart(a: (*const u8, isize, usize), b: (*const u8, isize, usize), n: usize) -> bool {
    let extent = |(p, stride, size): (*const u8, isize, usize)| {
        let (first, last) = (p as usize, p.wrapping_offset(stride * (n as isize - 1)) as usize);
        (first.min(last), first.max(last) + size)
    };
    let (a, b) = (extent(a), extent(b));
    a.1 <= b.0 || b.1 <= a.0
}

/// Whether numpy's vector loops take an input and an output: apart, or from the same first to the same last element.
#[inline(always)]
fn suit_vectors(a: (*const u8, isize), o: (*const u8, isize), n: usize) -> bool {
    let ends = |(p, stride): (*const u8, isize)| {
        let (first, last) = (p as usize, p.wrapping_offset(stride * (n as isize - 1)) as usize);
        (first.min(last), first.max(last))
    };
    let (a, o) = (ends(a), ends(o));
    a == o || a.1 < o.0 || o.1 < a.0
}

/// Whether an element is one number of eight bytes, every second of which a vectorised loop takes out of memory by itself.
const fn is_word<T>() -> bool {
    size_of::<T>() == 8 && align_of::<T>() == 8
}

/// Bytes of an operand moved at a time.
const BLOCK: usize = 2048;

/// Room for one block of an operand.
#[repr(C, align(64))]
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

    /// Copies `n` elements that lie `stride` bytes apart.
    ///
    /// # Safety
    /// The elements are readable at `p`, and they fit.
    #[inline(always)]
    unsafe fn gather<T: Elem>(&mut self, p: *const u8, n: usize, stride: isize) -> &mut [T] {
        let to = self.room::<T>(n);
        // SAFETY: the caller's promise; the buffer is our own.
        unsafe {
            let size = size_of::<T>() as isize;
            if stride == size {
                core::ptr::copy_nonoverlapping(p, to.as_mut_ptr().cast(), size_of_val(to));
            } else if stride == 2 * size && n > 0 {
                // Pairs of elements, which vectors can take apart. Behind the last one may be nothing.
                let pairs = core::slice::from_raw_parts(p.cast::<[MaybeUninit<T>; 2]>(), n - 1);
                let (rest, last) = to.split_at_mut(n - 1);
                every_second(Level::current(), pairs, rest);
                last[0].write(load(p.offset((n as isize - 1) * stride)));
            } else {
                let mut p = p;
                for slot in to.iter_mut() {
                    slot.write(load(p));
                    p = p.wrapping_offset(stride);
                }
            }
            to.assume_init_mut()
        }
    }

    /// Place for `n` elements.
    #[inline(always)]
    fn room<T: Elem>(&mut self, n: usize) -> &mut [MaybeUninit<T>] {
        assert!(n <= Self::capacity::<T>() && align_of::<T>() <= 64);
        // SAFETY: they fit, and the buffer is aligned for every element type.
        unsafe { core::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), n) }
    }
}

#[inline(always)]
fn every_second_body<T: Elem>(pairs: &[[MaybeUninit<T>; 2]], to: &mut [MaybeUninit<T>]) {
    for (slot, pair) in to.iter_mut().zip(pairs) {
        *slot = pair[0];
    }
}

multiversion! {
    fn every_second[T: Elem](pairs: &[[MaybeUninit<T>; 2]], to: &mut [MaybeUninit<T>]) -> () = every_second_body::<T>;
}

/// Writes elements `stride` bytes apart.
///
/// # Safety
/// As many elements are writable at `p`, and the slice is initialised.
#[inline(always)]
unsafe fn scatter<T: Elem>(p: *mut u8, stride: isize, elements: &[MaybeUninit<T>]) {
    let mut p = p;
    for e in elements {
        // SAFETY: the caller's promise.
        unsafe { store(p, e.assume_init()) };
        p = p.wrapping_offset(stride);
    }
}

#[cfg(test)]
mod tests;
