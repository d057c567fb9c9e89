//! Columns of a column-major matrix as slices.

use core::ops::RangeInclusive;

use faer::{Mat, MatMut, MatRef};

use super::scalar::Scalar;
use crate::cpu::{Level, multiversion};

/// Column `j`. Matrices made here are column-major, and so are their blocks.
pub fn column<T>(a: MatRef<'_, T>, j: usize) -> &[T] {
    a.col(j).try_as_col_major().expect("column-major").as_slice()
}

/// Column `j`, to be written.
pub fn column_mut<T>(a: MatMut<'_, T>, j: usize) -> &mut [T] {
    a.col_mut(j).try_as_col_major_mut().expect("column-major").as_slice_mut()
}

/// `x -= v by`.
#[inline]
pub fn subtract_scaled<T: Scalar>(x: &mut [T], v: &[T], by: T) {
    if x.len() < 16 {
        subtract_body(x, v, by);
    } else {
        subtract_long(Level::current(), x, v, by);
    }
}
multiversion! {
    fn subtract_long[T: Scalar](x: &mut [T], v: &[T], by: T) -> () = subtract_body::<T>;
}
#[inline(always)]
fn subtract_body<T: Scalar>(x: &mut [T], v: &[T], by: T) {
    for (x, v) in x.iter_mut().zip(v) {
        *x -= *v * by;
    }
}

/// The Euclidean norm, scaled only where squares would overflow or vanish.
pub fn norm<T: Scalar>(x: &[T]) -> T::R {
    use super::scalar::Real;
    let sum = x.iter().fold(T::R::ZERO, |sum, v| sum + v.square());
    if sum > T::R::MIN_POSITIVE / T::R::EPSILON && sum <= T::R::MAX {
        return sum.sqrt();
    }
    let largest = x.iter().fold(T::R::ZERO, |most, v| most.max_of(v.re().modulus()).max_of(v.im().modulus()));
    if !(largest > T::R::ZERO && largest <= T::R::MAX) {
        // All zero, infinite, or NaN.
        return if sum.has_nan() { sum } else { largest };
    }
    let scaled = |v: &T| T::of(v.re() / largest, v.im() / largest).square();
    largest * x.iter().fold(T::R::ZERO, |sum, v| sum + scaled(v)).sqrt()
}

/// What an input is like before it is decomposed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    Finite,
    /// Infinities but no NaN.
    Infinite,
    Nan,
}

/// Look at every element.
pub fn content<T: Scalar>(a: &Mat<T>) -> Content {
    let mut found = Content::Finite;
    for j in 0..a.ncols() {
        for x in column(a.as_ref(), j) {
            if x.has_nan() {
                return Content::Nan;
            }
            if !x.finite() {
                found = Content::Infinite;
            }
        }
    }
    found
}

/// Bring a matrix of very large or very small elements near one by a power of two; returns the factor to divide
/// eigenvalues or singular values by.
pub fn rescale<T: Scalar>(a: &mut Mat<T>) -> T::R {
    use super::scalar::Real;
    rescale_to(a, T::R::PLAIN, 0)
}

/// Bring a matrix whose largest exponent is not `plain` to this exponent; returns the factor.
pub fn rescale_to<T: Scalar>(a: &mut Mat<T>, plain: RangeInclusive<i32>, exponent: i32) -> T::R {
    use super::scalar::Real;
    let mut largest = T::R::ZERO;
    for j in 0..a.ncols() {
        for x in column(a.as_ref(), j) {
            largest = largest.max_of(x.re().modulus()).max_of(x.im().modulus());
        }
    }
    if largest <= T::R::ZERO {
        return T::R::ONE;
    }
    let found = largest.exponent();
    if plain.contains(&found) {
        return T::R::ONE;
    }
    let factor = T::R::pow2((exponent - found).clamp(-T::R::MAX_SCALE, T::R::MAX_SCALE));
    for j in 0..a.ncols() {
        column_mut(a.as_mut(), j).iter_mut().for_each(|x| *x = x.scale(factor));
    }
    factor
}
