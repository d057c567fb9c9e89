//! `+ - * /` and the one-operand arithmetic: negation, magnitude, square, reciprocal, sign.

use core::hint::select_unpredictable;

use super::{BinaryOp, UnaryOp, binary, unary, unary_via_f32};
use crate::elem::{Bool, Complex, Datetime, Elem, LongDouble, Real, Timedelta, f16, float16};
use crate::fpstatus;
use crate::loops::{load, pairwise};

pub struct Add;
pub struct Subtract;
pub struct Multiply;
/// True division.
pub struct Divide;
pub struct Negative;
/// The value itself.
pub struct Positive;
pub struct Absolute;
pub struct Square;
pub struct Reciprocal;
pub struct Conjugate;
pub struct Sign;
/// One.
pub struct OnesLike;

binary!(Add for [i8, i16, i32, i64, u8, u16, u32, u64] |a, b| a.wrapping_add(b));
binary!(Subtract for [i8, i16, i32, i64, u8, u16, u32, u64] |a, b| a.wrapping_sub(b));
binary!(Multiply for [i8, i16, i32, i64, u8, u16, u32, u64] |a, b| a.wrapping_mul(b));

binary!(Add for [Bool] |a, b| Bool((a.0 | b.0 != 0) as u8));
binary!(Multiply for [Bool] |a, b| Bool(((a.0 != 0) & (b.0 != 0)) as u8));

binary!(Subtract for [f32, f64, LongDouble] |a, b| a - b);
binary!(Multiply for [f32, f64, LongDouble] |a, b| a * b);
binary!(Divide for [f32, f64, LongDouble] |a, b| a / b);

/// Sums are pairwise, everything else folds in order.
macro_rules! pairwise_add {
    ($($t:ty),*) => {$(
        impl BinaryOp<$t> for Add {
            type Out = $t;
            #[inline(always)]
            fn apply(a: $t, b: $t) -> $t {
                a + b
            }
            #[inline]
            unsafe fn reduce(acc: $t, p: *const u8, n: usize, stride: isize) -> $t {
                // SAFETY: the caller's promise.
                acc + unsafe { pairwise::sum::<$t>(p, n, stride) }
            }
        }
        impl BinaryOp<Complex<$t>> for Add {
            type Out = Complex<$t>;
            #[inline(always)]
            fn apply(a: Complex<$t>, b: Complex<$t>) -> Complex<$t> {
                Complex { re: a.re + b.re, im: a.im + b.im }
            }
            #[inline]
            unsafe fn reduce(acc: Complex<$t>, p: *const u8, n: usize, stride: isize) -> Complex<$t> {
                // SAFETY: the caller's promise.
                let sum = unsafe { pairwise::sum_complex::<$t>(p, n, stride) };
                Self::apply(acc, sum)
            }
        }
    )*};
}
pairwise_add!(f32, f64, LongDouble);

/// `f16` reductions keep an `f32` accumulator and round once.
macro_rules! half_arith {
    ($($op:ident),*) => {$(
        impl BinaryOp<f16> for $op {
            type Out = f16;
            #[inline]
            fn apply(a: f16, b: f16) -> f16 {
                float16::from_f32(<$op as BinaryOp<f32>>::apply(float16::to_f32(a), float16::to_f32(b)))
            }
            unsafe fn reduce(acc: f16, p: *const u8, n: usize, stride: isize) -> f16 {
                let (mut acc, mut p) = (float16::to_f32(acc), p);
                for _ in 0..n {
                    // SAFETY: one of the elements the caller promises.
                    acc = <$op as BinaryOp<f32>>::apply(acc, float16::to_f32(unsafe { load(p) }));
                    p = p.wrapping_offset(stride);
                }
                float16::from_f32(acc)
            }
        }
    )*};
}
half_arith!(Subtract, Multiply, Divide);

impl BinaryOp<f16> for Add {
    type Out = f16;
    #[inline]
    fn apply(a: f16, b: f16) -> f16 {
        float16::from_f32(float16::to_f32(a) + float16::to_f32(b))
    }
    unsafe fn reduce(acc: f16, p: *const u8, n: usize, stride: isize) -> f16 {
        // SAFETY: the caller's promise.
        float16::from_f32(float16::to_f32(acc) + unsafe { pairwise::sum::<f16>(p, n, stride) })
    }
}

impl<T: Real> BinaryOp<Complex<T>> for Subtract
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    #[inline(always)]
    fn apply(a: Complex<T>, b: Complex<T>) -> Complex<T> {
        Complex { re: a.re - b.re, im: a.im - b.im }
    }
}

impl<T: Real> BinaryOp<Complex<T>> for Multiply
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    #[inline(always)]
    fn apply(a: Complex<T>, b: Complex<T>) -> Complex<T> {
        Complex { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re }
    }
}

/// [`Multiply`] with one fused multiply-add per part. numpy's loops for `F` and `D` do this on processors that have
/// the instruction (and only there, and not in reductions or scalar arithmetic).
pub struct MultiplyFused;
/// [`Square`] in the same way.
pub struct SquareFused;

macro_rules! fused {
    ($($t:ty),*) => {$(
        impl BinaryOp<Complex<$t>> for MultiplyFused {
            type Out = Complex<$t>;
            #[inline(always)]
            fn apply(a: Complex<$t>, b: Complex<$t>) -> Complex<$t> {
                Complex { re: a.re.mul_add(b.re, -(a.im * b.im)), im: a.re.mul_add(b.im, a.im * b.re) }
            }
        }
        impl UnaryOp<Complex<$t>> for SquareFused {
            type Out = Complex<$t>;
            #[inline(always)]
            fn apply(a: Complex<$t>) -> Complex<$t> {
                MultiplyFused::apply(a, a)
            }
        }
    )*};
}
fused!(f32, f64);

impl<T: Real> BinaryOp<Complex<T>> for Divide
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    /// Smith's method. The operands are exchanged before the one division, so that no lane divides by the smaller part.
    #[inline]
    fn apply(a: Complex<T>, b: Complex<T>) -> Complex<T> {
        let by_real = b.re.fabs() >= b.im.fabs();
        // Selections, not branches: which part is larger is unpredictable.
        let (large, small) = select_unpredictable(by_real, (b.re, b.im), (b.im, b.re));
        if !large.is_nonzero() && !small.is_nonzero() {
            return divide_by_zero(a, b.re.fabs());
        }
        let ratio = small / large;
        let scale = T::from_f64(1.0) / (large + small * ratio);
        let (u, v) = select_unpredictable(by_real, (a.re, a.im), (a.im, a.re));
        let im = select_unpredictable(by_real, v - u * ratio, u * ratio - v);
        Complex { re: (u + v * ratio) * scale, im: im * scale }
    }
}

/// Separate so that the divisions are not speculated into the common path.
#[cold]
#[inline(never)]
fn divide_by_zero<T: Real>(a: Complex<T>, zero: T) -> Complex<T> {
    Complex { re: a.re / zero, im: a.im / zero }
}

unary!(Negative for [i8, i16, i32, i64, u8, u16, u32, u64] |a| a.wrapping_neg());
unary!(Negative for [f32, f64, LongDouble] |a| -a);
unary!(Negative for [f16] |a| f16::from_bits(a.to_bits() ^ 0x8000));
// The smallest integer is its own negation, so NaT stays NaT.
unary!(Negative for [Timedelta] |a| Timedelta(a.0.wrapping_neg()));

unary!(Absolute for [i8, i16, i32, i64] |a| a.wrapping_abs());
unary!(Absolute for [u8, u16, u32, u64] |a| a);
unary!(Absolute for [Bool] |a| Bool(a.get() as u8));
unary!(Absolute for [f32, f64, LongDouble] |a| a.fabs());
unary!(Absolute for [f16] |a| f16::from_bits(a.to_bits() & 0x7fff));
unary!(Absolute for [Timedelta] |a| Timedelta(a.0.wrapping_abs()));

unary!(Square for [i8, i16, i32, i64, u8, u16, u32, u64] |a| a.wrapping_mul(a));
unary!(Square for [f32, f64, LongDouble] |a| a * a);
unary_via_f32!(Square);

unary!(Reciprocal for [f32, f64] |a| 1.0 / a);
unary!(Reciprocal for [LongDouble] |a| LongDouble::from(1.0) / a);
unary_via_f32!(Reciprocal);
unary!(Reciprocal for [i8, i16, u8, u16, u32, u64] |a| reciprocal_or(a as i128, 0) as _);
unary!(Reciprocal for [i32] |a| reciprocal_or(a as i128, i32::MIN as i128) as _);
unary!(Reciprocal for [i64] |a| reciprocal_or(a as i128, i64::MIN as i128) as _);

/// 1/a for an integer: the quotient of doubles cast back, so zero divides (and the cast of infinity is invalid).
#[inline(always)]
fn reciprocal_or(a: i128, of_zero: i128) -> i128 {
    match a {
        0 => {
            fpstatus::raise(fpstatus::DIVIDEBYZERO | fpstatus::INVALID);
            of_zero
        }
        1 | -1 => a,
        _ => 0,
    }
}

impl<T: Real> UnaryOp<Complex<T>> for Negative
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    #[inline(always)]
    fn apply(a: Complex<T>) -> Complex<T> {
        Complex { re: -a.re, im: -a.im }
    }
}

impl UnaryOp<Complex<LongDouble>> for Absolute {
    type Out = LongDouble;
    #[inline]
    fn apply(a: Complex<LongDouble>) -> LongDouble {
        a.re.hypot(a.im)
    }
}

/// Magnitude of `F` and `D`: scaled by the larger part, as numpy's vector loops do (scalars use `hypot`).
macro_rules! complex_absolute {
    ($op:ident, |$r:ident| $plus_one:expr; $($t:ident),*) => {$(
        impl UnaryOp<Complex<$t>> for $op {
            type Out = $t;
            #[inline(always)]
            fn apply(a: Complex<$t>) -> $t {
                let (x, y) = (a.re.abs(), a.im.abs());
                if x == $t::INFINITY || y == $t::INFINITY {
                    return $t::INFINITY;
                }
                let (large, small) = if x > y { (x, y) } else { (y, x) };
                let $r = if large == 0.0 { 0.0 } else { small / large };
                $plus_one.sqrt() * large
            }
        }
    )*};
}
complex_absolute!(Absolute, |r| (r * r + 1.0); f32, f64);
/// [`Absolute`] with a fused multiply-add; see [`MultiplyFused`].
pub struct AbsoluteFused;
complex_absolute!(AbsoluteFused, |r| r.mul_add(r, 1.0); f32, f64);

impl<T: Real> UnaryOp<Complex<T>> for Square
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    #[inline(always)]
    fn apply(a: Complex<T>) -> Complex<T> {
        Complex { re: a.re * a.re - a.im * a.im, im: a.re * a.im + a.im * a.re }
    }
}

impl<T: Real> UnaryOp<Complex<T>> for Reciprocal
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    /// Smith's method again; one division by the larger part.
    #[inline]
    fn apply(a: Complex<T>) -> Complex<T> {
        let by_real = a.im.fabs() <= a.re.fabs();
        let (large, small) = if by_real { (a.re, a.im) } else { (a.im, a.re) };
        let one = T::from_f64(1.0);
        let ratio = small / large;
        let denominator = large + small * ratio;
        if by_real {
            Complex { re: one / denominator, im: -ratio / denominator }
        } else {
            Complex { re: ratio / denominator, im: -one / denominator }
        }
    }
}

/// Integers and reals are their own conjugates.
impl<T: Elem> UnaryOp<T> for Positive {
    type Out = T;
    #[inline(always)]
    fn apply(a: T) -> T {
        a
    }
}

impl<T: Real> UnaryOp<Complex<T>> for Conjugate
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    #[inline(always)]
    fn apply(a: Complex<T>) -> Complex<T> {
        Complex { re: a.re, im: -a.im }
    }
}

unary!(Sign for [i8, i16, i32, i64] |a| a.signum());
unary!(Sign for [u8, u16, u32, u64] |a| (a != 0) as _);
// NaT is an ordinary (negative) number here.
unary!(Sign for [Timedelta] |a| Timedelta(a.0.signum()));
unary!(Sign for [f32, f64] |a| if a > 0.0 { 1.0 } else if a < 0.0 { -1.0 } else if a == 0.0 { 0.0 } else { a });
unary!(Sign for [LongDouble] |a| {
    if a.is_nan() {
        a
    } else if a.is_zero() {
        LongDouble::ZERO
    } else {
        LongDouble::from(if a.is_sign_negative() { -1.0 } else { 1.0 })
    }
});
unary_via_f32!(Sign);

impl<T: Real> UnaryOp<Complex<T>> for Sign
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    /// `a / |a|`; infinities keep their direction only along an axis.
    #[inline]
    fn apply(a: Complex<T>) -> Complex<T> {
        let (zero, nan) = (T::ZERO, T::from_f64(f64::NAN));
        let unit = |x: T| T::from_f64(if x > T::ZERO { 1.0 } else { -1.0 });
        let magnitude = a.re.hypot(a.im);
        if magnitude.is_nan() {
            Complex { re: nan, im: nan }
        } else if magnitude.is_infinite() {
            match (a.re.is_infinite(), a.im.is_infinite()) {
                (true, true) => Complex { re: nan, im: nan },
                (true, false) => Complex { re: unit(a.re), im: zero },
                _ => Complex { re: zero, im: unit(a.im) },
            }
        } else if !magnitude.is_nonzero() {
            Complex { re: zero, im: zero }
        } else {
            Complex { re: a.re / magnitude, im: a.im / magnitude }
        }
    }
}

unary!(OnesLike for [Bool] |_a| Bool::TRUE);
unary!(OnesLike for [i8, i16, i32, i64, u8, u16, u32, u64] |_a| 1);
unary!(OnesLike for [f32, f64] |_a| 1.0);
unary!(OnesLike for [f16] |_a| f16::ONE);
unary!(OnesLike for [LongDouble] |_a| LongDouble::from(1.0));
unary!(OnesLike for [Timedelta] |_a| Timedelta(1));
unary!(OnesLike for [Datetime] |_a| Datetime(1));
unary!(OnesLike for [Complex<f32>] |_a| Complex { re: 1.0, im: 0.0 });
unary!(OnesLike for [Complex<f64>] |_a| Complex { re: 1.0, im: 0.0 });
unary!(OnesLike for [Complex<LongDouble>] |_a| Complex { re: LongDouble::from(1.0), im: LongDouble::ZERO });
