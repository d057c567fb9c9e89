//! Elementary functions of `f32` and `f64`, many elements at a time.
//!
//! A function has two implementations. *Lane code* is branch-free Rust on one number, which the compiler turns into
//! vector instructions at each [`Level`] with fused multiply-add. It answers NaN, infinity, zero or
//! a subnormal number wherever it is not sure: out of its range, at singularities, where a status flag is due. Every
//! element with such an answer is computed again by the *careful* implementation, which is the C library, and which
//! alone decides about special values and the floating-point status; what the lanes raised is forgotten. Levels without
//! fused multiply-add use the careful implementation for everything. Where AVX-512 has instructions that the compiler
//! does not make of lane code, a function may have a third implementation, [`Unary::EIGHT`], in place of its lane code.
//!
//! So the bits of a result depend on the operands and the level, never on position, count, stride or alignment.
//!
//! Errors are below one unit in the last place; `ACCURACY.md` beside this file has the measured maxima.

// Two comparisons joined by `&` have no branch between them.
#![allow(clippy::manual_range_contains)]

mod arc;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod divide;
mod edges;
mod exp;
mod hyperbolic;
mod log;
#[cfg(target_arch = "x86_64")]
mod log_avx512;
pub mod loops;
mod pair;
mod power;
mod trig;

use core::mem::MaybeUninit;

use edges::{Edge, Edges};

use crate::cpu::Level;
use crate::elem::{Elem, Real};
use crate::ops::divide::{FloorDivide, Fmod, Remainder, floor_divide, remainder};
use crate::ops::math::*;
use crate::ops::power::Power;

/// Which answers of the lanes stand, besides normal numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// None.
    Normal,
    /// Zeros, which are exact where the lanes give them.
    OrZero,
    /// All finite numbers: the operation is exact or reports nothing about small results.
    Finite,
}

/// A function of eight numbers, which needs AVX-512.
#[cfg(target_arch = "x86_64")]
pub type Eight = unsafe fn(core::arch::x86_64::__m512d) -> core::arch::x86_64::__m512d;

/// A function of one real number.
pub trait Unary: 'static {
    const SETTLED: Settled;
    const EDGES: Edges;
    /// Takes the place of [`Unary::lane`] at the level of AVX-512, for functions that need its instructions by name.
    #[cfg(target_arch = "x86_64")]
    const EIGHT: Option<Eight> = None;
    fn lane(x: f64) -> f64;
    fn lane_f32(x: f32) -> f32;
    fn careful<T: Real>(x: T) -> T;
}

/// A function of two real numbers.
pub trait Binary: 'static {
    const SETTLED: Settled;
    fn lane(a: f64, b: f64) -> f64;
    #[inline(always)]
    fn lane_f32(a: f32, b: f32) -> f32 {
        Self::lane(a.into(), b.into()) as f32
    }
    fn careful<T: Real>(a: T, b: T) -> T;
}

/// The types there is lane code for.
pub trait Lane: Real {
    fn unary<Op: Unary>(self) -> Self;
    fn binary<Op: Binary>(self, other: Self) -> Self;
    /// One of two values, both already computed.
    fn select(condition: bool, yes: Self, no: Self) -> Self;
    fn is_settled(self, settled: Settled) -> bool;
    fn is_quiet_nan(self) -> bool;
    fn limit(edge: &Edge) -> Self;
    /// A block through [`Unary::EIGHT`]; says whether there is such a function.
    ///
    /// # Safety
    /// The processor has the instructions of [`Kind::Avx512`](crate::cpu::Kind::Avx512).
    #[cfg(target_arch = "x86_64")]
    unsafe fn eights<Op: Unary>(_x: &[Self], _y: &mut [MaybeUninit<Self>]) -> bool {
        false
    }
    /// [`Lane::is_settled`] of all.
    ///
    /// # Safety
    /// As of [`Lane::eights`].
    #[cfg(target_arch = "x86_64")]
    unsafe fn are_settled_avx512(y: &[Self], settled: Settled) -> bool;
}

macro_rules! lane {
    ($($t:ident $method:ident $limit:ident $are_settled:ident $(, $eights:ident)?;)*) => {$(
        impl Lane for $t {
            #[inline(always)]
            fn unary<Op: Unary>(self) -> $t {
                Op::$method(self)
            }
            #[inline(always)]
            fn binary<Op: Binary>(self, other: $t) -> $t {
                Op::$method(self, other)
            }
            #[inline(always)]
            fn select(condition: bool, yes: $t, no: $t) -> $t {
                core::hint::select_unpredictable(condition, yes, no)
            }
            #[inline(always)]
            fn is_settled(self, settled: Settled) -> bool {
                let size = self.abs();
                match settled {
                    Settled::Normal => (size >= $t::MIN_POSITIVE) & (size < $t::INFINITY),
                    Settled::OrZero => (size >= $t::MIN_POSITIVE) & (size < $t::INFINITY) | (size == 0.0),
                    Settled::Finite => size < $t::INFINITY,
                }
            }
            #[inline(always)]
            fn is_quiet_nan(self) -> bool {
                // The highest bit of the significand, which infinity does not have.
                self.to_bits() << 1 >= $t::NAN.to_bits() << 1
            }
            #[inline(always)]
            fn limit(edge: &Edge) -> $t {
                edge.$limit as $t
            }
            $(#[cfg(target_arch = "x86_64")]
            #[inline(always)]
            unsafe fn eights<Op: Unary>(x: &[$t], y: &mut [MaybeUninit<$t>]) -> bool {
                // SAFETY: the caller's promise.
                unsafe { avx512::$eights::<Op>(x, y) }
            })?
            #[cfg(target_arch = "x86_64")]
            #[inline(always)]
            unsafe fn are_settled_avx512(y: &[$t], settled: Settled) -> bool {
                // SAFETY: the caller's promise.
                unsafe { avx512::$are_settled(y, settled) }
            }
        }
    )*};
}
lane! {
    f32 lane_f32 limit_f32 are_settled_f32;
    f64 lane limit are_settled_f64, apply;
}

/// What an element in memory is computed in.
pub trait Stored: Elem {
    type Lane: Lane;
    fn widen(self) -> Self::Lane;
    fn narrow(x: Self::Lane) -> Self;
    /// [`Stored::widen`] for each element of equally long slices.
    fn widen_all(level: Level, x: &[Self], y: &mut [MaybeUninit<Self::Lane>]);
    /// [`Stored::narrow`] likewise.
    fn narrow_all(level: Level, x: &[Self::Lane], y: &mut [MaybeUninit<Self>]);
}

macro_rules! unary {
    ($($op:ident = $careful:ident, $settled:ident, $edges:expr, $lane:path, $lane_f32:path $(=> $eight:expr)?;)*) => {$(
        impl Unary for $op {
            const SETTLED: Settled = Settled::$settled;
            const EDGES: Edges = $edges;
            $(#[cfg(target_arch = "x86_64")]
            const EIGHT: Option<Eight> = Some($eight);)?
            #[inline(always)]
            fn lane(x: f64) -> f64 {
                $lane(x)
            }
            #[inline(always)]
            fn lane_f32(x: f32) -> f32 {
                $lane_f32(x)
            }
            fn careful<T: Real>(x: T) -> T {
                Real::$careful(x)
            }
        }
    )*};
}
unary! {
    Exp = exp, Normal, Edges::EXP, exp::exp, exp::exp_f32;
    Exp2 = exp2, Normal, Edges::EXP2, exp::exp2, exp::exp2_f32;
    Expm1 = expm1, OrZero, Edges::EXPM1, exp::expm1, exp::expm1_f32;
    Log = log, OrZero, Edges::above(0.0), log::log, log::log_f32 => log_avx512::log::<log_avx512::Natural>;
    Log2 = log2, OrZero, Edges::above(0.0), log::log2, log::log2_f32 => log_avx512::log::<log_avx512::Binary>;
    Log10 = log10, OrZero, Edges::above(0.0), log::log10, log::log10_f32 => log_avx512::log::<log_avx512::Decimal>;
    Log1p = log1p, OrZero, Edges::above(-1.0), log::log1p, log::log1p_f32;
    Sin = sin, OrZero, Edges::FINITE, trig::sin, trig::sin_f32;
    Cos = cos, Normal, Edges::FINITE, trig::cos, trig::cos_f32;
    Tan = tan, OrZero, Edges::FINITE, trig::tan, trig::tan_f32;
    Arcsin = asin, OrZero, Edges::UNIT, arc::arcsin, arc::arcsin_f32;
    Arccos = acos, OrZero, Edges::UNIT, arc::arccos, arc::arccos_f32;
    Arctan = atan, OrZero, Edges::NONE, arc::arctan, arc::arctan_f32;
    Sinh = sinh, OrZero, Edges::SINH, hyperbolic::sinh, hyperbolic::sinh_f32;
    Cosh = cosh, Normal, Edges::COSH, hyperbolic::cosh, hyperbolic::cosh_f32;
    Tanh = tanh, OrZero, Edges::NONE, hyperbolic::tanh, hyperbolic::tanh_f32;
    Arcsinh = asinh, OrZero, Edges::NONE, hyperbolic::arcsinh, hyperbolic::arcsinh_f32;
    Arccosh = acosh, Normal, Edges::FROM_ONE, hyperbolic::arccosh, hyperbolic::arccosh_f32;
    Arctanh = atanh, OrZero, Edges::OPEN_UNIT, hyperbolic::arctanh, hyperbolic::arctanh_f32;
    Cbrt = cbrt, OrZero, Edges::NONE, power::cbrt, power::cbrt_f32;
}

macro_rules! binary {
    ($($op:ident = $careful:path, $settled:ident, $lane:path $(, $lane_f32:path)?;)*) => {$(
        impl Binary for $op {
            const SETTLED: Settled = Settled::$settled;
            #[inline(always)]
            fn lane(a: f64, b: f64) -> f64 {
                $lane(a, b)
            }
            $(#[inline(always)]
            fn lane_f32(a: f32, b: f32) -> f32 {
                $lane_f32(a, b)
            })?
            fn careful<T: Real>(a: T, b: T) -> T {
                $careful(a, b)
            }
        }
    )*};
}
binary! {
    Arctan2 = Real::atan2, OrZero, arc::arctan2, arc::arctan2_f32;
    Power = power::careful, Normal, power::power, power::power_f32;
    Hypot = Real::hypot, OrZero, power::hypot, power::hypot_f32;
    Fmod = Real::fmod, Finite, divide::fmod, divide::fmod_f32;
    Remainder = remainder, Finite, divide::remainder, divide::remainder_f32;
    FloorDivide = floor_divide, Finite, divide::floor_divide, divide::floor_divide_f32;
    LogAddExp = log_add_exp, Normal, divide::logaddexp, divide::logaddexp_f32;
    LogAddExp2 = log_add_exp2, Normal, divide::logaddexp2, divide::logaddexp2_f32;
}

#[cfg(test)]
mod tests;
