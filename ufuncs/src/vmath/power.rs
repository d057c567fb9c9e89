//! `power`, `cbrt`, `hypot`.

use crate::elem::Real;

use super::exp::{exp2_pair, exp2_short};
use super::log::{log2_short, split};
use super::pair::{
    Pair, ROUNDER, ROUNDER_F32, is_positive_normal_f32, only_if, polynomial, scale, scale_f32, select,
};

/// Base-2 logarithm with about 66 bits, because the exponent multiplies its error.
#[inline(always)]
fn log2_pair(x: f64) -> Pair {
    /// 2 / log 2 and a third of it.
    const FIRST: Pair = Pair { hi: 2.8853900817779268, lo: 4.0710547481862066e-17 };
    const SECOND: Pair = Pair { hi: 0.9617966939259756, lo: 5.0577616648125906e-17 };
    let (k, f, _) = split(x);
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
macro_rules! with_sign {
    ($($name:ident $t:ident;)*) => {$(
        #[inline(always)]
        fn $name(value: $t, x: $t, y: $t) -> $t {
            let whole = y.round_ties_even() == y;
            let half = 0.5 * y;
            let odd = whole & (half.round_ties_even() != half);
            let negative = x < 0.0;
            only_if(whole | !negative, select(negative & odd, -value, value))
        }
    )*};
}
with_sign! {
    with_sign f64;
    with_sign_f32 f32;
}

#[inline(always)]
pub(super) fn power(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let log = log2_pair(a);
    let product = Pair::product(log.hi, y);
    let value = exp2_pair(Pair { hi: product.hi, lo: y.mul_add(log.lo, product.lo) });
    only_if((a >= f64::MIN_POSITIVE) & (a < f64::INFINITY), with_sign(value, x, y))
}

#[inline(always)]
pub(super) fn power_f32(x: f32, y: f32) -> f32 {
    let a = x.abs();
    let product = f64::from(y) * log2_short(a.into());
    let ok = (product > -126.0) & (product < 128.0);
    let value = only_if(ok, exp2_short(product)) as f32;
    only_if((a > 0.0) & (a < f32::INFINITY), with_sign_f32(value, x, y))
}

/// Of zero to a power the lanes know nothing; what is not worth a call is answered here.
pub(super) fn careful<T: Real>(x: T, y: T) -> T {
    if x.is_nonzero() || x.signbit() || y.is_nan() || y.signbit() {
        x.pow(y)
    } else if y.is_nonzero() {
        T::ZERO
    } else {
        T::from_f64(1.0)
    }
}

/// The magnitude of a number as `2^(3 q + j) m` with `1 <= m < 2` and `j` 0, 1 or 2: gives `m`, `j` and the bits of `q`.
#[inline(always)]
fn split_by_three(a: f64) -> (f64, f64, u64) {
    const TWO52: f64 = 4503599627370496.0;
    let bits = a.to_bits();
    let exponent = f64::from_bits(TWO52.to_bits() | bits >> 52) - (TWO52 + 1023.0);
    let shifted = (exponent - 1.0).mul_add(1.0 / 3.0, ROUNDER);
    let j = (shifted - ROUNDER).mul_add(-3.0, exponent);
    (f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 1f64.to_bits()), j, shifted.to_bits())
}

/// One of three values by the `j` of [`split_by_three`].
#[inline(always)]
fn by_third(j: f64, values: [f64; 3]) -> f64 {
    select(j > 1.5, values[2], select(j > 0.5, values[1], values[0]))
}

const ROOTS: [f64; 3] = [1.0, 1.2599210498948732, 1.5874010519681996];

#[inline(always)]
pub(super) fn cbrt(x: f64) -> f64 {
    let a = x.abs();
    let (m, j, q) = split_by_three(a);
    // 19 bits of the root of m, then one step of Halley's method on 2^j m, which makes three times as many.
    let guess = polynomial(
        m,
        [
            0.4733306782544986,
            0.8381600363002469,
            -0.4692287234337508,
            0.20277723206372228,
            -0.05038653989476663,
            0.005348547671747713,
        ],
    );
    let m = m * by_third(j, [1.0, 2.0, 4.0]);
    let y = guess * by_third(j, ROOTS);
    let residue = (y * y).mul_add(-y, m);
    let step = y * residue / residue.mul_add(-2.0, 3.0 * m);
    let value = scale(y + step, q);
    let normal = (a >= f64::MIN_POSITIVE) & (a < f64::INFINITY);
    select(a == 0.0, x, only_if(normal, value.copysign(x)))
}

/// From the inverse root with 14 bits: the root is `m g^2`, and one step of Newton's method needs no division, because `g^2 / 3`
/// is the inverse of the derivative.
#[inline(always)]
pub(super) fn cbrt_f32(x: f32) -> f32 {
    let a = x.abs();
    let exponent = (a.to_bits() >> 23) as i32 as f32 - 127.0;
    let shifted = (exponent - 1.0).mul_add(1.0 / 3.0, ROUNDER_F32);
    let j = (shifted - ROUNDER_F32).mul_add(-3.0, exponent);
    let by_third = |values: [f32; 3]| select(j > 1.5, values[2], select(j > 0.5, values[1], values[0]));
    let m = f32::from_bits(a.to_bits() & 0x007f_ffff | 1f32.to_bits());
    let g = polynomial(m, [1.6700084, -1.1728852, 0.69548804, -0.22124042, 0.028591473])
        * by_third([1.0, 0.7937005, 0.62996052]);
    let m = m * by_third([1.0, 2.0, 4.0]);
    let square = g * g;
    let y = m * square;
    let y2 = Pair::product(y, y);
    let residue = (-y2.lo).mul_add(y, (-y2.hi).mul_add(y, m));
    let value = scale_f32(residue.mul_add(square * (1.0 / 3.0), y), shifted.to_bits());
    select(a == 0.0, x, only_if(is_positive_normal_f32(a), value.copysign(x)))
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
