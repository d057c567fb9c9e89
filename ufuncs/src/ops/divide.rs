//! Division with remainder, in numpy's three flavours: `floor_divide`, `remainder` and `divmod` round the quotient
//! down as Python does, `fmod` truncates as C does.

use super::{BinaryOp, BinaryPairOp, binary};
use crate::elem::{LongDouble, Real, f16, float16};
use crate::fpstatus;

pub struct FloorDivide;
pub struct Remainder;
pub struct Fmod;
pub struct Divmod;

#[cold]
#[inline(never)]
fn by_zero() {
    fpstatus::raise(fpstatus::DIVIDEBYZERO);
}

#[cold]
#[inline(never)]
fn too_large() {
    fpstatus::raise(fpstatus::OVERFLOW);
}

macro_rules! signed {
    ($($t:ident),*) => {$(
        binary!(FloorDivide for [$t] |a, b| <Divmod as BinaryPairOp<$t>>::apply(a, b).0);
        binary!(Remainder for [$t] |a, b| {
            if b == 0 {
                by_zero();
                0
            } else {
                // MIN % -1 wraps to 0, which is right, and needs no flag.
                let r = a.wrapping_rem(b);
                if r != 0 && (r < 0) != (b < 0) { r + b } else { r }
            }
        });
        binary!(Fmod for [$t] |a, b| {
            if b == 0 {
                by_zero();
                0
            } else {
                a.wrapping_rem(b)
            }
        });
        impl BinaryPairOp<$t> for Divmod {
            type Out0 = $t;
            type Out1 = $t;
            #[inline(always)]
            fn apply(a: $t, b: $t) -> ($t, $t) {
                if b == 0 {
                    by_zero();
                    return (0, 0);
                }
                if a == $t::MIN && b == -1 {
                    too_large();
                    return ($t::MIN, 0);
                }
                let (q, r) = (a / b, a % b);
                if r != 0 && (r < 0) != (b < 0) { (q - 1, r + b) } else { (q, r) }
            }
        }
    )*};
}
signed!(i8, i16, i32, i64);

macro_rules! unsigned {
    ($($t:ident),*) => {$(
        binary!(FloorDivide for [$t] |a, b| a.checked_div(b).unwrap_or_else(|| {
            by_zero();
            0
        }));
        binary!(Remainder for [$t] |a, b| a.checked_rem(b).unwrap_or_else(|| {
            by_zero();
            0
        }));
        binary!(Fmod for [$t] |a, b| <Remainder as BinaryOp<$t>>::apply(a, b));
        impl BinaryPairOp<$t> for Divmod {
            type Out0 = $t;
            type Out1 = $t;
            #[inline(always)]
            fn apply(a: $t, b: $t) -> ($t, $t) {
                if b == 0 {
                    by_zero();
                    return (0, 0);
                }
                (a / b, a % b)
            }
        }
    )*};
}
unsigned!(u8, u16, u32, u64);

/// Quotient rounded down and remainder with the sign of the divisor. The quotient is computed from the exact
/// remainder, then rounded; zeros get the sign the true quotient would have.
///
/// Not inlined into loops: `a / b` happens only on some paths and must not be speculated. Comparisons come after the
/// test for NaN, because vectorised ones are signalling.
#[inline(never)]
fn divmod<T: Real>(a: T, b: T) -> (T, T) {
    let (zero, one) = (T::ZERO, T::from_f64(1.0));
    let mut r = a.fmod(b);
    if !b.is_nonzero() {
        return (a / b, r);
    }
    if r.is_nan() {
        return (r, r);
    }
    let mut q = (a - r) / b;
    if r.is_nonzero() {
        if b.signbit() != r.signbit() {
            r = r + b;
            q = q - one;
        }
    } else {
        r = zero.copysign(b);
    }
    if q.is_nonzero() {
        // `q` is an integer up to one rounding error.
        let mut whole = q.floor();
        if q - whole > T::from_f64(0.5) {
            whole = whole + one;
        }
        q = whole;
    } else {
        q = zero.copysign(a / b);
    }
    (q, r)
}

#[inline(never)]
pub(crate) fn floor_divide<T: Real>(a: T, b: T) -> T {
    // No `fmod`, which would also raise "invalid".
    if b.is_nonzero() { divmod(a, b).0 } else { a / b }
}

/// The remainder alone, without the quotient's overflows and underflows.
#[inline(never)]
pub(crate) fn remainder<T: Real>(a: T, b: T) -> T {
    let r = a.fmod(b);
    if !b.is_nonzero() || r.is_nan() {
        r
    } else if !r.is_nonzero() {
        T::ZERO.copysign(b)
    } else if b.signbit() != r.signbit() {
        r + b
    } else {
        r
    }
}

binary!(FloorDivide for [LongDouble] |a, b| floor_divide(a, b));
binary!(Remainder for [LongDouble] |a, b| remainder(a, b));
binary!(Fmod for [LongDouble] |a, b| a.fmod(b));

macro_rules! float_divmod {
    ($($t:ty),*) => {$(
        impl BinaryPairOp<$t> for Divmod {
            type Out0 = $t;
            type Out1 = $t;
            #[inline]
            fn apply(a: $t, b: $t) -> ($t, $t) {
                divmod(a, b)
            }
        }
    )*};
}
float_divmod!(f32, f64, LongDouble);

impl BinaryPairOp<f16> for Divmod {
    type Out0 = f16;
    type Out1 = f16;
    fn apply(a: f16, b: f16) -> (f16, f16) {
        let (q, r) = divmod(float16::to_f32(a), float16::to_f32(b));
        (float16::from_f32(q), float16::from_f32(r))
    }
}
