//! Blocks of numbers through the functions of eight, for AVX-512.

use core::arch::x86_64::*;
use core::mem::MaybeUninit;

use super::{Settled, Unary};
use crate::cpu::{Kind, Level};

/// As the lanes do it: results for all of `x`, and whether they are settled.
#[inline(always)]
pub(super) fn block<Op: Unary>(level: Level, x: &[f64], y: &mut [MaybeUninit<f64>]) -> Option<bool> {
    (Op::EIGHT.is_some() && level.kind() == Kind::Avx512).then(|| {
        assert_eq!(x.len(), y.len());
        // SAFETY: the level says that the processor has the instructions.
        unsafe { by_eight::<Op>(x, y) }
    })
}

/// # Safety
/// `x` and `y` have the same length.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
unsafe fn by_eight<Op: Unary>(x: &[f64], y: &mut [MaybeUninit<f64>]) -> bool {
    let Some(function) = Op::EIGHT else { return false };
    let mut unsettled = 0;
    let mut i = 0;
    while i + 8 <= x.len() {
        // SAFETY: eight elements from `i` on; this function has the features that `function` asks for.
        unsafe {
            let value = function(_mm512_loadu_pd(x.as_ptr().add(i)));
            _mm512_storeu_pd(y.as_mut_ptr().add(i).cast(), value);
            unsettled |= unsettled_of(Op::SETTLED, value);
        }
        i += 8;
    }
    if i < x.len() {
        let rest = (1u8 << (x.len() - i)) - 1;
        // SAFETY: the mask has the elements left.
        unsafe {
            let value = function(_mm512_maskz_loadu_pd(rest, x.as_ptr().add(i)));
            _mm512_mask_storeu_pd(y.as_mut_ptr().add(i).cast(), rest, value);
            unsettled |= unsettled_of(Op::SETTLED, value) & rest;
        }
    }
    unsettled == 0
}

/// Which numbers do not stand. Bits of the classes, lowest first: quiet NaN, zero, negative zero, infinity, negative
/// infinity, subnormal, negative, signalling NaN.
#[inline]
#[target_feature(enable = "avx512dq")]
fn unsettled_of(settled: Settled, value: __m512d) -> __mmask8 {
    match settled {
        Settled::Normal => _mm512_fpclass_pd_mask::<0b1011_1111>(value),
        Settled::OrZero => _mm512_fpclass_pd_mask::<0b1011_1001>(value),
        Settled::Finite => _mm512_fpclass_pd_mask::<0b1001_1001>(value),
    }
}
