//! Blocks of numbers with AVX-512, where its instructions are asked for by name.

use core::arch::x86_64::*;
use core::mem::MaybeUninit;

use super::{Settled, Unary};

/// All of `x` through [`Unary::EIGHT`], if there is such a function.
#[target_feature(enable = "avx512f,avx512cd,avx512dq,avx512vl,avx512bw,avx2,fma,f16c,bmi1,bmi2,lzcnt")]
pub(super) fn apply<Op: Unary>(x: &[f64], y: &mut [MaybeUninit<f64>]) -> bool {
    let Some(function) = Op::EIGHT else { return false };
    assert_eq!(x.len(), y.len());
    let mut i = 0;
    while i + 8 <= x.len() {
        // SAFETY: eight elements from `i` on; `function` needs no more features than this one has.
        unsafe {
            _mm512_storeu_pd(y.as_mut_ptr().add(i).cast(), function(_mm512_loadu_pd(x.as_ptr().add(i))))
        };
        i += 8;
    }
    if i < x.len() {
        let rest = (1 << (x.len() - i)) - 1;
        // SAFETY: the mask has the elements left; as above.
        unsafe {
            let value = function(_mm512_maskz_loadu_pd(rest, x.as_ptr().add(i)));
            _mm512_mask_storeu_pd(y.as_mut_ptr().add(i).cast(), rest, value);
        }
    }
    true
}

/// Classes that do not stand. Bits, lowest first: quiet NaN, zero, negative zero, infinity, negative infinity, subnormal,
/// negative, signalling NaN.
const NOT_NORMAL: i32 = 0b1011_1111;
const NOT_NORMAL_OR_ZERO: i32 = 0b1011_1001;
const NOT_FINITE: i32 = 0b1001_1001;

macro_rules! are_settled {
    ($($name:ident: $t:ty, $n:literal, $load:ident, $class:ident, $mask:ty;)*) => {$(
        /// Whether all of `y` stand.
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
        pub(super) fn $name(y: &[$t], settled: Settled) -> bool {
            #[inline]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
            fn none<const CLASSES: i32>(y: &[$t]) -> bool {
                let mut found = 0;
                let mut i = 0;
                while i + $n <= y.len() {
                    // SAFETY: that many elements from `i` on.
                    found |= $class::<CLASSES>(unsafe { $load(<$mask>::MAX, y.as_ptr().add(i)) });
                    i += $n;
                }
                if i < y.len() {
                    let rest = (1 << (y.len() - i)) - 1;
                    // SAFETY: the mask has the elements left.
                    found |= $class::<CLASSES>(unsafe { $load(rest, y.as_ptr().add(i)) }) & rest;
                }
                found == 0
            }
            match settled {
                Settled::Normal => none::<NOT_NORMAL>(y),
                Settled::OrZero => none::<NOT_NORMAL_OR_ZERO>(y),
                Settled::Finite => none::<NOT_FINITE>(y),
            }
        }
    )*};
}
are_settled! {
    are_settled_f64: f64, 8, _mm512_maskz_loadu_pd, _mm512_fpclass_pd_mask, __mmask8;
    are_settled_f32: f32, 16, _mm512_maskz_loadu_ps, _mm512_fpclass_ps_mask, __mmask16;
}
