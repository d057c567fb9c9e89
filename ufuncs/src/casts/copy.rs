//! Moving items without looking at them: strided copies, byte swaps, filling with one item.
//!
//! None of these loops asks for alignment: unaligned loads and stores of machine words cost nothing extra on the
//! processors at hand, so one body per size serves both.

use core::ffi::{c_int, c_void};
use core::ptr;

use crate::abi::{LoopContext, LoopFn};

/// Copies `n` items of `itemsize` bytes. Source and destination coincide or do not overlap.
///
/// # Safety
/// All items are inside memory that may be read respectively written.
pub unsafe fn copy_strided(
    dst: *mut u8,
    dst_stride: isize,
    src: *const u8,
    src_stride: isize,
    n: usize,
    itemsize: usize,
) {
    // SAFETY: the caller's promise; each branch touches `n` items of `itemsize` bytes at the given strides.
    unsafe {
        if dst_stride == itemsize as isize && (src_stride == dst_stride || n <= 1) {
            ptr::copy(src, dst, n * itemsize);
            return;
        }
        match itemsize {
            1 if src_stride == 0 && dst_stride == 1 && n > 0 => ptr::write_bytes(dst, *src, n),
            1 => copy_words::<u8>(dst, dst_stride, src, src_stride, n),
            2 => copy_words::<u16>(dst, dst_stride, src, src_stride, n),
            4 => copy_words::<u32>(dst, dst_stride, src, src_stride, n),
            8 => copy_words::<u64>(dst, dst_stride, src, src_stride, n),
            16 => copy_words::<u128>(dst, dst_stride, src, src_stride, n),
            32 => copy_words::<[u128; 2]>(dst, dst_stride, src, src_stride, n),
            _ => {
                for i in 0..n as isize {
                    ptr::copy(src.offset(i * src_stride), dst.offset(i * dst_stride), itemsize);
                }
            }
        }
    }
}

/// Copies a matrix row by row; operands are (first item, strides of rows and of items).
///
/// # Safety
/// All items are inside memory that may be read respectively written, and the two do not overlap.
pub unsafe fn copy_rows(
    dst: (*mut u8, [isize; 2]),
    src: (*const u8, [isize; 2]),
    shape: [isize; 2],
    itemsize: usize,
) {
    let ((dst, [dr, di]), (src, [sr, si])) = (dst, src);
    let whole = di == itemsize as isize && si == di;
    /// # Safety
    /// As for the function around this one, for items of the size of `W`.
    unsafe fn words<W: Copy>(dst: *mut u8, di: isize, src: *const u8, si: isize, n: isize) {
        for i in 0..n {
            // SAFETY: the caller's promise.
            unsafe {
                let item = src.offset(i * si).cast::<W>().read_unaligned();
                dst.offset(i * di).cast::<W>().write_unaligned(item);
            }
        }
    }
    for row in 0..shape[0] {
        // SAFETY: the caller's promise, for one row.
        unsafe {
            let (to, from) = (dst.offset(row * dr), src.offset(row * sr));
            if whole && (itemsize > 8 || shape[1] > 8) {
                ptr::copy_nonoverlapping(from, to, shape[1] as usize * itemsize);
                continue;
            }
            match itemsize {
                1 => words::<u8>(to, di, from, si, shape[1]),
                2 => words::<u16>(to, di, from, si, shape[1]),
                4 => words::<u32>(to, di, from, si, shape[1]),
                8 => words::<u64>(to, di, from, si, shape[1]),
                16 => words::<[u64; 2]>(to, di, from, si, shape[1]),
                _ => copy_strided(to, di, from, si, shape[1] as usize, itemsize),
            }
        }
    }
}

/// Writes one item `n` times.
///
/// # Safety
/// As for [`copy_strided`]; `item` is not inside the destination.
pub unsafe fn fill(dst: *mut u8, dst_stride: isize, n: usize, item: *const u8, itemsize: usize) {
    // SAFETY: the caller's promise; a source stride of zero reads the one item again and again.
    unsafe { copy_strided(dst, dst_stride, item, 0, n, itemsize) }
}

/// # Safety
/// As for [`copy_strided`], for items of the size of `W`.
#[inline]
unsafe fn copy_words<W: Copy>(dst: *mut u8, ds: isize, src: *const u8, ss: isize, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if ss == 0 && n > 0 {
            let item = ptr::read_unaligned(src as *const W);
            if ds == size_of::<W>() as isize {
                for i in 0..n {
                    ptr::write_unaligned((dst as *mut W).add(i), item);
                }
            } else {
                for i in 0..n as isize {
                    ptr::write_unaligned(dst.offset(i * ds) as *mut W, item);
                }
            }
        } else if ds == size_of::<W>() as isize {
            for i in 0..n {
                let item = ptr::read_unaligned(src.offset(i as isize * ss) as *const W);
                ptr::write_unaligned((dst as *mut W).add(i), item);
            }
        } else {
            for i in 0..n as isize {
                let item = ptr::read_unaligned(src.offset(i * ss) as *const W);
                ptr::write_unaligned(dst.offset(i * ds) as *mut W, item);
            }
        }
    }
}

unsafe extern "C" fn copy_sized<const SIZE: usize>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe { copy_strided(*data.add(1), *strides.add(1), *data, *strides, *dims as usize, SIZE) };
    0
}

unsafe extern "C" fn copy_any(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract; loops for other than fixed sizes are called with item sizes in the context.
    unsafe {
        let itemsize = *(*(*ctx).info).itemsizes;
        copy_strided(*data.add(1), *strides.add(1), *data, *strides, *dims as usize, itemsize);
    }
    0
}

/// The loop copying items of this size, at any alignment. For sizes without a body of their own it takes the size from
/// [`LoopContext::info`].
pub fn copy_loop(itemsize: usize) -> LoopFn {
    match itemsize {
        1 => copy_sized::<1>,
        2 => copy_sized::<2>,
        4 => copy_sized::<4>,
        8 => copy_sized::<8>,
        16 => copy_sized::<16>,
        32 => copy_sized::<32>,
        _ => copy_any,
    }
}

/// A word whose bytes can be reversed.
trait Swap: Copy {
    fn swap(self) -> Self;
}

macro_rules! swap {
    ($($t:ty)*) => {$(
        impl Swap for $t {
            #[inline(always)]
            fn swap(self) -> $t {
                self.swap_bytes()
            }
        }
    )*};
}
swap!(u16 u32 u64 u128);

/// Copies items of `parts` words each, swapping the bytes of every word.
///
/// # Safety
/// As for [`copy_strided`].
unsafe fn swap_words<W: Swap>(dst: *mut u8, ds: isize, src: *const u8, ss: isize, n: usize, parts: usize) {
    // SAFETY: the caller's promise; words are read before they are written, so in place works.
    unsafe {
        if parts == 1 {
            for i in 0..n as isize {
                let item = ptr::read_unaligned(src.offset(i * ss) as *const W);
                ptr::write_unaligned(dst.offset(i * ds) as *mut W, item.swap());
            }
            return;
        }
        for i in 0..n as isize {
            let (from, to) = (src.offset(i * ss) as *const W, dst.offset(i * ds) as *mut W);
            for j in 0..parts {
                ptr::write_unaligned(to.add(j), ptr::read_unaligned(from.add(j)).swap());
            }
        }
    }
}

/// Copies `n` items, reversing the bytes of each of their words of `word` bytes: the item itself, one half of a
/// complex number, or one character. Words of one byte (or of odd sizes, which no type has) are copied.
///
/// # Safety
/// As for [`copy_strided`].
pub unsafe fn swap_strided(
    dst: *mut u8,
    dst_stride: isize,
    src: *const u8,
    src_stride: isize,
    n: usize,
    itemsize: usize,
    word: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match word {
            2 => swap_words::<u16>(dst, dst_stride, src, src_stride, n, itemsize / 2),
            4 => swap_words::<u32>(dst, dst_stride, src, src_stride, n, itemsize / 4),
            8 => swap_words::<u64>(dst, dst_stride, src, src_stride, n, itemsize / 8),
            16 => swap_words::<u128>(dst, dst_stride, src, src_stride, n, itemsize / 16),
            _ => copy_strided(dst, dst_stride, src, src_stride, n, itemsize),
        }
    }
}

unsafe extern "C" fn swap_sized<const WORD: usize, const PARTS: usize>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        swap_strided(*data.add(1), *strides.add(1), *data, *strides, *dims as usize, WORD * PARTS, WORD)
    };
    0
}

unsafe extern "C" fn swap_characters(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract; loops for other than fixed sizes are called with item sizes in the context.
    unsafe {
        let itemsize = *(*(*ctx).info).itemsizes;
        swap_strided(*data.add(1), *strides.add(1), *data, *strides, *dims as usize, itemsize, 4);
    }
    0
}

/// The loop copying items while reversing the bytes of each of their `parts` words, at any alignment; in place works.
pub fn swap_loop(word: usize, parts: usize) -> Option<LoopFn> {
    Some(match (word, parts) {
        (1, 1) => copy_sized::<1>,
        (2, 1) => swap_sized::<2, 1>,
        (4, 1) => swap_sized::<4, 1>,
        (8, 1) => swap_sized::<8, 1>,
        (16, 1) => swap_sized::<16, 1>,
        (4, 2) => swap_sized::<4, 2>,
        (8, 2) => swap_sized::<8, 2>,
        (16, 2) => swap_sized::<16, 2>,
        _ => return None,
    })
}

/// The loop reversing the bytes of every character of `U` strings; the item size comes from [`LoopContext::info`].
pub fn swap_unicode_loop() -> LoopFn {
    swap_characters
}
