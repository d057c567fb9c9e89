//! Decompositions give their matrices back, whatever is degenerate about these.

use faer::linalg::svd::ComputeSvdVectors;
use faer::{Mat, MatRef};
use num_complex::Complex;

use super::bidiagonal::Svd;
use super::columns::{column, norm};
use super::scalar::{Real, Scalar};
use super::{eigh, svd};

/// Numbers between -1/2 and 1/2.
fn numbers<R: Real>() -> impl FnMut() -> R {
    let mut state = 1u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        R::from_f64((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5)
    }
}

fn matrix<T: Scalar>(m: usize, n: usize) -> Mat<T> {
    let mut next = numbers::<T::R>();
    Mat::from_fn(m, n, |_, _| T::of(next(), next()))
}

fn adjoint<T: Scalar>(a: &Mat<T>) -> Mat<T> {
    Mat::from_fn(a.ncols(), a.nrows(), |i, j| a[(j, i)].conjugate())
}

/// `a diag(by)`.
fn scaled<T: Scalar>(a: &Mat<T>, by: &[T::R]) -> Mat<T> {
    Mat::from_fn(a.nrows(), by.len(), |i, j| a[(i, j)].scale(by[j]))
}

/// The length of the longest column of a difference.
fn distance<T: Scalar>(a: &Mat<T>, b: &Mat<T>) -> T::R {
    let d = a - b;
    (0..d.ncols()).fold(T::R::ZERO, |most, j| most.max_of(norm(column(d.as_ref(), j))))
}

#[track_caller]
fn assert_small<R: Real>(x: R, scale: R, what: &str) {
    assert!(x <= R::from_f64(80.0) * R::EPSILON * scale, "{what}: {x:?} for {scale:?}");
}

#[track_caller]
fn assert_unitary<T: Scalar>(q: &Mat<T>, what: &str) {
    let product = adjoint(q) * q;
    let eye = Mat::identity(q.ncols(), q.ncols());
    assert_small(distance::<T>(&product, &eye), T::R::ONE, what);
}

fn top<T: Copy>(a: MatRef<'_, T>, cols: usize) -> Mat<T> {
    Mat::from_fn(a.nrows(), cols, |i, j| a[(i, j)])
}

fn whole<T: Scalar>() {
    for n in [26, 50, 70] {
        let a = matrix::<T>(n, n);
        let a = &a + &adjoint(&a);
        let scale = T::R::from_f64((n as f64).sqrt());
        let (values, Some(q)) = eigh::decompose(a.clone(), true).expect("converges") else {
            panic!("no vectors")
        };
        assert_small(distance::<T>(&(&a * &q), &scaled(&q, &values)), scale, "eigh");
        assert_unitary(&q, "eigh");
        let (alone, _) = eigh::decompose(a, false).expect("converges");
        for (x, y) in alone.iter().zip(&values) {
            assert_small((*x - *y).modulus(), scale, "eigvalsh");
        }
    }
    for (m, n) in [(26, 26), (50, 50), (60, 40), (40, 60), (120, 30), (30, 120), (100, 90)] {
        let a = matrix::<T>(m, n);
        let p = m.min(n);
        let scale = T::R::from_f64((m.max(n) as f64).sqrt());
        let mut alone: Option<Vec<T::R>> = None;
        for wanted in [ComputeSvdVectors::No, ComputeSvdVectors::Thin, ComputeSvdVectors::Full] {
            let what = format!("{m} by {n}, {wanted:?}");
            let Svd { u, s, v } = svd::decompose(a.clone(), wanted).expect("converges");
            let alone = alone.get_or_insert_with(|| s.clone());
            for (x, y) in alone.iter().zip(&s) {
                assert_small((*x - *y).modulus(), scale, &what);
            }
            let (Some(u), Some(v)) = (u, v) else { continue };
            assert_unitary(&u, &what);
            assert_unitary(&v, &what);
            let product = scaled(&top(u.as_ref(), p), &s) * adjoint(&top(v.as_ref(), p));
            assert_small(distance::<T>(&product, &a), scale, &what);
        }
    }
}

#[test]
fn matrices_are_the_products_of_their_factors() {
    whole::<f32>();
    whole::<f64>();
    whole::<Complex<f32>>();
    whole::<Complex<f64>>();
}
