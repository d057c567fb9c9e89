//! Sorting and searching with a comparison that belongs to somebody else.
//!
//! The function may fail, and nothing forces its answers to be consistent: a class may define `<` as it likes. The
//! standard sorts are free to panic then, so these are sorts of their own: every index stays within the loop bounds,
//! whatever the answers, and the result is always a permutation. Items are compared where they lie and moved once, at the
//! end, because the comparison may run code that looks at the array.
//!
//! Which items are compared, and in which order, is numpy's: it decides where equal items end up in a sort that is not stable,
//! and which of two objects without an order is asked first.

mod introsort;
mod timsort;

use core::cmp::Ordering;
use core::ffi::{c_int, c_void};

use super::{Side, SortKind};

/// Compares two items: negative, zero, positive, or [`COMPARE_FAILED`].
pub type CompareItemsFn = unsafe extern "C" fn(a: *const u8, b: *const u8, ctx: *mut c_void) -> c_int;

/// What a comparison returns after it has set an error in the host.
pub const COMPARE_FAILED: c_int = c_int::MIN;

/// A comparison failed; the host knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompareFailed;

/// A comparison with its context.
#[derive(Clone, Copy)]
pub struct Comparator {
    /// Asked only whether the answer is negative.
    pub less: CompareItemsFn,
    /// Asked which of the three it is, which may take longer.
    pub order: CompareItemsFn,
    pub ctx: *mut c_void,
}

impl Comparator {
    /// # Safety
    /// Both pointers are items the function understands.
    unsafe fn less(&self, a: *const u8, b: *const u8) -> Result<bool, CompareFailed> {
        // SAFETY: the caller's promise.
        match unsafe { (self.less)(a, b, self.ctx) } {
            COMPARE_FAILED => Err(CompareFailed),
            answer => Ok(answer < 0),
        }
    }

    /// # Safety
    /// As for `less`.
    unsafe fn order(&self, a: *const u8, b: *const u8) -> Result<Ordering, CompareFailed> {
        // SAFETY: the caller's promise.
        match unsafe { (self.order)(a, b, self.ctx) } {
            COMPARE_FAILED => Err(CompareFailed),
            answer => Ok(answer.cmp(&0)),
        }
    }
}

/// The items that positions name.
struct Items<'a> {
    data: *const u8,
    itemsize: usize,
    cmp: &'a Comparator,
}

impl Items<'_> {
    fn at(&self, position: isize) -> *const u8 {
        self.data.wrapping_offset(position * self.itemsize as isize)
    }

    fn less(&self, a: isize, b: isize) -> Result<bool, CompareFailed> {
        // SAFETY: the positions are those of the index that `argsort` was given.
        unsafe { self.cmp.less(self.at(a), self.at(b)) }
    }

    fn order(&self, a: isize, b: isize) -> Result<Ordering, CompareFailed> {
        // SAFETY: as above.
        unsafe { self.cmp.order(self.at(a), self.at(b)) }
    }
}

/// Grow the sorted `index[..sorted]` to the whole by insertion.
fn insertion(index: &mut [isize], sorted: usize, items: &Items<'_>) -> Result<(), CompareFailed> {
    for i in sorted..index.len() {
        let mut j = i;
        while j > 0 && items.less(index[j], index[j - 1])? {
            index.swap(j, j - 1);
            j -= 1;
        }
    }
    Ok(())
}

/// Indirect sort of `index`, stable if that is the kind. After an error it is still a permutation of what it was.
///
/// # Safety
/// `n` items of `itemsize` bytes at `data`, which stay there during the calls, and `index` holds `n` positions below `n`.
pub unsafe fn argsort(
    data: *const u8,
    index: *mut isize,
    n: usize,
    itemsize: usize,
    kind: SortKind,
    cmp: &Comparator,
) -> Result<(), CompareFailed> {
    // SAFETY: the caller's promise.
    let index = unsafe { super::items_mut::<isize>(index.cast(), n) };
    let items = Items { data, itemsize, cmp };
    match kind {
        SortKind::Stable => timsort::sort(index, &items),
        _ if itemsize == 0 => Ok(()),
        SortKind::Quick | SortKind::Heap => introsort::sort(index, &items),
    }
}

/// Sort in place. After an error the items are as they were.
///
/// # Safety
/// `n` items of `itemsize` bytes at `data`, which stay there during the calls.
pub unsafe fn sort(
    data: *mut u8,
    n: usize,
    itemsize: usize,
    kind: SortKind,
    cmp: &Comparator,
) -> Result<(), CompareFailed> {
    let mut index: Vec<isize> = (0..n as isize).collect();
    // SAFETY: the caller's promise; `index` is a permutation.
    unsafe {
        argsort(data, index.as_mut_ptr(), n, itemsize, kind, cmp)?;
        super::permute(data, &index, itemsize);
    }
    Ok(())
}

/// For each key the place in the sorted `data` where it belongs; `sorter` names the order of `data` if it is not sorted.
///
/// # Safety
/// `n` items at `data`, `nkeys` at `keys`, results at `out` (strides in bytes, `isize` values), and `n` positions at
/// `sorter` if given.
pub unsafe fn search(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    sorter: Option<(*const u8, isize)>,
    side: Side,
    cmp: &Comparator,
) -> Result<Result<(), super::BadSorter>, CompareFailed> {
    let (data, stride, n) = data;
    for i in 0..keys.2 as isize {
        // SAFETY: `i` is a key; `mid` is below `n`, and so is what the sorter says once it is checked.
        unsafe {
            let key = keys.0.offset(i * keys.1);
            let (mut low, mut high) = (0, n);
            while low < high {
                let mid = low + (high - low) / 2;
                let at = match sorter {
                    None => mid,
                    Some((s, step)) => {
                        let at = (s.offset(mid as isize * step) as *const isize).read_unaligned();
                        if at < 0 || at as usize >= n {
                            return Ok(Err(super::BadSorter));
                        }
                        at as usize
                    }
                };
                let item = data.offset(at as isize * stride);
                let before = match side {
                    Side::Left => cmp.less(item, key)?,
                    Side::Right => !cmp.less(key, item)?,
                };
                if before {
                    low = mid + 1;
                } else {
                    high = mid;
                }
            }
            (out.0.offset(i * out.1) as *mut isize).write_unaligned(low as isize);
        }
    }
    Ok(Ok(()))
}
