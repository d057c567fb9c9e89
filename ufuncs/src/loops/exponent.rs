//! `ldexp` and `frexp` of contiguous numbers, for which AVX-512 has instructions.

use core::ffi::{c_int, c_void};

use super::binary::binary;
use super::pairs::unary_pair;
use crate::abi::LoopContext;
use crate::elem::Elem;
use crate::ops::float::{Frexp, Ldexp};
use crate::ops::{BinaryOp, UnaryPairOp};

/// Types with such instructions.
pub trait Scaled: Elem {
    /// Elements in a vector.
    const LANES: isize;
    /// `b * 2^e` of a vector.
    ///
    /// # Safety
    /// AVX-512 F; a vector's elements at all pointers.
    #[cfg(target_arch = "x86_64")]
    unsafe fn ldexp(a: *const Self, e: *const i32, out: *mut Self);
    /// Fractions and exponents of a vector.
    ///
    /// # Safety
    /// As above.
    #[cfg(target_arch = "x86_64")]
    unsafe fn frexp(a: *const Self, fraction: *mut Self, exponent: *mut i32);
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use core::arch::x86_64::*;

    use super::Scaled;

    impl Scaled for f64 {
        const LANES: isize = 8;
        #[inline(always)]
        unsafe fn ldexp(a: *const f64, e: *const i32, out: *mut f64) {
            // SAFETY: the caller's promise.
            unsafe {
                let e = _mm512_cvtepi32_pd(_mm256_loadu_si256(e.cast()));
                _mm512_storeu_pd(out, _mm512_scalef_pd(_mm512_loadu_pd(a), e));
            }
        }
        #[inline(always)]
        unsafe fn frexp(a: *const f64, fraction: *mut f64, exponent: *mut i32) {
            // SAFETY: the caller's promise.
            unsafe {
                let a = _mm512_loadu_pd(a);
                let size = _mm512_abs_pd(a);
                // Zeros, infinities and NaNs stay as they are, and report nothing.
                let usual = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(_mm512_setzero_pd(), size)
                    & _mm512_cmp_pd_mask::<_CMP_LT_OQ>(size, _mm512_set1_pd(f64::INFINITY));
                let part = _mm512_mask_getmant_pd::<_MM_MANT_NORM_P5_1, _MM_MANT_SIGN_SRC>(a, usual, a);
                let power = _mm512_maskz_getexp_pd(usual, a);
                let power = _mm512_mask_add_pd(power, usual, power, _mm512_set1_pd(1.0));
                _mm512_storeu_pd(fraction, part);
                _mm256_storeu_si256(exponent.cast(), _mm512_cvtpd_epi32(power));
            }
        }
    }

    impl Scaled for f32 {
        const LANES: isize = 16;
        #[inline(always)]
        unsafe fn ldexp(a: *const f32, e: *const i32, out: *mut f32) {
            // SAFETY: the caller's promise.
            unsafe {
                let e = _mm512_cvtepi32_ps(_mm512_loadu_si512(e.cast()));
                _mm512_storeu_ps(out, _mm512_scalef_ps(_mm512_loadu_ps(a), e));
            }
        }
        #[inline(always)]
        unsafe fn frexp(a: *const f32, fraction: *mut f32, exponent: *mut i32) {
            // SAFETY: the caller's promise.
            unsafe {
                let a = _mm512_loadu_ps(a);
                let size = _mm512_abs_ps(a);
                let usual = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_setzero_ps(), size)
                    & _mm512_cmp_ps_mask::<_CMP_LT_OQ>(size, _mm512_set1_ps(f32::INFINITY));
                let part = _mm512_mask_getmant_ps::<_MM_MANT_NORM_P5_1, _MM_MANT_SIGN_SRC>(a, usual, a);
                let power = _mm512_maskz_getexp_ps(usual, a);
                let power = _mm512_mask_add_ps(power, usual, power, _mm512_set1_ps(1.0));
                _mm512_storeu_ps(fraction, part);
                _mm512_storeu_si512(exponent.cast(), _mm512_cvtps_epi32(power));
            }
        }
    }

    /// # Safety
    /// AVX-512 F; `n` elements, a multiple of the lanes, at all pointers.
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) unsafe fn ldexp<T: Scaled>(a: *const T, e: *const i32, out: *mut T, n: isize) {
        for i in (0..n).step_by(T::LANES as usize) {
            // SAFETY: the caller's promise.
            unsafe { T::ldexp(a.offset(i), e.offset(i), out.offset(i)) };
        }
    }

    /// # Safety
    /// As above.
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) unsafe fn frexp<T: Scaled>(a: *const T, fraction: *mut T, exponent: *mut i32, n: isize) {
        for i in (0..n).step_by(T::LANES as usize) {
            // SAFETY: the caller's promise.
            unsafe { T::frexp(a.offset(i), fraction.offset(i), exponent.offset(i)) };
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Scaled for f64 {
    const LANES: isize = 8;
}
#[cfg(not(target_arch = "x86_64"))]
impl Scaled for f32 {
    const LANES: isize = 16;
}

/// How many of the elements of three operands go through the instructions.
///
/// # Safety
/// Three strides and a count.
#[inline(always)]
unsafe fn in_vectors<T: Scaled>(dims: *const isize, strides: *const isize, sizes: [usize; 3]) -> isize {
    #[cfg(target_arch = "x86_64")]
    if crate::cpu::Level::current().kind() == crate::cpu::Kind::Avx512 {
        // SAFETY: the caller's promise.
        let (n, strides) = unsafe { (*dims, [*strides, *strides.add(1), *strides.add(2)]) };
        if strides == sizes.map(|size| size as isize) {
            return n - n % T::LANES;
        }
    }
    let _ = (dims, strides, sizes);
    0
}

/// The loop of `ldexp` for 32-bit exponents.
pub unsafe extern "C" fn ldexp<T: Scaled>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    Ldexp: BinaryOp<T, i32, Out = T>,
{
    // SAFETY: the loop contract gives three pointers and strides, and the elements behind them; what is left is a loop of
    // its own.
    unsafe {
        let done = in_vectors::<T>(dims, strides, [size_of::<T>(), 4, size_of::<T>()]);
        let (a, e, out) = ((*data).cast::<T>(), (*data.add(1)).cast::<i32>(), (*data.add(2)).cast::<T>());
        #[cfg(target_arch = "x86_64")]
        if done > 0 {
            avx512::ldexp(a, e, out, done);
        }
        let rest = [a.offset(done).cast::<u8>(), e.offset(done).cast(), out.offset(done).cast()];
        binary::<Ldexp, T, i32>(ctx, rest.as_ptr(), &(*dims - done), strides, aux)
    }
}

/// The loop of `frexp`.
pub unsafe extern "C" fn frexp<T: Scaled>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    Frexp: UnaryPairOp<T, Out0 = T, Out1 = i32>,
{
    // SAFETY: as above.
    unsafe {
        let done = in_vectors::<T>(dims, strides, [size_of::<T>(), size_of::<T>(), 4]);
        let (a, fraction) = ((*data).cast::<T>(), (*data.add(1)).cast::<T>());
        let exponent = (*data.add(2)).cast::<i32>();
        #[cfg(target_arch = "x86_64")]
        if done > 0 {
            avx512::frexp(a, fraction, exponent, done);
        }
        let rest = [a.offset(done).cast::<u8>(), fraction.offset(done).cast(), exponent.offset(done).cast()];
        unary_pair::<Frexp, T>(ctx, rest.as_ptr(), &(*dims - done), strides, aux)
    }
}
