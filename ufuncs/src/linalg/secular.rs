//! Roots of secular equations, and the vectors that belong to them: the heart of divide and conquer.
//!
//! Where two solved halves meet, what is left is `1/rho + sum z_k^2 / (d_k - x) = 0`, with a root right of each pole `d_k`.
//! For singular values poles and roots are squares, and differences of squares are computed as products of sums and
//! differences. A root is kept as its distance from the nearest pole, so that its distance from every pole has all its digits; and the
//! vectors are those of the nearby numerators whose roots these are exactly, which makes them orthogonal (Gu and Eisenstat).

use faer::{Mat, MatMut};

use super::columns::column_mut;
use super::scalar::Real;
use crate::cpu::{Level, multiversion};

/// Terms added side by side.
const LANES: usize = 16;
/// Steps before a root is taken as it is; a handful are used.
const STEPS: usize = 100;

/// The equation with these poles (ascending) and squared numerators; `SQUARES` says that unknown and poles are squared.
pub struct Secular<'a, R, const SQUARES: bool> {
    pub d: &'a [R],
    pub z: &'a [R],
    /// `1 / rho`
    pub constant: R,
}

/// A root: the pole it is near, and how far it is right of it.
#[derive(Clone, Copy)]
pub struct Root<R> {
    pole: R,
    off: R,
}

impl<R: Real> Root<R> {
    pub fn value(self) -> R {
        self.pole + self.off
    }
    pub fn squared(self) -> R {
        self.value() * self.value()
    }
    /// Distance to it from a pole, of the squares if those count.
    #[inline(always)]
    fn from<const SQUARES: bool>(self, d: R) -> R {
        let difference = (d - self.pole) - self.off;
        if SQUARES { difference * ((d + self.pole) + self.off) } else { difference }
    }
}

/// The sum of some terms, and its derivative.
#[inline(always)]
fn terms<R: Real, const SQUARES: bool>(d: &[R], z: &[R], at: Root<R>) -> (R, R) {
    let (mut sums, mut slopes) = ([R::ZERO; LANES], [R::ZERO; LANES]);
    let (d_chunks, z_chunks) = (d.chunks_exact(LANES), z.chunks_exact(LANES));
    let rest = d_chunks.remainder().iter().zip(z_chunks.remainder());
    for (d, z) in d_chunks.zip(z_chunks) {
        for i in 0..LANES {
            let inverse = R::ONE / at.from::<SQUARES>(d[i]);
            let term = (z[i] * z[i]) * inverse;
            sums[i] += term;
            slopes[i] += term * inverse;
        }
    }
    let (mut sum, mut slope) = (R::ZERO, R::ZERO);
    for (d, z) in rest {
        let inverse = R::ONE / at.from::<SQUARES>(*d);
        let term = (*z * *z) * inverse;
        sum += term;
        slope += term * inverse;
    }
    for i in 0..LANES {
        sum += sums[i];
        slope += slopes[i];
    }
    (sum, slope)
}

/// The terms of the poles up to `j` and of those behind.
// Not a closure: those are compiled for the baseline.
#[inline(always)]
fn sides<R: Real, const SQUARES: bool>(d: &[R], z: &[R], j: usize, at: Root<R>) -> (R, R, R, R) {
    let (psi, psi_slope) = terms::<R, SQUARES>(&d[..=j], &z[..=j], at);
    let (phi, phi_slope) = terms::<R, SQUARES>(&d[j + 1..], &z[j + 1..], at);
    (psi, psi_slope, phi, phi_slope)
}

impl<R: Real, const SQUARES: bool> Secular<'_, R, SQUARES> {
    /// All roots, ascending.
    pub fn roots(&self) -> Vec<Root<R>> {
        (0..self.d.len())
            .map(|j| root::<R, SQUARES>(Level::current(), self.d, self.z, self.constant, j))
            .collect()
    }

    /// Column `k` becomes the vector of root `k`: `z_i / (d_i - root)`, of length one. Of singular vectors it is the right one.
    ///
    /// `z` is replaced by the numerators whose roots these are.
    pub fn vectors(d: &[R], z: &mut [R], roots: &[Root<R>]) -> Mat<R> {
        let n = d.len();
        let mut out = Mat::<R>::zeros(n, n);
        let mut product = vec![R::ONE; n];
        fill::<R, SQUARES>(Level::current(), d, roots, out.as_mut(), &mut product);
        for (z, p) in z.iter_mut().zip(&product) {
            *z = p.modulus().sqrt().with_sign_of(*z);
        }
        finish::<R>(Level::current(), out.as_mut(), z);
        out
    }
}

multiversion! {
    fn root_wide[R: Real](d: &[R], z: &[R], constant: R, j: usize) -> Root<R> = root_body::<R, false>;
}
multiversion! {
    fn root_of_squares_wide[R: Real](d: &[R], z: &[R], constant: R, j: usize) -> Root<R> = root_body::<R, true>;
}
fn root<R: Real, const SQUARES: bool>(level: Level, d: &[R], z: &[R], constant: R, j: usize) -> Root<R> {
    if SQUARES { root_of_squares_wide(level, d, z, constant, j) } else { root_wide(level, d, z, constant, j) }
}

/// The root right of pole `j`: steps of Li's middle way (each side of the root is interpolated by its next pole), kept in
/// an interval around the root.
#[inline(always)]
fn root_body<R: Real, const SQUARES: bool>(d: &[R], z: &[R], constant: R, j: usize) -> Root<R> {
    let (half, two) = (R::from_f64(0.5), R::from_f64(2.0));
    let n = d.len();
    let last = j + 1 == n;
    let (mut pole, mut low, mut high);
    if last {
        let sum = z.iter().fold(R::ZERO, |sum, z| sum + *z * *z) / constant;
        (pole, low) = (d[j], R::ZERO);
        high = if SQUARES { sum / (d[j] + (d[j] * d[j] + sum).sqrt()) } else { sum };
        // The bound is the root itself if there is one term only.
        high += high * R::EPSILON;
    } else {
        (pole, low, high) = (d[j], R::ZERO, d[j + 1] - d[j]);
    }
    let mut off = half * high;
    let mut found = sides::<R, SQUARES>(d, z, j, Root { pole, off });
    if !last && constant + found.0 + found.2 < R::ZERO {
        // It is nearer to the next pole.
        (pole, off) = (d[j + 1], off - high);
        (low, high) = (off, R::ZERO);
    }
    for _ in 0..STEPS {
        let at = Root { pole, off };
        let (psi, psi_slope, phi, phi_slope) = found;
        let (f, slope) = (constant + psi + phi, psi_slope + phi_slope);
        let shift = if SQUARES { off * (pole + at.value()) } else { off };
        let displaced = shift.modulus() * slope;
        // Slopes that are too large say nothing.
        let displaced = if displaced <= R::MAX { displaced } else { R::ZERO };
        let noise = R::from_f64(4.0) * (phi - psi) + constant + displaced;
        if f.has_nan() || f.modulus() <= R::EPSILON * noise {
            break;
        }
        if f < R::ZERO {
            low = off;
        } else {
            high = off;
        }
        let (left, right) = (at.from::<SQUARES>(d[j]), at.from::<SQUARES>(d[if last { j } else { j + 1 }]));
        let mut step = if last {
            f * left / (f - slope * left)
        } else {
            let c = f - left * psi_slope - right * phi_slope;
            let a = (left + right) * f - left * right * slope;
            let b = left * right * f;
            let root = (a * a - R::from_f64(4.0) * b * c).max_of(R::ZERO).sqrt();
            if a <= R::ZERO { (a - root) / (two * c) } else { two * b / (a + root) }
        };
        if step.has_nan() || step * f >= R::ZERO {
            step = -f / slope;
        }
        if SQUARES {
            let value = at.value();
            step = step / (value + (value * value + step).sqrt());
        }
        let mut next = off + step;
        if !(next > low && next < high) {
            next = half * (low + high);
            if !(next > low && next < high) {
                break;
            }
        } else if step.modulus() <= R::EPSILON * half * off.modulus() {
            off = next;
            break;
        }
        off = next;
        found = sides::<R, SQUARES>(d, z, j, Root { pole, off });
    }
    Root { pole, off }
}

/// Distances from all poles (rows) to all roots (columns), and the squares of the numerators that have them.
fn fill<R: Real, const SQUARES: bool>(
    level: Level,
    d: &[R],
    roots: &[Root<R>],
    out: MatMut<'_, R>,
    product: &mut [R],
) {
    if SQUARES {
        fill_squares(level, d, roots, out, product)
    } else {
        fill_plain(level, d, roots, out, product)
    }
}
multiversion! {
    fn fill_plain[R: Real](d: &[R], roots: &[Root<R>], out: MatMut<'_, R>, product: &mut [R]) -> () = fill_body::<R, false>;
}
multiversion! {
    fn fill_squares[R: Real](d: &[R], roots: &[Root<R>], out: MatMut<'_, R>, product: &mut [R]) -> () = fill_body::<R, true>;
}
#[inline(always)]
fn fill_body<R: Real, const SQUARES: bool>(
    d: &[R],
    roots: &[Root<R>],
    mut out: MatMut<'_, R>,
    product: &mut [R],
) {
    for (k, &root) in roots.iter().enumerate() {
        let column = column_mut(out.as_mut(), k);
        let own = d[k];
        for ((x, p), &d) in column.iter_mut().zip(&mut *product).zip(d) {
            let distance = root.from::<SQUARES>(d);
            *x = distance;
            let poles = if SQUARES { (d - own) * (d + own) } else { d - own };
            *p *= if poles == R::ZERO { distance } else { distance / poles };
        }
    }
}

multiversion! {
    fn finish[R: Real](out: MatMut<'_, R>, z: &[R]) -> () = finish_body::<R>;
}
#[inline(always)]
fn finish_body<R: Real>(mut out: MatMut<'_, R>, z: &[R]) {
    for k in 0..out.ncols() {
        let column = column_mut(out.as_mut(), k);
        for (x, z) in column.iter_mut().zip(z) {
            *x = *z / *x;
        }
        normalize(column);
    }
}

/// Make the length one.
#[inline(always)]
pub fn normalize<R: Real>(x: &mut [R]) {
    let mut sums = [R::ZERO; LANES];
    let chunks = x.chunks_exact(LANES);
    let mut sum = chunks.remainder().iter().fold(R::ZERO, |sum, x| sum + *x * *x);
    for x in chunks {
        for i in 0..LANES {
            sums[i] += x[i] * x[i];
        }
    }
    sums.iter().for_each(|x| sum += *x);
    if sum.has_nan() || sum > R::MAX {
        // Next to a root that all but meets its pole, squares are too large.
        let largest = x.iter().fold(R::ZERO, |most, x| most.max_of(x.modulus()));
        x.iter_mut().for_each(|x| *x /= largest);
        sum = x.iter().fold(R::ZERO, |sum, x| sum + *x * *x);
    }
    let inverse = R::ONE / sum.sqrt();
    x.iter_mut().for_each(|x| *x *= inverse);
}
