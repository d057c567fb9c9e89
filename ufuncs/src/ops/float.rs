//! Rounding to integers and operations on the parts of a floating-point number.

use core::hint::select_unpredictable;

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

/// The parts of `f32` and `f64` without branches, so that loops become vectors.
macro_rules! parts {
    ($($t:ident, $bits:ident, $signed:ident, explicit $explicit:literal;)*) => {$(
        impl Parts for $t {
            #[inline(always)]
            fn split(self) -> ($t, i32, bool) {
                const BIAS: i32 = $t::MAX_EXP - 1;
                const FIELD: $bits = (2 * BIAS as $bits + 1) << $explicit;
                /// What the significand of a subnormal number, as an integer, is too large by.
                const UP: i32 = BIAS + $explicit - 1;
                const SIGN: $bits = 1 << ($bits::BITS - 1);
                let magnitude = self.to_bits() & !SIGN;
                let special = (magnitude == 0) | (magnitude >= FIELD);
                let small = magnitude < 1 << $explicit;
                // (A product would be computed of large numbers, too, and overflow, whatever is selected.)
                let scaled = (magnitude as $signed as $t).to_bits() | self.to_bits() & SIGN;
                let bits = select_unpredictable(small, scaled, self.to_bits());
                let exponent = ((bits & FIELD) >> $explicit) as i32 - BIAS - select_unpredictable(small, UP, 0);
                let one_to_two = $t::from_bits(bits & !FIELD | (BIAS as $bits) << $explicit);
                (one_to_two, exponent, special)
            }
            #[inline(always)]
            fn scaled(self, exponent: i32) -> $t {
                const BIAS: i32 = $t::MAX_EXP - 1;
                // The first product is exact, so there is one rounding. Twice the range leaves every range.
                let exponent = exponent.clamp(-2 * BIAS + 2, 2 * BIAS - 2);
                let first = exponent >> 1;
                let power = |e: i32| $t::from_bits(((e + BIAS) as $bits) << $explicit);
                self * power(first) * power(exponent - first)
            }
        }

        impl UnaryPairOp<$t> for Frexp {
            type Out0 = $t;
            type Out1 = i32;
            #[inline(always)]
            fn apply(a: $t) -> ($t, i32) {
                let (fraction, exponent, special) = a.split();
                (select_unpredictable(special, a, fraction * 0.5), select_unpredictable(special, 0, exponent + 1))
            }
        }

        impl BinaryOp<$t, i32> for Ldexp {
            type Out = $t;
            const COSTLY: bool = true;
            #[inline(always)]
            fn apply(a: $t, b: i32) -> $t {
                let (fraction, exponent, special) = a.split();
                let exponent = select_unpredictable(special, 0, exponent.saturating_add(b));
                select_unpredictable(special, a, select_unpredictable(special, 1.0, fraction).scaled(exponent))
            }
        }

        impl UnaryPairOp<$t> for Modf {
            type Out0 = $t;
            type Out1 = $t;
            #[inline(always)]
            fn apply(a: $t) -> ($t, $t) {
                let whole = a.trunc();
                // Of a finite number, so that nothing is subtracted from infinity; selecting zeros instead does not hold the
                // compiler back, and the smaller of two floats is an operation that reports NaN.
                let finite = $t::from_bits(a.abs().to_bits().min($t::MAX.to_bits()));
                let rest = select_unpredictable(a.is_nan(), a, finite - finite.trunc());
                (rest.copysign(a), whole)
            }
        }
    )*};
}
parts! { f32, u32, i32, explicit 23; f64, u64, i64, explicit 52; }

trait Parts: Sized {
    /// A number in [1, 2), with the sign, and the exponent; or whether the value is zero, infinite or NaN.
    fn split(self) -> (Self, i32, bool);
    /// `self * 2^exponent` for a number in [1, 2) of either sign.
    fn scaled(self, exponent: i32) -> Self;
}

impl UnaryPairOp<LongDouble> for Frexp {
    type Out0 = LongDouble;
    type Out1 = i32;
    #[inline]
    fn apply(a: LongDouble) -> (LongDouble, i32) {
        a.frexp()
    }
}

impl UnaryPairOp<f16> for Frexp {
    type Out0 = f16;
    type Out1 = i32;
    #[inline]
    fn apply(a: f16) -> (f16, i32) {
        fpstatus::reported(Self::apply_status(a))
    }
    #[inline(always)]
    fn apply_status(a: f16) -> ((f16, i32), u32) {
        let (fraction, exponent) = <Frexp as UnaryPairOp<f32>>::apply(float16::to_f32(a));
        let (fraction, status) = float16::rounded(fraction);
        ((fraction, exponent), status)
    }
}

impl UnaryPairOp<LongDouble> for Modf {
    type Out0 = LongDouble;
    type Out1 = LongDouble;
    #[inline]
    fn apply(a: LongDouble) -> (LongDouble, LongDouble) {
        a.modf()
    }
}

impl UnaryPairOp<f16> for Modf {
    type Out0 = f16;
    type Out1 = f16;
    #[inline]
    fn apply(a: f16) -> (f16, f16) {
        fpstatus::reported(Self::apply_status(a))
    }
    #[inline(always)]
    fn apply_status(a: f16) -> ((f16, f16), u32) {
        let (fraction, whole) = <Modf as UnaryPairOp<f32>>::apply(float16::to_f32(a));
        let ((fraction, one), (whole, other)) = (float16::rounded(fraction), float16::rounded(whole));
        ((fraction, whole), one | other)
    }
}

impl BinaryOp<LongDouble, i32> for Ldexp {
    type Out = LongDouble;
    #[inline]
    fn apply(a: LongDouble, b: i32) -> LongDouble {
        a.ldexp(b)
    }
}

impl BinaryOp<f16, i32> for Ldexp {
    type Out = f16;
    const COSTLY: bool = true;
    #[inline]
    fn apply(a: f16, b: i32) -> f16 {
        fpstatus::reported(<Ldexp as BinaryOp<f16, i32>>::apply_status(a, b))
    }
    #[inline(always)]
    fn apply_status(a: f16, b: i32) -> (f16, u32) {
        float16::rounded(<Ldexp as BinaryOp<f32, i32>>::apply(float16::to_f32(a), b))
    }
}

/// No exponent beyond `i32` changes the result.
impl<T: Elem> BinaryOp<T, i64> for Ldexp
where
    Ldexp: BinaryOp<T, i32, Out = T>,
{
    type Out = T;
    const COSTLY: bool = <Ldexp as BinaryOp<T, i32>>::COSTLY;
    #[inline(always)]
    fn apply(a: T, b: i64) -> T {
        <Ldexp as BinaryOp<T, i32>>::apply(a, b.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }
    #[inline(always)]
    fn apply_status(a: T, b: i64) -> (T, u32) {
        <Ldexp as BinaryOp<T, i32>>::apply_status(a, b.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }
}
