//! Where a decomposition keeps its matrices: on the heap for any order, on the stack for a few rows.
//!
//! The algorithms for small matrices are written once, over a [`Space`]. For stacks of matrices of three or four rows
//! allocating would take longer than the arithmetic, and with the order a constant the compiler unrolls the loops.

use core::ops::{Deref, DerefMut};

use faer::Mat;

use super::columns::{column, column_mut};
use super::scalar::Scalar;

/// A matrix by its columns.
pub trait Columns<T>: Clone {
    fn rows(&self) -> usize;
    fn cols(&self) -> usize;
    fn col(&self, j: usize) -> &[T];
    fn col_mut(&mut self, j: usize) -> &mut [T];
    /// Columns `i` and `j`, of which `i` comes first.
    fn pair_mut(&mut self, i: usize, j: usize) -> (&mut [T], &mut [T]);
    /// Column `j` and the two behind it.
    fn three_mut(&mut self, j: usize) -> [&mut [T]; 3];
}

/// A kind of storage.
pub trait Space {
    type Vector<T: Scalar>: DerefMut<Target = [T]>;
    type Matrix<T: Scalar>: Columns<T>;

    /// `len` zeros, or more.
    fn vector<T: Scalar>(len: usize) -> Self::Vector<T>;
    /// A matrix by a rule.
    fn matrix<T: Scalar>(rows: usize, cols: usize, rule: impl FnMut(usize, usize) -> T) -> Self::Matrix<T>;

    fn identity<T: Scalar>(n: usize) -> Self::Matrix<T> {
        Self::matrix(n, n, |i, j| if i == j { T::ONE } else { T::ZERO })
    }
}

/// Any shape, allocated.
pub enum Heap {}

impl Space for Heap {
    type Vector<T: Scalar> = Vec<T>;
    type Matrix<T: Scalar> = Mat<T>;
    fn vector<T: Scalar>(len: usize) -> Vec<T> {
        vec![T::ZERO; len]
    }
    fn matrix<T: Scalar>(rows: usize, cols: usize, rule: impl FnMut(usize, usize) -> T) -> Mat<T> {
        Mat::from_fn(rows, cols, rule)
    }
}

impl<T: Scalar> Columns<T> for Mat<T> {
    fn rows(&self) -> usize {
        self.nrows()
    }
    fn cols(&self) -> usize {
        self.ncols()
    }
    fn col(&self, j: usize) -> &[T] {
        column(self.as_ref(), j)
    }
    fn col_mut(&mut self, j: usize) -> &mut [T] {
        column_mut(self.as_mut(), j)
    }
    fn pair_mut(&mut self, i: usize, j: usize) -> (&mut [T], &mut [T]) {
        let (left, right) = self.as_mut().split_at_col_mut(j);
        (column_mut(left, i), column_mut(right, 0))
    }
    fn three_mut(&mut self, j: usize) -> [&mut [T]; 3] {
        let (first, rest) = self.as_mut().split_at_col_mut(j).1.split_at_col_mut(1);
        let (second, third) = rest.split_at_col_mut(1);
        [first, second, third].map(|part| column_mut(part, 0))
    }
}

/// `N` by `N` matrices and vectors of `N` elements, in place.
pub enum Stack<const N: usize> {}

#[derive(Clone, Copy)]
pub struct Tiny<T, const N: usize>(pub [[T; N]; N]);

#[derive(Clone, Copy)]
pub struct Short<T, const N: usize>([T; N]);

impl<const N: usize> Space for Stack<N> {
    type Vector<T: Scalar> = Short<T, N>;
    type Matrix<T: Scalar> = Tiny<T, N>;
    #[inline(always)]
    fn vector<T: Scalar>(len: usize) -> Short<T, N> {
        debug_assert!(len <= N);
        Short([T::ZERO; N])
    }
    #[inline(always)]
    fn matrix<T: Scalar>(rows: usize, cols: usize, mut rule: impl FnMut(usize, usize) -> T) -> Tiny<T, N> {
        debug_assert!(rows == N && cols == N);
        Tiny(core::array::from_fn(|j| core::array::from_fn(|i| rule(i, j))))
    }
}

impl<T: Scalar, const N: usize> Columns<T> for Tiny<T, N> {
    #[inline(always)]
    fn rows(&self) -> usize {
        N
    }
    #[inline(always)]
    fn cols(&self) -> usize {
        N
    }
    #[inline(always)]
    fn col(&self, j: usize) -> &[T] {
        &self.0[j]
    }
    #[inline(always)]
    fn col_mut(&mut self, j: usize) -> &mut [T] {
        &mut self.0[j]
    }
    #[inline(always)]
    fn pair_mut(&mut self, i: usize, j: usize) -> (&mut [T], &mut [T]) {
        let (left, right) = self.0.split_at_mut(j);
        (&mut left[i], &mut right[0])
    }
    #[inline(always)]
    fn three_mut(&mut self, j: usize) -> [&mut [T]; 3] {
        let [x, y, z] = &mut self.0[j..j + 3] else { unreachable!("three columns") };
        [x, y, z]
    }
}

impl<T, const N: usize> Deref for Short<T, N> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.0
    }
}
impl<T, const N: usize> DerefMut for Short<T, N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}
