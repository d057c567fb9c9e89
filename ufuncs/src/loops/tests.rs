//! Every level gives the bits that one element at a time gives, at every length, and writes nothing else.

use core::ffi::{c_int, c_void};
use core::ptr;

use super::{binary, exponent, fold, pairs, pairwise, unary};
use crate::abi::{FoldFn, LoopContext, LoopFn};
use crate::cpu::Level;
use crate::elem::{Bool, Complex, Complex32, Complex64, Elem, Real, f16, float16};
use crate::fpstatus;
use crate::ops::arith::*;
use crate::ops::bits::BitXor;
use crate::ops::compare::*;
use crate::ops::divide::{Divmod, FloorDivide, Fmod, Remainder};
use crate::ops::float::*;
use crate::ops::minmax::*;
use crate::ops::{BinaryOp, BinaryPairOp, UnaryOp, UnaryPairOp};

/// Runs a loop on `n` elements of operands given by address and byte stride.
fn run(func: LoopFn, n: usize, operands: &[(*const u8, isize)]) {
    let (data, strides): (Vec<*mut u8>, Vec<isize>) =
        operands.iter().map(|&(p, s)| (p.cast_mut(), s)).unzip();
    // SAFETY: the callers below give `n` elements for each operand.
    unsafe { func(ptr::null(), data.as_ptr(), &(n as isize), strides.as_ptr(), ptr::null_mut::<c_void>()) };
}

/// The bytes of elements, to compare NaNs too.
fn bytes<T: Elem>(x: &[T]) -> Vec<u8> {
    // SAFETY: element types have no padding.
    unsafe { core::slice::from_raw_parts(x.as_ptr().cast::<u8>(), size_of_val(x)) }.to_vec()
}

fn check_binary<Op: BinaryOp<T>, T: Elem>(func: LoopFn, value: impl Fn(usize) -> T, guard: Op::Out) {
    let size = size_of::<T>() as isize;
    let a: Vec<T> = (0..300).map(&value).collect();
    let b: Vec<T> = (0..300).map(|i| value(i * 7 + 3)).collect();
    let each = |i: usize| Op::apply(a[i], b[i]);
    for n in (0..139).chain([255, 256, 257, 300]) {
        let expect = |f: &dyn Fn(usize) -> Op::Out| {
            let mut y: Vec<Op::Out> = (0..n).map(f).collect();
            y.push(guard);
            bytes(&y)
        };
        let cases: [(isize, isize, &dyn Fn(usize) -> Op::Out); 3] = [
            (size, size, &each),
            (size, 0, &|i| Op::apply(a[i], b[0])),
            (0, size, &|i| Op::apply(a[0], b[i])),
        ];
        for (sa, sb, f) in cases {
            let mut y = vec![guard; n + 1];
            let out = (y.as_mut_ptr().cast_const().cast(), size_of::<Op::Out>() as isize);
            run(func, n, &[(a.as_ptr().cast(), sa), (b.as_ptr().cast(), sb), out]);
            assert_eq!(bytes(&y), expect(f), "{n} elements, strides {sa} {sb}");
        }
        // The output is the first input.
        if size_of::<T>() == size_of::<Op::Out>() {
            let mut y = a.clone();
            let out = (y.as_mut_ptr().cast_const().cast(), size);
            run(func, n, &[out, (b.as_ptr().cast(), size), out]);
            let (head, tail) = y.split_at(n);
            assert_eq!(bytes(head), expect(&each)[..n * size as usize]);
            assert_eq!(bytes(tail), bytes(&a[n..]));
            // The second; then both at once.
            let mut y = b.clone();
            let out = (y.as_mut_ptr().cast_const().cast(), size);
            run(func, n, &[(a.as_ptr().cast(), size), out, out]);
            assert_eq!(bytes(&y[..n]), expect(&each)[..n * size as usize]);
            assert_eq!(bytes(&y[n..]), bytes(&b[n..]));
            let mut y = a.clone();
            let out = (y.as_mut_ptr().cast_const().cast(), size);
            run(func, n, &[out, out, out]);
            let both: Vec<Op::Out> = (0..n).map(|i| Op::apply(a[i], a[i])).collect();
            assert_eq!(bytes(&y[..n]), bytes(&both));
        }
        let count = n / 2;
        // Every other element, up to the last one there is, by every other one or by one of them.
        for sb in [2 * size, 0].into_iter().filter(|_| count > 0) {
            let first = n + 1 - 2 * count;
            let mut y = vec![guard; count + 1];
            let out = (y.as_mut_ptr().cast_const().cast(), size_of::<Op::Out>() as isize);
            let from = |x: &[T]| x[first..n].as_ptr().cast::<u8>();
            run(func, count, &[(from(&a), 2 * size), (from(&b), sb), out]);
            let apply =
                |k: usize| Op::apply(a[first + 2 * k], b[if sb == 0 { first } else { first + 2 * k }]);
            let expected: Vec<Op::Out> = (0..count).map(apply).chain([guard]).collect();
            assert_eq!(bytes(&y), bytes(&expected), "{count} of every other element, stride {sb}");
        }
        // Every other element, from the end, into every third place.
        let mut y = vec![guard; 3 * count + 1];
        let out = (y.as_mut_ptr().cast_const().cast(), 3 * size_of::<Op::Out>() as isize);
        let last = |x: &[T]| x[..2 * count.max(1) - 1].as_ptr_range().end.wrapping_sub(1).cast::<u8>();
        run(func, count, &[(last(&a), -2 * size), (last(&b), -2 * size), out]);
        for (k, y) in y.chunks(3).enumerate().take(count) {
            let i = 2 * (count - 1 - k);
            assert_eq!(bytes(&y[..1]), bytes(&[each(i)]), "{k} of {count}");
            assert_eq!(bytes(&y[1..]), bytes(&[guard, guard]));
        }
    }
}

fn check_unary<Op: UnaryOp<T>, T: Elem>(func: LoopFn, value: impl Fn(usize) -> T, guard: Op::Out) {
    let a: Vec<T> = (0..300).map(value).collect();
    for n in (0..139).chain([255, 256, 257, 300]) {
        let mut y = vec![guard; n + 1];
        let out = (y.as_mut_ptr().cast_const().cast(), size_of::<Op::Out>() as isize);
        run(func, n, &[(a.as_ptr().cast(), size_of::<T>() as isize), out]);
        let mut expected: Vec<Op::Out> = a[..n].iter().map(|&x| Op::apply(x)).collect();
        expected.push(guard);
        assert_eq!(bytes(&y), bytes(&expected), "{n} elements");
        let count = n / 2;
        let mut y = vec![guard; count + 1];
        let out = (y.as_mut_ptr().cast_const().cast(), size_of::<Op::Out>() as isize);
        run(func, count, &[(a[n % 2..].as_ptr().cast(), 2 * size_of::<T>() as isize), out]);
        let expected: Vec<Op::Out> = (0..count).map(|k| Op::apply(a[n % 2 + 2 * k])).chain([guard]).collect();
        assert_eq!(bytes(&y), bytes(&expected), "{count} of every other element");
        let mut y = vec![guard; 3 * count + 1];
        let out = (y.as_mut_ptr().cast_const().cast(), 3 * size_of::<Op::Out>() as isize);
        run(func, count, &[(a.as_ptr().cast(), 2 * size_of::<T>() as isize), out]);
        for (k, y) in y.chunks(3).enumerate().take(count) {
            assert_eq!(bytes(&y[..1]), bytes(&[Op::apply(a[2 * k])]), "{k} of {count}");
            assert_eq!(bytes(&y[1..]), bytes(&[guard, guard]));
        }
    }
}

/// Squares as they are where one operand is contiguous, which both need not be.
unsafe extern "C" fn square_contiguous(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise; each element is a call by itself where the loop would not fuse.
    unsafe {
        if *strides == 16 || *strides.add(1) == 16 {
            return binary::square_complex::<Complex64>(ctx, data, dims, strides, aux);
        }
        for i in 0..*dims {
            let at = |k: usize| (*data.add(k)).wrapping_offset(i * *strides.add(k));
            let operands = [at(0), at(1)];
            binary::square_complex::<Complex64>(ctx, operands.as_ptr(), &1, [16, 16].as_ptr(), aux);
        }
    }
    0
}

const FLOATS: [f64; 12] =
    [0.0, -0.0, 1.5, -2.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300, -1e-300, 3.0, 0.5, 7.25];

fn double(i: usize) -> f64 {
    FLOATS[i % 12]
}

fn single(i: usize) -> f32 {
    double(i) as f32
}

#[test]
fn loops_are_their_operations() {
    macro_rules! arith {
        ($($op:ident: $($t:ty, $value:expr),*;)*) => {$($(
            check_binary::<$op, $t>(binary::arith::<$op, $t>, $value, 77 as $t);
        )*)*};
    }
    arith! {
        Add: f64, double, f32, single, i8, |i| i as i8, i64, |i| i as i64;
        Subtract: f64, double, f32, single, u16, |i| i as u16, u64, |i| i as u64;
        Multiply: f64, double, f32, single, i32, |i| i as i32 * 77777, i64, |i| i as i64 * 7777777;
        Divide: f64, double, f32, single;
        Maximum: f64, double, f32, single, i8, |i| (i * 31) as i8, u64, |i| (i * 31) as u64;
        Fmin: f64, double, f32, single, i16, |i| (i * 3100) as i16;
        BitXor: u8, |i| (i * 31) as u8, i64, |i| -(i as i64);
    }
    macro_rules! divide {
        ($($t:ty),*) => {$(
            check_binary::<FloorDivide, $t>(binary::divide_integer::<FloorDivide, $t>, |i| (i * 7919) as $t, 77);
            check_binary::<Remainder, $t>(binary::divide_integer::<Remainder, $t>, |i| (i * 7919) as $t, 77);
            check_binary::<Fmod, $t>(binary::divide_integer::<Fmod, $t>, |i| (i * 7919) as $t, 77);
        )*};
    }
    divide!(i8, u8, i16, u16, i32, u32, i64, u64);
    // Short and long ones, of both signs, with zeros and what overflows.
    let long: fn(usize) -> i64 = |i| [0, -1, 7, i64::MIN, (1 << 51) - 1, -(1 << 51), 1 << 51, -9][i * 5 % 8];
    let short: fn(usize) -> i64 =
        |i| [0, -1, 7, -7, (1 << 51) - 1, -(1 << 51), 1 << 50, 3][i * 5 % 8] + (i / 8) as i64 * 7919;
    macro_rules! wide {
        ($($op:ident),*) => {$(
            for value in [long, short] {
                check_binary::<$op, i64>(binary::divide_wide::<$op, i64>, value, 77);
                check_binary::<$op, u64>(binary::divide_wide::<$op, u64>, |i| value(i) as u64, 77);
            }
            check_binary::<$op, i64>(binary::divide_wide::<$op, i64>, |i| i as i64 * 7919 - 999_999, 77);
            check_binary::<$op, u64>(binary::divide_wide::<$op, u64>, |i| i as u64 * 7919, 77);
        )*};
    }
    wide!(FloorDivide, Remainder, Fmod);
    let half = |i| float16::from_f32(single(i));
    check_binary::<Add, f16>(binary::arith::<Add, f16>, half, f16::ONE);
    check_binary::<Divide, f16>(binary::arith::<Divide, f16>, half, f16::ONE);
    check_binary::<Maximum, f16>(binary::arith::<Maximum, f16>, half, f16::ONE);
    check_unary::<Sqrt, f16>(unary::unary::<Sqrt, f16>, half, f16::ONE);
    let complex = |i| Complex { re: double(i), im: double(i * 5 + i / 12) };
    check_binary::<Greater, Complex64>(binary::binary::<Greater, Complex64, Complex64>, complex, Bool(77));
    check_binary::<LessEqual, Complex64>(
        binary::binary::<LessEqual, Complex64, Complex64>,
        complex,
        Bool(77),
    );
    let finite = |i: usize| Complex { re: i as f64 / 7.0 - 9.0, im: 3.0 - (i * 5 % 77) as f64 / 3.0 };
    let single_finite = |i: usize| Complex { re: finite(i).re as f32, im: finite(i).im as f32 };
    check_binary::<Add, Complex64>(binary::arith_complex::<Add, Complex64>, complex, complex(2));
    check_binary::<Subtract, Complex64>(binary::arith_complex::<Subtract, Complex64>, finite, complex(2));
    check_binary::<Subtract, Complex32>(
        binary::arith_complex::<Subtract, Complex32>,
        single_finite,
        single_finite(2),
    );
    if Level::current().has_fused() {
        check_binary::<MultiplyFused, Complex64>(binary::multiply_complex::<Complex64>, finite, finite(2));
        // (Numpy reads these backwards in another way.)
        check_binary::<MultiplyFused, Complex32>(
            binary::arith::<MultiplyFused, Complex32>,
            single_finite,
            single_finite(2),
        );
        check_unary::<SquareFused, Complex64>(square_contiguous, finite, finite(2));
    }
    check_unary::<Rint, Complex64>(unary::unary::<Rint, Complex64>, complex, complex(2));
    macro_rules! compare {
        ($($op:ident: $($t:ty, $value:expr),*;)*) => {$($(
            check_binary::<$op, $t>(binary::binary::<$op, $t, $t>, $value, Bool(77));
        )*)*};
    }
    compare! {
        Less: f64, double, f32, single, i8, |i| (i * 31) as i8, u64, |i| (i * 31) as u64;
        Equal: f64, double, f32, single, u16, |i| (i % 5) as u16;
        LogicalAnd: f64, double, u8, |i| (i % 3) as u8;
    }
    macro_rules! unary {
        ($($op:ident: $($t:ty, $value:expr),*;)*) => {$($(
            check_unary::<$op, $t>(unary::unary::<$op, $t>, $value, 77 as $t);
        )*)*};
    }
    unary! {
        Sqrt: f64, double, f32, single;
        Floor: f64, double, f32, single;
        Ceil: f64, double, f32, single;
        Trunc: f64, double, f32, single;
        Rint: f64, double, f32, single;
        Reciprocal: i8, |i| i as i8, u8, |i| i as u8, i32, |i| i as i32 - 5, i64, |i| i as i64 - 5;
        Negative: f64, double, i8, |i| i as i8;
        Absolute: f32, single, i64, |i| -(i as i64);
    }
}

/// Folds of contiguous elements, at each level, against the order they are defined in.
#[test]
fn reductions_are_the_same_at_every_level() {
    let value = |i: usize| 1.0 / (i as f64 - 50.3);
    let doubles: Vec<f64> = (0..2000).map(value).collect();
    let singles: Vec<f32> = doubles.iter().map(|&x| x as f32).collect();
    for n in (8..300).chain([511, 512, 513, 1000, 1999]) {
        // A stride that is not the item size takes the plain way.
        let spread: Vec<[f64; 2]> = doubles[..n].iter().map(|&x| [x, 0.0]).collect();
        // SAFETY: `n` elements with the stride of a pair.
        let plain = unsafe { pairwise::sum::<f64>(spread.as_ptr().cast(), n, 16) };
        let spread: Vec<[f32; 2]> = singles[..n].iter().map(|&x| [x, 0.0]).collect();
        // SAFETY: as above.
        let plain32 = unsafe { pairwise::sum::<f32>(spread.as_ptr().cast(), n, 8) };
        for level in Level::available() {
            assert_eq!(pairwise::sum_contiguous(level, &doubles[..n]).to_bits(), plain.to_bits(), "{n}");
            assert_eq!(pairwise::sum_contiguous(level, &singles[..n]).to_bits(), plain32.to_bits(), "{n}");
            let largest = doubles[..n].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(binary::fold::<Maximum, f64>(level, doubles[0], &doubles[1..n]), largest);
            // A NaN anywhere, and extremes that are zeros.
            for (at, special) in
                [(n - 1, f64::NAN), (n / 2, f64::NAN), (1, f64::NAN), (n / 3, -0.0), (n - 1, 0.0)]
            {
                let mut x: Vec<f64> = doubles[..n].iter().map(|x| x.abs()).collect();
                x[at] = special;
                let singles: Vec<f32> = x.iter().map(|&x| x as f32).collect();
                let least = binary::fold::<Minimum, f64>(level, x[0], &x[1..]);
                let number = binary::fold::<Fmin, f32>(level, singles[0], &singles[1..]);
                if special.is_nan() {
                    assert!(
                        least.is_nan() && number == singles.iter().copied().fold(f32::MAX, f32::min),
                        "{n} {at}"
                    );
                } else {
                    assert!(least == 0.0 && number == 0.0, "{n} {at}");
                }
            }
            let bytes: Vec<u8> = (0..n).map(|i| (i * 37 % 251) as u8).collect();
            let sum = bytes.iter().fold(0u8, |sum, &x| sum.wrapping_add(x));
            assert_eq!(binary::fold::<Add, u8>(level, 0, &bytes), sum);
        }
    }
}

/// `any` and `all` look at every element and stop at the first that decides.
#[test]
fn logical_reductions_find_one_element() {
    for level in Level::available() {
        for n in [0, 1, 255, 256, 257, 1000] {
            let (zeros, ones) = (vec![Bool(0); n], vec![Bool(3); n]);
            assert_eq!(binary::fold::<LogicalOr, Bool>(level, Bool(0), &zeros).0, 0);
            assert_eq!(binary::fold::<LogicalAnd, Bool>(level, Bool(1), &ones).0, 1);
            for at in [0, n / 2, n.saturating_sub(1)].into_iter().filter(|&at| at < n) {
                let (mut zeros, mut ones) = (zeros.clone(), ones.clone());
                (zeros[at], ones[at]) = (Bool(2), Bool(0));
                assert_eq!(binary::fold::<LogicalOr, Bool>(level, Bool(0), &zeros).0, 1);
                assert_eq!(binary::fold::<LogicalAnd, Bool>(level, Bool(1), &ones).0, 0);
            }
        }
    }
}

/// What a loop reports is what its elements report one by one, and no more.
#[test]
fn loops_report_what_their_elements_report() {
    fn check<T: Elem>(func: LoopFn, a: &[T], b: &[T], one: impl Fn(T, T)) {
        fpstatus::clear();
        a.iter().zip(b).for_each(|(&a, &b)| one(a, b));
        let expected = fpstatus::take();
        let size = size_of::<T>() as isize;
        let mut y = a.to_vec();
        let out = (y.as_mut_ptr().cast_const().cast(), size);
        run(func, a.len(), &[(a.as_ptr().cast(), size), (b.as_ptr().cast(), size), out]);
        assert_eq!(fpstatus::take(), expected);
    }
    let one = |f: fn(i32, i32) -> i32| move |a, b| _ = core::hint::black_box(f(a, b));
    for b in [[3, -1, 7, 2], [3, 0, 7, 2], [1, 1, -1, 1]] {
        for a in [[1, 2, 3, 4], [5, 6, i32::MIN, 7]] {
            let (a, b) = (a.repeat(9), b.repeat(9));
            check(binary::divide_integer::<FloorDivide, i32>, &a, &b, one(FloorDivide::apply));
            check(binary::divide_integer::<Remainder, i32>, &a, &b, one(Remainder::apply));
            check(binary::divide_integer::<Fmod, i32>, &a, &b, one(Fmod::apply));
        }
    }
    let half = |x: f32| float16::from_f32(x);
    fpstatus::clear();
    for b in [1.0, 6e-8, 60000.0] {
        let (a, b) = ([half(1.0), half(60000.0), half(6e-8)].repeat(11), vec![half(b); 33]);
        fpstatus::clear();
        let one = |a, b| _ = core::hint::black_box(<Multiply as BinaryOp<f16>>::apply(a, b));
        check(binary::arith::<Multiply, f16>, &a, &b, one);
    }
    let (one, nan) = (Complex { re: 1.0, im: 2.0 }, Complex { re: 1.0, im: f64::NAN });
    for (a, b, flags) in [
        (one, one, 0),
        (one, nan, fpstatus::INVALID),
        (nan, Complex { re: 2.0, im: 0.0 }, 0),
        (Complex { re: f64::NAN, im: 0.0 }, one, fpstatus::INVALID),
    ] {
        let (a, b, mut y) = ([a; 20], [b; 20], [Bool(0); 20]);
        fpstatus::clear();
        let out = (y.as_mut_ptr().cast_const().cast(), 1);
        run(
            binary::binary::<Less, Complex64, Complex64>,
            20,
            &[(a.as_ptr().cast(), 16), (b.as_ptr().cast(), 16), out],
        );
        assert_eq!(fpstatus::take(), flags, "{} {}", a[0], b[0]);
    }
}

/// The parts of a number against the C library, values and status.
#[test]
fn parts_are_the_c_librarys() {
    fn check<T: Real + core::fmt::Debug>(values: &[T])
    where
        Frexp: UnaryPairOp<T, Out0 = T, Out1 = i32>,
        Modf: UnaryPairOp<T, Out0 = T, Out1 = T>,
        Ldexp: BinaryOp<T, i32, Out = T>,
    {
        let same = |a: T, b: T| bytes(&[a]) == bytes(&[b]) || a.is_nan() && b.is_nan();
        for &x in values {
            let (fraction, exponent) = <Frexp as UnaryPairOp<T>>::apply(x);
            let (expected, by) = Real::frexp(x);
            assert!(same(fraction, expected) && (exponent == by || !x.is_finite()), "{x:?}");
            let ((rest, whole), expected) = (<Modf as UnaryPairOp<T>>::apply(x), Real::modf(x));
            assert!(same(rest, expected.0) && same(whole, expected.1), "{x:?}: {rest:?} {whole:?}");
            for e in (-2300..2300).chain([i32::MIN, i32::MAX, -100_000, 100_000]) {
                fpstatus::clear();
                let expected = core::hint::black_box(Real::ldexp(x, core::hint::black_box(e)));
                let flags = fpstatus::take();
                let value =
                    core::hint::black_box(<Ldexp as BinaryOp<T, i32>>::apply(x, core::hint::black_box(e)));
                assert_eq!(fpstatus::take(), flags, "{x:?} {e}");
                assert!(same(value, expected), "{x:?} {e}: {value:?}");
            }
        }
    }
    let doubles = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        123.456,
        -1e300,
        1.7976931348623157e308,
        2.2250738585072014e-308,
        5e-324,
        -3e-320,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        4503599627370497.5,
    ];
    check::<f64>(&doubles);
    let singles: Vec<f32> =
        doubles.iter().map(|&x| x as f32).chain([1e-45, -1e-40, f32::MAX, f32::MIN_POSITIVE]).collect();
    check::<f32>(&singles);
}

/// Of vectors, values and status are those of single numbers.
#[test]
fn exponents_of_vectors_are_the_c_librarys() {
    fn check<T: exponent::Scaled + Real + core::fmt::Debug>(values: &[T])
    where
        Frexp: UnaryPairOp<T, Out0 = T, Out1 = i32>,
        Ldexp: BinaryOp<T, i32, Out = T>,
    {
        let (n, size) = (20usize, size_of::<T>() as isize);
        let same = |a: T, b: T| bytes(&[a]) == bytes(&[b]) || a.is_nan() && b.is_nan();
        for &x in values {
            let (x, mut out) = (vec![x; n], vec![x; n]);
            let mut exponents = vec![0i32; n];
            let ints = (exponents.as_mut_ptr().cast_const().cast(), 4);
            let outs = (out.as_mut_ptr().cast_const().cast(), size);
            fpstatus::clear();
            run(exponent::frexp::<T>, n, &[(x.as_ptr().cast(), size), outs, ints]);
            assert_eq!(fpstatus::take(), 0, "{:?}", x[0]);
            let (fraction, by) = Real::frexp(x[0]);
            assert!(out.iter().all(|&y| same(y, fraction)), "{:?}: {out:?}", x[0]);
            assert!(exponents.iter().all(|&e| e == by || !x[0].is_finite()), "{:?}: {exponents:?}", x[0]);
            for e in (-2300..2300).step_by(7).chain([i32::MIN, i32::MAX, 1, -1]) {
                let e = vec![e; n];
                fpstatus::clear();
                let expected = core::hint::black_box(Real::ldexp(x[0], core::hint::black_box(e[0])));
                let flags = fpstatus::take();
                run(exponent::ldexp::<T>, n, &[(x.as_ptr().cast(), size), (e.as_ptr().cast(), 4), outs]);
                assert_eq!(fpstatus::take(), flags, "{:?} {}", x[0], e[0]);
                assert!(out.iter().all(|&y| same(y, expected)), "{:?} {}: {out:?}", x[0], e[0]);
            }
        }
    }
    let doubles = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        -1e300,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        -3e-320,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    check::<f64>(&doubles);
    check::<f32>(&doubles.map(|x| x as f32));
    check::<f32>(&[1e-45, -1e-40, f32::MAX, f32::MIN_POSITIVE]);
}

/// Taking infinities and NaN apart is no invalid operation, in vectors either.
#[test]
fn parts_of_special_values_report_nothing() {
    fn check<T: Elem>(func: LoopFn, values: [T; 5]) {
        let (x, mut y, mut z) = (values.repeat(20), values.repeat(20), [0i64; 100]);
        let size = size_of::<T>() as isize;
        let outs = [(y.as_mut_ptr().cast_const().cast(), size), (z.as_mut_ptr().cast_const().cast(), 8)];
        fpstatus::clear();
        run(func, 100, &[(x.as_ptr().cast(), size), outs[0], outs[1]]);
        assert_eq!(fpstatus::take(), 0);
    }
    let values = [f64::NAN, f64::INFINITY, 1.5, -0.0, f64::NEG_INFINITY];
    check(pairs::unary_pair::<Modf, f64>, values);
    check(pairs::unary_pair::<Modf, f32>, values.map(|x| x as f32));
    check(pairs::unary_pair::<Modf, f16>, values.map(float16::from_f64));
    check(pairs::unary_pair::<Frexp, f64>, values);
    check(pairs::unary_pair::<Frexp, f32>, values.map(|x| x as f32));
    check(pairs::unary_pair::<Frexp, f16>, values.map(float16::from_f64));
}

/// Pairs of results, in every layout.
#[test]
fn pairs_are_their_operations() {
    let a: Vec<i32> = (0..300).map(|i| (i - 150) * 7919).collect();
    let b: Vec<i32> = (0..300).map(|i| (i * 7 + 3) % 11 - 5).collect();
    for n in (0..139).chain([255, 256, 257, 300]) {
        for step in [1, 2] {
            let (mut q, mut r) = (vec![77; n * step], vec![77; n]);
            let outs = (q.as_mut_ptr().cast_const().cast(), 4 * step as isize);
            let rest = (r.as_mut_ptr().cast_const().cast(), 4);
            run(
                pairs::binary_pair::<Divmod, i32>,
                n,
                &[(a.as_ptr().cast(), 4), (b.as_ptr().cast(), 4), outs, rest],
            );
            for i in 0..n {
                assert_eq!((q[i * step], r[i]), <Divmod as BinaryPairOp<i32>>::apply(a[i], b[i]));
            }
        }
        // Quotients over the dividends.
        let (mut q, mut r) = (a.clone(), vec![77; n]);
        let outs = (q.as_mut_ptr().cast_const().cast(), 4);
        let rest = (r.as_mut_ptr().cast_const().cast(), 4);
        run(pairs::binary_pair::<Divmod, i32>, n, &[outs, (b.as_ptr().cast(), 4), outs, rest]);
        for i in 0..n {
            assert_eq!((q[i], r[i]), <Divmod as BinaryPairOp<i32>>::apply(a[i], b[i]));
        }
        let x: Vec<f64> = (0..n).map(|i| i as f64 * 0.37 - 20.0).collect();
        let y: Vec<f64> = (0..n).map(|i| (i % 7) as f64 - 2.5).collect();
        let (mut q, mut r) = (vec![0f64; n], vec![0f64; n]);
        let outs = (q.as_mut_ptr().cast_const().cast(), 8);
        let rest = (r.as_mut_ptr().cast_const().cast(), 8);
        run(pairs::float_divmod::<f64>, n, &[(x.as_ptr().cast(), 8), (y.as_ptr().cast(), 8), outs, rest]);
        for i in 0..n {
            let expected = <Divmod as BinaryPairOp<f64>>::apply(x[i], y[i]);
            assert_eq!((q[i].to_bits(), r[i].to_bits()), (expected.0.to_bits(), expected.1.to_bits()));
        }
    }
}

/// A fold of rows is the loop called for each of them, whatever lies where.
#[test]
fn folds_are_their_loops_row_by_row() {
    fn check<Op: BinaryOp<T, T, Out = T>, T: Elem>(value: impl Fn(usize) -> T) {
        check_fold(fold::fold::<Op, T>, binary::arith::<Op, T>, value);
    }
    fn check_fold<T: Elem>(fold: FoldFn, func: LoopFn, value: impl Fn(usize) -> T) {
        let size = size_of::<T>() as isize;
        let input: Vec<T> = (0..2000).map(&value).collect();
        let start: Vec<T> = (0..100).map(|i| value(i * 3 + 1)).collect();
        for [rows, columns] in [[1, 1], [1, 30], [2, 3], [7, 1], [8, 5], [9, 3], [33, 17], [40, 20], [3, 33]]
        {
            let wide = columns as isize * size;
            for acc_strides in [[0, size], [0, 0], [size, 0], [0, 3 * size], [size, 2 * size]] {
                for strides in
                    [[wide, size], [size, rows as isize * size], [2 * wide, 2 * size], [-wide, size]]
                {
                    let from = if strides[0] < 0 { (rows as isize - 1) * wide } else { 0 };
                    let data = input.as_ptr().cast::<u8>().wrapping_offset(from);
                    let (mut by_rows, mut at_once) = (start.clone(), start.clone());
                    for i in 0..rows as isize {
                        let o = by_rows.as_mut_ptr().cast::<u8>().wrapping_offset(i * acc_strides[0]);
                        let (o, x) = (
                            (o.cast_const(), acc_strides[1]),
                            (data.wrapping_offset(i * strides[0]), strides[1]),
                        );
                        run(func, columns, &[o, x, o]);
                    }
                    // SAFETY: all strides above stay inside 2000 elements and 100 results, which are apart.
                    unsafe { fold(at_once.as_mut_ptr().cast(), acc_strides, data, strides, [rows, columns]) };
                    assert_eq!(
                        bytes(&by_rows),
                        bytes(&at_once),
                        "{rows} {columns} {acc_strides:?} {strides:?}"
                    );
                }
            }
        }
    }
    let value = |i: usize| 1.0 / (i as f64 - 50.3);
    check::<Add, f64>(value);
    check::<Add, f32>(|i| value(i) as f32);
    check::<Multiply, f32>(|i| value(i) as f32);
    check::<Add, f16>(|i| float16::from_f64(value(i)));
    check::<Maximum, f64>(double);
    check::<Fmin, f32>(single);
    check::<Add, i64>(|i| i as i64 * 77);
    check::<Multiply, i8>(|i| i as i8);
    check::<BitXor, u16>(|i| i as u16 * 7);
    check::<LogicalOr, Bool>(|i| Bool((i % 5 == 0) as u8));
    check::<Maximum, i64>(|i| (i * 37 % 251) as i64);
    check::<Add, Complex64>(|i| Complex { re: value(i), im: value(i + 9) });
    check_fold(fold::fold_products::<Complex64>, binary::multiply_complex::<Complex64>, |i| Complex {
        re: 1.0 + value(i),
        im: value(i + 9),
    });
}

/// By one divisor, at the edges of the type and between.
#[test]
fn constant_divisors_divide() {
    let edges = |extra: i64| {
        [0, 1, 2, 3, 5, 7, 10, 641, 1 << 31, (1 << 32) + 1, i64::MAX - 1, i64::MAX].map(|x| x ^ extra)
    };
    let values: Vec<i64> = [0, -1, i64::MIN, 0x5555_5555_5555_5555].into_iter().flat_map(edges).collect();
    let n = values.len();
    for &b in &values {
        let call = |func: LoopFn, y: &mut Vec<i64>| {
            let operands = [values.as_ptr(), &raw const b, y.as_ptr()];
            run(func, n, &[(operands[0].cast(), 8), (operands[1].cast(), 0), (operands[2].cast(), 8)]);
        };
        let mut y = vec![0; n];
        call(binary::divide_integer::<FloorDivide, i64>, &mut y);
        assert!(values.iter().zip(&y).all(|(&a, &q)| q == FloorDivide::apply(a, b)), "{b}");
        call(binary::divide_integer::<Remainder, i64>, &mut y);
        assert!(values.iter().zip(&y).all(|(&a, &r)| r == Remainder::apply(a, b)), "{b}");
        call(binary::divide_integer::<Fmod, i64>, &mut y);
        assert!(values.iter().zip(&y).all(|(&a, &r)| r == Fmod::apply(a, b)), "{b}");
        call(binary::divide_integer::<FloorDivide, u64>, &mut y);
        assert!(
            values.iter().zip(&y).all(|(&a, &q)| q as u64 == FloorDivide::apply(a as u64, b as u64)),
            "{b}"
        );
    }
}

/// 32 bits, and 64 bits that a float holds.
#[test]
fn short_constant_divisors_divide() {
    fn check<T: crate::elem::Elem + PartialEq + core::fmt::Debug>(
        func: LoopFn,
        values: &[T],
        apply: impl Fn(T, T) -> T,
    ) {
        for &b in values {
            let mut y = vec![b; values.len()];
            let size = size_of::<T>() as isize;
            let operands = [
                (values.as_ptr().cast(), size),
                ((&raw const b).cast(), 0),
                (y.as_mut_ptr().cast_const().cast(), size),
            ];
            run(func, values.len(), &operands);
            for (&a, &q) in values.iter().zip(&y) {
                assert_eq!(q, apply(a, b), "{a:?} {b:?}");
            }
        }
    }
    let ends = [1, 2, 3, 7, 10, 641, 46_341, 65_536, 1 << 30, i32::MAX];
    let values: Vec<i32> =
        ends.into_iter().flat_map(|x| [x, x - 1, -x, -x - 1, x ^ 0x5555, i32::MAX - x]).collect();
    check(binary::divide_integer::<FloorDivide, i32>, &values, FloorDivide::apply);
    check(binary::divide_integer::<Remainder, i32>, &values, Remainder::apply);
    let values: Vec<i64> = values.into_iter().flat_map(|x| [x.into(), i64::from(x) << 19]).collect();
    check(binary::divide_wide::<FloorDivide, i64>, &values, FloorDivide::apply);
    check(binary::divide_wide::<Remainder, i64>, &values, Remainder::apply);
    check(binary::divide_wide::<Fmod, i64>, &values, Fmod::apply);
}

#[test]
fn constant_exponents_multiply() {
    use crate::ops::power::{Power, TryBinaryOp};
    let values: Vec<i32> = (0..700).map(|i| i * 31 - 9000).collect();
    for exponent in [0, 1, 2, 3, 7, 8, 31, 1000, -1] {
        for step in [1, 2, 3] {
            let n = 700 / step;
            let mut y = vec![77; n];
            let strides = [4 * step as isize, 0, 4];
            let data = [
                values.as_ptr().cast_mut().cast(),
                (&raw const exponent).cast_mut().cast(),
                y.as_mut_ptr().cast(),
            ];
            // SAFETY: `n` elements at these strides, and one exponent.
            let code = unsafe {
                let func: LoopFn = binary::power_integer::<i32>;
                func(ptr::null(), data.as_ptr(), &(n as isize), strides.as_ptr(), ptr::null_mut())
            };
            assert_eq!(code != 0, exponent < 0);
            for i in 0..if code == 0 { n } else { 0 } {
                assert_eq!(Some(y[i]), Power::try_apply(values[i * step], exponent), "{exponent}");
            }
        }
    }
}
