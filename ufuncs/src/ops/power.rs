//! Powers.

use super::{BinaryOp, binary};
use crate::elem::{Complex, ComplexMath, Elem, LongDouble, Real};
use crate::fpstatus;
use crate::ops::arith::{Divide, Multiply};

pub struct Power;

/// An operation that is not defined for some operands.
pub trait TryBinaryOp<A: Elem> {
    fn try_apply(a: A, b: A) -> Option<A>;
}

/// What a power of integers is made of.
pub trait Integer: Elem {
    const ONE: Self;
    /// `None` if negative.
    fn as_exponent(self) -> Option<u64>;
    fn times(self, other: Self) -> Self;
}

macro_rules! integers {
    ($($t:ident, $negative:expr;)*) => {$(
        impl Integer for $t {
            const ONE: $t = 1;
            #[inline]
            fn as_exponent(self) -> Option<u64> {
                self.try_into().ok()
            }
            #[inline(always)]
            fn times(self, other: $t) -> $t {
                self.wrapping_mul(other)
            }
        }
        /// `None` for a negative exponent, whatever the base.
        impl TryBinaryOp<$t> for Power {
            #[inline]
            fn try_apply(a: $t, b: $t) -> Option<$t> {
                if $negative(b) {
                    return None;
                }
                let (mut base, mut exponent, mut result) = (a, b, 1 as $t);
                while exponent != 0 {
                    if exponent & 1 == 1 {
                        result = result.wrapping_mul(base);
                    }
                    exponent >>= 1;
                    base = base.wrapping_mul(base);
                }
                Some(result)
            }
        }
    )*};
}
integers! {
    i8, |b| b < 0; i16, |b| b < 0; i32, |b| b < 0; i64, |b| b < 0;
    u8, |_| false; u16, |_| false; u32, |_| false; u64, |_| false;
}

binary!(Power for [LongDouble] |a, b| Real::pow(a, b));

/// Complex powers: exact special cases, then small integer exponents by repeated multiplication, then `cpow`.
impl<T: Real> BinaryOp<Complex<T>> for Power
where
    Complex<T>: Elem + ComplexMath,
{
    type Out = Complex<T>;
    #[inline(never)]
    fn apply(a: Complex<T>, b: Complex<T>) -> Complex<T> {
        let one = Complex { re: T::from_f64(1.0), im: T::ZERO };
        if !b.is_nonzero() {
            return one;
        }
        if !a.is_nonzero() {
            if b.re > T::ZERO {
                return Complex { re: T::ZERO, im: T::ZERO };
            }
            fpstatus::raise(fpstatus::INVALID);
            let nan = T::from_f64(f64::NAN);
            return Complex { re: nan, im: nan };
        }
        if !b.im.is_nonzero() && b.re.is_nan() {
            // numpy compares it with the limits of small exponents.
            fpstatus::raise(fpstatus::INVALID);
        }
        if !b.im.is_nonzero() && b.re > T::from_f64(-100.0) && b.re < T::from_f64(100.0) {
            let n = b.re.to_f64() as i32;
            if b.re == T::from_f64(n.into()) {
                return integer_power(a, n);
            }
        }
        a.cpow(b)
    }
}

fn integer_power<T: Real>(a: Complex<T>, n: i32) -> Complex<T>
where
    Complex<T>: Elem,
{
    let mul = <Multiply as BinaryOp<Complex<T>>>::apply;
    match n {
        1 => return a,
        2 => return mul(a, a),
        3 => return mul(a, mul(a, a)),
        _ => {}
    }
    let one = Complex { re: T::from_f64(1.0), im: T::ZERO };
    let (mut left, mut square, mut result) = (n.unsigned_abs(), a, one);
    loop {
        if left & 1 == 1 {
            result = mul(result, square);
        }
        left >>= 1;
        if left == 0 {
            break;
        }
        square = mul(square, square);
    }
    if n < 0 { <Divide as BinaryOp<Complex<T>>>::apply(one, result) } else { result }
}
