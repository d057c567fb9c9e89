//! `fmod`, `remainder`, `floor_divide` where the quotient fits into the significand, and `logaddexp`, `logaddexp2`.
//!
//! The remainder of a division is exact: `a - q b` with the truncated quotient `q` is a multiple of the last bits of
//! both operands and no larger than `b`, so one fused multiply-add computes it without rounding. A quotient that was
//! rounded up to the next integer shows in the sign.

use core::f64::consts::{LN_2, LOG2_E};

use super::Lane;
use super::exp::{exp, exp2};
use super::log::log1p_pair;
use super::pair::{Pair, only_if, select};

/// 2^53: quotients from here on are not exact integers.
const LIMIT: f64 = 9007199254740992.0;

#[inline(always)]
pub(super) fn fmod(a: f64, b: f64) -> f64 {
    let (x, y) = (a.abs(), b.abs());
    let quotient = (x / y).trunc();
    let rest = (-quotient).mul_add(y, x);
    let rest = select(rest < 0.0, rest + y, rest);
    // An infinite divisor leaves the dividend.
    let rest = select(quotient == 0.0, x, rest);
    only_if((quotient < LIMIT) & !y.is_nan(), rest.copysign(a))
}

#[inline(always)]
pub(super) fn fmod_f32(a: f32, b: f32) -> f32 {
    fmod(a.into(), b.into()) as f32
}

macro_rules! rounded_down {
    ($($t:ident: $fmod:ident, $remainder:ident, $floor_divide:ident;)*) => {$(
        #[inline(always)]
        pub(super) fn $remainder(a: $t, b: $t) -> $t {
            let r = $fmod(a, b);
            let adjusted = $t::select(r.is_sign_negative() != b.is_sign_negative(), r + b, r);
            $t::select(r == 0.0, (0.0 as $t).copysign(b), adjusted)
        }

        /// The same operations in the same order as the careful path, with selections for branches.
        #[inline(always)]
        pub(super) fn $floor_divide(a: $t, b: $t) -> $t {
            let r = $fmod(a, b);
            let q = (a - r) / b;
            let below = (r != 0.0) & (r.is_sign_negative() != b.is_sign_negative());
            let q = $t::select(below, q - 1.0, q);
            let whole = q.floor();
            let whole = $t::select(q - whole > 0.5, whole + 1.0, whole);
            // The sign of a zero comes from the quotient, whose underflow is reported.
            let tiny = (a / b).abs() < $t::MIN_POSITIVE;
            let zero = $t::select(tiny & (a != 0.0), $t::NAN, (0.0 as $t).copysign(a / b));
            $t::select(r.is_nan(), $t::NAN, $t::select(q == 0.0, zero, whole))
        }
    )*};
}
rounded_down! {
    f64: fmod, remainder, floor_divide;
    f32: fmod_f32, remainder_f32, floor_divide_f32;
}

/// The larger of two numbers, what it is larger by (negated), and whether they are equal.
#[inline(always)]
fn order(a: f64, b: f64) -> (f64, f64, bool) {
    (select(a > b, a, b), -(a - b).abs(), a == b)
}

/// `log(e^a + e^b)`. The exponential must not underflow in the type of the operands, which the careful path reports.
#[inline(always)]
fn logaddexp_above(least: f64, a: f64, b: f64) -> f64 {
    let (larger, distance, equal) = order(a, b);
    let log = log1p_pair(Pair { hi: exp(distance), lo: 0.0 });
    only_if(distance > least, larger + select(equal, LN_2, log))
}

#[inline(always)]
fn logaddexp2_above(least: f64, a: f64, b: f64) -> f64 {
    let (larger, distance, equal) = order(a, b);
    let log = LOG2_E * log1p_pair(Pair { hi: exp2(distance), lo: 0.0 });
    only_if(distance > least, larger + select(equal, 1.0, log))
}

#[inline(always)]
pub(super) fn logaddexp(a: f64, b: f64) -> f64 {
    logaddexp_above(-708.0, a, b)
}

#[inline(always)]
pub(super) fn logaddexp_f32(a: f32, b: f32) -> f32 {
    logaddexp_above(-87.0, a.into(), b.into()) as f32
}

#[inline(always)]
pub(super) fn logaddexp2(a: f64, b: f64) -> f64 {
    logaddexp2_above(-1021.0, a, b)
}

#[inline(always)]
pub(super) fn logaddexp2_f32(a: f32, b: f32) -> f32 {
    logaddexp2_above(-125.0, a.into(), b.into()) as f32
}
