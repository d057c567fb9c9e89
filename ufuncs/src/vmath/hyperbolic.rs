//! Hyperbolic functions and their inverses, from exponentials and logarithms in twice the precision, so that the
//! cancellations near zero cost nothing.

use super::exp::{expm1_pair, expm1_short, quarter_exp_pair, reduce_f32};
use super::log::{log1p_pair, log1p_short};
use super::pair::{Pair, only_if, select};

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
    only_if(!x.is_nan(), select(a < TINY, x, value.copysign(x)))
}

/// Square root of a pair.
#[inline(always)]
fn root(x: Pair) -> Pair {
    let hi = x.hi.sqrt();
    Pair { hi, lo: ((-hi).mul_add(hi, x.hi) + x.lo) / (hi + hi) }
}

#[inline(always)]
pub(super) fn arcsinh(x: f64) -> f64 {
    let a = x.abs();
    let square = Pair::product(a, a);
    let more = Pair::sum(1.0, square.hi);
    let r = root(Pair { hi: more.hi, lo: more.lo + square.lo });
    // log1p(a + (r - 1)).
    let less = Pair::sum(r.hi, -1.0);
    let sum = Pair::sum(a, less.hi);
    let value = log1p_pair(Pair::quick_sum(sum.hi, sum.lo + (less.lo + r.lo)));
    only_if(a < 1e150, select(a < TINY, x, value.copysign(x)))
}

#[inline(always)]
pub(super) fn arccosh(x: f64) -> f64 {
    // log1p((x - 1) + sqrt(x^2 - 1)).
    let square = Pair::product(x, x);
    let less = Pair::sum(square.hi, -1.0);
    let r = root(Pair { hi: less.hi, lo: less.lo + square.lo });
    let first = Pair::sum(x, -1.0);
    let sum = Pair::sum(first.hi, r.hi);
    let value = log1p_pair(Pair::quick_sum(sum.hi, sum.lo + (first.lo + r.lo)));
    only_if((x > 1.0) & (x < 1e150), value)
}

#[inline(always)]
pub(super) fn arctanh(x: f64) -> f64 {
    let a = x.abs();
    let ratio = Pair { hi: a + a, lo: 0.0 }.over(Pair::quick_sum(1.0, -a));
    let value = 0.5 * log1p_pair(ratio);
    only_if(a < 1.0, select(a < TINY, x, value.copysign(x)))
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

#[inline(always)]
pub(super) fn tanh_f32(x: f32) -> f32 {
    let x = f64::from(x);
    let a = x.abs();
    let t = expm1_short(2.0 * select(a > 10.0, 10.0, a));
    only_if(!x.is_nan(), (t / (t + 2.0)).copysign(x)) as f32
}

#[inline(always)]
pub(super) fn arcsinh_f32(x: f32) -> f32 {
    let x = f64::from(x);
    let a = x.abs();
    let square = a * a;
    // sqrt(1 + a^2) - 1 without cancellation.
    let value = log1p_short(a + square / (1.0 + (1.0 + square).sqrt()));
    only_if(a < f64::INFINITY, value.copysign(x)) as f32
}

#[inline(always)]
pub(super) fn arccosh_f32(x: f32) -> f32 {
    let t = f64::from(x) - 1.0;
    let value = log1p_short(t + (t * (t + 2.0)).sqrt());
    only_if((t > 0.0) & (t < f64::INFINITY), value) as f32
}

#[inline(always)]
pub(super) fn arctanh_f32(x: f32) -> f32 {
    let x = f64::from(x);
    let a = x.abs();
    let value = 0.5 * log1p_short(2.0 * a / (1.0 - a));
    only_if(a < 1.0, value.copysign(x)) as f32
}
