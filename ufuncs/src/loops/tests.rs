//! Every level gives the bits that one element at a time gives, at every length, and writes nothing else.

use core::ffi::c_void;
use core::ptr;

use super::{binary, pairwise, unary};
use crate::abi::LoopFn;
use crate::cpu::Level;
use crate::elem::{Bool, Elem};
use crate::ops::arith::*;
use crate::ops::bits::BitXor;
use crate::ops::compare::*;
use crate::ops::float::*;
use crate::ops::minmax::*;
use crate::ops::{BinaryOp, UnaryOp};

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
    }
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
