//! Eigenvalues and right eigenvectors of general matrices: `eig`, `eigvals`.
//!
//! Small matrices are decomposed here (see [`super::schur`]), larger ones by the library.
//!
//! Balance, decompose, undo the balancing, normalise. Balancing has two parts. Rows and columns that isolate an
//! eigenvalue are moved to the border, so triangular matrices (however permuted) give their diagonal exactly; the rest
//! is scaled by powers of two until rows and columns weigh the same. It also decides the order of the eigenvalues, which
//! is why the search goes in LAPACK's direction. Vectors get norm one, their largest component real.

use core::marker::PhantomData;
use core::ops::Range;

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, evd_cplx, evd_real, evd_scratch};
use faer::{Mat, Par};
use num_complex::Complex;

use super::call::{Call, Kernel};
use super::columns::{Content, content, norm, rescale, rescale_to};
use super::lu_small::small;
use super::scalar::{Real, Scalar};
use super::space::{Columns, Heap, Space, Stack};
use super::{schur_francis, schur_single};

/// The largest order that is decomposed here.
const SMALL: usize = 75;

/// What eigenvalues and eigenvectors consist of.
type Z<T> = <<T as Scalar>::R as Real>::Complex;
/// Eigenvalues, and eigenvectors if wanted.
type Pairs<T, S> = (<S as Space>::Vector<Z<T>>, Option<<S as Space>::Matrix<Z<T>>>);

/// What balancing exchanged: rows and columns, in the order of the exchanges.
type Swaps = Vec<(usize, usize)>;

fn exchange<T: Scalar>(a: &mut impl Columns<T>, i: usize, j: usize) {
    if i != j {
        for k in 0..a.cols() {
            a.col_mut(k).swap(i, j);
        }
        let (x, y) = a.pair_mut(i.min(j), i.max(j));
        x.swap_with_slice(y);
    }
}

/// Balance, with the factors of rows to `scales`, which are ones; also returns the part that is not triangular.
fn balance<T: Scalar>(a: &mut impl Columns<T>, scales: &mut [T::R]) -> (Swaps, Range<usize>) {
    let n = a.rows();
    let mut swaps = vec![];
    // The part that is not yet isolated.
    let (mut lo, mut hi) = (0, n);
    // A row whose only nonzero is on the diagonal goes last, a column of that kind first.
    while let Some(i) = (lo..hi).rev().find(|&i| (lo..hi).all(|j| i == j || !a.col(j)[i].nonzero())) {
        hi -= 1;
        swaps.push((i, hi));
        exchange(a, i, hi);
    }
    while let Some(j) = (lo..hi).find(|&j| (lo..hi).all(|i| i == j || !a.col(j)[i].nonzero())) {
        swaps.push((j, lo));
        exchange(a, j, lo);
        lo += 1;
    }
    let (two, four) = (T::R::from_f64(2.0), T::R::from_f64(4.0));
    let bounded = T::R::pow2(T::R::MAX_SCALE / 2);
    let mut changed = true;
    while changed {
        changed = false;
        for i in lo..hi {
            let (mut col, mut row) = (T::R::ZERO, T::R::ZERO);
            for k in lo..hi {
                col += a.col(i)[k].square();
                row += a.col(k)[i].square();
            }
            let (mut col, row) = (col.sqrt(), row.sqrt());
            if !(col > T::R::ZERO && row > T::R::ZERO && col.finite() && row.finite()) {
                continue;
            }
            let (before, mut f, mut weight) = (col + row, T::R::ONE, row);
            while col < weight / two && f < bounded {
                (f, col, weight) = (f * two, col * two, weight / two);
            }
            while col >= weight * two && f > T::R::ONE / bounded {
                (f, col, weight) = (f / two, col / two, weight * two);
            }
            // Only worth it if the sum shrinks noticeably.
            let worth = (col + weight) * T::R::from_f64(20.0) < before * T::R::from_f64(19.0);
            let total = scales[i] * f;
            if f == T::R::ONE || !worth || !(total < bounded * four && total > T::R::ONE / (bounded * four)) {
                continue;
            }
            changed = true;
            scales[i] = total;
            for k in 0..n {
                let x = &mut a.col_mut(k)[i];
                *x = x.scale(T::R::ONE / f);
            }
            a.col_mut(i).iter_mut().for_each(|x| *x = x.scale(f));
        }
    }
    (swaps, lo..hi)
}

/// The real types' and the complex types' ways.
pub trait General: Scalar {
    /// Eigenvalues, and eigenvectors not yet normalised, by the library.
    fn library(a: &Mat<Self>, vectors: bool) -> Option<Pairs<Self, Heap>>;
    /// The same by iteration, of a balanced matrix of which only a part is not triangular.
    fn iterate<S: Space>(a: S::Matrix<Self>, part: Range<usize>, vectors: bool) -> Option<Pairs<Self, S>>;
}

macro_rules! general {
    ($($t:ident)*) => {$(
        impl General for $t {
            #[inline(always)]
            fn iterate<S: Space>(a: S::Matrix<$t>, part: Range<usize>, vectors: bool) -> Option<Pairs<$t, S>> {
                schur_francis::eigen::<$t, S>(a, part, vectors)
            }
            fn library(a: &Mat<$t>, vectors: bool) -> Option<Pairs<$t, Heap>> {
                let n = a.nrows();
                let (params, compute) = (Default::default(), compute(vectors));
                let mut memory =
                    MemBuffer::new(evd_scratch::<$t>(n, ComputeEigenvectors::No, compute, Par::Seq, params));
                let (mut re, mut im) = (Diag::<$t>::zeros(n), Diag::<$t>::zeros(n));
                let mut u = vectors.then(|| Mat::<$t>::zeros(n, n));
                evd_real(
                    a.as_ref(),
                    re.as_mut(),
                    im.as_mut(),
                    None,
                    u.as_mut().map(|u| u.as_mut()),
                    Par::Seq,
                    MemStack::new(&mut memory),
                    params,
                )
                .ok()?;
                let values = (0..n).map(|i| Complex::new(re[i], im[i])).collect();
                // A conjugate pair shares two columns, the real and the imaginary part of the first one's vector.
                let u = u.map(|u| {
                    let mut j = 0;
                    let mut out = Mat::zeros(n, n);
                    while j < n {
                        if im[j] != 0.0 && j + 1 < n {
                            for i in 0..n {
                                let z = Complex::new(u[(i, j)], u[(i, j + 1)]);
                                (out[(i, j)], out[(i, j + 1)]) = (z, z.conj());
                            }
                            j += 2;
                        } else {
                            for i in 0..n {
                                out[(i, j)] = Complex::new(u[(i, j)], 0.0);
                            }
                            j += 1;
                        }
                    }
                    out
                });
                Some((values, u))
            }
        }

        impl General for Complex<$t> {
            #[inline(always)]
            fn iterate<S: Space>(a: S::Matrix<Self>, part: Range<usize>, vectors: bool) -> Option<Pairs<Self, S>> {
                schur_single::eigen::<Self, S>(a, part, vectors)
            }
            fn library(a: &Mat<Self>, vectors: bool) -> Option<Pairs<Self, Heap>> {
                let n = a.nrows();
                let (params, compute) = (Default::default(), compute(vectors));
                let mut memory =
                    MemBuffer::new(evd_scratch::<Self>(n, ComputeEigenvectors::No, compute, Par::Seq, params));
                let mut values = Diag::<Self>::zeros(n);
                let mut u = vectors.then(|| Mat::<Self>::zeros(n, n));
                evd_cplx(
                    a.as_ref(),
                    values.as_mut(),
                    None,
                    u.as_mut().map(|u| u.as_mut()),
                    Par::Seq,
                    MemStack::new(&mut memory),
                    params,
                )
                .ok()?;
                Some(((0..n).map(|i| values[i]).collect(), u))
            }
        }
    )*};
}
general!(f32 f64);

fn compute(vectors: bool) -> ComputeEigenvectors {
    if vectors { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No }
}

/// Scale a vector to norm one and, if it is complex, turn its largest component real: positive for complex matrices,
/// with the sign of its real part for real ones.
fn normalise<T: General>(v: &mut [Z<T>], is_real: bool) {
    let size = norm(v);
    if !(size > T::R::ZERO && size.finite()) {
        return;
    }
    for z in v.iter_mut() {
        *z = Z::<T>::of(z.re() / size, z.im() / size);
    }
    if is_real {
        return;
    }
    let mut at = 0;
    for (i, z) in v.iter().enumerate() {
        if z.square() > v[at].square() {
            at = i;
        }
    }
    let (re, im) = (v[at].re(), v[at].im());
    let mut length = re.hypot(im);
    if T::REAL {
        length = length.with_sign_of(re);
    }
    let turn = Z::<T>::of(re / length, -im / length);
    for z in v.iter_mut() {
        *z *= turn;
    }
    v[at] = Z::<T>::real(v[at].re());
}

/// Balance, decompose as told, and undo the balancing.
#[inline(always)]
fn balanced<T: General, S: Space>(
    mut a: S::Matrix<T>,
    eigen: impl FnOnce(S::Matrix<T>, Range<usize>) -> Option<Pairs<T, S>>,
) -> Option<Pairs<T, S>> {
    let n = a.rows();
    let mut scales: S::Vector<T::R> = S::vector(n);
    scales[..n].fill(T::R::ONE);
    let (swaps, part) = balance(&mut a, &mut scales[..n]);
    let (values, mut u) = eigen(a, part)?;
    if let Some(u) = &mut u {
        for (j, value) in values[..n].iter().enumerate() {
            // The second of a conjugate pair follows the first, so that they stay conjugates.
            if T::REAL && j > 0 && value.im() < T::R::ZERO {
                let (first, second) = u.pair_mut(j - 1, j);
                first.iter().zip(second).for_each(|(x, y)| *y = x.conjugate());
                continue;
            }
            let col = u.col_mut(j);
            for (z, scale) in col.iter_mut().zip(&scales[..n]) {
                *z = z.scale(*scale);
            }
            for &(i, k) in swaps.iter().rev() {
                col.swap(i, k);
            }
            normalise::<T>(col, T::REAL && value.im() == T::R::ZERO);
        }
    }
    Some((values, u))
}

fn decompose<T: General>(mut a: Mat<T>, vectors: bool) -> Option<Pairs<T, Heap>> {
    if content(&a) != Content::Finite {
        return None;
    }
    let few = a.nrows() <= SMALL;
    // For real eigenvectors the library takes the square of a small difference for zero where it is below epsilon times
    // the norm, so the matrix is made large enough that squares are not.
    let factor = if T::REAL && vectors && !few {
        let exponent = T::R::MAX_SCALE / 6;
        rescale_to(&mut a, exponent..=exponent, exponent)
    } else {
        rescale(&mut a)
    };
    let (mut values, vectors) = balanced::<T, Heap>(a, |a, part| {
        if few { T::iterate::<Heap>(a, part, vectors) } else { T::library(&a, vectors) }
    })?;
    for z in &mut values {
        *z = Z::<T>::of(z.re() / factor, z.im() / factor);
    }
    Some((values, vectors))
}

/// Decompose a matrix of a few rows whose elements need no scaling; `None` when it is none.
fn decompose_few<T: General, const N: usize>(call: &Call, vectors: bool) -> Option<bool> {
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
    let iterate = |a, part| T::iterate::<Stack<N>>(a, part, vectors);
    let Some((values, vectors)) = balanced::<T, Stack<N>>(a, iterate) else { return Some(false) };
    call.block::<Z<T>>(1).store_with(|i, _| values[i]);
    if let Some(vectors) = vectors {
        call.block::<Z<T>>(2).store_with(|i, j| vectors.0[j][i]);
    }
    Some(true)
}

/// [`decompose_few`] where it applies.
fn few<T: General>(call: &Call, vectors: bool) -> Option<bool> {
    small!(call.block::<T>(0).rows, N => decompose_few::<T, N>(call, vectors)).flatten()
}

/// `eig`.
pub struct Eig<T>(PhantomData<T>);

impl<T: General> Kernel for Eig<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0], &[0, 0]];
    fn run(call: &Call) -> bool {
        if let Some(done) = few::<T>(call, true) {
            return done;
        }
        let Some((values, Some(vectors))) = decompose(call.block::<T>(0).load(), true) else {
            return false;
        };
        call.block::<Z<T>>(1).store_with(|i, _| values[i]);
        call.block::<Z<T>>(2).store(vectors.as_ref());
        true
    }
    fn fail(call: &Call) {
        call.block(1).fill(Z::<T>::NAN);
        call.block(2).fill(Z::<T>::NAN);
    }
}

/// `eigvals`.
pub struct Eigvals<T>(PhantomData<T>);

impl<T: General> Kernel for Eigvals<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0]];
    fn run(call: &Call) -> bool {
        if let Some(done) = few::<T>(call, false) {
            return done;
        }
        let Some((values, _)) = decompose(call.block::<T>(0).load(), false) else { return false };
        call.block::<Z<T>>(1).store_with(|i, _| values[i]);
        true
    }
    fn fail(call: &Call) {
        call.block(1).fill(Z::<T>::NAN);
    }
}
