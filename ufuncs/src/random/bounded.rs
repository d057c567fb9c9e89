//! Integers in a range: Lemire's multiplication for `Generator`, masking with rejection for `RandomState`.
//!
//! Narrow types cut a 32-bit draw into pieces; the pieces not used yet wait in a [`Buffer`] that lives as long as one fill.

use super::BitGen;
use super::bitgen::{Bits, direct};

/// All ones up to the highest one of `max`.
#[inline]
fn mask_of(max: u64) -> u64 {
    u64::MAX.checked_shr(max.leading_zeros()).unwrap_or(0)
}

/// A value in `[0, max]` by masked rejection.
#[inline]
pub fn interval(rng: &impl Bits, max: u64) -> u64 {
    if max == 0 {
        return 0;
    }
    let mask = mask_of(max);
    if max <= u64::from(u32::MAX) {
        loop {
            let value = u64::from(rng.u32()) & mask;
            if value <= max {
                return value;
            }
        }
    }
    loop {
        let value = rng.u64() & mask;
        if value <= max {
            return value;
        }
    }
}

/// What is left of a 32-bit draw.
#[derive(Debug, Clone, Copy, Default)]
pub struct Buffer {
    left: u32,
    bits: u32,
}

impl Buffer {
    /// The next `width` bits in the low end of the result; higher bits are whatever follows.
    #[inline]
    fn next(&mut self, rng: &impl Bits, width: u32) -> u32 {
        if self.left == 0 {
            self.bits = rng.u32();
            self.left = 32 / width - 1;
        } else {
            self.bits >>= width;
            self.left -= 1;
        }
        self.bits
    }
}

/// An integer type to draw.
pub trait Bounded: Copy {
    /// Its number of bits.
    const WIDTH: u32;
    fn to_u64(self) -> u64;
    fn from_u64(bits: u64) -> Self;
    /// `WIDTH` random bits.
    fn bits(rng: &impl Bits, buffer: &mut Buffer) -> u64;
    /// The high and the low half of `bits * n`.
    #[inline]
    fn multiply(bits: u64, n: u64) -> (u64, u64) {
        let product = bits * n;
        (product >> Self::WIDTH, product & ((1 << Self::WIDTH) - 1))
    }
}

macro_rules! narrow {
    ($t:ty, $width:literal) => {
        impl Bounded for $t {
            const WIDTH: u32 = $width;
            #[inline]
            fn to_u64(self) -> u64 {
                u64::from(self)
            }
            #[inline]
            fn from_u64(bits: u64) -> Self {
                bits as $t
            }
            #[inline]
            fn bits(rng: &impl Bits, buffer: &mut Buffer) -> u64 {
                u64::from(buffer.next(rng, $width) as $t)
            }
        }
    };
}
narrow!(u8, 8);
narrow!(u16, 16);

impl Bounded for u32 {
    const WIDTH: u32 = 32;
    #[inline]
    fn to_u64(self) -> u64 {
        u64::from(self)
    }
    #[inline]
    fn from_u64(bits: u64) -> Self {
        bits as u32
    }
    #[inline]
    fn bits(rng: &impl Bits, _: &mut Buffer) -> u64 {
        u64::from(rng.u32())
    }
}

impl Bounded for u64 {
    const WIDTH: u32 = 64;
    #[inline]
    fn to_u64(self) -> u64 {
        self
    }
    #[inline]
    fn from_u64(bits: u64) -> Self {
        bits
    }
    #[inline]
    fn bits(rng: &impl Bits, _: &mut Buffer) -> u64 {
        rng.u64()
    }
    #[inline]
    fn multiply(bits: u64, n: u64) -> (u64, u64) {
        let product = u128::from(bits) * u128::from(n);
        ((product >> 64) as u64, product as u64)
    }
}

/// `bool` draws single bits; a range of 0 is the constant.
impl Bounded for bool {
    const WIDTH: u32 = 1;
    #[inline]
    fn to_u64(self) -> u64 {
        u64::from(self)
    }
    #[inline]
    fn from_u64(bits: u64) -> Self {
        bits & 1 != 0
    }
    #[inline]
    fn bits(rng: &impl Bits, buffer: &mut Buffer) -> u64 {
        u64::from(buffer.next(rng, 1) & 1)
    }
}

/// A value in `[off, off + range]`, wrapping around.
#[inline]
pub fn bounded<T: Bounded>(rng: &impl Bits, off: T, range: T, masked: bool, buffer: &mut Buffer) -> T {
    let range64 = range.to_u64();
    if range64 == 0 {
        return off;
    }
    // Wide types draw 32 bits when these are enough.
    let value = if T::WIDTH == 64 && range64 <= u64::from(u32::MAX) {
        u64::from(below::<u32>(rng, range64, masked, buffer))
    } else {
        below::<T>(rng, range64, masked, buffer).to_u64()
    };
    T::from_u64(off.to_u64().wrapping_add(value))
}

/// `n` values as by [`bounded`], with one buffer.
///
/// # Safety
/// Room for so many at `out`.
pub unsafe fn fill<T: Bounded>(rng: &BitGen, off: T, range: T, masked: bool, out: *mut T, n: usize) {
    direct!(rng, bits => {
        if T::WIDTH == 1 && range.to_u64() != 0 {
            // Every bit of a draw is a value.
            for start in (0..n).step_by(32) {
                let drawn = bits.u32();
                for i in 0..32.min(n - start) {
                    // SAFETY: the caller's promise.
                    unsafe { out.add(start + i).write(T::from_u64(off.to_u64() + u64::from(drawn >> i & 1))) };
                }
            }
        } else if T::WIDTH >= 32
            && let Ok(range @ 1..) = u32::try_from(range.to_u64())
        {
            // SAFETY: the caller's promise.
            unsafe { fill_from_words(bits, off, range, masked, out, n) };
        } else {
            let mut buffer = Buffer::default();
            for i in 0..n {
                // SAFETY: the caller's promise.
                unsafe { out.add(i).write(bounded(bits, off, range, masked, &mut buffer)) };
            }
        }
    });
}

/// [`fill`] where every draw is of 32 bits. Never more are drawn at a time than values are missing, so that none is left over.
///
/// # Safety
/// As for [`fill`].
unsafe fn fill_from_words<T: Bounded>(
    rng: &impl Bits,
    off: T,
    range: u32,
    masked: bool,
    out: *mut T,
    n: usize,
) {
    let off = off.to_u64();
    let value = |value: u32| T::from_u64(off.wrapping_add(value.into()));
    let (mask, count) = (mask_of(range.into()) as u32, u64::from(range) + 1);
    let product = |word: u32| u64::from(word) * count;
    // The first 2^32 mod count products of each high half are too many. (Of all words, none.)
    let threshold = ((1 << 32) % count) as u32;
    let mut words = [0; 256];
    let mut done = 0;
    while done < n {
        let words = &mut words[..(n - done).min(256)];
        rng.fill_u32(words);
        // SAFETY: the caller's promise; as many values are missing as there are words.
        unsafe {
            if masked && range != u32::MAX {
                for &word in &*words {
                    out.add(done).write(value(word & mask));
                    done += usize::from(word & mask <= range);
                }
            } else if words.iter().fold(false, |any, &word| any | ((product(word) as u32) < threshold)) {
                for &word in &*words {
                    out.add(done).write(value((product(word) >> 32) as u32));
                    done += usize::from(product(word) as u32 >= threshold);
                }
            } else {
                for (i, &word) in words.iter().enumerate() {
                    out.add(done + i).write(value((product(word) >> 32) as u32));
                }
                done += words.len();
            }
        }
    }
}

/// A value in `[0, range]`, range being positive.
#[inline]
fn below<T: Bounded>(rng: &impl Bits, range: u64, masked: bool, buffer: &mut Buffer) -> T {
    let max = u64::MAX >> (64 - T::WIDTH);
    if range == max {
        return T::from_u64(T::bits(rng, buffer));
    }
    if masked {
        let mask = mask_of(range);
        loop {
            let value = T::bits(rng, buffer) & mask;
            if value <= range {
                return T::from_u64(value);
            }
        }
    }
    let n = range + 1;
    let (mut high, mut low) = T::multiply(T::bits(rng, buffer), n);
    if low < n {
        // The first 2^WIDTH mod n products of each high half are too many.
        let threshold = (max - range) % n;
        while low < threshold {
            (high, low) = T::multiply(T::bits(rng, buffer), n);
        }
    }
    T::from_u64(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::bitgen::Source;
    use crate::random::mt19937::Mt19937;
    use crate::random::pcg64::Pcg64;
    use crate::random::philox::Philox;
    use crate::random::sfc64::Sfc64;

    fn check<S: Source + Clone, T: Bounded + PartialEq + core::fmt::Debug>(source: &S, off: T, range: T) {
        for masked in [false, true] {
            let (mut one, mut many) = (source.clone(), source.clone());
            // SAFETY: both outlive what draws from them.
            let (one_by_one, together) = unsafe { (BitGen::new(&mut one), BitGen::new(&mut many)) };
            for n in [1, 3, 1000, 2, 777] {
                let mut buffer = Buffer::default();
                let expected: Vec<T> =
                    (0..n).map(|_| bounded(&one_by_one, off, range, masked, &mut buffer)).collect();
                let mut drawn = vec![off; n];
                // SAFETY: a vector of so many.
                unsafe { fill(&together, off, range, masked, drawn.as_mut_ptr(), n) };
                assert_eq!(drawn, expected);
                assert_eq!(one_by_one.u32(), together.u32());
            }
        }
    }

    fn check_ranges<S: Source + Clone>(source: &S) {
        for range in [1, 99, 127, (1 << 31) + 1, u32::MAX - 1, u32::MAX] {
            check(source, 7u32, range);
            check(source, u64::MAX, u64::from(range));
        }
        check(source, 0u64, 1 << 40);
        check(source, 1u8, 9);
        check(source, false, true);
    }

    #[test]
    fn many_draws_are_single_ones() {
        let mut twister = Mt19937 { key: [0; 624], pos: 0 };
        twister.seed(5);
        check_ranges(&twister);
        check_ranges(&Pcg64::new(3, 5));
        check_ranges(&Philox::new([1, 2, 3, 4], [5, 6]));
        check_ranges(&Sfc64::new([1, 2, 3]));
    }
}
