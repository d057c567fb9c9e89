//! Values at the edges, and halves against an independent definition.

use super::*;

fn f64s(op: Binary, a: f64, b: f64) -> f64 {
    f64::from_bits(binary(op, Scalar::F64, a.to_bits(), b.to_bits()))
}
/// An operation on integers, in and out through `i64`.
fn ints(op: Binary, s: Scalar, a: i64, b: i64) -> i64 {
    binary(op, s, Const::canonical(s, a as u64).bits, Const::canonical(s, b as u64).bits) as i64
}
fn from_f64(to: Scalar, x: f64) -> i64 {
    convert(Scalar::F64, to, x.to_bits()) as i64
}

#[test]
fn integers_wrap_and_divide_down() {
    assert_eq!(ints(Binary::Add, Scalar::I8, 127, 1), -128);
    assert_eq!(ints(Binary::Mul, Scalar::U64, -1, -1), 1);
    assert_eq!(ints(Binary::Div, Scalar::I32, -7, 2), -4);
    assert_eq!(ints(Binary::Rem, Scalar::I32, -7, 2), 1);
    assert_eq!(ints(Binary::Rem, Scalar::I32, 7, -2), -1);
    assert_eq!(ints(Binary::Div, Scalar::I64, i64::MIN, -1), i64::MIN);
    assert_eq!(ints(Binary::Rem, Scalar::I64, i64::MIN, -1), 0);
    assert_eq!(ints(Binary::Div, Scalar::U8, 200, 0), 0);
    assert_eq!(ints(Binary::Shl, Scalar::I16, 1, 15), -32768);
    assert_eq!(ints(Binary::Shl, Scalar::I16, 1, 16), 0);
    assert_eq!(ints(Binary::Shl, Scalar::U64, -1, 64), 0);
    assert_eq!(ints(Binary::Shr, Scalar::I64, i64::MIN, 64), -1);
    assert_eq!(ints(Binary::Shr, Scalar::I8, -2, -1), -1);
    assert_eq!(ints(Binary::Shr, Scalar::U8, 255, 7), 1);
    assert_eq!(unary(Unary::Abs, Scalar::I8, -128i64 as u64) as i64, -128);
    assert_eq!(unary(Unary::Not, Scalar::Bool, 1), 0);
    assert_eq!(unary(Unary::Neg, Scalar::U8, 1), 255);
}

#[test]
fn overflow_is_seen() {
    let max = u64::MAX;
    assert!(overflow(Overflow::Mul, Scalar::U64, max, max));
    assert!(overflow(Overflow::Mul, Scalar::I64, i64::MIN as u64, max));
    assert!(!overflow(Overflow::Mul, Scalar::I64, i64::MAX as u64, max));
    assert!(overflow(Overflow::Sub, Scalar::U8, 0, 1));
    assert!(overflow(Overflow::Add, Scalar::I8, 127, 1));
    assert!(!overflow(Overflow::Add, Scalar::I8, 127, max));
}

#[test]
fn nan_wins_or_loses_and_zeros_keep_their_signs() {
    assert!(f64s(Binary::Min, f64::NAN, 1.0).is_nan());
    assert!(f64s(Binary::Min, 1.0, f64::NAN).is_nan());
    assert_eq!(f64s(Binary::Fmin, f64::NAN, 1.0), 1.0);
    assert_eq!(f64s(Binary::Fmax, 1.0, f64::NAN), 1.0);
    assert!(f64s(Binary::Max, 0.0, -0.0).is_sign_negative());
    assert!(f64s(Binary::Min, -0.0, 0.0).is_sign_positive());
    assert!(compare(Cond::Ne, Scalar::F64, f64::NAN.to_bits(), f64::NAN.to_bits()));
    assert!(!compare(Cond::Ge, Scalar::F64, f64::NAN.to_bits(), f64::NAN.to_bits()));
    assert!(compare(Cond::Gt, Scalar::U64, u64::MAX, 0) && compare(Cond::Lt, Scalar::I64, u64::MAX, 0));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn floats_out_of_range_convert_as_the_instructions_do() {
    let (top, nan) = (2f64.powi(63), f64::NAN);
    assert_eq!(from_f64(Scalar::I64, nan), i64::MIN);
    assert_eq!(from_f64(Scalar::I64, top), i64::MIN);
    assert_eq!(from_f64(Scalar::I32, 2f64.powi(31)), i64::from(i32::MIN));
    assert_eq!(from_f64(Scalar::I32, 2147483647.9), i64::from(i32::MAX));
    assert_eq!(from_f64(Scalar::I32, -2147483648.9), i64::from(i32::MIN));
    assert_eq!(from_f64(Scalar::I8, 300.7), 44);
    assert_eq!(from_f64(Scalar::U8, -1.0), 255);
    assert_eq!(from_f64(Scalar::U8, 1e10), 0);
    assert_eq!(from_f64(Scalar::U32, -1.0), 0xffff_ffff);
    assert_eq!(from_f64(Scalar::U32, nan), 0);
    assert_eq!(from_f64(Scalar::U64, nan), i64::MIN);
    assert_eq!(from_f64(Scalar::U64, top), i64::MIN);
    assert_eq!(from_f64(Scalar::U64, 1.5 * top), (3u64 << 62) as i64);
    assert_eq!(from_f64(Scalar::U64, 2.0 * top), 0);
    assert_eq!(from_f64(Scalar::U64, -2.0), -2);
}

#[cfg(target_arch = "aarch64")]
#[test]
fn floats_out_of_range_convert_as_the_instructions_do() {
    assert_eq!(from_f64(Scalar::I64, f64::NAN), 0);
    assert_eq!(from_f64(Scalar::I64, 1e300), i64::MAX);
    assert_eq!(from_f64(Scalar::U64, -1.0), 0);
    assert_eq!(from_f64(Scalar::I8, 1e10), -1);
}

#[test]
fn casts_in_range() {
    assert_eq!(from_f64(Scalar::I16, -1.9), -1);
    assert_eq!(from_f64(Scalar::Bool, f64::NAN), 1);
    assert_eq!(from_f64(Scalar::Bool, -0.0), 0);
    assert_eq!(convert(Scalar::I64, Scalar::U8, 511), 255);
    assert_eq!(convert(Scalar::I8, Scalar::U32, u64::MAX), 0xffff_ffff);
    assert_eq!(convert(Scalar::U64, Scalar::F32, u64::MAX), u64::from(2f32.powi(64).to_bits()));
    // Halfway between two f32 but for the last bit: rounded once.
    assert_eq!(
        convert(Scalar::I64, Scalar::F32, (1 << 54) + (1 << 30) + 1),
        u64::from(18014400656965632f32.to_bits())
    );
}

/// The value of a half by its definition, without a NaN's.
fn half_value(h: u64) -> f64 {
    let (exp, sig) = ((h >> 10 & 31) as i32, (h & 1023) as f64);
    let magnitude = match exp {
        0 => sig * 2f64.powi(-24),
        31 => f64::INFINITY,
        _ => (1.0 + sig / 1024.0) * 2f64.powi(exp - 15),
    };
    if h >> 15 == 1 { -magnitude } else { magnitude }
}

#[test]
fn halves_widen_and_narrow() {
    for h in 0..=0xffffu64 {
        let (single, double) = (convert(Scalar::F16, Scalar::F32, h), convert(Scalar::F16, Scalar::F64, h));
        assert_eq!(convert(Scalar::F32, Scalar::F16, single), h);
        assert_eq!(convert(Scalar::F64, Scalar::F16, double), h);
        if !is_nan(Scalar::F16, h) {
            assert_eq!(f64::from_bits(double), half_value(h));
            assert_eq!(double, f64::from(f32::from_bits(single as u32)).to_bits());
        }
    }
    // Between neighbours: the nearer one, and the even one from the middle. The last step leads to infinity.
    for h in 0..0x7c00u64 {
        let (low, high) = (half_value(h), if h == 0x7bff { 65536.0 } else { half_value(h + 1) });
        let middle = (low + high) / 2.0;
        let narrow = |x: f64| convert(Scalar::F64, Scalar::F16, x.to_bits());
        assert_eq!(narrow(middle), h + (h & 1));
        assert_eq!(narrow(middle.next_down()), h);
        assert_eq!(narrow(-middle.next_up()), (h + 1) | 0x8000);
    }
    assert_eq!(convert(Scalar::F64, Scalar::F16, f64::MAX.to_bits()), 0x7c00);
    assert_eq!(convert(Scalar::F64, Scalar::F16, 0x8000_0000_0000_0001), 0x8000);
    assert_eq!(convert(Scalar::F32, Scalar::F16, 0x7f80_0001), 0x7c01);
}

#[test]
fn reductions_combine_halves() {
    let lanes: Vec<u64> = [1.0, f64::NAN, -0.0, 0.0].map(f64::to_bits).to_vec();
    assert!(f64::from_bits(reduce(Binary::Min, Scalar::F64, &lanes)).is_nan());
    assert_eq!(reduce(Binary::Add, Scalar::I8, &[100, 100, 1, 2]) as i64, -53);
    // 1 with -0.0, NaN with 0.0; then the two minima.
    assert!(f64::from_bits(reduce(Binary::Max, Scalar::F64, &lanes)).is_nan());
}
