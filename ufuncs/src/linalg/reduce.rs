//! Reductions of large matrices to real tridiagonal and bidiagonal ones, and the way back for their vectors.
//!
//! The reflectors are the library's. Off the diagonal, and for general matrices on it, too, it leaves complex numbers; their
//! directions are moved into diagonal unitary factors here.

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

/// `A = Q D T D^H Q^H` with a real T.
pub struct Tridiagonal<T: Scalar> {
    pub d: Vec<T::R>,
    pub e: Vec<T::R>,
    directions: Vec<T>,
    packed: Mat<T>,
    factors: Mat<T>,
}

impl<T: Scalar> Tridiagonal<T> {
    /// Reduce the Hermitian matrix of two or more rows with this lower triangle.
    pub fn of(mut a: Mat<T>) -> Tridiagonal<T> {
        let n = a.nrows();
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
        Tridiagonal { d, e, directions, packed: a, factors }
    }
    /// `Q D vectors`.
    pub fn back(&self, vectors: &Mat<T::R>) -> Mat<T> {
        let n = self.d.len();
        let mut out = embed(&self.directions, vectors.as_ref(), n, n);
        let basis = self.packed.as_ref().submatrix(1, 0, n - 1, n - 1);
        reflect(basis, &self.factors, Conj::No, out.as_mut().subrows_mut(1, n - 1));
        out
    }
}

/// `A = Q C B D^H P^H` with a real and upper B.
pub struct Bidiagonal<T: Scalar> {
    pub d: Vec<T::R>,
    pub e: Vec<T::R>,
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
        Bidiagonal { d, e, left, right, packed: a, left_factors, right_factors }
    }
    /// `Q C vectors`, with so many columns.
    pub fn back_left(&self, vectors: &Mat<T::R>, cols: usize) -> Mat<T> {
        let mut out = embed(&self.left, vectors.as_ref(), self.packed.nrows(), cols);
        reflect(self.packed.as_ref(), &self.left_factors, Conj::No, out.as_mut());
        out
    }
    /// `P D vectors`.
    pub fn back_right(&self, vectors: &Mat<T::R>) -> Mat<T> {
        let n = self.d.len();
        let mut out = embed(&self.right, vectors.as_ref(), n, n);
        if n > 1 {
            // They lie in rows above the diagonal.
            let basis =
                Mat::from_fn(n - 1, n - 1, |i, j| if i < j { T::ZERO } else { self.packed[(j, i + 1)] });
            reflect(basis.as_ref(), &self.right_factors, Conj::Yes, out.as_mut().subrows_mut(1, n - 1));
        }
        out
    }
}
