//! Logarithms.
//!
//! `x = 2^k m` with `m` in [sqrt(1/2), sqrt(2)), and `log m = 2 artanh(s)` for `s = (m - 1) / (m + 1)`, a short series in
//! `s^2`. Written as `f - f^2/2 + s (f^2/2 + R)` with `f = m - 1` the leading terms are exact. In single precision
//! a polynomial in `f` is short enough, and spares the division.

use super::pair::{Pair, is_positive_normal_f32, only_if, polynomial, select};

/// Leading bits of ln 2, so few that multiples of it are exact.
const LN2_HI: f64 = 0.6931471805598903;
const LN2_LO: f64 = 5.497923018708371e-14;
const LOG2_E: Pair = Pair { hi: core::f64::consts::LOG2_E, lo: 2.0355273740931033e-17 };
const LOG10_E: Pair = Pair { hi: core::f64::consts::LOG10_E, lo: 1.098319650216765e-17 };
/// Leading bits of log10(2), likewise.
const LOG10_2_HI: f64 = 0.30102999566383914;
const LOG10_2_LO: f64 = 1.42050232272661e-13;

/// A positive normal number as `k`, `m - 1` and `2^-k`, the last one normal below 1e300.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64, f64) {
    /// `n + 2^52` for an `n` in the low bits.
    const TWO52: f64 = 4503599627370496.0;
    const LOWEST: u64 = core::f64::consts::FRAC_1_SQRT_2.to_bits();
    // The exponent field changes at sqrt(1/2) instead of at 1.
    let shifted = x.to_bits().wrapping_add(1f64.to_bits() - LOWEST);
    let k = f64::from_bits(TWO52.to_bits() | shifted >> 52) - (TWO52 + 1023.0);
    let m = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff) + LOWEST);
    (k, m - 1.0, f64::from_bits(2046u64.wrapping_sub(shifted >> 52) << 52))
}

/// `(log((1+s)/(1-s)) - 2s) / s` by the square of `s`, 5 bits more than the type has.
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
fn is_positive_normal(x: f64) -> bool {
    (x >= f64::MIN_POSITIVE) & (x < f64::INFINITY)
}

#[inline(always)]
pub(super) fn log(x: f64) -> f64 {
    let (k, f, _) = split(x);
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let rest = s.mul_add(half_square + series(s * s), -half_square);
    let sum = Pair::quick_sum(k * LN2_HI, f);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + k.mul_add(LN2_LO, rest)))
}

/// `k` and the logarithm of `m` times a factor of two parts, the latter as a pair: [`log`] with the leading term times the
/// factor exact, and what half the square was rounded by.
#[inline(always)]
fn scaled_log(x: f64, factor: Pair) -> (f64, Pair) {
    let (k, f, _) = split(x);
    let half_square = Pair::product(0.5 * f, f);
    let s = f / (2.0 + f);
    let rest = s.mul_add(half_square.hi + series(s * s), -half_square.hi);
    let first = Pair::product(f, factor.hi);
    let small = (-half_square.lo).mul_add(factor.hi, f.mul_add(factor.lo, first.lo));
    (k, Pair { hi: first.hi, lo: rest.mul_add(factor.hi, small) })
}

#[inline(always)]
pub(super) fn log2(x: f64) -> f64 {
    let (k, log) = scaled_log(x, LOG2_E);
    let sum = Pair::quick_sum(k, log.hi);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + log.lo))
}

#[inline(always)]
pub(super) fn log10(x: f64) -> f64 {
    let (k, log) = scaled_log(x, LOG10_E);
    let sum = Pair::quick_sum(k * LOG10_2_HI, log.hi);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + k.mul_add(LOG10_2_LO, log.lo)))
}

/// `log(1 + x)` for a pair of relative precision, `1 + x` normal.
#[inline(always)]
pub(super) fn log1p_pair(x: Pair) -> f64 {
    let one_more = Pair::sum(1.0, x.hi);
    let lo = one_more.lo + x.lo;
    let (k, f, down) = split(one_more.hi);
    let f = Pair::quick_sum(f, lo * down);
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
    let small = (x < 1e-17) & (x > -1e-17);
    let value = select(small, x, log1p_pair(Pair { hi: x, lo: 0.0 }));
    only_if((x > -1.0) & (x < 1e300), value)
}

/// The logarithm of a sum of at least one and below 1e300, whose second part is about the last bit of the first.
#[inline(always)]
pub(super) fn log_pair(x: Pair) -> f64 {
    let (k, f, down) = split(x.hi);
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let rest = s.mul_add(half_square + series(s * s), -half_square);
    // The derivative 1 / (1 + f), roughly.
    let lo = (x.lo * down) * (-0.8f64).mul_add(f, 1.0);
    let sum = Pair::quick_sum(k * LN2_HI, f);
    sum.hi + (sum.lo + (lo + k.mul_add(LN2_LO, rest)))
}

/// `log2(x)` with 37 bits.
#[inline(always)]
pub(super) fn log2_short(x: f64) -> f64 {
    let (k, f, _) = split(x);
    let s = f / (2.0 + f);
    let series = polynomial(
        s * s,
        [2.8853900817902445, 0.9617966731273307, 0.5770836285857198, 0.4116699539836067, 0.3407836130345321],
    );
    s.mul_add(series, k)
}

/// [`split`] in single precision.
#[inline(always)]
fn split_f32(x: f32) -> (f32, f32, f32) {
    const LOWEST: u32 = core::f32::consts::FRAC_1_SQRT_2.to_bits();
    let shifted = x.to_bits().wrapping_add(1f32.to_bits() - LOWEST);
    let k = (shifted >> 23) as i32 - 127;
    let m = f32::from_bits((shifted & 0x007f_ffff) + LOWEST);
    (k as f32, m - 1.0, f32::from_bits(254u32.wrapping_sub(shifted >> 23) << 23))
}

const LN2_HI_F32: f32 = 0.69314575;
const LN2_LO_F32: f32 = 1.4286068e-6;

/// `(log(1 + f) - f) / f^2`.
#[inline(always)]
fn tail_f32(f: f32) -> f32 {
    polynomial(
        f,
        [
            -0.49999997,
            0.33333325,
            -0.25000834,
            0.20001675,
            -0.16625835,
            0.14194624,
            -0.13122542,
            0.12790388,
            -0.07774105,
        ],
    )
}

#[inline(always)]
pub(super) fn log_f32(x: f32) -> f32 {
    let (k, f, _) = split_f32(x);
    let sum = Pair::quick_sum(k * LN2_HI_F32, f);
    let rest = (f * f).mul_add(tail_f32(f), k.mul_add(LN2_LO_F32, sum.lo));
    only_if(is_positive_normal_f32(x), sum.hi + rest)
}

/// The logarithm of a sum of at least one, whose second part is less than the last bit of the first.
#[inline(always)]
pub(super) fn log_pair_f32(x: Pair<f32>) -> f32 {
    let (k, f, down) = split_f32(x.hi);
    let sum = Pair::quick_sum(k * LN2_HI_F32, f);
    // The derivative 1 / (1 + f), roughly.
    let rest = k.mul_add(LN2_LO_F32, (x.lo * down).mul_add((-0.8f32).mul_add(f, 1.0), sum.lo));
    sum.hi + (f * f).mul_add(tail_f32(f), rest)
}

#[inline(always)]
pub(super) fn log2_f32(x: f32) -> f32 {
    let (k, f, _) = split_f32(x);
    let first = Pair::product(f, core::f32::consts::LOG2_E);
    let sum = Pair::quick_sum(k, first.hi);
    let tail = polynomial(
        f,
        [
            -0.7213475,
            0.4808982,
            -0.3606748,
            0.28855988,
            -0.24043715,
            0.20531468,
            -0.17945528,
            0.17068657,
            -0.16580243,
            0.09633574,
        ],
    );
    let rest = (f * f).mul_add(tail, f.mul_add(1.925963e-8, first.lo + sum.lo));
    only_if(is_positive_normal_f32(x), sum.hi + rest)
}

#[inline(always)]
pub(super) fn log10_f32(x: f32) -> f32 {
    let (k, f, _) = split_f32(x);
    let first = Pair::product(f, core::f32::consts::LOG10_E);
    let sum = Pair::quick_sum(k * 0.3010254, first.hi);
    let tail = polynomial(
        f,
        [
            -0.21714723,
            0.1447648,
            -0.10857698,
            0.08686579,
            -0.07221088,
            0.06165703,
            -0.056955572,
            0.05546928,
            -0.033747926,
        ],
    );
    let rest = k.mul_add(4.605039e-6, first.lo + sum.lo);
    let rest = (f * f).mul_add(tail, f.mul_add(-1.010305e-8, rest));
    only_if(is_positive_normal_f32(x), sum.hi + rest)
}

#[inline(always)]
pub(super) fn log1p_f32(x: f32) -> f32 {
    let swapped = x > 1.0;
    let one_more = Pair::quick_sum(select(swapped, x, 1.0), select(swapped, 1.0, x));
    let (k, f, down) = split_f32(one_more.hi);
    let f = Pair::quick_sum(f, one_more.lo * down);
    let sum = Pair::quick_sum(k * LN2_HI_F32, f.hi);
    // The derivative 1 / (1 + f), roughly.
    let rest = k.mul_add(LN2_LO_F32, f.lo.mul_add(1.0 - f.hi, sum.lo));
    let value = sum.hi + (f.hi * f.hi).mul_add(tail_f32(f.hi), rest);
    only_if((x > -1.0) & (x < 1e38), select(x.abs() < 1e-8, x, value))
}
