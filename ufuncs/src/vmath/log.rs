//! Logarithms.
//!
//! `x = 2^k m` with `m` in [sqrt(1/2), sqrt(2)), and `log m = 2 artanh(s)` for `s = (m - 1) / (m + 1)`, a short series in
//! `s^2`. Written as `f - f^2/2 + s (f^2/2 + R)` with `f = m - 1` the leading terms are exact.

use super::pair::{Pair, only_if, polynomial, select};

/// Leading 42 bits of ln 2, so that multiples of it are exact.
const LN2_HI: f64 = 0.6931471805598903;
const LN2_LO: f64 = 5.497923018708371e-14;
const LOG2_E: Pair = Pair { hi: core::f64::consts::LOG2_E, lo: 2.0355273740931033e-17 };
const LOG10_E: Pair = Pair { hi: core::f64::consts::LOG10_E, lo: 1.098319650216765e-17 };
/// Leading 42 bits of log10(2).
const LOG10_2_HI: f64 = 0.30102999566383914;
const LOG10_2_LO: f64 = 1.42050232272661e-13;

/// What to add to the bits of a number so that the exponent field changes at sqrt(1/2) instead of at 1.
const OFFSET: u64 = 1f64.to_bits() - core::f64::consts::FRAC_1_SQRT_2.to_bits();
/// `n + 2^52` for an `n` in the low bits.
const TWO52: f64 = 4503599627370496.0;

/// A positive normal number as `(k, m - 1)`.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    let (shifted, k) = exponent(x);
    let m = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff) + core::f64::consts::FRAC_1_SQRT_2.to_bits());
    (k, m - 1.0)
}

#[inline(always)]
fn exponent(x: f64) -> (u64, f64) {
    let shifted = x.to_bits().wrapping_add(OFFSET);
    (shifted, f64::from_bits(TWO52.to_bits() | shifted >> 52) - (TWO52 + 1023.0))
}

#[inline(always)]
fn is_positive_normal(x: f64) -> bool {
    (x >= f64::MIN_POSITIVE) & (x < f64::INFINITY)
}

/// `(log((1+s)/(1-s)) - 2s) / s` by the square of `s`, error 2^-59.5 of the logarithm.
#[inline(always)]
fn series(z: f64) -> f64 {
    z * polynomial(
        z,
        [
            0.6666666666666735,
            0.3999999999940846,
            0.28571428744036,
            0.22222198380160768,
            0.181835754844267,
            0.1531373837052038,
            0.14799323927751318,
        ],
    )
}

#[inline(always)]
pub(super) fn log(x: f64) -> f64 {
    let (k, f) = split(x);
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let rest = s.mul_add(half_square + series(s * s), -half_square);
    let sum = Pair::quick_sum(k * LN2_HI, f);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + k.mul_add(LN2_LO, rest)))
}

#[inline(always)]
fn series_f32(z: f64) -> f64 {
    z * polynomial(z, [0.6666677697244012, 0.39977452318144585, 0.29874497696283003])
}

/// `log(m) = 2s + s R` is exact enough for 24 bits.
#[inline(always)]
fn split_log_f32(x: f32) -> (f64, f64, bool) {
    let x = f64::from(x);
    let (k, f) = split(x);
    let s = f / (2.0 + f);
    (k, s.mul_add(2.0, s * series_f32(s * s)), (x > 0.0) & (x < f64::INFINITY))
}

/// `log(1 + x)` with 30 bits, for `-1 < x < 1e300`.
#[inline(always)]
pub(super) fn log1p_short(x: f64) -> f64 {
    let (k, f) = split(1.0 + x);
    // Without an exponent nothing needs to be lost in the sum.
    let f = select(k == 0.0, x, f);
    let s = f / (2.0 + f);
    k.mul_add(core::f64::consts::LN_2, s.mul_add(2.0, s * series_f32(s * s)))
}

#[inline(always)]
pub(super) fn log1p_f32(x: f32) -> f32 {
    let wide = f64::from(x);
    only_if((x > -1.0) & (x < f32::INFINITY), select(x == 0.0, wide, log1p_short(wide))) as f32
}

#[inline(always)]
pub(super) fn log_f32(x: f32) -> f32 {
    let (k, log, ok) = split_log_f32(x);
    only_if(ok, k.mul_add(core::f64::consts::LN_2, log)) as f32
}

#[inline(always)]
pub(super) fn log2_f32(x: f32) -> f32 {
    let (k, log, ok) = split_log_f32(x);
    only_if(ok, log.mul_add(LOG2_E.hi, k)) as f32
}

#[inline(always)]
pub(super) fn log10_f32(x: f32) -> f32 {
    let (k, log, ok) = split_log_f32(x);
    only_if(ok, log.mul_add(LOG10_E.hi, k * core::f64::consts::LOG10_2)) as f32
}

/// `log(1 + f)` in somewhat more than one precision.
#[inline(always)]
fn log_pair(f: f64) -> Pair {
    let half = 0.5 * f;
    let half_square = Pair::product(half, f);
    let s = f / (2.0 + f);
    let first = Pair::quick_sum(f, -half_square.hi);
    let rest = s.mul_add(half_square.hi + series(s * s), first.lo - half_square.lo);
    Pair::quick_sum(first.hi, rest)
}

#[inline(always)]
pub(super) fn log2(x: f64) -> f64 {
    let (k, f) = split(x);
    let log = log_pair(f).times(LOG2_E);
    let sum = Pair::quick_sum(k, log.hi);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + log.lo))
}

#[inline(always)]
pub(super) fn log10(x: f64) -> f64 {
    let (k, f) = split(x);
    let log = log_pair(f).times(LOG10_E);
    let sum = Pair::quick_sum(k * LOG10_2_HI, log.hi);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + k.mul_add(LOG10_2_LO, log.lo)))
}

/// `log(1 + x)` for a pair of relative precision, `1 + x` normal.
#[inline(always)]
pub(super) fn log1p_pair(x: Pair) -> f64 {
    let one_more = Pair::sum(1.0, x.hi);
    let lo = one_more.lo + x.lo;
    let (shifted, k) = exponent(one_more.hi);
    // `2^-k`, exactly.
    let down = f64::from_bits(2046u64.wrapping_sub(shifted >> 52) << 52);
    let m = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff) + core::f64::consts::FRAC_1_SQRT_2.to_bits());
    let f = Pair::quick_sum(m - 1.0, lo * down);
    // Where `1 + x` has lost the first term altogether, `f` is `x`.
    let half_square = 0.5 * f.hi * f.hi;
    let inverse = 1.0 / (2.0 + f.hi);
    let s = f.hi * inverse;
    let rest = s.mul_add(half_square + series(s * s), -half_square);
    // The derivative 1 / (1 + f), roughly.
    let lo = f.lo * (1.0 - f.hi);
    let sum = Pair::quick_sum(k * LN2_HI, f.hi);
    sum.hi + (sum.lo + (lo + k.mul_add(LN2_LO, rest)))
}

#[inline(always)]
pub(super) fn log1p(x: f64) -> f64 {
    let value = select(x.abs() < 1e-17, x, log1p_pair(Pair { hi: x, lo: 0.0 }));
    only_if((x > -1.0) & (x < 1e300), value)
}

/// `log2(x)` with 37 bits.
#[inline(always)]
pub(super) fn log2_short(x: f64) -> f64 {
    let (k, f) = split(x);
    let s = f / (2.0 + f);
    let series = polynomial(
        s * s,
        [2.8853900817902445, 0.9617966731273307, 0.5770836285857198, 0.4116699539836067, 0.3407836130345321],
    );
    s.mul_add(series, k)
}
