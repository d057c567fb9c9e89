//! Fourier transforms in `long double`: mixed radix for lengths with small factors, Bluestein's convolution for others.
//!
//! Every product is a call into C, so this is written for few operations and full precision, not for the memory
//! hierarchy. Roots of unity come from angles in the first octant.

use num_complex::Complex;

use crate::elem::LongDouble as Ld;

type C = Complex<Ld>;

/// Larger prime factors are cheaper by convolution.
const LARGEST_RADIX: usize = 31;

const ZERO: C = C { re: Ld::ZERO, im: Ld::ZERO };

fn add(a: C, b: C) -> C {
    C { re: a.re + b.re, im: a.im + b.im }
}
fn mul(a: C, b: C) -> C {
    C { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re }
}
fn conj(a: C) -> C {
    C { re: a.re, im: -a.im }
}

/// `exp(-2 pi i k / n)` for all `k < n`.
fn roots(n: usize) -> Vec<C> {
    let tau = Ld::parse_prefix(b"6.283185307179586476925286766559005768394").0;
    let len = Ld::from(n as u64);
    (0..n)
        .map(|k| {
            // Angle k/n of a turn: fold to the first octant, remembering how.
            let lower_half = 2 * k > n;
            let k = if lower_half { n - k } else { k };
            let left = 4 * k > n;
            // From here on in units of 1/2n, so that half turns are whole.
            let k = if left { n - 2 * k } else { 2 * k };
            let steep = 4 * k > n;
            // The remainder to a quarter turn in units of 1/4n.
            let (k, unit) = if steep { (n - 2 * k, 4u64) } else { (k, 2u64) };
            let angle = tau * Ld::from(k as u64) / (len * Ld::from(unit));
            let (mut cos, mut sin) = (angle.cos(), angle.sin());
            if steep {
                (cos, sin) = (sin, cos);
            }
            if left {
                cos = -cos;
            }
            C { re: cos, im: if lower_half { sin } else { -sin } }
        })
        .collect()
}

/// The smallest prime factor.
fn factor(n: usize) -> usize {
    (2..).take_while(|p| p * p <= n).find(|p| n.is_multiple_of(*p)).unwrap_or(n)
}

fn largest_factor(mut n: usize) -> usize {
    let mut largest = 1;
    while n > 1 {
        let p = factor(n);
        largest = p;
        n /= p;
    }
    largest
}

/// A prepared transform of one length.
pub enum Plan {
    Radix { roots: Vec<C> },
    Convolution { chirp: Vec<C>, spectrum: Vec<C>, inner: Box<Plan> },
}

impl Plan {
    pub fn new(n: usize) -> Plan {
        if largest_factor(n) <= LARGEST_RADIX {
            return Plan::Radix { roots: roots(n) };
        }
        // exp(-pi i k^2 / n); the square is taken modulo 2n, the period.
        let fine = roots(2 * n);
        let chirp: Vec<C> =
            (0..n).map(|k| fine[(k as u128 * k as u128 % (2 * n) as u128) as usize]).collect();
        let len = (2 * n - 1).next_power_of_two();
        let inner = Box::new(Plan::new(len));
        let mut spectrum = vec![ZERO; len];
        for (k, z) in chirp.iter().enumerate() {
            spectrum[k] = conj(*z);
            spectrum[(len - k) % len] = conj(*z);
        }
        inner.run(&mut spectrum, false);
        Plan::Convolution { chirp, spectrum, inner }
    }

    /// Transform in place, not scaled.
    pub fn run(&self, data: &mut [C], inverse: bool) {
        if inverse {
            data.iter_mut().for_each(|z| *z = conj(*z));
        }
        match self {
            Plan::Radix { roots } => {
                let input = data.to_vec();
                radix(&input, 1, roots, data);
            }
            Plan::Convolution { chirp, spectrum, inner } => {
                let mut work = vec![ZERO; spectrum.len()];
                for ((w, x), c) in work.iter_mut().zip(&*data).zip(chirp) {
                    *w = mul(*x, *c);
                }
                inner.run(&mut work, false);
                for (w, s) in work.iter_mut().zip(spectrum) {
                    *w = mul(*w, *s);
                }
                inner.run(&mut work, true);
                let scale = Ld::from(1.0) / Ld::from(spectrum.len() as u64);
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
fn radix(input: &[C], step: usize, roots: &[C], out: &mut [C]) {
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
    let mut terms = [ZERO; LARGEST_RADIX];
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
