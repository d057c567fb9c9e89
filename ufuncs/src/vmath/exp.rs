//! `exp`, `exp2`, `expm1`, and the exponential in twice the precision that the hyperbolic functions start from.
//!
//! `x = k ln 2 + r` with `|r| <= ln 2 / 2`; a polynomial gives `e^r` and `k` goes into the exponent. Polynomials here
//! and in the other files of this module were fitted for the least relative error (Sollya, `fpminimax`).

use core::f64::consts::{LN_2, LOG2_E};

use super::pair::{
    Pair, ROUNDER, ROUNDER_F32, only_if, polynomial, power_of_two, power_of_two_f32, scale, scale_f32, select,
};

const LN2_LO: f64 = 2.3190468138462996e-17;

/// `(e^r - 1 - r) / r^2`, error 2^-57.9 of `e^r`.
#[inline(always)]
fn tail(r: f64) -> f64 {
    polynomial(
        r,
        [
            0.5000000000000011,
            0.16666666666666416,
            0.0416666666665263,
            0.008333333333491795,
            0.0013888888944645597,
            0.00019841269513594744,
            2.4801492031315175e-05,
            2.7557578899901014e-06,
            2.763063699223821e-07,
            2.5002826890569273e-08,
        ],
    )
}

/// The same with error 2^-61.5 of `e^r - 1`.
#[inline(always)]
fn tail_m1(r: f64) -> f64 {
    polynomial(
        r,
        [
            0.5,
            0.16666666666666677,
            0.04166666666666661,
            0.008333333333321416,
            0.0013888888888923835,
            0.00019841269886693844,
            2.4801587237527474e-05,
            2.75572436083299e-06,
            2.7557352775970624e-07,
            2.510925758176594e-08,
            2.0889586602333055e-09,
        ],
    )
}

/// `x - k ln 2` and the bits of `k`.
#[inline(always)]
fn reduce(x: f64) -> (Pair, u64) {
    let shifted = x.mul_add(LOG2_E, ROUNDER);
    let k = shifted - ROUNDER;
    // Exact: a multiple of the last bit of ln 2, and small.
    let first = (-k).mul_add(LN_2, x);
    let hi = (-k).mul_add(LN2_LO, first);
    let lo = (-k).mul_add(LN2_LO, first - hi);
    (Pair { hi, lo }, shifted.to_bits())
}

/// Between the smallest normal result and overflow.
#[inline(always)]
fn in_range(x: f64) -> bool {
    (x > -708.39) & (x < 709.78)
}

#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let (Pair { hi: r, .. }, bits) = reduce(x);
    let one = Pair::quick_sum(1.0, r);
    let y = one.hi + (r * r).mul_add(tail(r), one.lo);
    only_if(in_range(x), scale(y, bits))
}

/// `2^r` for `|r| <= 1/2` as an unrounded sum, the first part exact.
#[inline(always)]
fn exp2_reduced(r: f64) -> Pair {
    let q = polynomial(
        r,
        [
            0.24022650695910122,
            0.055504108664820695,
            0.009618129107596839,
            0.0013333558146696898,
            0.00015403530454413542,
            1.5252733536996985e-05,
            1.3215436373866989e-06,
            1.0178188312340393e-07,
            7.07362838795698e-09,
            4.4358352342330754e-10,
        ],
    );
    let linear = Pair::product(r, LN_2);
    let one = Pair::quick_sum(1.0, linear.hi);
    Pair { hi: one.hi, lo: (r * r).mul_add(q, one.lo + r.mul_add(LN2_LO, linear.lo)) }
}

#[inline(always)]
fn in_range_of_exp2(x: f64) -> bool {
    (x > -1021.9) & (x < 1023.99)
}

#[inline(always)]
pub(super) fn exp2(x: f64) -> f64 {
    let shifted = x + ROUNDER;
    let y = exp2_reduced(x - (shifted - ROUNDER));
    only_if(in_range_of_exp2(x), scale(y.value(), shifted.to_bits()))
}

/// `2^(x.hi + x.lo)`. The small part comes in at the end, so that what computes it has time.
#[inline(always)]
pub(super) fn exp2_pair(x: Pair) -> f64 {
    let shifted = x.hi + ROUNDER;
    let y = exp2_reduced(x.hi - (shifted - ROUNDER));
    let y = y.hi + y.value().mul_add(x.lo * LN_2, y.lo);
    only_if(in_range_of_exp2(x.hi), scale(y, shifted.to_bits()))
}

/// `2^x` with 28 bits.
#[inline(always)]
pub(super) fn exp2_short(x: f64) -> f64 {
    let shifted = x + ROUNDER;
    let r = x - (shifted - ROUNDER);
    let q = polynomial(
        r,
        [
            1.0,
            0.6931472031153821,
            0.24022647880055556,
            0.0555033185406769,
            0.00961843984862246,
            0.0013399132557498545,
            0.00015353153713493454,
        ],
    );
    scale(q, shifted.to_bits())
}

/// `e^x - 1` in twice the precision, for `-40 < x < 709`.
#[inline(always)]
pub(super) fn expm1_pair(x: f64) -> Pair {
    let (r, bits) = reduce(x);
    let power = power_of_two(bits);
    let curved = (r.hi * r.hi).mul_add(tail_m1(r.hi), r.hi.mul_add(r.lo, r.lo));
    let less = power - 1.0;
    // Nonzero for large powers only; small ones lose less than matters.
    let lost = (power - less) - 1.0;
    // The first term is -1/2, 0 or at least half of the power, so it is the larger one or zero.
    let sum = Pair::quick_sum(less, power * r.hi);
    Pair::quick_sum(sum.hi, power.mul_add(curved, sum.lo + lost))
}

#[inline(always)]
pub(super) fn expm1(x: f64) -> f64 {
    let clamped = select(x < -40.0, -40.0, x);
    only_if(x < 709.0, select(x.abs() < 1e-17, x, expm1_pair(clamped).hi))
}

/// `e^x / 4` in twice the precision, for `0 <= x < 710.475`.
#[inline(always)]
pub(super) fn quarter_exp_pair(x: f64) -> Pair {
    let (r, bits) = reduce(x);
    let power = power_of_two(bits.wrapping_sub(2));
    let curved = (r.hi * r.hi).mul_add(tail_m1(r.hi), r.hi.mul_add(r.lo, r.lo));
    let sum = Pair::quick_sum(power, power * r.hi);
    Pair::quick_sum(sum.hi, power.mul_add(curved, sum.lo))
}

/// [`reduce`] in single precision. The parts do not overlap in what matters, but are no rounded sum.
#[inline(always)]
pub(super) fn reduce_f32(x: f32) -> (Pair<f32>, u32) {
    const LN_2: f32 = core::f32::consts::LN_2;
    const LN2_LO: f32 = -1.9046542e-9;
    let shifted = x.mul_add(core::f32::consts::LOG2_E, ROUNDER_F32);
    let k = shifted - ROUNDER_F32;
    (Pair { hi: (-k).mul_add(LN_2, x), lo: k * -LN2_LO }, shifted.to_bits())
}

#[inline(always)]
pub(super) fn exp_f32(x: f32) -> f32 {
    let (r, bits) = reduce_f32(x);
    let q = polynomial(r.hi, [0.5, 0.16666576, 0.041666463, 0.008363258, 0.0013935327]);
    let one = Pair::quick_sum(1.0, r.hi);
    let curved = (r.hi * r.hi).mul_add(q, r.hi.mul_add(r.lo, r.lo));
    only_if((x > -87.33) & (x < 88.72), scale_f32(one.hi + (one.lo + curved), bits))
}

#[inline(always)]
pub(super) fn exp2_f32(x: f32) -> f32 {
    let shifted = x + ROUNDER_F32;
    let r = x - (shifted - ROUNDER_F32);
    let q = polynomial(
        r,
        [core::f32::consts::LN_2, 0.2402265, 0.05550366, 0.009618077, 0.0013388069, 0.00015456429],
    );
    only_if((x > -126.0) & (x < 128.0), scale_f32(r.mul_add(q, 1.0), shifted.to_bits()))
}

#[inline(always)]
pub(super) fn expm1_f32(x: f32) -> f32 {
    let (r, bits) = reduce_f32(select(x < -18.0, -18.0, x));
    let power = power_of_two_f32(bits);
    let q = polynomial(r.hi, [0.5, 0.16666667, 0.041666508, 0.008333177, 0.0013930865, 0.00019972307]);
    let curved = (r.hi * r.hi).mul_add(q, r.hi.mul_add(r.lo, r.lo));
    let less = power - 1.0;
    let lost = (power - less) - 1.0;
    let sum = Pair::quick_sum(less, power * r.hi);
    let value = sum.hi + power.mul_add(curved, sum.lo + lost);
    only_if(x < 88.0, select(x.abs() < 1e-8, x, value))
}
