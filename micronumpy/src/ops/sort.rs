//! Sorting, partitioning and searching along an axis.
//!
//! Kernels want a lane as contiguous native items; a lane that is not goes through a buffer. Objects are sorted in a
//! buffer that owns references of its own: comparisons run foreign code, which may do anything to the array. Variable-width
//! strings are moved about as bytes, which within one arena is all it takes.

use ufuncs::casts::copy::copy_strided;
use ufuncs::elem::LongDouble;
use ufuncs::sort::{
    ArgPartitionFn, ArgSortFn, PartitionFn, Side, SortFn, SortKind, are_enough, argpartition_fn, argsort_fn,
    ascending_fn, by, partition_fn, search_fn, search_fn_with_sorter, sort_fn, sort_lanes_fn,
};

use super::compare::Compare;
use super::{Prepared, Target, for_each_lane, without_axis};
use crate::array::{ArrayRef, NdArray, Order, buffer};
use crate::cast::Transfer;
use crate::dtype::{Body, Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::iter::{AxisPlan, MultiIter};

/// Whether a dtype's order is that of its type number's kernels.
fn has_kernel(dt: &Dtype) -> bool {
    !matches!(dt.body, Body::Struct(_) | Body::Subarray(..)) && !dt.num.is_object() && !dt.num.is_user()
}

/// A lane as contiguous native items, and the way back.
struct LaneBuffer {
    buffer: NdArray,
    /// There and back; items that are native are moved as they are.
    convert: Option<(Transfer, Transfer)>,
    n: usize,
}

impl LaneBuffer {
    fn new(dt: &Dtype, n: usize) -> Result<LaneBuffer> {
        let raw = if dt.as_strings().is_some() { Dtype::void(dt.itemsize) } else { dt.clone() };
        let (dt, native) = (&raw, raw.with_byteorder(b'='));
        let convert = if dt.num.is_number() && dt.is_native() {
            None
        } else {
            Some((Transfer::new(dt, &native, false)?, Transfer::new(&native, dt, false)?))
        };
        Ok(LaneBuffer { buffer: NdArray::empty(&[n as isize], &native, Order::C)?, convert, n })
    }
    unsafe fn load(&self, lane: *mut u8, stride: isize) -> Result<*mut u8> {
        let (items, size) = (self.buffer.data(), self.buffer.dtype.itemsize);
        // SAFETY: the lane has `n` elements, and so has the buffer.
        unsafe {
            match &self.convert {
                Some((load, _)) => load.run(lane, stride, items, size as isize, self.n)?,
                None => copy_strided(items, size as isize, lane, stride, self.n, size),
            }
        }
        Ok(items)
    }
    unsafe fn store(&self, lane: *mut u8, stride: isize) -> Result<()> {
        let (items, size) = (self.buffer.data(), self.buffer.dtype.itemsize);
        // SAFETY: as above.
        unsafe {
            match &self.convert {
                Some((_, store)) => store.run(items, size as isize, lane, stride, self.n)?,
                None => copy_strided(lane, stride, items, size as isize, self.n, size),
            }
        }
        Ok(())
    }
}

/// Whether lanes along `axis` can be handed to kernels as they are.
fn direct(arr: &ArrayRef<'_>, axis: usize) -> bool {
    arr.dtype.is_native()
        && arr.is_aligned()
        && (arr.strides[axis] == arr.dtype.itemsize as isize || arr.shape[axis] == 1)
        && (!arr.dtype.has_object() || arr.dtype.as_strings().is_some())
}

/// Run `f` over all lanes as contiguous native items, writing them back.
fn in_place(
    arr: &ArrayRef<'_>,
    axis: usize,
    mut f: impl FnMut(*mut u8, usize, usize) -> Result<()>,
) -> Result<()> {
    let (n, stride) = (arr.shape[axis] as usize, arr.strides[axis]);
    let size = arr.dtype.itemsize;
    if n <= 1 || arr.size() == 0 {
        return Ok(());
    }
    if direct(arr, axis) {
        return for_each_lane(arr.shape, axis, &[arr.data], &[arr.strides], |p| f(p[0], n, size));
    }
    let lane = LaneBuffer::new(arr.dtype, n)?;
    for_each_lane(arr.shape, axis, &[arr.data], &[arr.strides], |p| {
        // SAFETY: `p[0]` starts a lane of `n` elements.
        unsafe {
            let items = lane.load(p[0], stride)?;
            f(items, n, size)?;
            lane.store(p[0], stride)
        }
    })
}

/// Sorts many short lanes of native numbers together; false, and nothing done, where that is no gain.
fn sort_together(arr: &ArrayRef<'_>, axis: usize, kind: SortKind) -> bool {
    let n = arr.shape[axis] as usize;
    if arr.ndim() < 2 || arr.size() == 0 || !has_kernel(arr.dtype) || !arr.dtype.is_native() {
        return false;
    }
    let Some(f) = sort_lanes_fn(arr.dtype.num, kind == SortKind::Stable, n) else { return false };
    let (shape, strides) = (without_axis(arr.shape, axis), without_axis(arr.strides, axis));
    let mut plan = AxisPlan::new(&shape, &[&strides]);
    let longest = (0..plan.ndim()).max_by_key(|&a| plan.shape[a]);
    // Neighbours in memory, unless there are few and more of them elsewhere.
    if let (Some(longest), Some(last)) = (longest, plan.ndim().checked_sub(1))
        && plan.shape[last] < 64
    {
        plan.shape.swap(longest, last);
        plan.strides.swap(longest, last);
    }
    let mut it = MultiIter::from_plan(&plan, &[arr.data]);
    if !are_enough(n, arr.dtype.itemsize, it.inner_count()) {
        return false;
    }
    let sorted = it.for_each(|p, lanes, next| {
        // SAFETY: the lanes of an array whose elements are native numbers.
        unsafe { f(p[0], n, arr.strides[axis], lanes, next[0]) };
        Ok(())
    });
    sorted.is_ok()
}

/// Sort in place along an axis.
///
/// # Errors
/// What comparisons of objects raise; lanes before are sorted then.
pub fn sort(arr: &ArrayRef<'_>, axis: usize, kind: SortKind) -> Result<()> {
    if sort_together(arr, axis, kind) {
        return Ok(());
    }
    let kernel: Option<SortFn> = if has_kernel(arr.dtype) { sort_fn(arr.dtype.num, kind) } else { None };
    let compare = if kernel.is_none() { Some(Compare::of(arr.dtype)?) } else { None };
    // What is equal and not the same only stays where it is if that was asked for.
    let stays = kind == SortKind::Stable || arr.dtype.num.is_integer() || arr.dtype.num.is_bool();
    let ascending = kernel.filter(|_| stays).and_then(|_| ascending_fn(arr.dtype.num));
    in_place(arr, axis, |items, n, size| {
        // SAFETY: `n` contiguous native items.
        unsafe {
            if ascending.is_some_and(|test| test(items, n)) {
                return Ok(());
            }
            match (&kernel, &compare) {
                (Some(f), _) => f(items, n, size),
                (None, Some(c)) => {
                    by::sort(items, n, size, kind, &c.comparator()).map_err(|e| c.failure(e))?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    })
}

/// Positions that would sort every lane along `axis`, into `out` (intp, `arr`'s shape).
///
/// # Errors
/// As [`sort`].
pub fn argsort(arr: &ArrayRef<'_>, axis: usize, kind: SortKind, out: &ArrayRef<'_>) -> Result<()> {
    let kernel: Option<ArgSortFn> = if has_kernel(arr.dtype) { argsort_fn(arr.dtype.num) } else { None };
    let compare = if kernel.is_none() { Some(Compare::of(arr.dtype)?) } else { None };
    let ascending = kernel.and_then(|_| ascending_fn(arr.dtype.num));
    indirect(arr, axis, out, |items, index, n, size| {
        // SAFETY: `n` contiguous native items, and as many positions.
        unsafe {
            if ascending.is_some_and(|test| test(items, n)) {
                count_up(index, n);
                return Ok(());
            }
            match (&kernel, &compare) {
                (Some(f), _) => f(items, index, n, size, true),
                (None, Some(c)) => {
                    count_up(index, n);
                    by::argsort(items, index, n, size, kind, &c.comparator()).map_err(|e| c.failure(e))?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    })
}

/// Writes the positions `0..n`.
///
/// # Safety
/// There is room for them.
unsafe fn count_up(index: *mut isize, n: usize) {
    // SAFETY: the caller's promise.
    (0..n as isize).for_each(|i| unsafe { index.offset(i).write(i) });
}

/// Calls `f` with every lane as contiguous native items and what it is to write their positions to.
fn indirect(
    arr: &ArrayRef<'_>,
    axis: usize,
    out: &ArrayRef<'_>,
    mut f: impl FnMut(*mut u8, *mut isize, usize, usize) -> Result<()>,
) -> Result<()> {
    let (n, stride) = (arr.shape[axis] as usize, arr.strides[axis]);
    if arr.size() == 0 {
        return Ok(());
    }
    let size = arr.dtype.itemsize;
    let lane = if direct(arr, axis) { None } else { Some(LaneBuffer::new(arr.dtype, n)?) };
    let (out_stride, swapped) = (out.strides[axis], out.dtype.is_swapped());
    let in_place = out_stride == size_of::<isize>() as isize && !swapped && out.is_aligned();
    let mut index = if in_place { Vec::new() } else { buffer::scratch(n, 0isize)? };
    for_each_lane(arr.shape, axis, &[arr.data, out.data], &[arr.strides, out.strides], |p| {
        // SAFETY: both lanes have `n` elements.
        unsafe {
            let items = match &lane {
                Some(l) => l.load(p[0], stride)?,
                None => p[0],
            };
            if in_place {
                // Positions are written where they are wanted: nothing else looks at a fresh result, and one that is given
                // does not overlap the array.
                return f(items, p[1].cast(), n, size);
            }
            f(items, index.as_mut_ptr(), n, size)?;
            for (i, &v) in index.iter().enumerate() {
                let v = if swapped { v.swap_bytes() } else { v };
                p[1].wrapping_offset(i as isize * out_stride).cast::<isize>().write_unaligned(v);
            }
        }
        Ok(())
    })
}

/// The different elements of an array of native integers, ascending; `None` for all other arrays.
///
/// # Errors
/// Memory.
pub fn unique_integers(arr: &ArrayRef<'_>) -> Result<Option<NdArray>> {
    let dt = arr.dtype;
    if !dt.num.is_integer() || !dt.is_native() {
        return Ok(None);
    }
    let Some(sort) = sort_fn(dt.num, SortKind::Quick) else { return Ok(None) };
    let all = NdArray::copy_of(arr, Order::C)?;
    let n = arr.size();
    /// Moves what is different to the front; returns how many that are.
    ///
    /// # Safety
    /// `n` aligned items at `data`, which nobody else uses.
    unsafe fn dedup<T: Copy + PartialEq>(data: *mut u8, n: usize) -> usize {
        // SAFETY: the caller's promise.
        let items = unsafe { std::slice::from_raw_parts_mut(data.cast::<T>(), n) };
        let mut kept = 1.min(n);
        for i in 1..n {
            let item = items[i];
            items[kept] = item;
            kept += usize::from(item != items[kept - 1]);
        }
        kept
    }
    // SAFETY: a contiguous copy of our own.
    let kept = unsafe {
        sort(all.data(), n, dt.itemsize);
        match dt.itemsize {
            1 => dedup::<u8>(all.data(), n),
            2 => dedup::<u16>(all.data(), n),
            4 => dedup::<u32>(all.data(), n),
            _ => dedup::<u64>(all.data(), n),
        }
    };
    let out = NdArray::empty(&[kept as isize], dt, Order::C)?;
    // SAFETY: as many items of both.
    unsafe { std::ptr::copy_nonoverlapping(all.data(), out.data(), kept * dt.itemsize) };
    Ok(Some(out))
}

/// The different elements of an array of native complex numbers, in any order, of equal ones the first; with `equal_nan` all
/// that have a NaN are equal. `None` for all other arrays.
///
/// # Errors
/// Memory.
pub fn unique_complex(arr: &ArrayRef<'_>, equal_nan: bool) -> Result<Option<NdArray>> {
    if !arr.dtype.is_native() {
        return Ok(None);
    }
    Ok(Some(match arr.dtype.num {
        TypeNum::CFLOAT => different(arr, equal_nan, |x: f32| x.is_nan(), |x| x.to_bits() == 1 << 31)?,
        TypeNum::CDOUBLE => different(arr, equal_nan, |x: f64| x.is_nan(), |x| x.to_bits() == 1 << 63)?,
        TypeNum::CLONGDOUBLE => {
            let zero = LongDouble::from(0.0);
            different(arr, equal_nan, |x: LongDouble| x.is_nan(), |x| x == zero)?
        }
        _ => return Ok(None),
    }))
}

/// [`unique_complex`] of numbers of two parts. Equal numbers without a NaN differ in bits only if some part is a zero with a
/// sign.
fn different<P: Copy + PartialEq>(
    arr: &ArrayRef<'_>,
    equal_nan: bool,
    is_nan: impl Fn(P) -> bool,
    is_signed_zero: impl Fn(P) -> bool,
) -> Result<NdArray> {
    let (dt, n) = (arr.dtype, arr.size());
    let all = NdArray::copy_of(arr, Order::C)?;
    // SAFETY: a contiguous copy of our own, of numbers of two parts.
    let items = unsafe { std::slice::from_raw_parts_mut(all.data().cast::<[P; 2]>(), n) };
    let is_missing = |item: &[P; 2]| item.iter().any(|&part| is_nan(part));
    let is_plain = |item: &[P; 2]| !item.iter().any(|&part| is_nan(part) | is_signed_zero(part));
    let mut kept = items.len().min(1);
    if let Some(sort) = sort_fn(dt.num, SortKind::Quick).filter(|_| items.iter().all(is_plain)) {
        // SAFETY: as above.
        unsafe { sort(all.data(), n, dt.itemsize) };
        for i in 1..n {
            items[kept] = items[i];
            kept += usize::from(items[kept] != items[kept - 1]);
        }
    } else if let Some(argsort) = argsort_fn(dt.num) {
        let mut index = vec![0isize; n];
        // SAFETY: as above, and positions of all.
        unsafe { argsort(all.data(), index.as_mut_ptr(), n, dt.itemsize, true) };
        // Missing ones are behind all others, and the sort is stable.
        let present = index.partition_point(|&at| !is_missing(&items[at as usize]));
        let (present, missing) = index.split_at_mut(present);
        let mut chosen: Vec<isize> = present
            .chunk_by(|&a, &b| items[a as usize] == items[b as usize])
            .filter_map(|run| run.first().copied())
            .collect();
        if equal_nan {
            chosen.extend(missing.iter().min());
        } else {
            chosen.extend_from_slice(missing);
        }
        let found: Vec<[P; 2]> = chosen.iter().map(|&at| items[at as usize]).collect();
        kept = found.len();
        items[..kept].copy_from_slice(&found);
    }
    let out = NdArray::empty(&[kept as isize], dt, Order::C)?;
    // SAFETY: as many items of both.
    unsafe { std::ptr::copy_nonoverlapping(all.data(), out.data(), kept * dt.itemsize) };
    Ok(out)
}

/// Partition positions for lanes of `n`: checked, non-negative, ascending, without repetitions.
///
/// # Errors
/// `kth(=5) out of bounds (3)`.
pub fn check_kth(kth: &[isize], n: usize) -> Result<Vec<usize>> {
    let n = n as isize;
    let mut out = Vec::with_capacity(kth.len());
    for &k in kth {
        let k = if k < 0 { k + n } else { k };
        // An empty lane has nothing to put in place, so anything goes.
        if n != 0 && (k < 0 || k >= n) {
            return Err(Error::value(format!("kth(={k}) out of bounds ({n})")));
        }
        out.push(k.max(0) as usize);
    }
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

/// Lanes of so few items are sorted to partition them. It takes no longer, and so what [`partition`] and [`argpartition`] leave
/// open is the same with both, as upstream's tests expect of short lanes.
const SORTED: usize = 128;

/// Partition in place along an axis around the given positions.
///
/// # Errors
/// As [`sort`] and [`check_kth`].
pub fn partition(arr: &ArrayRef<'_>, axis: usize, kth: &[isize]) -> Result<()> {
    let kth = check_kth(kth, arr.shape[axis] as usize)?;
    let kernel: Option<PartitionFn> = if has_kernel(arr.dtype) { partition_fn(arr.dtype.num) } else { None };
    let Some(f) = kernel.filter(|_| arr.shape[axis] as usize > SORTED) else {
        return sort(arr, axis, SortKind::Quick);
    };
    let ascending = ascending_fn(arr.dtype.num);
    in_place(arr, axis, |items, n, size| {
        // SAFETY: `n` contiguous native items, positions below `n`. What ascends is partitioned.
        unsafe {
            if !ascending.is_some_and(|test| test(items, n)) {
                f(items, n, size, &kth);
            }
        }
        Ok(())
    })
}

/// Positions that would partition every lane, into `out`.
///
/// # Errors
/// As [`partition`].
pub fn argpartition(arr: &ArrayRef<'_>, axis: usize, kth: &[isize], out: &ArrayRef<'_>) -> Result<()> {
    let kth = check_kth(kth, arr.shape[axis] as usize)?;
    let kernel: Option<ArgPartitionFn> =
        if has_kernel(arr.dtype) { argpartition_fn(arr.dtype.num) } else { None };
    let Some(f) = kernel.filter(|_| arr.shape[axis] as usize > SORTED) else {
        return argsort(arr, axis, SortKind::Quick, out);
    };
    let ascending = ascending_fn(arr.dtype.num);
    indirect(arr, axis, out, |items, index, n, size| {
        // SAFETY: `n` contiguous native items, as many positions, and `kth` below `n`. What ascends is partitioned.
        unsafe {
            if ascending.is_some_and(|test| test(items, n)) {
                count_up(index, n);
            } else {
                f(items, index, n, size, &kth);
            }
        }
        Ok(())
    })
}

/// Positions that sort by the last key first, ties by the one before, and so on. Keys have one shape, and `out` has it
/// too.
///
/// # Errors
/// `all keys need to be the same shape`; dtypes that cannot be sorted indirectly.
pub fn lexsort(keys: &[ArrayRef<'_>], axis: usize, out: &ArrayRef<'_>) -> Result<()> {
    let Some(first) = keys.first() else {
        return Err(Error::type_("need sequence of keys with len > 0 in lexsort"));
    };
    if keys.iter().any(|k| k.shape != first.shape) {
        return Err(Error::value("all keys need to be the same shape"));
    }
    if first.size() == 0 {
        return Ok(());
    }
    let n = first.shape[axis] as usize;
    enum Way {
        Kernel(ArgSortFn),
        Compare(Compare),
    }
    let mut ways = Vec::with_capacity(keys.len());
    for k in keys {
        let way = match if has_kernel(k.dtype) { argsort_fn(k.dtype.num) } else { None } {
            Some(f) => Way::Kernel(f),
            None => Way::Compare(Compare::of(k.dtype)?),
        };
        ways.push((way, LaneBuffer::new(k.dtype, n)?));
    }
    let mut data = vec![out.data];
    data.extend(keys.iter().map(|k| k.data));
    let mut strides = vec![out.strides];
    strides.extend(keys.iter().map(|k| k.strides));
    let mut index = buffer::scratch(n, 0isize)?;
    for_each_lane(first.shape, axis, &data, &strides, |p| {
        for (i, v) in index.iter_mut().enumerate() {
            *v = i as isize;
        }
        for (j, ((way, lane), key)) in ways.iter().zip(keys).enumerate() {
            // SAFETY: every lane has `n` elements; stable sorts keep earlier keys' order among equals.
            unsafe {
                let items = lane.load(p[1 + j], key.strides[axis])?;
                let size = key.dtype.itemsize;
                match way {
                    Way::Kernel(f) => f(items, index.as_mut_ptr(), n, size, j == 0),
                    Way::Compare(c) => {
                        let index = index.as_mut_ptr();
                        by::argsort(items, index, n, size, SortKind::Stable, &c.comparator())
                            .map_err(|e| c.failure(e))?;
                    }
                }
            }
        }
        for (i, &v) in index.iter().enumerate() {
            let at = p[0].wrapping_offset(i as isize * out.strides[axis]);
            // SAFETY: element `i` of the lane of `out`.
            unsafe { at.cast::<isize>().write_unaligned(v) };
        }
        Ok(())
    })
}

/// Where each key belongs in the 1-d `sorted`, into `out` (intp, the keys' shape). Both are converted to `common`.
///
/// # Errors
/// `Sorter index out of range.`, `sorter.size must equal a.size`.
pub fn searchsorted(
    sorted: &ArrayRef<'_>,
    keys: &ArrayRef<'_>,
    common: &Dtype,
    side: Side,
    sorter: Option<&ArrayRef<'_>>,
    out: &ArrayRef<'_>,
) -> Result<()> {
    let common = common.with_byteorder(b'=');
    let data = Prepared::new(*sorted, &common)?;
    let data = data.view();
    let keys = Prepared::contiguous(*keys, &common)?;
    let keys = keys.view();
    let sorter = match sorter {
        Some(s) if s.size() != sorted.size() => {
            return Err(Error::value("sorter.size must equal a.size"));
        }
        Some(s) => Some(Prepared::new(*s, &Dtype::intp())?),
        None => None,
    };
    let target = Target::new(*out)?;
    let to = (target.view().data, size_of::<isize>() as isize);
    let hay = (data.data.cast_const(), data.strides[0], data.shape[0] as usize);
    let needles = (keys.data.cast_const(), common.itemsize as isize, keys.size());
    let order = sorter.as_ref().map(|s| (s.view().data.cast_const(), s.view().strides[0]));
    let bad = || Error::value("Sorter index out of range.");
    let kernel = if has_kernel(&common) { Some(common.num) } else { None };
    // SAFETY: native aligned elements, as many as said; `out` has a place per key.
    unsafe {
        match (kernel.and_then(|t: TypeNum| search_fn(t, side)), order) {
            (Some(f), None) => f(hay, needles, to, common.itemsize),
            (Some(_), Some(s)) => {
                if let Some(f) = search_fn_with_sorter(common.num, side) {
                    f(hay, needles, to, s, common.itemsize).map_err(|_| bad())?;
                }
            }
            (None, s) => {
                let c = Compare::of(&common)?;
                by::search(hay, needles, to, s, side, &c.comparator())
                    .map_err(|e| c.failure(e))?
                    .map_err(|_| bad())?;
            }
        }
    }
    target.finish()
}
