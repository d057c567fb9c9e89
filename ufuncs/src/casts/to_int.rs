//! Float to integer conversion with the processor's answer for values out of range.
//!
//! Rust's `as` saturates and its unchecked conversion is undefined out of range, so the instructions are named.

use crate::abi::LoopFn;
#[cfg(target_arch = "x86_64")]
use crate::elem::{Complex32, Complex64};
use crate::typenum::TypeNum;

/// Conversion towards zero; NaN and values out of range raise "invalid" and give the hardware's value.
pub(super) trait Truncate: Copy {
    fn trunc_i32(self) -> i32;
    fn trunc_i64(self) -> i64;
    fn trunc_u32(self) -> u32;
    fn trunc_u64(self) -> u64;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;
    use core::ffi::{c_int, c_void};

    use super::Truncate;
    use crate::abi::LoopContext;
    use crate::cpu::{Kind, Level};
    use crate::elem::Complex;

    macro_rules! truncate {
        ($t:ty, $set:ident, $i32:ident, $i64:ident) => {
            impl Truncate for $t {
                #[inline(always)]
                fn trunc_i32(self) -> i32 {
                    // SAFETY: SSE2 is part of x86-64.
                    unsafe { $i32($set(self)) }
                }
                #[inline(always)]
                fn trunc_i64(self) -> i64 {
                    // SAFETY: SSE2 is part of x86-64.
                    unsafe { $i64($set(self)) }
                }
                #[inline(always)]
                fn trunc_u32(self) -> u32 {
                    self.trunc_i64() as u32
                }
                #[inline(always)]
                fn trunc_u64(self) -> u64 {
                    const TOP: $t = (1u64 << 63) as $t;
                    if self >= TOP {
                        (self - TOP).trunc_i64() as u64 ^ 1 << 63
                    } else {
                        self.trunc_i64() as u64
                    }
                }
            }
        };
    }
    truncate!(f32, _mm_set_ss, _mm_cvttss_si32, _mm_cvttss_si64);
    truncate!(f64, _mm_set_sd, _mm_cvttsd_si32, _mm_cvttsd_si64);

    /// Four at a time, for contiguous operands.
    pub(super) trait Blocks<D>: Copy {
        /// Elements that must be left after a block.
        const REST: isize = 0;
        /// Elements below which no block is taken.
        const LEAST: isize = 4;
        fn one(self) -> D;
        /// # Safety
        /// Four elements at both pointers.
        unsafe fn four(src: *const Self, dst: *mut D);
    }

    /// Sixteen at a time, as AVX-512 has it, and eight, as AVX2 does.
    pub(super) trait Sixteen: Copy {
        /// # Safety
        /// AVX-512 F; sixteen elements.
        unsafe fn sixteen(src: *const Self) -> __m512i;
        /// # Safety
        /// AVX2; eight elements.
        unsafe fn eight(src: *const Self) -> __m256i;
    }
    impl Sixteen for f32 {
        #[inline(always)]
        unsafe fn sixteen(src: *const f32) -> __m512i {
            // SAFETY: the caller's promise.
            unsafe { _mm512_cvttps_epi32(_mm512_loadu_ps(src)) }
        }
        #[inline(always)]
        unsafe fn eight(src: *const f32) -> __m256i {
            // SAFETY: the caller's promise.
            unsafe { _mm256_cvttps_epi32(_mm256_loadu_ps(src)) }
        }
    }
    impl Sixteen for f64 {
        #[inline(always)]
        unsafe fn sixteen(src: *const f64) -> __m512i {
            // SAFETY: the caller's promise.
            unsafe {
                let low = _mm512_cvttpd_epi32(_mm512_loadu_pd(src));
                let high = _mm512_cvttpd_epi32(_mm512_loadu_pd(src.add(8)));
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
            }
        }
        #[inline(always)]
        unsafe fn eight(src: *const f64) -> __m256i {
            // SAFETY: the caller's promise.
            unsafe {
                let low = _mm256_cvttpd_epi32(_mm256_loadu_pd(src));
                let high = _mm256_cvttpd_epi32(_mm256_loadu_pd(src.add(4)));
                _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
            }
        }
    }

    /// Casts as many of `n` contiguous elements as are whole sixteens, each of them read before it is written; says how many.
    ///
    /// # Safety
    /// AVX-512 F; `n` elements at both pointers.
    #[target_feature(enable = "avx512f")]
    unsafe fn sixteens<S: Sixteen, D: Low>(src: *const S, dst: *mut D, n: isize) -> isize {
        let whole = n & !15;
        for i in (0..whole).step_by(16) {
            // SAFETY: these are whole sixteens.
            unsafe { D::store(dst.offset(i), S::sixteen(src.offset(i))) };
        }
        whole
    }

    /// [`sixteens`] by eights.
    ///
    /// # Safety
    /// AVX2; `n` elements at both pointers.
    #[target_feature(enable = "avx2")]
    unsafe fn eights<S: Sixteen, D: Low>(src: *const S, dst: *mut D, n: isize) -> isize {
        let whole = n & !7;
        for i in (0..whole).step_by(8) {
            // SAFETY: these are whole eights.
            unsafe { D::store_eight(dst.offset(i), S::eight(src.offset(i))) };
        }
        whole
    }

    /// [`sixteens`] or [`eights`] where the processor has the instructions and operands are contiguous.
    ///
    /// # Safety
    /// `n` elements at both pointers at their strides.
    #[inline(always)]
    unsafe fn wide<S: Sixteen, D: Low>(
        (src, ss): (*const S, isize),
        (dst, ds): (*mut D, isize),
        n: isize,
    ) -> isize {
        let contiguous = ss == size_of::<S>() as isize && ds == size_of::<D>() as isize;
        if !contiguous {
            return 0;
        }
        // SAFETY: the level says that the processor has the instructions.
        unsafe {
            match Level::current().kind() {
                Kind::Avx512 => sixteens(src, dst, n),
                Kind::Avx2 => eights(src, dst, n),
                Kind::Baseline => 0,
            }
        }
    }

    impl Blocks<i32> for f32 {
        #[inline(always)]
        fn one(self) -> i32 {
            self.trunc_i32()
        }
        #[inline(always)]
        unsafe fn four(src: *const f32, dst: *mut i32) {
            // SAFETY: SSE2 is there; the caller's promise.
            unsafe { _mm_storeu_si128(dst.cast(), _mm_cvttps_epi32(_mm_loadu_ps(src))) }
        }
    }

    impl Blocks<i32> for f64 {
        #[inline(always)]
        fn one(self) -> i32 {
            self.trunc_i32()
        }
        #[inline(always)]
        unsafe fn four(src: *const f64, dst: *mut i32) {
            // SAFETY: SSE2 is there; the caller's promise.
            unsafe {
                let low = _mm_cvttpd_epi32(_mm_loadu_pd(src));
                let high = _mm_cvttpd_epi32(_mm_loadu_pd(src.add(2)));
                _mm_storeu_si128(dst.cast(), _mm_unpacklo_epi64(low, high));
            }
        }
    }

    // Out of range, numpy's vectorised conversion to `u32` answers otherwise than its scalar one: the upper half of the
    // range goes through a subtraction of 2^31, everything else through `i32`. It applies to whole blocks of four.
    impl Blocks<u32> for f32 {
        #[inline(always)]
        fn one(self) -> u32 {
            self.trunc_u32()
        }
        #[inline(always)]
        unsafe fn four(src: *const f32, dst: *mut u32) {
            // SAFETY: SSE2 is there; the caller's promise.
            unsafe {
                let (x, top) = (_mm_loadu_ps(src), _mm_set1_ps(2147483648.0));
                let upper = _mm_cmpge_ps(x, top);
                let low = _mm_cvttps_epi32(_mm_sub_ps(x, _mm_and_ps(upper, top)));
                let flip = _mm_slli_epi32::<31>(_mm_castps_si128(upper));
                _mm_storeu_si128(dst.cast(), _mm_xor_si128(low, flip));
            }
        }
    }

    impl Blocks<u32> for f64 {
        #[inline(always)]
        fn one(self) -> u32 {
            self.trunc_u32()
        }
        #[inline(always)]
        unsafe fn four(src: *const f64, dst: *mut u32) {
            // SAFETY: SSE2 is there; the caller's promise.
            unsafe {
                let top = _mm_set1_pd(2147483648.0);
                let two = |x: __m128d| {
                    let upper = _mm_cmpge_pd(x, top);
                    let low = _mm_cvttpd_epi32(_mm_sub_pd(x, _mm_and_pd(upper, top)));
                    // The two 64-bit masks as two 32-bit ones.
                    let flip = _mm_slli_epi32::<31>(_mm_shuffle_epi32::<0b1000>(_mm_castpd_si128(upper)));
                    _mm_xor_si128(low, flip)
                };
                let low = two(_mm_loadu_pd(src));
                let high = two(_mm_loadu_pd(src.add(2)));
                _mm_storeu_si128(dst.cast(), _mm_unpacklo_epi64(low, high));
            }
        }
    }

    /// The low bits of a 32-bit integer.
    pub(super) trait Low: Copy {
        fn low(x: i32) -> Self;
        /// # Safety
        /// AVX-512 F; room for sixteen.
        unsafe fn store(to: *mut Self, x: __m512i);
        /// # Safety
        /// AVX2; room for eight.
        unsafe fn store_eight(to: *mut Self, x: __m256i);
    }

    /// The low bytes of eight integers.
    ///
    /// # Safety
    /// AVX2.
    #[inline(always)]
    unsafe fn bytes(x: __m256i) -> i64 {
        // SAFETY: the caller's promise.
        unsafe {
            let of_each = _mm256_shuffle_epi8(x, _mm256_set1_epi32(0x0c08_0400));
            let pairs =
                _mm_unpacklo_epi32(_mm256_castsi256_si128(of_each), _mm256_extracti128_si256::<1>(of_each));
            _mm_cvtsi128_si64(pairs)
        }
    }

    /// The low halves of eight integers.
    ///
    /// # Safety
    /// AVX2.
    #[inline(always)]
    unsafe fn shorts(x: __m256i) -> __m128i {
        // SAFETY: the caller's promise.
        unsafe {
            let of_each = _mm256_shuffle_epi8(x, _mm256_set1_epi64x(0x0d0c_0908_0504_0100));
            _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b1000>(of_each))
        }
    }
    macro_rules! low {
        ($($t:ty, $v:ty, |$x:ident| $bits:expr, $v8:ty, |$x8:ident| $bits8:expr;)*) => {$(
            impl Low for $t {
                #[inline(always)]
                fn low(x: i32) -> $t {
                    x as $t
                }
                #[inline(always)]
                unsafe fn store(to: *mut $t, $x: __m512i) {
                    // SAFETY: the caller's promise.
                    unsafe { to.cast::<$v>().write_unaligned($bits) }
                }
                #[inline(always)]
                unsafe fn store_eight(to: *mut $t, $x8: __m256i) {
                    // SAFETY: the caller's promise.
                    unsafe { to.cast::<$v8>().write_unaligned($bits8) }
                }
            }
        )*};
    }
    low! {
        i8, __m128i, |x| _mm512_cvtepi32_epi8(x), i64, |x| bytes(x);
        u8, __m128i, |x| _mm512_cvtepi32_epi8(x), i64, |x| bytes(x);
        i16, __m256i, |x| _mm512_cvtepi32_epi16(x), __m128i, |x| shorts(x);
        u16, __m256i, |x| _mm512_cvtepi32_epi16(x), __m128i, |x| shorts(x);
        i32, __m512i, |x| x, __m256i, |x| x;
    }

    /// A cast loop to an integer of at most 32 bits, by way of those.
    ///
    /// # Safety
    /// The contract of `LoopFn`, for aligned operands of these two types.
    pub(super) unsafe extern "C" fn narrow<S: Blocks<i32> + Sixteen, D: Low>(
        _ctx: *const LoopContext,
        data: *const *mut u8,
        dims: *const isize,
        strides: *const isize,
        _aux: *mut c_void,
    ) -> c_int {
        const BLOCK: usize = 64;
        // SAFETY: the loop contract gives two pointers and strides, and `n` aligned elements behind each; blocks end
        // before `n`. A block is read before any of it is written.
        unsafe {
            let (src, dst, n) = (*data, *data.add(1), *dims);
            let (ss, ds) = (*strides, *strides.add(1));
            let mut i = wide::<S, D>((src.cast(), ss), (dst.cast(), ds), n);
            if ss == size_of::<S>() as isize && ds == size_of::<D>() as isize {
                while i + BLOCK as isize <= n {
                    let (from, to) = ((src as *const S).offset(i), (dst as *mut D).offset(i));
                    let mut wide = [0i32; BLOCK];
                    for k in (0..BLOCK).step_by(4) {
                        S::four(from.add(k), wide.as_mut_ptr().add(k));
                    }
                    for k in 0..BLOCK {
                        to.add(k).write(D::low(wide[k]));
                    }
                    i += BLOCK as isize;
                }
            }
            while i < n {
                *(dst.offset(i * ds) as *mut D) = D::low((*(src.offset(i * ss) as *const S)).one());
                i += 1;
            }
        }
        0
    }

    /// A float that is cast to 64 bits.
    pub(super) trait Long<D>: Copy {
        fn one(self) -> D;
        /// # Safety
        /// AVX2; four elements.
        unsafe fn contiguous(src: *const Self) -> __m256d;
        /// # Safety
        /// AVX2; four elements, `stride` bytes apart.
        unsafe fn apart(src: *const u8, stride: isize) -> __m256d;
    }
    macro_rules! long {
        ($($s:ty, $d:ty, $trunc:ident, |$p:ident| $contiguous:expr, |$x:ident| $apart:expr;)*) => {$(
            impl Long<$d> for $s {
                #[inline(always)]
                fn one(self) -> $d {
                    self.$trunc()
                }
                #[inline(always)]
                unsafe fn contiguous($p: *const $s) -> __m256d {
                    // SAFETY: the caller's promise.
                    unsafe { $contiguous }
                }
                #[inline(always)]
                unsafe fn apart(src: *const u8, stride: isize) -> __m256d {
                    // SAFETY: the caller's promise.
                    unsafe {
                        let $x = |i: isize| *src.offset(i * stride).cast::<$s>();
                        $apart
                    }
                }
            }
        )*};
    }
    long! {
        f32, i64, trunc_i64, |p| _mm256_cvtps_pd(_mm_loadu_ps(p)), |x| _mm256_cvtps_pd(_mm_set_ps(x(3), x(2), x(1), x(0)));
        f32, u64, trunc_u64, |p| _mm256_cvtps_pd(_mm_loadu_ps(p)), |x| _mm256_cvtps_pd(_mm_set_ps(x(3), x(2), x(1), x(0)));
        f64, i64, trunc_i64, |p| _mm256_loadu_pd(p), |x| _mm256_set_pd(x(3), x(2), x(1), x(0));
        f64, u64, trunc_u64, |p| _mm256_loadu_pd(p), |x| _mm256_set_pd(x(3), x(2), x(1), x(0));
    }

    /// Casts as many of `n` elements as are whole fours; says how many. Vectors of floats are not converted to 64 bits before
    /// AVX-512, but where magnitudes are below 2^51 an addition makes the integer the low bits of a float. It is the same
    /// with and without a sign, and no such number is out of range.
    ///
    /// # Safety
    /// AVX2; `n` elements, contiguous at `dst`, and at `src` at its stride.
    #[target_feature(enable = "avx2")]
    unsafe fn fours<S: Long<D>, D>((src, ss): (*const u8, isize), dst: *mut D, n: isize) -> isize {
        let whole = n & !3;
        let (top, middle) = (_mm256_set1_pd((1u64 << 51) as f64), _mm256_set1_pd((3u64 << 51) as f64));
        for i in (0..whole).step_by(4) {
            // SAFETY: these are whole fours.
            unsafe {
                let (from, to) = (src.offset(i * ss), dst.offset(i));
                let x = if ss == size_of::<S>() as isize {
                    S::contiguous(from.cast())
                } else {
                    S::apart(from, ss)
                };
                let magnitude = _mm256_andnot_pd(_mm256_set1_pd(-0.0), x);
                if _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(magnitude, top)) == 0b1111 {
                    let cut = _mm256_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(x);
                    let bits = _mm256_castpd_si256(_mm256_add_pd(cut, middle));
                    _mm256_storeu_si256(to.cast(), _mm256_sub_epi64(bits, _mm256_castpd_si256(middle)));
                } else {
                    for k in 0..4 {
                        to.offset(k).write((*from.offset(k * ss).cast::<S>()).one());
                    }
                }
            }
        }
        whole
    }

    /// A cast loop to an integer of 64 bits.
    ///
    /// # Safety
    /// The contract of `LoopFn`, for aligned operands of these two types.
    pub(super) unsafe extern "C" fn long<S: Long<D>, D>(
        _ctx: *const LoopContext,
        data: *const *mut u8,
        dims: *const isize,
        strides: *const isize,
        _aux: *mut c_void,
    ) -> c_int {
        // SAFETY: the loop contract gives two pointers and strides, and `n` aligned elements behind each. Fours are read before
        // they are written. The level says that the processor has the instructions.
        unsafe {
            let (src, dst, n) = (*data, *data.add(1), *dims);
            let (ss, ds) = (*strides, *strides.add(1));
            let in_fours = ds == size_of::<D>() as isize && Level::current().kind() >= Kind::Avx2;
            let done = if in_fours { fours::<S, D>((src, ss), dst.cast(), n) } else { 0 };
            for i in done..n {
                dst.offset(i * ds).cast::<D>().write((*src.offset(i * ss).cast::<S>()).one());
            }
        }
        0
    }

    /// Complex numbers are cut to their real parts first. Compiled C does not read the imaginary part behind the last
    /// element, so its last block is never taken as one.
    impl<T: Blocks<u32>> Blocks<u32> for Complex<T> {
        const REST: isize = 1;
        // Five of the larger ones are too few.
        const LEAST: isize = if size_of::<T>() == 8 { 6 } else { 5 };
        #[inline(always)]
        fn one(self) -> u32 {
            self.re.one()
        }
        #[inline(always)]
        unsafe fn four(src: *const Complex<T>, dst: *mut u32) {
            // SAFETY: the caller's promise; `re` has four elements.
            unsafe {
                let re = [(*src).re, (*src.add(1)).re, (*src.add(2)).re, (*src.add(3)).re];
                T::four(re.as_ptr(), dst);
            }
        }
    }

    /// A cast loop that takes contiguous operands in blocks of four.
    ///
    /// # Safety
    /// The contract of `LoopFn`, for aligned operands of these two types.
    pub(super) unsafe extern "C" fn blocks<S: Blocks<D>, D>(
        _ctx: *const LoopContext,
        data: *const *mut u8,
        dims: *const isize,
        strides: *const isize,
        _aux: *mut c_void,
    ) -> c_int {
        // SAFETY: the loop contract gives two pointers and strides, and `n` aligned elements behind each; blocks end
        // before `n`.
        unsafe {
            let (src, dst, n) = (*data, *data.add(1), *dims);
            let (ss, ds) = (*strides, *strides.add(1));
            let mut i = 0;
            if ss == size_of::<S>() as isize && ds == size_of::<D>() as isize && n >= S::LEAST {
                while i + 4 + S::REST <= n {
                    S::four((src as *const S).offset(i), (dst as *mut D).offset(i));
                    i += 4;
                }
            }
            while i < n {
                *(dst.offset(i * ds) as *mut D) = (*(src.offset(i * ss) as *const S)).one();
                i += 1;
            }
        }
        0
    }
}

/// The loops that have packed instructions.
pub(super) fn block_loop(from: TypeNum, to: TypeNum) -> Option<LoopFn> {
    #[cfg(target_arch = "x86_64")]
    match (from, to) {
        (TypeNum::FLOAT, TypeNum::INT) => return Some(x86::narrow::<f32, i32>),
        (TypeNum::DOUBLE, TypeNum::INT) => return Some(x86::narrow::<f64, i32>),
        (TypeNum::FLOAT, TypeNum::UINT) => return Some(x86::blocks::<f32, u32>),
        (TypeNum::DOUBLE, TypeNum::UINT) => return Some(x86::blocks::<f64, u32>),
        (TypeNum::FLOAT, TypeNum::LONG | TypeNum::LONGLONG) => return Some(x86::long::<f32, i64>),
        (TypeNum::FLOAT, TypeNum::ULONG | TypeNum::ULONGLONG) => return Some(x86::long::<f32, u64>),
        (TypeNum::DOUBLE, TypeNum::LONG | TypeNum::LONGLONG) => return Some(x86::long::<f64, i64>),
        (TypeNum::DOUBLE, TypeNum::ULONG | TypeNum::ULONGLONG) => return Some(x86::long::<f64, u64>),
        (TypeNum::FLOAT, TypeNum::BYTE) => return Some(x86::narrow::<f32, i8>),
        (TypeNum::FLOAT, TypeNum::UBYTE) => return Some(x86::narrow::<f32, u8>),
        (TypeNum::FLOAT, TypeNum::SHORT) => return Some(x86::narrow::<f32, i16>),
        (TypeNum::FLOAT, TypeNum::USHORT) => return Some(x86::narrow::<f32, u16>),
        (TypeNum::DOUBLE, TypeNum::BYTE) => return Some(x86::narrow::<f64, i8>),
        (TypeNum::DOUBLE, TypeNum::UBYTE) => return Some(x86::narrow::<f64, u8>),
        (TypeNum::DOUBLE, TypeNum::SHORT) => return Some(x86::narrow::<f64, i16>),
        (TypeNum::DOUBLE, TypeNum::USHORT) => return Some(x86::narrow::<f64, u16>),
        (TypeNum::CFLOAT, TypeNum::UINT) => return Some(x86::blocks::<Complex32, u32>),
        (TypeNum::CDOUBLE, TypeNum::UINT) => return Some(x86::blocks::<Complex64, u32>),
        _ => {}
    }
    let _ = (from, to);
    None
}

#[cfg(not(target_arch = "x86_64"))]
mod portable {
    use super::Truncate;

    macro_rules! truncate {
        ($($t:ty)*) => {$(
            // `as` saturates, which is what the instructions of the other processors do, status included.
            impl Truncate for $t {
                #[inline(always)]
                fn trunc_i32(self) -> i32 {
                    self as i32
                }
                #[inline(always)]
                fn trunc_i64(self) -> i64 {
                    self as i64
                }
                #[inline(always)]
                fn trunc_u32(self) -> u32 {
                    self as u32
                }
                #[inline(always)]
                fn trunc_u64(self) -> u64 {
                    self as u64
                }
            }
        )*};
    }
    truncate!(f32 f64);
}
