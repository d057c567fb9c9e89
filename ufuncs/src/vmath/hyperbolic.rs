//! Hyperbolic functions and their inverses.
//!
//! The former come from exponentials in twice the precision, so that the cancellations near zero cost nothing; the latter have
//! a series near zero, and elsewhere are logarithms of a number in twice the precision.

use super::exp::{expm1_pair, quarter_exp_pair, reduce_f32};
use super::log::{log_pair, log_pair_f32};
use super::pair::{Pair, only_if, polynomial, power_of_two_f32, root, select};

/// Below this the next term of every odd series here is lost in rounding.
const TINY: f64 = 1e-9;
/// Here `sinh` and `cosh` are about to overflow.
const LIMIT: f64 = 710.475;

/// `e^a / 4` and `e^-a / 4`. Quarters, so that nothing overflows before the result does.
#[inline(always)]
fn quarters(a: f64) -> (Pair, Pair) {
    let up = quarter_exp_pair(a);
    let inverse = 1.0 / up.hi;
    let hi = 0.0625 * inverse;
    let rest = (-up.hi).mul_add(inverse, 1.0) - up.lo * inverse;
    (up, Pair { hi, lo: hi * rest })
}

#[inline(always)]
pub(super) fn sinh(x: f64) -> f64 {
    let a = x.abs();
    let (up, down) = quarters(a);
    let first = Pair::quick_sum(up.hi, -down.hi);
    let value = 2.0 * (first.hi + (first.lo + (up.lo - down.lo)));
    only_if(a < LIMIT, select(a < TINY, x, value.copysign(x)))
}

#[inline(always)]
pub(super) fn cosh(x: f64) -> f64 {
    let a = x.abs();
    // The small exponential needs no second number: where it is as large as the other one, its error is halved.
    let up = quarter_exp_pair(a);
    let first = Pair::quick_sum(up.hi, 0.0625 / up.hi);
    only_if(a < LIMIT, 2.0 * (first.hi + (first.lo + up.lo)))
}

#[inline(always)]
pub(super) fn tanh(x: f64) -> f64 {
    let a = x.abs();
    // e^(2a) - 1 over e^(2a) + 1; from 20 on that is one.
    let t = expm1_pair(2.0 * select(a > 20.0, 20.0, a));
    let more = Pair::sum(2.0, t.hi);
    let value = t.over(Pair { hi: more.hi, lo: more.lo + t.lo }).hi;
    select(a < TINY, x, value.copysign(x))
}

/// A series, or the logarithm of `a + sqrt(a^2 + 1)`.
#[inline(always)]
pub(super) fn arcsinh(x: f64) -> f64 {
    let a = x.abs();
    let z = a * a;
    let tail = polynomial(
        z,
        [
            -0.1666666666666661,
            0.07499999999984305,
            -0.044642857127741,
            0.030381943712685096,
            -0.022372138269529177,
            0.01735238561742913,
            -0.013960219026934671,
            0.01151289697642171,
            -0.00953376419477024,
            0.007464558452783492,
            -0.004745867402927093,
            0.001716948115430957,
        ],
    );
    let small = (z * a).mul_add(tail, a);
    let more = a.mul_add(a, 1.0);
    let r = root(Pair { hi: more, lo: a.mul_add(a, 1.0 - more) });
    let sum = Pair::quick_sum(r.hi, a);
    let large = log_pair(Pair { hi: sum.hi, lo: sum.lo + r.lo });
    only_if(a < 1e150, select(a < TINY, x, select(a < 0.5, small, large).copysign(x)))
}

/// The root of `2 (x - 1)` times a series, or the logarithm of `x + sqrt(x^2 - 1)`.
#[inline(always)]
pub(super) fn arccosh(x: f64) -> f64 {
    let t = x - 1.0;
    // Up to cosh(1): the last place of results below one is finer than what the logarithm computes with.
    let near = t < 0.5431;
    let less = x.mul_add(x, -1.0);
    let lo = x.mul_add(x, -1.0 - less);
    let r = root(Pair { hi: select(near, t + t, less), lo: select(near, 0.0, lo) });
    let series = polynomial(
        t,
        [
            -0.08333333333333331,
            0.01874999999999233,
            -0.0055803571421810085,
            0.0018988715043595666,
            -0.0006991295507967169,
            0.00027113245910955267,
            -0.00010906981550658008,
            4.4985968759541815e-05,
            -1.8640723538399548e-05,
            7.30492376354878e-06,
            -2.3205553459850607e-06,
            4.175455547720142e-07,
        ],
    );
    let small = r.hi + (r.hi * t).mul_add(series, r.lo);
    let sum = Pair::quick_sum(x, r.hi);
    let large = log_pair(Pair { hi: sum.hi, lo: sum.lo + r.lo });
    only_if((x > 1.0) & (x < 1e150), select(near, small, large))
}

/// A series, or half the logarithm of `(1 + a) / (1 - a)`.
#[inline(always)]
pub(super) fn arctanh(x: f64) -> f64 {
    let a = x.abs();
    let z = a * a;
    let tail = polynomial(
        z,
        [
            0.3333333333333328,
            0.20000000000018164,
            0.14285714283435583,
            0.11111111255432714,
            0.09090903681492214,
            0.07692438576672819,
            0.06664514186547327,
            0.05907152090210227,
            0.050600135294970226,
            0.05946366215964953,
            -0.004982862028165575,
            0.17414088634854774,
            -0.1950535610249626,
            0.24049565394305247,
        ],
    );
    let small = (z * a).mul_add(tail, a);
    let large = 0.5 * log_pair(Pair::loose_quotient_of(Pair::quick_sum(1.0, a), 1.0 - a));
    only_if(a < 1.0, select(a < TINY, x, select(a < 0.5, small, large).copysign(x)))
}

/// `e^a = 2^k e^r`, so `cosh a = (2^k + 2^-k)/2 cosh r + (2^k - 2^-k)/2 sinh r`, and `sinh a` with the factors exchanged: no
/// division, and nothing cancels.
#[inline(always)]
fn sinh_or_cosh_f32(a: f32, is_sinh: bool) -> f32 {
    let (r, bits) = reduce_f32(a);
    // Half of both, so that nothing overflows before the result does. What is lost of the small one does not show.
    let up = f32::from_bits((bits << 23).wrapping_add(0.25f32.to_bits()));
    let down = select(a > 30.0, 0.0, f32::from_bits(0.25f32.to_bits().wrapping_sub(bits << 23)));
    let (plus, minus) = (Pair::quick_sum(up, down), Pair::quick_sum(up, -down));
    let (of_cosh, of_sinh) = if is_sinh { (minus, plus) } else { (plus, minus) };
    let z = r.hi * r.hi;
    let sinh = z.mul_add(0.00019997993, 0.00833315).mul_add(z, 0.16666667);
    let cosh = z.mul_add(0.0013930865, 0.041666508).mul_add(z, 0.5);
    let sinh = (z * r.hi).mul_add(sinh, r.lo);
    let cosh = z.mul_add(cosh, r.hi * r.lo);
    let linear = Pair::product(of_sinh.hi, r.hi);
    let sum = Pair::quick_sum(of_cosh.hi, linear.hi);
    let rest = of_cosh.hi.mul_add(cosh, sum.lo + (linear.lo + of_cosh.lo));
    only_if(a < 89.5, 2.0 * (sum.hi + of_sinh.hi.mul_add(sinh, rest)))
}

#[inline(always)]
pub(super) fn sinh_f32(x: f32) -> f32 {
    // Halves of the smallest numbers are subnormal.
    select(x.abs() < 1e-4, x, sinh_or_cosh_f32(x.abs(), true).copysign(x))
}

#[inline(always)]
pub(super) fn cosh_f32(x: f32) -> f32 {
    sinh_or_cosh_f32(x.abs(), false)
}

/// A series, or `1 - 2 / (e^(2a) + 1)`.
#[inline(always)]
pub(super) fn tanh_f32(x: f32) -> f32 {
    let a = x.abs();
    let z = a * a;
    let tail = polynomial(
        z,
        [-0.33333296, 0.13332346, -0.053879846, 0.021486681, -0.007946032, 0.0023012506, -0.00035840608],
    );
    let small = (z * a).mul_add(tail, a);
    // From 10 on it is one.
    let (r, bits) = reduce_f32(2.0 * select(a > 10.0, 10.0, a));
    let power = power_of_two_f32(bits);
    let q = polynomial(r.hi, [0.5, 0.16666576, 0.041666463, 0.008363258, 0.0013935327]);
    let more = power.mul_add((r.hi * r.hi).mul_add(q, r.hi), power + 1.0);
    let large = 1.0 - 2.0 / more;
    select(a < 1.0, small, large).copysign(x)
}

/// A series, or the logarithm of `a + sqrt(a^2 + 1)`.
#[inline(always)]
pub(super) fn arcsinh_f32(x: f32) -> f32 {
    let a = x.abs();
    let z = a * a;
    let tail = polynomial(z, [-0.16666643, 0.07498642, -0.044383317, 0.028163496, -0.0132284]);
    let small = (z * a).mul_add(tail, a);
    let more = a.mul_add(a, 1.0);
    let r = root(Pair { hi: more, lo: a.mul_add(a, 1.0 - more) });
    let sum = Pair::quick_sum(r.hi, a);
    let large = log_pair_f32(Pair { hi: sum.hi, lo: sum.lo + r.lo });
    only_if(a < 1e18, select(a < 0.5, small, large).copysign(x))
}

/// The root of `2 (x - 1)` times a series, or the logarithm of `x + sqrt(x^2 - 1)`.
#[inline(always)]
pub(super) fn arccosh_f32(x: f32) -> f32 {
    let t = x - 1.0;
    let near = t < 0.5;
    let r = root(Pair { hi: select(near, t + t, x.mul_add(x, -1.0)), lo: 0.0 });
    let series = polynomial(t, [-0.08333322, 0.018746605, -0.0055479147, 0.0017602185, -0.0004133875]);
    let small = r.hi + (r.hi * t).mul_add(series, r.lo);
    let sum = Pair::quick_sum(x, r.hi);
    let large = log_pair_f32(Pair { hi: sum.hi, lo: sum.lo + r.lo });
    only_if((t > 0.0) & (x < 1e18), select(near, small, large))
}

/// A series, or half the logarithm of `(1 + a) / (1 - a)`.
#[inline(always)]
pub(super) fn arctanh_f32(x: f32) -> f32 {
    let a = x.abs();
    let z = a * a;
    let tail = polynomial(z, [0.33333302, 0.20002453, 0.14223786, 0.118163854, 0.05160444, 0.17637831]);
    let small = (z * a).mul_add(tail, a);
    let large = 0.5 * log_pair_f32(Pair::loose_quotient_of(Pair::quick_sum(1.0, a), 1.0 - a));
    only_if(a < 1.0, select(a < 0.5, small, large).copysign(x))
}
