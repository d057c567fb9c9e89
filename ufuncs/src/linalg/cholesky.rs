//! Cholesky factors of Hermitian matrices: `cholesky_lo`, `cholesky_up`.

use core::marker::PhantomData;

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place_with_conj;
use faer::{Accum, Conj, Mat, MatMut, Par};

use super::call::{Block, Call, Kernel};
use super::columns::{column, column_mut};
use super::lanes::{
    self, Algorithm, Group, LANES, Ordinary, Planes, for_each_below, of_order, plain, planes,
};
use super::scalar::{Real, Scalar};
use super::unblocked;

/// Orders that are factored column by column.
const LEAF: usize = 64;

/// Factor by the lower triangle; `false` if a pivot is not positive. A NaN is not noticed but spreads.
fn factor<T: Scalar>(mut a: MatMut<'_, T>) -> bool {
    let n = a.ncols();
    if n <= LEAF {
        let mut near = unblocked::padded(n, n, |i, j| if i < j { T::ZERO } else { a[(i, j)] });
        let ok = unblocked::cholesky(near.as_mut(), n);
        for j in 0..n {
            column_mut(a.as_mut(), j)[j..].copy_from_slice(&column(near.as_ref(), j)[j..n]);
        }
        return ok;
    }
    let half = n / 2;
    let (mut a00, _, mut a10, mut a11) = a.as_mut().split_at_mut(half, half);
    if !factor(a00.as_mut()) {
        return false;
    }
    solve_lower_triangular_in_place_with_conj(
        a00.as_ref(),
        Conj::Yes,
        a10.as_mut().transpose_mut(),
        Par::Seq,
    );
    triangular::matmul_with_conj(
        a11.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Add,
        a10.as_ref(),
        BlockStructure::Rectangular,
        Conj::No,
        a10.as_ref().transpose(),
        BlockStructure::Rectangular,
        Conj::Yes,
        -T::ONE,
        Par::Seq,
    );
    factor(a11)
}

/// The lower triangle of `a`, or the adjoint of its upper one.
pub fn load_triangle<T: Scalar>(a: Block<T>, upper: bool) -> Mat<T> {
    Mat::from_fn(a.rows, a.cols, |i, j| match (i < j, upper) {
        (true, _) => T::ZERO,
        (false, false) => a.get(i, j),
        (false, true) => a.get(j, i).conjugate(),
    })
}

/// Factors of `N` by `N` matrices by their lower triangles, in all lanes.
struct Factors<T, const N: usize>(PhantomData<T>);

impl<T: Scalar, const N: usize> Algorithm for Factors<T, N> {
    type Data = (Planes<T, N, N>, Ordinary);
    #[inline(always)]
    fn run((planes, all): &mut Self::Data) {
        for lane in 0..LANES {
            let mut a: [[T; N]; N] = core::array::from_fn(|i| core::array::from_fn(|j| planes[i][j][lane]));
            let mut ordinary = true;
            for_each_below!(j, N => {
                let pivot = a[j][j].re();
                ordinary &= plain(pivot);
                let root = pivot.sqrt();
                a[j][j] = T::real(root);
                for row in &mut a[j + 1..] {
                    row[j] = T::of(row[j].re() / root, row[j].im() / root);
                }
                for k in j + 1..N {
                    let factor = a[k][j].conjugate();
                    for row in &mut a[k..] {
                        row[k] -= row[j] * factor;
                    }
                }
            });
            for i in 0..N {
                for j in 0..N {
                    planes[i][j][lane] = if j <= i { a[i][j] } else { T::ZERO };
                }
            }
            all[lane] = ordinary;
        }
    }
}

fn adjoint<T: Scalar, const N: usize>(planes: &mut Planes<T, N, N>) {
    let given = *planes;
    for i in 0..N {
        for j in 0..N {
            planes[i][j] = given[j][i].map(T::conjugate);
        }
    }
}

/// `cholesky_lo` and, with `UPPER`, `cholesky_up`.
pub struct Cholesky<T, const UPPER: bool>(PhantomData<T>);

impl<T: Scalar, const UPPER: bool> Kernel for Cholesky<T, UPPER> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0, 0]];
    fn run(call: &Call) -> bool {
        let mut a = load_triangle(call.block::<T>(0), UPPER);
        let ok = factor(a.as_mut());
        if ok {
            call.block::<T>(1).store_with(|i, j| match (i < j, i > j, UPPER) {
                (true, _, false) | (_, true, true) => T::ZERO,
                (_, _, false) => a[(i, j)],
                (_, _, true) => a[(j, i)].conjugate(),
            });
        }
        ok
    }
    fn fail(call: &Call) {
        call.block::<T>(1).fill(T::NAN);
    }
    fn groups(call: &Call) -> bool {
        lanes::suits::<T>(call.block::<T>(0).rows)
    }
    fn run_group(group: &Group) -> Ordinary {
        of_order!(T, group.call.block::<T>(0).rows, N => {
            let mut data = (planes::<T, N, N>(), [false; LANES]);
            group.load(0, &mut data.0);
            if UPPER {
                adjoint(&mut data.0);
            }
            lanes::run::<Factors<T, N>>(&mut data);
            if UPPER {
                adjoint(&mut data.0);
            }
            group.store(1, &data.0, &data.1);
            data.1
        })
    }
}
