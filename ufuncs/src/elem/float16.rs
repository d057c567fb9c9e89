//! Conversions of `f16` with numpy's side effects.
//!
//! The type itself is `half::f16`; its own conversions are not used because narrowing must raise overflow and
//! underflow in the floating-point status, and widening must keep NaN bits. Arithmetic on halves is arithmetic on
//! `f32` followed by [`from_f32`].

use core::hint::select_unpredictable as select;
use core::mem::MaybeUninit;

use super::f16;
use crate::cpu::{Level, multiversion};
use crate::fpstatus;

const INF: u16 = 0x7c00;

/// Exact. Without branches, so that loops of it become vectors.
#[inline(always)]
pub fn to_f32(h: f16) -> f32 {
    /// 2^-14.
    const SMALLEST_NORMAL: f32 = f32::from_bits(113 << 23);
    let bits = u32::from(h.to_bits());
    let (sign, body) = ((bits & 0x8000) << 16, (bits & 0x7fff) << 13);
    // The exponent moves from bias 15 to 127, and from the top of its field to the top.
    let normal = body + (112 << 23);
    let special = body + (224 << 23);
    // With the leading bit that a subnormal number lacks, then without it again.
    let subnormal = (f32::from_bits(body + (113 << 23)) - SMALLEST_NORMAL).to_bits();
    let magnitude = select(body < 1 << 23, subnormal, select(body >= 31 << 23, special, normal));
    f32::from_bits(sign | magnitude)
}

/// The nearest `f16`, ties to even, and the status of rounding. Without branches.
#[inline(always)]
pub(crate) fn rounded(x: f32) -> (f16, u32) {
    const HALF: u32 = 0.5f32.to_bits();
    /// 2^-14: below it the result is a multiple of 2^-24, which is what 1/2 rounds to.
    const SMALLEST_NORMAL: u32 = 113 << 23;
    let bits = x.to_bits();
    let (sign, magnitude) = ((bits >> 16) as u16 & 0x8000, bits & 0x7fff_ffff);
    let infinity = f32::INFINITY.to_bits();
    let (is_nan, is_finite) = (magnitude > infinity, magnitude < infinity);
    // A NaN whose payload sits in the dropped bits must not become infinite.
    let payload = magnitude >> 13 & 0x3ff;
    let nan = u32::from(INF) | payload | u32::from(payload == 0);
    let up = (magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13;
    let large = select(is_nan, nan, up.wrapping_sub(112 << 10).min(u32::from(INF)));
    let is_small = magnitude < SMALLEST_NORMAL;
    let small = f32::from_bits(select(is_small, magnitude, 0));
    let sum = small + f32::from_bits(HALF);
    let half = select(is_small, sum.to_bits() - HALF, large);
    let overflow = is_finite & !is_small & (large >= u32::from(INF));
    let underflow = sum - f32::from_bits(HALF) != small;
    let status = (u32::from(overflow) * fpstatus::OVERFLOW) | (u32::from(underflow) * fpstatus::UNDERFLOW);
    (f16::from_bits(sign | half as u16), status)
}

/// Rounds to nearest even; raises overflow and (for an inexact subnormal) underflow.
#[inline]
pub fn from_f32(x: f32) -> f16 {
    fpstatus::reported(rounded(x))
}

#[inline(always)]
fn widen_body(x: &[f16], y: &mut [MaybeUninit<f32>]) {
    for (y, &x) in y.iter_mut().zip(x) {
        y.write(to_f32(x));
    }
}

#[inline(always)]
fn narrow_body(x: &[f32], y: &mut [MaybeUninit<f16>]) -> u32 {
    let mut all = 0;
    for (y, &x) in y.iter_mut().zip(x) {
        let (h, status) = rounded(x);
        all |= status;
        y.write(h);
    }
    all
}

multiversion! {
    /// [`to_f32`] of each element.
    pub(crate) fn widen[](x: &[f16], y: &mut [MaybeUninit<f32>]) -> () = widen_body;
}
multiversion! { fn narrow_lanes[](x: &[f32], y: &mut [MaybeUninit<f16>]) -> u32 = narrow_body; }

/// [`from_f32`] of each element.
pub(crate) fn narrow(level: Level, x: &[f32], y: &mut [MaybeUninit<f16>]) {
    let status = narrow_lanes(level, x, y);
    if status != 0 {
        fpstatus::raise(status);
    }
}

/// Exact.
#[inline]
pub fn to_f64(h: f16) -> f64 {
    let bits = h.to_bits() as u64;
    // Through bits for NaN: a conversion instruction would set the quiet bit.
    if bits & 0x7c00 == 0x7c00 {
        return f64::from_bits((bits & 0x8000) << 48 | 0x7ff0_0000_0000_0000 | (bits & 0x3ff) << 42);
    }
    to_f32(h) as f64
}

/// Rounds to nearest even once, not through `f32`; raises overflow and underflow.
#[inline]
pub fn from_f64(x: f64) -> f16 {
    const DROP: u32 = 52 - 10;
    const BIAS: u32 = 1023;
    let bits = x.to_bits();
    let sign = (bits >> 48) as u16 & 0x8000;
    let magnitude = bits & !(1 << 63);
    let exponent = (magnitude >> 52) as u32;
    if magnitude >= f64::INFINITY.to_bits() {
        let payload = (magnitude >> DROP) as u16 & 0x3ff;
        let is_nan = magnitude > f64::INFINITY.to_bits();
        // A NaN whose payload sits in the dropped bits must not become infinite.
        return f16::from_bits(sign | INF | payload.max(is_nan as u16));
    }
    if exponent >= BIAS - 14 {
        let rounded = magnitude + ((1 << (DROP - 1)) - 1) + (magnitude >> DROP & 1);
        let half = (rounded >> DROP) - (u64::from(BIAS - 15) << 10);
        if half >= INF.into() {
            fpstatus::raise(fpstatus::OVERFLOW);
            return f16::from_bits(sign | INF);
        }
        return f16::from_bits(sign | half as u16);
    }
    // Below 2^-14 the result is a multiple of 2^-24, and underflow means it is not exact.
    if exponent < BIAS - 25 {
        if magnitude != 0 {
            fpstatus::raise(fpstatus::UNDERFLOW);
        }
        return f16::from_bits(sign);
    }
    let sig = magnitude & ((1 << 52) - 1) | 1 << 52;
    let shift = 52 + BIAS - 24 - exponent;
    let (kept, dropped, tie) = (sig >> shift, sig & ((1 << shift) - 1), 1 << (shift - 1));
    if dropped != 0 {
        fpstatus::raise(fpstatus::UNDERFLOW);
    }
    let up = dropped > tie || dropped == tie && kept & 1 == 1;
    f16::from_bits(sign | (kept as u16 + up as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_a_round_trip() {
        for bits in 0..=u16::MAX {
            let h = f16::from_bits(bits);
            assert_eq!(from_f32(to_f32(h)).to_bits(), bits);
            assert_eq!(from_f64(to_f64(h)).to_bits(), bits);
            if !h.is_nan() {
                assert_eq!(to_f32(h), h.to_f32());
            }
        }
    }

    #[test]
    fn narrowing_agrees_with_the_half_crate() {
        let mut state = 1u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let x = f32::from_bits((state >> 32) as u32);
            // Half of the samples near the range of f16.
            let x = if state & 1 == 0 { x } else { f32::from_bits(x.to_bits() & 0x8fff_ffff | 0x3000_0000) };
            if x.is_nan() {
                continue;
            }
            assert_eq!(from_f32(x).to_bits(), f16::from_f32(x).to_bits(), "{x:e}");
            assert_eq!(from_f64(x as f64).to_bits(), f16::from_f32(x).to_bits(), "{x:e}");
        }
    }

    #[test]
    fn narrowing_from_f64_rounds_once() {
        // Just above a tie: through `f32` it would become the tie and go down to even.
        let tie = 1.0 + 2f64.powi(-11);
        assert_eq!(from_f64(tie).to_bits(), 0x3c00);
        assert_eq!(from_f64(tie + 2f64.powi(-50)).to_bits(), 0x3c01);
    }

    #[test]
    fn narrowing_raises() {
        fn check(x: f32, bits: u16, flags: u32) {
            fpstatus::clear();
            assert_eq!(from_f32(x).to_bits(), bits, "{x}");
            assert_eq!(fpstatus::take(), flags, "{x}");
            assert_eq!(from_f64(x as f64).to_bits(), bits, "{x}");
            assert_eq!(fpstatus::take(), flags, "{x}");
        }
        check(65504.0, 0x7bff, 0);
        check(65519.0, 0x7bff, 0);
        check(65520.0, 0x7c00, fpstatus::OVERFLOW);
        check(-1e30, 0xfc00, fpstatus::OVERFLOW);
        check(f32::INFINITY, 0x7c00, 0);
        check(2f32.powi(-24), 1, 0);
        check(2f32.powi(-25), 0, fpstatus::UNDERFLOW);
        check(1.5 * 2f32.powi(-25), 1, fpstatus::UNDERFLOW);
        check(-1e-30, 0x8000, fpstatus::UNDERFLOW);
        check(-0.0, 0x8000, 0);
    }
}
