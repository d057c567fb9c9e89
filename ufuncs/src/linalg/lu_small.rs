//! LU of matrices of up to four rows, unrolled by the compiler: stacks of these are common, and allocating for each
//! would take longer than the arithmetic. Pivots are chosen as in [`super::lu`].
//!
//! [`Small`] is for one matrix, [`Elimination`] for many side by side.

use core::marker::PhantomData;

use super::call::Block;
use super::lanes::{Algorithm, LANES, Ordinary, Planes, exchanged_if, for_each_below, plain};
use super::scalar::{Real, Scalar};

/// `P A = L U`, packed by rows.
pub struct Small<T, const N: usize> {
    rows: [[T; N]; N],
    /// Where each row of `P A` was in `A`.
    order: [usize; N],
    pub odd: bool,
    pub singular: bool,
}

impl<T: Scalar, const N: usize> Small<T, N> {
    #[inline(always)]
    pub fn new(a: &Block<T>) -> Self {
        let rows = core::array::from_fn(|i| core::array::from_fn(|j| a.get(i, j)));
        let order = core::array::from_fn(|i| i);
        let mut lu = Small { rows, order, odd: false, singular: false };
        for j in 0..N {
            let (mut at, mut best) = (j, lu.rows[j][j].cabs1());
            for i in j + 1..N {
                let size = lu.rows[i][j].cabs1();
                // A NaN found first stays the pivot, so that it spreads.
                if size > best {
                    (best, at) = (size, i);
                }
            }
            if !lu.rows[at][j].nonzero() {
                lu.singular = true;
                continue;
            }
            if at != j {
                lu.rows.swap(at, j);
                lu.order.swap(at, j);
                lu.odd = !lu.odd;
            }
            let pivot = lu.rows[j];
            // The reciprocal of a tiny pivot overflows.
            let safe = pivot[j].cabs1() >= T::R::MIN_POSITIVE;
            let inverse = if safe { T::ONE.over(pivot[j]) } else { T::ZERO };
            for row in &mut lu.rows[j + 1..] {
                row[j] = if safe { row[j] * inverse } else { row[j].over(pivot[j]) };
                for k in j + 1..N {
                    row[k] -= row[j] * pivot[k];
                }
            }
        }
        lu
    }
    pub fn diagonal(&self) -> [T; N] {
        core::array::from_fn(|i| self.rows[i][i])
    }
    /// The solution for one right-hand side.
    #[inline(always)]
    pub fn solve(&self, b: impl Fn(usize) -> T) -> [T; N] {
        let mut x: [T; N] = core::array::from_fn(|i| b(self.order[i]));
        for i in 0..N {
            for j in 0..i {
                x[i] -= self.rows[i][j] * x[j];
            }
        }
        for i in (0..N).rev() {
            for j in i + 1..N {
                x[i] -= self.rows[i][j] * x[j];
            }
            x[i] = x[i].over(self.rows[i][i]);
        }
        x
    }
}

/// Gaussian elimination of `N` by `N` matrices with `M` right-hand sides, in all lanes.
pub struct Elimination<T, const N: usize, const M: usize>(PhantomData<T>);

pub struct System<T, const N: usize, const M: usize> {
    /// The matrix, and afterwards the upper factor on and above the diagonal.
    pub a: Planes<T, N, N>,
    /// Right-hand sides, and afterwards solutions.
    pub b: Planes<T, N, M>,
    /// Whether an odd number of rows was exchanged.
    pub odd: [bool; LANES],
    pub ordinary: Ordinary,
}

impl<T: Scalar, const N: usize, const M: usize> Algorithm for Elimination<T, N, M> {
    type Data = System<T, N, M>;
    #[inline(always)]
    fn run(data: &mut System<T, N, M>) {
        for lane in 0..LANES {
            let mut a: [[T; N]; N] = core::array::from_fn(|i| core::array::from_fn(|j| data.a[i][j][lane]));
            let mut b: [[T; M]; N] = core::array::from_fn(|i| core::array::from_fn(|j| data.b[i][j][lane]));
            let (mut odd, mut ordinary) = (false, true);
            for_each_below!(j, N => {
                // Exchanging with every larger one ends with the largest. The others change their order, not their values.
                for_each_below!(i, N => {
                    if i > j {
                        let larger = a[i][j].cabs1() > a[j][j].cabs1();
                        for k in j..N {
                            let (upper, lower) = (a[j][k], a[i][k]);
                            (a[j][k], a[i][k]) = exchanged_if(larger, upper, lower);
                        }
                        for k in 0..M {
                            let (upper, lower) = (b[j][k], b[i][k]);
                            (b[j][k], b[i][k]) = exchanged_if(larger, upper, lower);
                        }
                        odd ^= larger;
                    }
                });
                ordinary &= plain(a[j][j].cabs1());
                let inverse = T::ONE.over(a[j][j]);
                for i in j + 1..N {
                    let by = a[i][j] * inverse;
                    for k in j + 1..N {
                        a[i][k] -= by * a[j][k];
                    }
                    for k in 0..M {
                        b[i][k] -= by * b[j][k];
                    }
                }
            });
            for k in 0..M {
                for_each_below!(last, N => {
                    let i = N - 1 - last;
                    for j in i + 1..N {
                        b[i][k] -= a[i][j] * b[j][k];
                    }
                    b[i][k] = b[i][k].over(a[i][i]);
                });
            }
            for i in 0..N {
                data.a[i][i][lane] = a[i][i];
                for k in 0..M {
                    data.b[i][k][lane] = b[i][k];
                }
            }
            (data.odd[lane], data.ordinary[lane]) = (odd, ordinary);
        }
    }
}

/// `small!(n, N => body)` evaluates the body with `N` a constant, `None` for larger (or no) matrices.
macro_rules! small {
    ($n:expr, $N:ident => $body:expr) => {{
        match $n {
            1 => {
                const $N: usize = 1;
                Some($body)
            }
            2 => {
                const $N: usize = 2;
                Some($body)
            }
            3 => {
                const $N: usize = 3;
                Some($body)
            }
            4 => {
                const $N: usize = 4;
                Some($body)
            }
            _ => None,
        }
    }};
}
pub(super) use small;
