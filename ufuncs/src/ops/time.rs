//! Arithmetic of dates and durations in one unit (the caller has converted). NaT in gives NaT out.

use super::arith::{Add, Divide, Multiply, Subtract};
use super::divide::{Divmod, FloorDivide, Remainder};
use super::{BinaryPairOp, binary_mixed};
use crate::elem::{Datetime, Timedelta};
use crate::fpstatus;

macro_rules! additive {
    ($($op:ident $method:ident: $a:ident $b:ident $out:ident;)*) => {$(
        binary_mixed!($op ($a, $b) -> $out, |a, b| {
            if a.is_nat() | b.is_nat() { $out::NAT } else { $out(a.0.$method(b.0)) }
        });
    )*};
}
additive! {
    Add wrapping_add: Datetime Timedelta Datetime;
    Add wrapping_add: Timedelta Timedelta Timedelta;
    Add wrapping_add: Timedelta Datetime Datetime;
    Subtract wrapping_sub: Datetime Timedelta Datetime;
    Subtract wrapping_sub: Timedelta Timedelta Timedelta;
    Subtract wrapping_sub: Datetime Datetime Timedelta;
}

binary_mixed!(Multiply (Timedelta, i64) -> Timedelta, |a, b| {
    if a.is_nat() { a } else { Timedelta(a.0.wrapping_mul(b)) }
});
binary_mixed!(Multiply (i64, Timedelta) -> Timedelta, |a, b| {
    if b.is_nat() { b } else { Timedelta(b.0.wrapping_mul(a)) }
});
binary_mixed!(Multiply (Timedelta, f64) -> Timedelta, |a, b| {
    if a.is_nat() { a } else { from_float(a.0 as f64 * b) }
});
binary_mixed!(Multiply (f64, Timedelta) -> Timedelta, |a, b| {
    if b.is_nat() { b } else { from_float(a * b.0 as f64) }
});

binary_mixed!(Divide (Timedelta, i64) -> Timedelta, |a, b| integer_quotient(a, b));
binary_mixed!(Divide (Timedelta, f64) -> Timedelta, |a, b| float_quotient(a, b));
binary_mixed!(Divide (Timedelta, Timedelta) -> f64, |a, b| ratio(a, b));
binary_mixed!(FloorDivide (Timedelta, i64) -> Timedelta, |a, b| integer_quotient(a, b));
binary_mixed!(FloorDivide (Timedelta, f64) -> Timedelta, |a, b| float_quotient(a, b));
binary_mixed!(FloorDivide (Timedelta, Timedelta) -> i64, |a, b| Divmod::apply(a, b).0);

/// Truncates; whatever is not finite, or too large for the cast, is NaT.
#[inline(never)]
fn from_float(x: f64) -> Timedelta {
    if !x.is_finite() {
        Timedelta::NAT
    } else if x >= -(2f64.powi(63)) && x < 2f64.powi(63) {
        Timedelta(x as i64)
    } else {
        fpstatus::raise(fpstatus::INVALID);
        Timedelta::NAT
    }
}

/// Truncates, for `floor_divide` too: that is what numpy does with an integer divisor. A division by zero is NaT and
/// raises nothing here; the loop raises it for a scalar divisor.
#[inline(always)]
fn integer_quotient(a: Timedelta, b: i64) -> Timedelta {
    if a.is_nat() || b == 0 { Timedelta::NAT } else { Timedelta(a.0 / b) }
}

// Below, NaT becomes NaN before the division: a division skipped for NaT could be speculated and raise flags.

#[inline(always)]
fn to_float(a: Timedelta) -> f64 {
    if a.is_nat() { f64::NAN } else { a.0 as f64 }
}

#[inline(always)]
fn float_quotient(a: Timedelta, b: f64) -> Timedelta {
    from_float(to_float(a) / b)
}

#[inline(always)]
fn ratio(a: Timedelta, b: Timedelta) -> f64 {
    to_float(a) / to_float(b)
}

binary_mixed!(Remainder (Timedelta, Timedelta) -> Timedelta, |a, b| {
    if a.is_nat() || b.is_nat() {
        Timedelta::NAT
    } else if b.0 == 0 {
        fpstatus::raise(fpstatus::DIVIDEBYZERO);
        Timedelta::NAT
    } else {
        Timedelta(floor_parts(a.0, b.0).1)
    }
});

impl BinaryPairOp<Timedelta> for Divmod {
    type Out0 = i64;
    type Out1 = Timedelta;
    #[inline]
    fn apply(a: Timedelta, b: Timedelta) -> (i64, Timedelta) {
        if a.is_nat() || b.is_nat() {
            fpstatus::raise(fpstatus::INVALID);
            (0, Timedelta::NAT)
        } else if b.0 == 0 {
            fpstatus::raise(fpstatus::DIVIDEBYZERO);
            (0, Timedelta::NAT)
        } else {
            let (q, r) = floor_parts(a.0, b.0);
            (q, Timedelta(r))
        }
    }
}

/// Quotient rounded down and remainder; `a` is not NaT, so nothing overflows.
#[inline(always)]
fn floor_parts(a: i64, b: i64) -> (i64, i64) {
    let (q, r) = (a / b, a % b);
    if r != 0 && (r < 0) != (b < 0) { (q - 1, r + b) } else { (q, r) }
}
