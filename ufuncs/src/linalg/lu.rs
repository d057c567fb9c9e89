//! LU with partial pivoting, and what is made of it: `solve`, `inv`, `det`, `slogdet`.
//!
//! Recursive: halve the columns, factor the left half, update the right one by a triangular solve and a product, factor
//! the rest. Panels are plain column operations. Written here and not taken from a library because a pivot that is
//! exactly zero must be noticed, and left alone, to be reported as a singular matrix.

use core::marker::PhantomData;

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{solve_unit_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, MatMut, Par};

use super::call::{Block, Call, Kernel};
use super::columns::{column, column_mut, subtract_scaled};
use super::lanes::{self, Group, LANES, Ordinary, of_order, planes};
use super::lu_small::{Elimination, Small, System, small};
use super::parts::for_columns;
use super::scalar::{Real, Scalar};

/// Panels at most this wide are factored column by column.
const PANEL: usize = 16;

/// `P A = L U`, packed.
pub struct Lu<T> {
    factors: Mat<T>,
    /// Row `i` was exchanged with row `swaps[i]`.
    swaps: Vec<usize>,
    pub singular: bool,
}

impl<T: Scalar> Lu<T> {
    /// Factor a square matrix.
    pub fn new(mut a: Mat<T>) -> Lu<T> {
        let mut swaps = vec![0; a.ncols()];
        let singular = factor(a.as_mut(), &mut swaps);
        Lu { factors: a, swaps, singular }
    }
    /// Replace `rhs` by the solution.
    pub fn solve(&self, rhs: MatMut<'_, T>) {
        let work = rhs.nrows() * rhs.nrows() * rhs.ncols();
        for_columns(rhs, work, |mut rhs| {
            exchange(rhs.as_mut(), &self.swaps);
            solve_unit_lower_triangular_in_place(self.factors.as_ref(), rhs.as_mut(), Par::Seq);
            solve_upper_triangular_in_place(self.factors.as_ref(), rhs, Par::Seq);
        });
    }
    /// The determinant as a unit (or zero) and the logarithm of its absolute value.
    pub fn sign_and_log(&self) -> (T, T::R) {
        if self.singular {
            return (T::ZERO, -(T::R::ONE.over(T::R::ZERO)));
        }
        let odd = self.swaps.iter().enumerate().filter(|(i, to)| i != *to).count() % 2 == 1;
        sign_and_log(odd, (0..self.swaps.len()).map(|i| self.factors[(i, i)]))
    }
}

/// Of a product of pivots, negated if `odd`.
fn sign_and_log<T: Scalar>(odd: bool, pivots: impl Iterator<Item = T>) -> (T, T::R) {
    let mut sign = if odd { -T::ONE } else { T::ONE };
    let mut log = T::R::ZERO;
    for pivot in pivots {
        let size = pivot.modulus();
        if T::REAL {
            // A NaN leaves the sign alone.
            sign = if pivot.re() < T::R::ZERO { -sign } else { sign };
        } else {
            sign *= T::of(pivot.re() / size, pivot.im() / size);
        }
        log += size.ln();
    }
    (sign, log)
}

/// The determinant of a matrix as a unit (or zero) and the logarithm of its absolute value.
fn determinant<T: Scalar>(a: Block<T>) -> (T, T::R) {
    let few = small!(a.rows, N => {
        let lu = Small::<T, N>::new(&a);
        if lu.singular {
            (T::ZERO, -(T::R::ONE.over(T::R::ZERO)))
        } else {
            sign_and_log(lu.odd, lu.diagonal().into_iter())
        }
    });
    few.unwrap_or_else(|| Lu::new(a.load()).sign_and_log())
}

/// As [`determinant`], of many: for each lane that is done its sign and logarithm.
fn determinants<T: Scalar>(group: &Group, mut give: impl FnMut(usize, T, T::R)) -> Ordinary {
    of_order!(T, group.call.block::<T>(0).rows, N => {
        let system = eliminate::<T, N, 0>(group, |_| {});
        for lane in (0..group.count).filter(|&lane| system.ordinary[lane]) {
            let (sign, log) = sign_and_log(system.odd[lane], (0..N).map(|i| system.a[i][i][lane]));
            give(lane, sign, log);
        }
        system.ordinary
    })
}

/// Eliminate the matrices of operand 0, with the right-hand sides that `fill` provides.
fn eliminate<T: Scalar, const N: usize, const M: usize>(
    group: &Group,
    fill: impl FnOnce(&mut System<T, N, M>),
) -> System<T, N, M> {
    let mut system = System { a: planes(), b: planes(), odd: [false; LANES], ordinary: [false; LANES] };
    group.load(0, &mut system.a);
    fill(&mut system);
    lanes::run::<Elimination<T, N, M>>(&mut system);
    system
}

fn exchange<T: Scalar>(mut a: MatMut<'_, T>, swaps: &[usize]) {
    for j in 0..a.ncols() {
        let col = column_mut(a.as_mut(), j);
        for (i, &to) in swaps.iter().enumerate() {
            col.swap(i, to);
        }
    }
}

/// Factor a matrix with at least as many rows as columns; whether a pivot was zero.
fn factor<T: Scalar>(mut a: MatMut<'_, T>, swaps: &mut [usize]) -> bool {
    let n = a.ncols();
    if n <= PANEL {
        return factor_panel(a, swaps);
    }
    let half = n / 2;
    let m = a.nrows();
    let (mut left, mut right) = a.as_mut().split_at_col_mut(half);
    let (swaps0, swaps1) = swaps.split_at_mut(half);
    let mut singular = factor(left.as_mut(), swaps0);
    let (l00, l10) = left.split_at_row_mut(half);
    for_columns(right.as_mut(), half * (n - half) * m, |mut right| {
        exchange(right.as_mut(), swaps0);
        let (mut a01, a11) = right.split_at_row_mut(half);
        solve_unit_lower_triangular_in_place(l00.as_ref(), a01.as_mut(), Par::Seq);
        matmul(a11, Accum::Add, l10.as_ref(), a01.as_ref(), -T::ONE, Par::Seq);
    });
    singular |= factor(right.split_at_row_mut(half).1, swaps1);
    exchange(l10, swaps1);
    for to in swaps1 {
        *to += half;
    }
    singular
}

fn factor_panel<T: Scalar>(mut a: MatMut<'_, T>, swaps: &mut [usize]) -> bool {
    let mut singular = false;
    for j in 0..a.ncols() {
        let mut at = j;
        let col = column(a.as_ref(), j);
        let mut best = col[j].cabs1();
        for (i, x) in col.iter().enumerate().skip(j + 1) {
            let size = x.cabs1();
            // A NaN found first stays the pivot, so that it spreads.
            if size > best {
                (best, at) = (size, i);
            }
        }
        swaps[j] = at;
        if !col[at].nonzero() {
            singular = true;
            continue;
        }
        if at != j {
            for k in 0..a.ncols() {
                column_mut(a.as_mut(), k).swap(j, at);
            }
        }
        let (left, mut right) = a.as_mut().split_at_col_mut(j + 1);
        let col = column_mut(left, j);
        let (head, multipliers) = col.split_at_mut(j + 1);
        let pivot = head[j];
        // The reciprocal of a tiny pivot overflows.
        if pivot.cabs1() >= T::R::MIN_POSITIVE {
            let inverse = T::ONE.over(pivot);
            multipliers.iter_mut().for_each(|x| *x *= inverse);
        } else {
            multipliers.iter_mut().for_each(|x| *x = x.over(pivot));
        }
        for k in 0..right.ncols() {
            let (upper, rest) = column_mut(right.as_mut(), k).split_at_mut(j + 1);
            let u = upper[j];
            subtract_scaled(rest, multipliers, u);
        }
    }
    singular
}

/// `solve`: many right-hand sides.
pub struct Solve<T>(PhantomData<T>);
/// `solve1`: one right-hand side, a vector.
pub struct Solve1<T>(PhantomData<T>);

fn solve<T: Scalar>(call: &Call) -> bool {
    let (a, b, x) = (call.block::<T>(0), call.block::<T>(1), call.block::<T>(2));
    let few = small!(a.rows, N => {
        let lu = Small::<T, N>::new(&a);
        if !lu.singular {
            let mut columns = vec![];
            // An output may be an input.
            if b.cols == 1 {
                let only = lu.solve(|i| b.get(i, 0));
                x.store_with(|i, _| only[i]);
            } else {
                columns.extend((0..b.cols).map(|j| lu.solve(|i| b.get(i, j))));
                x.store_with(|i, j| columns[j][i]);
            }
        }
        !lu.singular
    });
    if let Some(done) = few {
        return done;
    }
    let lu = Lu::new(a.load());
    if lu.singular {
        return false;
    }
    let mut rhs = b.load();
    lu.solve(rhs.as_mut());
    x.store(rhs.as_ref());
    true
}

fn solve_group<T: Scalar>(group: &Group) -> Ordinary {
    of_order!(T, group.call.block::<T>(0).rows, N => {
        let system = eliminate::<T, N, 1>(group, |system| group.load(1, &mut system.b));
        group.store(2, &system.b, &system.ordinary);
        system.ordinary
    })
}

/// Systems with one right-hand side.
fn solves_groups<T: Scalar>(call: &Call) -> bool {
    lanes::suits::<T>(call.block::<T>(0).rows) && call.block::<T>(1).cols == 1
}

impl<T: Scalar> Kernel for Solve<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0, 1], &[0, 1]];
    fn run(call: &Call) -> bool {
        solve::<T>(call)
    }
    fn fail(call: &Call) {
        call.block::<T>(2).fill(T::NAN);
    }
    fn groups(call: &Call) -> bool {
        solves_groups::<T>(call)
    }
    fn run_group(group: &Group) -> Ordinary {
        solve_group::<T>(group)
    }
}

impl<T: Scalar> Kernel for Solve1<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0], &[0]];
    fn run(call: &Call) -> bool {
        solve::<T>(call)
    }
    fn fail(call: &Call) {
        call.block::<T>(2).fill(T::NAN);
    }
    fn groups(call: &Call) -> bool {
        solves_groups::<T>(call)
    }
    fn run_group(group: &Group) -> Ordinary {
        solve_group::<T>(group)
    }
}

/// `inv`.
pub struct Inv<T>(PhantomData<T>);

impl<T: Scalar> Kernel for Inv<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[0, 0]];
    fn run(call: &Call) -> bool {
        let a = call.block::<T>(0);
        let few = small!(a.rows, N => {
            let lu = Small::<T, N>::new(&a);
            if !lu.singular {
                let unit = |i: usize, j: usize| if i == j { T::ONE } else { T::ZERO };
                let columns: [[T; N]; N] = core::array::from_fn(|j| lu.solve(|i| unit(i, j)));
                call.block::<T>(1).store_with(|i, j| columns[j][i]);
            }
            !lu.singular
        });
        if let Some(done) = few {
            return done;
        }
        let lu = Lu::new(a.load());
        if lu.singular {
            return false;
        }
        let mut inverse = Mat::<T>::identity(a.rows, a.cols);
        lu.solve(inverse.as_mut());
        call.block::<T>(1).store(inverse.as_ref());
        true
    }
    fn fail(call: &Call) {
        call.block::<T>(1).fill(T::NAN);
    }
    fn groups(call: &Call) -> bool {
        lanes::suits::<T>(call.block::<T>(0).rows)
    }
    fn run_group(group: &Group) -> Ordinary {
        of_order!(T, group.call.block::<T>(0).rows, N => {
            let system = eliminate::<T, N, N>(group, |system| {
                for i in 0..N {
                    system.b[i][i] = [T::ONE; LANES];
                }
            });
            group.store(1, &system.b, &system.ordinary);
            system.ordinary
        })
    }
}

/// `slogdet`.
pub struct Slogdet<T>(PhantomData<T>);

impl<T: Scalar> Kernel for Slogdet<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[], &[]];
    const OWNS_STATUS: bool = false;
    fn run(call: &Call) -> bool {
        let (sign, log) = determinant(call.block::<T>(0));
        call.block::<T>(1).set(0, 0, sign);
        call.block::<T::R>(2).set(0, 0, log);
        true
    }
    fn fail(call: &Call) {
        call.block::<T>(1).fill(T::NAN);
        call.block::<T::R>(2).fill(T::R::NAN);
    }
    fn groups(call: &Call) -> bool {
        lanes::suits::<T>(call.block::<T>(0).rows)
    }
    fn run_group(group: &Group) -> Ordinary {
        determinants(group, |lane, sign: T, log| {
            group.block::<T>(1, lane).set(0, 0, sign);
            group.block::<T::R>(2, lane).set(0, 0, log);
        })
    }
}

/// `det`: by way of the logarithm, so it overflows exactly where the result does.
pub struct Det<T>(PhantomData<T>);

impl<T: Scalar> Kernel for Det<T> {
    const CORE: &'static [&'static [usize]] = &[&[0, 0], &[]];
    const OWNS_STATUS: bool = false;
    fn run(call: &Call) -> bool {
        let (sign, log) = determinant(call.block::<T>(0));
        call.block::<T>(1).set(0, 0, sign * T::real(log.exp()));
        true
    }
    fn fail(call: &Call) {
        call.block::<T>(1).fill(T::NAN);
    }
    fn groups(call: &Call) -> bool {
        lanes::suits::<T>(call.block::<T>(0).rows)
    }
    fn run_group(group: &Group) -> Ordinary {
        determinants(group, |lane, sign: T, log| {
            group.block::<T>(1, lane).set(0, 0, sign * T::real(log.exp()));
        })
    }
}
