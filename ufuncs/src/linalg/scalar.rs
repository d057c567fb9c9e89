//! The four element types of linear algebra and what the algorithms here ask of them.

use core::ops::{Add, Div, Mul, Neg, Sub};

use faer::traits::ComplexField;
use num_complex::Complex;

use crate::dot::{self, registers::Registers};

/// `f32`, `f64` and their complex types.
pub trait Scalar:
    ComplexField
    + Copy
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    type R: Real;
    const ZERO: Self;
    const ONE: Self;
    /// What outputs hold after a failure.
    const NAN: Self;
    const REAL: bool;

    fn of(re: Self::R, im: Self::R) -> Self;
    fn re(self) -> Self::R;
    fn im(self) -> Self::R;
    fn conjugate(self) -> Self;
    fn scale(self, by: Self::R) -> Self;
    /// Division that does not overflow on the way.
    fn over(self, by: Self) -> Self;
    /// Absolute value without undue overflow.
    fn modulus(self) -> Self::R;
    /// `v^H x`, for slices of one length.
    fn inner(v: &[Self], x: &[Self]) -> Self;

    fn real(re: Self::R) -> Self {
        Self::of(re, <Self::R as Scalar>::ZERO)
    }
    /// `|re| + |im|`, which pivots are chosen by.
    fn cabs1(self) -> Self::R {
        self.re().modulus() + self.im().modulus()
    }
    /// `|x|^2`.
    fn square(self) -> Self::R {
        self.re() * self.re() + self.im() * self.im()
    }
    fn has_nan(self) -> bool {
        !(self.re() == self.re() && self.im() == self.im())
    }
    fn finite(self) -> bool {
        self.re().modulus() <= Self::R::MAX && self.im().modulus() <= Self::R::MAX
    }
    fn nonzero(self) -> bool {
        self != Self::ZERO
    }
}

/// The real types.
pub trait Real: Scalar<R = Self> + Registers + PartialOrd + Div<Output = Self> {
    /// Complex numbers of this type.
    type Complex: Scalar<R = Self>;
    const MAX: Self;
    /// What is brought near one before it grows.
    const LARGE: Self;
    const EPSILON: Self;
    const MIN_POSITIVE: Self;
    /// Exponents of two between which a matrix is decomposed as it is; others are scaled first.
    const PLAIN: core::ops::RangeInclusive<i32>;
    /// Matrices whose largest element is between these need no scaling at all.
    const ORDINARY: core::ops::RangeInclusive<Self>;
    /// What LAPACK's QR iteration takes for the relative accuracy of singular values.
    const SWEEP_TOLERANCE: Self;
    /// The largest power of two used for scaling.
    const MAX_SCALE: i32;

    fn sqrt(self) -> Self;
    fn ln(self) -> Self;
    fn exp(self) -> Self;
    fn hypot(self, other: Self) -> Self;
    fn pow2(exponent: i32) -> Self;
    fn exponent(self) -> i32;
    fn from_f64(x: f64) -> Self;

    fn max_of(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
    /// `|self|` with the sign of `other`; zero counts as positive.
    fn with_sign_of(self, other: Self) -> Self {
        if other < Self::ZERO { -self.modulus() } else { self.modulus() }
    }
}

macro_rules! scalars {
    ($($t:ident, $plain:expr, $ordinary:expr, $large:expr, $tolerance:expr, $max_scale:literal;)*) => {$(
        impl Scalar for $t {
            type R = $t;
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            const NAN: $t = $t::NAN;
            const REAL: bool = true;
            #[inline(always)]
            fn of(re: $t, _: $t) -> $t {
                re
            }
            #[inline(always)]
            fn re(self) -> $t {
                self
            }
            #[inline(always)]
            fn im(self) -> $t {
                0.0
            }
            #[inline(always)]
            fn conjugate(self) -> $t {
                self
            }
            #[inline(always)]
            fn scale(self, by: $t) -> $t {
                self * by
            }
            #[inline(always)]
            fn over(self, by: $t) -> $t {
                self / by
            }
            #[inline(always)]
            fn modulus(self) -> $t {
                self.abs()
            }
            #[inline]
            fn inner(v: &[Self], x: &[Self]) -> Self {
                assert_eq!(v.len(), x.len());
                // SAFETY: two slices of that length.
                unsafe { dot::inner_conjugated(v.as_ptr(), x.as_ptr(), v.len()) }
            }
        }

        impl Real for $t {
            type Complex = Complex<$t>;
            const MAX: $t = $t::MAX;
            const LARGE: $t = $large;
            const EPSILON: $t = $t::EPSILON;
            const MIN_POSITIVE: $t = $t::MIN_POSITIVE;
            const PLAIN: core::ops::RangeInclusive<i32> = $plain;
            const ORDINARY: core::ops::RangeInclusive<$t> = $ordinary;
            const SWEEP_TOLERANCE: $t = $tolerance;
            const MAX_SCALE: i32 = $max_scale;
            #[inline(always)]
            fn sqrt(self) -> $t {
                $t::sqrt(self)
            }
            fn ln(self) -> $t {
                $t::ln(self)
            }
            fn exp(self) -> $t {
                $t::exp(self)
            }
            fn hypot(self, other: $t) -> $t {
                $t::hypot(self, other)
            }
            fn pow2(exponent: i32) -> $t {
                (2.0 as $t).powi(exponent)
            }
            fn exponent(self) -> i32 {
                self.abs().log2().floor() as i32
            }
            fn from_f64(x: f64) -> $t {
                x as $t
            }
        }

        impl Scalar for Complex<$t> {
            type R = $t;
            const ZERO: Self = Complex { re: 0.0, im: 0.0 };
            const ONE: Self = Complex { re: 1.0, im: 0.0 };
            const NAN: Self = Complex { re: $t::NAN, im: $t::NAN };
            const REAL: bool = false;
            #[inline(always)]
            fn of(re: $t, im: $t) -> Self {
                Complex { re, im }
            }
            #[inline(always)]
            fn re(self) -> $t {
                self.re
            }
            #[inline(always)]
            fn im(self) -> $t {
                self.im
            }
            #[inline(always)]
            fn conjugate(self) -> Self {
                Complex { re: self.re, im: -self.im }
            }
            #[inline(always)]
            fn scale(self, by: $t) -> Self {
                Complex { re: self.re * by, im: self.im * by }
            }
            fn over(self, by: Self) -> Self {
                // Smith's way: divide by the larger part first.
                if by.re.abs() >= by.im.abs() {
                    let ratio = by.im / by.re;
                    let scale = by.re + by.im * ratio;
                    Complex { re: (self.re + self.im * ratio) / scale, im: (self.im - self.re * ratio) / scale }
                } else {
                    let ratio = by.re / by.im;
                    let scale = by.re * ratio + by.im;
                    Complex { re: (self.re * ratio + self.im) / scale, im: (self.im * ratio - self.re) / scale }
                }
            }
            #[inline(always)]
            fn modulus(self) -> $t {
                self.re.hypot(self.im)
            }
            #[inline]
            fn inner(v: &[Self], x: &[Self]) -> Self {
                assert_eq!(v.len(), x.len());
                // SAFETY: two slices of that length.
                unsafe { dot::inner_conjugated(v.as_ptr(), x.as_ptr(), v.len()) }
            }
        }
    )*};
}
scalars! {
    // A unit roundoff to the power of -1/8, at least 10 and at most 100, times the unit.
    f32, -40..=40, 1e-11..=1e11, 1e10, 10.0 * (f32::EPSILON / 2.0), 120;
    f64, -300..=300, 1e-90..=1e90, 1e100, 98.701_172_094_182_53 * (f64::EPSILON / 2.0), 1000;
}
