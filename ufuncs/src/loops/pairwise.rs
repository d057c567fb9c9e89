//! Pairwise summation, in exactly numpy's order of additions.
//!
//! Up to 128 numbers are summed into eight running totals which are combined as a tree; more are split in two (the
//! first part a multiple of eight numbers) and summed apart. The error grows with the logarithm of the length instead
//! of the length, and since the order is fixed, so are the bits of the result. Fewer than eight numbers are added in
//! order to -0.0, the value that changes nothing.

use core::ops::Add;

use super::load;
#[cfg(target_arch = "x86_64")]
use crate::cpu::Kind;
use crate::cpu::{Level, multiversion};
use crate::elem::{Complex, Elem, LongDouble, f16, float16};

const BLOCK: usize = 128;

/// An element with the type it is accumulated in.
pub trait Summand: Elem {
    type Acc: Copy + Add<Output = Self::Acc>;
    /// Whether there are vectors of it.
    const LANES: bool;
    fn widen(self) -> Self::Acc;
    fn minus_zero() -> Self::Acc;

    /// The sum of 8 to 128 numbers.
    ///
    /// # Safety
    /// `n` elements are readable at `p`, `stride` bytes apart.
    #[inline(always)]
    unsafe fn sum_block(p: *const u8, n: usize, stride: isize) -> Self::Acc {
        // SAFETY: only called for `i < n`.
        let at = |i: usize| unsafe { load::<Self>(p.wrapping_offset(i as isize * stride)).widen() };
        let mut t: [Self::Acc; 8] = core::array::from_fn(at);
        let whole = n - n % 8;
        let mut i = 8;
        while i < whole {
            for (k, t) in t.iter_mut().enumerate() {
                *t = *t + at(i + k);
            }
            i += 8;
        }
        let mut sum = ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]));
        while i < n {
            sum = sum + at(i);
            i += 1;
        }
        sum
    }
}

macro_rules! summand {
    ($($t:ty => $acc:ty, |$x:ident| $e:expr;)*) => {$(
        impl Summand for $t {
            type Acc = $acc;
            const LANES: bool = true;
            #[inline(always)]
            fn widen(self) -> $acc {
                let $x = self;
                $e
            }
            #[inline(always)]
            fn minus_zero() -> $acc {
                -0.0
            }
        }
    )*};
}
summand! {
    f32 => f32, |x| x;
    f64 => f64, |x| x;
    f16 => f32, |x| float16::to_f32(x);
}

impl Summand for LongDouble {
    type Acc = LongDouble;
    const LANES: bool = false;
    #[inline(always)]
    fn widen(self) -> LongDouble {
        self
    }
    #[inline(always)]
    fn minus_zero() -> LongDouble {
        LongDouble::from(-0.0)
    }
    #[inline(always)]
    unsafe fn sum_block(p: *const u8, n: usize, stride: isize) -> LongDouble {
        // SAFETY: the caller's promise, and `n` is 8 to 128.
        unsafe { LongDouble::sum_block(p, n, stride) }
    }
}

#[inline(always)]
fn leaf_body<T: Summand>(x: &[T]) -> T::Acc {
    // SAFETY: the elements of the slice; a constant stride lets the eight totals become vectors.
    unsafe { T::sum_block(x.as_ptr().cast(), x.len(), size_of::<T>() as isize) }
}

multiversion! { fn leaf[T: Summand](x: &[T]) -> <T as Summand>::Acc = leaf_body::<T>; }

/// The length of the first part of a sum too long for one block.
#[inline(always)]
fn first_part(n: usize) -> usize {
    n / 2 - n / 2 % 8
}

/// The sum of at least eight contiguous numbers.
pub(super) fn sum_contiguous<T: Summand>(level: Level, x: &[T]) -> T::Acc {
    if x.len() <= BLOCK {
        return leaf(level, x);
    }
    // One block after the other, in the order of memory: two at a time would be quicker as long as they are in the cache,
    // but of what is fetched from further away the processor foresees one stream better than two.
    let (first, second) = x.split_at(first_part(x.len()));
    sum_contiguous(level, first) + sum_contiguous(level, second)
}

/// The sum of `n` numbers.
///
/// # Safety
/// `n` elements are readable at `p`, `stride` bytes apart.
#[inline(never)]
pub unsafe fn sum<T: Summand>(p: *const u8, n: usize, stride: isize) -> T::Acc {
    if n < 8 {
        let (mut sum, mut p) = (T::minus_zero(), p);
        for _ in 0..n {
            // SAFETY: the caller's promise.
            sum = sum + unsafe { load::<T>(p).widen() };
            p = p.wrapping_offset(stride);
        }
        return sum;
    }
    // SAFETY: both parts lie within the `n` elements.
    unsafe {
        if stride == size_of::<T>() as isize && T::LANES {
            return sum_contiguous(Level::current(), core::slice::from_raw_parts(p.cast::<T>(), n));
        }
        if n <= BLOCK {
            return T::sum_block(p, n, stride);
        }
        let first = first_part(n);
        sum::<T>(p, first, stride) + sum::<T>(p.wrapping_offset(first as isize * stride), n - first, stride)
    }
}

/// The sum of 4 to 64 complex numbers, given by their parts.
#[inline(always)]
fn complex_leaf_body<T: Part>(parts: &[T]) -> Complex<T> {
    let (blocks, rest) = parts.as_chunks::<8>();
    let mut t = [T::minus_zero(); 8];
    for block in blocks {
        for k in 0..8 {
            t[k] = t[k] + block[k];
        }
    }
    complex_total(t, rest)
}

/// Two such sums side by side, because each addition waits for the one before it. The second part may be longer.
fn complex_leaves<T: Part>(level: Level, first: &[T], second: &[T]) -> [Complex<T>; 2] {
    let (x, y) = (first.as_chunks::<8>(), second.as_chunks::<8>());
    let (beside, more) = y.0.split_at(x.0.len().min(y.0.len()));
    let [of_x, mut of_y] = T::totals(level, x.0, beside);
    for block in more {
        for k in 0..8 {
            of_y[k] = of_y[k] + block[k];
        }
    }
    [complex_total(of_x, x.1), complex_total(of_y, y.1)]
}

/// Running totals of as many blocks of each of two kinds.
#[inline(always)]
fn totals_body<T: Itself>(x: &[[T; 8]], y: &[[T; 8]]) -> [[T; 8]; 2] {
    let mut totals = [[T::minus_zero(); 8]; 2];
    for (x, y) in x.iter().zip(y) {
        for k in 0..8 {
            totals[0][k] = totals[0][k] + x[k];
            totals[1][k] = totals[1][k] + y[k];
        }
    }
    totals
}

multiversion! {
    fn totals[T: Itself](x: &[[T; 8]], y: &[[T; 8]]) -> [[T; 8]; 2] = totals_body::<T>;
}

/// Eight running totals and the parts behind them.
#[inline(always)]
fn complex_total<T: Part>(t: [T; 8], rest: &[T]) -> Complex<T> {
    let mut sum = Complex { re: (t[0] + t[2]) + (t[4] + t[6]), im: (t[1] + t[3]) + (t[5] + t[7]) };
    for part in rest.as_chunks::<2>().0 {
        sum = Complex { re: sum.re + part[0], im: sum.im + part[1] };
    }
    sum
}

/// [`Summand`] of parts that are added as they are.
pub trait Part: Summand<Acc = Self> + Add<Output = Self> {
    fn totals(level: Level, x: &[[Self; 8]], y: &[[Self; 8]]) -> [[Self; 8]; 2];
}

trait Itself: Summand<Acc = Self> + Add<Output = Self> {}
impl<T: Summand<Acc = T> + Add<Output = T>> Itself for T {}

impl Part for LongDouble {
    fn totals(level: Level, x: &[[Self; 8]], y: &[[Self; 8]]) -> [[Self; 8]; 2] {
        totals(level, x, y)
    }
}

/// With 256 bits by name, because compilers add one part after the other.
macro_rules! parts {
    ($($t:ident $avx2:ident, $vectors:literal of $width:literal: $set:ident $load:ident $add:ident $store:ident;)*) => {$(
        impl Part for $t {
            #[inline(always)]
            fn totals(level: Level, x: &[[$t; 8]], y: &[[$t; 8]]) -> [[$t; 8]; 2] {
                #[cfg(target_arch = "x86_64")]
                if level.kind() == Kind::Avx2 {
                    // SAFETY: a level exists only where the processor has it.
                    return unsafe { $avx2(x, y) };
                }
                totals(level, x, y)
            }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn $avx2(x: &[[$t; 8]], y: &[[$t; 8]]) -> [[$t; 8]; 2] {
            use core::arch::x86_64::*;
            let (mut of_x, mut of_y) = ([$set(-0.0); $vectors], [$set(-0.0); $vectors]);
            for (x, y) in x.iter().zip(y) {
                for k in 0..$vectors {
                    // SAFETY: within the blocks.
                    unsafe {
                        of_x[k] = $add(of_x[k], $load(x[$width * k..].as_ptr()));
                        of_y[k] = $add(of_y[k], $load(y[$width * k..].as_ptr()));
                    }
                }
            }
            let mut totals = [[0.0; 8]; 2];
            for k in 0..$vectors {
                // SAFETY: as above.
                unsafe {
                    $store(totals[0][$width * k..].as_mut_ptr(), of_x[k]);
                    $store(totals[1][$width * k..].as_mut_ptr(), of_y[k]);
                }
            }
            totals
        }
    )*};
}
parts! {
    f32 totals_f32, 1 of 8: _mm256_set1_ps _mm256_loadu_ps _mm256_add_ps _mm256_storeu_ps;
    f64 totals_f64, 2 of 4: _mm256_set1_pd _mm256_loadu_pd _mm256_add_pd _mm256_storeu_pd;
}

multiversion! { fn complex_leaf[T: Part](parts: &[T]) -> Complex<T> = complex_leaf_body::<T>; }

/// The sum of `n` complex numbers: as [`sum`] over their `2 n` parts, real and imaginary totals apart.
///
/// # Safety
/// `n` elements `Complex<T>` are readable at `p`, `stride` bytes apart.
#[inline(never)]
pub unsafe fn sum_complex<T: Part>(p: *const u8, n: usize, stride: isize) -> Complex<T> {
    // SAFETY: only called for `i < n`.
    let at = |i: usize| unsafe { load::<Complex<T>>(p.wrapping_offset(i as isize * stride)) };
    let plus = |a: Complex<T>, b: Complex<T>| Complex { re: a.re + b.re, im: a.im + b.im };
    if n < 4 {
        let start = Complex { re: T::minus_zero(), im: T::minus_zero() };
        return (0..n).map(at).fold(start, plus);
    }
    if n <= BLOCK / 2 {
        if stride == size_of::<Complex<T>>() as isize {
            // SAFETY: contiguous numbers are twice as many parts.
            return complex_leaf(Level::current(), unsafe {
                core::slice::from_raw_parts(p.cast::<T>(), 2 * n)
            });
        }
        let mut t: [Complex<T>; 4] = core::array::from_fn(at);
        let whole = n - n % 4;
        let mut i = 4;
        while i < whole {
            for (k, t) in t.iter_mut().enumerate() {
                *t = plus(*t, at(i + k));
            }
            i += 4;
        }
        return (i..n).map(at).fold(plus(plus(t[0], t[1]), plus(t[2], t[3])), plus);
    }
    // Half of the parts, rounded down to eight parts: to four numbers.
    let first = (n - n % 8) / 2;
    // SAFETY: both parts lie within the `n` elements; contiguous numbers are twice as many parts.
    unsafe {
        if n - first <= BLOCK / 2 && stride == size_of::<Complex<T>>() as isize {
            let (x, y) = core::slice::from_raw_parts(p.cast::<T>(), 2 * n).split_at(2 * first);
            let [x, y] = complex_leaves(Level::current(), x, y);
            return plus(x, y);
        }
        plus(
            sum_complex::<T>(p, first, stride),
            sum_complex::<T>(p.wrapping_offset(first as isize * stride), n - first, stride),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sum(1/k for k in 1..=1000)`, computed by numpy in each type.
    #[test]
    fn bits_are_numpys() {
        fn check<T: Summand>(from: impl Fn(f64) -> T, want: impl Fn(T::Acc) -> bool) {
            for stride in [1, 2, 3] {
                let values: Vec<T> =
                    (0..1000 * stride).map(|i| from(1.0 / (i / stride + 1) as f64)).collect();
                // SAFETY: 1000 elements, `stride` apart, are in `values`.
                let total =
                    unsafe { sum::<T>(values.as_ptr().cast(), 1000, (stride * size_of::<T>()) as isize) };
                assert!(want(total), "stride {stride}");
            }
        }
        check(|x| x as f32, |s| s.to_bits() == 0x40ef_88fc);
        check(|x| x, |s| s.to_bits() == 0x401d_f11f_45f4_e61a);
        check(float16::from_f64, |s| float16::from_f32(s).to_bits() == 0x477c);

        let values: Vec<Complex<f64>> =
            (1..=1000).map(f64::from).map(|k| Complex { re: 1.0 / k, im: 1.0 / (k + 0.5) }).collect();
        // SAFETY: 1000 elements are in `values`.
        let total = unsafe { sum_complex::<f64>(values.as_ptr().cast(), 1000, 16) };
        assert_eq!((total.re.to_bits(), total.im.to_bits()), (0x401d_f11f_45f4_e61b, 0x401b_7d32_fefb_e397));
    }
}
