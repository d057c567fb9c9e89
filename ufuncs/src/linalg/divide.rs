//! Divide and conquer: tridiagonal matrices (Cuppen) and bidiagonal ones (Gu and Eisenstat).
//!
//! A matrix is taken apart into two of half the order and a coupling of rank one; what the halves' vectors make of the
//! coupling is a secular equation ([`super::secular`]). Components that do not take part in it, because they are not coupled or
//! because another one is so close that a rotation uncouples them, are left where they are (deflation). The vectors of the
//! others are those of the halves times those of the equation.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::columns::{column, column_mut};
use super::parts::both;
use super::rotation::Rotation;
use super::scalar::Real;
use super::secular::{Secular, normalize};
use super::{bidiagonal, tridiagonal};
use crate::threads::num_threads;

/// Orders that are solved by iteration.
const LEAF: usize = 20;
/// Smaller orders do not pay for a thread.
const THREADED: usize = 256;

/// Which rows of a column are not zero.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    Top,
    All,
    Bottom,
}

/// What takes part in a secular equation: a pole, its numerator and the column of its vectors.
#[derive(Clone, Copy)]
struct Part<R> {
    d: R,
    z: R,
    column: usize,
    rows: Rows,
}

/// Rotate two columns; see [`Rotation::apply`].
fn turn<R: Real>(q: MatMut<'_, R>, i: usize, j: usize, by: Rotation<R>) {
    let (first, second) = (i.min(j), i.max(j));
    let (left, right) = q.split_at_col_mut(second);
    let (x, y) = (column_mut(left, first), column_mut(right, 0));
    let (x, y) = if i < j { (x, y) } else { (y, x) };
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (by.cos * *x + by.sin * *y, by.cos * *y - by.sin * *x);
    }
}

/// The parts in an order with those that fill the top rows first and those that fill the bottom rows last; how many there
/// are of the first, and of the first and second kind.
fn grouped<R>(parts: &[Part<R>]) -> (Vec<usize>, usize, usize) {
    let of = |rows: Rows| (0..parts.len()).filter(move |&i| parts[i].rows == rows);
    let mut order: Vec<usize> = of(Rows::Top).collect();
    let top = order.len();
    order.extend(of(Rows::All));
    let upper = order.len();
    order.extend(of(Rows::Bottom));
    (order, top, upper)
}

/// Replace the parts' columns of `q` by their products with `s`, leaving out the halves of columns that are zero.
fn recombine<R: Real>(
    mut q: MatMut<'_, R>,
    parts: &[Part<R>],
    (order, top, upper): &(Vec<usize>, usize, usize),
    split: usize,
    s: MatRef<'_, R>,
    threads: usize,
) {
    let k = parts.len();
    let half = |first: usize, rows: usize, from: usize, to: usize| {
        let (mut gathered, mut factor) = (Mat::<R>::zeros(rows, to - from), Mat::<R>::zeros(to - from, k));
        for (j, &i) in order[from..to].iter().enumerate() {
            let part = &column(q.as_ref(), parts[i].column)[first..first + rows];
            column_mut(gathered.as_mut(), j).copy_from_slice(part);
        }
        for j in 0..k {
            let s = column(s, j);
            for (x, &i) in column_mut(factor.as_mut(), j).iter_mut().zip(&order[from..to]) {
                *x = s[i];
            }
        }
        let mut out = Mat::<R>::zeros(rows, k);
        if to > from {
            matmul(out.as_mut(), Accum::Replace, gathered.as_ref(), factor.as_ref(), R::ONE, Par::Seq);
        }
        out
    };
    let rows = q.nrows();
    let threads = if k < THREADED { 1 } else { threads };
    let (above, below) = both(threads, || half(0, split, 0, *upper), || half(split, rows - split, *top, k));
    for (j, part) in parts.iter().enumerate() {
        let to = column_mut(q.as_mut(), part.column);
        to[..split].copy_from_slice(column(above.as_ref(), j));
        to[split..].copy_from_slice(column(below.as_ref(), j));
    }
}

/// The blocks for a part that ends before a column, and for the other one.
fn blocks<R: Real, const VECTORS: bool>(q: MatMut<'_, R>, at: usize) -> (MatMut<'_, R>, MatMut<'_, R>) {
    if VECTORS {
        let (first, _, _, second) = q.split_at_mut(at, at);
        (first, second)
    } else {
        q.split_at_col_mut(at)
    }
}

/// Ascending eigenvalues and the eigenvectors of a tridiagonal matrix.
pub fn eigen<R: Real>(mut d: Vec<R>, mut e: Vec<R>) -> Option<(Vec<R>, Mat<R>)> {
    let n = d.len();
    let mut q = Mat::<R>::zeros(n, n);
    if !eigen_part::<R, true>(&mut d, &mut e, q.as_mut(), num_threads()) {
        return None;
    }
    let order = ascending(&d);
    Some((order.iter().map(|&i| d[i]).collect(), permuted(q.as_ref(), &order)))
}

/// Ascending eigenvalues of a tridiagonal matrix.
pub fn eigenvalues<R: Real>(mut d: Vec<R>, mut e: Vec<R>) -> Option<Vec<R>> {
    let mut q = Mat::<R>::zeros(2, d.len());
    if !eigen_part::<R, false>(&mut d, &mut e, q.as_mut(), 1) {
        return None;
    }
    Some(ascending(&d).into_iter().map(|i| d[i]).collect())
}

fn ascending<R: Real>(d: &[R]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..d.len()).collect();
    order.sort_by(|&i, &j| d[i].partial_cmp(&d[j]).unwrap_or(core::cmp::Ordering::Equal));
    order
}

/// The columns in another order.
fn permuted<R: Real>(q: MatRef<'_, R>, order: &[usize]) -> Mat<R> {
    let mut out = Mat::<R>::zeros(q.nrows(), order.len());
    for (j, &from) in order.iter().enumerate() {
        column_mut(out.as_mut(), j).copy_from_slice(column(q, from));
    }
    out
}

/// Decompose into unordered values `d` and vectors in the columns of `q`, which is zero so far.
///
/// If no `VECTORS` are wanted, `q` is the first and the last row of what it would be.
fn eigen_part<R: Real, const VECTORS: bool>(
    d: &mut [R],
    e: &mut [R],
    mut q: MatMut<'_, R>,
    threads: usize,
) -> bool {
    let n = d.len();
    if n <= LEAF {
        return tridiagonal::iterate::<R, VECTORS>(d, e, q);
    }
    let split = n / 2;
    let coupling = e[split - 1];
    let size = coupling.modulus();
    d[split - 1] -= size;
    d[split] -= size;
    {
        let (d0, d1) = d.split_at_mut(split);
        let (e0, e1) = e.split_at_mut(split);
        let (q0, q1) = blocks::<R, VECTORS>(q.as_mut(), split);
        let halves = both(
            if n < THREADED { 1 } else { threads },
            || eigen_part::<R, VECTORS>(d0, &mut e0[..split - 1], q0, threads / 2),
            || eigen_part::<R, VECTORS>(d1, e1, q1, threads / 2),
        );
        if halves != (true, true) {
            return false;
        }
    }
    // Both rows are of length one: with a factor of the root of a half, so is the coupling's vector.
    let root = R::from_f64(0.5).sqrt();
    let (last, next) = if VECTORS { (split - 1, split) } else { (1, 0) };
    let mut parts: Vec<Part<R>> = ascending(d)
        .into_iter()
        .map(|i| {
            let (row, rows) = if i < split { (last, Rows::Top) } else { (next, Rows::Bottom) };
            let z = q[(row, i)] * root;
            let z = if i >= split && coupling < R::ZERO { -z } else { z };
            Part { d: d[i], z, column: i, rows }
        })
        .collect();
    if !VECTORS {
        (0..n).for_each(|i| q[(if i < split { last } else { next }, i)] = R::ZERO);
    }
    let rho = size + size;
    let most = |f: fn(&Part<R>) -> R| parts.iter().fold(R::ZERO, |most, part| most.max_of(f(part).modulus()));
    let tolerance = R::from_f64(4.0) * R::EPSILON * most(|p| p.d).max_of(most(|p| p.z));
    let mut kept: Vec<Part<R>> = vec![];
    for part in parts.iter_mut() {
        if rho * part.z.modulus() <= tolerance {
            continue;
        }
        if let Some(before) = kept.last_mut() {
            let length = part.z.hypot(before.z);
            let by = Rotation { cos: part.z / length, sin: -(before.z / length) };
            if ((part.d - before.d) * by.cos * by.sin).modulus() <= tolerance {
                turn(q.as_mut(), before.column, part.column, by);
                let (c, s) = (by.cos * by.cos, by.sin * by.sin);
                let uncoupled = before.d * c + part.d * s;
                part.d = before.d * s + part.d * c;
                part.z = length;
                d[before.column] = uncoupled;
                if before.rows != part.rows {
                    part.rows = Rows::All;
                }
                *before = *part;
                continue;
            }
        }
        kept.push(*part);
    }
    if kept.is_empty() {
        return true;
    }
    let (poles, mut z): (Vec<R>, Vec<R>) = kept.iter().map(|part| (part.d, part.z)).unzip();
    let roots = Secular::<R, false> { d: &poles, z: &z, constant: R::ONE / rho }.roots();
    let s = Secular::<R, false>::vectors(&poles, &mut z, &roots);
    recombine(q, &kept, &grouped(&kept), if VECTORS { split } else { 1 }, s.as_ref(), threads);
    for (part, root) in kept.iter().zip(&roots) {
        d[part.column] = root.value();
    }
    true
}

/// Descending singular values of an upper bidiagonal matrix, with its left and right vectors.
pub fn singular<R: Real>(mut d: Vec<R>, mut e: Vec<R>) -> Option<(Mat<R>, Vec<R>, Mat<R>)> {
    let n = d.len();
    let (mut u, mut v) = (Mat::<R>::zeros(n, n), Mat::<R>::zeros(n, n));
    if !singular_part::<R, true>(&mut d, &mut e, u.as_mut(), v.as_mut(), num_threads()) {
        return None;
    }
    let mut order = ascending(&d);
    order.reverse();
    let values = order.iter().map(|&i| d[i]).collect();
    Some((permuted(u.as_ref(), &order), values, permuted(v.as_ref(), &order)))
}

/// Descending singular values of an upper bidiagonal matrix.
pub fn singular_values<R: Real>(mut d: Vec<R>, mut e: Vec<R>) -> Option<Vec<R>> {
    let n = d.len();
    let (mut u, mut v) = (Mat::<R>::zeros(0, n), Mat::<R>::zeros(2, n));
    if !singular_part::<R, false>(&mut d, &mut e, u.as_mut(), v.as_mut(), 1) {
        return None;
    }
    let mut order = ascending(&d);
    order.reverse();
    Some(order.iter().map(|&i| d[i]).collect())
}

/// Decompose a matrix of as many columns as rows, or one more: unordered values `d`, vectors in the columns of `u` and `v`, which
/// are zero so far. The last column of a wider `v` is what the matrix maps to zero.
///
/// If no `VECTORS` are wanted, `v` is the first and the last row of what it would be, and `u` has no rows.
fn singular_part<R: Real, const VECTORS: bool>(
    d: &mut [R],
    e: &mut [R],
    mut u: MatMut<'_, R>,
    mut v: MatMut<'_, R>,
    threads: usize,
) -> bool {
    let (n, cols) = (d.len(), v.ncols());
    if n <= LEAF {
        return bidiagonal::iterate::<R, VECTORS>(d, e, u, v);
    }
    // Rows of the first part, then the row that couples both.
    let split = n / 2;
    let (alpha, beta) = (d[split], e[split]);
    {
        let (d0, d1) = d.split_at_mut(split + 1);
        let (e0, e1) = e.split_at_mut(split + 1);
        let (u0, u1) = blocks::<R, VECTORS>(u.as_mut(), split + 1);
        let (v0, v1) = blocks::<R, VECTORS>(v.as_mut(), split + 1);
        let u0 = u0.split_at_mut(if VECTORS { split } else { 0 }, split).0;
        let halves = both(
            if n < THREADED { 1 } else { threads },
            || singular_part::<R, VECTORS>(&mut d0[..split], &mut e0[..split], u0, v0, threads / 2),
            || singular_part::<R, VECTORS>(d1, e1, u1, v1, threads / 2),
        );
        if halves != (true, true) {
            return false;
        }
    }
    // What the coupling row makes of the vectors.
    let (last, next) = if VECTORS { (split, split + 1) } else { (1, 0) };
    let coupling: Vec<R> =
        (0..cols).map(|i| if i <= split { alpha * v[(last, i)] } else { beta * v[(next, i)] }).collect();
    if VECTORS {
        u[(split, split)] = R::ONE;
    } else {
        (0..cols).for_each(|i| v[(if i <= split { 1 } else { 0 }, i)] = R::ZERO);
    }
    d[split] = R::ZERO;
    let most = d.iter().fold(alpha.modulus().max_of(beta.modulus()), |most, d| most.max_of(d.modulus()));
    let tolerance = R::from_f64(4.0) * R::EPSILON * most;
    // What both parts map to zero are made one vector that the coupling row sees, and one that it does not.
    let mut first = coupling[split];
    if cols > n {
        let (by, length) = Rotation::of(first, coupling[n]);
        turn(v.as_mut(), split, n, by);
        first = length;
    }
    if first.modulus() <= tolerance {
        first = tolerance;
    }
    let mut kept = vec![Part { d: R::ZERO, z: first, column: split, rows: Rows::All }];
    for i in ascending(d) {
        if i == split {
            continue;
        }
        let (z, rows) = (coupling[i], if i < split { Rows::Top } else { Rows::Bottom });
        let mut part = Part { d: d[i], z, column: i, rows };
        if z.modulus() <= tolerance {
            continue;
        }
        if kept.len() > 1
            && let Some(before) = kept.last_mut()
            && part.d - before.d <= tolerance
        {
            let length = z.hypot(before.z);
            let by = Rotation { cos: z / length, sin: -(before.z / length) };
            if VECTORS {
                turn(u.as_mut(), before.column, i, by);
            }
            turn(v.as_mut(), before.column, i, by);
            part.z = length;
            if before.rows != part.rows {
                part.rows = Rows::All;
            }
            *before = part;
            continue;
        }
        kept.push(part);
    }
    if let Some(part) = kept.get_mut(1) {
        // No second pole at zero.
        part.d = part.d.max_of(tolerance / R::from_f64(2.0));
    }
    if most == R::ZERO {
        return true;
    }
    // A block much smaller than the matrix must not lose its squares.
    let (poles, mut z): (Vec<R>, Vec<R>) = kept.iter().map(|part| (part.d / most, part.z / most)).unzip();
    let roots = Secular::<R, true> { d: &poles, z: &z, constant: R::ONE }.roots();
    let right = Secular::<R, true>::vectors(&poles, &mut z, &roots);
    for (part, root) in kept.iter().zip(&roots) {
        d[part.column] = root.value() * most;
    }
    let order = grouped(&kept);
    let v = v.subcols_mut(0, n);
    if !VECTORS {
        recombine(v, &kept, &order, 1, right.as_ref(), 1);
        return true;
    }
    let mut left = right.clone();
    for j in 0..left.ncols() {
        let (left, right) = (column_mut(left.as_mut(), j), column(right.as_ref(), j));
        for (x, d) in left.iter_mut().zip(&poles) {
            *x *= *d;
        }
        // The coupling row: the right vector times the row is the singular value, but for its length.
        left[0] = right[0] * roots[j].squared() / z[0];
        normalize(left);
    }
    both(
        if n < THREADED { 1 } else { threads },
        || recombine(u, &kept, &order, split + 1, left.as_ref(), threads / 2),
        || recombine(v, &kept, &order, split + 1, right.as_ref(), threads / 2),
    );
    true
}
