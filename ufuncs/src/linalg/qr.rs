//! Householder QR in LAPACK's storage: `qr_r_raw`, `qr_reduced`, `qr_complete`.
//!
//! `Q = H1 H2 ... Hk` with `Hi = I - tau_i v_i v_i^H`, `v_i` zero above `i` and one at `i`; R lies on and above the
//! diagonal, the rest of `v_i` below it. The diagonal of R is real. Reflectors are gathered in blocks, `I - V T V^H`, so
//! that most of the work is matrix products.

use core::marker::PhantomData;

use faer::linalg::matmul::{matmul, matmul_with_conj};
use faer::{Accum, Conj, Mat, MatMut, MatRef, Par};

use super::call::{Call, Kernel};
use super::columns::{column, column_mut, norm, subtract_scaled};
use super::scalar::{Real, Scalar};

/// Reflectors gathered in one block.
const BLOCK: usize = 32;
/// So few reflectors are applied one by one.
const FEW: usize = 24;

/// Make the reflector that maps `x` to a multiple of its first element: `x` becomes that multiple and the rest of
/// `v`. Returns `tau`.
pub fn reflector<T: Scalar>(x: &mut [T]) -> T {
    let (alpha, rest) = (x[0], norm(&x[1..]));
    if rest == T::R::ZERO && alpha.im() == T::R::ZERO {
        return T::ZERO;
    }
    let size = alpha.re().hypot(alpha.im()).hypot(rest);
    let beta = -size.with_sign_of(alpha.re());
    let tau = T::of((beta - alpha.re()) / beta, -alpha.im() / beta);
    let by = alpha - T::real(beta);
    x[1..].iter_mut().for_each(|v| *v = v.over(by));
    x[0] = T::real(beta);
    tau
}

/// Factor in place; `tau` has one entry per reflector.
pub fn factor<T: Scalar>(a: &mut Mat<T>, tau: &mut [T]) {
    let (m, n) = (a.nrows(), a.ncols());
    let count = m.min(n);
    for start in (0..count).step_by(BLOCK) {
        let width = BLOCK.min(count - start);
        let (mut panel, trailing) =
            a.as_mut().submatrix_mut(start, start, m - start, n - start).split_at_col_mut(width);
        for j in 0..width {
            let (left, mut right) = panel.as_mut().split_at_col_mut(j + 1);
            let v = &mut column_mut(left, j)[j..];
            let t = reflector(v);
            tau[start + j] = t;
            for k in 0..right.ncols() {
                apply_one(v, t.conjugate(), &mut column_mut(right.as_mut(), k)[j..]);
            }
        }
        if trailing.ncols() > 0 {
            let block = Reflectors::new(panel.as_ref(), &tau[start..start + width]);
            block.apply(trailing, Conj::Yes);
        }
    }
}

/// `x -= tau v (v^H x)`, where the first element of `v` counts as one.
pub fn apply_one<T: Scalar>(v: &[T], tau: T, x: &mut [T]) {
    let by = tau * (x[0] + T::inner(&v[1..], &x[1..]));
    x[0] -= by;
    subtract_scaled(&mut x[1..], &v[1..], by);
}

/// A product of reflectors as `I - V T V^H`.
struct Reflectors<T> {
    v: Mat<T>,
    t: Mat<T>,
}

impl<T: Scalar> Reflectors<T> {
    fn new(packed: MatRef<'_, T>, tau: &[T]) -> Reflectors<T> {
        let k = tau.len();
        let v = Mat::from_fn(packed.nrows(), k, |i, j| match i.cmp(&j) {
            core::cmp::Ordering::Less => T::ZERO,
            core::cmp::Ordering::Equal => T::ONE,
            core::cmp::Ordering::Greater => packed[(i, j)],
        });
        let mut gram = Mat::<T>::zeros(k, k);
        matmul_with_conj(
            gram.as_mut(),
            Accum::Replace,
            v.as_ref().transpose(),
            Conj::Yes,
            v.as_ref(),
            Conj::No,
            T::ONE,
            Par::Seq,
        );
        let mut t = Mat::<T>::zeros(k, k);
        for (j, &tau) in tau.iter().enumerate() {
            for i in 0..j {
                let sum = (i..j).fold(T::ZERO, |sum, l| sum + t[(i, l)] * gram[(l, j)]);
                t[(i, j)] = -(tau * sum);
            }
            t[(j, j)] = tau;
        }
        Reflectors { v, t }
    }
    /// `c := Q c`, or `Q^H c` with `adjoint`.
    fn apply(&self, c: MatMut<'_, T>, adjoint: Conj) {
        let (k, n) = (self.t.nrows(), c.ncols());
        let mut inner = Mat::<T>::zeros(k, n);
        matmul_with_conj(
            inner.as_mut(),
            Accum::Replace,
            self.v.as_ref().transpose(),
            Conj::Yes,
            c.as_ref(),
            Conj::No,
            T::ONE,
            Par::Seq,
        );
        let mut scaled = Mat::<T>::zeros(k, n);
        let t = match adjoint {
            Conj::Yes => self.t.as_ref().transpose(),
            Conj::No => self.t.as_ref(),
        };
        matmul_with_conj(
            scaled.as_mut(),
            Accum::Replace,
            t,
            adjoint,
            inner.as_ref(),
            Conj::No,
            T::ONE,
            Par::Seq,
        );
        matmul(c, Accum::Add, self.v.as_ref(), scaled.as_ref(), -T::ONE, Par::Seq);
    }
}

/// The first `cols` columns of the orthogonal factor.
pub fn orthogonal<T: Scalar>(packed: MatRef<'_, T>, tau: &[T], cols: usize) -> Mat<T> {
    let m = packed.nrows();
    let count = tau.len().min(m).min(packed.ncols());
    let mut q = Mat::<T>::identity(m, cols);
    if count <= FEW {
        for (i, &tau) in tau[..count].iter().enumerate().rev() {
            let v = &column(packed, i)[i..];
            for k in i..cols {
                apply_one(v, tau, &mut column_mut(q.as_mut(), k)[i..]);
            }
        }
        return q;
    }
    for start in (0..count).step_by(BLOCK).rev() {
        let width = BLOCK.min(count - start);
        let panel = packed.submatrix(start, start, m - start, width);
        let block = Reflectors::new(panel, &tau[start..start + width]);
        // Columns before `start` are still those of the identity and stay so.
        if start < cols {
            block.apply(q.as_mut().submatrix_mut(start, start, m - start, cols - start), Conj::No);
        }
    }
    q
}

/// `b := Q^H b`.
pub fn apply_adjoint<T: Scalar>(packed: MatRef<'_, T>, tau: &[T], mut b: MatMut<'_, T>) {
    let (m, n) = (packed.nrows(), b.ncols());
    for start in (0..tau.len()).step_by(BLOCK) {
        let width = BLOCK.min(tau.len() - start);
        let block =
            Reflectors::new(packed.submatrix(start, start, m - start, width), &tau[start..start + width]);
        block.apply(b.as_mut().submatrix_mut(start, 0, m - start, n), Conj::Yes);
    }
}

/// `qr_r_raw`: factors its *input* in place and returns `tau`, as numpy's Python layer expects.
pub struct Raw<T>(PhantomData<T>);

impl<T: Scalar> Kernel for Raw<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 1], &[2]];
    fn run(call: &Call) -> bool {
        let (a, out) = (call.block::<T>(0), call.block::<T>(1));
        let mut packed = a.load();
        let mut tau = Mat::<T>::zeros(a.rows.min(a.cols), 1);
        factor(&mut packed, column_mut(tau.as_mut(), 0));
        a.store(packed.as_ref());
        out.store(tau.as_ref());
        true
    }
    fn fail(call: &Call) {
        call.block::<T>(1).fill(T::NAN);
    }
}

/// `qr_reduced`.
pub struct Reduced<T>(PhantomData<T>);
/// `qr_complete`.
pub struct Complete<T>(PhantomData<T>);

fn build<T: Scalar>(call: &Call) -> bool {
    let (a, tau, out) = (call.block::<T>(0).load(), call.block::<T>(1).load(), call.block::<T>(2));
    let q = orthogonal(a.as_ref(), column(tau.as_ref(), 0), out.cols);
    out.store(q.as_ref());
    true
}

impl<T: Scalar> Kernel for Reduced<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 1], &[2], &[0, 2]];
    fn run(call: &Call) -> bool {
        build::<T>(call)
    }
    fn fail(call: &Call) {
        call.block::<T>(2).fill(T::NAN);
    }
}

impl<T: Scalar> Kernel for Complete<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 1], &[1], &[0, 0]];
    fn run(call: &Call) -> bool {
        build::<T>(call)
    }
    fn fail(call: &Call) {
        call.block::<T>(2).fill(T::NAN);
    }
}
