//! Singular values and vectors: `svd`, `svd_s` (thin), `svd_f` (full), and least squares by them: `lstsq`.

use core::marker::PhantomData;

use faer::linalg::matmul::{matmul, matmul_with_conj};
use faer::linalg::svd::ComputeSvdVectors;
use faer::{Accum, Conj, Mat, MatMut, MatRef, Par};

use super::bidiagonal::{self, Svd};
use super::call::{Call, Kernel};
use super::columns::{Content, column, column_mut, content, rescale, rescale_to};
use super::divide;
use super::lu_small::small;
use super::qr;
use super::reduce::Bidiagonal;
use super::scalar::{Real, Scalar};
use super::space::{Space, Stack};

pub(super) fn decompose<T: Scalar>(mut a: Mat<T>, vectors: ComputeSvdVectors) -> Option<Svd<T>> {
    let (m, n) = (a.nrows(), a.ncols());
    let p = m.min(n);
    let (u_cols, v_cols) = if vectors == ComputeSvdVectors::Full { (m, n) } else { (p, p) };
    let wanted = vectors != ComputeSvdVectors::No;
    let (mut u, mut v) =
        (wanted.then(|| Mat::<T>::identity(m, u_cols)), wanted.then(|| Mat::<T>::identity(n, v_cols)));
    if p == 0 {
        return Some(Svd { u, s: vec![], v });
    }
    match content(&a) {
        Content::Finite => {}
        Content::Infinite => {
            let nan = |_, _| T::NAN;
            u = u.map(|_| Mat::from_fn(m, u_cols, nan));
            v = v.map(|_| Mat::from_fn(n, v_cols, nan));
            return Some(Svd { u, s: vec![T::R::NAN; p], v });
        }
        Content::Nan => return None,
    }
    // Squares of elements near one are safe.
    let small = p <= bidiagonal::SMALL;
    let factor = if small { rescale(&mut a) } else { rescale_to(&mut a, 0..=0, 0) };
    let cols = wanted.then_some((u_cols, v_cols));
    let mut svd = if small {
        bidiagonal::decompose(a, cols)?
    } else if m >= n {
        divided(a, cols)?
    } else {
        let adjoint = Mat::from_fn(n, m, |i, j| a[(j, i)].conjugate());
        let Svd { u, s, v } = divided(adjoint, cols.map(|(u_cols, v_cols)| (v_cols, u_cols)))?;
        Svd { u: v, s, v: u }
    };
    svd.s.iter_mut().for_each(|s| *s /= factor);
    Some(svd)
}

/// Decompose a matrix of at least as many rows as columns; vectors have as many columns as given, if any.
fn divided<T: Scalar>(mut a: Mat<T>, cols: Option<(usize, usize)>) -> Option<Svd<T>> {
    let (m, n) = (a.nrows(), a.ncols());
    // Much longer matrices are reduced to their triangular factors first.
    let qr = (m >= n * 11 / 6).then(|| {
        let mut tau = vec![T::ZERO; n];
        qr::factor(&mut a, &mut tau);
        let r = Mat::from_fn(n, n, |i, j| if i <= j { a[(i, j)] } else { T::ZERO });
        (core::mem::replace(&mut a, r), tau)
    });
    let reduced = Bidiagonal::of(a);
    let (d, e) = (reduced.d.clone(), reduced.e.clone());
    let Some((u_cols, _)) = cols else {
        return Some(Svd { u: None, s: divide::singular_values(d, e)?, v: None });
    };
    let (u, s, v) = divide::singular(d, e)?;
    let v = reduced.back_right(&v);
    let u = match qr {
        None => reduced.back_left(&u, u_cols),
        Some((packed, tau)) => {
            let inner = reduced.back_left(&u, n);
            let mut u = Mat::<T>::identity(m, u_cols);
            u.as_mut().submatrix_mut(0, 0, n, n).copy_from(&inner);
            qr::apply(packed.as_ref(), &tau, u.as_mut());
            u
        }
    };
    Some(Svd { u: Some(u), s, v: Some(v) })
}

/// Decompose a square matrix of a few rows whose elements need no scaling; `None` when it is none.
fn decompose_few<T: Scalar, const N: usize>(call: &Call, vectors: bool) -> Option<bool> {
    let a = call.block::<T>(0);
    let mut largest = T::R::ZERO;
    let mut finite = true;
    let a = Stack::<N>::matrix(N, N, |i, j| {
        let x = a.get(i, j);
        finite &= x.finite();
        largest = largest.max_of(x.cabs1());
        x
    });
    if !(finite && T::R::ORDINARY.contains(&largest)) {
        return None;
    }
    let Some((vectors, s)) = bidiagonal::decompose_few(a, vectors) else { return Some(false) };
    let Some((u, v)) = vectors else {
        call.block::<T::R>(1).store_with(|i, _| s[i]);
        return Some(true);
    };
    call.block::<T>(1).store_with(|i, j| u.0[j][i]);
    call.block::<T::R>(2).store_with(|i, _| s[i]);
    call.block::<T>(3).store_with(|i, j| v.0[i][j].conjugate());
    Some(true)
}

/// [`decompose_few`] where it applies.
fn few<T: Scalar>(call: &Call, vectors: bool) -> Option<bool> {
    let a = call.block::<T>(0);
    let n = if a.rows == a.cols { a.rows } else { 0 };
    small!(n, N => decompose_few::<T, N>(call, vectors)).flatten()
}

/// `svd`: values only.
pub struct Values<T>(PhantomData<T>);

impl<T: Scalar> Kernel for Values<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 1], &[2]];
    fn run(call: &Call) -> bool {
        if let Some(done) = few::<T>(call, false) {
            return done;
        }
        let Some(svd) = decompose(call.block::<T>(0).load(), ComputeSvdVectors::No) else { return false };
        call.block::<T::R>(1).store_with(|i, _| svd.s[i]);
        true
    }
    fn fail(call: &Call) {
        call.block::<T::R>(1).fill(T::R::NAN);
    }
}

fn with_vectors<T: Scalar>(call: &Call, vectors: ComputeSvdVectors) -> bool {
    if let Some(done) = few::<T>(call, true) {
        return done;
    }
    let Some(Svd { u: Some(u), s, v: Some(v) }) = decompose(call.block::<T>(0).load(), vectors) else {
        return false;
    };
    call.block::<T>(1).store(u.as_ref());
    call.block::<T::R>(2).store_with(|i, _| s[i]);
    call.block::<T>(3).store_with(|i, j| v[(j, i)].conjugate());
    true
}

fn fail_with_vectors<T: Scalar>(call: &Call) {
    call.block::<T>(1).fill(T::NAN);
    call.block::<T::R>(2).fill(T::R::NAN);
    call.block::<T>(3).fill(T::NAN);
}

/// `svd_s`.
pub struct Thin<T>(PhantomData<T>);

impl<T: Scalar> Kernel for Thin<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 1], &[0, 2], &[2], &[2, 1]];
    fn run(call: &Call) -> bool {
        with_vectors::<T>(call, ComputeSvdVectors::Thin)
    }
    fn fail(call: &Call) {
        fail_with_vectors::<T>(call);
    }
}

/// `svd_f`.
pub struct Full<T>(PhantomData<T>);

impl<T: Scalar> Kernel for Full<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 1], &[0, 0], &[2], &[1, 1]];
    fn run(call: &Call) -> bool {
        with_vectors::<T>(call, ComputeSvdVectors::Full)
    }
    fn fail(call: &Call) {
        fail_with_vectors::<T>(call);
    }
}

/// The triangular factor of a matrix of more rows than columns; `b` becomes what the orthogonal factor's adjoint makes of it.
pub(super) fn triangular<T: Scalar>(mut a: Mat<T>, b: MatMut<'_, T>) -> Mat<T> {
    let n = a.ncols();
    let mut tau = vec![T::ZERO; n];
    qr::factor(&mut a, &mut tau);
    qr::apply_adjoint(a.as_ref(), &tau, b);
    Mat::from_fn(n, n, |i, j| if i <= j { a[(i, j)] } else { T::ZERO })
}

/// The solution of least norm of a system whose right sides are the first rows of `b`.
pub(super) struct LeastNorm<T: Scalar> {
    pub x: Mat<T>,
    pub rank: usize,
    /// Singular values of the matrix.
    pub s: Vec<T::R>,
}

/// Solve `a x = b` for the `x` of least norm; singular values of at most `rcond` (LAPACK's precision unless between zero and
/// one) times the largest count as zero. `None` if there is no decomposition.
pub(super) fn least_norm<T: Scalar>(a: Mat<T>, b: MatRef<'_, T>, rcond: T::R) -> Option<LeastNorm<T>> {
    let (n, p) = (a.ncols(), a.nrows().min(a.ncols()));
    let Svd { u: Some(u), s, v: Some(v) } = decompose(a, ComputeSvdVectors::Thin)? else { return None };
    // LAPACK's epsilon is half the distance from one to the next number.
    let unit = T::R::EPSILON / T::R::from_f64(2.0);
    let rcond = if rcond > T::R::ZERO && rcond < T::R::ONE { rcond } else { unit };
    let tolerance = s.first().map_or(T::R::ZERO, |most| rcond * *most);
    let rank = s.iter().filter(|x| **x > tolerance).count();

    let mut inner = Mat::<T>::zeros(p, b.ncols());
    matmul_with_conj(
        inner.as_mut(),
        Accum::Replace,
        u.as_ref().transpose(),
        Conj::Yes,
        b,
        Conj::No,
        T::ONE,
        Par::Seq,
    );
    for j in 0..inner.ncols() {
        for (i, x) in column_mut(inner.as_mut(), j).iter_mut().enumerate() {
            *x = if i < rank { T::of(x.re() / s[i], x.im() / s[i]) } else { T::ZERO };
        }
    }
    let mut x = Mat::<T>::zeros(n, b.ncols());
    matmul(x.as_mut(), Accum::Replace, v.as_ref(), inner.as_ref(), T::ONE, Par::Seq);
    Some(LeastNorm { x, rank, s })
}

/// `lstsq`: the solution of least norm, sums of squared residuals, rank, singular values.
pub struct Lstsq<T>(PhantomData<T>);

impl<T: Scalar> Kernel for Lstsq<T> {
    // (m,n),(m,nrhs),()->(n,nrhs),(nrhs),(),(p)
    const CORE: &'static [&'static [usize]] = &[&[0, 1], &[0, 2], &[], &[1, 2], &[2], &[], &[3]];

    fn run(call: &Call) -> bool {
        let (mut a, mut b) = (call.block::<T>(0).load(), call.block::<T>(1).load());
        let (m, n, p) = (a.nrows(), a.ncols(), a.nrows().min(a.ncols()));
        if content(&a) != Content::Finite {
            return false;
        }
        // A tall matrix is reduced to its triangular factor first, where LAPACK does it, too: how much noise there is in
        // singular values that should be zero decides about the rank.
        let tall = p > 0 && m > n && m >= n * 8 / 5;
        if tall {
            a = triangular(a, b.as_mut());
        }
        let head = b.as_ref().subrows(0, a.nrows());
        let Some(LeastNorm { x, rank, s }) = least_norm(a.clone(), head, call.block::<T::R>(2).get(0, 0))
        else {
            return false;
        };
        call.block::<T>(3).store(x.as_ref());
        let sums = call.block::<T::R>(4);
        if m >= n && rank == n {
            let first = if tall { n } else { 0 };
            if m == n {
                b.as_mut().fill(T::ZERO);
            } else if !tall {
                matmul(b.as_mut(), Accum::Add, a.as_ref(), x.as_ref(), -T::ONE, Par::Seq);
            }
            sums.store_with(|j, _| {
                column(b.as_ref(), j)[first..].iter().fold(T::R::ZERO, |sum, r| sum + r.square())
            });
        } else {
            sums.fill(T::R::NAN);
        }
        call.block::<i32>(5).set(0, 0, rank as i32);
        call.block::<T::R>(6).store_with(|i, _| s[i]);
        true
    }

    fn fail(call: &Call) {
        call.block::<T>(3).fill(T::NAN);
        call.block::<T::R>(4).fill(T::R::NAN);
        call.block::<i32>(5).fill(-1);
        call.block::<T::R>(6).fill(T::R::NAN);
    }
}
