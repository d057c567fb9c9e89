//! Householder QR in LAPACK's storage: `qr_r_raw`, `qr_reduced`, `qr_complete`.
//!
//! `Q = H1 H2 ... Hk` with `Hi = I - tau_i v_i v_i^H`, `v_i` zero above `i` and one at `i`; R lies on and above the
//! diagonal, the rest of `v_i` below it. The diagonal of R is real. Reflectors are gathered in blocks, `I - V T V^H`, so
//! that most of the work is matrix products.

use core::marker::PhantomData;

use faer::linalg::matmul::{matmul, matmul_with_conj};
use faer::{Accum, Conj, Mat, MatMut, MatRef, Par};

use super::call::{Block, Call, Kernel};
use super::columns::{Content, column, column_mut, content, norm, subtract_scaled};
use super::lanes::{self, Algorithm, Group, LANES, Ordinary, Planes, for_each_below, of_order, planes};
use super::parts::for_columns;
use super::scalar::{Real, Scalar};
use super::unblocked;
use crate::cpu::{Level, multiversion};

/// Reflectors gathered in one block.
const BLOCK: usize = 32;
/// So few reflectors are applied one by one.
const FEW: usize = 64;

/// What the reflector is that maps a vector to a multiple of its first element `alpha`: that multiple, `tau`, and what the
/// rest of the vector is divided by. `sum` is the sum of the rest's squares. `None` if there is nothing to map.
#[inline]
pub fn mirror<T: Scalar>(alpha: T, rest: &[T], sum: T::R) -> Option<(T::R, T, T)> {
    let total = sum + alpha.square();
    let size = if sum > T::R::MIN_POSITIVE / T::R::EPSILON && total <= T::R::MAX {
        total.sqrt()
    } else {
        let rest = norm(rest);
        if rest == T::R::ZERO && alpha.im() == T::R::ZERO {
            return None;
        }
        alpha.re().hypot(alpha.im()).hypot(rest)
    };
    let beta = -size.with_sign_of(alpha.re());
    let tau = T::of((beta - alpha.re()) / beta, -alpha.im() / beta);
    Some((beta, tau, alpha - T::real(beta)))
}

/// Make the reflector that maps `x` to a multiple of its first element: `x` becomes that multiple and the rest of
/// `v`. Returns `tau`.
#[inline]
pub fn reflector<T: Scalar>(x: &mut [T]) -> T {
    let sum = x[1..].iter().fold(T::R::ZERO, |sum, v| sum + v.square());
    let Some((beta, tau, by)) = mirror(x[0], &x[1..], sum) else { return T::ZERO };
    x[1..].iter_mut().for_each(|v| *v = v.over(by));
    x[0] = T::real(beta);
    tau
}

/// Factor in place; `tau` has one entry per reflector.
pub fn factor<T: Scalar>(a: &mut Mat<T>, tau: &mut [T]) {
    let (m, n) = (a.nrows(), a.ncols());
    let count = m.min(n);
    if content(a) != Content::Finite {
        // Whole cache lines would spread a NaN to rows above a reflector, which are done.
        return factor_few(a, tau);
    }
    let step = if count <= FEW && unblocked::suits::<T>(m, n) { FEW } else { BLOCK };
    for start in (0..count).step_by(step) {
        let width = step.min(count - start);
        // If there is but one panel, the rest of a wide matrix is part of it.
        let cols = if step == FEW { n } else { width };
        let mut panel = unblocked::padded(m - start, cols, |i, j| a[(start + i, start + j)]);
        unblocked::factor(panel.as_mut(), m - start, &mut tau[start..start + width]);
        let (mut left, trailing) =
            a.as_mut().submatrix_mut(start, start, m - start, n - start).split_at_col_mut(cols);
        left.copy_from(panel.as_ref().subrows(0, m - start));
        if trailing.ncols() > 0 {
            let block = Reflectors::new(left.as_ref(), &tau[start..start + width]);
            block.apply(trailing, Conj::Yes);
        }
    }
}

/// [`factor`] column by column and with LAPACK's divisions: for a few columns, as signs of singular vectors may hang on a
/// last bit, and for what is not finite.
pub fn factor_few<T: Scalar>(a: &mut Mat<T>, tau: &mut [T]) {
    let m = a.nrows();
    for (j, tau) in tau.iter_mut().enumerate() {
        let (left, right) = a.as_mut().split_at_col_mut(j + 1);
        let v = &mut column_mut(left, j)[j..];
        *tau = reflector(v);
        apply_all(v, tau.conjugate(), right.subrows_mut(j, m - j));
    }
}

/// `x -= tau v (v^H x)`, where the first element of `v` counts as one.
#[inline]
pub fn apply_one<T: Scalar>(v: &[T], tau: T, x: &mut [T]) {
    let (rest, tail) = (&v[1..], &x[1..]);
    let inner = if rest.len() < 16 {
        rest.iter().zip(tail).fold(T::ZERO, |sum, (v, x)| sum + v.conjugate() * *x)
    } else {
        T::inner(rest, tail)
    };
    let by = tau * (x[0] + inner);
    x[0] -= by;
    subtract_scaled(&mut x[1..], &v[1..], by);
}

/// [`apply_one`] to every column, whose first elements are those that `v` implies a one for.
fn apply_all<T: Scalar>(v: &[T], tau: T, mut to: MatMut<'_, T>) {
    if v.len() < 16 {
        for k in 0..to.ncols() {
            apply_one(v, tau, column_mut(to.as_mut(), k));
        }
    } else {
        apply_long(Level::current(), v, tau, to);
    }
}
multiversion! {
    fn apply_long[T: Scalar](v: &[T], tau: T, to: MatMut<'_, T>) -> () = apply_body::<T>;
}
#[inline(always)]
fn apply_body<T: Scalar>(v: &[T], tau: T, mut to: MatMut<'_, T>) {
    // So many running sums hide the latency of the additions.
    const SUMS: usize = 16;
    let rest = &v[1..];
    for k in 0..to.ncols() {
        let (first, tail) = column_mut(to.as_mut(), k)[..v.len()].split_at_mut(1);
        let mut sums = [T::ZERO; SUMS];
        let (v_chunks, x_chunks) = (rest.chunks_exact(SUMS), tail.chunks_exact(SUMS));
        let ends = v_chunks.remainder().iter().zip(x_chunks.remainder());
        let mut sum = ends.fold(first[0], |sum, (v, x)| sum + v.conjugate() * *x);
        for (v, x) in v_chunks.zip(x_chunks) {
            for i in 0..SUMS {
                sums[i] += v[i].conjugate() * x[i];
            }
        }
        let mut width = SUMS / 2;
        while width > 0 {
            for i in 0..width {
                sums[i] += sums[i + width];
            }
            width /= 2;
        }
        sum += sums[0];
        let by = tau * sum;
        first[0] -= by;
        for (x, v) in tail.iter_mut().zip(rest) {
            *x -= *v * by;
        }
    }
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
        let work = 2 * self.v.nrows() * self.v.ncols() * c.ncols();
        for_columns(c, work, |c| self.apply_to(c, adjoint));
    }
    fn apply_to(&self, c: MatMut<'_, T>, adjoint: Conj) {
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
    let mut q = Mat::<T>::identity(packed.nrows(), cols);
    // Columns before a reflector's are still those of the identity and stay so.
    apply_backwards(packed, tau, q.as_mut(), |start| start);
    q
}

/// `b := Q b`.
pub fn apply<T: Scalar>(packed: MatRef<'_, T>, tau: &[T], b: MatMut<'_, T>) {
    apply_backwards(packed, tau, b, |_| 0);
}

/// Apply the reflectors, the last one first, each to the columns from the one given for it on.
fn apply_backwards<T: Scalar>(
    packed: MatRef<'_, T>,
    tau: &[T],
    mut b: MatMut<'_, T>,
    first: impl Fn(usize) -> usize,
) {
    let (m, cols) = (packed.nrows(), b.ncols());
    let count = tau.len().min(m).min(packed.ncols());
    if count <= FEW && unblocked::suits::<T>(m, cols) {
        let mut near = unblocked::padded(m, cols, |i, j| b[(i, j)]);
        unblocked::apply(packed, 0, &tau[..count], near.as_mut(), first);
        b.copy_from(near.as_ref().subrows(0, m));
        return;
    }
    for start in (0..count).step_by(BLOCK).rev() {
        let width = BLOCK.min(count - start);
        let panel = packed.submatrix(start, start, m - start, width);
        let block = Reflectors::new(panel, &tau[start..start + width]);
        let from = first(start);
        if from < cols {
            block.apply(b.as_mut().submatrix_mut(start, from, m - start, cols - from), Conj::No);
        }
    }
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

/// Reflectors of `N` by `N` matrices, packed as [`factor`] packs them, in all lanes.
struct Packing<T, const N: usize>(PhantomData<T>);

struct Packed<T, const N: usize> {
    a: Planes<T, N, N>,
    tau: Planes<T, N, 1>,
    ordinary: Ordinary,
}

impl<T: Scalar, const N: usize> Packed<T, N> {
    fn new() -> Self {
        Packed { a: planes(), tau: planes(), ordinary: [true; LANES] }
    }
}

impl<T: Scalar, const N: usize> Algorithm for Packing<T, N> {
    type Data = Packed<T, N>;
    #[inline(always)]
    fn run(data: &mut Packed<T, N>) {
        for lane in 0..LANES {
            let mut a: [[T; N]; N] = core::array::from_fn(|i| core::array::from_fn(|j| data.a[i][j][lane]));
            let mut taus = [T::ZERO; N];
            let mut ordinary = true;
            for_each_below!(j, N => {
                let alpha = a[j][j];
                let mut rest = T::R::ZERO;
                for row in &a[j + 1..] {
                    rest += row[j].square();
                }
                // The last column of a real matrix is left as it is.
                let trivial = j + 1 == N && T::REAL;
                let total = rest + alpha.square();
                ordinary &= trivial
                    | ((total >= T::R::MIN_POSITIVE / T::R::EPSILON)
                        & (total <= T::R::MAX)
                        & ((rest > T::R::ZERO) | (j + 1 == N)));
                let beta = if trivial { alpha.re() } else { -total.sqrt().with_sign_of(alpha.re()) };
                let tau = T::of((beta - alpha.re()) / beta, -alpha.im() / beta);
                let tau = if trivial { T::ZERO } else { tau };
                let by = alpha - T::real(beta);
                for row in &mut a[j + 1..] {
                    row[j] = row[j].over(by);
                }
                (a[j][j], taus[j]) = (T::real(beta), tau);
                for k in j + 1..N {
                    let mut sum = a[j][k];
                    for row in &a[j + 1..] {
                        sum += row[j].conjugate() * row[k];
                    }
                    let by = tau.conjugate() * sum;
                    a[j][k] -= by;
                    for row in &mut a[j + 1..] {
                        row[k] -= by * row[j];
                    }
                }
            });
            for i in 0..N {
                data.tau[i][0][lane] = taus[i];
                for j in 0..N {
                    data.a[i][j][lane] = a[i][j];
                }
            }
            data.ordinary[lane] = ordinary;
        }
    }
}

/// Orthogonal factors of packed reflectors, in all lanes.
struct Unpacking<T, const N: usize>(PhantomData<T>);

impl<T: Scalar, const N: usize> Algorithm for Unpacking<T, N> {
    type Data = Packed<T, N>;
    #[inline(always)]
    fn run(data: &mut Packed<T, N>) {
        for lane in 0..LANES {
            let a: [[T; N]; N] = core::array::from_fn(|i| core::array::from_fn(|j| data.a[i][j][lane]));
            let mut q: [[T; N]; N] =
                core::array::from_fn(|i| core::array::from_fn(|j| if i == j { T::ONE } else { T::ZERO }));
            for_each_below!(last, N => {
                let j = N - 1 - last;
                for k in j..N {
                    let mut sum = q[j][k];
                    for i in j + 1..N {
                        sum += a[i][j].conjugate() * q[i][k];
                    }
                    let by = data.tau[j][0][lane] * sum;
                    q[j][k] -= by;
                    for i in j + 1..N {
                        q[i][k] -= by * a[i][j];
                    }
                }
            });
            for i in 0..N {
                for j in 0..N {
                    data.a[i][j][lane] = q[i][j];
                }
            }
        }
    }
}

/// The orthogonal factors of a group of square matrices, to operand 2.
fn build_group<T: Scalar>(group: &Group) -> Ordinary {
    of_order!(T, group.call.block::<T>(0).rows, N => {
        let mut data = Packed::<T, N>::new();
        group.load(0, &mut data.a);
        group.load(1, &mut data.tau);
        lanes::run::<Unpacking<T, N>>(&mut data);
        group.store(2, &data.a, &data.ordinary);
        data.ordinary
    })
}

fn is_small_square<T: Scalar>(a: Block<T>) -> bool {
    a.rows == a.cols && lanes::suits::<T>(a.rows)
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
    fn groups(call: &Call) -> bool {
        is_small_square(call.block::<T>(0))
    }
    fn run_group(group: &Group) -> Ordinary {
        of_order!(T, group.call.block::<T>(0).rows, N => {
            let mut data = Packed::<T, N>::new();
            group.load(0, &mut data.a);
            lanes::run::<Packing<T, N>>(&mut data);
            group.store(0, &data.a, &data.ordinary);
            group.store(1, &data.tau, &data.ordinary);
            data.ordinary
        })
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
    fn groups(call: &Call) -> bool {
        is_small_square(call.block::<T>(0)) && is_small_square(call.block::<T>(2))
    }
    fn run_group(group: &Group) -> Ordinary {
        build_group::<T>(group)
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
    fn groups(call: &Call) -> bool {
        is_small_square(call.block::<T>(0)) && is_small_square(call.block::<T>(2))
    }
    fn run_group(group: &Group) -> Ordinary {
        build_group::<T>(group)
    }
}
