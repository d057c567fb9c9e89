use super::*;
use crate::fpstatus;

/// Casts `src` through the loop, contiguous and then one by one with odd strides; both must agree where they should.
fn run<S: Copy, D: Copy + Default + PartialEq + core::fmt::Debug>(
    from: TypeNum,
    to: TypeNum,
    src: &[S],
) -> (Vec<D>, u32) {
    let f = cast_loop(from, to).expect("a loop");
    let mut out = vec![D::default(); src.len() * 2];
    let data = [src.as_ptr() as *mut u8, out.as_mut_ptr() as *mut u8];
    let (n, strides) = (src.len() as isize, [size_of::<S>() as isize, 2 * size_of::<D>() as isize]);
    fpstatus::clear();
    // SAFETY: both buffers hold `n` elements at these strides.
    unsafe { f(core::ptr::null(), data.as_ptr(), &n, strides.as_ptr(), core::ptr::null_mut()) };
    (out.into_iter().step_by(2).collect(), fpstatus::take())
}

fn check<S: Copy, D: Copy + Default + PartialEq + core::fmt::Debug>(
    from: TypeNum,
    to: TypeNum,
    src: &[S],
    expected: &[D],
    flags: u32,
) {
    let (got, raised) = run::<S, D>(from, to, src);
    assert_eq!(got, expected, "{from:?} to {to:?}");
    assert_eq!(raised, flags, "{from:?} to {to:?}");
}

const DBL: TypeNum = TypeNum::DOUBLE;

#[test]
#[cfg(target_arch = "x86_64")]
fn float_to_int_out_of_range() {
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30];
    check(DBL, TypeNum::BYTE, &[300.7, -300.2, 70000.5, 128.5], &[44i8, -44, 112, -128], 0);
    check(DBL, TypeNum::BYTE, &bad, &[0i8; 4], fpstatus::INVALID);
    check(DBL, TypeNum::USHORT, &[-1.5, 3e9], &[65535u16, 0], fpstatus::INVALID);
    check(DBL, TypeNum::INT, &bad, &[i32::MIN; 4], fpstatus::INVALID);
    check(
        DBL,
        TypeNum::UINT,
        &[3e9, -3e9, 1e10, -1e10],
        &[3000000000u32, 1294967296, 1410065408, 2884901888],
        0,
    );
    check(DBL, TypeNum::LONG, &bad, &[i64::MIN; 4], fpstatus::INVALID);
    check(DBL, TypeNum::ULONG, &bad, &[1 << 63, 0u64, 1 << 63, 0], fpstatus::INVALID);
    check(DBL, TypeNum::ULONG, &[-1.0, 9.3e18], &[u64::MAX, 9300000000000000000], 0);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn contiguous_blocks() {
    let src = [f64::NAN, f64::INFINITY, -1.5, 3e9, -3e9];
    let mut out = [0u32; 5];
    let data = [src.as_ptr() as *mut u8, out.as_mut_ptr() as *mut u8];
    let f = cast_loop(DBL, TypeNum::UINT).expect("a loop");
    // SAFETY: five elements in both.
    unsafe { f(core::ptr::null(), data.as_ptr(), &5, [8, 4].as_ptr(), core::ptr::null_mut()) };
    assert_eq!(out, [1 << 31, 0, u32::MAX, 3000000000, 1294967296]);
}

#[test]
fn floats() {
    check(DBL, TypeNum::FLOAT, &[1e300, 0.5], &[f32::INFINITY, 0.5], fpstatus::OVERFLOW);
    check(DBL, TypeNum::HALF, &[1e5], &[f16::INFINITY], fpstatus::OVERFLOW);
    check(DBL, TypeNum::HALF, &[1e-10], &[f16::ZERO], fpstatus::UNDERFLOW);
    check(TypeNum::LONG, TypeNum::HALF, &[70000i64], &[f16::INFINITY], fpstatus::OVERFLOW);
    check(TypeNum::CDOUBLE, TypeNum::FLOAT, &[Complex64::new(1.5, 1e300)], &[1.5f32], 0);
    check(TypeNum::CDOUBLE, TypeNum::CFLOAT, &[Complex64::new(1.5, -2.0)], &[Complex32::new(1.5, -2.0)], 0);
    check(TypeNum::UBYTE, TypeNum::CDOUBLE, &[7u8], &[Complex64::new(7.0, 0.0)], 0);
    let (ld, _) = run::<u64, LongDouble>(TypeNum::ULONGLONG, TypeNum::LONGDOUBLE, &[u64::MAX]);
    assert_eq!(ld[0].to_u64(), u64::MAX);
}

#[test]
fn many_are_cast_as_each() {
    fn all<S: Copy>(from: TypeNum, values: &[S]) {
        fn to<S: Copy, D: Copy + Default + PartialEq + core::fmt::Debug>(
            from: TypeNum,
            to: TypeNum,
            values: &[S],
        ) {
            let f = cast_loop(from, to).expect("a loop");
            let mut out = vec![D::default(); values.len()];
            let data = [values.as_ptr() as *mut u8, out.as_mut_ptr() as *mut u8];
            let (n, strides) = (values.len() as isize, [size_of::<S>() as isize, size_of::<D>() as isize]);
            // SAFETY: both have as many elements.
            unsafe { f(core::ptr::null(), data.as_ptr(), &n, strides.as_ptr(), core::ptr::null_mut()) };
            assert_eq!(out, run::<S, D>(from, to, values).0, "{from:?} to {to:?}");
        }
        to::<S, i8>(from, TypeNum::BYTE, values);
        to::<S, u8>(from, TypeNum::UBYTE, values);
        to::<S, i16>(from, TypeNum::SHORT, values);
        to::<S, u16>(from, TypeNum::USHORT, values);
        to::<S, i32>(from, TypeNum::INT, values);
        to::<S, i64>(from, TypeNum::LONG, values);
        to::<S, u64>(from, TypeNum::ULONG, values);
    }
    let values = [0.5, -1.5, 300.0, -70000.9, 2147483520.0, -3e9, 1e300, f64::NAN, f64::INFINITY].repeat(23);
    all(DBL, &values);
    // None of these is too large for a short way, some of these just are.
    all(DBL, &[0.9, -0.9, -0.0, 1e-310, 2251799813685247.5, -2251799813685247.5, -7.0].repeat(5));
    all(DBL, &[2251799813685248.0, -2251799813685248.0, 9.2e18, 1.8e19, -9.2e18].repeat(5));
    all(TypeNum::FLOAT, &values.iter().map(|&x| x as f32).collect::<Vec<_>>());
}

#[test]
fn booleans() {
    check(DBL, TypeNum::BOOL, &[f64::NAN, -0.0, 1e-320], &[Bool::TRUE, Bool::FALSE, Bool::TRUE], 0);
    check(TypeNum::CFLOAT, TypeNum::BOOL, &[Complex32::new(0.0, 1.0)], &[Bool::TRUE], 0);
    check(TypeNum::BOOL, TypeNum::BYTE, &[0u8, 1, 2], &[0i8, 1, 1], 0);
    check(TypeNum::DATETIME, TypeNum::BOOL, &[i64::MIN], &[Bool::TRUE], 0);
}

#[test]
fn every_pair_has_a_loop() {
    let numeric = |t: &TypeNum| t.is_bool() || t.is_number() || t.is_datetime();
    let all: Vec<TypeNum> = (0..24).map(TypeNum).filter(numeric).collect();
    assert_eq!(all.len(), 20);
    for &from in &all {
        for &to in &all {
            assert!(cast_loop(from, to).is_some(), "{from:?} to {to:?}");
        }
        assert!(cast_loop(from, TypeNum::OBJECT).is_none() && cast_loop(TypeNum::VOID, from).is_none());
    }
}

#[test]
fn copies_and_swaps() {
    let src: Vec<u8> = (0..24).collect();
    let mut dst = [0u8; 12];
    // SAFETY: four items of three bytes, reversed; then in place in halves of complex items.
    unsafe {
        copy::copy_strided(dst.as_mut_ptr(), 3, src.as_ptr().add(9), -3, 4, 3);
        assert_eq!(dst, [9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2]);
        let p = dst.as_mut_ptr();
        copy::swap_strided(p, 4, p, 4, 3, 4, 2);
        assert_eq!(dst, [10, 9, 6, 11, 8, 7, 4, 3, 0, 5, 2, 1]);
        copy::fill(p, 6, 2, src.as_ptr().add(20), 4);
        assert_eq!(dst, [20, 21, 22, 23, 8, 7, 20, 21, 22, 23, 2, 1]);
    }
}
