//! Errors of the elementary functions against the `long double` loops of the same table of ufuncs, so they mean something on
//! x86-64 only.

use std::time::Instant;

use ufuncs::elem::LongDouble;
use ufuncs::{LoopFn, TypeNum};

/// Points of the recorded errors.
pub const RECORDED: usize = 100_000;

/// Random points between two numbers.
#[derive(Clone, Copy)]
enum Range {
    /// By distance.
    Even(f64, f64),
    /// By exponent, of both signs.
    Wide(f64, f64),
    /// By exponent, positive.
    Above(f64, f64),
}
use Range::{Above, Even, Wide};

/// Name, then a range for each operand.
const CASES: &[(&str, &[Range])] = &[
    ("exp", &[Even(-10.0, 10.0)]),
    ("exp", &[Even(-745.0, 710.0)]),
    ("exp2", &[Even(-10.0, 10.0)]),
    ("exp2", &[Even(-1074.0, 1024.0)]),
    ("expm1", &[Even(-1.0, 1.0)]),
    ("expm1", &[Even(-40.0, 700.0)]),
    ("expm1", &[Wide(1e-30, 1.0)]),
    ("log", &[Even(0.5, 2.0)]),
    ("log", &[Above(1e-307, 1e308)]),
    ("log2", &[Even(0.5, 2.0)]),
    ("log2", &[Above(1e-307, 1e308)]),
    ("log10", &[Even(0.5, 2.0)]),
    ("log10", &[Above(1e-307, 1e308)]),
    ("log1p", &[Even(-1.0, 2.0)]),
    ("log1p", &[Wide(1e-30, 0.9)]),
    ("log1p", &[Above(1.0, 1e300)]),
    ("sin", &[Even(-3.2, 3.2)]),
    ("sin", &[Even(-1e5, 1e5)]),
    ("sin", &[Wide(1e-30, 7e13)]),
    ("sin", &[Wide(1e14, 1e300)]),
    ("cos", &[Even(-3.2, 3.2)]),
    ("cos", &[Even(-1e5, 1e5)]),
    ("cos", &[Wide(1e-30, 7e13)]),
    ("tan", &[Even(-3.2, 3.2)]),
    ("tan", &[Even(-1e5, 1e5)]),
    ("tan", &[Wide(1e-30, 7e13)]),
    ("arcsin", &[Even(-1.0, 1.0)]),
    ("arcsin", &[Wide(1e-30, 1.0)]),
    ("arccos", &[Even(-1.0, 1.0)]),
    ("arctan", &[Even(-10.0, 10.0)]),
    ("arctan", &[Wide(1e-30, 1e300)]),
    ("sinh", &[Even(-10.0, 10.0)]),
    ("sinh", &[Even(-710.0, 710.0)]),
    ("sinh", &[Wide(1e-30, 1.0)]),
    ("cosh", &[Even(-10.0, 10.0)]),
    ("cosh", &[Even(-710.0, 710.0)]),
    ("tanh", &[Even(-10.0, 10.0)]),
    ("tanh", &[Wide(1e-30, 20.0)]),
    ("arcsinh", &[Even(-10.0, 10.0)]),
    ("arcsinh", &[Wide(1e-30, 1e149)]),
    ("arccosh", &[Even(1.0, 10.0)]),
    ("arccosh", &[Above(1.0, 1e149)]),
    ("arctanh", &[Even(-1.0, 1.0)]),
    ("arctanh", &[Wide(1e-30, 1.0)]),
    ("cbrt", &[Even(-10.0, 10.0)]),
    ("cbrt", &[Wide(1e-307, 1e308)]),
    ("arctan2", &[Even(-10.0, 10.0), Even(-10.0, 10.0)]),
    ("arctan2", &[Wide(1e-200, 1e100), Wide(1e-100, 1e150)]),
    ("power", &[Even(0.0, 10.0), Even(-10.0, 10.0)]),
    ("power", &[Above(1e-300, 1e300), Even(-1.0, 1.0)]),
    ("power", &[Even(0.999, 1.001), Wide(1.0, 7e5)]),
    ("hypot", &[Even(-10.0, 10.0), Even(-10.0, 10.0)]),
    ("hypot", &[Wide(1e-300, 1e300), Wide(1e-300, 1e300)]),
    ("fmod", &[Even(-100.0, 100.0), Even(-10.0, 10.0)]),
    ("remainder", &[Even(-100.0, 100.0), Even(-10.0, 10.0)]),
    ("floor_divide", &[Even(-100.0, 100.0), Even(-10.0, 10.0)]),
    ("logaddexp", &[Even(5.0, 40.0), Even(-40.0, 40.0)]),
    ("logaddexp2", &[Even(5.0, 40.0), Even(-40.0, 40.0)]),
];

/// Splitmix64.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn point(&mut self, range: Range) -> f64 {
        match range {
            Even(low, high) => low + (high - low) * ((self.bits() >> 11) as f64 / (1u64 << 53) as f64),
            // Without a library's logarithms, so that the points are the same everywhere.
            Above(low, high) => {
                let exponent = |x: f64| x.to_bits() >> 52;
                let exponents = exponent(high) - exponent(low) + 1;
                loop {
                    let exponent = exponent(low) + self.bits() % exponents;
                    let x = f64::from_bits(exponent << 52 | self.bits() >> 12);
                    if (low..=high).contains(&x) {
                        return x;
                    }
                }
            }
            Wide(low, high) => {
                let size = self.point(Above(low, high));
                if self.bits() & 1 == 0 { size } else { -size }
            }
        }
    }
}

impl core::fmt::Display for Range {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Even(low, high) => write!(f, "{low}..{high}"),
            Wide(low, high) => write!(f, "±{low:e}..{high:e}"),
            Above(low, high) => write!(f, "{low:e}..{high:e}"),
        }
    }
}

fn find(name: &str, num: TypeNum) -> LoopFn {
    let def = ufuncs::table::find(name).expect("a ufunc");
    def.loops.iter().find(|l| l.types[0] == num).expect("a loop of the type").func
}

/// Fills `out` from equally long inputs.
fn run<T>(func: LoopFn, inputs: &[&[T]], out: &mut [T]) {
    assert!(inputs.iter().all(|x| x.len() == out.len()));
    let mut data: Vec<*mut u8> = inputs.iter().map(|x| x.as_ptr().cast::<u8>().cast_mut()).collect();
    data.push(out.as_mut_ptr().cast());
    let strides = vec![size_of::<T>() as isize; data.len()];
    // SAFETY: contiguous operands of one length; the loop was looked up for their type.
    unsafe {
        func(core::ptr::null(), data.as_ptr(), &(out.len() as isize), strides.as_ptr(), core::ptr::null_mut())
    };
}

/// Units of the last place of a number with `digits` bits and exponents from `least`; nothing for results out of range.
fn ulps(y: f64, exact: LongDouble, digits: i32, least: i32, largest: f64) -> f64 {
    let rounded = exact.to_f64();
    if rounded.is_nan() || rounded.abs() > largest || y.is_infinite() {
        return 0.0;
    }
    let exponent = ((rounded.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(least);
    (LongDouble::from(y) - exact).ldexp(digits - 1 - exponent).to_f64().abs()
}

/// Largest and mean error.
#[derive(Clone, Copy)]
pub struct Errors {
    pub worst: f64,
    pub mean: f64,
}

/// One function, type and set of points.
pub struct Measured {
    pub name: &'static str,
    pub points: String,
    pub dtype: &'static str,
    pub errors: Errors,
    /// Nanoseconds per element.
    #[cfg_attr(test, allow(dead_code, reason = "the example tells it"))]
    pub time: f64,
}

impl Measured {
    /// A line of `src/vmath/accuracy.tsv`.
    pub fn record(&self, level: &str) -> String {
        let Measured { name, points, dtype, errors: Errors { worst, mean }, .. } = self;
        format!("{level}\t{name}\t{points}\t{dtype}\t{worst:.4}\t{mean:.5}")
    }
}

fn measure<T: Copy + Default>(
    name: &str,
    num: TypeNum,
    points: &[Vec<T>],
    widen: impl Fn(T) -> LongDouble,
    error: impl Fn(T, LongDouble) -> f64,
    timed: usize,
) -> (Errors, f64) {
    let inputs: Vec<&[T]> = points.iter().map(|x| &x[..]).collect();
    let count = points[0].len();
    let mut out = vec![T::default(); count];
    let func = find(name, num);
    run(func, &inputs, &mut out);
    let wide: Vec<Vec<LongDouble>> = points.iter().map(|x| x.iter().map(|&x| widen(x)).collect()).collect();
    let mut exact = vec![LongDouble::from(0.0); count];
    run(find(name, TypeNum::LONGDOUBLE), &wide.iter().map(|x| &x[..]).collect::<Vec<_>>(), &mut exact);
    let (worst, sum) = out.iter().zip(&exact).fold((0.0f64, 0.0), |(worst, sum), (&y, &exact)| {
        let error = error(y, exact);
        (worst.max(error), sum + error)
    });
    let few: Vec<&[T]> = inputs.iter().map(|x| &x[..timed]).collect();
    let best = (0..20 * usize::from(timed > 0))
        .map(|_| {
            let start = Instant::now();
            run(func, &few, &mut out[..timed]);
            start.elapsed().as_nanos() as f64 / timed as f64
        })
        .fold(f64::INFINITY, f64::min);
    (Errors { worst, mean: sum / count as f64 }, best)
}

/// All cases whose name `wanted` accepts, `f64` before `f32`, with `count` points, the time on `timed` of them.
pub fn all(wanted: impl Fn(&str) -> bool, count: usize, timed: usize, mut each: impl FnMut(Measured)) {
    for &(name, ranges) in CASES.iter().filter(|(name, _)| wanted(name)) {
        let mut random = Random(1);
        let double: Vec<Vec<f64>> =
            ranges.iter().map(|&range| (0..count).map(|_| random.point(range)).collect()).collect();
        let single: Vec<Vec<f32>> = double
            .iter()
            .map(|x| x.iter().map(|&x| (x as f32).clamp(f32::MIN, f32::MAX)).collect())
            .collect();
        let of_double = measure(
            name,
            TypeNum::DOUBLE,
            &double,
            LongDouble::from,
            |y, exact| ulps(y, exact, 53, -1022, f64::MAX),
            timed,
        );
        let of_single = measure(
            name,
            TypeNum::FLOAT,
            &single,
            LongDouble::from,
            |y, exact| ulps(y.into(), exact, 24, -126, f32::MAX.into()),
            timed,
        );
        let points = ranges.iter().map(Range::to_string).collect::<Vec<_>>().join(", ");
        for (dtype, (errors, time)) in [("f64", of_double), ("f32", of_single)] {
            each(Measured { name, points: points.clone(), dtype, errors, time });
        }
    }
}
