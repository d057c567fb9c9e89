use super::arith::*;
use super::bits::*;
use super::compare::*;
use super::divide::*;
use super::float::*;
use super::integer::*;
use super::math::*;
use super::minmax::*;
use super::power::*;
use super::*;
use crate::elem::{Bool, Complex, Datetime, LongDouble, NAT, Timedelta, f16};
use crate::fpstatus::{self, DIVIDEBYZERO, INVALID, OVERFLOW};
use core::hint::black_box;

/// The result and the status `f` raises.
fn status<R>(f: impl FnOnce() -> R) -> (R, u32) {
    fpstatus::clear();
    // Opaque, or the optimiser may compute it after the status has been read.
    let r = black_box(f());
    (r, fpstatus::take())
}

fn binary<Op: BinaryOp<A, B>, A: Elem, B: Elem>(a: A, b: B) -> (Op::Out, u32) {
    status(|| Op::apply(black_box(a), black_box(b)))
}

#[test]
fn integer_division_rounds_down_and_reports() {
    type I = i8;
    assert_eq!(binary::<FloorDivide, I, I>(-7, 2), (-4, 0));
    assert_eq!(binary::<Remainder, I, I>(-7, 2), (1, 0));
    assert_eq!(binary::<Remainder, I, I>(7, -2), (-1, 0));
    assert_eq!(binary::<Fmod, I, I>(-7, 2), (-1, 0));
    assert_eq!(binary::<FloorDivide, I, I>(5, 0), (0, DIVIDEBYZERO));
    assert_eq!(binary::<Remainder, I, I>(5, 0), (0, DIVIDEBYZERO));
    assert_eq!(binary::<FloorDivide, I, I>(I::MIN, -1), (I::MIN, OVERFLOW));
    assert_eq!(binary::<Remainder, I, I>(I::MIN, -1), (0, 0));
    assert_eq!(binary::<FloorDivide, u8, u8>(7, 0), (0, DIVIDEBYZERO));
    for a in I::MIN..=I::MAX {
        for b in (I::MIN..=I::MAX).filter(|&b| b != 0) {
            let (q, r) = <Divmod as BinaryPairOp<I>>::apply(a, b);
            assert_eq!((b.wrapping_mul(q)).wrapping_add(r), a);
            assert!(r == 0 || (r < 0) == (b < 0), "{a} {b}");
            assert_eq!(r, <Remainder as BinaryOp<I>>::apply(a, b));
        }
    }
}

#[test]
fn float_division_keeps_python_signs() {
    let divmod = <Divmod as BinaryPairOp<f64>>::apply;
    let check = |a: f64, b: f64, want: (f64, f64)| {
        let got = divmod(a, b);
        assert_eq!(
            (got.0.to_bits(), got.1.to_bits()),
            (want.0.to_bits(), want.1.to_bits()),
            "{a} {b}: {got:?}"
        );
    };
    check(-7.0, 2.0, (-4.0, 1.0));
    check(7.0, -2.0, (-4.0, -1.0));
    check(-0.0, 3.0, (-0.0, 0.0));
    check(6.0, -3.0, (-2.0, -0.0));
    check(1.0, f64::INFINITY, (0.0, 1.0));
    check(-1.0, f64::INFINITY, (-1.0, f64::INFINITY));
    assert_eq!(status(|| floor_divide(black_box(1.0f64), black_box(0.0))), (f64::INFINITY, DIVIDEBYZERO));
    let (nan, flags) = status(|| floor_divide(black_box(f64::NAN), black_box(2.0)));
    assert!(nan.is_nan() && flags == 0);
    let (nan, flags) = status(|| remainder(black_box(1.0f64), black_box(0.0)));
    assert!(nan.is_nan() && flags == INVALID);
}

#[test]
fn powers_wrap_and_refuse_negative_exponents() {
    assert_eq!(<Power as TryBinaryOp<i8>>::try_apply(3, 5), Some(-13));
    assert_eq!(<Power as TryBinaryOp<i8>>::try_apply(1, -1), None);
    assert_eq!(<Power as TryBinaryOp<i64>>::try_apply(0, 0), Some(1));
    assert_eq!(<Power as TryBinaryOp<u8>>::try_apply(2, 255), Some(0));
    let z = |re: f64, im: f64| Complex { re, im };
    let power = <Power as BinaryOp<Complex<f64>>>::apply;
    assert_eq!(power(z(0.0, 0.0), z(0.0, 0.0)), z(1.0, 0.0));
    assert_eq!(power(z(0.0, 1.0), z(2.0, 0.0)), z(-1.0, 0.0));
    assert_eq!(power(z(0.0, 0.0), z(2.0, 1.0)), z(0.0, 0.0));
    let (r, flags) = binary::<Power, Complex<f64>, Complex<f64>>(z(0.0, 0.0), z(-1.0, 0.0));
    assert!(r.re.is_nan() && flags & INVALID != 0);
}

#[test]
fn shifts_beyond_the_width() {
    assert_eq!(<LeftShift as BinaryOp<i32>>::apply(1, 31), i32::MIN);
    assert_eq!(<LeftShift as BinaryOp<i32>>::apply(1, 32), 0);
    assert_eq!(<LeftShift as BinaryOp<i32>>::apply(1, -1), 0);
    assert_eq!(<RightShift as BinaryOp<i32>>::apply(-5, 40), -1);
    assert_eq!(<RightShift as BinaryOp<i32>>::apply(5, -1), 0);
    assert_eq!(<RightShift as BinaryOp<u8>>::apply(255, 8), 0);
    assert_eq!(<RightShift as BinaryOp<u8>>::apply(255, 7), 1);
    assert_eq!(<BitCount as UnaryOp<i8>>::apply(i8::MIN), 1);
}

#[test]
fn mixed_sign_comparisons_are_exact() {
    assert_eq!(<Less as BinaryOp<i64, u64>>::apply(-1, u64::MAX), Bool::TRUE);
    assert_eq!(<Equal as BinaryOp<i64, u64>>::apply(-1, u64::MAX), Bool::FALSE);
    assert_eq!(<Greater as BinaryOp<u64, i64>>::apply(0, -1), Bool::TRUE);
    assert_eq!(<GreaterEqual as BinaryOp<u64, i64>>::apply(5, 5), Bool::TRUE);
    assert_eq!(<NotEqual as BinaryOp<u64, i64>>::apply(1 << 63, i64::MIN), Bool::TRUE);
}

#[test]
fn nan_wins_in_maximum_and_loses_in_fmax() {
    let nan = f64::NAN;
    assert!(<Maximum as BinaryOp<f64>>::apply(nan, 1.0).is_nan());
    assert!(<Maximum as BinaryOp<f64>>::apply(1.0, nan).is_nan());
    assert_eq!(<Fmax as BinaryOp<f64>>::apply(nan, 1.0), 1.0);
    assert_eq!(<Fmin as BinaryOp<f64>>::apply(1.0, nan), 1.0);
    assert!(<Maximum as BinaryOp<f64>>::apply(0.0, -0.0).is_sign_negative());
    assert!(!<Maximum as BinaryOp<f16>>::apply(f16::ZERO, f16::NEG_ZERO).is_sign_negative());
    assert!(<Clip as TernaryOp<f32>>::apply(1.0, f32::NAN, 3.0).is_nan());
    assert_eq!(<Clip as TernaryOp<i32>>::apply(7, 9, 3), 3);
}

#[test]
fn complex_order_is_lexicographic() {
    let z = |re: f32, im: f32| Complex { re, im };
    assert_eq!(<Less as BinaryOp<Complex<f32>>>::apply(z(1.0, 2.0), z(1.0, 3.0)), Bool::TRUE);
    assert_eq!(<Less as BinaryOp<Complex<f32>>>::apply(z(0.0, f32::NAN), z(1.0, 3.0)), Bool::FALSE);
    assert_eq!(binary::<Greater, _, _>(z(f32::NAN, 0.0), z(0.0, 0.0)), (Bool::FALSE, INVALID));
    let (quotient, flags) = binary::<Divide, _, _>(z(1.0, 1.0), z(0.0, 0.0));
    assert!(quotient.re.is_infinite() && flags == DIVIDEBYZERO);
    // The unused part of the divisor is not divided by.
    assert_eq!(binary::<Divide, _, _>(z(4.0, 2.0), z(2.0, 0.0)), (z(2.0, 1.0), 0));
}

#[test]
fn not_a_time_propagates() {
    let (nat, day) = (Timedelta::NAT, Timedelta(1));
    assert_eq!(<Add as BinaryOp<Datetime, Timedelta>>::apply(Datetime(5), nat).0, NAT);
    assert_eq!(<Subtract as BinaryOp<Datetime>>::apply(Datetime(5), Datetime(2)), Timedelta(3));
    assert_eq!(<Equal as BinaryOp<Timedelta>>::apply(nat, nat), Bool::FALSE);
    assert_eq!(<NotEqual as BinaryOp<Timedelta>>::apply(nat, nat), Bool::TRUE);
    assert!(<Maximum as BinaryOp<Timedelta>>::apply(day, nat).is_nat());
    assert_eq!(<Fmin as BinaryOp<Timedelta>>::apply(day, nat), day);
    assert_eq!(binary::<FloorDivide, _, _>(Timedelta(-7), Timedelta(2)), (-4i64, 0));
    assert_eq!(binary::<FloorDivide, _, _>(nat, day), (0i64, INVALID));
    assert_eq!(binary::<Remainder, _, _>(day, Timedelta(0)), (nat, DIVIDEBYZERO));
    assert_eq!(binary::<Multiply, _, _>(day, 1e30f64), (nat, INVALID));
    assert_eq!(binary::<Multiply, _, _>(Timedelta(3), 0.5f64), (Timedelta(1), 0));
}

#[test]
fn number_theory_wraps() {
    assert_eq!(<Gcd as BinaryOp<i8>>::apply(i8::MIN, 0), i8::MIN);
    assert_eq!(<Gcd as BinaryOp<i32>>::apply(-12, 18), 6);
    assert_eq!(<Lcm as BinaryOp<i32>>::apply(-4, 6), 12);
    assert_eq!(<Lcm as BinaryOp<u16>>::apply(0, 0), 0);
}

#[test]
fn steps_between_numbers() {
    assert_eq!(<Spacing as UnaryOp<f64>>::apply(-1.0), -f64::EPSILON);
    assert_eq!(<Spacing as UnaryOp<f64>>::apply(0.0), f64::from_bits(1));
    assert_eq!(<Spacing as UnaryOp<f16>>::apply(f16::ONE).to_bits(), 0x1400);
    assert_eq!(<NextAfter as BinaryOp<f16>>::apply(f16::ZERO, f16::NEG_ONE).to_bits(), 0x8001);
    assert_eq!(<Rint as UnaryOp<f64>>::apply(2.5), 2.0);
    assert_eq!(<Floor as UnaryOp<LongDouble>>::apply(LongDouble::from(-0.5)), LongDouble::from(-1.0));
    let low = black_box(f64::NEG_INFINITY);
    assert_eq!(status(|| log_add_exp(low, low)), (low, 0));
    assert_eq!(status(|| <Reciprocal as UnaryOp<i32>>::apply(0)), (i32::MIN, DIVIDEBYZERO | INVALID));
}
