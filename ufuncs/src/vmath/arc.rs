//! `arcsin`, `arccos`, `arctan`, `arctan2`.

use core::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::pair::{Pair, only_if, polynomial, root, select};

const PIO2_LO: f64 = 6.123233995736766e-17;
const PIO4_LO: f64 = 3.061616997868383e-17;
const PI_LO: f64 = 1.2246467991473532e-16;

/// `(arcsin t - t) / t^3` by the square of `t <= 1/2`, error 2^-59.9 of the arcsine.
#[inline(always)]
fn arcsin_tail(z: f64) -> f64 {
    polynomial(
        z,
        [
            0.1666666666666676,
            0.07499999999970867,
            0.04464285717455937,
            0.030381942709939623,
            0.022372214933962416,
            0.017351612884603268,
            0.013980810971389734,
            0.011398984890791528,
            0.010779871868343047,
            0.0037077635317693423,
            0.02170432555336977,
            -0.02099485893090953,
            0.0326261117857431,
        ],
    )
}

/// `|x|` is small, or the arcsine is taken from half the angle's complement: `arcsin x = pi/2 - 2 arcsin t` with
/// `t^2 = (1 - x) / 2`. Gives the arcsine of `t` and which it was.
#[inline(always)]
fn half_angle(a: f64) -> (Pair, bool) {
    let small = a < 0.5;
    let z = select(small, a * a, 0.5 * (1.0 - a));
    let root = root(Pair { hi: z, lo: 0.0 });
    let t = select(small, a, root.hi);
    let lo = select(small, 0.0, root.lo);
    (Pair { hi: t, lo: (z * t).mul_add(arcsin_tail(z), lo) }, small)
}

#[inline(always)]
pub(super) fn arcsin(x: f64) -> f64 {
    let (t, small) = half_angle(x.abs());
    // pi/2 - 2t, the leading parts exactly.
    let first = Pair::quick_sum(FRAC_PI_2, -2.0 * t.hi);
    let large = first.hi + (first.lo + (-2.0f64).mul_add(t.lo, PIO2_LO));
    only_if(x.abs() <= 1.0, select(small, t.value(), large).copysign(x))
}

#[inline(always)]
pub(super) fn arccos(x: f64) -> f64 {
    let (t, small) = half_angle(x.abs());
    let negative = x < 0.0;
    let sign = select(negative, -1.0, 1.0);
    // pi/2 - arcsin x, 2 arcsin t, or pi - 2 arcsin t.
    let base = select(small, FRAC_PI_2, select(negative, PI, 0.0));
    let base_lo = select(small, PIO2_LO, select(negative, PI_LO, 0.0));
    let factor = select(small, -sign, 2.0 * sign);
    let first = Pair::quick_sum(base, factor * t.hi);
    only_if(x.abs() <= 1.0, first.hi + (first.lo + factor.mul_add(t.lo, base_lo)))
}

/// `(arctan t - t) / t^3` by the square of `|t| <= 0.4145`, error 2^-59.4 of the arctangent.
#[inline(always)]
fn arctan_tail(z: f64) -> f64 {
    polynomial(
        z,
        [
            -0.3333333333333319,
            0.19999999999952325,
            -0.14285714280077164,
            0.11111110777763857,
            -0.0909089759987678,
            0.07692057489868026,
            -0.066630738236996,
            0.05847673773257226,
            -0.05038349730193741,
            0.03804063844512941,
            -0.01788132487935054,
        ],
    )
}

/// Arctangent of `y / x` for positive numbers not too far from one another and from one.
#[inline(always)]
fn positive(y: f64, x: f64) -> Pair {
    let swapped = y > x;
    let (n, d) = (select(swapped, x, y), select(swapped, y, x));
    // Above tan(pi/8), arctan(n/d) = pi/4 + arctan((n - d) / (n + d)).
    let turned = n > d * 0.41421356237309503;
    let zero = Pair { hi: 0.0, lo: 0.0 };
    let (less, more) = (Pair::quick_sum(-d, n), Pair::quick_sum(d, n));
    let t = Pair { hi: select(turned, less.hi, n), lo: select(turned, less.lo, zero.lo) }
        .over(Pair { hi: select(turned, more.hi, d), lo: select(turned, more.lo, zero.lo) });
    let z = t.hi * t.hi;
    let rest = (z * t.hi).mul_add(arctan_tail(z), t.lo);
    // a + t, or pi/2 - (a + t) for the a of the two.
    let base = select(turned, FRAC_PI_4, select(swapped, FRAC_PI_2, 0.0));
    let base_lo = select(turned, PIO4_LO, select(swapped, PIO2_LO, 0.0));
    let sign = select(swapped, -1.0, 1.0);
    let first = Pair::quick_sum(base, sign * t.hi);
    Pair::quick_sum(first.hi, first.lo + sign.mul_add(rest, base_lo))
}

#[inline(always)]
pub(super) fn arctan(x: f64) -> f64 {
    let a = x.abs();
    positive(select(a > 1e18, 1e18, a), 1.0).hi.copysign(x)
}

#[inline(always)]
pub(super) fn arctan2(y: f64, x: f64) -> f64 {
    let (ay, ax) = (y.abs(), x.abs());
    let (small, large) = (select(ay > ax, ax, ay), select(ay > ax, ay, ax));
    let near =
        (large < 1e300) & (large > 1e-300) & ((small > large * 1e-270) & (small > 1e-280) | (small == 0.0));
    let a = positive(ay, ax);
    let first = Pair::quick_sum(PI, -a.hi);
    let value = select(x.is_sign_negative(), first.hi + (first.lo + (PI_LO - a.lo)), a.hi);
    only_if(near, value.copysign(y))
}

/// [`half_angle`] in single precision.
#[inline(always)]
fn half_angle_f32(a: f32) -> (Pair<f32>, bool) {
    let small = a < 0.5;
    let z = select(small, a * a, 0.5 * (1.0 - a));
    let root = root(Pair { hi: z, lo: 0.0 });
    let t = select(small, a, root.hi);
    let tail = polynomial(z, [0.16666754, 0.07495249, 0.045476887, 0.024145398, 0.042227518]);
    (Pair { hi: t, lo: (z * t).mul_add(tail, select(small, 0.0, root.lo)) }, small)
}

const PIO2_LO_F32: f32 = -4.371139e-8;

#[inline(always)]
pub(super) fn arcsin_f32(x: f32) -> f32 {
    const FRAC_PI_2: f32 = core::f32::consts::FRAC_PI_2;
    let (t, small) = half_angle_f32(x.abs());
    let first = Pair::quick_sum(FRAC_PI_2, -2.0 * t.hi);
    let large = first.hi + (first.lo + (-2.0f32).mul_add(t.lo, PIO2_LO_F32));
    only_if(x.abs() <= 1.0, select(small, t.value(), large).copysign(x))
}

#[inline(always)]
pub(super) fn arccos_f32(x: f32) -> f32 {
    const FRAC_PI_2: f32 = core::f32::consts::FRAC_PI_2;
    let (t, small) = half_angle_f32(x.abs());
    let negative = x < 0.0;
    let sign = select(negative, -1.0f32, 1.0);
    let halves = select(small, 1.0f32, select(negative, 2.0, 0.0));
    let factor = select(small, -sign, 2.0 * sign);
    let first = Pair::quick_sum(halves * FRAC_PI_2, factor * t.hi);
    let lo = factor.mul_add(t.lo, halves * PIO2_LO_F32);
    only_if(x.abs() <= 1.0, first.hi + (first.lo + lo))
}

/// [`positive`] in single precision.
#[inline(always)]
fn positive_f32(y: f32, x: f32) -> Pair<f32> {
    const FRAC_PI_2: f32 = core::f32::consts::FRAC_PI_2;
    const FRAC_PI_4: f32 = core::f32::consts::FRAC_PI_4;
    let swapped = y > x;
    let (n, d) = (select(swapped, x, y), select(swapped, y, x));
    let turned = n > d * 0.4142135;
    let (less, more) = (Pair::quick_sum(-d, n), Pair::quick_sum(d, n));
    let n = Pair { hi: select(turned, less.hi, n), lo: select(turned, less.lo, 0.0) };
    let d = Pair { hi: select(turned, more.hi, d), lo: select(turned, more.lo, 0.0) };
    let inverse = 1.0 / d.hi;
    let t = n.hi * inverse;
    let lo = inverse * ((-t).mul_add(d.hi, n.hi) + (-t).mul_add(d.lo, n.lo));
    let z = t * t;
    let tail = polynomial(z, [-0.3333333, 0.1999952, -0.14263652, 0.10742181, -0.064494535]);
    let rest = (z * t).mul_add(tail, lo);
    let sign = select(swapped, -1.0, 1.0);
    let base = select(turned, FRAC_PI_4, select(swapped, FRAC_PI_2, 0.0));
    let base_lo = select(turned, 0.5 * PIO2_LO_F32, select(swapped, PIO2_LO_F32, 0.0));
    let sum = Pair::quick_sum(base, sign * t);
    Pair { hi: sum.hi, lo: sum.lo + sign.mul_add(rest, base_lo) }
}

#[inline(always)]
pub(super) fn arctan_f32(x: f32) -> f32 {
    let a = x.abs();
    positive_f32(select(a > 1e30, 1e30, a), 1.0).value().copysign(x)
}

#[inline(always)]
pub(super) fn arctan2_f32(y: f32, x: f32) -> f32 {
    const PI: f32 = core::f32::consts::PI;
    let (ay, ax) = (y.abs(), x.abs());
    let (small, large) = (select(ay > ax, ax, ay), select(ay > ax, ay, ax));
    // Neither inverse nor quotient nor remainders may underflow.
    let near = (large < 1e30) & (large > 1e-20) & ((small > large * 1e-10) | (small == 0.0));
    let a = positive_f32(ay, ax);
    let back = Pair::quick_sum(PI, -a.hi);
    let negative = x.is_sign_negative();
    let (hi, lo) =
        (select(negative, back.hi, a.hi), select(negative, back.lo + (2.0 * PIO2_LO_F32 - a.lo), a.lo));
    only_if(near, (hi + lo).copysign(y))
}
