//! Assignment between arrays, on top of [`Transfer`].

use super::Transfer;
use super::transfer::host;
use crate::array::{ArrayRef, Dims, NdArray, Order, overlap, shape_text};
use crate::dtype::{Body, Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::iter::{AxisPlan, MultiIter, broadcast_strides};
use crate::object::ObjectOps;
use crate::threads;
use crate::ufunc::exec::elements_apart;
use std::ptr::{null, null_mut};
use ufuncs::casts::{cast_flags, cast_loop, copy, transpose};
use ufuncs::{LoopFlags, fpstatus};

/// Assign `src` to `dst` element by element with broadcasting, any dtypes, any strides, overlap handled as if `src` had
/// been copied first. Castability is the caller's business. Object references are kept exact.
///
/// # Errors
/// Shapes that do not broadcast (`could not broadcast input array from shape (3,) into shape (2,)`), values that
/// cannot be converted.
pub fn copy_into(dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Result<()> {
    copy_into_status(dst, src).map(|_| ())
}

/// [`copy_into`], returning the floating-point status the casts raised (see [`ufuncs::fpstatus`]).
///
/// # Errors
/// As there.
pub fn copy_into_status(dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Result<u8> {
    if let Some(status) = copy_row(dst, src) {
        return Ok(status);
    }
    copy_with(dst, src, Transfer::new)
}

/// [`copy_into_status`] that fails when a value changes (`casting='same_value'`).
///
/// # Errors
/// As there; `could not cast 'same_value'`.
pub fn copy_into_same_value(dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Result<u8> {
    copy_with(dst, src, Transfer::same_value)
}

/// The common cases without a plan: native numbers that lie in one row on both sides, which are apart, or one number for
/// a whole row. `None` for everything else.
fn copy_row(dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Option<u8> {
    let simple = |a: &ArrayRef<'_>| {
        (a.dtype.num.is_number() || a.dtype.num.is_bool()) && a.dtype.is_native() && a.is_aligned()
    };
    if !simple(dst) || !simple(src) {
        return None;
    }
    if overlap::may_share_bounds(dst, src) {
        return None;
    }
    let (from, to) = (src.dtype.num, dst.dtype.num);
    let (size, same) = (dst.dtype.itemsize, from == to);
    let Some((n, strides)) = row_strides(dst, src) else {
        if !same || dst.size() == 0 {
            return None;
        }
        return copy_matrix(dst, src).then_some(0);
    };
    if n == 0 {
        return None;
    }
    if same {
        // SAFETY: two rows of `n` elements of one type that are apart.
        let copy = |data: [*mut u8; 2], n: usize| unsafe {
            copy::copy_strided(data[1], strides[1], data[0], strides[0], n, size);
        };
        rows_in_parts(dst, [src.data, dst.data], strides, n as usize, copy);
        return Some(0);
    }
    // Making the plan is what warns of discarded parts.
    if from.is_complex() && (to.is_integer() || to.is_float()) {
        return None;
    }
    let (func, checked) = (cast_loop(from, to)?, !cast_flags(from, to).contains(LoopFlags::NO_FP_ERRORS));
    let mut item = [0u128; 2];
    let repeats = strides[0] == 0 && n > 1;
    // One number for a whole row is converted once.
    let data = [src.data, if repeats { item.as_mut_ptr().cast() } else { dst.data }];
    if checked {
        fpstatus::clear();
    }
    let cast = |data: [*mut u8; 2], n: usize| {
        // SAFETY: two aligned rows of `n` elements of the loop's types, or one element and room for it.
        let code = unsafe { func(null(), data.as_ptr(), &(n as isize), strides.as_ptr(), null_mut()) };
        debug_assert_eq!(code, 0, "casts between numbers do not fail");
    };
    if repeats {
        cast(data, 1);
        // SAFETY: a row of `n` elements, and one of its type.
        unsafe { copy::fill(dst.data, strides[1], n as usize, data[1], size) };
    } else {
        rows_in_parts(dst, data, strides, n as usize, cast);
    }
    Some(if checked { fpstatus::take() as u8 } else { 0 })
}

/// Calls `f` for parts of two rows of `n` elements that are apart, source and destination, on several threads if that pays.
fn rows_in_parts(
    dst: &ArrayRef<'_>,
    data: [*mut u8; 2],
    strides: [isize; 2],
    n: usize,
    f: impl Fn([*mut u8; 2], usize) + Sync,
) {
    if n < threads::LONG || !elements_apart(dst) {
        return f(data, n);
    }
    // SAFETY: parts of the destination do not meet, nor does the source.
    let shared = unsafe { threads::Shared::new(data) };
    let done = threads::split(n, 1, |from, to| {
        let [source, destination] = *shared.get();
        let at = |p: *mut u8, stride: isize| p.wrapping_offset(from as isize * stride);
        f([at(source, strides[0]), at(destination, strides[1])], to - from);
        Ok(())
    });
    debug_assert!(done.is_ok(), "no part fails");
}

/// Elements up to which a copy across memory orders needs no tiles.
const SMALL: usize = 4096;

/// Copies the elements of one type between two matrices that are apart; false where a plan does it better.
fn copy_matrix(dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> bool {
    let (&[rows, columns], &[d0, d1], &[s0, s1]) = (dst.shape, dst.strides, src.strides) else {
        return false;
    };
    if src.shape != dst.shape || !elements_apart(dst) {
        return false;
    }
    let size = dst.dtype.itemsize as isize;
    if rows == 1 || columns == 1 {
        let (n, to, from) = if rows == 1 { (columns, d1, s1) } else { (rows, d0, s0) };
        // SAFETY: two rows of this length that are apart.
        unsafe { copy::copy_strided(dst.data, to, src.data, from, n as usize, size as usize) };
        return true;
    }
    // (The destination's items are side by side; whether it is by its rows or by its columns does not matter.)
    if d1 == size && s0 == size && transpose::is_transposable([rows, columns], size as usize) {
        // SAFETY: two matrices of this shape that are apart.
        unsafe {
            transpose::copy_transposed((dst.data, d0), (src.data, s1), [rows, columns], size as usize);
        }
        return true;
    }
    if d0 == size && s1 == size && transpose::is_transposable([columns, rows], size as usize) {
        // SAFETY: as above.
        unsafe {
            transpose::copy_transposed((dst.data, d1), (src.data, s0), [columns, rows], size as usize);
        }
        return true;
    }
    if d1 != size && d0 == size {
        // Along the columns of the destination.
        if s0 != size && dst.size() > SMALL {
            return false;
        }
        // SAFETY: as above.
        unsafe {
            copy::copy_rows((dst.data, [d1, d0]), (src.data, [s1, s0]), [columns, rows], size as usize);
        }
        return true;
    }
    if (d1 != size || s1 != size) && dst.size() > SMALL {
        return false;
    }
    // SAFETY: as above.
    unsafe { copy::copy_rows((dst.data, [d0, d1]), (src.data, [s0, s1]), [rows, columns], size as usize) };
    true
}

/// Number of elements and strides of source and destination, where both are one row.
fn row_strides(dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Option<(isize, [isize; 2])> {
    let sizes = [src, dst].map(|a| a.dtype.itemsize as isize);
    match (src.shape, dst.shape) {
        ([n], [m]) => (n == m).then_some((*n, [src.strides[0], dst.strides[0]])),
        ([], [n]) => Some((*n, [0, dst.strides[0]])),
        ([], _) if dst.is_c_contiguous() || dst.is_f_contiguous() => {
            Some((dst.size() as isize, [0, sizes[1]]))
        }
        (from, to) => {
            let alike = from == to
                && (src.is_c_contiguous() && dst.is_c_contiguous()
                    || src.is_f_contiguous() && dst.is_f_contiguous());
            alike.then_some((dst.size() as isize, sizes))
        }
    }
}

fn copy_with(
    dst: &ArrayRef<'_>,
    src: &ArrayRef<'_>,
    make: fn(&Dtype, &Dtype, bool) -> Result<Transfer>,
) -> Result<u8> {
    let strides = source_strides(dst, src)?;
    // Making the plan warns, even if there is nothing to move.
    let transfer = make(src.dtype, dst.dtype, dst.is_aligned() && src.is_aligned())?;
    if dst.size() == 0 {
        return Ok(0);
    }
    // The same elements in the same places: each is read before it is written.
    let in_place = src.data == dst.data
        && strides[..] == *dst.strides
        && src.dtype.itemsize == dst.dtype.itemsize
        && transfer.is_element_local();
    if !in_place && overlap::may_share(dst, src) {
        let copy = NdArray::copy_of(src, Order::Keep)?;
        if src.dtype.num == TypeNum::VSTRING {
            // The copy keeps its text in an arena of its own.
            return copy_with(dst, &copy.view(), make);
        }
        let strides = source_strides(dst, &copy.view())?;
        return run_over(dst, copy.data(), &strides, &transfer);
    }
    let repeats = src.size() == 1 && dst.size() > 1 && src.dtype != dst.dtype;
    if repeats && transfer.plain_copy().is_none() && !dst.dtype.has_object() {
        // Convert once, then repeat the bytes.
        let item = NdArray::empty(&[], dst.dtype, Order::C)?;
        let flags = run_over(&item.view(), src.data, &[], &transfer)?;
        return Ok(flags | copy_with(dst, &item.view(), Transfer::new)?);
    }
    run_over(dst, src.data, &strides, &transfer)
}

/// Strides of `src` along the axes of `dst`; leading ones of `src` beyond `dst`'s rank are dropped.
fn source_strides(dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Result<Dims> {
    if src.shape == dst.shape {
        return Ok(Dims::from_slice(src.strides));
    }
    let extra = src.ndim().saturating_sub(dst.ndim());
    let ones = src.shape[..extra].iter().take_while(|&&n| n == 1).count();
    let shape = &src.shape[ones..];
    let strides =
        if ones == extra { broadcast_strides(shape, &src.strides[ones..], dst.shape).ok() } else { None };
    strides.ok_or_else(|| {
        Error::value(format!(
            "could not broadcast input array from shape {} into shape {}",
            shape_text(shape),
            shape_text(dst.shape)
        ))
    })
}

/// Run a transfer over all elements; shapes already agree, nothing overlaps.
fn run_over(dst: &ArrayRef<'_>, src: *mut u8, src_strides: &[isize], transfer: &Transfer) -> Result<u8> {
    let result = (|| {
        if transfer.sets_fp() {
            fpstatus::clear();
        }
        let apart = elements_apart(dst);
        if dst.ndim() == 1 && (dst.strides[0] >= 0 || apart && !transfer.needs_host()) {
            // SAFETY: `dst` and the broadcast `src` hold `shape[0]` elements at these strides.
            return unsafe {
                transfer.run(src, src_strides[0], dst.data, dst.strides[0], dst.shape[0] as usize)
            };
        }
        let strides: [&[isize]; 2] = [dst.strides, src_strides];
        // Where one element overwrites a part of another, the order is up to the destination.
        let plan = if apart {
            plan_for(transfer, dst.shape, &strides)
        } else {
            AxisPlan::by_first(dst.shape, &strides)
        };
        MultiIter::from_plan(&plan, &[dst.data, src]).for_each(|p, n, st| {
            // SAFETY: the iteration stays inside both arrays.
            unsafe { transfer.run(p[1], st[1], p[0], st[0], n) }
        })
    })();
    let flags = if transfer.sets_fp() { fpstatus::take() as u8 } else { 0 };
    result.map(|()| flags)
}

/// The walk of a transfer. Where an element may fail it shows which one comes first, and that is up to the destination.
fn plan_for(transfer: &Transfer, shape: &[isize], strides: &[&[isize]]) -> AxisPlan {
    if transfer.needs_host() { AxisPlan::by_first(shape, strides) } else { AxisPlan::new(shape, strides) }
}

impl Transfer {
    /// Whether an element's conversion reads nothing but that element, all of it before the first write.
    fn is_element_local(&self) -> bool {
        self.plain_copy().is_some()
            || matches!(
                self.step,
                super::transfer::Step::Swap { .. }
                    | super::transfer::Step::Kernel(_)
                    | super::transfer::Step::CopyObject
                    | super::transfer::Step::Dates(_)
            )
    }
}

/// Convert one element.
///
/// # Errors
/// As [`copy_into`].
///
/// # Safety
/// `src` and `dst` point to one element each, at any alignment, not overlapping.
pub unsafe fn convert_item(src_dtype: &Dtype, src: *const u8, dst_dtype: &Dtype, dst: *mut u8) -> Result<u8> {
    let transfer = Transfer::new(src_dtype, dst_dtype, false)?;
    if transfer.sets_fp() {
        fpstatus::clear();
    }
    // SAFETY: the caller's promise.
    unsafe { transfer.run(src, 0, dst, 0, 1)? };
    Ok(if transfer.sets_fp() { fpstatus::take() as u8 } else { 0 })
}

/// Assign where `mask` is true. `src` and `mask` broadcast to `dst`; `mask` is of dtype bool.
///
/// # Errors
/// As [`copy_into`].
pub fn copy_masked(dst: &ArrayRef<'_>, src: &ArrayRef<'_>, mask: &ArrayRef<'_>) -> Result<u8> {
    // One value is converted even if no element receives it, once, and before anybody looks at the mask.
    if src.ndim() == 0 && dst.size() > 1 && src.dtype != dst.dtype && !dst.dtype.has_object() {
        let item = NdArray::empty(&[], dst.dtype, Order::C)?;
        let flags = copy_into_status(&item.view(), src)?;
        return Ok(flags | copy_masked(dst, &item.view(), mask)?);
    }
    let strides = source_strides(dst, src)?;
    // SAFETY: an array of bools without dimensions is one byte.
    if src.ndim() > 0 && mask.ndim() == 0 && unsafe { *mask.data } == 0 {
        return Ok(0);
    }
    let mask_strides =
        broadcast_strides(mask.shape, mask.strides, dst.shape).map_err(|_| mask_error(mask, dst))?;
    if mask.dtype.num != TypeNum::BOOL {
        return Err(Error::type_("the mask must be an array of booleans"));
    }
    if overlap::may_share(dst, src) {
        let copy = NdArray::copy_of(src, Order::Keep)?;
        return copy_masked(dst, &copy.view(), mask);
    }
    if overlap::may_share(dst, mask) {
        let copy = NdArray::copy_of(mask, Order::Keep)?;
        return copy_masked(dst, src, &copy.view());
    }
    // Making the plan warns, even if there is nothing to move.
    let transfer = Transfer::new(src.dtype, dst.dtype, dst.is_aligned() && src.is_aligned())?;
    if dst.size() == 0 {
        return Ok(0);
    }
    if transfer.sets_fp() {
        fpstatus::clear();
    }
    let plan = plan_for(&transfer, dst.shape, &[dst.strides, &strides, &mask_strides]);
    let result = MultiIter::from_plan(&plan, &[dst.data, src.data, mask.data]).for_each(|p, n, st| {
        let n = n as isize;
        let mut i = 0;
        while i < n {
            // SAFETY: the iteration stays inside all three arrays.
            unsafe {
                let on = |k: isize| *p[2].offset(k * st[2]) != 0;
                if !on(i) {
                    i += 1;
                    continue;
                }
                let start = i;
                while i < n && on(i) {
                    i += 1;
                }
                transfer.run(
                    p[1].offset(start * st[1]),
                    st[1],
                    p[0].offset(start * st[0]),
                    st[0],
                    (i - start) as usize,
                )?;
            }
        }
        Ok(())
    });
    let flags = if transfer.sets_fp() { fpstatus::take() as u8 } else { 0 };
    result.map(|()| flags)
}

fn mask_error(mask: &ArrayRef<'_>, dst: &ArrayRef<'_>) -> Error {
    Error::value(format!(
        "could not broadcast where mask from shape {} into shape {}",
        shape_text(mask.shape),
        shape_text(dst.shape)
    ))
}

/// [`copy_masked`] with one element as the source.
///
/// # Errors
/// As there.
///
/// # Safety
/// `item` points to an element of `item_dtype`.
pub unsafe fn set_masked_scalar(
    dst: &ArrayRef<'_>,
    mask: &ArrayRef<'_>,
    item_dtype: &Dtype,
    item: *mut u8,
) -> Result<u8> {
    // SAFETY: the caller's promise.
    let src = unsafe { ArrayRef::new(item, &[], &[], item_dtype) };
    copy_masked(dst, &src, mask)
}

/// Assign one element to all of `dst`.
///
/// # Errors
/// As [`copy_into`].
///
/// # Safety
/// `item` points to an element of `item_dtype`.
pub unsafe fn fill(dst: &ArrayRef<'_>, item_dtype: &Dtype, item: *mut u8) -> Result<u8> {
    // SAFETY: the caller's promise.
    let src = unsafe { ArrayRef::new(item, &[], &[], item_dtype) };
    copy_into_status(dst, &src)
}

/// Byte offsets of all object slots in an element of this dtype.
pub fn object_offsets(dt: &Dtype) -> Vec<usize> {
    fn collect(dt: &Dtype, at: usize, out: &mut Vec<usize>) {
        if !dt.has_object() {
            return;
        }
        match &dt.body {
            Body::Struct(fields) => fields.iter().for_each(|f| collect(&f.dtype, at + f.offset, out)),
            Body::Subarray(base, shape) => {
                let n: usize = shape.iter().map(|&n| n as usize).product();
                (0..n).for_each(|i| collect(base, at + i * base.itemsize, out));
            }
            _ if dt.num.is_object() => out.push(at),
            _ => {}
        }
    }
    let mut out = Vec::new();
    collect(dt, 0, &mut out);
    out
}

/// Give back the references one element holds.
pub(super) unsafe fn release_item(ops: &ObjectOps, dt: &Dtype, p: *mut u8) {
    for off in object_offsets(dt) {
        // SAFETY: `p` is a valid element whose slots hold null or an owned reference.
        unsafe { super::transfer::replace_object(ops, p.add(off), std::ptr::null_mut()) };
    }
}

/// Call `f` with every element of an array of strings.
fn for_each_string(arr: &ArrayRef<'_>, mut f: impl FnMut(*mut u8)) {
    let plan = AxisPlan::in_order(arr.shape, &[arr.strides]);
    let _ = MultiIter::from_plan(&plan, &[arr.data]).for_each(|p, n, st| {
        // The last text of an arena can be reclaimed, so they go in reverse.
        (0..n as isize).rev().for_each(|i| f(p[0].wrapping_offset(i * st[0])));
        Ok(())
    });
}

fn for_each_slot(arr: &ArrayRef<'_>, mut f: impl FnMut(*mut u8)) {
    let offsets = object_offsets(arr.dtype);
    let plan = AxisPlan::in_order(arr.shape, &[arr.strides]);
    let _ = MultiIter::from_plan(&plan, &[arr.data]).for_each(|p, n, st| {
        for i in 0..n as isize {
            for off in &offsets {
                f(p[0].wrapping_offset(i * st[0]).wrapping_add(*off));
            }
        }
        Ok(())
    });
}

/// Give back every object reference and text an array holds and set the slots to null.
///
/// # Safety
/// The array's memory is valid and nobody else gives the references back.
pub unsafe fn release_objects(arr: &ArrayRef<'_>) {
    if !arr.dtype.has_object() {
        return;
    }
    if let Some(strings) = arr.dtype.as_strings() {
        let mut arena = strings.lock();
        // SAFETY: elements of the array.
        return for_each_string(arr, |p| unsafe { arena.clear(p) });
    }
    let Ok(ops) = host() else { return };
    // SAFETY: slots are inside the array; see the caller's promise.
    for_each_slot(arr, |slot| unsafe {
        super::transfer::replace_object(ops, slot, std::ptr::null_mut());
    });
}

/// Take one more reference to every object an array holds, after its bytes were copied; of texts, a copy. What there is no
/// memory for is empty.
///
/// # Safety
/// The array's memory is valid.
pub unsafe fn retain_objects(arr: &ArrayRef<'_>) {
    if !arr.dtype.has_object() {
        return;
    }
    if let Some(strings) = arr.dtype.as_strings() {
        let mut arena = strings.lock();
        // SAFETY: elements of the array, whose bytes belong to others: they are read and then forgotten.
        return for_each_string(arr, |p| unsafe {
            let text = arena.load(p).map(|text| text.to_vec());
            std::ptr::write_bytes(p, 0, arr.dtype.itemsize);
            match text {
                Some(text) => drop(arena.store(p, &text)),
                None => arena.store_missing(p),
            }
        });
    }
    let Ok(ops) = host() else { return };
    // SAFETY: slots are inside the array.
    for_each_slot(arr, |slot| unsafe { (ops.incref)(slot.cast::<*mut u8>().read_unaligned()) });
}
