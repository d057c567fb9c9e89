//! `power`, `cbrt`, `hypot`.

use super::exp::{exp2_pair, exp2_short};
use super::log::{log2_short, split};
use super::pair::{Pair, ROUNDER, only_if, polynomial, scale, select};

/// Base-2 logarithm with about 66 bits, because the exponent multiplies its error.
#[inline(always)]
fn log2_pair(x: f64) -> Pair {
    /// 2 / log 2 and a third of it.
    const FIRST: Pair = Pair { hi: 2.8853900817779268, lo: 4.0710547481862066e-17 };
    const SECOND: Pair = Pair { hi: 0.9617966939259756, lo: 5.0577616648125906e-17 };
    let (k, f) = split(x);
    // log2((1 + s) / (1 - s)) = s (c1 + z (c3 + z c5 + ...)) for z = s^2; two terms need the second number of the pair.
    let s = Pair::loose_quotient(f, Pair::quick_sum(2.0, f));
    let z = s.square();
    let tail = polynomial(
        z.hi,
        [
            0.5770780163556184,
            0.4121985830917078,
            0.3205989023181423,
            0.26230769697484196,
            0.22198419950568427,
            0.19125023678209088,
            0.190433075695414,
        ],
    );
    let inner = Pair::quick_sum(SECOND.hi, z.hi * tail);
    let series = z.times(Pair { hi: inner.hi, lo: inner.lo + z.lo.mul_add(tail, SECOND.lo) });
    let sum = Pair::quick_sum(FIRST.hi, series.hi);
    let log = s.times(Pair { hi: sum.hi, lo: sum.lo + (series.lo + FIRST.lo) });
    let sum = Pair::quick_sum(k, log.hi);
    Pair { hi: sum.hi, lo: sum.lo + log.lo }
}

/// The power of the magnitude as that of the base: only integer exponents of negative numbers, and the odd ones keep the
/// sign.
#[inline(always)]
fn with_sign(value: f64, x: f64, y: f64) -> f64 {
    let whole = y.round_ties_even() == y;
    let half = 0.5 * y;
    let odd = whole & (half.round_ties_even() != half);
    let negative = x < 0.0;
    only_if(whole | !negative, select(negative & odd, -value, value))
}

#[inline(always)]
pub(super) fn power(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let log = log2_pair(a);
    let product = Pair::product(log.hi, y);
    let value = exp2_pair(Pair { hi: product.hi, lo: y.mul_add(log.lo, product.lo) });
    let ok = (a >= f64::MIN_POSITIVE) & (a < f64::INFINITY) & (y.abs() < 1e300);
    only_if(ok, with_sign(value, x, y))
}

#[inline(always)]
pub(super) fn power_f32(x: f32, y: f32) -> f32 {
    let (x, y) = (f64::from(x), f64::from(y));
    let a = x.abs();
    let product = y * log2_short(a);
    let ok = (a > 0.0) & (a < f64::INFINITY) & (product > -126.0) & (product < 128.0);
    only_if(ok, with_sign(exp2_short(product), x, y)) as f32
}

#[inline(always)]
pub(super) fn cbrt(x: f64) -> f64 {
    let a = x.abs();
    let bits = a.to_bits();
    // a = 2^(3 q + j) m with 1 <= m < 2.
    const TWO52: f64 = 4503599627370496.0;
    let exponent = f64::from_bits(TWO52.to_bits() | bits >> 52) - (TWO52 + 1023.0);
    let shifted = (exponent - 1.0).mul_add(1.0 / 3.0, ROUNDER);
    let q = shifted - ROUNDER;
    let j = q.mul_add(-3.0, exponent);
    let m = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 1f64.to_bits());
    let root_of_power = select(j > 1.5, 1.5874010519681996, select(j > 0.5, 1.2599210498948732, 1.0));
    let power = select(j > 1.5, 4.0, select(j > 0.5, 2.0, 1.0));
    // 17 bits of the root of m, then three steps of Newton's method on 2^j m with one inverse; the residue of the last is
    // exact.
    let guess = polynomial(
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
    let value = scale(residue.mul_add(inverse, y), shifted.to_bits());
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
