//! Fourier transforms with roots of unity that are correct to the last bit: mixed radix for lengths with small factors,
//! Bluestein's convolution for others.
//!
//! This serves `long double`, where every product is a call into C, and those lengths of `double` with large prime factors.
//! So it is written for few operations and full precision, not for the memory hierarchy. Roots come from
//! angles in the first octant, in `long double`.

use num_complex::Complex;

use super::plans::Float;
use crate::elem::LongDouble as Ld;

type C<T> = Complex<T>;

/// Larger prime factors are cheaper by convolution.
const LARGEST_RADIX: usize = 31;

fn zero<T: Float>() -> C<T> {
    C { re: T::ZERO, im: T::ZERO }
}
#[inline(always)]
fn add<T: Float>(a: C<T>, b: C<T>) -> C<T> {
    C { re: a.re + b.re, im: a.im + b.im }
}
#[inline(always)]
fn mul<T: Float>(a: C<T>, b: C<T>) -> C<T> {
    C { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re }
}
#[inline(always)]
fn conj<T: Float>(a: C<T>) -> C<T> {
    C { re: a.re, im: -a.im }
}

/// `exp(-2 pi i k / n)`.
fn root(k: usize, n: usize) -> C<Ld> {
    let tau = Ld::parse_prefix(b"6.283185307179586476925286766559005768394").0;
    // Angle k/n of a turn: fold to the first octant, remembering how.
    let lower_half = 2 * k > n;
    let k = if lower_half { n - k } else { k };
    let left = 4 * k > n;
    // From here on in units of 1/2n, so that half turns are whole.
    let k = if left { n - 2 * k } else { 2 * k };
    let steep = 4 * k > n;
    // The remainder to a quarter turn in units of 1/4n.
    let (k, unit) = if steep { (n - 2 * k, 4u64) } else { (k, 2u64) };
    let angle = tau * Ld::from(k as u64) / (Ld::from(n as u64) * Ld::from(unit));
    let (mut cos, mut sin) = (angle.cos(), angle.sin());
    if steep {
        (cos, sin) = (sin, cos);
    }
    if left {
        cos = -cos;
    }
    C { re: cos, im: if lower_half { sin } else { -sin } }
}

/// All roots of unity of order `n`, clockwise.
pub fn roots<T: Float>(n: usize) -> Vec<C<T>> {
    let round = |z: C<Ld>| C { re: T::of_long(z.re), im: T::of_long(z.im) };
    if T::IS_LONG || n < 256 {
        return (0..n).map(|k| round(root(k, n))).collect();
    }
    // Narrower types take products of two long roots, which saves most sines.
    let block = n.isqrt();
    let fine: Vec<C<Ld>> = (0..block).map(|k| root(k, n)).collect();
    let mut out = Vec::with_capacity(n);
    for start in (0..n).step_by(block) {
        let coarse = root(start, n);
        out.extend(fine.iter().take(n - start).map(|z| {
            round(C { re: z.re * coarse.re - z.im * coarse.im, im: z.re * coarse.im + z.im * coarse.re })
        }));
    }
    out
}

/// The smallest prime factor.
fn factor(n: usize) -> usize {
    (2..).take_while(|p| p * p <= n).find(|p| n.is_multiple_of(*p)).unwrap_or(n)
}

/// The largest prime factor.
pub fn largest_factor(mut n: usize) -> usize {
    let mut largest = 1;
    while n > 1 {
        let p = factor(n);
        largest = p;
        n /= p;
    }
    largest
}

/// A length for convolutions of this many points: a power of two, or less where a few small factors come closer.
fn convolution_length(points: usize) -> usize {
    let power = points.next_power_of_two();
    [9, 10, 12, 15].into_iter().map(|part| power / 16 * part).find(|n| *n >= points).unwrap_or(power)
}

/// A prepared transform of one length.
pub enum Plan<T> {
    Radix { roots: Vec<C<T>> },
    Convolution { chirp: Vec<C<T>>, spectrum: Vec<C<T>> },
}

impl<T: Float> Plan<T> {
    pub fn new(n: usize) -> Plan<T> {
        if largest_factor(n) <= LARGEST_RADIX {
            return Plan::Radix { roots: roots(n) };
        }
        // exp(-pi i k^2 / n); the square is taken modulo 2n, the period.
        let fine = roots::<T>(2 * n);
        let chirp: Vec<C<T>> =
            (0..n).map(|k| fine[(k as u128 * k as u128 % (2 * n) as u128) as usize]).collect();
        let len = convolution_length(2 * n - 1);
        let mut factors = vec![zero(); len];
        for (k, z) in chirp.iter().enumerate() {
            factors[k] = conj(*z);
            factors[(len - k) % len] = conj(*z);
        }
        let mut spectrum = vec![zero(); len];
        T::complex(len, false)(&mut factors, &mut spectrum);
        Plan::Convolution { chirp, spectrum }
    }

    /// Transform in place, not scaled.
    pub fn run(&self, data: &mut [C<T>], inverse: bool) {
        if inverse {
            data.iter_mut().for_each(|z| *z = conj(*z));
        }
        match self {
            Plan::Radix { roots } => {
                let input = data.to_vec();
                radix(&input, 1, roots, data);
            }
            Plan::Convolution { chirp, spectrum } => {
                let mut work = vec![zero(); spectrum.len()];
                for ((w, x), c) in work.iter_mut().zip(&*data).zip(chirp) {
                    *w = mul(*x, *c);
                }
                let mut other = vec![zero(); work.len()];
                T::complex(work.len(), false)(&mut work, &mut other);
                for (w, s) in other.iter_mut().zip(spectrum) {
                    *w = mul(*w, *s);
                }
                T::complex(work.len(), true)(&mut other, &mut work);
                let scale = T::of_long(Ld::from(1.0) / Ld::from(spectrum.len() as u64));
                for ((x, w), c) in data.iter_mut().zip(&work).zip(chirp) {
                    let z = mul(*w, *c);
                    *x = C { re: z.re * scale, im: z.im * scale };
                }
            }
        }
        if inverse {
            data.iter_mut().for_each(|z| *z = conj(*z));
        }
    }
}

/// Transform every `step`th element of `input` into `out`; `roots` are those of the whole length.
fn radix<T: Float>(input: &[C<T>], step: usize, roots: &[C<T>], out: &mut [C<T>]) {
    let n = out.len();
    if n == 1 {
        out[0] = input[0];
        return;
    }
    let p = factor(n);
    let m = n / p;
    for r in 0..p {
        radix(&input[r * step..], step * p, roots, &mut out[r * m..(r + 1) * m]);
    }
    let spread = roots.len() / n;
    let mut terms = [zero(); LARGEST_RADIX];
    for k in 0..m {
        for r in 0..p {
            let z = out[r * m + k];
            terms[r] = if r * k == 0 { z } else { mul(z, roots[r * k * spread]) };
        }
        if p == 2 {
            out[k] = add(terms[0], terms[1]);
            out[k + m] = C { re: terms[0].re - terms[1].re, im: terms[0].im - terms[1].im };
            continue;
        }
        for q in 0..p {
            let mut sum = terms[0];
            for r in 1..p {
                sum = add(sum, mul(terms[r], roots[q * r % p * m * spread]));
            }
            out[q * m + k] = sum;
        }
    }
}
