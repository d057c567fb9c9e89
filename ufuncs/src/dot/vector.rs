//! Inner products, and products of a matrix with a vector.
//!
//! A long inner product is bound by memory, a short one by the latency of its additions: [`inner`] keeps many running sums
//! and adds them up in a fixed tree. With a vector, a matrix is read once, so it is read the way it lies: rows that are
//! contiguous are multiplied out one by one (by [`inner`] again or, if there are many, by the library), columns that are
//! contiguous are added to the result several at a time.

use super::{DotElem, Product};
use crate::cpu::{Level, multiversion};

/// Running sums in the first stage, in bytes; the second stage has [`LANES`].
const WIDE: usize = 256;
const LANES: usize = 8;
/// Rows shorter than this are not worth looking at the processor for.
const SHORT: isize = 16;
/// Matrices with this many elements go to the library, if there is one.
const LARGE: isize = 4096;
/// The longest window that slides sideways.
const WINDOW: isize = 128;

/// `n` elements at an address, a step apart in bytes.
#[derive(Clone, Copy)]
pub struct Vector {
    pub at: *const u8,
    pub step: isize,
}

/// A matrix in memory: its address and its row and column strides in bytes.
#[derive(Clone, Copy)]
pub struct Matrix {
    pub at: *const u8,
    pub rows: isize,
    pub cols: isize,
    pub strides: [isize; 2],
}

/// The inner product of two vectors, the first conjugated if `CONJ`.
///
/// # Safety
/// `n` aligned elements at both.
#[inline]
pub unsafe fn inner<T: DotElem, const CONJ: bool>(a: Vector, b: Vector, n: isize) -> T {
    let size = size_of::<T>() as isize;
    // SAFETY: the caller's promise; indices stay below `n`.
    unsafe {
        let step = |acc: T::Acc, i: isize| {
            let a = *(a.at.offset(i * a.step) as *const T);
            T::add_product(acc, if CONJ { a.conj() } else { a }, *(b.at.offset(i * b.step) as *const T))
        };
        if n >= SHORT && a.step == size && b.step == size {
            let (a, b) = (a.at as *const T, b.at as *const T);
            let level = Level::current();
            return if CONJ { long_conj::<T>(level, a, b, n) } else { long::<T>(level, a, b, n) };
        }
        let mut acc = T::ACC_ZERO;
        for i in 0..n {
            acc = step(acc, i);
        }
        T::finish(acc)
    }
}

multiversion! {
    fn long[T: DotElem](a: *const T, b: *const T, n: isize) -> T = contiguous_plain::<T>;
}
multiversion! {
    fn long_conj[T: DotElem](a: *const T, b: *const T, n: isize) -> T = contiguous_conj::<T>;
}

#[inline(always)]
fn contiguous_plain<T: DotElem>(a: *const T, b: *const T, n: isize) -> T {
    contiguous::<T, false>(a, b, n)
}
#[inline(always)]
fn contiguous_conj<T: DotElem>(a: *const T, b: *const T, n: isize) -> T {
    contiguous::<T, true>(a, b, n)
}

/// Called by [`inner`] only, with `n` contiguous elements at both.
#[inline(always)]
fn contiguous<T: DotElem, const CONJ: bool>(a: *const T, b: *const T, n: isize) -> T {
    // SAFETY: what `inner` promises.
    if let Some(sum) = unsafe { T::inner_contiguous::<CONJ>(a, b, n) } {
        return sum;
    }
    match const { size_of::<T>() } {
        1 => summed::<T, CONJ, { WIDE }>(a, b, n),
        2 => summed::<T, CONJ, { WIDE / 2 }>(a, b, n),
        4 => summed::<T, CONJ, { WIDE / 4 }>(a, b, n),
        8 => summed::<T, CONJ, { WIDE / 8 }>(a, b, n),
        _ => summed::<T, CONJ, LANES>(a, b, n),
    }
}

#[inline(always)]
fn summed<T: DotElem, const CONJ: bool, const MANY: usize>(a: *const T, b: *const T, n: isize) -> T {
    let mut acc = [T::ACC_ZERO; MANY];
    let mut i = 0;
    // SAFETY: as for `contiguous`; indices stay below `n`.
    let step = |acc: T::Acc, i: isize| unsafe {
        let x = *a.offset(i);
        T::add_product(acc, if CONJ { x.conj() } else { x }, *b.offset(i))
    };
    while i + MANY as isize <= n {
        for (lane, at) in acc.iter_mut().zip(i..) {
            *lane = step(*lane, at);
        }
        i += MANY as isize;
    }
    let mut width = MANY / 2;
    while width >= LANES {
        for j in 0..width {
            acc[j] = T::add(acc[j], acc[j + width]);
        }
        width /= 2;
    }
    while i + LANES as isize <= n {
        for (lane, at) in acc[..LANES].iter_mut().zip(i..) {
            *lane = step(*lane, at);
        }
        i += LANES as isize;
    }
    while i < n {
        acc[0] = step(acc[0], i);
        i += 1;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for j in 0..width {
            acc[j] = T::add(acc[j], acc[j + width]);
        }
        width /= 2;
    }
    T::finish(acc[0])
}

/// The inner product of interleaved complex numbers: sums of products of like parts and of unlike parts, each over vectors
/// of reals. Returns (re re, im im, re im, im re).
///
/// # Safety
/// `2 n` reals at both.
#[inline(always)]
pub unsafe fn complex_sums<R: DotElem<Acc = R>>(a: *const R, b: *const R, n: isize) -> [R; 4] {
    const REALS: usize = 32;
    let (mut like, mut unlike) = ([R::ACC_ZERO; REALS], [R::ACC_ZERO; REALS]);
    let n = 2 * n;
    let mut i = 0;
    // SAFETY: indices stay below `2 n`.
    unsafe {
        while i + REALS as isize <= n {
            let x = *a.offset(i).cast::<[R; REALS]>();
            let y = *b.offset(i).cast::<[R; REALS]>();
            for j in 0..REALS {
                like[j] = R::add_product(like[j], x[j], y[j]);
            }
            for j in 0..REALS {
                unlike[j] = R::add_product(unlike[j], x[j], y[j ^ 1]);
            }
            i += REALS as isize;
        }
        while i < n {
            for j in 0..2 {
                let (x, y) = (*a.offset(i + j), *b.offset(i + j));
                like[j as usize] = R::add_product(like[j as usize], x, y);
                unlike[j as usize] = R::add_product(unlike[j as usize], x, *b.offset(i + (j ^ 1)));
            }
            i += 2;
        }
    }
    let mut width = REALS / 2;
    while width >= 2 {
        for j in 0..width {
            like[j] = R::add(like[j], like[j + width]);
            unlike[j] = R::add(unlike[j], unlike[j + width]);
        }
        width /= 2;
    }
    [like[0], like[1], unlike[0], unlike[1]]
}

/// `out = matrix @ x`, an element of `out` every `step` bytes.
///
/// # Safety
/// All elements of the matrix, as many of `x` as it has columns and of `out` as it has rows, aligned; `out` overlaps
/// neither.
pub unsafe fn matvec<T: DotElem>(a: Matrix, x: Vector, out: *mut u8, step: isize) {
    let size = size_of::<T>() as isize;
    // SAFETY: the caller's promise.
    unsafe {
        // Windows that slide over a vector have both; short ones are better added up side by side.
        let columns = a.strides[0] == size && (a.strides[1] != size || a.cols <= WINDOW);
        if columns && a.rows >= LANES as isize && a.cols > 1 && size_of::<T>() == size_of::<T::Acc>() {
            return by_columns::<T>(a, x, out, step);
        }
        let whole = [a.strides[0], x.step, step].iter().all(|s| s % size == 0);
        if T::HAS_GEMM && a.strides[1] == size && whole && a.rows.saturating_mul(a.cols) >= LARGE {
            return T::gemm(&Product {
                m: a.rows as usize,
                k: a.cols as usize,
                n: 1,
                a: a.at,
                a_strides: a.strides,
                b: x.at,
                b_strides: [x.step, size],
                out,
                out_strides: [step, size],
            });
        }
        let copy: Vec<T>;
        let mut x = x;
        if x.step != size && a.strides[1] == size && a.rows > 2 {
            copy = (0..a.cols).map(|j| *(x.at.offset(j * x.step) as *const T)).collect();
            x = Vector { at: copy.as_ptr().cast(), step: size };
        }
        for i in 0..a.rows {
            let row = Vector { at: a.at.offset(i * a.strides[0]), step: a.strides[1] };
            *(out.offset(i * step) as *mut T) = inner::<T, false>(row, x, a.cols);
        }
    }
}

multiversion! {
    fn add_columns[T: DotElem](acc: &mut [T::Acc], columns: &[*const T], x: &[T]) -> () = groups::<T>;
}

/// Columns added at once: the result is read and written once for all of them.
const GROUP: usize = 8;
/// Rows done together, so that their sums stay in the first-level cache.
const ROWS: isize = 1024;

/// Add up to [`GROUP`] columns.
#[inline(always)]
fn groups<T: DotElem>(acc: &mut [T::Acc], columns: &[*const T], x: &[T]) {
    match columns.len() {
        1 => group::<T, 1>(acc, columns, x),
        2 => group::<T, 2>(acc, columns, x),
        3 => group::<T, 3>(acc, columns, x),
        4 => group::<T, 4>(acc, columns, x),
        5 => group::<T, 5>(acc, columns, x),
        6 => group::<T, 6>(acc, columns, x),
        7 => group::<T, 7>(acc, columns, x),
        _ => group::<T, GROUP>(acc, columns, x),
    }
}

#[inline(always)]
fn group<T: DotElem, const N: usize>(acc: &mut [T::Acc], columns: &[*const T], x: &[T]) {
    let columns: [*const T; N] = core::array::from_fn(|g| columns[g]);
    let x: [T; N] = core::array::from_fn(|g| x[g]);
    for (i, acc) in acc.iter_mut().enumerate() {
        let mut sum = *acc;
        for (column, x) in columns.iter().zip(x) {
            // SAFETY: `by_columns` passes columns as long as the sums.
            sum = T::add_product(sum, unsafe { *column.add(i) }, x);
        }
        *acc = sum;
    }
}

/// # Safety
/// As for [`matvec`]; the matrix has contiguous columns.
unsafe fn by_columns<T: DotElem>(a: Matrix, x: Vector, out: *mut u8, step: isize) {
    let level = Level::current();
    let mut acc = [T::ACC_ZERO; ROWS as usize];
    for first in (0..a.rows).step_by(ROWS as usize) {
        let count = ROWS.min(a.rows - first) as usize;
        let acc = &mut acc[..count];
        acc.fill(T::ACC_ZERO);
        // SAFETY: the caller's promise.
        unsafe {
            let column =
                |j: isize| a.at.offset(first * size_of::<T>() as isize + j * a.strides[1]) as *const T;
            let factor = |j: isize| *(x.at.offset(j * x.step) as *const T);
            for j in (0..a.cols).step_by(GROUP) {
                let count = (a.cols - j).min(GROUP as isize) as usize;
                let at = |g: usize| j + (g % count) as isize;
                let columns: [*const T; GROUP] = core::array::from_fn(|g| column(at(g)));
                let factors: [T; GROUP] = core::array::from_fn(|g| factor(at(g)));
                add_columns::<T>(level, acc, &columns[..count], &factors[..count]);
            }
            if step == size_of::<T>() as isize {
                let out = out.cast::<T>().offset(first);
                for (i, sum) in acc.iter().enumerate() {
                    *out.add(i) = T::finish(*sum);
                }
                continue;
            }
            for (i, sum) in acc.iter().enumerate() {
                *(out.offset((first + i as isize) * step) as *mut T) = T::finish(*sum);
            }
        }
    }
}
