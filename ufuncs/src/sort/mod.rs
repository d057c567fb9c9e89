//! Sorting, partitioning and searching of contiguous, aligned, native items.
//!
//! Builtin types have a total order ([`crate::order`]), so the standard library's sorts serve them. Most types are
//! first turned into integers of the same order ([`keys`]): then there are few sorts to compile, vectors can be sorted at a time
//! ([`vector`]), and an indirect sort moves keys with their positions instead of chasing indices. All indirect sorts are
//! stable, whatever the kind.
//!
//! Items compared by a function of the host (objects, structured and user types) go through [`by`], which stays inside its
//! buffers however inconsistent the answers are.

pub mod by;
mod columns;
mod few;
mod keys;
mod pairs;
mod search;
mod split;
mod vector;

use core::cmp::Ordering;
use core::{ptr, slice};

use crate::cpu::{Level, multiversion};
use crate::elem::{Bool, CLongDouble, Complex32, Complex64, Datetime, LongDouble, Timedelta, f16};
use crate::order::{SortOrd, compare_bytes, compare_unicode, with_ordered};
use crate::typenum::TypeNum;

pub use columns::{SortLanesFn, are_enough, sort_lanes_fn};
pub use search::{BadSorter, SearchFn, Side, SorterSearchFn, search_fn, search_fn_with_sorter};

/// The algorithms a user may name. What they promise is stability or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SortKind {
    Quick,
    Heap,
    Stable,
}

/// Sorts `n` items in place.
///
/// # Safety
/// `data` points to `n` aligned native items of the type (and of `itemsize` bytes) that nobody else uses.
pub type SortFn = unsafe fn(data: *mut u8, n: usize, itemsize: usize);

/// Reorders `index`, a permutation of `0..n`, so that the items it names ascend; ties keep their order in `index`. With
/// `all` that permutation is `0..n` itself, whatever `index` holds.
///
/// # Safety
/// As for [`SortFn`], but that others may read the items; `index` holds `n` integers that nobody else uses, positions below
/// `n` unless it is for `all`.
pub type ArgSortFn = unsafe fn(data: *const u8, index: *mut isize, n: usize, itemsize: usize, all: bool);

/// Brings the items of the ascending positions `kth` where sorting would put them, smaller or equal items before and
/// greater or equal ones behind.
///
/// # Safety
/// As for [`SortFn`]. Positions outside `0..n` are ignored.
pub type PartitionFn = unsafe fn(data: *mut u8, n: usize, itemsize: usize, kth: &[usize]);

/// [`PartitionFn`] on the positions `0..n`, which are written to `index`.
///
/// # Safety
/// As for [`ArgSortFn`] of all.
pub type ArgPartitionFn =
    unsafe fn(data: *const u8, index: *mut isize, n: usize, itemsize: usize, kth: &[usize]);

/// How one element type is sorted.
trait Sortable: SortOrd {
    fn sort(items: &mut [Self], stable: bool);
    fn partition(items: &mut [Self], kth: &[usize]);
    /// `index` has as many positions of items, or room for them.
    fn argsort(items: &[Self], index: &mut [isize], all: bool);
    /// `index` has room for the positions of all items.
    fn argpartition(items: &[Self], index: &mut [isize], kth: &[usize]);
}

/// Selects each position within what the previous one left undecided.
fn select_each<T>(items: &mut [T], kth: &[usize], mut select: impl FnMut(&mut [T], usize)) {
    let mut from = 0;
    for &k in kth {
        if k >= from && k < items.len() {
            select(&mut items[from..], k - from);
            from = k + 1;
        }
    }
}

/// Types without a short key: by comparison.
macro_rules! by_order {
    ($($t:ty)*) => {$(
        impl Sortable for $t {
            fn sort(items: &mut [$t], stable: bool) {
                if stable {
                    items.sort_by(|a, b| a.order(*b));
                } else {
                    items.sort_unstable_by(|a, b| a.order(*b));
                }
            }
            fn partition(items: &mut [$t], kth: &[usize]) {
                select_each(items, kth, |part, k| {
                    part.select_nth_unstable_by(k, |a, b| a.order(*b));
                });
            }
            fn argsort(items: &[$t], index: &mut [isize], all: bool) {
                if all {
                    keys::count_up(index);
                }
                index.sort_by(|&a, &b| items[a as usize].order(items[b as usize]));
            }
            fn argpartition(items: &[$t], index: &mut [isize], kth: &[usize]) {
                keys::count_up(index);
                select_each(index, kth, |part, k| {
                    part.select_nth_unstable_by(k, |&a, &b| items[a as usize].order(items[b as usize]));
                });
            }
        }
    )*};
}
by_order!(LongDouble CLongDouble);

/// Complex numbers: by parts.
macro_rules! by_pair {
    ($($t:ty)*) => {$(
        impl Sortable for $t {
            fn sort(items: &mut [$t], _stable: bool) {
                pairs::sort(items);
            }
            fn partition(items: &mut [$t], kth: &[usize]) {
                pairs::partition(items, kth);
            }
            fn argsort(items: &[$t], index: &mut [isize], all: bool) {
                pairs::argsort(items, index, all);
            }
            fn argpartition(items: &[$t], index: &mut [isize], kth: &[usize]) {
                pairs::argpartition(items, index, kth);
            }
        }
    )*};
}
by_pair!(Complex32 Complex64);

/// Types that become keys in place. `exact`: items equal in order are equal in bits, so any sort is stable.
macro_rules! by_key {
    ($($t:ty: $exact:literal;)*) => {$(
        impl Sortable for $t {
            fn sort(items: &mut [$t], stable: bool) {
                if keys::Keyed::sort_as_is(items) {
                    return;
                }
                if stable && !$exact && !keys::are_exact(items) {
                    items.sort_by(|a, b| a.order(*b));
                } else {
                    keys::in_place(items, |keys| keys::sort(keys));
                }
            }
            fn partition(items: &mut [$t], kth: &[usize]) {
                keys::in_place(items, |keys| {
                    if size_of::<$t>() == 1 {
                        // Counting takes a pass, and what is sorted is partitioned.
                        return keys::sort(keys);
                    }
                    select_each(keys, kth, keys::select);
                });
            }
            fn argsort(items: &[$t], index: &mut [isize], all: bool) {
                keys::argsort(items, index, all);
            }
            fn argpartition(items: &[$t], index: &mut [isize], kth: &[usize]) {
                // (There are no ties to settle.)
                split::argpartition(items, index, kth, &mut |_, _| {});
            }
        }
    )*};
}
by_key! {
    Bool: true;
    i8: true; u8: true; i16: true; u16: true; i32: true; u32: true; i64: true; u64: true;
    Datetime: true; Timedelta: true;
    f16: false; f32: false; f64: false;
}

unsafe fn sort_elems<T: Sortable, const STABLE: bool>(data: *mut u8, n: usize, _itemsize: usize) {
    // SAFETY: the contract of `SortFn`.
    T::sort(unsafe { items_mut::<T>(data, n) }, STABLE);
}

unsafe fn argsort_elems<T: Sortable>(
    data: *const u8,
    index: *mut isize,
    n: usize,
    _itemsize: usize,
    all: bool,
) {
    // SAFETY: the contract of `ArgSortFn`.
    let (items, index) = unsafe { (items_of(data, n), items_mut(index.cast(), n)) };
    T::argsort(items, index, all);
}

unsafe fn partition_elems<T: Sortable>(data: *mut u8, n: usize, _itemsize: usize, kth: &[usize]) {
    // SAFETY: the contract of `PartitionFn`.
    T::partition(unsafe { items_mut::<T>(data, n) }, kth);
}

unsafe fn argpartition_elems<T: Sortable>(
    data: *const u8,
    index: *mut isize,
    n: usize,
    _itemsize: usize,
    kth: &[usize],
) {
    // SAFETY: the contract of `ArgPartitionFn`.
    let (items, index) = unsafe { (items_of(data, n), items_mut(index.cast(), n)) };
    T::argpartition(items, index, kth);
}

/// # Safety
/// `n` aligned values of type `T` at `data` (which may be null when there are none), used by nobody else.
unsafe fn items_mut<'a, T>(data: *mut u8, n: usize) -> &'a mut [T] {
    if n == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts_mut(data.cast(), n) }
}

/// # Safety
/// As for [`items_mut`], but that others may read the items.
unsafe fn items_of<'a, T>(data: *const u8, n: usize) -> &'a [T] {
    if n == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(data.cast(), n) }
}

type CompareItems = unsafe fn(*const u8, *const u8, usize) -> Ordering;

/// # Safety
/// As for [`ArgSortFn`].
unsafe fn argsort_items(
    data: *const u8,
    index: *mut isize,
    n: usize,
    itemsize: usize,
    all: bool,
    compare: CompareItems,
) {
    // SAFETY: the caller's promise.
    let index = unsafe { items_mut::<isize>(index.cast(), n) };
    if all {
        keys::count_up(index);
    }
    // SAFETY: positions are below `n`.
    index.sort_by(|&a, &b| unsafe {
        compare(data.offset(a * itemsize as isize), data.offset(b * itemsize as isize), itemsize)
    });
}

/// Moves items so that the one at `index[i]` comes to place `i`.
///
/// # Safety
/// `n` items of `itemsize` bytes at `data`, and `index` is a permutation of `0..n`.
unsafe fn permute(data: *mut u8, index: &[isize], itemsize: usize) {
    let n = index.len();
    let mut sorted = vec![0u8; n * itemsize];
    for (i, &from) in index.iter().enumerate() {
        // SAFETY: `from` is below `n`.
        unsafe {
            ptr::copy_nonoverlapping(
                data.add(from as usize * itemsize),
                sorted.as_mut_ptr().add(i * itemsize),
                itemsize,
            );
        }
    }
    // SAFETY: both have `n` items.
    unsafe { ptr::copy_nonoverlapping(sorted.as_ptr(), data, n * itemsize) };
}

/// # Safety
/// As for [`SortFn`].
unsafe fn sort_items(data: *mut u8, n: usize, itemsize: usize, compare: CompareItems) {
    let mut index = vec![0; n];
    // SAFETY: the caller's promise; `index` is a permutation afterwards.
    unsafe {
        argsort_items(data, index.as_mut_ptr(), n, itemsize, true, compare);
        permute(data, &index, itemsize);
    }
}

/// Functions for items of variable size, from one comparison.
macro_rules! item_fns {
    ($($module:ident = $compare:path;)*) => {$(
        mod $module {
            use super::*;

            pub unsafe fn sort(data: *mut u8, n: usize, itemsize: usize) {
                // SAFETY: the caller's promise.
                unsafe { sort_items(data, n, itemsize, $compare) }
            }
            pub unsafe fn argsort(data: *const u8, index: *mut isize, n: usize, itemsize: usize, all: bool) {
                // SAFETY: the caller's promise.
                unsafe { argsort_items(data, index, n, itemsize, all, $compare) }
            }
            // A sorted array is a partitioned one.
            pub unsafe fn partition(data: *mut u8, n: usize, itemsize: usize, _kth: &[usize]) {
                // SAFETY: the caller's promise.
                unsafe { sort_items(data, n, itemsize, $compare) }
            }
            pub unsafe fn argpartition(data: *const u8, index: *mut isize, n: usize, itemsize: usize, _kth: &[usize]) {
                // SAFETY: the caller's promise.
                unsafe { argsort_items(data, index, n, itemsize, true, $compare) }
            }
        }
    )*};
}
item_fns! {
    bytes = compare_bytes;
    unicode = compare_unicode;
}

/// The sort of a type; void items are ordered by their bytes. `None` for objects and user types.
pub fn sort_fn(t: TypeNum, kind: SortKind) -> Option<SortFn> {
    match t {
        TypeNum::STRING | TypeNum::VOID => Some(bytes::sort),
        TypeNum::UNICODE => Some(unicode::sort),
        t => with_ordered!(t, T => match kind {
            SortKind::Stable => sort_elems::<T, true> as SortFn,
            SortKind::Quick | SortKind::Heap => sort_elems::<T, false>,
        }),
    }
}

/// The indirect sort of a type, stable for every kind.
pub fn argsort_fn(t: TypeNum) -> Option<ArgSortFn> {
    match t {
        TypeNum::STRING | TypeNum::VOID => Some(bytes::argsort),
        TypeNum::UNICODE => Some(unicode::argsort),
        t => with_ordered!(t, T => argsort_elems::<T> as ArgSortFn),
    }
}

/// Whether items ascend already.
///
/// # Safety
/// As for [`SortFn`], but that others may read the items.
pub type AscendingFn = unsafe fn(data: *const u8, n: usize) -> bool;

unsafe fn ascending_elems<T: SortOrd>(data: *const u8, n: usize) -> bool {
    // SAFETY: the contract of `AscendingFn`.
    n < 2 || ascending(Level::current(), unsafe { slice::from_raw_parts(data.cast::<T>(), n) })
}

/// In blocks, within which nothing branches.
#[inline(always)]
fn ascending_body<T: SortOrd>(items: &[T]) -> bool {
    const BLOCK: usize = 128;
    // What is in no order shows it soon.
    for two in items.windows(2).take(8) {
        if two[1].less(two[0]) {
            return false;
        }
    }
    let mut from = 0;
    while from + 1 < items.len() {
        let part = &items[from..items.len().min(from + BLOCK + 1)];
        let pairs = part.iter().zip(&part[1..]);
        let missing = part.iter().fold(false, |any, x| any | x.is_missing());
        let ascend = match missing {
            false => pairs.fold(true, |all, (&a, &b)| all & !b.less_present(a)),
            true => pairs.fold(true, |all, (&a, &b)| all & !b.less(a)),
        };
        if !ascend {
            return false;
        }
        from += BLOCK;
    }
    true
}
multiversion! { fn ascending[T: SortOrd](items: &[T]) -> bool = ascending_body::<T>; }

/// What says whether items of a type ascend; `None` for items that are compared otherwise.
pub fn ascending_fn(t: TypeNum) -> Option<AscendingFn> {
    with_ordered!(t, T => ascending_elems::<T> as AscendingFn)
}

/// The partition of a type.
pub fn partition_fn(t: TypeNum) -> Option<PartitionFn> {
    match t {
        TypeNum::STRING | TypeNum::VOID => Some(bytes::partition),
        TypeNum::UNICODE => Some(unicode::partition),
        t => with_ordered!(t, T => partition_elems::<T> as PartitionFn),
    }
}

/// The indirect partition of a type.
pub fn argpartition_fn(t: TypeNum) -> Option<ArgPartitionFn> {
    match t {
        TypeNum::STRING | TypeNum::VOID => Some(bytes::argpartition),
        TypeNum::UNICODE => Some(unicode::argpartition),
        t => with_ordered!(t, T => argpartition_elems::<T> as ArgPartitionFn),
    }
}

#[cfg(test)]
mod tests;
