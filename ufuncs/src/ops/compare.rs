//! Comparisons, truth-value logic and classification.
//!
//! NaN and NaT compare false with everything, except that they are `!=`. Complex numbers order by real part, then by
//! imaginary part.

use core::hint::select_unpredictable;

use super::{BinaryOp, UnaryOp, binary, binary_mixed, unary};
use crate::elem::{Bool, Complex, Datetime, Elem, LongDouble, Real, Timedelta, f16, float16};
use crate::fpstatus;

pub struct Equal;
pub struct NotEqual;
pub struct Less;
pub struct LessEqual;
pub struct Greater;
pub struct GreaterEqual;
pub struct LogicalAnd;
pub struct LogicalOr;
pub struct LogicalXor;
pub struct LogicalNot;
pub struct IsNan;
pub struct IsInf;
pub struct IsFinite;
pub struct IsNat;
pub struct SignBit;

macro_rules! comparisons {
    ($($op:ident $sym:tt),*) => {$(
        binary!($op for [i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, LongDouble] -> Bool, |a, b| {
            Bool((a $sym b) as u8)
        });
        binary!($op for [Bool] -> Bool, |a, b| Bool((a.get() $sym b.get()) as u8));
        binary!($op for [f16] -> Bool, |a, b| Bool((float16::to_f32(a) $sym float16::to_f32(b)) as u8));
        // No unsigned value is less than a negative one.
        binary_mixed!($op (i64, u64) -> Bool, |a, b| {
            Bool((if a < 0 { -1 $sym 0 } else { (a as u64) $sym b }) as u8)
        });
        binary_mixed!($op (u64, i64) -> Bool, |a, b| {
            Bool((if b < 0 { 0 $sym -1 } else { a $sym (b as u64) }) as u8)
        });
    )*};
}
comparisons!(Equal ==, NotEqual !=, Less <, LessEqual <=, Greater >, GreaterEqual >=);

macro_rules! tick_comparisons {
    ($($op:ident $sym:tt),*) => {$(
        binary!($op for [Datetime, Timedelta] -> Bool, |a, b| {
            Bool(((a.0 $sym b.0) & !a.is_nat() & !b.is_nat()) as u8)
        });
    )*};
}
tick_comparisons!(Equal ==, Less <, LessEqual <=, Greater >, GreaterEqual >=);
binary!(NotEqual for [Datetime, Timedelta] -> Bool, |a, b| Bool(((a.0 != b.0) | a.is_nat() | b.is_nat()) as u8));

/// Lexicographic order; a NaN in a decisive imaginary part makes it false.
#[inline(always)]
pub(super) fn complex_gt<T: Real>(a: Complex<T>, b: Complex<T>) -> bool {
    (a.re == b.re) & exceeds(a.im, b.im) | exceeds(a.re, b.re) & !(a.im.is_nan() | b.im.is_nan())
}
#[inline(always)]
pub(super) fn complex_ge<T: Real>(a: Complex<T>, b: Complex<T>) -> bool {
    let im = (a.im == b.im) | exceeds(a.im, b.im);
    (a.re == b.re) & im | exceeds(a.re, b.re) & !(a.im.is_nan() | b.im.is_nan())
}

/// `x > y` without the status of comparing a NaN, which vector instructions raise.
#[inline(always)]
fn exceeds<T: Real>(x: T, y: T) -> bool {
    let nan = x.is_nan() | y.is_nan();
    (select_unpredictable(nan, T::ZERO, x) > select_unpredictable(nan, T::ZERO, y)) & !nan
}

/// Ordering complex numbers reports NaN in the parts it gets to compare. (Ordering real numbers does not.)
#[inline(always)]
fn unordered<T: Real>(a: Complex<T>, b: Complex<T>) -> u32 {
    let nan = (a.re.is_nan() | b.re.is_nan()) | (a.re == b.re) & (a.im.is_nan() | b.im.is_nan());
    if nan { fpstatus::INVALID } else { 0 }
}

macro_rules! complex_comparisons {
    ($costly:literal: $($op:ident |$a:ident, $b:ident| $e:expr, $status:expr;)*) => {$(
        impl<T: Real> BinaryOp<Complex<T>> for $op
        where
            Complex<T>: Elem,
        {
            type Out = Bool;
            const COSTLY: bool = $costly;
            #[inline(always)]
            fn apply(a: Complex<T>, b: Complex<T>) -> Bool {
                fpstatus::reported(Self::apply_status(a, b))
            }
            #[inline(always)]
            fn apply_status($a: Complex<T>, $b: Complex<T>) -> (Bool, u32) {
                (Bool($e as u8), $status)
            }
        }
    )*};
}
complex_comparisons! { false:
    Equal |a, b| (a.re == b.re) & (a.im == b.im), 0;
    NotEqual |a, b| (a.re != b.re) | (a.im != b.im), 0;
}
complex_comparisons! { true:
    Greater |a, b| complex_gt(a, b), unordered(a, b);
    GreaterEqual |a, b| complex_ge(a, b), unordered(a, b);
    Less |a, b| complex_gt(b, a), unordered(a, b);
    LessEqual |a, b| complex_ge(b, a), unordered(a, b);
}

macro_rules! logical {
    ($($op:ident |$a:ident, $b:ident| $e:expr, stop at $stop:expr;)*) => {$(
        impl<T: Elem> BinaryOp<T> for $op {
            type Out = Bool;
            #[inline(always)]
            fn apply(a: T, b: T) -> Bool {
                let ($a, $b) = (a.is_nonzero(), b.is_nonzero());
                Bool($e as u8)
            }
            #[inline(always)]
            fn is_final(acc: Bool) -> bool {
                Some(acc.is_nonzero()) == $stop
            }
            /// Only `Bool` reduces; the result is known at the first element that decides it.
            #[inline(always)]
            unsafe fn reduce(acc: T, p: *const u8, n: usize, stride: isize) -> T
            where
                Self: BinaryOp<T, T, Out = T>,
            {
                let stop: Option<bool> = $stop;
                let (mut value, mut p, mut n) = (acc, p, n);
                if let Some(stop) = stop
                    && stride == size_of::<T>() as isize
                {
                    value = Self::apply(acc, acc);
                    // SAFETY: contiguous elements, promised readable.
                    let all = unsafe { core::slice::from_raw_parts(p.cast::<T>(), n) };
                    // Blocks that decide nothing are passed over whole: such a search vectorises.
                    for block in all.chunks_exact(256) {
                        if value.is_nonzero() == stop
                            || block.iter().fold(false, |found, x| found | (x.is_nonzero() == stop))
                        {
                            break;
                        }
                        p = p.wrapping_offset(256 * stride);
                        n -= 256;
                    }
                }
                for _ in 0..n {
                    if Some(value.is_nonzero()) == stop {
                        break;
                    }
                    // SAFETY: one of the elements the caller promises.
                    value = Self::apply(value, unsafe { crate::loops::load(p) });
                    p = p.wrapping_offset(stride);
                }
                value
            }
        }
    )*};
}
logical! {
    LogicalAnd |a, b| a & b, stop at Some(false);
    LogicalOr |a, b| a | b, stop at Some(true);
    LogicalXor |a, b| a ^ b, stop at None;
}

impl<T: Elem> UnaryOp<T> for LogicalNot {
    type Out = Bool;
    #[inline(always)]
    fn apply(a: T) -> Bool {
        Bool(!a.is_nonzero() as u8)
    }
}

unary!(IsNan for [Bool, i8, i16, i32, i64, u8, u16, u32, u64] -> Bool, |_a| Bool::FALSE);
unary!(IsInf for [Bool, i8, i16, i32, i64, u8, u16, u32, u64, Datetime, Timedelta] -> Bool, |_a| Bool::FALSE);
unary!(IsFinite for [Bool, i8, i16, i32, i64, u8, u16, u32, u64] -> Bool, |_a| Bool::TRUE);
unary!(IsNan for [f32, f64, LongDouble] -> Bool, |a| Bool(a.is_nan() as u8));
unary!(IsInf for [f32, f64, LongDouble] -> Bool, |a| Bool(a.is_infinite() as u8));
unary!(IsFinite for [f32, f64, LongDouble] -> Bool, |a| Bool(a.is_finite() as u8));
unary!(IsNan for [f16] -> Bool, |a| Bool((a.to_bits() & 0x7fff > 0x7c00) as u8));
unary!(IsInf for [f16] -> Bool, |a| Bool((a.to_bits() & 0x7fff == 0x7c00) as u8));
unary!(IsFinite for [f16] -> Bool, |a| Bool((a.to_bits() & 0x7c00 != 0x7c00) as u8));
unary!(IsNan for [Datetime, Timedelta] -> Bool, |a| Bool(a.is_nat() as u8));
unary!(IsFinite for [Datetime, Timedelta] -> Bool, |a| Bool(!a.is_nat() as u8));
unary!(IsNat for [Datetime, Timedelta] -> Bool, |a| Bool(a.is_nat() as u8));
unary!(SignBit for [f32, f64, LongDouble] -> Bool, |a| Bool(a.is_sign_negative() as u8));
unary!(SignBit for [f16] -> Bool, |a| Bool((a.to_bits() >> 15) as u8));

macro_rules! complex_class {
    ($($op:ident |$a:ident| $e:expr;)*) => {$(
        impl<T: Real> UnaryOp<Complex<T>> for $op
        where
            Complex<T>: Elem,
        {
            type Out = Bool;
            #[inline(always)]
            fn apply($a: Complex<T>) -> Bool {
                Bool($e as u8)
            }
        }
    )*};
}
complex_class! {
    IsNan |a| (a.re.is_nan() | a.im.is_nan());
    IsInf |a| (a.re.is_infinite() | a.im.is_infinite());
    IsFinite |a| (a.re.is_finite() & a.im.is_finite());
}
