//! Eigenvalues and eigenvectors of Hermitian matrices: `eigh_lo`, `eigh_up`, `eigvalsh_lo`, `eigvalsh_up`.

use core::marker::PhantomData;

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, Par};

use super::call::{Call, Kernel};
use super::cholesky::load_triangle;
use super::columns::{Content, content, rescale};
use super::scalar::Scalar;
use super::{bidiagonal, tridiagonal};

/// Ascending eigenvalues (and eigenvectors) of the Hermitian matrix with this lower triangle.
fn decompose<T: Scalar>(mut a: Mat<T>, vectors: bool) -> Option<(Vec<T::R>, Option<Mat<T>>)> {
    let n = a.nrows();
    if n <= 1 {
        let values = (0..n).map(|i| a[(i, i)].re()).collect();
        return Some((values, vectors.then(|| Mat::identity(n, n))));
    }
    match content(&a) {
        Content::Finite => {}
        Content::Infinite => {
            let nan = vectors.then(|| Mat::from_fn(n, n, |_, _| T::NAN));
            return Some((vec![T::R::NAN; n], nan));
        }
        Content::Nan => return None,
    }
    let factor = rescale(&mut a);
    if n <= bidiagonal::SMALL {
        let (mut values, q) = tridiagonal::decompose(a, vectors)?;
        values.iter_mut().for_each(|x| *x /= factor);
        return Some((values, q));
    }
    let compute = if vectors { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let params = Default::default();
    let mut memory = MemBuffer::new(self_adjoint_evd_scratch::<T>(n, compute, Par::Seq, params));
    let mut values = Diag::<T>::zeros(n);
    let mut q = vectors.then(|| Mat::<T>::zeros(n, n));
    self_adjoint_evd(
        a.as_ref(),
        values.as_mut(),
        q.as_mut().map(|q| q.as_mut()),
        Par::Seq,
        MemStack::new(&mut memory),
        params,
    )
    .ok()?;
    Some(((0..n).map(|i| values[i].re() / factor).collect(), q))
}

/// `eigh_lo` and, with `UPPER`, `eigh_up`.
pub struct Eigh<T, const UPPER: bool>(PhantomData<T>);

impl<T: Scalar, const UPPER: bool> Kernel for Eigh<T, UPPER> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0], &[0, 0]];
    fn run(call: &Call) -> bool {
        let Some((values, Some(vectors))) = decompose(load_triangle(call.block::<T>(0), UPPER), true) else {
            return false;
        };
        call.block::<T::R>(1).store_with(|i, _| values[i]);
        call.block::<T>(2).store(vectors.as_ref());
        true
    }
    fn fail(call: &Call) {
        call.block::<T::R>(1).fill(T::R::NAN);
        call.block::<T>(2).fill(T::NAN);
    }
}

/// `eigvalsh_lo` and, with `UPPER`, `eigvalsh_up`.
pub struct Eigvalsh<T, const UPPER: bool>(PhantomData<T>);

impl<T: Scalar, const UPPER: bool> Kernel for Eigvalsh<T, UPPER> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0]];
    fn run(call: &Call) -> bool {
        let Some((values, _)) = decompose(load_triangle(call.block::<T>(0), UPPER), false) else {
            return false;
        };
        call.block::<T::R>(1).store_with(|i, _| values[i]);
        true
    }
    fn fail(call: &Call) {
        call.block::<T::R>(1).fill(T::R::NAN);
    }
}
