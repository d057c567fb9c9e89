//! Rounding to integers and operations on the parts of a floating-point number.

use super::{BinaryOp, UnaryOp, UnaryPairOp, binary, unary, unary_via_f32};
use crate::elem::{Complex, Elem, LongDouble, Real, f16, float16};
use crate::fpstatus;

pub struct Floor;
pub struct Ceil;
pub struct Trunc;
/// Nearest integer, ties to even.
pub struct Rint;
pub struct Sqrt;
/// Magnitude, for real floating-point types only.
pub struct Fabs;
pub struct CopySign;
pub struct NextAfter;
/// Distance to the next value away from zero.
pub struct Spacing;
pub struct Frexp;
pub struct Modf;
pub struct Ldexp;

unary!(Floor for [f32, f64, LongDouble] |a| Real::floor(a));
unary!(Ceil for [f32, f64, LongDouble] |a| Real::ceil(a));
unary!(Trunc for [f32, f64, LongDouble] |a| Real::trunc(a));
unary!(Rint for [f32, f64, LongDouble] |a| Real::rint(a));
unary!(Sqrt for [f32, f64, LongDouble] |a| Real::sqrt(a));
unary!(Fabs for [f32, f64, LongDouble] |a| Real::fabs(a));
unary!(Fabs for [f16] |a| f16::from_bits(a.to_bits() & 0x7fff));
unary_via_f32!(Floor, Ceil, Trunc, Rint, Sqrt);

impl<T: Real> UnaryOp<Complex<T>> for Rint
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    #[inline]
    fn apply(a: Complex<T>) -> Complex<T> {
        Complex { re: a.re.rint(), im: a.im.rint() }
    }
}

binary!(CopySign for [f32, f64, LongDouble] |a, b| Real::copysign(a, b));
binary!(CopySign for [f16] |a, b| f16::from_bits(a.to_bits() & 0x7fff | b.to_bits() & 0x8000));
binary!(NextAfter for [f32, f64, LongDouble] |a, b| Real::nextafter(a, b));
binary!(NextAfter for [f16] |a, b| next_half(a, b));

fn next_half(a: f16, b: f16) -> f16 {
    if a.is_nan() || b.is_nan() {
        return f16::from_bits(0x7e00);
    }
    let (from, to) = (float16::to_f32(a), float16::to_f32(b));
    if from == to {
        return a;
    }
    if from == 0.0 {
        return f16::from_bits(b.to_bits() & 0x8000 | 1);
    }
    // Magnitudes are consecutive integers.
    let away = (from < to) == (from > 0.0);
    let next = if away { a.to_bits() + 1 } else { a.to_bits() - 1 };
    if next & 0x7c00 == 0x7c00 && !a.is_infinite() {
        fpstatus::raise(fpstatus::OVERFLOW);
    }
    f16::from_bits(next)
}

macro_rules! spacing {
    ($($t:ident),*) => {$(
        unary!(Spacing for [$t] |a| {
            // Magnitudes are consecutive integers, with the sign on top.
            let next = if a == 0.0 { $t::from_bits(1) } else { $t::from_bits(a.to_bits() + 1) };
            if a.is_infinite() {
                $t::NAN
            } else if a.is_nan() {
                a
            } else {
                if next.is_infinite() {
                    fpstatus::raise(fpstatus::OVERFLOW);
                } else if a.is_subnormal() {
                    fpstatus::raise(fpstatus::UNDERFLOW);
                }
                next - a
            }
        });
    )*};
}
spacing!(f32, f64);

unary!(Spacing for [LongDouble] |a| {
    let significand = a.to_bits() as u64;
    // numpy loses the explicit leading bit where the significand overflows, and the result with it.
    let carries = cfg!(target_arch = "x86_64") && significand == u64::MAX && a.is_finite();
    if carries {
        fpstatus::raise(fpstatus::INVALID);
    }
    if a.is_infinite() || carries {
        LongDouble::from(f64::NAN)
    } else {
        let away = if a.is_sign_negative() && !a.is_zero() { f64::NEG_INFINITY } else { f64::INFINITY };
        a.nextafter(LongDouble::from(away)) - a
    }
});
unary!(Spacing for [f16] |a| half_spacing(a));

fn half_spacing(a: f16) -> f16 {
    let bits = a.to_bits();
    let (exp, sig) = (bits & 0x7c00, bits & 0x3ff);
    if exp == 0x7c00 {
        fpstatus::raise(fpstatus::INVALID);
        return f16::from_bits(0x7e00);
    }
    if bits == 0x7bff {
        fpstatus::raise(fpstatus::OVERFLOW);
        return f16::from_bits(0x7c00);
    }
    // Below a power of two the step towards zero counts for negative numbers.
    if bits & 0x8000 != 0 && sig == 0 {
        return match exp {
            0x2c01..=u16::MAX => f16::from_bits(exp - 0x2c00),
            0x0401..=0x2c00 => f16::from_bits(1 << ((exp >> 10) - 2)),
            _ => f16::from_bits(1),
        };
    }
    match exp {
        0x2801..=u16::MAX => f16::from_bits(exp - 0x2800),
        0x0401..=0x2800 => f16::from_bits(1 << ((exp >> 10) - 1)),
        _ => f16::from_bits(1),
    }
}

impl<T: Real> UnaryPairOp<T> for Frexp {
    type Out0 = T;
    type Out1 = i32;
    #[inline]
    fn apply(a: T) -> (T, i32) {
        a.frexp()
    }
}

impl UnaryPairOp<f16> for Frexp {
    type Out0 = f16;
    type Out1 = i32;
    fn apply(a: f16) -> (f16, i32) {
        let (fraction, exponent) = Real::frexp(float16::to_f32(a));
        (float16::from_f32(fraction), exponent)
    }
}

impl<T: Real> UnaryPairOp<T> for Modf {
    type Out0 = T;
    type Out1 = T;
    #[inline]
    fn apply(a: T) -> (T, T) {
        a.modf()
    }
}

impl UnaryPairOp<f16> for Modf {
    type Out0 = f16;
    type Out1 = f16;
    fn apply(a: f16) -> (f16, f16) {
        let (fraction, whole) = Real::modf(float16::to_f32(a));
        (float16::from_f32(fraction), float16::from_f32(whole))
    }
}

impl<T: Real> BinaryOp<T, i32> for Ldexp {
    type Out = T;
    #[inline]
    fn apply(a: T, b: i32) -> T {
        a.ldexp(b)
    }
}

/// No exponent beyond `i32` changes the result.
#[inline]
fn saturate(exponent: i64) -> i32 {
    exponent.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

impl<T: Real> BinaryOp<T, i64> for Ldexp {
    type Out = T;
    #[inline]
    fn apply(a: T, b: i64) -> T {
        a.ldexp(saturate(b))
    }
}

impl BinaryOp<f16, i32> for Ldexp {
    type Out = f16;
    fn apply(a: f16, b: i32) -> f16 {
        float16::from_f32(Real::ldexp(float16::to_f32(a), b))
    }
}

impl BinaryOp<f16, i64> for Ldexp {
    type Out = f16;
    fn apply(a: f16, b: i64) -> f16 {
        <Ldexp as BinaryOp<f16, i32>>::apply(a, saturate(b))
    }
}
