//! Elementary functions of complex numbers: C99's, and the few C99 lacks.

use super::UnaryOp;
use super::float::Sqrt;
use super::math::*;
use crate::elem::{Complex, ComplexMath, Elem, Real};

/// The angle of a complex number.
pub struct Angle;

macro_rules! complex {
    ($($op:ident |$a:ident| $e:expr;)*) => {$(
        impl<T: Real> UnaryOp<Complex<T>> for $op
        where
            Complex<T>: Elem + ComplexMath,
        {
            type Out = Complex<T>;
            #[inline]
            fn apply($a: Complex<T>) -> Complex<T> {
                $e
            }
        }
    )*};
}
complex! {
    Exp |a| a.cexp();
    Log |a| a.clog();
    Sqrt |a| a.csqrt();
    Sin |a| a.csin();
    Cos |a| a.ccos();
    Tan |a| a.ctan();
    Arcsin |a| a.casin();
    Arccos |a| a.cacos();
    Arctan |a| a.catan();
    Sinh |a| a.csinh();
    Cosh |a| a.ccosh();
    Tanh |a| a.ctanh();
    Arcsinh |a| a.casinh();
    Arccosh |a| a.cacosh();
    Arctanh |a| a.catanh();
    Log2 |a| scale(a.clog(), T::log2_e());
    Log10 |a| scale(a.clog(), T::log10_e());
    Exp2 |a| scale(a, T::ln_2()).cexp();
    Expm1 |a| {
        // cos(y) - 1 through the half angle, so that nothing cancels near zero.
        let half = (a.im / T::from_f64(2.0)).sin();
        Complex {
            re: a.re.expm1() * a.im.cos() - T::from_f64(2.0) * half * half,
            im: a.re.exp() * a.im.sin(),
        }
    };
    Log1p |a| {
        let re = a.re + T::from_f64(1.0);
        Complex { re: re.hypot(a.im).log(), im: a.im.atan2(re) }
    };
}

#[inline(always)]
fn scale<T: Real>(a: Complex<T>, by: T) -> Complex<T> {
    Complex { re: a.re * by, im: a.im * by }
}

impl<T: Real> UnaryOp<Complex<T>> for Angle
where
    Complex<T>: Elem,
{
    type Out = T;
    #[inline]
    fn apply(a: Complex<T>) -> T {
        a.im.atan2(a.re)
    }
}
