//! Many folds with one call.
//!
//! A loop folds one row of elements into a result, or adds one row of elements to a row of results. Of an array with
//! many short rows the calls would cost more than the elements; and where rows are folded into one another, the row of
//! results would be read and written again for each of them. So a fold over two axes is a kernel of its own, whose bits are
//! those of the row by row calls.

use core::ptr::{null, null_mut};

use super::binary::multiply_complex;
use super::packed::{Packed, PackedOp};
use super::{Scratch, load};
use crate::cpu::{Level, multiversion};
use crate::elem::Elem;
use crate::ops::BinaryOp;
use crate::ops::arith::{Multiply, MultiplyFused};

/// Rows taken together: a running result stays in a register for so many steps.
const ROWS: usize = 8;

/// A [`FoldFn`](crate::abi::FoldFn).
///
/// # Safety
/// See there.
pub unsafe fn fold<Op: BinaryOp<T, T, Out = T>, T: Elem>(
    acc: *mut u8,
    acc_strides: [isize; 2],
    data: *const u8,
    strides: [isize; 2],
    shape: [usize; 2],
) {
    let walk = Walk { acc, acc_strides, data, strides, shape };
    let size = size_of::<T>() as isize;
    if acc_strides == [0, size] && strides[1] == size {
        // SAFETY: rows of contiguous elements apart from the results.
        unsafe { rows::<Op, T>(&walk) };
    } else if acc_strides[1] == 0 {
        each::<Op, T>(Level::current(), &walk);
    } else {
        element_by_element::<Op, T>(&walk);
    }
}

/// A [`FoldFn`](crate::abi::FoldFn) of products of complex numbers, which round in another way where rows are multiplied by rows than
/// in a reduction: the loop knows.
///
/// # Safety
/// See there.
pub unsafe fn fold_products<T: Packed>(
    acc: *mut u8,
    acc_strides: [isize; 2],
    data: *const u8,
    strides: [isize; 2],
    shape: [usize; 2],
) where
    MultiplyFused: PackedOp<T>,
    Multiply: BinaryOp<T, T, Out = T>,
{
    let walk = Walk { acc, acc_strides, data, strides, shape };
    let (n, strides) = (shape[1] as isize, [acc_strides[1], strides[1], acc_strides[1]]);
    for i in 0..shape[0] {
        let (acc, row) = walk.row(i);
        let operands = [acc, row.cast_mut(), acc];
        // SAFETY: a row and its results; the loop looks at nothing else.
        unsafe {
            multiply_complex::<T>(null(), operands.as_ptr(), &n, strides.as_ptr(), null_mut());
        }
    }
}

/// The arguments of a call.
struct Walk {
    acc: *mut u8,
    acc_strides: [isize; 2],
    data: *const u8,
    strides: [isize; 2],
    shape: [usize; 2],
}

impl Walk {
    #[inline(always)]
    fn row(&self, i: usize) -> (*mut u8, *const u8) {
        let i = i as isize;
        (self.acc.wrapping_offset(i * self.acc_strides[0]), self.data.wrapping_offset(i * self.strides[0]))
    }
}

/// Rows into one row of results.
///
/// # Safety
/// Rows and results are contiguous, and apart.
unsafe fn rows<Op: BinaryOp<T, T, Out = T>, T: Elem>(walk: &Walk) {
    let ([count, columns], level) = (walk.shape, Level::current());
    // SAFETY: the caller's promise.
    let acc = unsafe { core::slice::from_raw_parts_mut(walk.acc.cast::<T>(), columns) };
    // SAFETY: as above; the results are no part of it.
    let row = |i: usize| unsafe { core::slice::from_raw_parts(walk.row(i).1.cast::<T>(), columns) };
    let mut i = 0;
    while i + ROWS <= count {
        several::<Op, T>(level, acc, &core::array::from_fn(|k| row(i + k)));
        i += ROWS;
    }
    while i + 2 <= count {
        two::<Op, T>(level, acc, &[row(i), row(i + 1)]);
        i += 2;
    }
    if i < count {
        if Op::SELECTS && level.shuns_masked_stores() {
            apart::<Op, T>(level, acc, row(i));
        } else {
            one::<Op, T>(level, acc, row(i));
        }
    }
}

/// [`one`] with the results before it in another place: see [`BinaryOp::SELECTS`].
fn apart<Op: BinaryOp<T, T, Out = T>, T: Elem>(level: Level, acc: &mut [T], row: &[T]) {
    let (mut scratch, piece) = (Scratch::new(), Scratch::capacity::<T>());
    for (acc, row) in acc.chunks_mut(piece).zip(row.chunks(piece)) {
        // SAFETY: the elements of a slice, and they fit.
        let before = unsafe { scratch.gather::<T>(acc.as_ptr().cast(), acc.len(), size_of::<T>() as isize) };
        one_apart::<Op, T>(level, before, row, acc);
    }
}

#[inline(always)]
fn one_apart_body<Op: BinaryOp<T, T, Out = T>, T: Elem>(before: &[T], row: &[T], acc: &mut [T]) {
    for ((acc, &before), &x) in acc.iter_mut().zip(before).zip(row) {
        *acc = Op::apply(before, x);
    }
}

#[inline(always)]
fn several_body<Op: BinaryOp<T, T, Out = T>, T: Elem>(acc: &mut [T], rows: &[&[T]; ROWS]) {
    let n = acc.len();
    let rows = rows.map(|row| &row[..n]);
    for (i, acc) in acc.iter_mut().enumerate() {
        let mut total = *acc;
        for row in rows {
            total = Op::apply(total, row[i]);
        }
        *acc = total;
    }
}

#[inline(always)]
fn two_body<Op: BinaryOp<T, T, Out = T>, T: Elem>(acc: &mut [T], rows: &[&[T]; 2]) {
    for ((acc, &x), &y) in acc.iter_mut().zip(rows[0]).zip(rows[1]) {
        *acc = Op::apply(Op::apply(*acc, x), y);
    }
}

#[inline(always)]
fn one_body<Op: BinaryOp<T, T, Out = T>, T: Elem>(acc: &mut [T], row: &[T]) {
    for (acc, &x) in acc.iter_mut().zip(row) {
        *acc = Op::apply(*acc, x);
    }
}

/// Every row into a result of its own, or all of them into one.
#[inline(always)]
fn each_body<Op: BinaryOp<T, T, Out = T>, T: Elem>(walk: &Walk) {
    for i in 0..walk.shape[0] {
        let (acc, row) = walk.row(i);
        let acc = acc.cast::<T>();
        // SAFETY: a result and a row, by the promise of whoever called `fold`.
        unsafe { acc.write(Op::reduce(acc.read(), row, walk.shape[1], walk.strides[1])) };
    }
}

/// Any layout.
fn element_by_element<Op: BinaryOp<T, T, Out = T>, T: Elem>(walk: &Walk) {
    for i in 0..walk.shape[0] {
        let (mut acc, mut x) = walk.row(i);
        for _ in 0..walk.shape[1] {
            let result = acc.cast::<T>();
            // SAFETY: a result and an element, by the promise of whoever called `fold`.
            unsafe { result.write(Op::apply(result.read(), load(x))) };
            acc = acc.wrapping_offset(walk.acc_strides[1]);
            x = x.wrapping_offset(walk.strides[1]);
        }
    }
}

multiversion! {
    fn several[Op: BinaryOp<T, T, Out = T>, T: Elem](acc: &mut [T], rows: &[&[T]; ROWS]) -> () = several_body::<Op, T>;
}
multiversion! { fn two[Op: BinaryOp<T, T, Out = T>, T: Elem](acc: &mut [T], rows: &[&[T]; 2]) -> () = two_body::<Op, T>; }
multiversion! { fn one[Op: BinaryOp<T, T, Out = T>, T: Elem](acc: &mut [T], row: &[T]) -> () = one_body::<Op, T>; }
multiversion! {
    fn one_apart[Op: BinaryOp<T, T, Out = T>, T: Elem](before: &[T], row: &[T], acc: &mut [T]) -> ()
    = one_apart_body::<Op, T>;
}
multiversion! { fn each[Op: BinaryOp<T, T, Out = T>, T: Elem](walk: &Walk) -> () = each_body::<Op, T>; }
