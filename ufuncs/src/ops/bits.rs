//! Bitwise logic, shifts and bit counts.

use super::{binary, unary};
use crate::elem::Bool;

pub struct BitAnd;
pub struct BitOr;
pub struct BitXor;
pub struct Invert;
pub struct LeftShift;
pub struct RightShift;
/// Number of one bits of the magnitude.
pub struct BitCount;

binary!(BitAnd for [i8, i16, i32, i64, u8, u16, u32, u64] |a, b| a & b);
binary!(BitOr for [i8, i16, i32, i64, u8, u16, u32, u64] |a, b| a | b);
binary!(BitXor for [i8, i16, i32, i64, u8, u16, u32, u64] |a, b| a ^ b);
unary!(Invert for [i8, i16, i32, i64, u8, u16, u32, u64] |a| !a);

// Any nonzero byte is true, so the bytes themselves cannot be combined.
binary!(BitAnd for [Bool] |a, b| Bool(((a.0 != 0) & (b.0 != 0)) as u8));
binary!(BitOr for [Bool] |a, b| Bool(((a.0 | b.0) != 0) as u8));
binary!(BitXor for [Bool] |a, b| Bool(((a.0 != 0) ^ (b.0 != 0)) as u8));
unary!(Invert for [Bool] |a| Bool((a.0 == 0) as u8));

// A count outside of 0..bits shifts everything out: zero, or the sign.
macro_rules! shifts {
    ($($t:ident $unsigned:ident, $bits:literal);*) => {$(
        binary!(LeftShift for [$t] |a, b| if (b as $unsigned) < $bits { a << (b as u32 & ($bits - 1)) } else { 0 });
    )*};
}
shifts!(i8 u8, 8; i16 u16, 16; i32 u32, 32; i64 u64, 64; u8 u8, 8; u16 u16, 16; u32 u32, 32; u64 u64, 64);

macro_rules! right_shifts {
    ($($t:ident $unsigned:ident, $bits:literal, $min:expr);*) => {$(
        binary!(RightShift for [$t] |a, b| {
            // Shifting a signed value by all but one bit leaves copies of its sign.
            if (b as $unsigned) < $bits { a >> (b as u32 & ($bits - 1)) } else { (a >> ($bits - 1)) & $min }
        });
    )*};
}
right_shifts!(
    i8 u8, 8, -1; i16 u16, 16, -1; i32 u32, 32, -1; i64 u64, 64, -1;
    u8 u8, 8, 0; u16 u16, 16, 0; u32 u32, 32, 0; u64 u64, 64, 0
);

unary!(BitCount for [i8, i16, i32, i64] -> u8, |a| a.unsigned_abs().count_ones() as u8);
unary!(BitCount for [u8, u16, u32, u64] -> u8, |a| a.count_ones() as u8);
