//! What each operation computes: the one definition, for one lane.
//!
//! The reference executor and constant folding call these functions; every back end is tested against them, and they
//! are tested against numpy's loops (by hosts, which know both). Operands and results are bits in the form of
//! [`Const::canonical`].
//!
//! * Integers are computed without bounds, in 128 bits, and then wrapped. Division rounds down.
//! * Floats are IEEE, rounded to nearest. That a result is NaN is defined. *Which* NaN is defined only where bits are
//!   moved (`neg`, `abs`, `copysign`, `select`, `min` and its kin, memory, `bitcast`): arithmetic and conversions may
//!   give any. Processors differ there, and so do two compilations of one C expression.
//! * Floats to integers: towards zero; out of range, the answer is the one of the processor's instructions, as in numpy.
//!   x86-64: the smallest `i32` or `i64`, of which narrower types take the low bits; `u32` takes those of `i64`; `u64`
//!   from 2^63 on converts the excess over 2^63 and flips the top bit. Other processors (aarch64) saturate to `i32`,
//!   `u32`, `i64`, `u64`, of which narrower types take the low bits. So these results differ between platforms by design
//!   and equal those of the scalar cast loops on each. (numpy has packed loops from floats to `u32` that answer otherwise
//!   out of range, depending on the position in the array; nothing reproduces those but themselves.)
//! * A byte in memory that is neither 0 nor 1 is true when loaded as a `bool`.

use crate::ir::{Binary, Cond, Const, Overflow, Scalar, Unary};

/// Processors as far as results depend on them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Platform {
    X86,
    /// aarch64, and whatever else saturates.
    Arm,
}

impl Platform {
    /// This machine's.
    pub const HOST: Platform = if cfg!(target_arch = "x86_64") { Platform::X86 } else { Platform::Arm };
}

/// The value of an integer or `bool`.
fn wide(s: Scalar, bits: u64) -> i128 {
    if s.is_signed() { i128::from(bits as i64) } else { i128::from(bits) }
}

fn wrap(s: Scalar, n: i128) -> u64 {
    Const::canonical(s, n as u64).bits
}

/// Quotient rounded down and its remainder; both 0 if `b` is.
fn div_rem(a: i128, b: i128) -> (i128, i128) {
    if b == 0 {
        return (0, 0);
    }
    let (q, r) = (a / b, a % b);
    if r != 0 && (r < 0) != (b < 0) { (q - 1, r + b) } else { (q, r) }
}

/// A computation on `f32` or `f64` values made of bits, and the bits of what it gives.
macro_rules! floats {
    ($s:expr, |$($x:ident),*| $body:expr) => {
        match $s {
            Scalar::F32 => {
                $(let $x = f32::from_bits($x as u32);)*
                u64::from($body.to_bits())
            }
            Scalar::F64 => {
                $(let $x = f64::from_bits($x);)*
                $body.to_bits()
            }
            s => unreachable!("{s} is not a float to compute with"),
        }
    };
}

/// One operand.
///
/// # Panics
/// When the operation does not take the type, here and below; the verifier rules that out.
pub fn unary(op: Unary, s: Scalar, a: u64) -> u64 {
    if !s.is_float() {
        return match op {
            Unary::Neg => wrap(s, -wide(s, a)),
            Unary::Abs => wrap(s, wide(s, a).abs()),
            Unary::Not => wrap(s, !wide(s, a)),
            op => unreachable!("{} does not take {s}", op.name()),
        };
    }
    let sign = 1u64 << (s.bits() - 1);
    match op {
        Unary::Neg => a ^ sign,
        Unary::Abs => a & !sign,
        Unary::Not => unreachable!("not does not take {s}"),
        Unary::Sqrt => floats!(s, |a| a.sqrt()),
        Unary::Floor => floats!(s, |a| a.floor()),
        Unary::Ceil => floats!(s, |a| a.ceil()),
        Unary::Trunc => floats!(s, |a| a.trunc()),
        Unary::Rint => floats!(s, |a| a.round_ties_even()),
    }
}

/// Two operands of one type.
pub fn binary(op: Binary, s: Scalar, a: u64, b: u64) -> u64 {
    if s.is_float() {
        return float_binary(op, s, a, b);
    }
    let (x, y) = (wide(s, a), wide(s, b));
    // A count outside of 0..bits shifts everything out.
    let count = if (0..i128::from(s.bits())).contains(&y) { y as u32 } else { 64 };
    wrap(
        s,
        match op {
            Binary::Add => x + y,
            Binary::Sub => x - y,
            Binary::Mul => x.wrapping_mul(y),
            Binary::Div => div_rem(x, y).0,
            Binary::Rem => div_rem(x, y).1,
            Binary::Min => x.min(y),
            Binary::Max => x.max(y),
            Binary::And => x & y,
            Binary::Or => x | y,
            Binary::Xor => x ^ y,
            Binary::Shl => x << count,
            Binary::Shr => x >> count,
            Binary::Fmin | Binary::Fmax | Binary::Copysign => unreachable!("{} does not take {s}", op.name()),
        },
    )
}

fn float_binary(op: Binary, s: Scalar, a: u64, b: u64) -> u64 {
    let pick = |first: bool| if first { a } else { b };
    let sign = 1u64 << (s.bits() - 1);
    match op {
        Binary::Add => floats!(s, |a, b| (a + b)),
        Binary::Sub => floats!(s, |a, b| (a - b)),
        Binary::Mul => floats!(s, |a, b| (a * b)),
        Binary::Div => floats!(s, |a, b| (a / b)),
        Binary::Min => pick(compare(Cond::Lt, s, a, b) || is_nan(s, a)),
        Binary::Max => pick(compare(Cond::Gt, s, a, b) || is_nan(s, a)),
        Binary::Fmin => pick(compare(Cond::Lt, s, a, b) || is_nan(s, b)),
        Binary::Fmax => pick(compare(Cond::Gt, s, a, b) || is_nan(s, b)),
        Binary::Copysign => a & !sign | b & sign,
        Binary::Rem | Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => {
            unreachable!("{} does not take {s}", op.name())
        }
    }
}

/// Whether these are the bits of a NaN; false for types that have none.
pub fn is_nan(s: Scalar, bits: u64) -> bool {
    match s {
        Scalar::F16 => bits & 0x7fff > 0x7c00,
        Scalar::F32 => f32::from_bits(bits as u32).is_nan(),
        Scalar::F64 => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

/// `a * b + c` rounded once.
pub fn fma(s: Scalar, a: u64, b: u64, c: u64) -> u64 {
    floats!(s, |a, b, c| a.mul_add(b, c))
}

/// Whether the result does not fit the type.
pub fn overflow(op: Overflow, s: Scalar, a: u64, b: u64) -> bool {
    let (x, y) = (wide(s, a), wide(s, b));
    let result = match op {
        Overflow::Add => Some(x + y),
        Overflow::Sub => Some(x - y),
        Overflow::Mul => x.checked_mul(y),
    };
    result.is_none_or(|n| wide(s, wrap(s, n)) != n)
}

/// A comparison; of addresses, `eq` and `ne`.
pub fn compare(cond: Cond, s: Scalar, a: u64, b: u64) -> bool {
    let order = match s {
        Scalar::F32 => f32::from_bits(a as u32).partial_cmp(&f32::from_bits(b as u32)),
        Scalar::F64 => f64::from_bits(a).partial_cmp(&f64::from_bits(b)),
        s => Some(wide(s, a).cmp(&wide(s, b))),
    };
    match cond {
        Cond::Eq => order.is_some_and(|o| o.is_eq()),
        Cond::Ne => order.is_none_or(|o| o.is_ne()),
        Cond::Lt => order.is_some_and(|o| o.is_lt()),
        Cond::Le => order.is_some_and(|o| o.is_le()),
        Cond::Gt => order.is_some_and(|o| o.is_gt()),
        Cond::Ge => order.is_some_and(|o| o.is_ge()),
    }
}

/// The bits of one type as another of the same size.
pub fn bitcast(to: Scalar, bits: u64) -> u64 {
    Const::canonical(to, bits).bits
}

/// Folds the lanes of a vector: lane `i` of the lower half with lane `i` of the upper one, until one is left.
pub fn reduce(op: Binary, s: Scalar, lanes: &[u64]) -> u64 {
    let mut lanes = lanes.to_vec();
    while lanes.len() > 1 {
        let upper = lanes.split_off(lanes.len() / 2);
        for (a, &b) in lanes.iter_mut().zip(&upper) {
            *a = binary(op, s, *a, b);
        }
    }
    lanes[0]
}

/// A cast, as numpy's on this machine.
pub fn convert(from: Scalar, to: Scalar, bits: u64) -> u64 {
    convert_on(Platform::HOST, from, to, bits)
}

/// A cast, as numpy's on some machine.
pub fn convert_on(platform: Platform, from: Scalar, to: Scalar, bits: u64) -> u64 {
    let convert = |from, to, bits| convert_on(platform, from, to, bits);
    if from == to {
        return bits;
    }
    match (from, to) {
        (Scalar::F16, Scalar::Bool) => u64::from(bits & 0x7fff != 0),
        // Through bits, so that a NaN keeps its own.
        (Scalar::F16, Scalar::F64) if is_nan(from, bits) => {
            (bits & 0x8000) << 48 | 0x7ff0_0000_0000_0000 | (bits & 0x3ff) << 42
        }
        (Scalar::F16, Scalar::F32) => u64::from(half_to_f32(bits)),
        (Scalar::F16, _) => convert(Scalar::F32, to, u64::from(half_to_f32(bits))),
        (Scalar::F32, Scalar::F64) => f64::from(f32::from_bits(bits as u32)).to_bits(),
        (Scalar::F64, Scalar::F32) => u64::from((f64::from_bits(bits) as f32).to_bits()),
        // Widening is exact, so that halves need one narrowing only, and integers one truncation.
        (Scalar::F32, Scalar::F16) if is_nan(from, bits) => half_nan(bits >> 31, bits >> 13),
        (Scalar::F32, _) => convert(Scalar::F64, to, f64::from(f32::from_bits(bits as u32)).to_bits()),
        (Scalar::F64, Scalar::F16) => f64_to_half(f64::from_bits(bits)),
        (Scalar::F64, Scalar::Bool) => u64::from(f64::from_bits(bits) != 0.0),
        (Scalar::F64, _) => truncate(platform, to, f64::from_bits(bits)),
        (_, Scalar::Bool) => u64::from(bits != 0),
        // Through `f32`, so large integers are rounded twice: as numpy does.
        (_, Scalar::F16) => convert(Scalar::F32, to, convert(from, Scalar::F32, bits)),
        (_, Scalar::F32) => u64::from((wide(from, bits) as f32).to_bits()),
        (_, Scalar::F64) => (wide(from, bits) as f64).to_bits(),
        _ => wrap(to, wide(from, bits)),
    }
}

/// Towards zero, see the module about values out of range.
fn truncate(platform: Platform, to: Scalar, x: f64) -> u64 {
    const TOP: f64 = (1u64 << 63) as f64;
    if platform == Platform::X86 {
        let i64 = |x: f64| if (-TOP..TOP).contains(&x) { x as i64 } else { i64::MIN };
        match to {
            Scalar::I64 => i64(x) as u64,
            Scalar::U64 if x >= TOP => i64(x - TOP) as u64 ^ 1 << 63,
            Scalar::U64 => i64(x) as u64,
            Scalar::U32 => wrap(to, i128::from(i64(x))),
            _ if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&x.trunc()) => wrap(to, x as i128),
            _ => wrap(to, i128::from(i32::MIN)),
        }
    } else {
        match to {
            Scalar::I64 => x as i64 as u64,
            Scalar::U64 => x as u64,
            Scalar::U32 => u64::from(x as u32),
            _ => wrap(to, i128::from(x as i32)),
        }
    }
}

fn half_to_f32(bits: u64) -> u32 {
    let (sign, exp, sig) = ((bits as u32 & 0x8000) << 16, bits as u32 >> 10 & 0x1f, bits as u32 & 0x3ff);
    match exp {
        // Steps of 2^-24.
        0 => sign | (sig as f32 / 16_777_216.0).to_bits(),
        0x1f => sign | 0x7f80_0000 | sig << 13,
        _ => sign | (exp + 127 - 15) << 23 | sig << 13,
    }
}

/// A NaN from the upper bits of another's payload, which must not make it infinite.
fn half_nan(sign: u64, payload: u64) -> u64 {
    sign << 15 | 0x7c00 | (payload & 0x3ff).max(1)
}

fn f64_to_half(x: f64) -> u64 {
    let bits = x.to_bits();
    let sign = bits >> 63;
    if x.is_nan() {
        return half_nan(sign, bits >> 42);
    }
    // Multiples of the distance between neighbouring halves, which is 2^-24 for the small ones: dividing by it is exact,
    // and rounding the quotient to an integer is the only rounding there is.
    let magnitude = x.abs();
    let exp = ((magnitude.to_bits() >> 52) as i32 - 1023).clamp(-14, 16);
    let units = (magnitude * 2f64.powi(10 - exp)).round_ties_even();
    // A carry out of the significand goes into the exponent by itself.
    let half = (units.min(4096.0) as u64) + (((exp + 14) as u64) << 10);
    sign << 15 | half.min(0x7c00)
}

#[cfg(test)]
mod tests;
