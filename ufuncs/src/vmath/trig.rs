//! `sin`, `cos`, `tan`.
//!
//! `x = k pi/2 + r`. With a fused multiply-add `x - k P` is exact for the leading 53 bits `P` of pi/2 as long as
//! `k` fits into a double with room to spare: both are multiples of the last bit of `P` (or of a smaller one that `x`
//! has), and the difference is below one. Two more parts of pi/2 give `r` in twice the precision. Arguments past
//! [`LIMIT`] are left to the careful path.

use core::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use super::pair::{Pair, ROUNDER, only_if, polynomial, select};

/// 2^46: here rounding `x * 2/pi` still finds `k` with `|r| < 0.79`.
const LIMIT: f64 = 70368744177664.0;
const PIO2_MID: f64 = 6.123233995736766e-17;
const PIO2_LO: f64 = -1.4973849048591698e-33;

/// `r` and the bits of `k`.
#[inline(always)]
fn reduce(x: f64) -> (Pair, u64) {
    let shifted = x.mul_add(FRAC_2_PI, ROUNDER);
    let k = shifted - ROUNDER;
    let first = (-k).mul_add(FRAC_PI_2, x);
    let mid = Pair::product(k, PIO2_MID);
    let r = Pair::sum(first, -mid.hi);
    let lo = (-k).mul_add(PIO2_LO, r.lo - mid.lo);
    (Pair::quick_sum(r.hi, lo), shifted.to_bits())
}

/// `(sin r - r) / r^3`, error 2^-57.5 of the sine.
#[inline(always)]
fn sin_tail(z: f64) -> f64 {
    polynomial(
        z,
        [
            -0.1666666666666662,
            0.00833333333331976,
            -0.00019841269827680012,
            2.7557312951515633e-06,
            -2.5050641838504604e-08,
            1.5890038156736147e-10,
        ],
    )
}

/// `(cos r - 1 + r^2/2) / r^4`, error 2^-63.5 of the cosine.
#[inline(always)]
fn cos_tail(z: f64) -> f64 {
    polynomial(
        z,
        [
            0.041666666666666574,
            -0.0013888888888869777,
            2.480158728678865e-05,
            -2.7557313579671815e-07,
            2.087561893643716e-09,
            -1.1354279591957464e-11,
        ],
    )
}

/// What remains of the sine after `r.hi`.
#[inline(always)]
fn sin_rest(r: Pair, z: f64) -> f64 {
    (z * r.hi).mul_add(sin_tail(z), r.lo * (-0.5f64).mul_add(z, 1.0))
}

#[inline(always)]
fn cos_pair(r: Pair, z: f64) -> Pair {
    let half = 0.5 * z;
    let one = Pair::quick_sum(1.0, -half);
    Pair { hi: one.hi, lo: (z * z).mul_add(cos_tail(z), (-r.hi).mul_add(r.lo, one.lo)) }
}

/// Sine of `r + quadrants * pi/2`.
#[inline(always)]
fn sin_quadrant(r: Pair, quadrants: u64) -> f64 {
    let z = r.hi * r.hi;
    let sin = r.hi + sin_rest(r, z);
    let cos = cos_pair(r, z).value();
    let y = select(quadrants & 1 != 0, cos, sin);
    f64::from_bits(y.to_bits() ^ quadrants << 62 & 1 << 63)
}

#[inline(always)]
pub(super) fn sin(x: f64) -> f64 {
    let (r, k) = reduce(x);
    only_if(x.abs() < LIMIT, select(x == 0.0, x, sin_quadrant(r, k)))
}

#[inline(always)]
pub(super) fn cos(x: f64) -> f64 {
    let (r, k) = reduce(x);
    only_if(x.abs() < LIMIT, sin_quadrant(r, k.wrapping_add(1)))
}

#[inline(always)]
pub(super) fn tan(x: f64) -> f64 {
    let (r, k) = reduce(x);
    let z = r.hi * r.hi;
    let sin = Pair::quick_sum(r.hi, sin_rest(r, z));
    let cos = cos_pair(r, z);
    let cos = Pair::quick_sum(cos.hi, cos.lo);
    let turned = k & 1 != 0;
    let numerator = Pair { hi: select(turned, -cos.hi, sin.hi), lo: select(turned, -cos.lo, sin.lo) };
    let denominator = Pair { hi: select(turned, sin.hi, cos.hi), lo: select(turned, sin.lo, cos.lo) };
    only_if(x.abs() < LIMIT, select(x == 0.0, x, numerator.over(denominator).hi))
}

/// Enough of `r` for a result of 24 bits.
#[inline(always)]
fn reduce_f32(x: f32) -> (f64, u64) {
    let x = f64::from(x);
    let shifted = x.mul_add(FRAC_2_PI, ROUNDER);
    let k = shifted - ROUNDER;
    ((-k).mul_add(PIO2_MID, (-k).mul_add(FRAC_PI_2, x)), shifted.to_bits())
}

#[inline(always)]
fn sin_cos_f32(r: f64) -> (f64, f64) {
    let z = r * r;
    let sin = polynomial(z, [-0.16666654177038884, 0.00833213297441089, -0.00019511457976554547]);
    let cos = polynomial(
        z,
        [1.0, -0.4999999967946672, 0.04166661867025387, -0.0013886628612300952, 2.43786003511701e-05],
    );
    ((z * r).mul_add(sin, r), cos)
}

#[inline(always)]
fn sin_quadrant_f32(r: f64, quadrants: u64) -> f64 {
    let (sin, cos) = sin_cos_f32(r);
    let y = select(quadrants & 1 != 0, cos, sin);
    f64::from_bits(y.to_bits() ^ quadrants << 62 & 1 << 63)
}

#[inline(always)]
pub(super) fn sin_f32(x: f32) -> f32 {
    let (r, k) = reduce_f32(x);
    let x = f64::from(x);
    only_if(x.abs() < LIMIT, select(x == 0.0, x, sin_quadrant_f32(r, k))) as f32
}

#[inline(always)]
pub(super) fn cos_f32(x: f32) -> f32 {
    let (r, k) = reduce_f32(x);
    only_if(f64::from(x).abs() < LIMIT, sin_quadrant_f32(r, k.wrapping_add(1))) as f32
}

#[inline(always)]
pub(super) fn tan_f32(x: f32) -> f32 {
    let (r, k) = reduce_f32(x);
    let (sin, cos) = sin_cos_f32(r);
    let turned = k & 1 != 0;
    let tan = select(turned, -cos, sin) / select(turned, sin, cos);
    let x = f64::from(x);
    only_if(x.abs() < LIMIT, select(x == 0.0, x, tan)) as f32
}
