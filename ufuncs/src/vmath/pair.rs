//! Numbers of twice the precision as unevaluated sums, and the small vocabulary of lane code.
//!
//! Everything here is branch-free and has a fused multiply-add underneath.

use core::hint::select_unpredictable;
use core::ops::{Add, Div, Mul, Neg, Sub};

/// What lanes compute in.
pub(super) trait Float:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    const NAN: Self;
    /// Whether the significand has more than 28 bits.
    const LONG: bool;
    fn mul_add(self, b: Self, c: Self) -> Self;
    fn sqrt(self) -> Self;
    fn from_f64(x: f64) -> Self;
    /// The inverse root, whose square is right up to a factor between 0.87 and 1.
    fn rough_inverse_root(self) -> Self;
}

macro_rules! float {
    ($($t:ident $bits:literal $root:literal;)*) => {$(
        impl Float for $t {
            const NAN: $t = $t::NAN;
            const LONG: bool = $bits > 28;
            #[inline(always)]
            fn mul_add(self, b: $t, c: $t) -> $t {
                $t::mul_add(self, b, c)
            }
            #[inline(always)]
            fn sqrt(self) -> $t {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn from_f64(x: f64) -> $t {
                x as $t
            }
            // The bits of a number are a piecewise linear logarithm of it (Blinn, "Floating-point tricks", 1997).
            #[inline(always)]
            fn rough_inverse_root(self) -> $t {
                $t::from_bits($root - (self.to_bits() >> 1))
            }
        }
    )*};
}
float! {
    f32 24 0x5f30_0000;
    f64 53 0x5fe6_0000_0000_0000;
}

/// The root of a sum that is zero or normal. Without a division, which would take a processor as long as twenty
/// multiplications.
#[inline(always)]
pub(super) fn root<T: Float>(x: Pair<T>) -> Pair<T> {
    let c = T::from_f64;
    let hi = x.hi.sqrt();
    // Half the inverse, for the little that is missing.
    let rough = x.hi.rough_inverse_root();
    let half = if T::LONG {
        rough * (x.hi * rough * rough).mul_add(c(-0.27758876526522), c(0.7770159890582))
    } else {
        rough * c(0.5178)
    };
    Pair { hi, lo: ((-hi).mul_add(hi, x.hi) + x.lo) * half }
}

/// `hi + lo`, where `lo` is small against `hi`.
#[derive(Clone, Copy)]
pub(super) struct Pair<T = f64> {
    pub hi: T,
    pub lo: T,
}

/// One of two values, both already computed.
#[inline(always)]
pub(super) fn select<T>(condition: bool, yes: T, no: T) -> T {
    select_unpredictable(condition, yes, no)
}

/// `x`, or NaN, which asks for the careful path.
#[inline(always)]
pub(super) fn only_if<T: Float>(condition: bool, x: T) -> T {
    select_unpredictable(condition, x, T::NAN)
}

/// Value of a polynomial of at least three terms, constant coefficient first.
///
/// Even and odd powers apart: a single chain of multiply-adds would be bound by their latency. The constant comes last,
/// because its addition is the one whose rounding shows.
#[inline(always)]
pub(super) fn polynomial<T: Float, const N: usize>(x: T, c: [T; N]) -> T {
    let square = x * x;
    let (mut last, mut other) = (c[N - 1], c[N - 2]);
    let mut i = N - 2;
    while i > 1 {
        i -= 1;
        (last, other) = (other, last.mul_add(square, c[i]));
    }
    // `other` is the chain that ends with the linear coefficient.
    last.mul_add(x, other).mul_add(x, c[0])
}

/// Adding and subtracting it rounds to an integer; between the two the low bits of the sum are that integer.
pub(super) const ROUNDER: f64 = 6755399441055744.0; // 3 * 2^51

/// `2^k`, from the bits of `k + ROUNDER`.
#[inline(always)]
pub(super) fn power_of_two(bits: u64) -> f64 {
    f64::from_bits((bits << 52).wrapping_add(1f64.to_bits()))
}

/// `x * 2^k` as long as that is a normal number, from the bits of `k + ROUNDER`.
#[inline(always)]
pub(super) fn scale(x: f64, bits: u64) -> f64 {
    f64::from_bits(x.to_bits().wrapping_add(bits << 52))
}

/// [`ROUNDER`], [`power_of_two`] and [`scale`] of single precision.
pub(super) const ROUNDER_F32: f32 = 12582912.0; // 3 * 2^22

#[inline(always)]
pub(super) fn power_of_two_f32(bits: u32) -> f32 {
    f32::from_bits((bits << 23).wrapping_add(1f32.to_bits()))
}

#[inline(always)]
pub(super) fn scale_f32(x: f32, bits: u32) -> f32 {
    f32::from_bits(x.to_bits().wrapping_add(bits << 23))
}

/// Whether the lanes need not ask further: neither zero, subnormal, negative, infinite nor NaN.
#[inline(always)]
pub(super) fn is_positive_normal_f32(x: f32) -> bool {
    x.to_bits().wrapping_sub(f32::MIN_POSITIVE.to_bits())
        < f32::INFINITY.to_bits() - f32::MIN_POSITIVE.to_bits()
}

impl<T: Float> Pair<T> {
    /// The exact sum of two numbers.
    #[inline(always)]
    pub fn sum(a: T, b: T) -> Pair<T> {
        let hi = a + b;
        let from_b = hi - a;
        Pair { hi, lo: (a - (hi - from_b)) + (b - from_b) }
    }

    /// The exact sum where `b` is no larger than `a`, or `a` is zero.
    #[inline(always)]
    pub fn quick_sum(a: T, b: T) -> Pair<T> {
        let hi = a + b;
        Pair { hi, lo: b - (hi - a) }
    }

    /// The exact product.
    #[inline(always)]
    pub fn product(a: T, b: T) -> Pair<T> {
        let hi = a * b;
        Pair { hi, lo: a.mul_add(b, -hi) }
    }

    #[inline(always)]
    pub fn times(self, other: Pair<T>) -> Pair<T> {
        let Pair { hi, lo } = Pair::product(self.hi, other.hi);
        Pair { hi, lo: lo + self.hi.mul_add(other.lo, self.lo * other.hi) }
    }

    /// The quotient, with one division; not rounded again.
    #[inline(always)]
    pub fn loose_quotient_of(n: Pair<T>, d: T) -> Pair<T> {
        let inverse = T::from_f64(1.0) / d;
        let hi = n.hi * inverse;
        Pair { hi, lo: ((-hi).mul_add(d, n.hi) + n.lo) * inverse }
    }

    #[inline(always)]
    pub fn value(self) -> T {
        self.hi + self.lo
    }
}

impl Pair {
    #[inline(always)]
    pub fn square(self) -> Pair {
        let Pair { hi, lo } = Pair::product(self.hi, self.hi);
        Pair { hi, lo: (2.0 * self.hi).mul_add(self.lo, lo) }
    }

    /// The quotient, with one division.
    #[inline(always)]
    pub fn over(self, d: Pair) -> Pair {
        let inverse = 1.0 / d.hi;
        let hi = self.hi * inverse;
        let rest = (-hi).mul_add(d.hi, self.hi) + (-hi).mul_add(d.lo, self.lo);
        Pair::quick_sum(hi, rest * inverse)
    }

    /// The quotient with a `lo` of one or two units in the last place of `hi`.
    #[inline(always)]
    pub fn loose_quotient(n: f64, d: Pair) -> Pair {
        let inverse = 1.0 / d.hi;
        let hi = n * inverse;
        Pair { hi, lo: inverse * ((-hi).mul_add(d.hi, n) - hi * d.lo) }
    }
}
