//! Sorting and searching with a comparison that belongs to somebody else.
//!
//! The function may fail, and nothing forces its answers to be consistent: a class may define `<` as it likes. The
//! standard sorts are free to panic then, so this is a merge sort of its own: every index comes from the loop bounds,
//! never from an answer, and the result is always a permutation. Items are compared where they lie and moved once, at the
//! end, because the comparison may run code that looks at the array.

use core::ffi::{c_int, c_void};

use super::Side;

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
    pub func: CompareItemsFn,
    pub ctx: *mut c_void,
}

impl Comparator {
    /// # Safety
    /// Both pointers are items the function understands.
    unsafe fn less(&self, a: *const u8, b: *const u8) -> Result<bool, CompareFailed> {
        // SAFETY: the caller's promise.
        match unsafe { (self.func)(a, b, self.ctx) } {
            COMPARE_FAILED => Err(CompareFailed),
            answer => Ok(answer < 0),
        }
    }
}

/// Runs up to this length are sorted by insertion.
const RUN: usize = 16;

/// Stable indirect sort of `index`. After an error it is still a permutation of what it was.
///
/// # Safety
/// `n` items of `itemsize` bytes at `data`, which stay there during the calls, and `index` holds `n` positions below `n`.
pub unsafe fn argsort(
    data: *const u8,
    index: *mut isize,
    n: usize,
    itemsize: usize,
    cmp: &Comparator,
) -> Result<(), CompareFailed> {
    // SAFETY: the caller's promise.
    let index = unsafe { super::items_mut::<isize>(index.cast(), n) };
    // SAFETY: positions are below `n`.
    let less = |a: isize, b: isize| unsafe {
        cmp.less(data.offset(a * itemsize as isize), data.offset(b * itemsize as isize))
    };

    for run in index.chunks_mut(RUN) {
        for i in 1..run.len() {
            let mut j = i;
            while j > 0 && less(run[j], run[j - 1])? {
                run.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    let mut scratch = index.to_vec();
    let mut width = RUN;
    while width < n {
        // Merges into scratch and copies back, so that an error halfway leaves `index` whole.
        for (part, out) in index.chunks(2 * width).zip(scratch.chunks_mut(2 * width)) {
            let (mut left, mut right) = part.split_at(width.min(part.len()));
            for slot in out {
                let take_right = match (left.first(), right.first()) {
                    (Some(&l), Some(&r)) => less(r, l)?,
                    (None, _) => true,
                    (_, None) => false,
                };
                let from = if take_right { &mut right } else { &mut left };
                if let Some((&first, rest)) = from.split_first() {
                    *slot = first;
                    *from = rest;
                }
            }
        }
        index.copy_from_slice(&scratch);
        width *= 2;
    }
    Ok(())
}

/// Stable sort in place. After an error the items are as they were.
///
/// # Safety
/// `n` items of `itemsize` bytes at `data`, which stay there during the calls.
pub unsafe fn sort(data: *mut u8, n: usize, itemsize: usize, cmp: &Comparator) -> Result<(), CompareFailed> {
    let mut index: Vec<isize> = (0..n as isize).collect();
    // SAFETY: the caller's promise; `index` is a permutation.
    unsafe {
        argsort(data, index.as_mut_ptr(), n, itemsize, cmp)?;
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
