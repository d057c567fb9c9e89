//! Truth and extremes: three-argument where, nonzero, argmax.

use super::compare::Compare;
use super::{Prepared, Target, for_each_lane};
use crate::array::{ArrayRef, Dims, NdArray, Order};
use crate::cast::{Transfer, copy_into_status, copy_masked};
use crate::dtype::{Body, Dtype};
use crate::error::{Error, Result};
use crate::index;
use crate::iter::MultiIter;
use crate::ufunc::exec::same_bytes;
use std::cmp::Ordering;
use std::ptr::{null, null_mut};
use ufuncs::select::{argmax_fn, argmin_fn, count_nonzero_fn, nonzero_fn, where_loop};

/// Truth values of any array: a mask, or the array itself when it is one.
///
/// # Errors
/// Errors of objects' own `__bool__`.
pub fn truth<'a>(arr: &ArrayRef<'a>) -> Result<Prepared<'a>> {
    let mask = Dtype::bool();
    // An element with parts is true when one of its parts is.
    let out = match &arr.dtype.body {
        Body::Struct(fields) => {
            let out = NdArray::zeros(arr.shape, &mask, Order::C)?;
            for f in fields.iter() {
                let field = ArrayRef { data: arr.data.wrapping_add(f.offset), dtype: &f.dtype, ..*arr };
                merge_truth(&out.view(), &truth(&field)?.view())?;
            }
            out
        }
        // Of a subarray the bytes count, whatever they mean.
        Body::Subarray(..) => {
            let bytes = Dtype::void(arr.dtype.itemsize);
            let out = NdArray::empty(arr.shape, &mask, Order::C)?;
            copy_into_status(&out.view(), &truth(&ArrayRef { dtype: &bytes, ..*arr })?.view())?;
            out
        }
        Body::Strings(strings) => {
            let out = NdArray::empty(arr.shape, &mask, Order::C)?;
            MultiIter::new(arr.shape, &[out.view(), *arr])?.for_each(|p, n, st| {
                for i in 0..n as isize {
                    // SAFETY: inside both arrays.
                    unsafe {
                        *p[0].wrapping_offset(i * st[0]) =
                            strings.truth(p[1].wrapping_offset(i * st[1])).into();
                    }
                }
                Ok(())
            })?;
            out
        }
        _ => return Prepared::new(*arr, &mask),
    };
    Ok(Prepared { original: *arr, copy: Some(out) })
}

/// Set `mask` where `part` is set; both of one shape.
fn merge_truth(mask: &ArrayRef<'_>, part: &ArrayRef<'_>) -> Result<()> {
    MultiIter::new(mask.shape, &[*mask, *part])?.for_each(|p, n, st| {
        for i in 0..n as isize {
            // SAFETY: inside both masks.
            unsafe { *p[0].wrapping_offset(i * st[0]) |= *p[1].wrapping_offset(i * st[1]) };
        }
        Ok(())
    })
}

/// Number of true elements.
///
/// # Errors
/// As [`truth`].
pub fn count_nonzero(arr: &ArrayRef<'_>) -> Result<usize> {
    if let Some((row, n)) = row_of_numbers(arr)
        && let Some(count) = count_nonzero_fn(arr.dtype.num)
    {
        // SAFETY: a row of native aligned numbers.
        return Ok(unsafe { count(row, arr.dtype.itemsize as isize, n, arr.dtype.itemsize) });
    }
    Ok(index::count_true(&truth(arr)?.view()))
}

/// The elements of a contiguous array of native numbers, and how many there are.
fn row_of_numbers(arr: &ArrayRef<'_>) -> Option<(*const u8, usize)> {
    let plain = index::is_plain(arr.dtype) && arr.dtype.is_native() && arr.is_aligned();
    (plain && arr.is_c_contiguous()).then(|| (arr.data.cast_const(), arr.size()))
}

/// Positions of the true elements in C order, a row per element and a column per axis. numpy returns the columns as
/// views of this.
///
/// # Errors
/// `Calling nonzero on 0d arrays is not allowed. ...`
pub fn nonzero(arr: &ArrayRef<'_>) -> Result<NdArray> {
    if arr.ndim() == 0 {
        return Err(Error::value(
            "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.",
        ));
    }
    // Objects are asked twice, and may change their mind, and the shape of their array: a copy of it stays as it is.
    let (shape, strides) = (Dims::from_slice(arr.shape), Dims::from_slice(arr.strides));
    let arr = &ArrayRef { shape: &shape, strides: &strides, ..*arr };
    let counted = if arr.dtype.has_object() { Some(count_nonzero(arr)?) } else { None };
    let lists = index::nonzero(&truth(arr)?.view())?;
    if counted.is_some_and(|n| n != lists[0].len()) {
        return Err(Error::Runtime(
            "number of non-zero array elements changed during function execution.".into(),
        ));
    }
    let (n, d) = (lists[0].len(), lists.len());
    let out = NdArray::empty(&[n as isize, d as isize], &Dtype::intp(), Order::C)?;
    for (k, list) in lists.iter().enumerate() {
        for (i, &v) in list.iter().enumerate() {
            // SAFETY: row `i < n`, column `k < d`.
            unsafe { out.data().cast::<isize>().add(i * d + k).write(v) };
        }
    }
    Ok(out)
}

/// [`nonzero`] of a row of native numbers, to the place that `make` has for as many as are found; `None` for everything else.
pub fn nonzero_row<E>(
    arr: &ArrayRef<'_>,
    make: impl FnOnce(usize) -> std::result::Result<*mut isize, E>,
) -> Option<std::result::Result<(), E>> {
    if arr.ndim() != 1 {
        return None;
    }
    let (row, n) = row_of_numbers(arr)?;
    let (count, find) = (count_nonzero_fn(arr.dtype.num)?, nonzero_fn(arr.dtype.num)?);
    let size = arr.dtype.itemsize;
    // SAFETY: a row of native aligned numbers.
    let found = unsafe { count(row, size as isize, n, size) };
    Some(make(found).map(|out| {
        // SAFETY: as above; there is room for all that were counted.
        unsafe { find(row, size as isize, n, size, 0, out) };
    }))
}

/// `out = x where condition else y`, everything broadcast to `out`'s shape and cast to its dtype.
///
/// # Errors
/// Values that cannot be converted.
pub fn where_(
    condition: &ArrayRef<'_>,
    x: &ArrayRef<'_>,
    y: &ArrayRef<'_>,
    out: &ArrayRef<'_>,
) -> Result<u8> {
    if let Some(func) = where_loop(out.dtype.itemsize)
        && condition.dtype.num.is_bool()
        && (out.dtype.num.is_number() || out.dtype.num.is_bool())
        && [x, y].iter().all(|a| same_bytes(a.dtype, out.dtype))
        && [x, y, condition].iter().all(|a| a.ndim() == 1 && a.shape == out.shape)
    {
        // Rows need no plan.
        let rows = [condition, x, y, out];
        let (data, strides) = (rows.map(|a| a.data), rows.map(|a| a.strides[0]));
        // SAFETY: four rows of one length; the output is fresh or coincides with what it overlaps.
        unsafe { func(null(), data.as_ptr(), &out.shape[0], strides.as_ptr(), null_mut()) };
        return Ok(0);
    }
    if let Some(func) = where_loop(out.dtype.itemsize)
        && condition.dtype.num.is_bool()
        && condition.ndim() == 1
        && condition.shape == out.shape
        && (out.dtype.num.is_number() || out.dtype.num.is_bool())
        && [x, y].iter().all(|a| a.ndim() == 0 || a.shape == out.shape && same_bytes(a.dtype, out.dtype))
    {
        // A number for a row is converted once.
        let mut items = [[0u128; 2]; 2];
        let (mut operands, mut status) = ([(x.data, 0), (y.data, 0)], 0);
        for ((operand, item), a) in operands.iter_mut().zip(&mut items).zip([x, y]) {
            if let [stride] = a.strides {
                operand.1 = *stride;
                continue;
            }
            operand.0 = item.as_mut_ptr().cast();
            // SAFETY: room for one element of any type of number.
            let item = unsafe { ArrayRef::new(operand.0, &[], &[], out.dtype) };
            status |= copy_into_status(&item, a)?;
        }
        let data = [condition.data, operands[0].0, operands[1].0, out.data];
        let strides = [condition.strides[0], operands[0].1, operands[1].1, out.strides[0]];
        // SAFETY: rows of one length, or one number; the output is fresh or coincides with what it overlaps.
        unsafe { func(null(), data.as_ptr(), &out.shape[0], strides.as_ptr(), null_mut()) };
        return Ok(status);
    }
    let mask = truth(condition)?;
    let plain =
        |a: &ArrayRef<'_>| Transfer::new(a.dtype, out.dtype, false).is_ok_and(|t| t.plain_copy().is_some());
    if let Some(func) = where_loop(out.dtype.itemsize)
        && plain(x)
        && plain(y)
    {
        let ops = [mask.view(), *x, *y, *out];
        MultiIter::new(out.shape, &ops)?.for_each(|p, n, st| {
            // SAFETY: inside all four; the output is fresh or coincides with what it overlaps.
            unsafe { func(null(), p.as_ptr(), &(n as isize), st.as_ptr(), null_mut()) };
            Ok(())
        })?;
        return Ok(0);
    }
    Ok(copy_into_status(out, y)? | copy_masked(out, x, &mask.view())?)
}

/// [`argmax`] of a row of native numbers that is not empty; `None` for everything else.
pub fn argmax_row(arr: &ArrayRef<'_>, min: bool) -> Option<isize> {
    if arr.ndim() != 1 || arr.shape[0] == 0 || !index::is_plain(arr.dtype) {
        return None;
    }
    if !arr.dtype.is_native() || !arr.is_aligned() {
        return None;
    }
    let find = if min { argmin_fn(arr.dtype.num) } else { argmax_fn(arr.dtype.num) }?;
    // SAFETY: aligned native elements.
    Some(unsafe { find(arr.data, arr.strides[0], arr.shape[0] as usize, arr.dtype.itemsize) } as isize)
}

/// Position of the largest (smallest with `min`) element of every lane along `axis`. `out`: intp, `arr`'s shape without
/// `axis`.
///
/// # Errors
/// `attempt to get argmax of an empty sequence`, `data type not ordered`.
pub fn argmax(arr: &ArrayRef<'_>, axis: usize, min: bool, out: &ArrayRef<'_>) -> Result<()> {
    let name = if min { "argmin" } else { "argmax" };
    let n = arr.shape[axis];
    let kernel = if min { argmin_fn(arr.dtype.num) } else { argmax_fn(arr.dtype.num) };
    if kernel.is_none() && !arr.dtype.has_object() && !arr.dtype.num.is_user() {
        return Err(Error::type_("data type not ordered"));
    }
    if n == 0 {
        return Err(Error::value(format!("attempt to get {name} of an empty sequence")));
    }
    if out.size() == 0 {
        return Ok(());
    }
    let src = Prepared::new(*arr, arr.dtype)?;
    let src = src.view();
    let compare = match kernel {
        Some(_) => None,
        None => Some(Compare::of(src.dtype)?),
    };
    let target = Target::new(*out)?;
    let mut to = target.view().data.cast::<isize>();
    let stride = src.strides[axis];
    for_each_lane(src.shape, axis, &[src.data], &[src.strides], |p| {
        // SAFETY: `n >= 1` elements in the lane; one result per lane, in C order.
        unsafe {
            let best = match (&kernel, &compare) {
                (Some(f), _) => f(p[0], stride, n as usize, src.dtype.itemsize) as isize,
                (None, Some(c)) => extreme_by(c, p[0], stride, n, min, src.dtype.num.is_object())?,
                (None, None) => 0,
            };
            to.write(best);
            to = to.add(1);
        }
        Ok(())
    })?;
    target.finish()
}

unsafe fn extreme_by(
    c: &Compare,
    p: *mut u8,
    stride: isize,
    n: isize,
    min: bool,
    objects: bool,
) -> Result<isize> {
    // Slots that have not been filled do not take part.
    // SAFETY: an element of the lane, which is a pointer where they are objects.
    let empty =
        |i: isize| objects && unsafe { p.offset(i * stride).cast::<*mut u8>().read_unaligned().is_null() };
    let Some(mut best) = (0..n).find(|&i| !empty(i)) else { return Ok(0) };
    for i in (best + 1..n).filter(|&i| !empty(i)) {
        let (a, b) = (p.wrapping_offset(i * stride), p.wrapping_offset(best * stride));
        // SAFETY: two elements of the lane.
        let better = unsafe { if min { c.less(a, b)? } else { c.greater(a, b)? } };
        if better {
            best = i;
        }
    }
    Ok(best)
}

/// 1 when a 1-d float64 array ascends (or is constant), -1 when it descends, 0 when it does neither.
///
/// # Errors
/// Values that cannot be converted.
pub fn monotonicity(arr: &ArrayRef<'_>) -> Result<i32> {
    let p = Prepared::contiguous(*arr, &Dtype::float64())?;
    let v = p.view();
    // SAFETY: `size` contiguous aligned native elements.
    let x: Vec<f64> = (0..v.size()).map(|i| unsafe { v.data.cast::<f64>().add(i).read() }).collect();
    let Some(start) = x.windows(2).position(|w| w[0] != w[1]) else { return Ok(1) };
    // A NaN ends an ascent as it ends a descent; numpy decides by the first pair alone.
    let up = x[start] < x[start + 1];
    let broken = x[start..].windows(2).any(|w| if up { w[0] > w[1] } else { w[0] < w[1] });
    Ok(if broken {
        0
    } else if up {
        1
    } else {
        -1
    })
}

/// Order of two scalars, for callers that need more than a truth value.
pub(crate) fn order_of(less: bool, greater: bool) -> Ordering {
    if less {
        Ordering::Less
    } else if greater {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}
