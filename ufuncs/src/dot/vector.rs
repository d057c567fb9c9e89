//! Inner products, and products of a matrix with a vector.
//!
//! A long inner product is bound by memory, a short one by the latency of its additions: [`inner`] keeps many running sums
//! and adds them up in a fixed tree. With a vector, a matrix is read once, so it is read the way it lies: rows that are
//! contiguous are multiplied out one by one (by [`inner`] again or, if there are many, by the library), columns that are
//! contiguous are added to the result several at a time.

use core::mem::MaybeUninit;

use super::{DotElem, Product};
use crate::cpu::{Level, multiversion};

/// Running sums in the first stage, in bytes; the second stage has [`LANES`].
const WIDE: usize = 256;
const LANES: usize = 8;
/// Rows shorter than this are not worth looking at the processor for.
pub const SHORT: isize = 16;
/// Matrices with this many elements go to the library, if there is one.
const LARGE: isize = 4096;
/// Matrices with so few elements are multiplied without looking at how they lie.
const FEW: isize = 16;
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
            return T::inner_contiguous::<CONJ>(a.at as *const T, b.at as *const T, n);
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

/// The inner product of vectors that lie as they are multiplied.
///
/// # Safety
/// `n` elements at both.
#[inline(always)]
pub unsafe fn inner_contiguous<T: DotElem, const CONJ: bool>(a: *const T, b: *const T, n: isize) -> T {
    let level = Level::current();
    if CONJ { long_conj::<T>(level, a, b, n) } else { long::<T>(level, a, b, n) }
}

/// Called by [`inner_contiguous`] only, with `n` contiguous elements at both.
#[inline(always)]
fn contiguous<T: DotElem, const CONJ: bool>(a: *const T, b: *const T, n: isize) -> T {
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

/// Reals that are added up without dividing them: longer sums are those of halves, so that errors stay small.
const UNDIVIDED: usize = 4096;

/// The sums of the elements in even places and of those in odd ones.
///
/// # Safety
/// `n` elements, an even number.
pub unsafe fn sums<R: DotElem<Acc = R>>(x: *const R, n: usize) -> [R; 2] {
    if n <= UNDIVIDED {
        return sums_long::<R>(Level::current(), x, n);
    }
    let half = (n / 2).next_multiple_of(SUMS);
    // SAFETY: the caller's promise.
    let (a, b) = unsafe { (sums(x, half), sums(x.add(half), n - half)) };
    [R::add(a[0], b[0]), R::add(a[1], b[1])]
}
multiversion! {
    fn sums_long[R: DotElem<Acc = R>](x: *const R, n: usize) -> [R; 2] = sums_body::<R>;
}
/// Running sums of [`sums`].
const SUMS: usize = 32;
/// Called by [`sums`] only, with so many elements.
#[inline(always)]
fn sums_body<R: DotElem<Acc = R>>(x: *const R, n: usize) -> [R; 2] {
    let mut acc = [R::ACC_ZERO; SUMS];
    let mut i = 0;
    while i + SUMS <= n {
        for (j, acc) in acc.iter_mut().enumerate() {
            // SAFETY: as promised there.
            *acc = R::add(*acc, unsafe { *x.add(i + j) });
        }
        i += SUMS;
    }
    for (j, acc) in acc[..n - i].iter_mut().enumerate() {
        // SAFETY: as above.
        *acc = R::add(*acc, unsafe { *x.add(i + j) });
    }
    let mut width = SUMS / 2;
    while width >= 2 {
        for j in 0..width {
            acc[j] = R::add(acc[j], acc[j + width]);
        }
        width /= 2;
    }
    [acc[0], acc[1]]
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
        if a.rows.saturating_mul(a.cols) <= FEW {
            for i in 0..a.rows {
                let row = a.at.offset(i * a.strides[0]);
                let mut acc = T::ACC_ZERO;
                for j in 0..a.cols {
                    let x = *(x.at.offset(j * x.step) as *const T);
                    acc = T::add_product(acc, *(row.offset(j * a.strides[1]) as *const T), x);
                }
                *(out.offset(i * step) as *mut T) = T::finish(acc);
            }
            return;
        }
        let columns = a.strides[0] == size && (a.strides[1] != size || a.cols <= WINDOW);
        if columns && a.rows >= LANES as isize && a.cols > 1 && size_of::<T>() == size_of::<T::Acc>() {
            return by_columns::<T>(a, x, out, step);
        }
        let whole = [a.strides[0], x.step, step].iter().all(|s| s % size == 0);
        // Pairs in registers are faster than the library.
        if T::HAS_GEMM
            && !T::COMPLEX
            && a.strides[1] == size
            && whole
            && a.rows.saturating_mul(a.cols) >= LARGE
        {
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

/// See [`DotElem::add_columns`].
///
/// # Safety
/// As there.
#[inline(always)]
pub unsafe fn add_columns<T: DotElem>(acc: &mut [T::Acc], columns: &[*const T], x: &[T]) {
    add_groups::<T>(Level::current(), acc, columns, x);
}
multiversion! {
    fn add_groups[T: DotElem](acc: &mut [T::Acc], columns: &[*const T], x: &[T]) -> () = groups::<T>;
}

/// Columns added at once: the result is read and written once for all of them.
pub const GROUP: usize = 8;
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
            // SAFETY: the promise of `add_columns`: columns as long as the sums.
            sum = T::add_product(sum, unsafe { *column.add(i) }, x);
        }
        *acc = sum;
    }
}

/// # Safety
/// As for [`matvec`]; the matrix has contiguous columns, and sums are as long as elements.
unsafe fn by_columns<T: DotElem>(a: Matrix, x: Vector, out: *mut u8, step: isize) {
    let size = size_of::<T>() as isize;
    let mut buffer = [T::ACC_ZERO; ROWS as usize];
    for first in (0..a.rows).step_by(ROWS as usize) {
        let count = ROWS.min(a.rows - first) as usize;
        // SAFETY: the caller's promise. Where the result is contiguous, sums can lie in its place, for
        // what is as long as an element and summed is its bits (a `bool` those of a `Bool`).
        unsafe {
            let to = out.offset(first * step);
            let direct = step == size;
            let acc = if direct {
                core::slice::from_raw_parts_mut(to.cast::<MaybeUninit<T::Acc>>(), count)
            } else {
                &mut *(core::ptr::from_mut(&mut buffer[..count]) as *mut [MaybeUninit<T::Acc>])
            };
            acc.fill(MaybeUninit::new(T::ACC_ZERO));
            let acc = &mut *(core::ptr::from_mut(acc) as *mut [T::Acc]);
            let column = |j: isize| a.at.offset(first * size + j * a.strides[1]) as *const T;
            let factor = |j: isize| *(x.at.offset(j * x.step) as *const T);
            for j in (0..a.cols).step_by(GROUP) {
                let count = (a.cols - j).min(GROUP as isize) as usize;
                let at = |g: usize| j + (g % count) as isize;
                let columns: [*const T; GROUP] = core::array::from_fn(|g| column(at(g)));
                let factors: [T; GROUP] = core::array::from_fn(|g| factor(at(g)));
                T::add_columns(acc, &columns[..count], &factors[..count]);
            }
            if direct {
                continue;
            }
            for (i, sum) in acc.iter().enumerate() {
                *(to.offset(i as isize * step) as *mut T) = T::finish(*sum);
            }
        }
    }
}
