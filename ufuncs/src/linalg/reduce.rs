//! Reductions of large matrices to real tridiagonal and bidiagonal ones, and the way back for their vectors.
//!
//! Small matrices are reduced by [`unblocked`]; the reflectors of others are the library's. Off the diagonal, and for general matrices on it, too, it leaves complex numbers; their
//! directions are moved into diagonal unitary factors here.

use core::mem::take;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::qr::no_pivoting::factor::recommended_block_size;
use faer::linalg::svd::bidiag::{bidiag_in_place, bidiag_in_place_scratch};
use faer::{Conj, Mat, MatMut, MatRef, Par};

use super::columns::{column, column_mut};
use super::parts::for_columns;
use super::scalar::Scalar;
use super::unblocked;

/// `x / |x|`, or one.
fn direction<T: Scalar>(x: T) -> T {
    let size = x.modulus();
    if size == T::R::ZERO { T::ONE } else { T::of(x.re() / size, x.im() / size) }
}

/// The top left part of a real matrix becomes `diag(by) inner`; the rest of the rows and columns is the identity's.
fn embed<T: Scalar>(by: &[T], inner: MatRef<'_, T::R>, rows: usize, cols: usize) -> Mat<T> {
    let mut out = Mat::<T>::identity(rows, cols);
    for j in 0..inner.ncols() {
        for ((x, by), inner) in column_mut(out.as_mut(), j).iter_mut().zip(by).zip(column(inner, j)) {
            *x = by.scale(*inner);
        }
    }
    out
}

/// Apply reflectors, all to some columns at a time.
fn reflect<T: Scalar>(basis: MatRef<'_, T>, factors: &Mat<T>, conj: Conj, to: MatMut<'_, T>) {
    let work = 2 * basis.nrows() * basis.ncols() * to.ncols();
    for_columns(to, work, |to| {
        let scratch = apply_scratch::<T>(basis.nrows(), factors.nrows(), to.ncols());
        let mut memory = MemBuffer::new(scratch);
        apply(basis, factors.as_ref(), conj, to, Par::Seq, MemStack::new(&mut memory));
    });
}

/// The reflectors of a reduction.
enum Way<N, F> {
    /// Those of a small matrix are made and applied one by one.
    Near(N),
    Far(F),
}

/// `A = Q D T D^H Q^H` with a real T.
pub struct Tridiagonal<T: Scalar> {
    pub d: Vec<T::R>,
    pub e: Vec<T::R>,
    way: Way<unblocked::Tridiagonal<T>, Tridiagonalization<T>>,
}

struct Tridiagonalization<T: Scalar> {
    directions: Vec<T>,
    packed: Mat<T>,
    factors: Mat<T>,
}

impl<T: Scalar> Tridiagonal<T> {
    /// Reduce the Hermitian matrix of two or more rows with this lower triangle.
    pub fn of(mut a: Mat<T>) -> Tridiagonal<T> {
        let n = a.nrows();
        if unblocked::suits::<T>(n, n) {
            let mut near = unblocked::tridiagonal(&a);
            let (d, e) = (take(&mut near.d), take(&mut near.e));
            return Tridiagonal { d, e, way: Way::Near(near) };
        }
        let mut factors = Mat::<T>::zeros(recommended_block_size::<T>(n, n), n - 1);
        let mut memory = MemBuffer::new(tridiag_in_place_scratch::<T>(n, Par::Seq, Default::default()));
        let stack = MemStack::new(&mut memory);
        tridiag_in_place(a.as_mut(), factors.as_mut(), Par::Seq, stack, Default::default());
        let d = (0..n).map(|i| a[(i, i)].re()).collect();
        let e = (1..n).map(|i| a[(i, i - 1)].modulus()).collect();
        let mut directions = vec![T::ONE; n];
        for i in 1..n {
            directions[i] = direction(a[(i, i - 1)] * directions[i - 1]);
        }
        Tridiagonal { d, e, way: Way::Far(Tridiagonalization { directions, packed: a, factors }) }
    }
    /// `Q D vectors`.
    pub fn back(&self, vectors: &Mat<T::R>) -> Mat<T> {
        let n = vectors.nrows();
        match &self.way {
            Way::Near(near) => {
                let mut out = unblocked::padded(n, n, |i, j| T::real(vectors[(i, j)]));
                unblocked::apply(near.packed.as_ref().subrows(0, n), 1, &near.tau, out.as_mut(), |_| 0);
                out.truncate(n, n);
                out
            }
            Way::Far(far) => {
                let mut out = embed(&far.directions, vectors.as_ref(), n, n);
                let basis = far.packed.as_ref().submatrix(1, 0, n - 1, n - 1);
                reflect(basis, &far.factors, Conj::No, out.as_mut().subrows_mut(1, n - 1));
                out
            }
        }
    }
}

/// `A = Q C B D^H P^H` with a real and upper B.
pub struct Bidiagonal<T: Scalar> {
    pub d: Vec<T::R>,
    pub e: Vec<T::R>,
    rows: usize,
    way: Way<unblocked::Bidiagonal<T>, Bidiagonalization<T>>,
}

struct Bidiagonalization<T: Scalar> {
    left: Vec<T>,
    right: Vec<T>,
    packed: Mat<T>,
    left_factors: Mat<T>,
    right_factors: Mat<T>,
}

impl<T: Scalar> Bidiagonal<T> {
    /// Reduce a matrix of at least as many rows as columns, of which there is one.
    pub fn of(mut a: Mat<T>) -> Bidiagonal<T> {
        let (m, n) = (a.nrows(), a.ncols());
        if unblocked::suits::<T>(m, n) {
            let mut near = unblocked::bidiagonal(&a);
            let (d, e) = (take(&mut near.d), take(&mut near.e));
            return Bidiagonal { d, e, rows: m, way: Way::Near(near) };
        }
        let block = recommended_block_size::<T>(m, n);
        let (mut left_factors, mut right_factors) =
            (Mat::<T>::zeros(block, n), Mat::<T>::zeros(block, n - 1));
        let mut memory = MemBuffer::new(bidiag_in_place_scratch::<T>(m, n, Par::Seq, Default::default()));
        let stack = MemStack::new(&mut memory);
        let (l, r) = (left_factors.as_mut(), right_factors.as_mut());
        bidiag_in_place(a.as_mut(), l, r, Par::Seq, stack, Default::default());
        let d = (0..n).map(|i| a[(i, i)].modulus()).collect();
        let e = (1..n).map(|i| a[(i - 1, i)].modulus()).collect();
        let (mut left, mut right) = (vec![T::ONE; n], vec![T::ONE; n]);
        for i in 0..n {
            left[i] = direction(a[(i, i)] * right[i]);
            if i + 1 < n {
                right[i + 1] = direction(left[i] * a[(i, i + 1)].conjugate());
            }
        }
        let far = Bidiagonalization { left, right, packed: a, left_factors, right_factors };
        Bidiagonal { d, e, rows: m, way: Way::Far(far) }
    }
    /// `Q C vectors`, with so many columns.
    pub fn back_left(&self, vectors: &Mat<T::R>, cols: usize) -> Mat<T> {
        match &self.way {
            Way::Near(near) => {
                let n = vectors.nrows();
                let mut out = unblocked::padded(self.rows, cols, |i, j| match (i < n && j < n, i == j) {
                    (true, _) => T::real(vectors[(i, j)]),
                    (false, true) => T::ONE,
                    (false, false) => T::ZERO,
                });
                let packed = near.left.as_ref().subrows(0, self.rows);
                unblocked::apply(packed, 0, &near.left_tau, out.as_mut(), |_| 0);
                out.truncate(self.rows, cols);
                out
            }
            Way::Far(far) => {
                let mut out = embed(&far.left, vectors.as_ref(), self.rows, cols);
                reflect(far.packed.as_ref(), &far.left_factors, Conj::No, out.as_mut());
                out
            }
        }
    }
    /// `P D vectors`.
    pub fn back_right(&self, vectors: &Mat<T::R>) -> Mat<T> {
        let n = vectors.nrows();
        match &self.way {
            Way::Near(near) => {
                let mut out = unblocked::padded(n, n, |i, j| T::real(vectors[(i, j)]));
                let packed = near.right.as_ref().subrows(0, n);
                unblocked::apply(packed, 1, &near.right_tau, out.as_mut(), |_| 0);
                out.truncate(n, n);
                out
            }
            Way::Far(far) => {
                let mut out = embed(&far.right, vectors.as_ref(), n, n);
                if n > 1 {
                    // They lie in rows above the diagonal.
                    let basis =
                        Mat::from_fn(
                            n - 1,
                            n - 1,
                            |i, j| if i < j { T::ZERO } else { far.packed[(j, i + 1)] },
                        );
                    let below = out.as_mut().subrows_mut(1, n - 1);
                    reflect(basis.as_ref(), &far.right_factors, Conj::Yes, below);
                }
                out
            }
        }
    }
}
