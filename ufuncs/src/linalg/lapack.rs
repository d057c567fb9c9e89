//! LAPACK's own names for the QR factorization and least squares, on column-major memory.

use faer::Mat;

use super::columns::{Content, column, column_mut, content};
use super::qr;
use super::scalar::Scalar;
use super::svd::{LeastNorm, least_norm, triangular};

/// `a` as a matrix of its own.
unsafe fn load<T: Scalar>(m: usize, n: usize, a: *const T, lda: usize) -> Mat<T> {
    // SAFETY: the caller's promise.
    Mat::from_fn(m, n, |i, j| unsafe { a.add(i + j * lda).read() })
}

unsafe fn store<T: Scalar>(from: &Mat<T>, a: *mut T, lda: usize) {
    for j in 0..from.ncols() {
        for (i, &x) in column(from.as_ref(), j).iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { a.add(i + j * lda).write(x) };
        }
    }
}

/// Factor `m` by `n` in place (`dgeqrf`, `zgeqrf`).
///
/// # Safety
/// `a` holds `n` columns of `m` elements, `lda` apart; `tau` holds `min(m, n)` elements.
pub unsafe fn geqrf<T: Scalar>(m: usize, n: usize, a: *mut T, lda: usize, tau: *mut T) {
    let count = m.min(n);
    let mut factors = Mat::<T>::zeros(count, 1);
    // SAFETY: the caller's promise.
    unsafe {
        let mut packed = load(m, n, a, lda);
        qr::factor(&mut packed, column_mut(factors.as_mut(), 0));
        store(&packed, a, lda);
        store(&factors, tau, count);
    }
}

/// The first `n` columns of the orthogonal factor made of `k` reflectors, in place (`dorgqr`, `zungqr`).
///
/// # Safety
/// As for [`geqrf`]; `tau` holds `k` elements.
pub unsafe fn orgqr<T: Scalar>(m: usize, n: usize, k: usize, a: *mut T, lda: usize, tau: *const T) {
    // SAFETY: the caller's promise.
    unsafe {
        let (packed, factors) = (load(m, n, a, lda), load(k, 1, tau, k));
        let q = qr::orthogonal(packed.as_ref(), column(factors.as_ref(), 0), n);
        store(&q, a, lda);
    }
}

/// The solutions of least norm of `m` equations for `n` unknowns with `nrhs` right sides (`dgelsd`, `zgelsd`): in the first
/// `n` rows of `b`, whose further rows have residuals if there are more equations and the rank is full. Singular values go
/// to `s`. Returns the rank, or `None` if there is no decomposition.
///
/// # Safety
/// `a` holds `n` columns of `m` elements, `lda` apart; `b` holds `nrhs` columns of `max(m, n)` elements, `ldb` apart; `s` holds
/// `min(m, n)` elements.
pub unsafe fn gelsd<T: Scalar>(
    [m, n, nrhs]: [usize; 3],
    (a, lda): (*mut T, usize),
    (b, ldb): (*mut T, usize),
    s: *mut T::R,
    rcond: T::R,
) -> Option<usize> {
    // SAFETY: the caller's promise.
    unsafe {
        let (mut matrix, mut sides) = (load(m, n, a, lda), load(m, nrhs, b, ldb));
        if content(&matrix) != Content::Finite {
            return None;
        }
        if m > n {
            matrix = triangular(matrix, sides.as_mut());
        }
        let head = sides.as_ref().subrows(0, m.min(n));
        let LeastNorm { x, rank, s: values } = least_norm(matrix, head, rcond)?;
        store(&sides, b, ldb);
        store(&x, b, ldb);
        for (i, &value) in values.iter().enumerate() {
            s.add(i).write(value);
        }
        Some(rank)
    }
}
