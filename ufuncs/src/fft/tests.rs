use num_complex::Complex;

use super::plans::Float;
use crate::elem::LongDouble;

fn naive(x: &[Complex<f64>]) -> Vec<Complex<f64>> {
    let n = x.len();
    let root = |k: usize| Complex::from_polar(1.0, -std::f64::consts::TAU * (k % n) as f64 / n as f64);
    (0..n).map(|q| (0..n).map(|k| x[k] * root(k * q)).sum()).collect()
}

fn sample(n: usize) -> Vec<Complex<f64>> {
    (0..n).map(|k| Complex::new((k as f64 * 0.7).sin(), (k as f64 * k as f64 * 0.3).cos())).collect()
}

const LENGTHS: [usize; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 22, 30, 31, 37, 64, 74, 97, 120, 143, 211, 572, 1001, 2652];

#[test]
fn transforms_match_the_definition() {
    for n in LENGTHS {
        let (x, want) = (sample(n), naive(&sample(n)));
        let mut got = x.clone();
        f64::complex(n, false)(&mut x.clone(), &mut got);
        let mut long: Vec<Complex<LongDouble>> =
            x.iter().map(|z| Complex { re: z.re.into(), im: z.im.into() }).collect();
        LongDouble::complex(n, false)(&mut long.clone(), &mut long);
        for k in 0..n {
            assert!((got[k] - want[k]).norm() < 1e-11, "{n} {k}");
            let z = Complex::new(long[k].re.to_f64(), long[k].im.to_f64());
            assert!((z - want[k]).norm() < 1e-11, "long {n} {k}: {z} {}", want[k]);
        }
    }
}

#[test]
fn long_double_is_more_precise_than_double() {
    // Longer ones add up more roundings.
    for n in LENGTHS.into_iter().filter(|n| *n < 256) {
        let x: Vec<Complex<LongDouble>> =
            sample(n).iter().map(|z| Complex { re: z.re.into(), im: z.im.into() }).collect();
        let mut back = x.clone();
        let mut spectrum = x.clone();
        LongDouble::complex(n, false)(&mut x.clone(), &mut spectrum);
        LongDouble::complex(n, true)(&mut spectrum, &mut back);
        let len = LongDouble::from(n as u64);
        for (a, b) in x.iter().zip(&back) {
            assert!((a.re - b.re / len).to_f64().abs() < 2e-18 && (a.im - b.im / len).to_f64().abs() < 2e-18);
        }
    }
}

fn real_round_trip<T: Float>(of: impl Fn(f64) -> T, to: impl Fn(T) -> f64, tolerance: f64) {
    for n in LENGTHS {
        let x: Vec<f64> = sample(n).iter().map(|z| z.re).collect();
        let want = naive(&x.iter().map(|&re| Complex::new(re, 0.0)).collect::<Vec<_>>());
        let mut data: Vec<T> = x.iter().map(|&v| of(v)).collect();
        let mut half = vec![Complex { re: T::ZERO, im: T::ZERO }; n / 2 + 1];
        T::real(n)(&mut data, &mut half);
        for (z, w) in half.iter().zip(&want) {
            assert!((to(z.re) - w.re).abs() < tolerance && (to(z.im) - w.im).abs() < tolerance, "{n}");
        }
        T::real_inverse(n)(&mut half, &mut data);
        for (a, b) in data.iter().zip(&x) {
            assert!((to(*a) / n as f64 - b).abs() < tolerance, "{n}");
        }
    }
}

#[test]
fn real_transforms_match_the_definition_and_return() {
    real_round_trip(|x| x, |x| x, 1e-11);
    real_round_trip(|x| x as f32, f64::from, 1e-3);
    real_round_trip(LongDouble::from, LongDouble::to_f64, 1e-11);
}
