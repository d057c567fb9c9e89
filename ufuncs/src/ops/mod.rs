//! What an operation means for one pair of elements.
//!
//! An operation is a type; the trait it implements says what it does to each element type. Loops ([`crate::loops`])
//! turn `Op` and element types into functions for the table; scalar objects and constant folding may call `apply`
//! directly and get the same bits.
//!
//! Three rules hold everywhere:
//! * integers wrap, and integer trouble is raised in the floating-point status ([`crate::fpstatus`]); an operation says
//!   which bits it raises (`apply_status`), so that a loop of it becomes vectors and raises once;
//! * `f16` is computed in `f32` and rounded once at the end, unless the operation works on its bits;
//! * an operation that divides only behind a condition keeps the division out of reach of if-conversion (it is marked
//!   at the spot), because a speculated division raises flags nobody asked for.

pub mod arith;
pub mod bits;
pub mod compare;
pub mod complex;
pub mod divide;
pub mod float;
pub mod integer;
pub mod math;
pub mod minmax;
pub mod power;
pub mod time;

use crate::elem::Elem;
use crate::loops::load;

/// One input, one output.
pub trait UnaryOp<A: Elem> {
    type Out: Elem;
    fn apply(a: A) -> Self::Out;

    /// [`UnaryOp::apply`] with the status it would raise.
    #[inline(always)]
    fn apply_status(a: A) -> (Self::Out, u32) {
        (Self::apply(a), 0)
    }
}

/// One input, two outputs.
pub trait UnaryPairOp<A: Elem> {
    type Out0: Elem;
    type Out1: Elem;
    fn apply(a: A) -> (Self::Out0, Self::Out1);

    /// The results with the status `apply` would raise.
    #[inline(always)]
    fn apply_status(a: A) -> ((Self::Out0, Self::Out1), u32) {
        (Self::apply(a), 0)
    }
}

/// Two inputs, one output.
pub trait BinaryOp<A: Elem, B: Elem = A> {
    type Out: Elem;
    /// Whether it costs more than moving its operands, so that strided ones are worth gathering into vectors.
    const COSTLY: bool = false;
    /// Whether folding a row is folding its pieces one after the other. Pairwise sums are not.
    const FOLDS_IN_PIECES: bool = true;
    /// Whether the result is one of the operands, chosen without an instruction of its own. If that one is where the result goes,
    /// compilers write only the others, by a masked store.
    const SELECTS: bool = false;
    /// Whether no element can change this result of a fold any more.
    #[inline(always)]
    fn is_final(_acc: Self::Out) -> bool {
        false
    }
    fn apply(a: A, b: B) -> Self::Out;

    /// [`BinaryOp::apply`] with the status it would raise.
    #[inline(always)]
    fn apply_status(a: A, b: B) -> (Self::Out, u32) {
        (Self::apply(a, b), 0)
    }

    /// Folds `n` elements into `acc`, in order unless the operation knows better.
    ///
    /// # Safety
    /// `n` elements of type `B` are readable at `p`, `stride` bytes apart.
    #[inline(always)]
    unsafe fn reduce(acc: A, p: *const u8, n: usize, stride: isize) -> A
    where
        Self: BinaryOp<A, B, Out = A>,
    {
        let mut acc = acc;
        if stride == size_of::<B>() as isize {
            // SAFETY: contiguous elements, promised readable; nothing is written meanwhile.
            for &b in unsafe { core::slice::from_raw_parts(p.cast::<B>(), n) } {
                acc = Self::apply(acc, b);
            }
        } else {
            let mut p = p;
            for _ in 0..n {
                // SAFETY: one of the promised elements; `wrapping_offset` may leave the array only after the last.
                acc = Self::apply(acc, unsafe { load(p) });
                p = p.wrapping_offset(stride);
            }
        }
        acc
    }
}

/// Two inputs, two outputs.
pub trait BinaryPairOp<A: Elem, B: Elem = A> {
    type Out0: Elem;
    type Out1: Elem;
    fn apply(a: A, b: B) -> (Self::Out0, Self::Out1);

    /// The results with the status `apply` would raise.
    #[inline(always)]
    fn apply_status(a: A, b: B) -> ((Self::Out0, Self::Out1), u32) {
        (Self::apply(a, b), 0)
    }
}

/// Three inputs of one type, one output of it.
pub trait TernaryOp<A: Elem> {
    fn apply(a: A, b: A, c: A) -> A;
    /// The same where the last two operands are those of all elements.
    #[inline(always)]
    fn apply_fixed(a: A, b: A, c: A) -> A {
        Self::apply(a, b, c)
    }
}

/// `unary!(Op for [types] |a| expr)`: same type out; `-> Out` before the bar for another output type.
macro_rules! unary {
    ($op:ident for [$($t:ty),*] -> $out:ty, |$a:ident| $e:expr) => {$(
        impl $crate::ops::UnaryOp<$t> for $op {
            type Out = $out;
            #[inline(always)]
            fn apply($a: $t) -> $out { $e }
        }
    )*};
    ($op:ident for [$($t:ty),*] |$a:ident| $e:expr) => {$(
        $crate::ops::unary!($op for [$t] -> $t, |$a| $e);
    )*};
}

/// `binary!(Op for [types] |a, b| expr)`: all operands of one type; `-> Out` for another output type.
macro_rules! binary {
    ($op:ident for [$($t:ty),*] -> $out:ty, |$a:ident, $b:ident| $e:expr) => {$(
        impl $crate::ops::BinaryOp<$t> for $op {
            type Out = $out;
            #[inline(always)]
            fn apply($a: $t, $b: $t) -> $out { $e }
        }
    )*};
    ($op:ident for [$($t:ty),*] |$a:ident, $b:ident| $e:expr) => {$(
        $crate::ops::binary!($op for [$t] -> $t, |$a, $b| $e);
    )*};
}

/// `binary_mixed!(Op (A, B) -> Out, |a, b| expr)`.
macro_rules! binary_mixed {
    ($op:ident ($ta:ty, $tb:ty) -> $out:ty, |$a:ident, $b:ident| $e:expr) => {
        impl $crate::ops::BinaryOp<$ta, $tb> for $op {
            type Out = $out;
            #[inline(always)]
            fn apply($a: $ta, $b: $tb) -> $out {
                $e
            }
        }
    };
}

/// `unary_status!(Op for [types] |a| expr)`: the value and the status bits it raises.
macro_rules! unary_status {
    ($op:ident for [$($t:ty),*] |$a:ident| $e:expr) => {$(
        impl $crate::ops::UnaryOp<$t> for $op {
            type Out = $t;
            #[inline]
            fn apply(a: $t) -> $t {
                $crate::fpstatus::reported(Self::apply_status(a))
            }
            #[inline(always)]
            fn apply_status($a: $t) -> ($t, u32) { $e }
        }
    )*};
}

/// `binary_status!(Op for [types] |a, b| expr)`: likewise, for operations that cost something.
macro_rules! binary_status {
    ($op:ident for [$($t:ty),*] |$a:ident, $b:ident| $e:expr) => {$(
        impl $crate::ops::BinaryOp<$t> for $op {
            type Out = $t;
            const COSTLY: bool = true;
            #[inline]
            fn apply(a: $t, b: $t) -> $t {
                $crate::fpstatus::reported(Self::apply_status(a, b))
            }
            #[inline(always)]
            fn apply_status($a: $t, $b: $t) -> ($t, u32) { $e }
        }
    )*};
}

/// The operations on `f16` that are the `f32` operation between two conversions.
macro_rules! unary_via_f32 {
    ($($op:ident),*) => {$(
        $crate::ops::unary_status!($op for [$crate::elem::f16] |a| {
            use $crate::elem::float16::{rounded, to_f32};
            rounded(<$op as $crate::ops::UnaryOp<f32>>::apply(to_f32(a)))
        });
    )*};
}
macro_rules! binary_via_f32 {
    ($($op:ident),*) => {$(
        $crate::ops::binary_status!($op for [$crate::elem::f16] |a, b| {
            use $crate::elem::float16::{rounded, to_f32};
            rounded(<$op as $crate::ops::BinaryOp<f32>>::apply(to_f32(a), to_f32(b)))
        });
    )*};
}

use binary;
use binary_mixed;
use binary_status;
use binary_via_f32;
use unary;
use unary_status;
use unary_via_f32;

#[cfg(test)]
mod tests;
