//! Picking and placing elements by position: take, put, repeat, choose, compress, putmask, place.

use super::{Prepared, Target};
use crate::array::{ArrayRef, Dims, NdArray, Order, broadcast_shapes_args, buffer, shape_text};
use crate::cast::Transfer;
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::iter::{MultiIter, PerOp, broadcast_strides};
use ufuncs::pick;

/// What to do with positions out of bounds. Values are ABI (`NPY_CLIPMODE`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Mode {
    Clip = 0,
    Wrap = 1,
    Raise = 2,
}

impl Mode {
    /// A position below `n`, which is not zero; `None`: out of bounds under [`Mode::Raise`].
    pub fn apply(self, i: isize, n: isize) -> Option<isize> {
        match self {
            Mode::Raise if i < -n || i >= n => None,
            Mode::Raise => Some(if i < 0 { i + n } else { i }),
            Mode::Wrap => Some(i.rem_euclid(n)),
            Mode::Clip => Some(i.clamp(0, n - 1)),
        }
    }
}

/// The values of an intp array in C order.
pub(crate) fn positions(arr: &ArrayRef<'_>) -> Result<Vec<isize>> {
    let p = Prepared::contiguous(*arr, &Dtype::intp())?;
    let v = p.view();
    let mut out = buffer::scratch_list(v.size())?;
    // SAFETY: `size` contiguous aligned native elements.
    out.extend((0..v.size()).map(|i| unsafe { v.data.cast::<isize>().add(i).read() }));
    Ok(out)
}

/// Shape of `take` along an axis.
pub fn take_shape(shape: &[isize], indices: &[isize], axis: usize) -> Dims {
    let mut out = Dims::from_slice(&shape[..axis]);
    out.extend_from_slice(indices);
    out.extend_from_slice(&shape[axis + 1..]);
    out
}

/// `out[..., i, ...] = arr[..., indices[i], ...]`. `out` has the shape of [`take_shape`] and `arr`'s dtype.
///
/// # Errors
/// `index 6 is out of bounds for axis 0 with size 6`, `cannot do a non-empty take from an empty axes.`
pub fn take(
    arr: &ArrayRef<'_>,
    indices: &ArrayRef<'_>,
    axis: usize,
    mode: Mode,
    out: &ArrayRef<'_>,
) -> Result<()> {
    if mode == Mode::Raise
        && let Some(done) = take_plain(arr, indices, axis, out)
    {
        return done;
    }
    let n = arr.shape[axis];
    let given = Prepared::contiguous(*indices, &Dtype::intp())?;
    let given = given.view();
    let list = match given.size() {
        0 => &[][..],
        // SAFETY: `count` contiguous aligned native elements.
        count => unsafe { std::slice::from_raw_parts(given.data.cast::<isize>(), count) },
    };
    if n == 0 && out.size() != 0 {
        return Err(Error::index("cannot do a non-empty take from an empty axes."));
    }
    let mut changed: Vec<isize>;
    let (list, wraps) = match mode {
        Mode::Raise => match pick::check(list, n) {
            Ok(wraps) => (list, wraps),
            // Nothing would be taken, but a wrong position is wrong all the same.
            Err(at) => {
                return Err(Error::index(format!(
                    "index {} is out of bounds for axis {axis} with size {n}",
                    list[at]
                )));
            }
        },
        _ if n == 0 => (&[][..], false),
        _ => {
            changed = buffer::scratch_list(list.len())?;
            changed.extend(list.iter().filter_map(|&i| mode.apply(i, n)));
            (&changed[..], false)
        }
    };
    if out.size() == 0 {
        return Ok(());
    }
    let src = Prepared::contiguous(*arr, arr.dtype)?;
    let src = src.view();
    let target = Target::new(*out)?;
    let dst = target.view();
    let outer: usize = arr.shape[..axis].iter().map(|&n| n as usize).product();
    let inner: usize = arr.shape[axis + 1..].iter().map(|&n| n as usize).product();
    let size = src.dtype.itemsize;
    let chunk = inner * size;
    let transfer = Transfer::new(src.dtype, dst.dtype, true)?;
    let plain = transfer.plain_copy().is_some();
    for o in 0..outer {
        // SAFETY: positions were checked; `dst` holds `outer * positions` chunks.
        unsafe {
            let base = src.data.add(o * n as usize * chunk);
            let mut to = dst.data.add(o * list.len() * chunk);
            if plain {
                let axis = pick::Axis { data: base, stride: chunk as isize, len: n, itemsize: chunk };
                pick::gather(axis, list, wraps, to);
                continue;
            }
            for &k in list {
                let k = if k < 0 { k + n } else { k };
                transfer.run(base.add(k as usize * chunk), size as isize, to, size as isize, inner)?;
                to = to.add(chunk);
            }
        }
    }
    target.finish()
}

/// The positions of an index that can be read as it lies.
fn plain_positions<'a>(indices: &ArrayRef<'a>) -> Option<&'a [isize]> {
    let native = indices.dtype.num == crate::TypeNum::LONG && indices.dtype.is_native();
    if !native || !indices.is_aligned() || !indices.is_c_contiguous() {
        return None;
    }
    Some(match indices.size() {
        0 => &[],
        // SAFETY: as many contiguous aligned native elements, alive as long as the array.
        n => unsafe { std::slice::from_raw_parts(indices.data.cast::<isize>(), n) },
    })
}

/// [`take`] of elements that are their bytes from and to contiguous arrays; `None` for everything else.
fn take_plain(
    arr: &ArrayRef<'_>,
    indices: &ArrayRef<'_>,
    axis: usize,
    out: &ArrayRef<'_>,
) -> Option<Result<()>> {
    let plain = crate::index::is_plain(arr.dtype) && crate::ufunc::exec::same_bytes(arr.dtype, out.dtype);
    if !plain || !arr.is_c_contiguous() || !out.is_c_contiguous() || arr.size() == 0 {
        return None;
    }
    let (list, n) = (plain_positions(indices)?, arr.shape[axis]);
    let wraps = match pick::check(list, n) {
        Ok(wraps) => wraps,
        Err(at) => {
            let wrong = list[at];
            return Some(Err(Error::index(format!(
                "index {wrong} is out of bounds for axis {axis} with size {n}"
            ))));
        }
    };
    let size = |shape: &[isize]| shape.iter().product::<isize>() as usize;
    let chunk = size(&arr.shape[axis + 1..]) * arr.dtype.itemsize;
    for o in 0..size(&arr.shape[..axis]) {
        let data = arr.data.wrapping_add(o * n as usize * chunk);
        let from = pick::Axis { data, stride: chunk as isize, len: n, itemsize: chunk };
        // SAFETY: positions were checked; `out` holds `outer * positions` chunks.
        unsafe { pick::gather(from, list, wraps, out.data.add(o * list.len() * chunk)) };
    }
    Some(Ok(()))
}

/// Pointer to element `k` in C order.
fn element_at(arr: &ArrayRef<'_>, mut k: isize) -> *mut u8 {
    let mut p = arr.data;
    for (&n, &s) in arr.shape.iter().zip(arr.strides).rev() {
        p = p.wrapping_offset(k % n * s);
        k /= n;
    }
    p
}

/// `arr.flat[indices] = values`, values repeated as needed.
///
/// # Errors
/// `cannot replace elements of an empty array`, positions out of bounds (elements before have been set).
pub fn put(arr: &ArrayRef<'_>, indices: &ArrayRef<'_>, values: &ArrayRef<'_>, mode: Mode) -> Result<()> {
    let count = values.size();
    if indices.size() == 0 || count == 0 {
        return Ok(());
    }
    let n = arr.size() as isize;
    let apart = |a: &ArrayRef<'_>| !crate::array::overlap::may_share_bounds(arr, a);
    if mode == Mode::Raise
        && crate::index::is_plain(arr.dtype)
        && crate::ufunc::exec::same_bytes(arr.dtype, values.dtype)
        && arr.is_c_contiguous()
        && values.is_c_contiguous()
        && apart(values)
        && apart(indices)
        && let Some(list) = plain_positions(indices)
        && let Ok(wraps) = pick::check(list, n)
    {
        let size = arr.dtype.itemsize as isize;
        let axis = pick::Axis { data: arr.data, stride: size, len: n, itemsize: size as usize };
        for part in list.chunks(count) {
            // SAFETY: positions are in bounds; there are `count` values.
            unsafe { pick::scatter(axis, part, wraps, values.data, size) };
        }
        return Ok(());
    }
    let list = positions(indices)?;
    if n == 0 {
        return Err(Error::index("cannot replace elements of an empty array"));
    }
    // A copy: the values may be part of the array.
    let converted = NdArray::empty(values.shape, arr.dtype, Order::C)?;
    crate::cast::copy_into(&converted.view(), values)?;
    let transfer = Transfer::new(arr.dtype, arr.dtype, false)?;
    let size = arr.dtype.itemsize;
    if mode == Mode::Raise && arr.is_c_contiguous() && transfer.plain_copy().is_some() {
        let axis = pick::Axis { data: arr.data, stride: size as isize, len: n, itemsize: size };
        let wrong = pick::check(&list, n).err();
        for part in list[..wrong.unwrap_or(list.len())].chunks(count) {
            // SAFETY: positions before the wrong one are in bounds; there are `count` values.
            unsafe { pick::scatter(axis, part, true, converted.data(), size as isize) };
        }
        return match wrong {
            None => Ok(()),
            Some(at) => {
                Err(Error::index(format!("index {} is out of bounds for axis 0 with size {n}", list[at])))
            }
        };
    }
    for (j, i) in list.into_iter().enumerate() {
        let Some(k) = mode.apply(i, n) else {
            return Err(Error::index(format!("index {i} is out of bounds for axis 0 with size {n}")));
        };
        // SAFETY: both elements exist.
        unsafe { transfer.run(converted.data().add(j % count * size), 0, element_at(arr, k), 0, 1)? };
    }
    Ok(())
}

/// `arr[mask] = values` where value number `k` goes to element number `k` (in C order, counting unmasked ones too).
///
/// # Errors
/// `putmask: mask and data must be the same size`.
pub fn putmask(arr: &ArrayRef<'_>, mask: &ArrayRef<'_>, values: &ArrayRef<'_>) -> Result<()> {
    if mask.size() != arr.size() {
        return Err(Error::value("putmask: mask and data must be the same size"));
    }
    place_values(arr, mask, values, false)
}

/// `arr[mask] = values` where values are used up one after the other, again from the start when they end.
///
/// # Errors
/// `place: mask and data must be the same size`, `Cannot insert from an empty array!`
pub fn place(arr: &ArrayRef<'_>, mask: &ArrayRef<'_>, values: &ArrayRef<'_>) -> Result<()> {
    if mask.size() != arr.size() {
        return Err(Error::value("place: mask and data must be the same size"));
    }
    if values.size() == 0 {
        let mask = Prepared::contiguous(*mask, &Dtype::bool())?;
        if crate::index::count_true(&mask.view()) == 0 {
            return Ok(());
        }
        return Err(Error::value("Cannot insert from an empty array!"));
    }
    place_values(arr, mask, values, true)
}

fn place_values(arr: &ArrayRef<'_>, mask: &ArrayRef<'_>, values: &ArrayRef<'_>, consume: bool) -> Result<()> {
    let count = values.size();
    if count == 0 || arr.size() == 0 {
        return Ok(());
    }
    let on = NdArray::empty(mask.shape, &Dtype::bool(), Order::C)?;
    crate::cast::copy_into(&on.view(), mask)?;
    let converted = NdArray::empty(values.shape, arr.dtype, Order::C)?;
    crate::cast::copy_into(&converted.view(), values)?;
    let transfer = Transfer::new(arr.dtype, arr.dtype, false)?;
    let size = arr.dtype.itemsize;
    let (mut k, mut used) = (0, 0);
    MultiIter::c_order(arr.shape, &[arr.data], &[arr.strides]).for_each(|p, n, st| {
        for i in 0..n as isize {
            // SAFETY: `k` counts all elements, of which the mask has as many.
            unsafe {
                if *on.data().add(k) != 0 {
                    let v = if consume { used } else { k } % count;
                    transfer.run(converted.data().add(v * size), 0, p[0].wrapping_offset(i * st[0]), 0, 1)?;
                    used += 1;
                }
            }
            k += 1;
        }
        Ok(())
    })
}

/// Repeat counts along an axis of `n`: checked, one per element (a single count stands for all). The result's length comes
/// with them.
///
/// # Errors
/// `operands could not be broadcast together with shape (6,) (2,)`, `repeats may not contain negative values.`
pub fn repeat_counts(repeats: &ArrayRef<'_>, n: isize) -> Result<(Vec<isize>, isize)> {
    let mut counts = positions(repeats)?;
    if repeats.ndim() == 0 || counts.len() == 1 {
        if counts[0] < 0 {
            return Err(Error::value("negative dimensions are not allowed"));
        }
        counts = buffer::scratch(n as usize, counts[0])?;
    } else if counts.len() as isize != n {
        return Err(Error::value(format!(
            "operands could not be broadcast together with shape {} {}",
            shape_text(&[n]),
            shape_text(&[counts.len() as isize])
        )));
    }
    let mut total = 0isize;
    for &c in &counts {
        if c < 0 {
            return Err(Error::value("repeats may not contain negative values."));
        }
        total = total.checked_add(c).ok_or_else(|| {
            Error::value(
                "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
            )
        })?;
    }
    Ok((counts, total))
}

/// [`repeat`] of a row of elements that are their bytes, each `times` times, to a fresh row; false for everything else.
pub fn repeat_row(arr: &ArrayRef<'_>, times: usize, out: &ArrayRef<'_>) -> bool {
    let plain = crate::index::is_plain(arr.dtype) && crate::ufunc::exec::same_bytes(arr.dtype, out.dtype);
    let (&[n], &[stride]) = (arr.shape, arr.strides) else { return false };
    if !plain || !out.is_c_contiguous() || out.size() != n as usize * times {
        return false;
    }
    // SAFETY: a row of elements, and room for the runs.
    unsafe { pick::repeat(arr.data, stride, n as usize, times, out.data, arr.dtype.itemsize) };
    true
}

/// Every element (subarray) along `axis` as often as `counts` says. `out` has `arr`'s shape with the total on `axis`.
///
/// # Errors
/// Memory, object trouble.
pub fn repeat(arr: &ArrayRef<'_>, counts: &[isize], axis: usize, out: &ArrayRef<'_>) -> Result<()> {
    if let Some(&times) = counts.first()
        && arr.ndim() == 1
        && counts.iter().all(|&c| c == times)
        && crate::index::is_plain(arr.dtype)
        && out.is_c_contiguous()
        && crate::ufunc::exec::same_bytes(arr.dtype, out.dtype)
    {
        // SAFETY: a row of elements, and room for the runs.
        unsafe {
            pick::repeat(
                arr.data,
                arr.strides[0],
                counts.len(),
                times as usize,
                out.data,
                arr.dtype.itemsize,
            );
        }
        return Ok(());
    }
    // The same as taking, with positions repeated.
    let mut list = buffer::scratch_list(counts.iter().sum::<isize>() as usize)?;
    for (i, &c) in counts.iter().enumerate() {
        list.resize(list.len() + c as usize, i as isize);
    }
    let intp = Dtype::intp();
    let (shape, strides) = ([list.len() as isize], [size_of::<isize>() as isize]);
    // SAFETY: the list lives until the end of this function and is only read.
    let indices = unsafe { ArrayRef::new(list.as_ptr().cast_mut().cast(), &shape, &strides, &intp) };
    take(arr, &indices, axis, Mode::Raise, out)
}

/// Shape of `choose`: selector and choices broadcast together.
///
/// # Errors
/// `shape mismatch: objects cannot be broadcast to a single shape. ...`
pub fn choose_shape(selector: &[isize], choices: &[&[isize]]) -> Result<Dims> {
    // Errors number the selector last.
    let mut all = choices.to_vec();
    all.push(selector);
    broadcast_shapes_args(&all)
}

/// `out[i] = choices[selector[i]][i]`, everything broadcast to `out`'s shape; choices are of `out`'s dtype.
///
/// # Errors
/// `invalid entry in choice array`.
pub fn choose(
    selector: &ArrayRef<'_>,
    choices: &[ArrayRef<'_>],
    mode: Mode,
    out: &ArrayRef<'_>,
) -> Result<()> {
    let count = choices.len() as isize;
    if count == 0 {
        return Err(Error::value("0-length sequence."));
    }
    let selector = Prepared::new(*selector, &Dtype::intp())?;
    let mut data: PerOp<*mut u8> = PerOp::from_slice(&[out.data, selector.view().data]);
    let mut strides: PerOp<Dims> = PerOp::new();
    strides.push(Dims::from_slice(out.strides));
    strides.push(broadcast_strides(selector.view().shape, selector.view().strides, out.shape)?);
    let mut transfers = Vec::with_capacity(choices.len());
    for c in choices {
        data.push(c.data);
        strides.push(broadcast_strides(c.shape, c.strides, out.shape)?);
        transfers.push(Transfer::new(c.dtype, out.dtype, false)?);
    }
    let rows: PerOp<&[isize]> = strides.iter().map(|s| s.as_slice()).collect();
    MultiIter::c_order(out.shape, &data, &rows).for_each(|p, n, st| {
        for i in 0..n as isize {
            // SAFETY: inside all operands.
            unsafe {
                let v = p[1].wrapping_offset(i * st[1]).cast::<isize>().read();
                // Choices are not counted from the end.
                let chosen = if v < 0 && mode == Mode::Raise { None } else { mode.apply(v, count) };
                let Some(k) = chosen.map(|k| k as usize) else {
                    return Err(Error::value("invalid entry in choice array"));
                };
                let from = p[2 + k].wrapping_offset(i * st[2 + k]);
                transfers[k].run(from, 0, p[0].wrapping_offset(i * st[0]), 0, 1)?;
            }
        }
        Ok(())
    })
}

/// Positions of the true elements of a 1-d condition of any dtype: what `compress` takes.
///
/// # Errors
/// `condition must be a 1-d array`.
pub fn compress_positions(condition: &ArrayRef<'_>) -> Result<Vec<isize>> {
    if condition.ndim() != 1 {
        return Err(Error::value("condition must be a 1-d array"));
    }
    let mask = super::select::truth(condition)?;
    Ok(crate::index::nonzero(&mask.view())?.swap_remove(0))
}
