//! `maximum`, `minimum` (a NaN or NaT wins), `fmax`, `fmin` (it loses) and `clip`.
//!
//! Which of two equal values is returned is visible in the sign of zero: `f32` and `f64` take the second operand, as
//! the vector instructions do, the other types the first.

use super::compare::{LogicalAnd, LogicalOr, complex_ge};
use super::{BinaryOp, TernaryOp, binary};
#[cfg(target_arch = "x86_64")]
use crate::cpu::{Kind, Level};
use crate::elem::{Bool, Complex, Datetime, Elem, LongDouble, Real, Timedelta, f16, float16};

pub struct Maximum;
pub struct Minimum;
pub struct Fmax;
pub struct Fmin;
/// `min(max(x, low), high)`, NaN anywhere wins.
pub struct Clip;

/// There are vector instructions for the extremes of integers of up to 32 bits.
macro_rules! selection {
    ($op:ident for [$t:ty] |$a:ident, $b:ident| $e:expr) => {
        impl BinaryOp<$t> for $op {
            type Out = $t;
            const SELECTS: bool = size_of::<$t>() == 8;
            #[inline(always)]
            fn apply($a: $t, $b: $t) -> $t {
                $e
            }
        }
    };
}

macro_rules! plain {
    ($($t:ty),*) => {$(
        selection!(Maximum for [$t] |a, b| if a >= b { a } else { b });
        selection!(Minimum for [$t] |a, b| if a <= b { a } else { b });
        selection!(Fmax for [$t] |a, b| if a >= b { a } else { b });
        selection!(Fmin for [$t] |a, b| if a <= b { a } else { b });
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

/// Folds end at the element that decides, as those of the logical operations do.
macro_rules! bools {
    ($($op:ident is $logical:ident, |$a:ident, $b:ident| $e:expr;)*) => {$(
        impl BinaryOp<Bool> for $op {
            type Out = Bool;
            #[inline(always)]
            fn apply(a: Bool, b: Bool) -> Bool {
                let ($a, $b) = (a.0, b.0);
                Bool($e as u8)
            }
            #[inline(always)]
            fn is_final(acc: Bool) -> bool {
                <$logical as BinaryOp<Bool>>::is_final(acc)
            }
            #[inline(always)]
            unsafe fn reduce(acc: Bool, p: *const u8, n: usize, stride: isize) -> Bool {
                // SAFETY: the caller's promise.
                unsafe { <$logical as BinaryOp<Bool>>::reduce(acc, p, n, stride) }
            }
        }
    )*};
}
bools! {
    Maximum is LogicalOr, |a, b| (a | b) != 0;
    Minimum is LogicalAnd, |a, b| (a != 0) & (b != 0);
    Fmax is LogicalOr, |a, b| (a | b) != 0;
    Fmin is LogicalAnd, |a, b| (a != 0) & (b != 0);
}
impl TernaryOp<Bool> for Clip {
    #[inline(always)]
    fn apply(x: Bool, low: Bool, high: Bool) -> Bool {
        Bool(((x.get() | low.get()) & high.get()) as u8)
    }
}

/// Running results kept side by side by a reduction, so that it vectorises.
pub const LANES: usize = 16;

/// Bytes of so many that the processor does not wait for any of them, where it does not matter in which order elements meet.
const MANY: usize = 256;

/// `f32` and `f64`: written so that a comparison and two selections remain. The order of a reduction is free, but it shows
/// in results that are zero or NaN: those are found in the order that `LANES` says, others by the quickest way.
macro_rules! vector_float {
    ($t:ident; $($op:ident |$a:ident, $b:ident| $e:expr, largest $largest:literal |$x:ident, $y:ident| $of_numbers:expr;)*) => {$(
        impl BinaryOp<$t> for $op {
            type Out = $t;
            const FOLDS_IN_PIECES: bool = false;
            const SELECTS: bool = true;
            #[inline(always)]
            fn apply($a: $t, $b: $t) -> $t {
                if $e { $a } else { $b }
            }
            #[inline(always)]
            unsafe fn reduce(acc: $t, p: *const u8, n: usize, stride: isize) -> $t {
                let select = |$x: $t, $y: $t| if $of_numbers { $x } else { $y };
                let mut acc = acc;
                if stride == size_of::<$t>() as isize {
                    // SAFETY: contiguous elements, promised readable; nothing is written meanwhile.
                    let all = unsafe { core::slice::from_raw_parts(p.cast::<$t>(), n) };
                    const SIDE_BY_SIDE: usize = MANY / size_of::<$t>();
                    if acc.is_nan() {
                        // What comes first wins.
                    } else if let Some(found) = <$t as Extreme>::extreme::<{ $largest }>(acc, all) {
                        if found != 0.0 {
                            return found;
                        }
                    } else if n >= 2 * SIDE_BY_SIDE {
                        // A selection loses a NaN, so they are kept apart.
                        let (mut lanes, mut nans) = ([acc; SIDE_BY_SIDE], [0.0; SIDE_BY_SIDE]);
                        let put = |lane: &mut $t, nan: &mut $t, x: $t| {
                            *lane = select(*lane, x);
                            *nan = if x.is_nan() { x } else { *nan };
                        };
                        let (blocks, rest) = all.as_chunks::<SIDE_BY_SIDE>();
                        for block in blocks {
                            for k in 0..SIDE_BY_SIDE {
                                put(&mut lanes[k], &mut nans[k], block[k]);
                            }
                        }
                        for ((lane, nan), &x) in lanes.iter_mut().zip(&mut nans).zip(rest) {
                            put(lane, nan, x);
                        }
                        let mut width = SIDE_BY_SIDE / 2;
                        while width > 0 {
                            for k in 0..width {
                                lanes[k] = select(lanes[k], lanes[k + width]);
                            }
                            width /= 2;
                        }
                        if lanes[0] != 0.0 && nans.iter().all(|x| !x.is_nan()) {
                            return lanes[0];
                        }
                    }
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
                // SAFETY: one of the promised elements.
                let at = |i: usize| unsafe { crate::loops::load::<$t>(p.wrapping_offset(i as isize * stride)) };
                if n >= 16 && !acc.is_nan() {
                    let (mut lanes, mut numbers) = ([acc; 8], true);
                    for i in 0..n / 8 {
                        for k in 0..8 {
                            let x = at(8 * i + k);
                            numbers &= !x.is_nan();
                            lanes[k] = select(lanes[k], x);
                        }
                    }
                    for i in n / 8 * 8..n {
                        numbers &= !at(i).is_nan();
                        lanes[0] = select(lanes[0], at(i));
                    }
                    let extreme = lanes.into_iter().reduce(select).unwrap_or(acc);
                    if numbers && extreme != 0.0 {
                        return extreme;
                    }
                }
                (0..n).fold(acc, |acc, i| Self::apply(acc, at(i)))
            }
        }
    )*};
}
macro_rules! vector_floats {
    ($($t:ident),*) => {$(
        vector_float! { $t;
            Maximum |a, b| (a > b) | a.is_nan(), largest true |x, y| x > y;
            Minimum |a, b| (a < b) | a.is_nan(), largest false |x, y| x < y;
            Fmax |a, b| (a > b) | b.is_nan(), largest true |x, y| x > y;
            Fmin |a, b| (a < b) | b.is_nan(), largest false |x, y| x < y;
        }
    )*};
}
vector_floats!(f32, f64);

/// Floats whose extremes are found by vectors under their own name where compilers don't make good ones.
pub(crate) trait Extreme: Copy {
    /// The largest number, or the smallest, of `acc` and the others. `None` if there is a NaN, if there are too few, or if another way
    /// is as good.
    fn extreme<const LARGEST: bool>(acc: Self, all: &[Self]) -> Option<Self>;
}

macro_rules! extremes {
    ($($t:ident),*) => {$(
        impl Extreme for $t {
            #[inline(always)]
            #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
            fn extreme<const LARGEST: bool>(acc: $t, all: &[$t]) -> Option<$t> {
                #[cfg(target_arch = "x86_64")]
                if all.len() * size_of::<$t>() >= MANY && Level::current().kind() == Kind::Avx2 {
                    // SAFETY: a level exists only where the processor has it.
                    return unsafe { avx2::$t::<LARGEST>(acc, all) };
                }
                None
            }
        }
    )*};
}
extremes!(f32, f64);

/// Extremes with 256 bits by name: compilers keep that many lanes in memory there.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use core::arch::x86_64::*;

    macro_rules! extreme {
        ($t:ident, $width:literal: $set:ident $zero:ident $load:ident $store:ident $max:ident $min:ident $cmp:ident $or:ident $mask:ident) => {
            /// The largest number, or the smallest, of `acc` and at least [`MANY`](super::MANY) bytes of others, if all are numbers.
            #[target_feature(enable = "avx2")]
            pub fn $t<const LARGEST: bool>(acc: $t, all: &[$t]) -> Option<$t> {
                const BLOCK: usize = 8 * $width;
                const _: () = assert!(BLOCK * size_of::<$t>() == super::MANY);
                let (blocks, last) = (all.as_chunks::<BLOCK>().0, all.last_chunk::<BLOCK>()?);
                let (mut lanes, mut nan) = ([$set(acc); 8], $zero());
                for i in 0..=blocks.len() {
                    // At the end some are met again, which changes nothing.
                    let block = if i < blocks.len() { &blocks[i] } else { last };
                    for k in 0..4 {
                        // SAFETY: vectors of the block.
                        let (x, y) = unsafe {
                            ($load(block[$width * k..].as_ptr()), $load(block[$width * (k + 4)..].as_ptr()))
                        };
                        // One comparison tells of a NaN in either.
                        nan = $or(nan, $cmp::<_CMP_UNORD_Q>(x, y));
                        if LARGEST {
                            (lanes[k], lanes[k + 4]) = ($max(lanes[k], x), $max(lanes[k + 4], y));
                        } else {
                            (lanes[k], lanes[k + 4]) = ($min(lanes[k], x), $min(lanes[k + 4], y));
                        }
                    }
                }
                if $mask(nan) != 0 {
                    return None;
                }
                for width in [4, 2, 1] {
                    for k in 0..width {
                        let (x, y) = (lanes[k], lanes[k + width]);
                        lanes[k] = if LARGEST { $max(x, y) } else { $min(x, y) };
                    }
                }
                let mut parts = [acc; $width];
                // SAFETY: as many numbers as a vector has.
                unsafe { $store(parts.as_mut_ptr(), lanes[0]) };
                let pick = |a: $t, b: $t| if LARGEST == (a > b) { a } else { b };
                Some(parts.into_iter().fold(acc, pick))
            }
        };
    }
    extreme!(f32, 8: _mm256_set1_ps _mm256_setzero_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_max_ps _mm256_min_ps _mm256_cmp_ps
        _mm256_or_ps _mm256_movemask_ps);
    extreme!(f64, 4: _mm256_set1_pd _mm256_setzero_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_max_pd _mm256_min_pd _mm256_cmp_pd
        _mm256_or_pd _mm256_movemask_pd);
}

binary!(Maximum for [LongDouble] |a, b| if a >= b || a.is_nan() { a } else { b });
binary!(Minimum for [LongDouble] |a, b| if a <= b || a.is_nan() { a } else { b });
// Which of two zeros it is, is what the C library's functions of this type decide.
binary!(Fmax for [LongDouble] |a, b| if !a.is_nan() && (b.is_nan() || a > b) { a } else { b });
binary!(Fmin for [LongDouble] |a, b| if !b.is_nan() && (a.is_nan() || b < a) { b } else { a });

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
            const COSTLY: bool = true;
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
        selection!(Maximum for [$t] |a, b| if a.is_nat() | ((a.0 >= b.0) & !b.is_nat()) { a } else { b });
        // NaT is the smallest integer.
        selection!(Minimum for [$t] |a, b| if a.0 <= b.0 { a } else { b });
        selection!(Fmax for [$t] |a, b| if a.0 >= b.0 { a } else { b });
        selection!(Fmin for [$t] |a, b| if b.is_nat() | ((a.0 <= b.0) & !a.is_nat()) { a } else { b });
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

/// Order with NaN first: the value itself when it is a NaN, otherwise the limit unless the value is `inside` of it.
macro_rules! clip_by {
    ($t:ty, nan $nan:expr, gt $gt:expr, inside $inside:expr, keeps ties $keeps:literal) => {
        impl TernaryOp<$t> for Clip {
            #[inline]
            fn apply(x: $t, low: $t, high: $t) -> $t {
                let raised = if $nan(x) || $inside(x, low) { x } else { low };
                if $nan(raised) || $inside(high, raised) { raised } else { high }
            }
            /// A number that equals a limit stays what it is, which the sign of zero shows.
            #[inline]
            fn apply_fixed(x: $t, low: $t, high: $t) -> $t {
                if !$keeps || $nan(low) || $nan(high) {
                    return Self::apply(x, low, high);
                }
                let raised = if $gt(low, x) { low } else { x };
                if $gt(raised, high) { high } else { raised }
            }
        }
    };
}
clip_by!(f32, nan f32::is_nan, gt |a, b| a > b, inside |a, b| a > b, keeps ties true);
clip_by!(f64, nan f64::is_nan, gt |a, b| a > b, inside |a, b| a > b, keeps ties true);
clip_by!(LongDouble, nan LongDouble::is_nan, gt |a, b| a > b, inside |a, b| a > b, keeps ties true);
clip_by!(
    f16,
    nan f16::is_nan,
    gt |a, b| float16::to_f32(a) > float16::to_f32(b),
    inside |a, b| float16::to_f32(a) >= float16::to_f32(b),
    keeps ties true
);
clip_by!(Complex<f32>, nan has_nan, gt lexicographic_gt, inside lexicographic_gt, keeps ties false);
clip_by!(Complex<f64>, nan has_nan, gt lexicographic_gt, inside lexicographic_gt, keeps ties false);
clip_by!(Complex<LongDouble>, nan has_nan, gt lexicographic_gt, inside lexicographic_gt, keeps ties false);
