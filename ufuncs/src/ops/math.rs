//! Elementary functions of real numbers. Here are those of the C library, for `long double`; [`crate::vmath`] has the
//! ones of `f32`, `f64` and `f16`, and the complex ones are in [`super::complex`].

use super::{BinaryOp, UnaryOp, binary, binary_via_f32, unary, unary_via_f32};
use crate::elem::{LongDouble, Real};
use crate::fpstatus;

macro_rules! library {
    ($($(#[$doc:meta])* $op:ident = $method:ident;)*) => {$(
        $(#[$doc])*
        pub struct $op;
        unary!($op for [LongDouble] |a| Real::$method(a));
    )*};
}
library! {
    Cbrt = cbrt; Exp = exp; Exp2 = exp2; Expm1 = expm1;
    /// Natural logarithm.
    Log = log;
    Log2 = log2; Log10 = log10; Log1p = log1p;
    Sin = sin; Cos = cos; Tan = tan; Arcsin = asin; Arccos = acos; Arctan = atan;
    Sinh = sinh; Cosh = cosh; Tanh = tanh; Arcsinh = asinh; Arccosh = acosh; Arctanh = atanh;
}

pub struct Arctan2;
pub struct Hypot;
/// `log(exp(a) + exp(b))` without leaving the range.
pub struct LogAddExp;
/// `log2(2**a + 2**b)`.
pub struct LogAddExp2;
/// Radians to degrees.
pub struct Degrees;
/// Degrees to radians.
pub struct Radians;
/// 0, the second operand, or 1, by the sign of the first.
pub struct Heaviside;

binary!(Arctan2 for [LongDouble] |a, b| Real::atan2(a, b));
binary!(Hypot for [LongDouble] |a, b| Real::hypot(a, b));
binary!(LogAddExp for [LongDouble] |a, b| log_add_exp(a, b));
binary!(LogAddExp2 for [LongDouble] |a, b| log_add_exp2(a, b));
binary_via_f32!(Heaviside);

/// Outcome of `a - b`: the pair as (larger, distance), or what to return for NaN.
#[inline(always)]
fn split<T: Real>(a: T, b: T) -> Result<(T, T), T> {
    let distance = a - b;
    if distance > T::ZERO {
        Ok((a, distance))
    } else if distance <= T::ZERO {
        Ok((b, -distance))
    } else {
        Err(distance)
    }
}

/// A NaN operand counts as an invalid operation here.
#[cold]
fn invalid<T>(nan: T) -> T {
    fpstatus::raise(fpstatus::INVALID);
    nan
}

#[inline(never)]
pub(crate) fn log_add_exp<T: Real>(a: T, b: T) -> T {
    // Also for equal infinities, whose difference is not a number.
    if a == b {
        return a + T::ln_2();
    }
    match split(a, b) {
        Ok((larger, distance)) if vanishes(distance) => {
            fpstatus::raise(fpstatus::UNDERFLOW);
            larger + T::ZERO
        }
        Ok((larger, distance)) => larger + (-distance).exp().log1p(),
        Err(nan) => invalid(nan),
    }
}

/// Whether the exponential of a negated distance is far too small for the type: the C library takes its time to say so.
#[inline(always)]
fn vanishes<T: Real>(distance: T) -> bool {
    let least = if size_of::<T>() <= size_of::<f64>() { 800.0 } else { 12_000.0 };
    distance > T::from_f64(least) && distance < T::from_f64(f64::INFINITY)
}

#[inline(never)]
pub(crate) fn log_add_exp2<T: Real>(a: T, b: T) -> T {
    if a == b {
        return a + T::from_f64(1.0);
    }
    match split(a, b) {
        Ok((larger, distance)) => larger + T::log2_e() * (-distance).exp2().log1p(),
        Err(nan) => invalid(nan),
    }
}

impl<T: Real> UnaryOp<T> for Degrees {
    type Out = T;
    #[inline(always)]
    fn apply(a: T) -> T {
        a * T::degrees_per_radian()
    }
}

impl<T: Real> UnaryOp<T> for Radians {
    type Out = T;
    #[inline(always)]
    fn apply(a: T) -> T {
        a * T::radians_per_degree()
    }
}

unary_via_f32!(Degrees, Radians);

impl<T: Real> BinaryOp<T> for Heaviside {
    type Out = T;
    #[inline]
    fn apply(a: T, b: T) -> T {
        if a.is_nan() {
            a
        } else if a == T::ZERO {
            b
        } else if a < T::ZERO {
            T::ZERO
        } else {
            T::from_f64(1.0)
        }
    }
}
