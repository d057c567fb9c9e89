//! `+ - * /` and the one-operand arithmetic: negation, magnitude, square, reciprocal, sign.

use core::hint::select_unpredictable;

use super::{BinaryOp, UnaryOp, binary, unary, unary_status, unary_via_f32};
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

binary!(Subtract for [LongDouble] |a, b| a - b);
binary!(Multiply for [LongDouble] |a, b| a * b);

/// A fold waits for each result before it computes the next, so there is time to fetch elements from wherever they lie.
macro_rules! in_order {
    ($($op:ident for [$($t:ty),*] |$a:ident, $b:ident| $e:expr;)*) => {$($(
        impl BinaryOp<$t> for $op {
            type Out = $t;
            const FOLDS_IN_PIECES: bool = false;
            #[inline(always)]
            fn apply($a: $t, $b: $t) -> $t {
                $e
            }
        }
    )*)*};
}
in_order! {
    Subtract for [f32, f64] |a, b| a - b;
    Multiply for [f32, f64] |a, b| a * b;
}

binary!(Divide for [LongDouble] |a, b| a / b);

macro_rules! divide {
    ($($t:ty),*) => {$(
        impl BinaryOp<$t> for Divide {
            type Out = $t;
            const COSTLY: bool = true;
            #[inline(always)]
            fn apply(a: $t, b: $t) -> $t {
                a / b
            }
        }
    )*};
}
divide!(f32, f64);

/// Sums are pairwise, everything else folds in order.
macro_rules! pairwise_add {
    ($($t:ty),*) => {$(
        impl BinaryOp<$t> for Add {
            type Out = $t;
            const FOLDS_IN_PIECES: bool = false;
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
            const FOLDS_IN_PIECES: bool = false;
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
    ($($op:ident |$acc:ident, $p:ident, $n:ident, $stride:ident| $reduce:expr;)*) => {$(
        impl BinaryOp<f16> for $op {
            type Out = f16;
            const COSTLY: bool = true;
            // The running result has more bits between elements.
            const FOLDS_IN_PIECES: bool = false;
            #[inline]
            fn apply(a: f16, b: f16) -> f16 {
                fpstatus::reported(Self::apply_status(a, b))
            }
            #[inline(always)]
            fn apply_status(a: f16, b: f16) -> (f16, u32) {
                float16::rounded(<$op as BinaryOp<f32>>::apply(float16::to_f32(a), float16::to_f32(b)))
            }
            unsafe fn reduce(acc: f16, $p: *const u8, $n: usize, $stride: isize) -> f16 {
                let $acc = float16::to_f32(acc);
                float16::from_f32($reduce)
            }
        }
    )*};
}
half_arith! {
    // SAFETY: the caller's promise.
    Add |acc, p, n, stride| acc + unsafe { pairwise::sum::<f16>(p, n, stride) };
    // SAFETY: as above.
    Subtract |acc, p, n, stride| unsafe { fold_halves(acc, p, n, stride, |a, b| a - b) };
    // SAFETY: as above.
    Multiply |acc, p, n, stride| unsafe { fold_halves(acc, p, n, stride, |a, b| a * b) };
    // SAFETY: as above.
    Divide |acc, p, n, stride| unsafe { fold_halves(acc, p, n, stride, |a, b| a / b) };
}

/// # Safety
/// `n` halves are readable at `p`, `stride` bytes apart.
unsafe fn fold_halves(acc: f32, p: *const u8, n: usize, stride: isize, op: impl Fn(f32, f32) -> f32) -> f32 {
    let (mut acc, mut p) = (acc, p);
    for _ in 0..n {
        // SAFETY: one of the elements the caller promises.
        acc = op(acc, float16::to_f32(unsafe { load(p) }));
        p = p.wrapping_offset(stride);
    }
    acc
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
            const COSTLY: bool = true;
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
    #[inline]
    fn apply(a: Complex<T>, b: Complex<T>) -> Complex<T> {
        if b.is_nonzero() { smith(a, b) } else { divide_by_zero(a, b.re.fabs()) }
    }
}

/// [`Divide`] for divisors that are neither zero nor NaN.
pub struct DivideOrdinary;

impl<T: Real> BinaryOp<Complex<T>> for DivideOrdinary
where
    Complex<T>: Elem,
{
    type Out = Complex<T>;
    const COSTLY: bool = true;
    #[inline(always)]
    fn apply(a: Complex<T>, b: Complex<T>) -> Complex<T> {
        smith(a, b)
    }
}

/// Smith's method. The operands are exchanged before the one division, so that no lane divides by the smaller part.
#[inline(always)]
fn smith<T: Real>(a: Complex<T>, b: Complex<T>) -> Complex<T> {
    let by_real = b.re.fabs() >= b.im.fabs();
    // Selections, not branches: which part is larger is unpredictable.
    let large = select_unpredictable(by_real, b.re, b.im);
    let small = select_unpredictable(by_real, b.im, b.re);
    let ratio = small / large;
    let scale = T::from_f64(1.0) / (large + small * ratio);
    let u = select_unpredictable(by_real, a.re, a.im);
    let v = select_unpredictable(by_real, a.im, a.re);
    // The one subtraction that counts, since the other may be that of two infinities.
    let part = u * ratio;
    let im = select_unpredictable(by_real, v, part) - select_unpredictable(by_real, part, v);
    Complex { re: (u + v * ratio) * scale, im: im * scale }
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
/// 1/a for an integer: the quotient of doubles cast back, so zero divides (and the cast of infinity is invalid).
macro_rules! integer_reciprocal {
    ($($t:ty, of zero $of_zero:expr;)*) => {$(
        unary_status!(Reciprocal for [$t] |a| {
            // Of -1 and 1 it is the number itself.
            let unit = (a == 1) | (a == (0 as $t).wrapping_sub(1)) & (<$t>::MIN != 0);
            let value = select_unpredictable(a == 0, $of_zero, select_unpredictable(unit, a, 0));
            (value, select_unpredictable(a == 0, fpstatus::DIVIDEBYZERO | fpstatus::INVALID, 0))
        });
    )*};
}
integer_reciprocal! {
    i8, of zero 0; i16, of zero 0; i32, of zero i32::MIN; i64, of zero i64::MIN;
    u8, of zero 0; u16, of zero 0; u32, of zero 0; u64, of zero 0;
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

/// [`Absolute`] of complex numbers that no vector loop takes, by the C library.
pub struct AbsoluteEach;

impl<T: Real> UnaryOp<Complex<T>> for AbsoluteEach
where
    Complex<T>: Elem,
{
    type Out = T;
    #[inline]
    fn apply(a: Complex<T>) -> T {
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
                let infinite = (x == $t::INFINITY) | (y == $t::INFINITY);
                let (large, small) = select_unpredictable(x > y, (x, y), (y, x));
                let $r = small / select_unpredictable(large == 0.0, 1.0, large);
                select_unpredictable(infinite, $t::INFINITY, $plus_one.sqrt() * large)
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
    /// Smith's method again; one division by the larger part. Without branches, which random parts would mislead.
    #[inline(always)]
    fn apply(a: Complex<T>) -> Complex<T> {
        let by_real = a.im.fabs() <= a.re.fabs();
        let (large, small) = select_unpredictable(by_real, (a.re, a.im), (a.im, a.re));
        let one = T::from_f64(1.0);
        let ratio = small / large;
        let denominator = large + small * ratio;
        let (re, im) = select_unpredictable(by_real, (one, ratio), (ratio, one));
        Complex { re: re / denominator, im: -im / denominator }
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

// The sign bit everywhere, or the one of the negation at the bottom.
unary!(Sign for [i8, i16, i32, i64] |a| {
    let top = 8 * size_of_val(&a) as u32 - 1;
    (a >> top) | (a.wrapping_neg().cast_unsigned() >> top).cast_signed()
});
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
