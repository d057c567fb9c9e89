//! Division with remainder, in numpy's three flavours: `floor_divide`, `remainder` and `divmod` round the quotient
//! down as Python does, `fmod` truncates as C does.

use core::convert::Infallible;
use core::hint::select_unpredictable;

use super::{BinaryOp, BinaryPairOp, binary, binary_status};
use crate::elem::{Elem, LongDouble, Real, f16, float16};
use crate::fpstatus;

pub struct FloorDivide;
pub struct Remainder;
pub struct Fmod;
pub struct Divmod;

/// An integer type with its truncated division.
///
/// No processor divides vectors of integers, but all of them divide vectors of floats, and a float whose significand
/// holds the operands gives the exact quotient: where `a / b` is not whole it is at least `1 / b` away from the next
/// whole number, which is more than the rounding error. 64 bits have no such float.
pub trait Divisible: RoundDown {
    /// What is known of a divisor that serves many dividends.
    type Inverse: Copy;
    /// `None` where a division costs no more.
    fn inverse(b: Self) -> Option<Self::Inverse>;
    /// Whether it is that of a positive number.
    #[inline(always)]
    fn is_positive(_inverse: Self::Inverse) -> bool {
        true
    }
    /// The quotient towards zero.
    fn quotient_by(a: Self, inverse: Self::Inverse) -> Self;
    /// The quotient rounded down.
    #[inline(always)]
    fn floor_by(a: Self, b: Self, inverse: Self::Inverse) -> Self {
        Self::round_down(a, b, Self::quotient_by(a, inverse)).0
    }

    /// `a / b` towards zero.
    ///
    /// # Safety
    /// `b` is not zero, and the quotient fits the type.
    unsafe fn quotient(a: Self, b: Self) -> Self;
}

macro_rules! divisible {
    ($($t:ty as $float:ty;)*) => {$(
        impl Divisible for $t {
            type Inverse = Infallible;
            #[inline(always)]
            fn inverse(_b: $t) -> Option<Infallible> {
                None
            }
            #[inline(always)]
            fn quotient_by(_a: $t, inverse: Infallible) -> $t {
                match inverse {}
            }
            #[inline(always)]
            unsafe fn quotient(a: $t, b: $t) -> $t {
                let quotient = a as $float / b as $float;
                // SAFETY: the caller's promise: it is finite and fits.
                unsafe { quotient.to_int_unchecked() }
            }
        }
    )*};
}
divisible! { i8 as f32; u8 as f32; i16 as f32; u16 as f32; }

impl Divisible for u32 {
    type Inverse = ShortInverse;
    #[inline]
    fn inverse(b: u32) -> Option<ShortInverse> {
        (b > 1).then(|| ShortInverse::new(b, false))
    }
    #[inline(always)]
    fn quotient_by(a: u32, inverse: ShortInverse) -> u32 {
        inverse.quotient(a)
    }
    #[inline(always)]
    unsafe fn quotient(a: u32, b: u32) -> u32 {
        // Only a divisor of one leaves what does not fit a signed integer, and below AVX-512 there are no conversions to
        // others: in their place stands one that is "invalid" for large numbers.
        let one = b == 1;
        let quotient = f64::from(a) / f64::from(b.wrapping_add(u32::from(one)));
        // SAFETY: the divisor is at least two, so the quotient is below 2^31.
        let quotient = unsafe { quotient.to_int_unchecked::<i32>() } as u32;
        select_unpredictable(one, a, quotient)
    }
}

impl Divisible for i32 {
    type Inverse = ShortInverse;
    #[inline]
    fn inverse(b: i32) -> Option<ShortInverse> {
        (b.unsigned_abs() > 1).then(|| ShortInverse::new(b.unsigned_abs(), b < 0))
    }
    #[inline(always)]
    fn is_positive(inverse: ShortInverse) -> bool {
        inverse.flip == 0
    }
    #[inline(always)]
    fn floor_by(a: i32, b: i32, inverse: ShortInverse) -> i32 {
        if inverse.flip == 0 {
            // Complements as of 64 bits. They leave 31 bits of the dividend, and for so many the factor has 32.
            let below = a >> 31;
            let product = u64::from((a ^ below) as u32) * u64::from(inverse.floor_factor);
            return (product >> (inverse.shift + 32)) as i32 ^ below;
        }
        Self::round_down(a, b, Self::quotient_by(a, inverse)).0
    }
    #[inline(always)]
    fn quotient_by(a: i32, inverse: ShortInverse) -> i32 {
        let flip = (a >> 31) ^ inverse.flip;
        (inverse.quotient(a.unsigned_abs()) as i32 ^ flip).wrapping_sub(flip)
    }
    #[inline(always)]
    unsafe fn quotient(a: i32, b: i32) -> i32 {
        // SAFETY: as above.
        unsafe { (f64::from(a) / f64::from(b)).to_int_unchecked() }
    }
}

/// [`Inverse`] for 32 bits.
#[derive(Clone, Copy)]
pub struct ShortInverse {
    factor: u32,
    shift: u32,
    /// `2^(32 + shift) / d`, rounded up, for dividends below `2^31`.
    floor_factor: u32,
    /// All bits set for a negative divisor.
    flip: i32,
}

impl ShortInverse {
    fn new(d: u32, negative: bool) -> ShortInverse {
        let l = 32 - (d - 1).leading_zeros();
        let missing = (1u64 << l) - u64::from(d);
        ShortInverse {
            factor: ((missing << 32) / u64::from(d)) as u32 + 1,
            shift: l - 1,
            // (By a power of two it is one more than that, which serves as well.)
            floor_factor: ((1u64 << (31 + l)) / u64::from(d)) as u32 + 1,
            flip: -i32::from(negative),
        }
    }
    #[inline(always)]
    fn quotient(self, a: u32) -> u32 {
        let high = ((u64::from(self.factor) * u64::from(a)) >> 32) as u32;
        (high + ((a - high) >> 1)) >> self.shift
    }
}

impl Divisible for u64 {
    type Inverse = Inverse;
    #[inline]
    fn inverse(b: u64) -> Option<Inverse> {
        (b > 1).then(|| Inverse::new(b, false))
    }
    #[inline(always)]
    fn quotient_by(a: u64, inverse: Inverse) -> u64 {
        inverse.quotient(a)
    }
    #[inline(always)]
    unsafe fn quotient(a: u64, b: u64) -> u64 {
        // The promise rules the alternative out.
        a.checked_div(b).unwrap_or(0)
    }
}

impl Divisible for i64 {
    type Inverse = Inverse;
    #[inline]
    fn inverse(b: i64) -> Option<Inverse> {
        (b.unsigned_abs() > 1).then(|| Inverse::new(b.unsigned_abs(), b < 0))
    }
    #[inline(always)]
    fn is_positive(inverse: Inverse) -> bool {
        inverse.flip == 0
    }
    #[inline(always)]
    fn quotient_by(a: i64, inverse: Inverse) -> i64 {
        // Negation without a branch, which random signs would mislead.
        let flip = (a >> 63) ^ inverse.flip;
        (inverse.quotient(a.unsigned_abs()) as i64 ^ flip).wrapping_sub(flip)
    }
    #[inline(always)]
    fn floor_by(a: i64, b: i64, inverse: Inverse) -> i64 {
        if inverse.flip == 0 {
            // The complement of a negative number is one less than its magnitude: its quotient rounds to the other side.
            let below = a >> 63;
            return inverse.quotient((a ^ below) as u64) as i64 ^ below;
        }
        Self::round_down(a, b, Self::quotient_by(a, inverse)).0
    }
    #[inline(always)]
    unsafe fn quotient(a: i64, b: i64) -> i64 {
        // Of magnitudes: compilers look whether both operands fit into half a word, which of negative numbers none does, and
        // where signs are random the processor guesses wrong.
        let quotient = a.unsigned_abs().checked_div(b.unsigned_abs()).unwrap_or(0) as i64;
        let flip = (a ^ b) >> 63;
        (quotient ^ flip).wrapping_sub(flip)
    }
}

/// Integers longer than the significand of a float. Those that are not are divided in floats as the short types are.
pub trait Wide: Divisible {
    /// Whether the magnitude is below 2^51, so that it becomes a float by an addition.
    fn is_short(self) -> bool;
    fn to_float(self) -> f64;
    /// Of a short integer.
    fn from_float(x: f64) -> Self;
}

/// In the low half of the significand of a number around it are the integers around zero.
const MIDDLE: f64 = 6755399441055744.0; // 3 * 2^51

macro_rules! wide {
    ($($t:ident: |$x:ident| $is_short:expr;)*) => {$(
        impl Wide for $t {
            #[inline(always)]
            fn is_short(self) -> bool {
                let $x = self;
                $is_short
            }
            #[inline(always)]
            fn to_float(self) -> f64 {
                f64::from_bits((self as u64).wrapping_add(MIDDLE.to_bits())) - MIDDLE
            }
            #[inline(always)]
            fn from_float(x: f64) -> $t {
                (x + MIDDLE).to_bits().wrapping_sub(MIDDLE.to_bits()) as $t
            }
        }
    )*};
}
wide! {
    i64: |x| (x as u64).wrapping_add(1 << 51) < 1 << 52;
    u64: |x| x < 1 << 51;
}

/// An operation on short integers, in floats. Nothing is rounded but the quotient, and that to no other whole number.
pub struct InFloats<Op>(core::marker::PhantomData<Op>);

macro_rules! in_floats {
    ($($op:ident |$a:ident, $b:ident, $q:ident| $round:expr, $value:expr;)*) => {$(
        impl<T: Wide> BinaryOp<T> for InFloats<$op> {
            type Out = T;
            const COSTLY: bool = true;
            #[inline(always)]
            fn apply(a: T, b: T) -> T {
                fpstatus::reported(Self::apply_status(a, b))
            }
            #[inline(always)]
            fn apply_status(a: T, b: T) -> (T, u32) {
                let ($a, $b) = (a.to_float(), b.to_float());
                let zero = $b == 0.0;
                let $q = $a / select_unpredictable(zero, 1.0, $b);
                let $q = $round;
                let value = select_unpredictable(zero, 0.0, $value);
                (T::from_float(value), select_unpredictable(zero, BY_ZERO, 0))
            }
        }
    )*};
}
in_floats! {
    FloorDivide |a, b, q| q.floor(), q;
    Remainder |a, b, q| q.floor(), a - q * b;
    Fmod |a, b, q| q.trunc(), a - q * b;
}

/// Division of 64 bits by a magnitude above one as a multiplication: `2^(64 + l) / d`, which has 65 bits, times the
/// dividend. The leading one of the factor is added by hand. (Granlund and Montgomery.)
#[derive(Clone, Copy)]
pub struct Inverse {
    factor: u64,
    shift: u32,
    /// All bits set for a negative divisor.
    flip: i64,
}

impl Inverse {
    fn new(d: u64, negative: bool) -> Inverse {
        // 2^l is the first power of two that is not below d.
        let l = 64 - (d - 1).leading_zeros();
        let missing = (1u128 << l) - u128::from(d);
        Inverse {
            factor: ((missing << 64) / u128::from(d)) as u64 + 1,
            shift: l - 1,
            flip: -i64::from(negative),
        }
    }
    #[inline(always)]
    fn quotient(self, a: u64) -> u64 {
        // The upper half of the product, from halves of the factors: vectors have no wider multiplication.
        let low = |x: u64| x & 0xffff_ffff;
        let (f, a_low, a_high) = (self.factor, low(a), a >> 32);
        let middle = a_high * low(f) + ((a_low * low(f)) >> 32);
        let high = a_high * (f >> 32) + (middle >> 32) + ((low(middle) + a_low * (f >> 32)) >> 32);
        (high + ((a - high) >> 1)) >> self.shift
    }
}

/// An operation on the quotient by a divisor whose inverse is known.
pub trait Division<T: Divisible>: BinaryOp<T, T, Out = T> {
    fn by_inverse(a: T, b: T, inverse: T::Inverse) -> T;
}

const BY_ZERO: u32 = fpstatus::DIVIDEBYZERO;
const TOO_LARGE: u32 = fpstatus::OVERFLOW;

macro_rules! signed {
    ($($t:ident),*) => {$(
        binary_status!(FloorDivide for [$t] |a, b| {
            let ((q, _), status) = floor_division(a, b);
            (q, status)
        });
        // Here the overflow of the quotient is nobody's business.
        binary_status!(Remainder for [$t] |a, b| {
            let ((_, r), status) = floor_division(a, b);
            (r, status & BY_ZERO)
        });
        binary_status!(Fmod for [$t] |a, b| {
            let (zero, special) = (b == 0, (b == 0) | (b == -1));
            let by = select_unpredictable(special, 1, b);
            // SAFETY: neither zero nor minus one.
            let q = unsafe { $t::quotient(a, by) };
            let r = a.wrapping_sub(q.wrapping_mul(by));
            (r, select_unpredictable(zero, BY_ZERO, 0))
        });
        impl FloorDivision for $t {
            #[inline(always)]
            fn floor_division(a: $t, b: $t) -> (($t, $t), u32) {
                // Division by one instead, then what is due.
                let (zero, minus_one) = (b == 0, b == -1);
                let by = select_unpredictable(zero | minus_one, 1, b);
                // SAFETY: neither zero nor minus one.
                let (q, r) = round_down(a, by, unsafe { $t::quotient(a, by) });
                // The smallest integer is its own negation.
                let q = select_unpredictable(minus_one, a.wrapping_neg(), select_unpredictable(zero, 0, q));
                let overflow = minus_one & (a == $t::MIN);
                let status = select_unpredictable(zero, BY_ZERO, select_unpredictable(overflow, TOO_LARGE, 0));
                ((q, r), status)
            }
        }
    )*};
}
signed!(i8, i16, i32, i64);

macro_rules! finish {
    ($($t:ident: |$a:ident, $b:ident, $q:ident| $down:expr;)*) => {$(
        impl RoundDown for $t {
            #[inline(always)]
            fn round_down($a: $t, $b: $t, $q: $t) -> ($t, $t) {
                $down
            }
        }
        impl Division<$t> for FloorDivide {
            #[inline(always)]
            fn by_inverse(a: $t, b: $t, inverse: <$t as Divisible>::Inverse) -> $t {
                <$t>::floor_by(a, b, inverse)
            }
        }
        impl Division<$t> for Remainder {
            #[inline(always)]
            fn by_inverse(a: $t, b: $t, inverse: <$t as Divisible>::Inverse) -> $t {
                a.wrapping_sub(<$t>::floor_by(a, b, inverse).wrapping_mul(b))
            }
        }
        impl Division<$t> for Fmod {
            #[inline(always)]
            fn by_inverse(a: $t, b: $t, inverse: <$t as Divisible>::Inverse) -> $t {
                a.wrapping_sub(<$t>::quotient_by(a, inverse).wrapping_mul(b))
            }
        }
    )*};
}
macro_rules! finish_signed {
    ($($t:ident),*) => {
        finish! {$(
            $t: |a, b, q| {
                let r = a.wrapping_sub(q.wrapping_mul(b));
                let below = (r != 0) & ((r ^ b) < 0);
                (q.wrapping_sub(below as $t), r.wrapping_add(select_unpredictable(below, b, 0)))
            };
        )*}
    };
}
macro_rules! finish_unsigned {
    ($($t:ident),*) => {
        finish! {$( $t: |a, b, q| (q, a.wrapping_sub(q.wrapping_mul(b))); )*}
    };
}
finish_signed!(i8, i16, i32, i64);
finish_unsigned!(u8, u16, u32, u64);

/// Quotient rounded down and remainder with the sign of the divisor, from the quotient towards zero.
pub trait RoundDown: Elem {
    fn round_down(a: Self, b: Self, quotient: Self) -> (Self, Self);
}

#[inline(always)]
fn round_down<T: RoundDown>(a: T, b: T, quotient: T) -> (T, T) {
    T::round_down(a, b, quotient)
}

macro_rules! unsigned {
    ($($t:ident),*) => {$(
        binary_status!(FloorDivide for [$t] |a, b| {
            let ((q, _), status) = floor_division(a, b);
            (q, status)
        });
        binary_status!(Remainder for [$t] |a, b| {
            let ((_, r), status) = floor_division(a, b);
            (r, status)
        });
        binary_status!(Fmod for [$t] |a, b| {
            let ((_, r), status) = floor_division(a, b);
            (r, status)
        });
        impl FloorDivision for $t {
            #[inline(always)]
            fn floor_division(a: $t, b: $t) -> (($t, $t), u32) {
                let zero = b == 0;
                // SAFETY: not zero.
                let q = unsafe { $t::quotient(a, select_unpredictable(zero, 1, b)) };
                let q = select_unpredictable(zero, 0, q);
                let r = select_unpredictable(zero, 0, a.wrapping_sub(q.wrapping_mul(b)));
                ((q, r), select_unpredictable(zero, BY_ZERO, 0))
            }
        }
    )*};
}
unsigned!(u8, u16, u32, u64);

/// Quotient rounded down and remainder with the sign of the divisor, both zero where it is zero.
pub(crate) trait FloorDivision: Elem {
    fn floor_division(a: Self, b: Self) -> ((Self, Self), u32);
}

#[inline(always)]
fn floor_division<T: FloorDivision>(a: T, b: T) -> ((T, T), u32) {
    T::floor_division(a, b)
}

macro_rules! integer_divmod {
    ($($t:ty),*) => {$(
        impl BinaryPairOp<$t> for Divmod {
            type Out0 = $t;
            type Out1 = $t;
            #[inline(always)]
            fn apply(a: $t, b: $t) -> ($t, $t) {
                fpstatus::reported(floor_division(a, b))
            }
            #[inline(always)]
            fn apply_status(a: $t, b: $t) -> (($t, $t), u32) {
                floor_division(a, b)
            }
        }
    )*};
}
integer_divmod!(i8, u8, i16, u16, i32, u32, i64, u64);

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
