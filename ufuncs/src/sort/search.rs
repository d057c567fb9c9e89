//! Binary search of many keys in a sorted array.

use core::cmp::Ordering;

use crate::cpu::{Level, multiversion};
use crate::order::{SortOrd, compare_bytes, compare_unicode, with_ordered};
use crate::typenum::TypeNum;

/// Which of several equal places a search finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Before all items equal to the key.
    Left,
    /// Behind them.
    Right,
}

/// A sorter names an item that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadSorter;

impl core::fmt::Display for BadSorter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sorter index out of range.")
    }
}

/// Finds the place of each key. Arguments are (pointer, byte stride, count) of the sorted data and of the keys, (pointer,
/// byte stride) of the `isize` results, and the item size.
///
/// # Safety
/// Aligned native items at both, room for a result per key.
pub type SearchFn = unsafe fn(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    itemsize: usize,
);

/// [`SearchFn`] through (pointer, byte stride) of `isize` positions that sort the data.
///
/// # Safety
/// As for [`SearchFn`], with as many positions as there is data. Their values may be anything.
pub type SorterSearchFn = unsafe fn(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    sorter: (*const u8, isize),
    itemsize: usize,
) -> Result<(), BadSorter>;

/// The search itself. Keys often ascend too: the bounds of the last search are reused when the next key is not smaller.
///
/// # Safety
/// As for [`SearchFn`].
#[inline(always)]
unsafe fn search(
    n: usize,
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    side: Side,
    compare: impl Fn(*const u8, *const u8) -> Ordering,
    item: impl Fn(usize) -> Result<*const u8, BadSorter>,
) -> Result<(), BadSorter> {
    let before = |c: Ordering| match side {
        Side::Left => c == Ordering::Less,
        Side::Right => c != Ordering::Greater,
    };
    let (mut low, mut high) = (0, n);
    let mut last = keys.0;
    for i in 0..keys.2 as isize {
        // SAFETY: `i` is a key and has a result.
        let (key, out) = unsafe { (keys.0.offset(i * keys.1), out.0.offset(i * out.1) as *mut isize) };
        // The last search ended with `low == high`: that place bounds this one from one side.
        if before(compare(last, key)) {
            high = n;
        } else {
            (low, high) = (0, if high < n { high + 1 } else { n });
        }
        last = key;
        while low < high {
            let mid = low + (high - low) / 2;
            if before(compare(item(mid)?, key)) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        // SAFETY: as above.
        unsafe { out.write_unaligned(low as isize) };
    }
    Ok(())
}

/// # Safety
/// As for [`SearchFn`].
#[inline(always)]
unsafe fn plain(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    side: Side,
    compare: impl Fn(*const u8, *const u8) -> Ordering,
) {
    // SAFETY: the search asks for items below `n` only.
    let found =
        unsafe { search(data.2, keys, out, side, compare, |i| Ok(data.0.offset(i as isize * data.1))) };
    debug_assert!(found.is_ok());
}

/// # Safety
/// As for [`SorterSearchFn`].
#[inline(always)]
unsafe fn sorted(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    sorter: (*const u8, isize),
    side: Side,
    compare: impl Fn(*const u8, *const u8) -> Ordering,
) -> Result<(), BadSorter> {
    let item = |i: usize| {
        // SAFETY: the search asks for positions below `n` only, and there are `n`.
        let at = unsafe { (sorter.0.offset(i as isize * sorter.1) as *const isize).read_unaligned() };
        if at < 0 || at as usize >= data.2 {
            return Err(BadSorter);
        }
        // SAFETY: checked.
        Ok(unsafe { data.0.offset(at * data.1) })
    };
    // SAFETY: the caller's promise.
    unsafe { search(data.2, keys, out, side, compare, item) }
}

fn elem_order<T: SortOrd>(a: *const u8, b: *const u8) -> Ordering {
    // SAFETY: both functions that pass this on compare items of type `T` only.
    unsafe { (*(a as *const T)).order(*(b as *const T)) }
}

const fn side(right: bool) -> Side {
    if right { Side::Right } else { Side::Left }
}

unsafe fn plain_elems<T: SortOrd, const RIGHT: bool>(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    _itemsize: usize,
) {
    let size = size_of::<T>() as isize;
    if size_of::<T>() <= 8 && data.2 > 0 && keys.2 > 0 && data.1 == size && keys.1 == size && out.1 == 8 {
        // SAFETY: the caller's promise: contiguous aligned items, and room for a result per key.
        unsafe {
            let (data, keys) = (
                core::slice::from_raw_parts(data.0.cast::<T>(), data.2),
                core::slice::from_raw_parts(keys.0.cast::<T>(), keys.2),
            );
            return together(Level::current(), data, keys, out.0.cast(), RIGHT);
        }
    }
    // SAFETY: the caller's promise.
    unsafe { plain(data, keys, out, side(RIGHT), elem_order::<T>) }
}

/// Keys that are looked for at a time.
const LANES: usize = 8;

/// The search for several keys in step: all halve the same length, so nothing is there to be predicted, and the loads of one
/// wait for none of the others'.
#[inline(always)]
fn steps<T: SortOrd, const RIGHT: bool, const N: usize>(data: &[T], keys: &[T; N]) -> [isize; N] {
    let before = |item: T, key: T| if RIGHT { !key.less(item) } else { item.less(key) };
    let (mut base, mut len) = ([0usize; N], data.len());
    while len > 1 {
        let half = len / 2;
        for k in 0..N {
            // SAFETY: `base + len` is at most the number of items.
            let item = unsafe { *data.get_unchecked(base[k] + half - 1) };
            base[k] += if before(item, keys[k]) { half } else { 0 };
        }
        len -= half;
    }
    core::array::from_fn(|k| {
        // SAFETY: as above, with `len == 1`.
        let item = unsafe { *data.get_unchecked(base[k]) };
        base[k] as isize + isize::from(before(item, keys[k]))
    })
}

#[inline(always)]
fn together_body<T: SortOrd>(data: &[T], keys: &[T], out: *mut isize, right: bool) {
    #[inline(always)]
    fn run<T: SortOrd, const RIGHT: bool>(data: &[T], keys: &[T], out: *mut isize) {
        let (chunks, rest) = keys.as_chunks::<LANES>();
        for (c, chunk) in chunks.iter().enumerate() {
            let found = steps::<T, RIGHT, LANES>(data, chunk);
            // SAFETY: the caller of `together` has room for a result per key.
            unsafe { out.add(c * LANES).cast::<[isize; LANES]>().write_unaligned(found) };
        }
        for (k, key) in rest.iter().enumerate() {
            let [found] = steps::<T, RIGHT, 1>(data, &[*key]);
            // SAFETY: as above.
            unsafe { out.add(chunks.len() * LANES + k).write_unaligned(found) };
        }
    }
    if right { run::<T, true>(data, keys, out) } else { run::<T, false>(data, keys, out) }
}

multiversion! {
    fn together[T: SortOrd](data: &[T], keys: &[T], out: *mut isize, right: bool) -> () = together_body::<T>;
}

unsafe fn sorted_elems<T: SortOrd, const RIGHT: bool>(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    sorter: (*const u8, isize),
    _itemsize: usize,
) -> Result<(), BadSorter> {
    // SAFETY: the caller's promise.
    unsafe { sorted(data, keys, out, sorter, side(RIGHT), elem_order::<T>) }
}

unsafe fn plain_items<const UNICODE: bool, const RIGHT: bool>(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    itemsize: usize,
) {
    let compare = if UNICODE { compare_unicode } else { compare_bytes };
    // SAFETY: the caller's promise.
    unsafe { plain(data, keys, out, side(RIGHT), |a, b| compare(a, b, itemsize)) }
}

unsafe fn sorted_items<const UNICODE: bool, const RIGHT: bool>(
    data: (*const u8, isize, usize),
    keys: (*const u8, isize, usize),
    out: (*mut u8, isize),
    sorter: (*const u8, isize),
    itemsize: usize,
) -> Result<(), BadSorter> {
    let compare = if UNICODE { compare_unicode } else { compare_bytes };
    // SAFETY: the caller's promise.
    unsafe { sorted(data, keys, out, sorter, side(RIGHT), |a, b| compare(a, b, itemsize)) }
}

/// The search in sorted data of a type; `None` for objects and user types.
pub fn search_fn(t: TypeNum, side: Side) -> Option<SearchFn> {
    let right = side == Side::Right;
    match t {
        TypeNum::STRING | TypeNum::VOID if right => Some(plain_items::<false, true>),
        TypeNum::STRING | TypeNum::VOID => Some(plain_items::<false, false>),
        TypeNum::UNICODE if right => Some(plain_items::<true, true>),
        TypeNum::UNICODE => Some(plain_items::<true, false>),
        t => {
            with_ordered!(t, T => if right { plain_elems::<T, true> as SearchFn } else { plain_elems::<T, false> })
        }
    }
}

/// [`search_fn`] for data that a sorter puts in order.
pub fn search_fn_with_sorter(t: TypeNum, side: Side) -> Option<SorterSearchFn> {
    let right = side == Side::Right;
    match t {
        TypeNum::STRING | TypeNum::VOID if right => Some(sorted_items::<false, true>),
        TypeNum::STRING | TypeNum::VOID => Some(sorted_items::<false, false>),
        TypeNum::UNICODE if right => Some(sorted_items::<true, true>),
        TypeNum::UNICODE => Some(sorted_items::<true, false>),
        t => {
            with_ordered!(t, T => if right { sorted_elems::<T, true> as SorterSearchFn } else { sorted_elems::<T, false> })
        }
    }
}
