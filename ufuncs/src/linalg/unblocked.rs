//! Reflectors of matrices that a near cache holds, applied one by one.
//!
//! Gathering reflectors in blocks pays when a matrix does not fit the cache. One that does is bound by arithmetic: what counts
//! is that columns consist of whole vectors, and that each of them is loaded once for all that a step does with it. So a matrix is copied to one
//! whose columns begin and end with cache lines ([`padded`]); reflectors are zero above their first row and below their last
//! one, and every pass goes over whole lines. The passes are written for registers of any kind, complex numbers being pairs
//! in them.

use core::ops::Range;

use faer::{Mat, MatMut, MatRef};

use super::columns::{column, column_mut};
use super::qr::mirror;
use super::scalar::{Real, Scalar};
use crate::dot::registers::{LONGEST, Register, in_registers};

/// Bytes of a matrix that is worked on reflector by reflector.
const NEAR: usize = 160 << 10;

/// Whether a matrix is small enough for what is here.
pub fn suits<T: Scalar>(rows: usize, cols: usize) -> bool {
    rows.saturating_mul(cols).saturating_mul(size_of::<T>()) <= NEAR
}

/// Elements in a cache line, which holds a whole number of registers of any kind.
const fn line<T>() -> usize {
    64 / size_of::<T>()
}

/// A matrix with zeros below so that columns are whole lines.
pub fn padded<T: Scalar>(rows: usize, cols: usize, rule: impl Fn(usize, usize) -> T) -> Mat<T> {
    let mut out = Mat::zeros(rows.next_multiple_of(line::<T>()), cols);
    for j in 0..cols {
        for (i, x) in column_mut(out.as_mut(), j)[..rows].iter_mut().enumerate() {
            *x = rule(i, j);
        }
    }
    out
}

/// Make the reflector of `x` as [`mirror`] says, the rest of `v` in place; returns `tau`.
pub fn reflector<T: Scalar>(x: &mut [T]) -> T {
    const SUMS: usize = 8;
    let (first, rest) = x.split_at_mut(1);
    let mut sums = [T::R::ZERO; SUMS];
    let chunks = rest.chunks_exact(SUMS);
    for (sum, x) in sums.iter_mut().zip(chunks.remainder()) {
        *sum += x.square();
    }
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x.square();
        }
    }
    let sum = sums.iter().fold(T::R::ZERO, |sum, x| sum + *x);
    let Some((beta, tau, by)) = mirror(first[0], rest, sum) else { return T::ZERO };
    first[0] = T::real(beta);
    let inverse = T::ONE.over(by);
    // The reciprocal of a tiny number may be infinite.
    if inverse.finite() {
        rest.iter_mut().for_each(|v| *v *= inverse);
    } else {
        rest.iter_mut().for_each(|v| *v = v.over(by));
    }
    tau
}

/// A reflector's vector among zeros: `v` from a row on, of which the first element counts as one.
fn spread<T: Scalar>(to: &mut [T], from: usize, v: &[T]) {
    to[..from].fill(T::ZERO);
    to[from] = T::ONE;
    to[from + 1..from + v.len()].copy_from_slice(&v[1..]);
    to[from + v.len()..].fill(T::ZERO);
}

/// Factor the leading rows of a padded matrix as [`super::qr::factor`] does.
pub fn factor<T: Scalar>(mut a: MatMut<'_, T>, rows: usize, tau: &mut [T]) {
    let mut v = vec![T::ZERO; a.nrows()];
    for (i, tau) in tau.iter_mut().enumerate() {
        let (left, right) = a.as_mut().split_at_col_mut(i + 1);
        let packed = &mut column_mut(left, i)[i..rows];
        *tau = reflector(packed);
        spread(&mut v, i, packed);
        reflect(right, i, &v, tau.conjugate());
    }
}

/// `a := H a` for a padded matrix and the reflector `1 - tau v v^H`, `v` being zero before row `from`.
pub fn reflect<T: Scalar>(a: MatMut<'_, T>, from: usize, v: &[T], tau: T) {
    let part = Part::of(a, from);
    assert!(v.len() >= part.rows);
    // SAFETY: the vector is as long as the columns.
    unsafe { reflect_wide::<T>(part, v, tau) }
}

/// Some columns of a padded matrix, from a row that begins a line on.
struct Part<T> {
    at: *mut T,
    stride: usize,
    first: usize,
    rows: usize,
    cols: usize,
}

impl<T: Scalar> Part<T> {
    fn of(a: MatMut<'_, T>, from: usize) -> Self {
        let (rows, cols) = (a.nrows(), a.ncols());
        assert!(rows.is_multiple_of(line::<T>()) && (cols == 0 || a.row_stride() == 1));
        let stride = a.col_stride() as usize;
        Part { at: a.as_ptr_mut(), stride, first: (from - from % line::<T>()).min(rows), rows, cols }
    }
    /// Reals from the beginning of a column.
    #[inline(always)]
    fn reals(&self) -> Range<usize> {
        let parts = if T::REAL { 1 } else { 2 };
        self.first * parts..self.rows * parts
    }
    #[inline(always)]
    fn column(&self, j: usize) -> *mut T::R {
        self.at.wrapping_add(j * self.stride).cast()
    }
}

/// A factor of vectors, in registers.
#[derive(Clone, Copy)]
struct Factor<V> {
    re: V,
    im: V,
}

/// A sum of vectors times factors, of complex numbers apart for both parts of the factors.
#[derive(Clone, Copy)]
struct Sum<V> {
    by_re: V,
    by_im: V,
}

/// # Safety
/// A processor with these registers.
#[inline(always)]
unsafe fn splat<T: Scalar, V: Register<Elem = T::R>>(x: T) -> Factor<V> {
    // SAFETY: the caller's promise.
    unsafe { Factor { re: V::splat(x.re()), im: V::splat(x.im()) } }
}

/// # Safety
/// A processor with these registers.
#[inline(always)]
unsafe fn add<T: Scalar, V: Register>(sum: Sum<V>, x: V, by: Factor<V>) -> Sum<V> {
    // SAFETY: the caller's promise.
    unsafe {
        Sum {
            by_re: sum.by_re.step(x, by.re),
            by_im: if T::REAL { sum.by_im } else { sum.by_im.step(x, by.im) },
        }
    }
}

/// # Safety
/// A processor with these registers.
#[inline(always)]
unsafe fn total<T: Scalar, V: Register>(sum: Sum<V>) -> V {
    // SAFETY: the caller's promise.
    if T::REAL { sum.by_re } else { unsafe { sum.by_re.plus_turned(sum.by_im) } }
}

/// Sums for an inner product: of products of like parts and of unlike ones.
///
/// # Safety
/// A processor with these registers.
#[inline(always)]
unsafe fn add_inner<T: Scalar, V: Register>(sum: Sum<V>, v: V, x: V) -> Sum<V> {
    // SAFETY: the caller's promise.
    unsafe {
        Sum {
            by_re: sum.by_re.step(v, x),
            by_im: if T::REAL { sum.by_im } else { sum.by_im.step(v, x.swapped()) },
        }
    }
}

/// The inner product, the first vector conjugated.
///
/// # Safety
/// A processor with these registers.
#[inline(always)]
unsafe fn inner<T: Scalar, V: Register<Elem = T::R>>(sum: Sum<V>) -> T {
    let mut lanes = [T::R::ZERO; LONGEST];
    // SAFETY: the caller's promise; registers are no longer than that.
    unsafe { sum.by_re.store(lanes.as_mut_ptr()) };
    let mut re = T::R::ZERO;
    let mut lane = 0;
    while lane < V::LANES {
        re += lanes[lane];
        lane += 1;
    }
    let mut im = T::R::ZERO;
    if !T::REAL {
        // SAFETY: as above.
        unsafe { sum.by_im.store(lanes.as_mut_ptr()) };
        lane = 0;
        while lane < V::LANES {
            im += lanes[lane] - lanes[lane + 1];
            lane += 2;
        }
    }
    T::of(re, im)
}

in_registers! {
    /// # Safety
    /// A vector as long as the columns.
    unsafe fn reflect_wide[T: Scalar, T::R](a: Part<T>, v: &[T], tau: T) -> () = reflect_in;
}
/// # Safety
/// As for [`reflect_wide`], on a processor with these registers.
#[inline(always)]
unsafe fn reflect_in<T: Scalar, V: Register<Elem = T::R>>(a: Part<T>, v: &[T], tau: T) {
    let mut j = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while j + 4 <= a.cols {
            reflect_columns::<T, V, 4>(&a, j, v, tau);
            j += 4;
        }
        while j < a.cols {
            reflect_columns::<T, V, 1>(&a, j, v, tau);
            j += 1;
        }
    }
}
/// # Safety
/// As for [`reflect_in`], for `N` columns from `j` on.
#[inline(always)]
unsafe fn reflect_columns<T: Scalar, V: Register<Elem = T::R>, const N: usize>(
    a: &Part<T>,
    j: usize,
    v: &[T],
    tau: T,
) {
    let v = v.as_ptr().cast::<T::R>();
    let Range { start, end } = a.reals();
    // SAFETY: the caller's promise; lines are whole registers.
    unsafe {
        let zero = V::splat(T::R::ZERO);
        let mut sums = [Sum { by_re: zero, by_im: zero }; N];
        let mut i = start;
        while i < end {
            let v = V::load(v.add(i));
            for g in 0..N {
                sums[g] = add_inner::<T, V>(sums[g], v, V::load(a.column(j + g).add(i)));
            }
            i += V::LANES;
        }
        let mut by = [Factor { re: zero, im: zero }; N];
        for g in 0..N {
            by[g] = splat::<T, V>(-(tau * inner::<T, V>(sums[g])));
        }
        let mut i = start;
        while i < end {
            let v = V::load(v.add(i));
            for g in 0..N {
                let at = a.column(j + g).add(i);
                let sum = add::<T, V>(Sum { by_re: V::load(at), by_im: zero }, v, by[g]);
                total::<T, V>(sum).store(at);
            }
            i += V::LANES;
        }
    }
}

/// What an update of rank two subtracts: `first * first_by^H + second * second_by^H`.
#[derive(Clone, Copy)]
struct Update<'a, T> {
    first: &'a [T],
    first_by: &'a [T],
    second: &'a [T],
    second_by: &'a [T],
}

impl<T: Scalar> Update<'_, T> {
    fn fits(&self, a: &Part<T>) -> bool {
        self.first.len() >= a.rows
            && self.second.len() >= a.rows
            && self.first_by.len() >= a.cols
            && self.second_by.len() >= a.cols
    }
}

/// Update a matrix.
fn update<T: Scalar>(a: MatMut<'_, T>, from: usize, by: Update<'_, T>) {
    let part = Part::of(a, from);
    assert!(by.fits(&part));
    // SAFETY: vectors as long as the columns, factors for all of them.
    unsafe { update_wide::<T>(part, by) }
}
in_registers! {
    /// # Safety
    /// Vectors as long as the columns, factors for all of them.
    unsafe fn update_wide[T: Scalar, T::R](a: Part<T>, by: Update<'_, T>) -> () = update_in;
}
/// # Safety
/// As for [`update_wide`], on a processor with these registers.
#[inline(always)]
unsafe fn update_in<T: Scalar, V: Register<Elem = T::R>>(a: Part<T>, by: Update<'_, T>) {
    let Range { start, end } = a.reals();
    let (first, second) = (by.first.as_ptr().cast::<T::R>(), by.second.as_ptr().cast::<T::R>());
    // SAFETY: the caller's promise; lines are whole registers.
    unsafe {
        let zero = V::splat(T::R::ZERO);
        for j in 0..a.cols {
            let by_first = splat::<T, V>(-by.first_by[j].conjugate());
            let by_second = splat::<T, V>(-by.second_by[j].conjugate());
            let mut i = start;
            while i < end {
                let at = a.column(j).add(i);
                let sum =
                    add::<T, V>(Sum { by_re: V::load(at), by_im: zero }, V::load(first.add(i)), by_first);
                total::<T, V>(add::<T, V>(sum, V::load(second.add(i)), by_second)).store(at);
                i += V::LANES;
            }
        }
    }
}

/// Update a matrix and return its product with `x`, to `out`, from the line of row `from` on. `sums` is room for that.
fn update_and_multiply<T: Scalar>(
    a: MatMut<'_, T>,
    from: usize,
    by: Update<'_, T>,
    x: &[T],
    sums: &mut [T::R],
    out: &mut [T],
) {
    let part = Part::of(a, from);
    assert!(
        by.fits(&part)
            && x.len() >= part.cols
            && sums.len() == 2 * part.reals().end
            && out.len() >= part.rows
    );
    let rows = part.first..part.rows;
    sums.fill(T::R::ZERO);
    // SAFETY: vectors and sums as long as the columns, factors for all of them.
    unsafe { update_and_multiply_wide::<T>(part, by, x, sums.as_mut_ptr()) };
    put_together(sums, rows, out);
}
in_registers! {
    /// # Safety
    /// Vectors as long as the columns, factors for all of them, and twice as many sums as a column has reals.
    unsafe fn update_and_multiply_wide[T: Scalar, T::R](a: Part<T>, by: Update<'_, T>, x: &[T], sums: *mut T::R) -> ()
        = update_and_multiply_in;
}
/// # Safety
/// As for [`update_and_multiply_wide`], on a processor with these registers.
#[inline(always)]
unsafe fn update_and_multiply_in<T: Scalar, V: Register<Elem = T::R>>(
    a: Part<T>,
    by: Update<'_, T>,
    x: &[T],
    sums: *mut T::R,
) {
    let mut j = 0;
    // SAFETY: the caller's promise.
    unsafe {
        // Factors of two complex columns would not fit the registers.
        while T::REAL && j + 2 <= a.cols {
            update_and_multiply_columns::<T, V, 2>(&a, j, by, x, sums);
            j += 2;
        }
        while j < a.cols {
            update_and_multiply_columns::<T, V, 1>(&a, j, by, x, sums);
            j += 1;
        }
    }
}
/// # Safety
/// As for [`update_and_multiply_in`], for `N` columns from `j` on.
#[inline(always)]
unsafe fn update_and_multiply_columns<T: Scalar, V: Register<Elem = T::R>, const N: usize>(
    a: &Part<T>,
    j: usize,
    by: Update<'_, T>,
    x: &[T],
    sums: *mut T::R,
) {
    let Range { start, end } = a.reals();
    let (first, second) = (by.first.as_ptr().cast::<T::R>(), by.second.as_ptr().cast::<T::R>());
    // SAFETY: the caller's promise; lines are whole registers.
    unsafe {
        let zero = V::splat(T::R::ZERO);
        let nothing = Factor { re: zero, im: zero };
        let (mut by_first, mut by_second, mut by_x) = ([nothing; N], [nothing; N], [nothing; N]);
        for g in 0..N {
            by_first[g] = splat::<T, V>(-by.first_by[j + g].conjugate());
            by_second[g] = splat::<T, V>(-by.second_by[j + g].conjugate());
            by_x[g] = splat::<T, V>(x[j + g]);
        }
        let mut i = start;
        while i < end {
            let (to_re, to_im) = (sums.add(i), sums.add(end + i));
            let mut sum = Sum { by_re: V::load(to_re), by_im: if T::REAL { zero } else { V::load(to_im) } };
            let (first, second) = (V::load(first.add(i)), V::load(second.add(i)));
            for g in 0..N {
                let at = a.column(j + g).add(i);
                let col = add::<T, V>(Sum { by_re: V::load(at), by_im: zero }, first, by_first[g]);
                let col = total::<T, V>(add::<T, V>(col, second, by_second[g]));
                col.store(at);
                sum = add::<T, V>(sum, col, by_x[g]);
            }
            sum.by_re.store(to_re);
            if !T::REAL {
                sum.by_im.store(to_im);
            }
            i += V::LANES;
        }
    }
}

/// The product of a matrix and `x`, to `out`, from the line of row `from` on. `sums` is room for that.
fn multiply<T: Scalar>(a: MatMut<'_, T>, from: usize, x: &[T], sums: &mut [T::R], out: &mut [T]) {
    let part = Part::of(a, from);
    assert!(x.len() >= part.cols && sums.len() == 2 * part.reals().end && out.len() >= part.rows);
    let rows = part.first..part.rows;
    sums.fill(T::R::ZERO);
    // SAFETY: factors for all columns, sums for all elements.
    unsafe { multiply_wide::<T>(part, x, sums.as_mut_ptr()) };
    put_together(sums, rows, out);
}
in_registers! {
    /// # Safety
    /// Factors for all columns, and twice as many sums as a column has reals.
    unsafe fn multiply_wide[T: Scalar, T::R](a: Part<T>, x: &[T], sums: *mut T::R) -> () = multiply_in;
}
/// # Safety
/// As for [`multiply_wide`], on a processor with these registers.
#[inline(always)]
unsafe fn multiply_in<T: Scalar, V: Register<Elem = T::R>>(a: Part<T>, x: &[T], sums: *mut T::R) {
    let mut j = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while j + 4 <= a.cols {
            multiply_columns::<T, V, 4>(&a, j, x, sums);
            j += 4;
        }
        while j < a.cols {
            multiply_columns::<T, V, 1>(&a, j, x, sums);
            j += 1;
        }
    }
}
/// # Safety
/// As for [`multiply_in`], for `N` columns from `j` on.
#[inline(always)]
unsafe fn multiply_columns<T: Scalar, V: Register<Elem = T::R>, const N: usize>(
    a: &Part<T>,
    j: usize,
    x: &[T],
    sums: *mut T::R,
) {
    let Range { start, end } = a.reals();
    // SAFETY: the caller's promise; lines are whole registers.
    unsafe {
        let zero = V::splat(T::R::ZERO);
        let mut by = [Factor { re: zero, im: zero }; N];
        for g in 0..N {
            by[g] = splat::<T, V>(x[j + g]);
        }
        let mut i = start;
        while i < end {
            let (to_re, to_im) = (sums.add(i), sums.add(end + i));
            let mut sum = Sum { by_re: V::load(to_re), by_im: if T::REAL { zero } else { V::load(to_im) } };
            for g in 0..N {
                sum = add::<T, V>(sum, V::load(a.column(j + g).add(i)), by[g]);
            }
            sum.by_re.store(to_re);
            if !T::REAL {
                sum.by_im.store(to_im);
            }
            i += V::LANES;
        }
    }
}

/// Both kinds of sums to vectors.
fn put_together<T: Scalar>(sums: &[T::R], rows: Range<usize>, out: &mut [T]) {
    let (by_re, by_im) = sums.split_at(sums.len() / 2);
    for i in rows {
        out[i] = if T::REAL {
            T::real(by_re[i])
        } else {
            T::of(by_re[2 * i] - by_im[2 * i + 1], by_re[2 * i + 1] + by_im[2 * i])
        };
    }
}

/// Update a matrix and compute the inner products of `u`, conjugated, and its columns.
fn update_and_dot<T: Scalar>(a: MatMut<'_, T>, from: usize, by: Update<'_, T>, u: &[T], out: &mut [T]) {
    let part = Part::of(a, from);
    assert!(by.fits(&part) && u.len() >= part.rows && out.len() >= part.cols);
    // SAFETY: vectors as long as the columns, factors and results for all of them.
    unsafe { update_and_dot_wide::<T>(part, by, u, out) }
}
in_registers! {
    /// # Safety
    /// Vectors as long as the columns, factors and results for all of them.
    unsafe fn update_and_dot_wide[T: Scalar, T::R](a: Part<T>, by: Update<'_, T>, u: &[T], out: &mut [T]) -> ()
        = update_and_dot_in;
}
/// # Safety
/// As for [`update_and_dot_wide`], on a processor with these registers.
#[inline(always)]
unsafe fn update_and_dot_in<T: Scalar, V: Register<Elem = T::R>>(
    a: Part<T>,
    by: Update<'_, T>,
    u: &[T],
    out: &mut [T],
) {
    let mut j = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while j + 2 <= a.cols {
            update_and_dot_columns::<T, V, 2>(&a, j, by, u, out);
            j += 2;
        }
        while j < a.cols {
            update_and_dot_columns::<T, V, 1>(&a, j, by, u, out);
            j += 1;
        }
    }
}
/// # Safety
/// As for [`update_and_dot_in`], for `N` columns from `j` on.
#[inline(always)]
unsafe fn update_and_dot_columns<T: Scalar, V: Register<Elem = T::R>, const N: usize>(
    a: &Part<T>,
    j: usize,
    by: Update<'_, T>,
    u: &[T],
    out: &mut [T],
) {
    let Range { start, end } = a.reals();
    let (first, second) = (by.first.as_ptr().cast::<T::R>(), by.second.as_ptr().cast::<T::R>());
    let u = u.as_ptr().cast::<T::R>();
    // SAFETY: the caller's promise; lines are whole registers.
    unsafe {
        let zero = V::splat(T::R::ZERO);
        let nothing = Factor { re: zero, im: zero };
        let (mut by_first, mut by_second) = ([nothing; N], [nothing; N]);
        for g in 0..N {
            by_first[g] = splat::<T, V>(-by.first_by[j + g].conjugate());
            by_second[g] = splat::<T, V>(-by.second_by[j + g].conjugate());
        }
        let mut sums = [Sum { by_re: zero, by_im: zero }; N];
        let mut i = start;
        while i < end {
            let (first, second, u) = (V::load(first.add(i)), V::load(second.add(i)), V::load(u.add(i)));
            for g in 0..N {
                let at = a.column(j + g).add(i);
                let col = add::<T, V>(Sum { by_re: V::load(at), by_im: zero }, first, by_first[g]);
                let col = total::<T, V>(add::<T, V>(col, second, by_second[g]));
                col.store(at);
                sums[g] = add_inner::<T, V>(sums[g], u, col);
            }
            i += V::LANES;
        }
        for g in 0..N {
            out[j + g] = inner::<T, V>(sums[g]);
        }
    }
}

/// The Cholesky factor in place of the lower triangle, the rest of the padded matrix being zero; `false` if a pivot is not positive.
pub fn cholesky<T: Scalar>(mut a: MatMut<'_, T>, n: usize) -> bool {
    let rows = a.nrows();
    let mut sums = vec![T::R::ZERO; 2 * rows * size_of::<T>() / size_of::<T::R>()];
    let (mut row, mut products) = (vec![T::ZERO; n], vec![T::ZERO; rows]);
    for j in 0..n {
        let (mut left, right) = a.as_mut().split_at_col_mut(j);
        for (k, x) in row[..j].iter_mut().enumerate() {
            *x = left[(j, k)].conjugate();
        }
        multiply(left.as_mut(), j, &row[..j], &mut sums, &mut products);
        let column = &mut column_mut(right, 0)[j..n];
        let pivot = column[0].re() - products[j].re();
        if pivot <= T::R::ZERO {
            return false;
        }
        let root = pivot.sqrt();
        column[0] = T::real(root);
        for (x, product) in column[1..].iter_mut().zip(&products[j + 1..n]) {
            *x -= *product;
            *x = T::of(x.re() / root, x.im() / root);
        }
    }
    true
}

/// A real tridiagonal matrix that a Hermitian one was reduced to.
pub struct Tridiagonal<T: Scalar> {
    pub d: Vec<T::R>,
    pub e: Vec<T::R>,
    /// The reflector of column `i` begins in row `i + 1`.
    pub packed: Mat<T>,
    pub tau: Vec<T>,
}

/// Reduce the Hermitian matrix of two or more rows with this lower triangle.
pub fn tridiagonal<T: Scalar>(a: &Mat<T>) -> Tridiagonal<T> {
    let n = a.nrows();
    // Both triangles, so that columns are multiplied and never dotted.
    let mut a = padded(n, n, |i, j| if i < j { a[(j, i)].conjugate() } else { a[(i, j)] });
    let rows = a.nrows();
    let (mut d, mut e, mut tau) = (vec![T::R::ZERO; n], vec![T::R::ZERO; n - 1], vec![T::ZERO; n - 1]);
    let (mut v, mut w) = (vec![T::ZERO; rows], vec![T::ZERO; rows]);
    let (mut next_v, mut next_w) = (v.clone(), w.clone());
    let mut sums = vec![T::R::ZERO; 2 * rows * size_of::<T>() / size_of::<T::R>()];
    let half = T::real(T::R::from_f64(0.5));
    for i in 0..n - 1 {
        let (left, right) = a.as_mut().split_at_col_mut(i + 1);
        let column = column_mut(left, i);
        d[i] = column[i].re();
        let packed = &mut column[i + 1..n];
        tau[i] = reflector(packed);
        e[i] = packed[0].re();
        spread(&mut next_v, i + 1, packed);
        // The last step's update is still to be made, but for the column just taken.
        let by = Update { first: &v, first_by: &w[i + 1..], second: &w, second_by: &v[i + 1..] };
        update_and_multiply(right, i + 1, by, &next_v[i + 1..], &mut sums, &mut next_w);
        core::mem::swap(&mut v, &mut next_v);
        core::mem::swap(&mut w, &mut next_w);
        w[..i + 1].fill(T::ZERO);
        let (v, w) = (&v[..n], &mut w[..n]);
        let mut dot = T::ZERO;
        for (w, v) in w[i + 1..].iter_mut().zip(&v[i + 1..]) {
            *w *= tau[i];
            dot += w.conjugate() * *v;
        }
        let alpha = -(half * tau[i] * dot);
        for (w, v) in w[i + 1..].iter_mut().zip(&v[i + 1..]) {
            *w += alpha * *v;
        }
        let (v_next, w_next) = (v[i + 1].conjugate(), w[i + 1].conjugate());
        for ((x, v), w) in
            column_mut(a.as_mut(), i + 1)[i + 1..n].iter_mut().zip(&v[i + 1..]).zip(&w[i + 1..])
        {
            *x -= *v * w_next + *w * v_next;
        }
    }
    d[n - 1] = a[(n - 1, n - 1)].re();
    Tridiagonal { d, e, packed: a, tau }
}

/// A real upper bidiagonal matrix that another one was reduced to.
pub struct Bidiagonal<T: Scalar> {
    pub d: Vec<T::R>,
    pub e: Vec<T::R>,
    /// The reflector of column `i` begins in row `i`.
    pub left: Mat<T>,
    pub left_tau: Vec<T>,
    /// The reflector of column `i` begins in row `i + 1`.
    pub right: Mat<T>,
    pub right_tau: Vec<T>,
}

/// Reduce a matrix of at least as many rows as columns, of which there is one.
pub fn bidiagonal<T: Scalar>(a: &Mat<T>) -> Bidiagonal<T> {
    let (m, n) = (a.nrows(), a.ncols());
    let mut a = padded(m, n, |i, j| a[(i, j)]);
    let rows = a.nrows();
    let mut right = padded(n, n, |_, _| T::ZERO);
    let (mut d, mut e) = (vec![T::R::ZERO; n], vec![T::R::ZERO; n - 1]);
    let (mut left_tau, mut right_tau) = (vec![T::ZERO; n], vec![T::ZERO; n - 1]);
    // The updates `u y^H` by a left reflector and `x v^H` by a right one, made one step later.
    let (mut u, mut x, mut y, mut v) =
        (vec![T::ZERO; rows], vec![T::ZERO; rows], vec![T::ZERO; n], vec![T::ZERO; right.nrows()]);
    let (mut next_u, mut next_y) = (u.clone(), y.clone());
    let mut sums = vec![T::R::ZERO; 2 * rows * size_of::<T>() / size_of::<T::R>()];
    for i in 0..n {
        let (left, rest) = a.as_mut().split_at_col_mut(i + 1);
        let packed = &mut column_mut(left, i)[i..m];
        left_tau[i] = reflector(packed);
        d[i] = packed[0].re();
        if i + 1 == n {
            break;
        }
        spread(&mut next_u, i, packed);
        let by = Update { first: &u, first_by: &y[i + 1..], second: &x, second_by: &v[i + 1..] };
        update_and_dot(rest, i, by, &next_u, &mut next_y[i + 1..]);
        core::mem::swap(&mut u, &mut next_u);
        core::mem::swap(&mut y, &mut next_y);
        y[i + 1..].iter_mut().for_each(|y| *y = left_tau[i] * y.conjugate());
        // What the left reflector leaves of the row decides about the right one.
        let packed = &mut column_mut(right.as_mut(), i)[i + 1..n];
        for (k, x) in packed.iter_mut().enumerate() {
            *x = a[(i, i + 1 + k)].conjugate() - y[i + 1 + k];
        }
        right_tau[i] = reflector(packed);
        e[i] = packed[0].re();
        spread(&mut v, i + 1, packed);
        multiply(a.as_mut().subcols_mut(i + 1, n - i - 1), i + 1, &v[i + 1..], &mut sums, &mut x);
        x[..i + 1].fill(T::ZERO);
        let dot = y[i + 1..].iter().zip(&v[i + 1..]).fold(T::ZERO, |sum, (y, v)| sum + y.conjugate() * *v);
        for (x, u) in x[i + 1..m].iter_mut().zip(&u[i + 1..m]) {
            *x = right_tau[i] * (*x - *u * dot);
        }
        let by = Update { first: &u, first_by: &y[i + 1..], second: &x, second_by: &v[i + 1..] };
        update(a.as_mut().subcols_mut(i + 1, 1), i + 1, by);
    }
    Bidiagonal { d, e, left: a, left_tau, right, right_tau }
}

/// `b := Q b` for a padded matrix and reflectors of which that of column `i` begins in row `i + offset`. Columns before
/// `first(i)` are known not to change by it.
pub fn apply<T: Scalar>(
    packed: MatRef<'_, T>,
    offset: usize,
    tau: &[T],
    mut b: MatMut<'_, T>,
    first: impl Fn(usize) -> usize,
) {
    let cols = b.ncols();
    let mut v = vec![T::ZERO; b.nrows()];
    for (i, &tau) in tau.iter().enumerate().rev() {
        let (row, col) = (i + offset, first(i).min(cols));
        spread(&mut v, row, &column(packed, i)[row..]);
        reflect(b.as_mut().subcols_mut(col, cols - col), row, &v, tau);
    }
}
