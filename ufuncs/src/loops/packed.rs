//! Sums, differences and products of complex numbers with 256 bits.
//!
//! Compilers take vectors of complex numbers apart, into real and imaginary parts, and put results together again, which costs
//! more than the operation. Here the parts stay where they lie: sums do not care, and a product is one fused multiply-add
//! that alternates between subtraction and addition. With 512 bits taking apart is cheap enough.

use super::binary::Operands;
use crate::elem::{Complex, Elem};
use crate::ops::BinaryOp;
use crate::ops::arith::{Add, MultiplyFused, Subtract};

#[cfg(target_arch = "x86_64")]
pub use avx2::run;

/// A complex number several of which fill a vector.
#[cfg(target_arch = "x86_64")]
pub use avx2::{Packed, PackedOp};

#[cfg(not(target_arch = "x86_64"))]
pub trait Packed: Elem {}
#[cfg(not(target_arch = "x86_64"))]
pub trait PackedOp<T: Packed>: BinaryOp<T, T, Out = T> {}

#[cfg(not(target_arch = "x86_64"))]
mod none {
    use super::*;
    impl Packed for Complex<f32> {}
    impl Packed for Complex<f64> {}
    impl<T: Packed> PackedOp<T> for Add where Add: BinaryOp<T, T, Out = T> {}
    impl<T: Packed> PackedOp<T> for Subtract where Subtract: BinaryOp<T, T, Out = T> {}
    impl<T: Packed> PackedOp<T> for MultiplyFused where MultiplyFused: BinaryOp<T, T, Out = T> {}
}

/// Runs a call this is the quickest way for; says whether it did.
///
/// # Safety
/// The loop contract for these operands.
#[cfg(not(target_arch = "x86_64"))]
pub unsafe fn run<Op: PackedOp<T>, T: Packed>(_args: &Operands) -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use core::arch::x86_64::*;

    use super::super::{are_apart, load, store};
    use super::*;
    use crate::cpu::{Kind, Level};

    pub trait Packed: Elem {
        type Vector: Copy;
        /// Numbers in a vector.
        const COUNT: usize;
        /// # Safety
        /// So many numbers are readable at `p`; the processor has AVX2.
        unsafe fn contiguous(p: *const u8) -> Self::Vector;
        /// # Safety
        /// So many numbers are readable at `p`, `stride` bytes apart; the processor has AVX2.
        unsafe fn apart(p: *const u8, stride: isize) -> Self::Vector;
        /// # Safety
        /// So many numbers are writable at `p`; the processor has AVX2.
        unsafe fn write(p: *mut u8, x: Self::Vector);
    }

    pub trait PackedOp<T: Packed>: BinaryOp<T, T, Out = T> {
        /// # Safety
        /// The processor has AVX2 and fused multiply-add.
        unsafe fn packed(a: T::Vector, b: T::Vector) -> T::Vector;
    }

    impl Packed for Complex<f64> {
        type Vector = __m256d;
        const COUNT: usize = 2;
        #[inline]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn contiguous(p: *const u8) -> __m256d {
            // SAFETY: the caller's promise.
            unsafe { _mm256_loadu_pd(p.cast()) }
        }
        #[inline]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn apart(p: *const u8, stride: isize) -> __m256d {
            // SAFETY: the caller's promise.
            unsafe { _mm256_set_m128d(_mm_loadu_pd(p.offset(stride).cast()), _mm_loadu_pd(p.cast())) }
        }
        #[inline]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn write(p: *mut u8, x: __m256d) {
            // SAFETY: the caller's promise.
            unsafe { _mm256_storeu_pd(p.cast(), x) }
        }
    }

    impl Packed for Complex<f32> {
        type Vector = __m256;
        const COUNT: usize = 4;
        #[inline]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn contiguous(p: *const u8) -> __m256 {
            // SAFETY: the caller's promise.
            unsafe { _mm256_loadu_ps(p.cast()) }
        }
        #[inline]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn apart(p: *const u8, stride: isize) -> __m256 {
            // SAFETY: the caller's promise; a number is a word.
            let at = |i: isize| unsafe { p.offset(i * stride).cast::<i64>().read_unaligned() };
            _mm256_castsi256_ps(_mm256_set_epi64x(at(3), at(2), at(1), at(0)))
        }
        #[inline]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn write(p: *mut u8, x: __m256) {
            // SAFETY: the caller's promise.
            unsafe { _mm256_storeu_ps(p.cast(), x) }
        }
    }

    macro_rules! operations {
        ($($op:ident for $t:ty, |$a:ident, $b:ident| $e:expr;)*) => {$(
            impl PackedOp<Complex<$t>> for $op {
                #[inline]
                #[target_feature(enable = "avx2,fma")]
                unsafe fn packed(
                    $a: <Complex<$t> as Packed>::Vector,
                    $b: <Complex<$t> as Packed>::Vector,
                ) -> <Complex<$t> as Packed>::Vector {
                    $e
                }
            }
        )*};
    }
    operations! {
        Add for f64, |a, b| _mm256_add_pd(a, b);
        Add for f32, |a, b| _mm256_add_ps(a, b);
        Subtract for f64, |a, b| _mm256_sub_pd(a, b);
        Subtract for f32, |a, b| _mm256_sub_ps(a, b);
        // Real parts of `a` times `b`, less or more imaginary parts of `a` times the exchanged parts of `b`.
        MultiplyFused for f64, |a, b| _mm256_fmaddsub_pd(
            _mm256_movedup_pd(a),
            b,
            _mm256_mul_pd(_mm256_permute_pd::<0b1111>(a), _mm256_permute_pd::<0b0101>(b)),
        );
        MultiplyFused for f32, |a, b| _mm256_fmaddsub_ps(
            _mm256_moveldup_ps(a),
            b,
            _mm256_mul_ps(_mm256_movehdup_ps(a), _mm256_permute_ps::<0b10_11_00_01>(b)),
        );
    }

    /// Runs a call this is the quickest way for; says whether it did.
    ///
    /// # Safety
    /// The loop contract for these operands.
    #[inline]
    pub unsafe fn run<Op: PackedOp<T>, T: Packed>(args: &Operands) -> bool {
        let &Operands { n, a, b, o, sa, sb, so } = args;
        let size = size_of::<T>();
        if Level::current().kind() != Kind::Avx2 || so != size as isize || n < T::COUNT {
            return false;
        }
        let harmless = |p: *const u8, stride: isize| {
            p == o && stride == so || are_apart((p, stride, size), (o, so, size), n)
        };
        if !harmless(a, sa) || !harmless(b, sb) {
            return false;
        }
        // SAFETY: the processor has the instructions; the output is contiguous, and inputs are apart from it or coincide with it.
        unsafe {
            match (sa, sb) {
                (a, 0) if a == so => in_vectors::<Op, T, EACH, ONE>(args),
                (0, b) if b == so => in_vectors::<Op, T, ONE, EACH>(args),
                (_, 0) => in_vectors::<Op, T, APART, ONE>(args),
                (0, _) => in_vectors::<Op, T, ONE, APART>(args),
                (a, b) if a == so && b == so => in_vectors::<Op, T, EACH, EACH>(args),
                (a, _) if a == so => in_vectors::<Op, T, EACH, APART>(args),
                (_, b) if b == so => in_vectors::<Op, T, APART, EACH>(args),
                _ => in_vectors::<Op, T, APART, APART>(args),
            }
        }
        true
    }

    /// How an input lies.
    const EACH: u8 = 0;
    const APART: u8 = 1;
    /// One number for all; it is read once, as the compiler does not know that nothing overwrites it.
    const ONE: u8 = 2;

    /// Some numbers of an input that lies so.
    ///
    /// # Safety
    /// As for [`Packed`]'s functions.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn read<T: Packed, const HOW: u8>(p: *const u8, stride: isize, one: T::Vector) -> T::Vector {
        // SAFETY: the caller's promise.
        unsafe {
            match HOW {
                EACH => T::contiguous(p),
                APART => T::apart(p, stride),
                _ => one,
            }
        }
    }

    /// The constants say how the inputs lie.
    ///
    /// # Safety
    /// The loop contract and what [`run`] looked at.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn in_vectors<Op: PackedOp<T>, T: Packed, const A: u8, const B: u8>(args: &Operands) {
        let &Operands { n, mut a, mut b, mut o, sa, sb, so } = args;
        let (count, mut left) = (T::COUNT as isize, n);
        // SAFETY: elements of the operands, read before they are written.
        unsafe {
            // (There are enough of them for a vector.)
            let (first, second) = (T::apart(a, sa), T::apart(b, sb));
            while left >= T::COUNT {
                let (x, y) = (read::<T, A>(a, sa, first), read::<T, B>(b, sb, second));
                T::write(o, Op::packed(x, y));
                a = a.wrapping_offset(count * sa);
                b = b.wrapping_offset(count * sb);
                o = o.wrapping_offset(count * so);
                left -= T::COUNT;
            }
            for _ in 0..left {
                store(o, Op::apply(load::<T>(a), load::<T>(b)));
                a = a.wrapping_offset(sa);
                b = b.wrapping_offset(sb);
                o = o.wrapping_offset(so);
            }
        }
    }
}
