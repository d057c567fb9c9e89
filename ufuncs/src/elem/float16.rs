//! Conversions of `f16` with numpy's side effects.
//!
//! The type itself is `half::f16`; its own conversions are not used because narrowing must raise overflow and
//! underflow in the floating-point status, and widening must keep NaN bits. Arithmetic on halves is arithmetic on
//! `f32` followed by [`from_f32`].

use super::f16;
use crate::fpstatus;

const INF: u16 = 0x7c00;

/// Exact.
#[inline]
pub fn to_f32(h: f16) -> f32 {
    let bits = h.to_bits() as u32;
    let sign = (bits & 0x8000) << 16;
    let (exp, sig) = (bits >> 10 & 0x1f, bits & 0x3ff);
    f32::from_bits(match exp {
        0 => return subnormal_f32(sign, sig),
        0x1f => sign | 0x7f80_0000 | sig << 13,
        _ => sign | (exp + 112) << 23 | sig << 13,
    })
}

/// `sig * 2^-24` with a sign; the product is exact.
#[inline]
fn subnormal_f32(sign: u32, sig: u32) -> f32 {
    let magnitude = sig as f32 * f32::from_bits(0x3380_0000);
    f32::from_bits(magnitude.to_bits() | sign)
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

macro_rules! narrow {
    ($(#[$doc:meta])* $name:ident, $f:ty, $bits:ty, mantissa $mant:literal, bias $bias:literal) => {
        $(#[$doc])*
        #[inline]
        pub fn $name(x: $f) -> f16 {
            let bits = x.to_bits();
            const DROP: u32 = $mant - 10;
            let sign = (bits >> (<$bits>::BITS - 16)) as u16 & 0x8000;
            let magnitude = bits & !(1 << (<$bits>::BITS - 1));
            let exp_field = (magnitude >> $mant) as u32;
            if magnitude >= <$f>::INFINITY.to_bits() {
                let payload = (magnitude >> DROP) as u16 & 0x3ff;
                let is_nan = magnitude > <$f>::INFINITY.to_bits();
                // A NaN whose payload sits in the dropped bits must not become infinite.
                return f16::from_bits(sign | INF | payload.max(is_nan as u16));
            }
            if exp_field >= $bias - 14 {
                let rounded = magnitude + ((1 << (DROP - 1)) - 1) + (magnitude >> DROP & 1);
                let half = (rounded >> DROP) - ((($bias - 15) as $bits) << 10);
                if half >= INF as $bits {
                    fpstatus::raise(fpstatus::OVERFLOW);
                    return f16::from_bits(sign | INF);
                }
                return f16::from_bits(sign | half as u16);
            }
            // Below 2^-14 the result is a multiple of 2^-24, and underflow means it is not exact.
            if exp_field < $bias - 25 {
                if magnitude != 0 {
                    fpstatus::raise(fpstatus::UNDERFLOW);
                }
                return f16::from_bits(sign);
            }
            let sig = magnitude & ((1 << $mant) - 1) | 1 << $mant;
            let shift = $mant + $bias - 24 - exp_field;
            let (kept, dropped, tie) = (sig >> shift, sig & ((1 << shift) - 1), 1 << (shift - 1));
            if dropped != 0 {
                fpstatus::raise(fpstatus::UNDERFLOW);
            }
            let up = dropped > tie || dropped == tie && kept & 1 == 1;
            f16::from_bits(sign | (kept as u16 + up as u16))
        }
    };
}

narrow! {
    /// Rounds to nearest even; raises overflow and (for an inexact subnormal) underflow.
    from_f32, f32, u32, mantissa 23, bias 127
}
narrow! {
    /// Rounds to nearest even once, not through `f32`; raises overflow and underflow.
    from_f64, f64, u64, mantissa 52, bias 1023
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
