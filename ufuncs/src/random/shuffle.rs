//! Fisher-Yates over raw elements.

use super::BitGen;
use super::bitgen::{Bits, direct};
use super::bounded::{Buffer, bounded, interval};

/// How the partner of an element is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// As `Generator` does.
    Lemire,
    /// As `RandomState` does.
    Masked,
}

impl Draw {
    /// An index in `[0, max]`.
    #[inline]
    pub fn index(self, rng: &impl Bits, max: usize) -> usize {
        match self {
            Draw::Lemire => bounded::<u64>(rng, 0, max as u64, false, &mut Buffer::default()) as usize,
            Draw::Masked => interval(rng, max as u64) as usize,
        }
    }
}

/// Shuffle `n` elements from the last down to the one at `first`; the elements from `n - k` on are then a random draw
/// of `k` when `first` is `n - k`.
///
/// # Safety
/// `data` and `stride` describe `n` elements of `itemsize` bytes that do not overlap and nobody else is using.
pub unsafe fn shuffle(
    rng: &BitGen,
    n: usize,
    first: usize,
    itemsize: usize,
    stride: isize,
    data: *mut u8,
    draw: Draw,
) {
    let at = |i: usize| data.wrapping_offset(i as isize * stride);
    direct!(rng, bits => for i in (first.max(1)..n).rev() {
        let j = draw.index(bits, i);
        if i != j {
            // SAFETY: both are elements, and different ones.
            unsafe { swap(at(i), at(j), itemsize) };
        }
    });
}

/// # Safety
/// Two places of `itemsize` bytes that do not overlap.
#[inline]
unsafe fn swap(a: *mut u8, b: *mut u8, itemsize: usize) {
    // SAFETY: the caller's promise; the sizes in use most get a copy through a register.
    unsafe {
        match itemsize {
            8 => std::ptr::swap_nonoverlapping(a.cast::<[u8; 8]>(), b.cast(), 1),
            4 => std::ptr::swap_nonoverlapping(a.cast::<[u8; 4]>(), b.cast(), 1),
            _ => std::ptr::swap_nonoverlapping(a, b, itemsize),
        }
    }
}
