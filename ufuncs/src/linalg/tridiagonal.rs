//! Eigenvalues and eigenvectors of small Hermitian matrices, with LAPACK's signs.
//!
//! Reflectors make the matrix tridiagonal, implicit QL or QR steps (whichever starts at the smaller end of a block) make it
//! diagonal. As with [`super::bidiagonal`], larger matrices are divided and conquered, and up to
//! [`SMALL`](super::bidiagonal::SMALL) rows the steps are LAPACK's, so that signs are.

use faer::MatMut;

use super::columns::{column, column_mut};
use super::qr::{apply_one, reflector};
use super::rotation::{Rotation, symmetric_2x2};
use super::scalar::{Real, Scalar};
use super::space::{Columns, Heap, Space};

/// Sweeps for each eigenvalue before the matrix is given up.
const SWEEPS: usize = 30;

/// Ascending eigenvalues, and eigenvectors if wanted, of the matrix with this lower triangle (finite, not empty).
#[inline(always)]
#[allow(clippy::type_complexity)]
pub fn decompose<T: Scalar, S: Space>(
    mut a: S::Matrix<T>,
    vectors: bool,
) -> Option<(S::Vector<T::R>, Option<S::Matrix<T>>)> {
    let n = a.rows();
    let (mut d, mut e): (S::Vector<T::R>, S::Vector<T::R>) = (S::vector(n), S::vector(n));
    let mut taus: S::Vector<T> = S::vector(n);
    let half = T::real(T::R::from_f64(0.5));
    let mut w: S::Vector<T> = S::vector(n);
    for i in 0..n - 1 {
        let col = a.col_mut(i);
        d[i] = col[i].re();
        let v = &mut col[i + 1..];
        let tau = reflector(v);
        (e[i], taus[i]) = (v[0].re(), tau);
        if !tau.nonzero() {
            continue;
        }
        v[0] = T::ONE;
        // A - v w^H - w v^H, of the lower triangle.
        let len = n - i - 1;
        let w = &mut w[..len];
        w.fill(T::ZERO);
        for k in 0..len {
            let (v, col) = a.pair_mut(i, i + 1 + k);
            let (v, col) = (&v[i + 1..], &col[i + 1..]);
            let mut sum = T::real(col[k].re()) * v[k];
            for r in k + 1..len {
                w[r] += col[r] * v[k];
                sum += col[r].conjugate() * v[r];
            }
            w[k] += sum;
        }
        let v = &a.col(i)[i + 1..];
        w.iter_mut().for_each(|x| *x *= tau);
        let dot = w.iter().zip(v).fold(T::ZERO, |sum, (w, v)| sum + w.conjugate() * *v);
        let alpha = -(half * tau * dot);
        w.iter_mut().zip(v).for_each(|(w, v)| *w += alpha * *v);
        for k in 0..len {
            let (v, col) = a.pair_mut(i, i + 1 + k);
            let (v, col) = (&v[i + 1..], &mut col[i + 1..]);
            let (vk, wk) = (v[k].conjugate(), w[k].conjugate());
            for r in k..len {
                let x = v[r] * wk + w[r] * vk;
                col[r] -= x;
            }
            col[k] = T::real(col[k].re());
        }
        // The reflector stays with its leading one implied.
        a.col_mut(i)[i + 1] = T::real(e[i]);
    }
    d[n - 1] = a.col(n - 1)[n - 1].re();
    let mut it = Iteration::<T::R, S> { n, d, e, z: vectors.then(|| S::identity(n)) };
    if !it.run() {
        return None;
    }
    it.sort();
    let z = it.z.map(|z| {
        let mut out = S::matrix(n, n, |i, j| T::real(z.col(j)[i]));
        for i in (0..n - 1).rev() {
            let v = &a.col(i)[i + 1..];
            for k in 0..n {
                apply_one(v, taus[i], &mut out.col_mut(k)[i + 1..]);
            }
        }
        out
    });
    Some((it.d, z))
}

/// Replace the diagonal of a tridiagonal matrix by its eigenvalues, in no order, and the columns of `z` by its eigenvectors; whether
/// that succeeded. If no `VECTORS` are wanted, `z` is but the first and the last row of what it would be.
pub fn iterate<R: Real, const VECTORS: bool>(d: &mut [R], e: &[R], mut z: MatMut<'_, R>) -> bool {
    let n = d.len();
    let rows = if VECTORS {
        Heap::identity(n)
    } else {
        Heap::matrix(2, n, |i, j| if j == [0, n - 1][i] { R::ONE } else { R::ZERO })
    };
    let mut it = Iteration::<R, Heap> { n, d: d.to_vec(), e: e.to_vec(), z: Some(rows) };
    let done = it.run();
    d.copy_from_slice(&it.d);
    if let Some(from) = it.z {
        (0..n).for_each(|j| column_mut(z.as_mut(), j).copy_from_slice(column(from.as_ref(), j)));
    }
    done
}

/// The length of `(g, 1)`.
#[inline(always)]
fn length<R: Real>(g: R) -> R {
    let square = g * g + R::ONE;
    if square <= R::MAX { square.sqrt() } else { g.modulus() }
}

/// A tridiagonal matrix on its way to a diagonal one.
struct Iteration<R: Real, S: Space> {
    n: usize,
    d: S::Vector<R>,
    e: S::Vector<R>,
    z: Option<S::Matrix<R>>,
}

impl<R: Real, S: Space> Iteration<R, S> {
    #[inline(always)]
    fn turn(&mut self, j: usize, by: Rotation<R>) {
        if let Some(z) = &mut self.z {
            by.apply(z, j);
        }
    }

    /// Iterate until all of `e` is zero; whether that succeeded.
    fn run(&mut self) -> bool {
        let n = self.n;
        let unit = R::EPSILON / R::from_f64(2.0);
        let mut budget = SWEEPS * n;
        let mut first = 0;
        while first < n {
            if first > 0 {
                self.e[first - 1] = R::ZERO;
            }
            // The block ends before a negligible element.
            let mut last = first;
            while last + 1 < n {
                let size = self.e[last].modulus();
                // Products may underflow, so the roots decide; but as a rule there is no need to take them.
                let product =
                    (R::from_f64(4.0) * unit * unit * self.d[last].modulus()) * self.d[last + 1].modulus();
                let scale = || self.d[last].modulus().sqrt() * self.d[last + 1].modulus().sqrt();
                if size * size <= product + R::MIN_POSITIVE && size <= scale() * unit {
                    self.e[last] = R::ZERO;
                    break;
                }
                last += 1;
            }
            let done = if self.d[last].modulus() < self.d[first].modulus() {
                self.upwards(last, first, &mut budget)
            } else {
                self.downwards(first, last, &mut budget)
            };
            if !done {
                return false;
            }
            first = last + 1;
        }
        true
    }

    fn negligible(&self, i: usize) -> bool {
        let unit = R::EPSILON / R::from_f64(2.0);
        let e = self.e[i].modulus();
        e * e <= (unit * unit * self.d[i].modulus()) * self.d[i + 1].modulus() + R::MIN_POSITIVE
    }

    /// QL steps: eigenvalues come out at the top.
    fn downwards(&mut self, mut l: usize, end: usize, budget: &mut usize) -> bool {
        let two = R::from_f64(2.0);
        while l <= end {
            let m = (l..end).find(|&m| self.negligible(m)).unwrap_or(end);
            if m < end {
                self.e[m] = R::ZERO;
            }
            if m == l {
                l += 1;
                continue;
            }
            if m == l + 1 {
                let (first, second, turn) = symmetric_2x2(self.d[l], self.e[l], self.d[l + 1]);
                self.turn(l, turn);
                (self.d[l], self.d[l + 1], self.e[l]) = (first, second, R::ZERO);
                l += 2;
                continue;
            }
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            let mut g = (self.d[l + 1] - self.d[l]) / (two * self.e[l]);
            let r = length(g);
            g = self.d[m] - self.d[l] + self.e[l] / (g + r.with_sign_of(g));
            let (mut sin, mut cos, mut p) = (R::ONE, R::ONE, R::ZERO);
            for i in (l..m).rev() {
                let (f, b) = (sin * self.e[i], cos * self.e[i]);
                let (turn, r) = Rotation::of(g, f);
                (sin, cos) = (turn.sin, turn.cos);
                if i + 1 < m {
                    self.e[i + 1] = r;
                }
                g = self.d[i + 1] - p;
                let r = (self.d[i] - g) * sin + two * cos * b;
                p = sin * r;
                self.d[i + 1] = g + p;
                g = cos * r - b;
                self.turn(i, turn.inverse());
            }
            self.d[l] -= p;
            self.e[l] = g;
        }
        true
    }

    /// QR steps: eigenvalues come out at the bottom.
    fn upwards(&mut self, l: usize, end: usize, budget: &mut usize) -> bool {
        let two = R::from_f64(2.0);
        // One past the element in work, so that it may reach the top.
        let mut next = l + 1;
        while next > end {
            let l = next - 1;
            let m = (end..l).rev().find(|&m| self.negligible(m)).map_or(end, |m| m + 1);
            if m > end {
                self.e[m - 1] = R::ZERO;
            }
            if m == l {
                next -= 1;
                continue;
            }
            if m + 1 == l {
                let (first, second, turn) = symmetric_2x2(self.d[l - 1], self.e[l - 1], self.d[l]);
                self.turn(l - 1, turn);
                (self.d[l - 1], self.d[l], self.e[l - 1]) = (first, second, R::ZERO);
                next -= 2;
                continue;
            }
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            let mut g = (self.d[l - 1] - self.d[l]) / (two * self.e[l - 1]);
            let r = length(g);
            g = self.d[m] - self.d[l] + self.e[l - 1] / (g + r.with_sign_of(g));
            let (mut sin, mut cos, mut p) = (R::ONE, R::ONE, R::ZERO);
            for i in m..l {
                let (f, b) = (sin * self.e[i], cos * self.e[i]);
                let (turn, r) = Rotation::of(g, f);
                (sin, cos) = (turn.sin, turn.cos);
                if i > m {
                    self.e[i - 1] = r;
                }
                g = self.d[i] - p;
                let r = (self.d[i + 1] - g) * sin + two * cos * b;
                p = sin * r;
                self.d[i] = g + p;
                g = cos * r - b;
                self.turn(i, turn);
            }
            self.d[l] -= p;
            self.e[l - 1] = g;
        }
        true
    }

    /// Let the values ascend.
    fn sort(&mut self) {
        let n = self.n;
        for i in 0..n {
            let mut at = i;
            for j in i + 1..n {
                if self.d[j] < self.d[at] {
                    at = j;
                }
            }
            if at == i {
                continue;
            }
            self.d.swap(i, at);
            if let Some(z) = &mut self.z {
                let (x, y) = z.pair_mut(i, at);
                x.swap_with_slice(y);
            }
        }
    }
}
