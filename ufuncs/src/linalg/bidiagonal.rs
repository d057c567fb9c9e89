//! Singular values and vectors of small matrices, with LAPACK's signs.
//!
//! Reflectors make the matrix bidiagonal (after a QR step if it is much longer than wide), then implicit QR steps (Golub and
//! Kahan; Demmel and Kahan's version without a shift where small singular values would lose their accuracy) make it
//! diagonal. Large matrices are decomposed by divide and conquer, in LAPACK as here, but for matrices of up to
//! [`SMALL`] rows or columns LAPACK iterates, so their signs follow from the order of its steps: the end a sweep starts
//! from, the shift, the sign of every rotation. All of these are kept.

use faer::{Mat, MatMut};

use super::columns::{column, column_mut};
use super::qr::{apply_one, factor_few, reflector};
use super::rotation::{Rotation, smaller_singular_value, triangular_2x2};
use super::scalar::{Real, Scalar};
use super::space::{Columns, Heap, Space, Stack, Tiny};

/// The largest order that is decomposed by iteration.
pub const SMALL: usize = 25;

/// `A = U diag(s) V^H`.
pub struct Svd<T: Scalar> {
    pub u: Option<Mat<T>>,
    pub s: Vec<T::R>,
    pub v: Option<Mat<T>>,
}

/// A matrix made bidiagonal: `A = Q B P^H`, B real and upper, the reflectors of Q and P in columns.
struct Bidiagonal<T: Scalar, S: Space> {
    d: S::Vector<T::R>,
    e: S::Vector<T::R>,
    left: S::Matrix<T>,
    left_tau: S::Vector<T>,
    /// The reflector of column `i` starts at row `i + 1`.
    right: S::Matrix<T>,
    right_tau: S::Vector<T>,
}

impl<T: Scalar, S: Space> Bidiagonal<T, S> {
    /// Of a matrix with at least as many rows as columns.
    #[inline(always)]
    fn new(mut a: S::Matrix<T>) -> Self {
        let (m, n) = (a.rows(), a.cols());
        let (mut d, mut e) = (S::vector(n), S::vector(n.saturating_sub(1)));
        let (mut left_tau, mut right_tau) = (S::vector(n), S::vector(n.saturating_sub(1)));
        let mut right = S::matrix(n, n, |_, _| T::ZERO);
        let mut dots = S::vector(m.max(n));
        for i in 0..n {
            let v = &mut a.col_mut(i)[i..];
            let tau = reflector(v);
            (d[i], left_tau[i]) = (v[0].re(), tau);
            for k in i + 1..n {
                let (v, x) = a.pair_mut(i, k);
                apply_one(&v[i..], tau.conjugate(), &mut x[i..]);
            }
            if i + 1 == n {
                break;
            }
            let v = &mut right.col_mut(i)[i + 1..];
            for (k, x) in v.iter_mut().enumerate() {
                *x = a.col(i + 1 + k)[i].conjugate();
            }
            let tau = reflector(v);
            (e[i], right_tau[i]) = (v[0].re(), tau);
            // The rows below, from the right: what a row makes with the reflector comes off it.
            let dots = &mut dots[..m - i - 1];
            dots.fill(T::ZERO);
            let unit = |k: usize| if k == 0 { T::ONE } else { v[k] };
            for k in 0..v.len() {
                for (dot, x) in dots.iter_mut().zip(&a.col(i + 1 + k)[i + 1..]) {
                    *dot += *x * unit(k);
                }
            }
            for k in 0..v.len() {
                let by = tau * unit(k).conjugate();
                for (x, dot) in a.col_mut(i + 1 + k)[i + 1..].iter_mut().zip(&*dots) {
                    *x -= *dot * by;
                }
            }
        }
        Bidiagonal { d, e, left: a, left_tau, right, right_tau }
    }
    /// Longer columns are meant to go on as the identity does.
    #[inline(always)]
    fn apply_left(&self, to: &mut S::Matrix<T>) {
        for i in (0..self.left.cols()).rev() {
            let v = &self.left.col(i)[i..];
            for k in 0..to.cols() {
                apply_one(v, self.left_tau[i], &mut to.col_mut(k)[i..i + v.len()]);
            }
        }
    }
    #[inline(always)]
    fn apply_right(&self, to: &mut S::Matrix<T>) {
        for i in (0..self.right.cols().saturating_sub(1)).rev() {
            let v = &self.right.col(i)[i + 1..];
            for k in 0..to.cols() {
                apply_one(v, self.right_tau[i], &mut to.col_mut(k)[i + 1..][..v.len()]);
            }
        }
    }
}

/// A real matrix as the upper left corner of a larger one that is the identity otherwise.
fn embed<T: Scalar, S: Space>(inner: &S::Matrix<T::R>, rows: usize, cols: usize) -> S::Matrix<T> {
    let n = inner.rows();
    S::matrix(rows, cols, |i, j| match (i < n && j < n, i == j) {
        (true, _) => T::real(inner.col(j)[i]),
        (false, true) => T::ONE,
        (false, false) => T::ZERO,
    })
}

/// What [`decompose_few`] makes: U and V if wanted, and the singular values.
pub type Few<T, const N: usize> =
    (Option<(Tiny<T, N>, Tiny<T, N>)>, <Stack<N> as Space>::Vector<<T as Scalar>::R>);

/// Decompose an ordinary matrix of a few rows and as many columns.
pub fn decompose_few<T: Scalar, const N: usize>(a: Tiny<T, N>, vectors: bool) -> Option<Few<T, N>> {
    let b = Bidiagonal::<T, Stack<N>>::new(a);
    let basis = || vectors.then(|| Stack::<N>::identity(N));
    let mut it = Iteration::<T::R, Stack<N>> { u: basis(), v: basis(), d: b.d, e: b.e, n: N };
    if !it.run() {
        return None;
    }
    it.sort();
    let (Some(u), Some(v)) = (&it.u, &it.v) else { return Some((None, it.d)) };
    let (mut u, mut v) = (embed::<T, Stack<N>>(u, N, N), embed::<T, Stack<N>>(v, N, N));
    b.apply_left(&mut u);
    b.apply_right(&mut v);
    Some((Some((u, v)), it.d))
}

/// Decompose a matrix without NaN or infinities; vectors have as many columns as given, if any.
pub fn decompose<T: Scalar>(mut a: Mat<T>, cols: Option<(usize, usize)>) -> Option<Svd<T>> {
    let (m, n) = (a.nrows(), a.ncols());
    let wide = m < n;
    let adjoint = |a: &Mat<T>| Mat::from_fn(a.ncols(), a.nrows(), |i, j| a[(j, i)].conjugate());
    if wide {
        a = adjoint(&a);
    }
    let (long, p) = (m.max(n), m.min(n));
    // LAPACK's idea of "much longer than wide".
    let much = if T::REAL { p * 11 / 6 } else { p * 17 / 9 };
    let qr = (long >= much && long > p).then(|| {
        let mut tau = vec![T::ZERO; p];
        factor_few(&mut a, &mut tau);
        let r = Mat::from_fn(p, p, |i, j| if i <= j { a[(i, j)] } else { T::ZERO });
        (core::mem::replace(&mut a, r), tau)
    });
    // The triangular factor of a wide matrix is decomposed as it is, other wide matrices by their adjoints.
    let flipped = wide && qr.is_none();
    if wide && qr.is_some() {
        a = adjoint(&a);
    }
    let mut b = Bidiagonal::<T, Heap>::new(a);
    let basis = || cols.map(|_| Mat::identity(p, p));
    let (d, e) = (core::mem::take(&mut b.d), core::mem::take(&mut b.e));
    let mut it = Iteration::<T::R, Heap> { u: basis(), v: basis(), d, e, n: p };
    let turns = if flipped { it.make_upper() } else { vec![] };
    if !it.run() {
        return None;
    }
    it.sort();
    // A lower bidiagonal matrix was turned into an upper one first.
    if let Some(u) = &mut it.u {
        for (i, turn) in turns.iter().enumerate().rev() {
            for k in 0..p {
                let col = column_mut(u.as_mut(), k);
                let (x, y) = (col[i], col[i + 1]);
                (col[i], col[i + 1]) = (turn.cos * x - turn.sin * y, turn.cos * y + turn.sin * x);
            }
        }
    }
    let (Some((u_cols, v_cols)), Some(u), Some(v)) = (cols, &it.u, &it.v) else {
        return Some(Svd { u: None, s: it.d, v: None });
    };
    // Of B = U1 S V1', U1 goes with Q and V1 with P; of the adjoint the other way round.
    let extend = |inner: &Mat<T::R>, rows: usize, cols: usize, reflect: &dyn Fn(&mut Mat<T>)| {
        let mut out = embed::<T, Heap>(inner, rows, cols);
        reflect(&mut out);
        out
    };
    let outer = |out: &mut Mat<T>| {
        if let Some((packed, tau)) = &qr {
            for (i, &tau) in tau.iter().enumerate().rev() {
                let v = &column(packed.as_ref(), i)[i..];
                for k in 0..out.ncols() {
                    apply_one(v, tau, &mut column_mut(out.as_mut(), k)[i..]);
                }
            }
        }
    };
    let (u, v) = if flipped {
        (extend(u, m, u_cols, &|x| b.apply_right(x)), extend(v, n, v_cols, &|x| b.apply_left(x)))
    } else {
        let left = |x: &mut Mat<T>| {
            b.apply_left(x);
            if !wide {
                outer(x);
            }
        };
        let right = |x: &mut Mat<T>| {
            b.apply_right(x);
            if wide {
                outer(x);
            }
        };
        (extend(u, m, u_cols, &left), extend(v, n, v_cols, &right))
    };
    Some(Svd { u: Some(u), s: it.d, v: Some(v) })
}

/// Decompose an upper bidiagonal matrix of as many columns as rows or one more, with vectors to the columns of `u` and `v`; the
/// last of a wider `v` is what the matrix maps to zero. If no `VECTORS` are wanted, `v` is but the first and the last row of
/// what it would be.
pub fn iterate<R: Real, const VECTORS: bool>(
    d: &mut [R],
    e: &[R],
    mut u: MatMut<'_, R>,
    mut v: MatMut<'_, R>,
) -> bool {
    let (n, cols) = (d.len(), v.ncols());
    let mut it = Iteration::<R, Heap> {
        n,
        d: d.to_vec(),
        e: e.to_vec(),
        u: VECTORS.then(|| Heap::identity(n)),
        v: Some(if VECTORS {
            Heap::identity(cols)
        } else {
            Heap::matrix(2, cols, |i, j| if j == [0, cols - 1][i] { R::ONE } else { R::ZERO })
        }),
    };
    if cols > n {
        // Turning the last column away from the right makes the matrix a lower one.
        for i in 0..n {
            let (by, r) = Rotation::of(it.d[i], it.e[i]);
            it.d[i] = r;
            if i + 1 < n {
                it.e[i] = by.sin * it.d[i + 1];
                it.d[i + 1] = by.cos * it.d[i + 1];
            }
            turn(&mut it.v, i, by);
        }
        for (i, by) in it.make_upper().into_iter().enumerate() {
            turn(&mut it.u, i, by);
        }
    }
    if !it.run() {
        return false;
    }
    it.sort();
    d.copy_from_slice(&it.d);
    for (from, mut to) in [(&it.u, u.as_mut()), (&it.v, v.as_mut())] {
        for j in 0..to.ncols() {
            if let Some(from) = from {
                column_mut(to.as_mut(), j).copy_from_slice(column(from.as_ref(), j));
            }
        }
    }
    true
}

/// A bidiagonal matrix on its way to a diagonal one, with the rotations so far.
struct Iteration<R: Real, S: Space> {
    n: usize,
    d: S::Vector<R>,
    e: S::Vector<R>,
    u: Option<S::Matrix<R>>,
    v: Option<S::Matrix<R>>,
}

#[inline(always)]
fn turn<R: Real>(to: &mut Option<impl Columns<R>>, j: usize, rotation: Rotation<R>) {
    if let Some(to) = to {
        rotation.apply(to, j);
    }
}

impl<R: Real, S: Space> Iteration<R, S> {
    /// Take the matrix for a lower one and turn it into an upper one from the left.
    fn make_upper(&mut self) -> Vec<Rotation<R>> {
        (1..self.n)
            .map(|k| {
                let i = k - 1;
                let (turn, r) = Rotation::of(self.d[i], self.e[i]);
                self.d[i] = r;
                self.e[i] = turn.sin * self.d[i + 1];
                self.d[i + 1] = turn.cos * self.d[i + 1];
                turn
            })
            .collect()
    }

    /// Iterate until all of `e` is zero; whether that succeeded.
    fn run(&mut self) -> bool {
        let n = self.n;
        if n == 0 {
            return true;
        }
        let unit = R::EPSILON / R::from_f64(2.0);
        let tolerance = R::SWEEP_TOLERANCE;
        let mut least = self.d[0].modulus();
        let mut mu = least;
        for i in 1..n {
            if least == R::ZERO {
                break;
            }
            mu = self.d[i].modulus() * (mu / (mu + self.e[i - 1].modulus()));
            least = if mu < least { mu } else { least };
        }
        let count = R::from_f64(n as f64);
        let negligible =
            (tolerance * (least / count.sqrt())).max_of(R::from_f64(6.0) * count * count * R::MIN_POSITIVE);

        let mut budget = 6 * n * n;
        // The block of the last sweep and the end it started from.
        let (mut old_lo, mut old_hi, mut downwards) = (usize::MAX, usize::MAX, true);
        let mut hi = n - 1;
        while hi > 0 {
            // The block that ends at `hi` begins behind the last negligible element.
            let mut most = self.d[hi].modulus();
            let mut lo = 0;
            let mut split = false;
            for k in (0..hi).rev() {
                let (diagonal, above) = (self.d[k].modulus(), self.e[k].modulus());
                if above <= negligible {
                    self.e[k] = R::ZERO;
                    (lo, split) = (k + 1, true);
                    break;
                }
                most = most.max_of(diagonal).max_of(above);
            }
            if split && lo == hi {
                hi -= 1;
                continue;
            }
            if lo + 1 == hi {
                let (least, most, right, left) = triangular_2x2(self.d[lo], self.e[lo], self.d[hi]);
                (self.d[lo], self.e[lo], self.d[hi]) = (most, R::ZERO, least);
                turn(&mut self.v, lo, right);
                turn(&mut self.u, lo, left);
                if lo == 0 {
                    break;
                }
                hi = lo - 1;
                continue;
            }
            if budget < hi - lo {
                return false;
            }
            let fresh = old_hi == usize::MAX || lo > old_hi || hi < old_lo;
            if fresh {
                downwards = self.d[lo].modulus() >= self.d[hi].modulus();
            }
            let Some(least) = self.converged(lo, hi, downwards, tolerance) else { continue };
            (old_lo, old_hi) = (lo, hi);

            let mut shift = R::ZERO;
            let small = unit.max_of(R::from_f64(0.01) * tolerance);
            let spread_out = count * tolerance * (least / most) <= small;
            if !spread_out {
                let (start, end) = if downwards { (lo, hi - 1) } else { (hi, lo) };
                shift = smaller_singular_value(self.d[end], self.e[end], self.d[end + 1]);
                let relative = shift / self.d[start].modulus();
                if self.d[start] != R::ZERO && relative * relative < unit {
                    shift = R::ZERO;
                }
            }
            budget -= hi - lo;
            match (shift == R::ZERO, downwards) {
                (true, true) => self.down(lo, hi),
                (true, false) => self.up(lo, hi),
                (false, true) => self.down_shifted(lo, hi, shift),
                (false, false) => self.up_shifted(lo, hi, shift),
            }
            let end = if downwards { hi - 1 } else { lo };
            if self.e[end].modulus() <= negligible {
                self.e[end] = R::ZERO;
            }
        }
        true
    }

    /// Look for negligible elements of a block by the criteria of its direction; `None` when one was found, otherwise a
    /// lower bound for the least singular value.
    fn converged(&mut self, lo: usize, hi: usize, downwards: bool, tolerance: R) -> Option<R> {
        let last = if downwards { (hi - 1, hi) } else { (lo, lo) };
        if self.e[last.0].modulus() <= tolerance * self.d[last.1].modulus() {
            self.e[last.0] = R::ZERO;
            return None;
        }
        let mut mu = self.d[if downwards { lo } else { hi }].modulus();
        let mut least = mu;
        for step in 0..hi - lo {
            let (k, next) =
                if downwards { (lo + step, lo + step + 1) } else { (hi - 1 - step, hi - 1 - step) };
            if self.e[k].modulus() <= tolerance * mu {
                self.e[k] = R::ZERO;
                return None;
            }
            mu = self.d[next].modulus() * (mu / (mu + self.e[k].modulus()));
            least = if mu < least { mu } else { least };
        }
        Some(least)
    }

    /// A sweep without a shift from the top.
    fn down(&mut self, lo: usize, hi: usize) {
        let mut old = Rotation { cos: R::ONE, sin: R::ZERO };
        let mut cos = R::ONE;
        for i in lo..hi {
            let (right, r) = Rotation::of(self.d[i] * cos, self.e[i]);
            if i > lo {
                self.e[i - 1] = old.sin * r;
            }
            let (left, r) = Rotation::of(old.cos * r, self.d[i + 1] * right.sin);
            self.d[i] = r;
            (cos, old) = (right.cos, left);
            turn(&mut self.v, i, right);
            turn(&mut self.u, i, left);
        }
        let h = self.d[hi] * cos;
        (self.d[hi], self.e[hi - 1]) = (h * old.cos, h * old.sin);
    }

    /// A sweep without a shift from the bottom.
    fn up(&mut self, lo: usize, hi: usize) {
        let mut old = Rotation { cos: R::ONE, sin: R::ZERO };
        let mut cos = R::ONE;
        for i in (lo + 1..=hi).rev() {
            let (left, r) = Rotation::of(self.d[i] * cos, self.e[i - 1]);
            if i < hi {
                self.e[i] = old.sin * r;
            }
            let (right, r) = Rotation::of(old.cos * r, self.d[i - 1] * left.sin);
            self.d[i] = r;
            (cos, old) = (left.cos, right);
            turn(&mut self.v, i - 1, right.inverse());
            turn(&mut self.u, i - 1, left.inverse());
        }
        let h = self.d[lo] * cos;
        (self.d[lo], self.e[lo]) = (h * old.cos, h * old.sin);
    }

    fn down_shifted(&mut self, lo: usize, hi: usize, shift: R) {
        let start = self.d[lo];
        let mut f = (start.modulus() - shift) * (R::ONE.with_sign_of(start) + shift / start);
        let mut g = self.e[lo];
        for i in lo..hi {
            let (right, r) = Rotation::of(f, g);
            if i > lo {
                self.e[i - 1] = r;
            }
            let (d, e) = (self.d[i], self.e[i]);
            f = right.cos * d + right.sin * e;
            self.e[i] = right.cos * e - right.sin * d;
            g = right.sin * self.d[i + 1];
            self.d[i + 1] = right.cos * self.d[i + 1];
            let (left, r) = Rotation::of(f, g);
            self.d[i] = r;
            let (d, e) = (self.d[i + 1], self.e[i]);
            f = left.cos * e + left.sin * d;
            self.d[i + 1] = left.cos * d - left.sin * e;
            if i + 1 < hi {
                g = left.sin * self.e[i + 1];
                self.e[i + 1] = left.cos * self.e[i + 1];
            }
            turn(&mut self.v, i, right);
            turn(&mut self.u, i, left);
        }
        self.e[hi - 1] = f;
    }

    fn up_shifted(&mut self, lo: usize, hi: usize, shift: R) {
        let start = self.d[hi];
        let mut f = (start.modulus() - shift) * (R::ONE.with_sign_of(start) + shift / start);
        let mut g = self.e[hi - 1];
        for i in (lo + 1..=hi).rev() {
            let (left, r) = Rotation::of(f, g);
            if i < hi {
                self.e[i] = r;
            }
            let (d, e) = (self.d[i], self.e[i - 1]);
            f = left.cos * d + left.sin * e;
            self.e[i - 1] = left.cos * e - left.sin * d;
            g = left.sin * self.d[i - 1];
            self.d[i - 1] = left.cos * self.d[i - 1];
            let (right, r) = Rotation::of(f, g);
            self.d[i] = r;
            let (d, e) = (self.d[i - 1], self.e[i - 1]);
            f = right.cos * e + right.sin * d;
            self.d[i - 1] = right.cos * d - right.sin * e;
            if i > lo + 1 {
                g = right.sin * self.e[i - 2];
                self.e[i - 2] = right.cos * self.e[i - 2];
            }
            turn(&mut self.v, i - 1, right.inverse());
            turn(&mut self.u, i - 1, left.inverse());
        }
        self.e[lo] = f;
    }

    /// Make the values positive, as a rule at the cost of V, and let them descend.
    fn sort(&mut self) {
        let n = self.n;
        for i in 0..n {
            if self.d[i] < R::ZERO {
                self.d[i] = -self.d[i];
                // A single value is LAPACK's exception.
                if let Some(v) = if n == 1 { &mut self.u } else { &mut self.v } {
                    v.col_mut(i).iter_mut().for_each(|x| *x = -*x);
                }
            }
        }
        for end in (1..n).rev() {
            let mut at = 0;
            for j in 1..=end {
                if self.d[j] <= self.d[at] {
                    at = j;
                }
            }
            if at != end {
                self.d.swap(at, end);
                for m in [&mut self.u, &mut self.v].into_iter().flatten() {
                    let (x, y) = m.pair_mut(at, end);
                    x.swap_with_slice(y);
                }
            }
        }
    }
}
