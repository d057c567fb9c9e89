//! Accuracy against `long double`, agreement of all ways to reach an element, and status flags.

use core::mem::MaybeUninit;

use super::loops::{binary_block, map, unary_block, zip};
use super::*;
use crate::abi::LoopFn;
use crate::cpu::Level;
use crate::fpstatus;

/// A small generator (splitmix64); the tests want the same points every time.
struct Points(u64);

impl Points {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Between the two, by distance.
    fn even(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// Magnitude between the two, by exponent, with either sign.
    fn wide(&mut self, low: f64, high: f64) -> f64 {
        let x = self.even(low.ln(), high.ln()).exp();
        if self.bits() & 1 == 0 { x } else { -x }
    }
}

fn lanes1<Op: Unary, T: Lane>(level: Level, x: &[T]) -> Vec<T> {
    let mut y = vec![MaybeUninit::uninit(); x.len()];
    unary_block::<Op, T>(level, x, &mut y);
    // SAFETY: the block wrote every element.
    y.into_iter().map(|y| unsafe { y.assume_init() }).collect()
}

fn lanes2<Op: Binary, T: Lane>(level: Level, a: &[T], b: &[T]) -> Vec<T> {
    let mut y = vec![MaybeUninit::uninit(); a.len()];
    binary_block::<Op, T>(level, a, b, &mut y);
    // SAFETY: the block wrote every element.
    y.into_iter().map(|y| unsafe { y.assume_init() }).collect()
}

#[cfg(target_arch = "x86_64")]
mod accuracy {
    use super::*;
    use crate::cpu::Kind;
    use crate::elem::LongDouble;

    const COUNT: usize = 100_000;

    /// Distance from `exact` in units of the last place of a number with `digits` bits, above 2^-1000.
    fn ulps(y: f64, exact: LongDouble, digits: i32, smallest: i32) -> f64 {
        let rounded = exact.to_f64();
        if y == rounded {
            // The difference below is computed from numbers that may be infinite.
            if !y.is_finite() || y == 0.0 {
                return 0.0;
            }
        }
        let exponent = ((rounded.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(smallest);
        (LongDouble::from(y) - exact).ldexp(digits - 1 - exponent).to_f64().abs()
    }

    fn check(name: &str, level: Level, limit: f64, worst: (f64, Vec<f64>)) {
        // Without fused multiply-add it is the C library that answers, and its errors are its own.
        if level.kind() != Kind::Baseline {
            assert!(worst.0 <= limit, "{name} at {}: {} ulp at {:?}", level.name(), worst.0, worst.1);
        }
    }

    fn unary<Op: Unary>(limit: f64, mut point: impl FnMut(&mut Points) -> f64) {
        let (mut points, name) = (Points(1), core::any::type_name::<Op>());
        let x: Vec<f64> = (0..COUNT).map(|_| point(&mut points)).collect();
        let x32: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let exact: Vec<LongDouble> = x.iter().map(|&x| Op::careful(LongDouble::from(x))).collect();
        let exact32: Vec<LongDouble> = x32.iter().map(|&x| Op::careful(LongDouble::from(x))).collect();
        for level in Level::available() {
            let mut worst = (0.0, Vec::new());
            for ((y, &e), &x) in lanes1::<Op, f64>(level, &x).into_iter().zip(&exact).zip(&x) {
                let error = ulps(y, e, 53, -1022);
                if error > worst.0 {
                    worst = (error, vec![x]);
                }
            }
            check(name, level, limit, worst);
            let mut worst = (0.0, Vec::new());
            for ((y, &e), &x) in lanes1::<Op, f32>(level, &x32).into_iter().zip(&exact32).zip(&x32) {
                // Overflow is for the tests of the status.
                if y.is_finite() && e.to_f64().abs() < f32::MAX.into() {
                    let error = ulps(y.into(), e, 24, -126);
                    if error > worst.0 {
                        worst = (error, vec![x.into()]);
                    }
                }
            }
            check(name, level, limit.max(0.97), worst);
        }
    }

    fn binary<Op: Binary>(limit: f64, mut point: impl FnMut(&mut Points) -> (f64, f64)) {
        let (mut points, name) = (Points(1), core::any::type_name::<Op>());
        let (a, b): (Vec<f64>, Vec<f64>) = (0..COUNT).map(|_| point(&mut points)).unzip();
        let exact: Vec<LongDouble> =
            a.iter().zip(&b).map(|(&a, &b)| Op::careful(LongDouble::from(a), LongDouble::from(b))).collect();
        for level in Level::available() {
            let mut worst = (0.0, Vec::new());
            for (i, y) in lanes2::<Op, f64>(level, &a, &b).into_iter().enumerate() {
                // Results out of range are for the tests of the status.
                if (1e-300..1e300).contains(&exact[i].to_f64().abs()) {
                    let error = ulps(y, exact[i], 53, -1022);
                    if error > worst.0 {
                        worst = (error, vec![a[i], b[i]]);
                    }
                }
            }
            check(name, level, limit, worst);
        }
    }

    #[test]
    fn exponentials() {
        unary::<Exp>(0.8, |p| p.even(-10.0, 10.0));
        unary::<Exp>(0.8, |p| p.even(-708.0, 709.7));
        unary::<Exp>(0.8, |p| p.wide(1e-300, 1.0));
        unary::<Exp2>(0.65, |p| p.even(-10.0, 10.0));
        unary::<Exp2>(0.65, |p| p.even(-1022.0, 1024.0));
        unary::<Expm1>(0.9, |p| p.even(-1.0, 1.0));
        unary::<Expm1>(0.9, |p| p.even(-45.0, 709.0));
        unary::<Expm1>(0.9, |p| p.wide(1e-300, 1.0));
    }

    #[test]
    fn logarithms() {
        for near_one in [false, true] {
            let point =
                |p: &mut Points| if near_one { p.even(0.5, 2.0) } else { p.wide(1e-307, 1e307).abs() };
            unary::<Log>(0.85, point);
            unary::<Log2>(0.98, point);
            unary::<Log10>(0.98, point);
            unary::<Log1p>(0.9, point);
        }
        unary::<Log1p>(0.9, |p| p.even(-1.0, 1.0));
        unary::<Log1p>(0.9, |p| p.wide(1e-300, 0.9));
    }

    #[test]
    fn trigonometry() {
        for (low, high) in [(1e-300, 1.0), (1e-2, 1e2), (1.0, 1e6), (1e6, 7e13), (1e14, 1e300)] {
            unary::<Sin>(0.8, |p| p.wide(low, high));
            unary::<Cos>(0.8, |p| p.wide(low, high));
            unary::<Tan>(0.95, |p| p.wide(low, high));
        }
        // Next to multiples of pi/2, where the argument reduction cancels.
        let near = |p: &mut Points| {
            let k = p.even(1.0, 1e9).round();
            let x = k * core::f64::consts::FRAC_PI_2;
            f64::from_bits(x.to_bits() + p.bits() % 5 - 2)
        };
        unary::<Sin>(0.8, near);
        unary::<Cos>(0.8, near);
        unary::<Tan>(0.95, near);
    }

    #[test]
    fn inverse_trigonometry() {
        unary::<Arcsin>(0.65, |p| p.even(-1.0, 1.0));
        unary::<Arcsin>(0.65, |p| p.wide(1e-300, 1.0));
        unary::<Arccos>(0.65, |p| p.even(-1.0, 1.0));
        unary::<Arccos>(0.65, |p| 1.0 - p.wide(1e-16, 1.0).abs());
        unary::<Arctan>(0.7, |p| p.even(-10.0, 10.0));
        unary::<Arctan>(0.7, |p| p.wide(1e-300, 1e300));
        binary::<Arctan2>(0.7, |p| (p.even(-10.0, 10.0), p.even(-10.0, 10.0)));
        binary::<Arctan2>(0.7, |p| (p.wide(1e-200, 1e200), p.wide(1e-200, 1e200)));
    }

    #[test]
    fn hyperbolic() {
        for (low, high) in [(1e-300, 1.0), (1e-2, 1e2), (1.0, 710.47)] {
            unary::<Sinh>(0.8, |p| p.wide(low, high));
            unary::<Cosh>(0.8, |p| p.wide(low, high));
            unary::<Tanh>(0.8, |p| p.wide(low, high));
        }
        unary::<Arcsinh>(0.9, |p| p.even(-10.0, 10.0));
        unary::<Arcsinh>(0.9, |p| p.wide(1e-300, 1e149));
        unary::<Arccosh>(0.9, |p| p.even(1.0, 10.0));
        unary::<Arccosh>(0.9, |p| 1.0 + p.wide(1e-15, 1e149).abs());
        unary::<Arctanh>(0.95, |p| p.even(-1.0, 1.0));
        unary::<Arctanh>(0.95, |p| p.wide(1e-300, 1.0));
    }

    #[test]
    fn roots_and_powers() {
        unary::<Cbrt>(0.75, |p| p.even(-10.0, 10.0));
        unary::<Cbrt>(0.75, |p| p.wide(1e-307, 1e307));
        binary::<Hypot>(0.51, |p| (p.even(-10.0, 10.0), p.even(-10.0, 10.0)));
        binary::<Hypot>(0.51, |p| (p.wide(1e-299, 1e299), p.wide(1e-299, 1e299)));
        binary::<Power>(0.7, |p| (p.even(0.0, 10.0), p.even(-20.0, 20.0)));
        binary::<Power>(0.7, |p| (p.wide(1e-300, 1e300).abs(), p.even(-1.0, 1.0)));
        binary::<Power>(0.7, |p| (p.even(0.999, 1.001), p.wide(1.0, 7e5)));
        binary::<Power>(0.7, |p| (1.0 + p.wide(1e-16, 1e-9), p.wide(1e9, 1e17)));
        // Integer powers of negative numbers.
        binary::<Power>(0.7, |p| (-p.even(0.1, 10.0), p.even(-100.0, 100.0).round()));
    }

    #[test]
    fn division_is_exact() {
        binary::<Fmod>(0.0, |p| (p.wide(1e-3, 1e10), p.wide(1e-3, 1e10)));
        binary::<Fmod>(0.0, |p| (p.wide(1e-300, 1e300), p.wide(1e-300, 1e300)));
        for level in Level::available() {
            let mut points = Points(7);
            let (a, b): (Vec<f64>, Vec<f64>) =
                (0..COUNT).map(|_| (points.wide(1e-2, 1e5), points.wide(1e-2, 1e3))).unzip();
            let (whole, rest) =
                (lanes2::<FloorDivide, f64>(level, &a, &b), lanes2::<Remainder, f64>(level, &a, &b));
            for i in 0..COUNT {
                assert_eq!(whole[i], floor_divide(a[i], b[i]), "{} // {}", a[i], b[i]);
                assert_eq!(rest[i], remainder(a[i], b[i]), "{} % {}", a[i], b[i]);
            }
            let (a, b): (Vec<f32>, Vec<f32>) =
                (a.iter().zip(&b).map(|(&a, &b)| (a as f32, b as f32))).unzip();
            let (whole, rest) =
                (lanes2::<FloorDivide, f32>(level, &a, &b), lanes2::<Remainder, f32>(level, &a, &b));
            for i in 0..COUNT {
                assert_eq!(whole[i], floor_divide(a[i], b[i]), "{} // {}", a[i], b[i]);
                assert_eq!(rest[i], remainder(a[i], b[i]), "{} % {}", a[i], b[i]);
            }
        }
    }

    #[test]
    fn sums_of_exponentials() {
        binary::<LogAddExp>(1.1, |p| (p.even(5.0, 40.0), p.even(-40.0, 40.0)));
        binary::<LogAddExp2>(1.1, |p| (p.even(5.0, 40.0), p.even(-40.0, 40.0)));
    }
}

const SPECIAL: [f64; 36] = [
    0.0,
    -0.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    1.0,
    -1.0,
    0.5,
    -2.0,
    3.0,
    f64::MIN_POSITIVE,
    -f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    1e-310,
    f64::MAX,
    f64::MIN,
    1e-20,
    -1e-20,
    1e10,
    1e20,
    -1e20,
    709.9,
    -709.0,
    -745.3,
    710.4,
    710.6,
    1024.0,
    -1075.0,
    1e-200,
    -88.5,
    89.0,
    -104.0,
    1e300,
    1e-30,
    1e30,
];

/// Value and status of one call. Zeros are told apart, NaNs are not.
fn outcome<T: Lane>(y: T) -> (u64, u32) {
    let y = y.to_f64();
    (if y.is_nan() { u64::MAX } else { y.to_bits() }, fpstatus::take())
}

/// Lanes and care must tell the same about special operands, alone and among others.
#[test]
fn special_values_are_the_librarys() {
    fn unary<Op: Unary>() {
        fn check<Op: Unary, T: Lane>() {
            for level in Level::available() {
                for x in SPECIAL.map(T::from_f64) {
                    fpstatus::clear();
                    let want = outcome(core::hint::black_box(Op::careful(core::hint::black_box(x))));
                    let alone = outcome(lanes1::<Op, T>(level, &[x])[0]);
                    let mut among = vec![T::from_f64(0.75); 37];
                    if want.0 == u64::MAX || f64::from_bits(want.0).abs() < f64::MIN_POSITIVE || want.1 != 0 {
                        assert_eq!(alone, want, "{} at {}", core::any::type_name::<Op>(), x.to_f64());
                    }
                    // `arccosh` of the others would raise.
                    let _ = (lanes1::<Op, T>(level, &among), fpstatus::take());
                    among[20] = x;
                    assert_eq!(outcome(lanes1::<Op, T>(level, &among)[20]).0, alone.0);
                }
            }
        }
        check::<Op, f64>();
        check::<Op, f32>();
    }
    unary::<Exp>();
    unary::<Exp2>();
    unary::<Expm1>();
    unary::<Log>();
    unary::<Log2>();
    unary::<Log10>();
    unary::<Log1p>();
    unary::<Sin>();
    unary::<Cos>();
    unary::<Tan>();
    unary::<Arcsin>();
    unary::<Arccos>();
    unary::<Arctan>();
    unary::<Sinh>();
    unary::<Cosh>();
    unary::<Tanh>();
    unary::<Arcsinh>();
    unary::<Arccosh>();
    unary::<Arctanh>();
    unary::<Cbrt>();
}

#[test]
fn special_pairs_are_the_librarys() {
    fn binary<Op: Binary>() {
        fn check<Op: Binary, T: Lane>() {
            for level in Level::available() {
                for a in SPECIAL.map(T::from_f64) {
                    for b in SPECIAL.map(T::from_f64) {
                        fpstatus::clear();
                        let hidden = core::hint::black_box((a, b));
                        let want = outcome(core::hint::black_box(Op::careful(hidden.0, hidden.1)));
                        let got = outcome(lanes2::<Op, T>(level, &[a], &[b])[0]);
                        if !f64::from_bits(want.0).is_normal() || want.1 != 0 {
                            let name = core::any::type_name::<Op>();
                            assert_eq!(got, want, "{name} of {} and {}", a.to_f64(), b.to_f64());
                        }
                    }
                }
            }
        }
        check::<Op, f64>();
        check::<Op, f32>();
    }
    binary::<Arctan2>();
    binary::<Power>();
    binary::<Hypot>();
    binary::<Fmod>();
    binary::<Remainder>();
    binary::<FloorDivide>();
    binary::<LogAddExp>();
    binary::<LogAddExp2>();
}

/// Runs a loop over `operands`, each a base pointer and a byte stride.
fn run(func: LoopFn, n: usize, operands: &[(*mut u8, isize)]) {
    let (data, strides): (Vec<_>, Vec<_>) = operands.iter().copied().unzip();
    // SAFETY: the callers below lay out `n` elements for each operand.
    unsafe { func(core::ptr::null(), data.as_ptr(), &(n as isize), strides.as_ptr(), core::ptr::null_mut()) };
}

/// Every count, stride and kind of overlap gives the bits that one element alone gives, and writes nothing else.
#[test]
fn bits_depend_on_the_element_only() {
    fn check<S: Stored + PartialEq + core::fmt::Debug>(
        unary: LoopFn,
        binary: LoopFn,
        values: impl Fn(f64) -> S,
    ) {
        let guard = values(-77.0);
        let size = size_of::<S>() as isize;
        let input: Vec<S> = (0..600).map(|i| values(0.37 + i as f64 / 100.0)).collect();
        let at = |v: &[S], i: usize| v[i..].as_ptr().cast::<u8>().cast_mut();
        let one = |i: usize, j: usize| {
            let mut y = [guard; 2];
            run(unary, 1, &[(at(&input, i), 0), (y[..1].as_mut_ptr().cast(), 0)]);
            let binary_operands = [(at(&input, i), 0), (at(&input, j), 0), (y[1..].as_mut_ptr().cast(), 0)];
            run(binary, 1, &binary_operands);
            y
        };
        let single: Vec<[S; 2]> = (0..600).map(|i| one(i, 599 - i)).collect();
        let reversed: Vec<S> = input.iter().rev().copied().collect();
        for n in (0..139).chain([255, 256, 257, 600]) {
            for step in [1usize, 2, 3] {
                let mut y = vec![guard; n * step + 1];
                let out = (y.as_mut_ptr().cast(), size * step as isize);
                run(unary, n, &[(at(&input, 0), size), out]);
                for (k, &y) in y.iter().enumerate() {
                    assert_eq!(
                        y,
                        if k % step == 0 && k / step < n { single[k / step][0] } else { guard },
                        "{k} of {n}"
                    );
                }
                let out = (y.as_mut_ptr().cast(), size * step as isize);
                run(binary, n, &[(at(&input, 0), size), (at(&reversed, 0), size), out]);
                for (k, &y) in y.iter().enumerate() {
                    assert_eq!(
                        y,
                        if k % step == 0 && k / step < n { single[k / step][1] } else { guard },
                        "{k} of {n}"
                    );
                }
            }
            // In place, forwards and backwards, and a scalar operand.
            let mut y = input.clone();
            let p: *mut u8 = y.as_mut_ptr().cast();
            run(unary, n, &[(p, size), (p, size)]);
            assert!((0..600).all(|i| y[i] == if i < n { single[i][0] } else { input[i] }));
            if n > 0 {
                let mut y = input.clone();
                let p: *mut u8 = y[n - 1..].as_mut_ptr().cast();
                run(binary, n, &[(p, -size), (at(&reversed, n - 1), -size), (p, -size)]);
                assert!((0..600).all(|i| y[i] == if i < n { single[i][1] } else { input[i] }));
                let mut y = vec![guard; n + 1];
                run(binary, n, &[(at(&input, 0), size), (at(&input, 5), 0), (y.as_mut_ptr().cast(), size)]);
                assert!((0..n).all(|i| y[i] == one(i, 5)[1]) && y[n] == guard);
            }
        }
        // `accumulate`: each result is the next element's operand. `reduce`: all of them are one.
        let mut sums = input.clone();
        let p: *mut u8 = sums.as_mut_ptr().cast();
        run(binary, 99, &[(p, size), (at(&input, 1), size), (p.wrapping_offset(size), size)]);
        let mut total = [input[0]];
        let p: *mut u8 = total.as_mut_ptr().cast();
        run(binary, 99, &[(p, 0), (at(&input, 1), size), (p, 0)]);
        let mut by_hand = [input[0], guard, guard];
        for i in 1..100 {
            by_hand[1] = input[i];
            let [a, b, o] = by_hand.each_mut().map(|x| core::ptr::from_mut(x).cast());
            run(binary, 1, &[(a, 0), (b, 0), (o, 0)]);
            by_hand[0] = by_hand[2];
            assert_eq!(sums[i], by_hand[0]);
        }
        assert_eq!(total[0], by_hand[0]);
    }
    check::<f64>(map::<Sin, f64>, zip::<Hypot, f64>, |x| x);
    check::<f32>(map::<Exp, f32>, zip::<LogAddExp, f32>, |x| x as f32);
    check::<crate::elem::f16>(
        map::<Log, crate::elem::f16>,
        zip::<Arctan2, crate::elem::f16>,
        crate::elem::float16::from_f64,
    );
}
