//! `sin`, `cos`, `tan`.
//!
//! `x = k pi/2 + r`. With a fused multiply-add `x - k P` is exact for the leading 53 bits `P` of pi/2 as long as
//! `k` fits into a double with room to spare: both are multiples of the last bit of `P` (or of a smaller one that `x`
//! has), and the difference is below one. Two more parts of pi/2 give `r` in twice the precision. Arguments past
//! [`LIMIT`] are left to the careful path.

use core::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use super::pair::{Pair, ROUNDER, ROUNDER_F32, only_if, polynomial, select};

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

/// 2^17: past it single precision may find a `k` with `|r|` well above pi/4.
const LIMIT_F32: f32 = 131072.0;

/// [`reduce`] in single precision.
#[inline(always)]
fn reduce_f32(x: f32) -> (Pair<f32>, u32) {
    let shifted = x.mul_add(core::f32::consts::FRAC_2_PI, ROUNDER_F32);
    let k = shifted - ROUNDER_F32;
    let first = (-k).mul_add(core::f32::consts::FRAC_PI_2, x);
    let mid = Pair::product(k, 4.371139e-8);
    let r = Pair::sum(first, mid.hi);
    (Pair { hi: r.hi, lo: k.mul_add(1.7151245e-15, r.lo + mid.lo) }, shifted.to_bits())
}

#[inline(always)]
fn sin_quadrant_f32(r: Pair<f32>, quadrants: u32) -> f32 {
    let z = r.hi * r.hi;
    let sin = z.mul_add(-0.00019583866, 0.008332717).mul_add(z, -0.16666664);
    let cos = z.mul_add(2.4543948e-5, -0.0013888272).mul_add(z, 0.041666664);
    let sin = r.hi + (z * r.hi).mul_add(sin, r.lo);
    let one = Pair::quick_sum(1.0, -0.5 * z);
    let cos = one.hi + (z * z).mul_add(cos, (-r.hi).mul_add(r.lo, one.lo));
    let y = select(quadrants & 1 != 0, cos, sin);
    f32::from_bits(y.to_bits() ^ quadrants << 30 & 1 << 31)
}

#[inline(always)]
pub(super) fn sin_f32(x: f32) -> f32 {
    let (r, k) = reduce_f32(x);
    only_if(x.abs() < LIMIT_F32, select(x == 0.0, x, sin_quadrant_f32(r, k)))
}

#[inline(always)]
pub(super) fn cos_f32(x: f32) -> f32 {
    let (r, k) = reduce_f32(x);
    only_if(x.abs() < LIMIT_F32, sin_quadrant_f32(r, k.wrapping_add(1)))
}

/// A polynomial, or minus its inverse.
#[inline(always)]
pub(super) fn tan_f32(x: f32) -> f32 {
    let (r, k) = reduce_f32(x);
    let z = r.hi * r.hi;
    let tail = polynomial(
        z,
        [0.33333334, 0.13333207, 0.053998284, 0.021596577, 0.010035724, 0.0010821469, 0.0038978513],
    );
    let cube = z * r.hi;
    let t = cube.mul_add(tail, r.hi);
    // The derivative is 1 + tan^2; and what the square was rounded by.
    let small = r.lo.mul_add(t * t, r.lo);
    let small = r.hi.mul_add(z, -cube).mul_add(0.4, (r.hi.mul_add(r.hi, -z) * r.hi).mul_add(0.45, small));
    let tan = Pair::quick_sum(r.hi, cube.mul_add(tail, small));
    let inverse = -1.0 / tan.hi;
    let missed = tan.lo.mul_add(inverse, tan.hi.mul_add(inverse, 1.0));
    let y = select(k & 1 != 0, missed.mul_add(inverse, inverse), tan.hi);
    only_if(x.abs() < LIMIT_F32, select(x == 0.0, x, y))
}
