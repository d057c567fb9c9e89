//! The QR iteration with a single shift, for complex matrices, and their eigenvectors. See [`super::schur`].

use core::ops::Range;

use faer::traits::ComplexField;

use super::qr::reflector;
use super::scalar::{Real, Scalar};
use super::schur::{EXCEPTIONAL, EXCEPTIONAL_FACTOR, add_scaled, budget, hessenberg, negligible, splits};
use super::space::{Columns, Space};

/// A Hessenberg matrix on its way to a triangular one.
struct Iteration<T: Scalar, S: Space> {
    h: S::Matrix<T>,
    z: Option<S::Matrix<T>>,
    part: Range<usize>,
}

impl<T: Scalar, S: Space> Iteration<T, S> {
    #[inline(always)]
    fn at(&self, i: usize, j: usize) -> T {
        self.h.col(j)[i]
    }
    /// Multiply the elements of row `i` in these columns.
    #[inline(always)]
    fn scale_row(&mut self, i: usize, cols: Range<usize>, by: T) {
        for j in cols {
            let x = &mut self.h.col_mut(j)[i];
            *x *= by;
        }
    }
    /// Multiply the elements of column `j` in these rows, and the whole column of the basis.
    #[inline(always)]
    fn scale_col(&mut self, rows: Range<usize>, j: usize, by: T) {
        self.h.col_mut(j)[rows].iter_mut().for_each(|x| *x *= by);
        if let Some(z) = &mut self.z {
            z.col_mut(j).iter_mut().for_each(|x| *x *= by);
        }
    }

    /// Turn the elements below the diagonal real.
    #[inline(always)]
    fn make_real(&mut self) {
        let (lo, hi) = (self.part.start, self.part.end);
        let (first, end) = if self.z.is_some() { (0, self.h.cols()) } else { (lo, hi) };
        for i in lo + 1..hi {
            let x = self.at(i, i - 1);
            if x.im() == T::R::ZERO {
                continue;
            }
            let size = x.modulus();
            let by = x.conjugate().scale(T::R::ONE / x.cabs1());
            let by = by.scale(T::R::ONE / by.modulus());
            self.h.col_mut(i - 1)[i] = T::real(size);
            self.scale_row(i, i..end, by);
            self.scale_col(first..end.min(i + 2), i, by.conjugate());
        }
    }

    #[inline(always)]
    fn shift(&self, l: usize, i: usize, step: usize) -> T {
        let exceptional = |k: usize, row: usize, col: usize| {
            self.at(k, k) + T::real(T::R::from_f64(EXCEPTIONAL_FACTOR) * self.at(row, col).re().modulus())
        };
        if step.is_multiple_of(2 * EXCEPTIONAL) {
            return exceptional(i, i, i - 1);
        }
        if step.is_multiple_of(EXCEPTIONAL) {
            return exceptional(l, l + 1, l);
        }
        let t = self.at(i, i);
        let u = root(self.at(i - 1, i)) * root(self.at(i, i - 1));
        let size = u.cabs1();
        if size == T::R::ZERO {
            return t;
        }
        let x = (self.at(i - 1, i - 1) - t).scale(T::R::from_f64(0.5));
        let sx = x.cabs1();
        let s = size.max_of(sx);
        let over = |z: T| T::of(z.re() / s, z.im() / s);
        let mut y = root(over(x) * over(x) + over(u) * over(u)).scale(s);
        if sx > T::R::ZERO && (x.re() / sx) * y.re() + (x.im() / sx) * y.im() < T::R::ZERO {
            y = -y;
        }
        t - u * u.over(x + y)
    }

    /// The row a step starts at, and the first column of what is to be factored.
    #[inline(always)]
    fn start(&self, l: usize, i: usize, t: T) -> (usize, [T; 2]) {
        for m in (l..i).rev() {
            let (upper, lower) = (self.at(m, m), self.at(m + 1, m + 1));
            let (shifted, below) = (upper - t, self.at(m + 1, m).re());
            let s = shifted.cabs1() + below.modulus();
            let (shifted, below) = (T::of(shifted.re() / s, shifted.im() / s), below / s);
            if m == l {
                return (m, [shifted, T::real(below)]);
            }
            let before = self.at(m, m - 1).re().modulus();
            let weight = shifted.cabs1() * (upper.cabs1() + lower.cabs1());
            if before * below.modulus() <= T::R::EPSILON * weight {
                return (m, [shifted, T::real(below)]);
            }
        }
        unreachable!("a block has two rows at least")
    }

    #[inline(always)]
    fn step(&mut self, l: usize, i: usize, rows: Range<usize>, t: T) {
        let (m, mut v) = self.start(l, i, t);
        for k in m..i {
            if k > m {
                v = [self.at(k, k - 1), self.at(k + 1, k - 1)];
            }
            let tau = reflector(&mut v);
            if k > m {
                let col = self.h.col_mut(k - 1);
                (col[k], col[k + 1]) = (v[0], T::ZERO);
            }
            let v2 = v[1];
            let t2 = (tau * v2).re();
            for j in k..rows.end {
                let col = self.h.col_mut(j);
                let sum = tau.conjugate() * col[k] + col[k + 1].scale(t2);
                col[k] -= sum;
                col[k + 1] -= sum * v2;
            }
            let turn = |x: &mut [T], y: &mut [T]| {
                for (x, y) in x.iter_mut().zip(y) {
                    let sum = tau * *x + y.scale(t2);
                    *x -= sum;
                    *y -= sum * v2.conjugate();
                }
            };
            let end = (k + 3).min(i + 1);
            let (x, y) = self.h.pair_mut(k, k + 1);
            turn(&mut x[rows.start..end], &mut y[rows.start..end]);
            if let Some(z) = &mut self.z {
                let (x, y) = z.pair_mut(k, k + 1);
                turn(x, y);
            }
            if k == m && m > l {
                // The element before the block that is worked on has to stay real.
                let by = T::ONE - tau;
                let by = by.scale(T::R::ONE / by.modulus());
                let col = self.h.col_mut(m);
                col[m + 1] *= by.conjugate();
                if m + 2 <= i {
                    let col = self.h.col_mut(m + 1);
                    col[m + 2] *= by;
                }
                for j in (m..=i).filter(|&j| j != m + 1) {
                    self.scale_row(j, j + 1..rows.end, by);
                    self.scale_col(rows.start..j, j, by.conjugate());
                }
            }
        }
        let x = self.at(i, i - 1);
        if x.im() != T::R::ZERO {
            let size = x.modulus();
            let by = x.scale(T::R::ONE / size);
            self.h.col_mut(i - 1)[i] = T::real(size);
            self.scale_row(i, i + 1..rows.end, by.conjugate());
            self.scale_col(rows.start..i, i, by);
        }
    }

    /// Iterate until the matrix is triangular; whether that succeeded.
    #[inline(always)]
    fn run(&mut self) -> bool {
        let size = self.part.len();
        let least = negligible::<T::R>(size);
        self.make_real();
        let mut end = self.part.end;
        while end > self.part.start {
            let i = end - 1;
            let mut done = false;
            for step in 1..=budget(size) + 1 {
                let l = (self.part.start + 1..=i)
                    .rev()
                    .find(|&k| splits(&self.h, &self.part, k, least))
                    .unwrap_or(self.part.start);
                if l > self.part.start {
                    self.h.col_mut(l - 1)[l] = T::ZERO;
                }
                if l == i {
                    done = true;
                    break;
                }
                let rows = if self.z.is_some() { 0..self.h.cols() } else { l..i + 1 };
                let shift = self.shift(l, i, step);
                self.step(l, i, rows, shift);
            }
            if !done {
                return false;
            }
            end = i;
        }
        true
    }
}

/// The square root with a real part that is not negative.
#[inline(always)]
fn root<T: Scalar>(z: T) -> T {
    <T as ComplexField>::sqrt_impl(&z)
}

/// Eigenvalues of a balanced matrix, of which only a part is not triangular, and eigenvectors not yet normalised.
#[inline(always)]
#[allow(clippy::type_complexity)]
pub fn eigen<T: Scalar, S: Space>(
    mut a: S::Matrix<T>,
    part: Range<usize>,
    vectors: bool,
) -> Option<(S::Vector<T>, Option<S::Matrix<T>>)> {
    let n = a.rows();
    let z = hessenberg::<T, S>(&mut a, &part, vectors);
    let mut it = Iteration::<T, S> { h: a, z, part };
    if !it.run() {
        return None;
    }
    let mut values: S::Vector<T> = S::vector(n);
    for i in 0..n {
        values[i] = it.at(i, i);
    }
    let Some(z) = it.z.take() else { return Some((values, None)) };
    let mut out = S::identity(n);
    let mut x: S::Vector<T> = S::vector(n);
    let least = negligible::<T::R>(n);
    for j in 0..n {
        let value = values[j];
        let floor = least.max_of(T::R::EPSILON * value.cabs1());
        x[..j].iter_mut().zip(it.h.col(j)).for_each(|(x, t)| *x = -*t);
        x[j] = T::ONE;
        for k in (0..j).rev() {
            let by = it.at(k, k) - value;
            x[k] = x[k].over(if by.cabs1() < floor { T::real(floor) } else { by });
            let size = x[k].cabs1();
            if size > T::R::LARGE {
                x[..=j].iter_mut().for_each(|x| *x = T::of(x.re() / size, x.im() / size));
            }
            let by = -x[k];
            add_scaled(&mut x[..k], it.h.col(k), by);
        }
        let to = out.col_mut(j);
        to.fill(T::ZERO);
        for k in 0..=j {
            add_scaled(to, z.col(k), x[k]);
        }
    }
    Some((values, Some(out)))
}
