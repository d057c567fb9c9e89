//! `power`, `cbrt`, `hypot`.

use super::exp::exp2_pair;
use super::log::split;
use super::pair::{Pair, horner, only_if, select};

const TWO_LOG2_E: Pair = Pair { hi: 2.8853900817779268, lo: 4.0710547481862066e-17 };
const THIRD: Pair = Pair { hi: 0.3333333333333333, lo: 1.850371707708594e-17 };

/// Base-2 logarithm with about 68 bits, because the exponent multiplies its error.
#[inline(always)]
fn log2_pair(x: f64) -> Pair {
    let (k, f) = split(x);
    // artanh(s) = s + s z (1/3 + z (1/5 + ...)) for z = s^2; the first two terms need the second number of the pair.
    let s = Pair { hi: f, lo: 0.0 }.over(Pair::quick_sum(2.0, f));
    let z = s.square();
    let tail = horner(
        z.hi,
        [
            0.20000000000001145,
            0.14285714285041148,
            0.1111111126161108,
            0.09090892030696957,
            0.07693386065874303,
            0.06628228869406942,
            0.06599901019246025,
        ],
    );
    let inner = Pair::quick_sum(THIRD.hi, z.hi * tail);
    let inner = Pair { hi: inner.hi, lo: inner.lo + z.lo.mul_add(tail, THIRD.lo) };
    let series = z.times(inner);
    let one = Pair::quick_sum(1.0, series.hi);
    let log = s.times(Pair { hi: one.hi, lo: one.lo + series.lo }).times(TWO_LOG2_E);
    let sum = Pair::quick_sum(k, log.hi);
    Pair::quick_sum(sum.hi, sum.lo + log.lo)
}

#[inline(always)]
pub(super) fn power(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let log = log2_pair(a);
    let product = Pair::product(log.hi, y);
    let value = exp2_pair(Pair { hi: product.hi, lo: y.mul_add(log.lo, product.lo) });
    // A negative base: only integer exponents, and the odd ones keep the sign.
    let whole = y.round_ties_even() == y;
    let half = 0.5 * y;
    let odd = whole & (half.round_ties_even() != half);
    let negative = x < 0.0;
    let ok = (a >= f64::MIN_POSITIVE) & (a < f64::INFINITY) & (whole | !negative) & (y.abs() < 1e300);
    only_if(ok, select(negative & odd, -value, value))
}

/// 24 bits want a logarithm of about 32.
#[inline(always)]
pub(super) fn power_f32(x: f32, y: f32) -> f32 {
    power(f64::from(x), f64::from(y)) as f32
}

#[inline(always)]
pub(super) fn cbrt(x: f64) -> f64 {
    let a = x.abs();
    let bits = a.to_bits();
    // a = 2^(3 q + j) m with 1 <= m < 2.
    const TWO52: f64 = 4503599627370496.0;
    let exponent = f64::from_bits(TWO52.to_bits() | bits >> 52) - (TWO52 + 1023.0);
    let shifted = (exponent - 1.0).mul_add(1.0 / 3.0, super::pair::ROUNDER);
    let q = shifted - super::pair::ROUNDER;
    let j = q.mul_add(-3.0, exponent);
    let m = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 1f64.to_bits());
    let root_of_power = select(j > 1.5, 1.5874010519681996, select(j > 0.5, 1.2599210498948732, 1.0));
    let power = select(j > 1.5, 4.0, select(j > 0.5, 2.0, 1.0));
    // 17 bits of the root of m, then three steps of Newton's method on 2^j m with one inverse; the residue of the last is
    // exact.
    let guess = horner(
        m,
        [
            0.5069793737911831,
            0.7181539498633678,
            -0.30061157089072066,
            0.08609135243131551,
            -0.010603897527788191,
        ],
    );
    let m = m * power;
    let y = guess * root_of_power;
    let inverse = 1.0 / (3.0 * (y * y));
    let y = (y * y).mul_add(-y, m).mul_add(inverse, y);
    let y = (y * y).mul_add(-y, m).mul_add(inverse, y);
    let square = Pair::product(y, y);
    let cube = Pair::product(square.hi, y);
    let residue = (m - cube.hi) - square.lo.mul_add(y, cube.lo);
    let value = super::pair::scale(residue.mul_add(inverse, y), shifted.to_bits());
    let normal = (a >= f64::MIN_POSITIVE) & (a < f64::INFINITY);
    select(a == 0.0, x, only_if(normal, value.copysign(x)))
}

/// Correct to the rounding of a sum of exact squares: the root is corrected by what its square misses.
#[inline(always)]
pub(super) fn hypot(x: f64, y: f64) -> f64 {
    let (x, y) = (x.abs(), y.abs());
    let (small, large) = (select(x > y, y, x), select(x > y, x, y));
    // Powers of two that keep the squares in range.
    let (down, up) = (7.458340731200207e-155, 1.3407807929942597e154); // 2^-512, 2^512
    let (huge, tiny) = (large > 1e140, large < 1e-140);
    let factor = select(huge, down, select(tiny, up, 1.0));
    let back = select(huge, up, select(tiny, down, 1.0));
    let (a, b) =
        (Pair::product(large * factor, large * factor), Pair::product(small * factor, small * factor));
    let sum = Pair::quick_sum(a.hi, b.hi);
    let root = sum.hi.sqrt();
    let rest = (-root).mul_add(root, sum.hi) + (sum.lo + (a.lo + b.lo));
    let value = (root + rest / (root + root)) * back;
    // A NaN in either operand must come out.
    only_if((x < f64::INFINITY) & (y < f64::INFINITY), select(large == 0.0, 0.0, value))
}

#[inline(always)]
pub(super) fn hypot_f32(x: f32, y: f32) -> f32 {
    let (x, y) = (f64::from(x), f64::from(y));
    only_if((x.abs() < f64::INFINITY) & (y.abs() < f64::INFINITY), x.mul_add(x, y * y).sqrt()) as f32
}
