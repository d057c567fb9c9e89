//! LU of matrices of up to four rows, unrolled by the compiler: stacks of these are common, and allocating for each
//! would take longer than the arithmetic. Pivots are chosen as in [`super::lu`].

use super::call::Block;
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
