//! `maximum`, `minimum` (a NaN or NaT wins), `fmax`, `fmin` (it loses) and `clip`.
//!
//! Which of two equal values is returned is visible in the sign of zero: `f32` and `f64` take the second operand, as
//! the vector instructions do, the other types the first.

use super::compare::complex_ge;
use super::{BinaryOp, TernaryOp, binary};
use crate::elem::{Bool, Complex, Datetime, Elem, LongDouble, Real, Timedelta, f16, float16};

pub struct Maximum;
pub struct Minimum;
pub struct Fmax;
pub struct Fmin;
/// `min(max(x, low), high)`, NaN anywhere wins.
pub struct Clip;

macro_rules! plain {
    ($($t:ty),*) => {$(
        binary!(Maximum for [$t] |a, b| if a >= b { a } else { b });
        binary!(Minimum for [$t] |a, b| if a <= b { a } else { b });
        binary!(Fmax for [$t] |a, b| if a >= b { a } else { b });
        binary!(Fmin for [$t] |a, b| if a <= b { a } else { b });
        impl TernaryOp<$t> for Clip {
            #[inline(always)]
            fn apply(x: $t, low: $t, high: $t) -> $t {
                let raised = if x > low { x } else { low };
                if raised < high { raised } else { high }
            }
        }
    )*};
}
plain!(i8, i16, i32, i64, u8, u16, u32, u64);

binary!(Maximum for [Bool] |a, b| Bool(((a.0 | b.0) != 0) as u8));
binary!(Minimum for [Bool] |a, b| Bool(((a.0 != 0) & (b.0 != 0)) as u8));
binary!(Fmax for [Bool] |a, b| Bool(((a.0 | b.0) != 0) as u8));
binary!(Fmin for [Bool] |a, b| Bool(((a.0 != 0) & (b.0 != 0)) as u8));
impl TernaryOp<Bool> for Clip {
    #[inline(always)]
    fn apply(x: Bool, low: Bool, high: Bool) -> Bool {
        Bool(((x.get() | low.get()) & high.get()) as u8)
    }
}

/// Running results kept side by side by a reduction, so that it vectorises.
pub const LANES: usize = 16;

/// `f32` and `f64`: written so that a comparison and two selections remain. The order of a reduction is free.
macro_rules! vector_float {
    ($t:ty; $($op:ident |$a:ident, $b:ident| $e:expr;)*) => {$(
        impl BinaryOp<$t> for $op {
            type Out = $t;
            #[inline(always)]
            fn apply($a: $t, $b: $t) -> $t {
                if $e { $a } else { $b }
            }
            #[inline(always)]
            unsafe fn reduce(acc: $t, p: *const u8, n: usize, stride: isize) -> $t {
                let mut acc = acc;
                if stride == size_of::<$t>() as isize {
                    // SAFETY: contiguous elements, promised readable; nothing is written meanwhile.
                    let all = unsafe { core::slice::from_raw_parts(p.cast::<$t>(), n) };
                    let (blocks, rest) = all.as_chunks::<LANES>();
                    if let Some((first, blocks)) = blocks.split_first() {
                        let mut lanes = *first;
                        for block in blocks {
                            for k in 0..LANES {
                                lanes[k] = Self::apply(lanes[k], block[k]);
                            }
                        }
                        acc = lanes.into_iter().fold(acc, Self::apply);
                    }
                    return rest.iter().copied().fold(acc, Self::apply);
                }
                let mut p = p;
                for _ in 0..n {
                    // SAFETY: one of the promised elements.
                    acc = Self::apply(acc, unsafe { crate::loops::load(p) });
                    p = p.wrapping_offset(stride);
                }
                acc
            }
        }
    )*};
}
macro_rules! vector_floats {
    ($($t:ty),*) => {$(
        vector_float! { $t;
            Maximum |a, b| (a > b) | a.is_nan();
            Minimum |a, b| (a < b) | a.is_nan();
            Fmax |a, b| (a > b) | b.is_nan();
            Fmin |a, b| (a < b) | b.is_nan();
        }
    )*};
}
vector_floats!(f32, f64);

binary!(Maximum for [LongDouble] |a, b| if a >= b || a.is_nan() { a } else { b });
binary!(Minimum for [LongDouble] |a, b| if a <= b || a.is_nan() { a } else { b });
binary!(Fmax for [LongDouble] |a, b| LongDouble::fmax(a, b));
binary!(Fmin for [LongDouble] |a, b| LongDouble::fmin(a, b));

// Selection between operands: no rounding, so the bits of the operand are returned.
macro_rules! half_select {
    ($($op:ident |$a:ident, $b:ident| $e:expr;)*) => {$(
        binary!($op for [f16] |x, y| {
            let ($a, $b) = (float16::to_f32(x), float16::to_f32(y));
            if $e { x } else { y }
        });
    )*};
}
half_select! {
    Maximum |a, b| a >= b || a.is_nan();
    Minimum |a, b| a <= b || a.is_nan();
    Fmax |a, b| a >= b || b.is_nan();
    Fmin |a, b| a <= b || b.is_nan();
}

/// One after the other the branches of `apply` are quick, because they are guessed; side by side (`apply_status`) it is
/// vectors that are.
macro_rules! complex_select {
    ($($op:ident |$a:ident, $b:ident| $e:expr, in lanes $lanes:expr;)*) => {$(
        impl<T: Real> BinaryOp<Complex<T>> for $op
        where
            Complex<T>: Elem,
        {
            type Out = Complex<T>;
            #[inline]
            fn apply($a: Complex<T>, $b: Complex<T>) -> Complex<T> {
                if $e { $a } else { $b }
            }
            #[inline(always)]
            fn apply_status($a: Complex<T>, $b: Complex<T>) -> (Complex<T>, u32) {
                (if $lanes { $a } else { $b }, 0)
            }
        }
    )*};
}
complex_select! {
    Maximum |a, b| precedes(b, a) || has_nan(a), in lanes complex_ge(a, b) | has_nan(a);
    Minimum |a, b| precedes(a, b) || has_nan(a), in lanes complex_ge(b, a) | has_nan(a);
    Fmax |a, b| precedes(b, a) || has_nan(b), in lanes complex_ge(a, b) | has_nan(b);
    Fmin |a, b| precedes(a, b) || has_nan(b), in lanes complex_ge(b, a) | has_nan(b);
}

/// [`complex_ge`] of `b` and `a`, with branches.
#[inline(always)]
fn precedes<T: Real>(a: Complex<T>, b: Complex<T>) -> bool {
    if a.re == b.re { a.im <= b.im } else { a.re < b.re && !a.im.is_nan() && !b.im.is_nan() }
}

#[inline(always)]
fn has_nan<T: Real>(a: Complex<T>) -> bool {
    a.re.is_nan() | a.im.is_nan()
}

macro_rules! ticks {
    ($($t:ident),*) => {$(
        binary!(Maximum for [$t] |a, b| if a.is_nat() | ((a.0 >= b.0) & !b.is_nat()) { a } else { b });
        // NaT is the smallest integer.
        binary!(Minimum for [$t] |a, b| if a.0 <= b.0 { a } else { b });
        binary!(Fmax for [$t] |a, b| if a.0 >= b.0 { a } else { b });
        binary!(Fmin for [$t] |a, b| if b.is_nat() | ((a.0 <= b.0) & !a.is_nat()) { a } else { b });
        impl TernaryOp<$t> for Clip {
            #[inline]
            fn apply(x: $t, low: $t, high: $t) -> $t {
                if x.is_nat() {
                    x
                } else if low.is_nat() || high.is_nat() {
                    $t::NAT
                } else {
                    $t(x.0.max(low.0).min(high.0))
                }
            }
        }
    )*};
}
ticks!(Datetime, Timedelta);

/// `clip` does not look at NaN in the imaginary part of the limits, unlike the comparisons.
#[inline(always)]
fn lexicographic_gt<T: Real>(a: Complex<T>, b: Complex<T>) -> bool {
    if a.re == b.re { a.im > b.im } else { a.re > b.re }
}

/// Order with NaN first: the value itself when it is a NaN, otherwise the other one unless `before`.
macro_rules! clip_by {
    ($t:ty, nan $nan:expr, gt $gt:expr) => {
        impl TernaryOp<$t> for Clip {
            #[inline]
            fn apply(x: $t, low: $t, high: $t) -> $t {
                let raised = if $nan(x) || $gt(x, low) { x } else { low };
                if $nan(raised) || $gt(high, raised) { raised } else { high }
            }
        }
    };
}
clip_by!(f32, nan f32::is_nan, gt |a, b| a > b);
clip_by!(f64, nan f64::is_nan, gt |a, b| a > b);
clip_by!(LongDouble, nan LongDouble::is_nan, gt |a, b| a > b);
clip_by!(f16, nan f16::is_nan, gt |a, b| float16::to_f32(a) > float16::to_f32(b));
clip_by!(Complex<f32>, nan has_nan, gt lexicographic_gt);
clip_by!(Complex<f64>, nan has_nan, gt lexicographic_gt);
clip_by!(Complex<LongDouble>, nan has_nan, gt lexicographic_gt);
