//! Greatest common divisor, least common multiple, and the integer faces of rounding (identities).

#![allow(clippy::unnecessary_cast)] // one spelling for all widths

use super::{binary, unary};
use crate::elem::Bool;

pub struct Gcd;
pub struct Lcm;

/// Stein's algorithm: shifts and subtractions, no division.
#[inline]
fn gcd(mut a: u64, mut b: u64) -> u64 {
    if a == 0 || b == 0 {
        return a | b;
    }
    let twos = (a | b).trailing_zeros();
    a >>= a.trailing_zeros();
    while b != 0 {
        b >>= b.trailing_zeros();
        (a, b) = (a.min(b), a.abs_diff(b));
    }
    a << twos
}

#[inline]
fn lcm(a: u64, b: u64) -> u64 {
    match gcd(a, b) {
        0 => 0,
        g => (a / g).wrapping_mul(b),
    }
}

// Results that do not fit the type wrap: gcd(MIN, 0) is MIN.
binary!(Gcd for [i8, i16, i32, i64] |a, b| gcd(a.unsigned_abs() as u64, b.unsigned_abs() as u64) as _);
binary!(Lcm for [i8, i16, i32, i64] |a, b| lcm(a.unsigned_abs() as u64, b.unsigned_abs() as u64) as _);
binary!(Gcd for [u8, u16, u32, u64] |a, b| gcd(a as u64, b as u64) as _);
binary!(Lcm for [u8, u16, u32, u64] |a, b| lcm(a as u64, b as u64) as _);

pub use super::float::{Ceil, Floor, Trunc};
unary!(Floor for [Bool, i8, i16, i32, i64, u8, u16, u32, u64] |a| a);
unary!(Ceil for [Bool, i8, i16, i32, i64, u8, u16, u32, u64] |a| a);
unary!(Trunc for [Bool, i8, i16, i32, i64, u8, u16, u32, u64] |a| a);
