//! The three binary floating-point types with C's math library, as one trait.
//!
//! `f16` is not among them: every operation on it is the `f32` operation between two conversions.

use super::longdouble::Const;
use super::{Elem, LongDouble};
use core::ops::{Add, Div, Mul, Neg, Sub};

macro_rules! real {
    (
        unary: $($u:ident $uf:ident $ud:ident),*;
        binary: $($b:ident $bf:ident $bd:ident),*;
    ) => {
        mod c {
            use core::ffi::c_int;
            unsafe extern "C" {
                $(pub safe fn $uf(x: f32) -> f32; pub safe fn $ud(x: f64) -> f64;)*
                $(pub safe fn $bf(x: f32, y: f32) -> f32; pub safe fn $bd(x: f64, y: f64) -> f64;)*
                pub safe fn frexpf(x: f32, e: &mut c_int) -> f32;
                pub safe fn frexp(x: f64, e: &mut c_int) -> f64;
                pub safe fn ldexpf(x: f32, e: c_int) -> f32;
                pub safe fn ldexp(x: f64, e: c_int) -> f64;
                pub safe fn modff(x: f32, whole: &mut f32) -> f32;
                pub safe fn modf(x: f64, whole: &mut f64) -> f64;
            }
        }

        /// A real floating-point element with C99's functions (same names, same special cases, same status flags).
        pub trait Real:
            Elem
            + PartialOrd
            + Add<Output = Self>
            + Sub<Output = Self>
            + Mul<Output = Self>
            + Div<Output = Self>
            + Neg<Output = Self>
        {
            $(fn $u(self) -> Self;)*
            $(fn $b(self, other: Self) -> Self;)*
            fn sqrt(self) -> Self;
            fn floor(self) -> Self;
            fn ceil(self) -> Self;
            fn trunc(self) -> Self;
            /// Nearest, ties to even.
            fn rint(self) -> Self;
            fn fabs(self) -> Self;
            fn copysign(self, sign: Self) -> Self;
            /// Remainder with the sign of the dividend.
            fn fmod(self, other: Self) -> Self;
            fn frexp(self) -> (Self, i32);
            fn ldexp(self, exponent: i32) -> Self;
            /// Fractional and whole part.
            fn modf(self) -> (Self, Self);
            fn is_nan(self) -> bool;
            fn is_infinite(self) -> bool;
            fn is_finite(self) -> bool;
            fn signbit(self) -> bool;
            /// Rounds to the type.
            fn from_f64(x: f64) -> Self;
            fn from_i64(x: i64) -> Self;
            fn to_f64(self) -> f64;
            fn ln_2() -> Self;
            fn log2_e() -> Self;
            fn log10_e() -> Self;
            /// 180/pi.
            fn degrees_per_radian() -> Self;
            /// pi/180.
            fn radians_per_degree() -> Self;
        }

        real!(@float f32, frexpf ldexpf modff; $($u $uf),*; $($b $bf),*;);
        real!(@float f64, frexp ldexp modf; $($u $ud),*; $($b $bd),*;);

        impl Real for LongDouble {
            $(#[inline] fn $u(self) -> Self { LongDouble::$u(self) })*
            $(#[inline] fn $b(self, other: Self) -> Self { LongDouble::$b(self, other) })*
            #[inline] fn sqrt(self) -> Self { LongDouble::sqrt(self) }
            #[inline] fn floor(self) -> Self { LongDouble::floor(self) }
            #[inline] fn ceil(self) -> Self { LongDouble::ceil(self) }
            #[inline] fn trunc(self) -> Self { LongDouble::trunc(self) }
            #[inline] fn rint(self) -> Self { LongDouble::rint(self) }
            #[inline] fn fabs(self) -> Self { LongDouble::fabs(self) }
            #[inline] fn copysign(self, sign: Self) -> Self { LongDouble::copysign(self, sign) }
            #[inline] fn fmod(self, other: Self) -> Self { LongDouble::fmod(self, other) }
            #[inline] fn frexp(self) -> (Self, i32) { LongDouble::frexp(self) }
            #[inline] fn ldexp(self, exponent: i32) -> Self { LongDouble::ldexp(self, exponent) }
            #[inline] fn modf(self) -> (Self, Self) { LongDouble::modf(self) }
            #[inline] fn is_nan(self) -> bool { LongDouble::is_nan(self) }
            #[inline] fn is_infinite(self) -> bool { LongDouble::is_infinite(self) }
            #[inline] fn is_finite(self) -> bool { LongDouble::is_finite(self) }
            #[inline] fn signbit(self) -> bool { LongDouble::is_sign_negative(self) }
            #[inline] fn from_f64(x: f64) -> Self { LongDouble::from(x) }
            #[inline] fn from_i64(x: i64) -> Self { LongDouble::from(x) }
            #[inline] fn to_f64(self) -> f64 { LongDouble::to_f64(self) }
            fn ln_2() -> Self { LongDouble::constant(Const::Ln2) }
            fn log2_e() -> Self { LongDouble::constant(Const::Log2E) }
            fn log10_e() -> Self { LongDouble::constant(Const::Log10E) }
            fn degrees_per_radian() -> Self { LongDouble::constant(Const::DegPerRad) }
            fn radians_per_degree() -> Self { LongDouble::constant(Const::RadPerDeg) }
        }
    };
    (@float $t:ident, $frexp:ident $ldexp:ident $modf:ident; $($u:ident $uc:ident),*; $($b:ident $bc:ident),*;) => {
        impl Real for $t {
            $(#[inline] fn $u(self) -> Self { c::$uc(self) })*
            $(#[inline] fn $b(self, other: Self) -> Self { c::$bc(self, other) })*
            #[inline(always)] fn sqrt(self) -> Self { <$t>::sqrt(self) }
            #[inline(always)] fn floor(self) -> Self { <$t>::floor(self) }
            #[inline(always)] fn ceil(self) -> Self { <$t>::ceil(self) }
            #[inline(always)] fn trunc(self) -> Self { <$t>::trunc(self) }
            #[inline(always)] fn rint(self) -> Self { <$t>::round_ties_even(self) }
            #[inline(always)] fn fabs(self) -> Self { <$t>::abs(self) }
            #[inline(always)] fn copysign(self, sign: Self) -> Self { <$t>::copysign(self, sign) }
            #[inline(always)] fn fmod(self, other: Self) -> Self { self % other }
            #[inline] fn frexp(self) -> (Self, i32) {
                let mut e = 0;
                (c::$frexp(self, &mut e), e)
            }
            #[inline] fn ldexp(self, exponent: i32) -> Self { c::$ldexp(self, exponent) }
            #[inline] fn modf(self) -> (Self, Self) {
                let mut whole = 0.0;
                (c::$modf(self, &mut whole), whole)
            }
            #[inline(always)] fn is_nan(self) -> bool { <$t>::is_nan(self) }
            #[inline(always)] fn is_infinite(self) -> bool { <$t>::is_infinite(self) }
            #[inline(always)] fn is_finite(self) -> bool { <$t>::is_finite(self) }
            #[inline(always)] fn signbit(self) -> bool { <$t>::is_sign_negative(self) }
            #[inline(always)] fn from_f64(x: f64) -> Self { x as $t }
            #[inline(always)] fn from_i64(x: i64) -> Self { x as $t }
            #[inline(always)] fn to_f64(self) -> f64 { self as f64 }
            #[inline(always)] fn ln_2() -> Self { core::$t::consts::LN_2 }
            #[inline(always)] fn log2_e() -> Self { core::$t::consts::LOG2_E }
            #[inline(always)] fn log10_e() -> Self { core::$t::consts::LOG10_E }
            #[inline(always)] fn degrees_per_radian() -> Self { 180.0 / core::$t::consts::PI }
            #[inline(always)] fn radians_per_degree() -> Self { core::$t::consts::PI / 180.0 }
        }
    };
}

real! {
    unary:
        cbrt cbrtf cbrt, exp expf exp, exp2 exp2f exp2, expm1 expm1f expm1, log logf log, log2 log2f log2,
        log10 log10f log10, log1p log1pf log1p, sin sinf sin, cos cosf cos, tan tanf tan, asin asinf asin,
        acos acosf acos, atan atanf atan, sinh sinhf sinh, cosh coshf cosh, tanh tanhf tanh, asinh asinhf asinh,
        acosh acoshf acosh, atanh atanhf atanh;
    binary:
        pow powf pow, atan2 atan2f atan2, hypot hypotf hypot, nextafter nextafterf nextafter;
}
