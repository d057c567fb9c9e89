//! LAPACK's own names for the QR factorization, on column-major memory.

use faer::Mat;

use super::columns::{column, column_mut};
use super::qr;
use super::scalar::Scalar;

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
