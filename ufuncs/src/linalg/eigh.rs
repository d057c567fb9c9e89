//! Eigenvalues and eigenvectors of Hermitian matrices: `eigh_lo`, `eigh_up`, `eigvalsh_lo`, `eigvalsh_up`.

use core::marker::PhantomData;

use faer::Mat;

use super::call::{Call, Kernel};
use super::cholesky::load_triangle;
use super::columns::{Content, content, rescale, rescale_to};
use super::eigh_three::{Decomposition, Three};
use super::lanes::{self, Group, Ordinary};
use super::lu_small::small;
use super::reduce::Tridiagonal;
use super::scalar::{Real, Scalar};
use super::space::{Heap, Space, Stack};
use super::{bidiagonal, divide, tridiagonal};

/// Ascending eigenvalues (and eigenvectors) of the Hermitian matrix with this lower triangle.
pub(super) fn decompose<T: Scalar>(mut a: Mat<T>, vectors: bool) -> Option<(Vec<T::R>, Option<Mat<T>>)> {
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
    // Squares of elements near one are safe.
    let small = n <= bidiagonal::SMALL;
    let factor = if small { rescale(&mut a) } else { rescale_to(&mut a, 0..=0, 0) };
    if small {
        let (mut values, q) = tridiagonal::decompose::<T, Heap>(a, vectors)?;
        values.iter_mut().for_each(|x| *x /= factor);
        return Some((values, q));
    }
    let reduced = Tridiagonal::of(a);
    if !vectors {
        let mut values = divide::eigenvalues(reduced.d, reduced.e)?;
        values.iter_mut().for_each(|x| *x /= factor);
        return Some((values, None));
    }
    let (mut values, inner) = divide::eigen(reduced.d.clone(), reduced.e.clone())?;
    values.iter_mut().for_each(|x| *x /= factor);
    Some((values, Some(reduced.back(&inner))))
}

/// Decompose a matrix of a few rows whose elements need no scaling; `None` when it is none.
fn decompose_few<T: Scalar, const N: usize>(call: &Call, upper: bool, vectors: bool) -> Option<bool> {
    let a = call.block::<T>(0);
    let mut largest = T::R::ZERO;
    let mut finite = true;
    let a = Stack::<N>::matrix(N, N, |i, j| {
        let x = match (i < j, upper) {
            (true, _) => return T::ZERO,
            (false, false) => a.get(i, j),
            (false, true) => a.get(j, i).conjugate(),
        };
        finite &= x.finite();
        largest = largest.max_of(x.cabs1());
        x
    });
    if !(finite && T::R::ORDINARY.contains(&largest)) {
        return None;
    }
    let Some((values, vectors)) = tridiagonal::decompose::<T, Stack<N>>(a, vectors) else {
        return Some(false);
    };
    call.block::<T::R>(1).store_with(|i, _| values[i]);
    if let Some(vectors) = vectors {
        call.block::<T>(2).store_with(|i, j| vectors.0[j][i]);
    }
    Some(true)
}

/// Decompose matrices of three rows, with eigenvalues to operand 1.
fn three<T: Scalar, const VECTORS: bool>(group: &Group, upper: bool) -> Three<T, VECTORS> {
    let mut data = Three::new();
    group.load(0, &mut data.a);
    if upper {
        for (i, j) in [(1, 0), (2, 0), (2, 1)] {
            data.a[i][j] = data.a[j][i].map(T::conjugate);
        }
    }
    lanes::run::<Decomposition<T, VECTORS>>(&mut data);
    group.store(1, &data.values.map(|row| [row]), &data.ordinary);
    data
}

/// `eigh_lo` and, with `UPPER`, `eigh_up`.
pub struct Eigh<T, const UPPER: bool>(PhantomData<T>);

impl<T: Scalar, const UPPER: bool> Kernel for Eigh<T, UPPER> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0], &[0, 0]];
    fn run(call: &Call) -> bool {
        if let Some(Some(done)) =
            small!(call.block::<T>(0).rows, N => decompose_few::<T, N>(call, UPPER, true))
        {
            return done;
        }
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
    fn groups(call: &Call) -> bool {
        call.block::<T>(0).rows == 3
    }
    fn run_group(group: &Group) -> Ordinary {
        let data = three::<T, true>(group, UPPER);
        group.store(2, &data.a, &data.ordinary);
        data.ordinary
    }
}

/// `eigvalsh_lo` and, with `UPPER`, `eigvalsh_up`.
pub struct Eigvalsh<T, const UPPER: bool>(PhantomData<T>);

impl<T: Scalar, const UPPER: bool> Kernel for Eigvalsh<T, UPPER> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0]];
    fn run(call: &Call) -> bool {
        if let Some(Some(done)) =
            small!(call.block::<T>(0).rows, N => decompose_few::<T, N>(call, UPPER, false))
        {
            return done;
        }
        let Some((values, _)) = decompose(load_triangle(call.block::<T>(0), UPPER), false) else {
            return false;
        };
        call.block::<T::R>(1).store_with(|i, _| values[i]);
        true
    }
    fn fail(call: &Call) {
        call.block::<T::R>(1).fill(T::R::NAN);
    }
    fn groups(call: &Call) -> bool {
        call.block::<T>(0).rows == 3
    }
    fn run_group(group: &Group) -> Ordinary {
        three::<T, false>(group, UPPER).ordinary
    }
}
