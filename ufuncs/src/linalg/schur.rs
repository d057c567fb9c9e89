//! Eigenvalues and eigenvectors of small general matrices, in LAPACK's order and with its signs.
//!
//! Reflectors make the matrix a Hessenberg one, QR steps (`francis` with two shifts for real matrices, `single` with one for
//! complex ones) make that triangular, and eigenvectors follow by substitution. Which eigenvalue comes first and which sign a
//! vector has depend on the shifts and on when an element counts as zero, so both are those of LAPACK's `hqr` routines
//! (with the criterion of Ahues and Tisseur, LAPACK working note 122).

use core::ops::Range;

use super::columns::subtract_scaled;
use super::qr::{apply_one, reflector};
use super::scalar::{Real, Scalar};
use super::space::{Columns, Space};
use crate::cpu::{Level, multiversion};

/// Steps between two exceptional shifts, which end cycles.
pub(super) const EXCEPTIONAL: usize = 10;
/// What exceptional shifts are made with.
pub(super) const EXCEPTIONAL_FACTOR: f64 = 0.75;

/// Steps for each eigenvalue before the matrix is given up.
pub(super) fn budget(n: usize) -> usize {
    30 * n.max(10)
}

/// Quantities below this count as zero in a matrix of some rows.
pub(super) fn negligible<R: Real>(n: usize) -> R {
    R::MIN_POSITIVE * (R::from_f64(n as f64) / R::EPSILON)
}

/// Make the part of a balanced matrix a Hessenberg one in place; returns the product of the reflectors if wanted.
#[inline(always)]
pub fn hessenberg<T: Scalar, S: Space>(
    a: &mut S::Matrix<T>,
    part: &Range<usize>,
    wanted: bool,
) -> Option<S::Matrix<T>> {
    let n = a.rows();
    let mut taus: S::Vector<T> = S::vector(n);
    let mut v: S::Vector<T> = S::vector(n);
    let mut dots: S::Vector<T> = S::vector(n);
    let end = part.end;
    for i in part.start..end.saturating_sub(1) {
        let len = end - i - 1;
        let v = &mut v[..len];
        v.copy_from_slice(&a.col(i)[i + 1..end]);
        let tau = reflector(v);
        taus[i] = tau;
        a.col_mut(i)[i + 1..end].copy_from_slice(v);
        v[0] = T::ONE;
        // From the right, and from the left.
        let dots = &mut dots[..end];
        dots.fill(T::ZERO);
        for (k, v) in v.iter().enumerate() {
            add_scaled(dots, &a.col(i + 1 + k)[..end], *v);
        }
        for (k, v) in v.iter().enumerate() {
            subtract_scaled(&mut a.col_mut(i + 1 + k)[..end], dots, tau * v.conjugate());
        }
        for k in i + 1..n {
            apply_one(v, tau.conjugate(), &mut a.col_mut(k)[i + 1..end]);
        }
    }
    let q = wanted.then(|| {
        let mut q = S::identity(n);
        for i in (part.start..end.saturating_sub(1)).rev() {
            let v = &a.col(i)[i + 1..end];
            for k in i + 1..end {
                apply_one(v, taus[i], &mut q.col_mut(k)[i + 1..end]);
            }
        }
        q
    });
    for j in 0..n {
        a.col_mut(j).iter_mut().skip(j + 2).for_each(|x| *x = T::ZERO);
    }
    q
}

/// Whether the element below the diagonal in column `k - 1` of a Hessenberg matrix counts as zero. `size` is that of an
/// element: what the two kinds of matrices take for its absolute value differs.
#[inline(always)]
pub(super) fn splits<T: Scalar>(h: &impl Columns<T>, part: &Range<usize>, k: usize, least: T::R) -> bool {
    let ulp = T::R::EPSILON;
    let (upper, lower) = (h.col(k - 1)[k - 1], h.col(k)[k]);
    let (below, above) = (h.col(k - 1)[k], h.col(k)[k - 1]);
    if below.cabs1() <= least {
        return true;
    }
    let mut around = upper.cabs1() + lower.cabs1();
    if around == T::R::ZERO {
        if k >= part.start + 2 {
            around += h.col(k - 2)[k - 1].re().modulus();
        }
        if k + 1 < part.end {
            around += h.col(k)[k + 1].re().modulus();
        }
    }
    if below.re().modulus() > ulp * around {
        return false;
    }
    let order = |x: T::R, y: T::R| if x < y { (x, y) } else { (y, x) };
    let (small_off, large_off) = order(below.cabs1(), above.cabs1());
    let (small, large) = order(lower.cabs1(), (upper - lower).cabs1());
    let sum = large + large_off;
    small_off * (large_off / sum) <= least.max_of(ulp * (small * (large / sum)))
}

/// `to += from * by`, for columns of which the first may be longer.
#[inline(always)]
pub(super) fn add_scaled<T: Scalar>(to: &mut [T], from: &[T], by: T) {
    if from.len() < 16 {
        add_body(to, from, by);
    } else {
        add_long(Level::current(), to, from, by);
    }
}
multiversion! {
    fn add_long[T: Scalar](to: &mut [T], from: &[T], by: T) -> () = add_body::<T>;
}
#[inline(always)]
fn add_body<T: Scalar>(to: &mut [T], from: &[T], by: T) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from * by;
    }
}
