//! Counting, bits and coordinates: bincount, interp, packbits, ravel_multi_index, unravel_index.

use num_complex::Complex64;

use super::take::Mode;
use super::{Prepared, Target, for_each_lane};
use crate::array::{ArrayRef, Dims, NdArray, Order, broadcast_shapes};
use crate::dtype::{Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::iter::{MultiIter, PerOp, broadcast_strides, keep_order_strides};

/// The elements of a prepared contiguous array.
unsafe fn elements<T: Copy>(v: &ArrayRef<'_>) -> Vec<T> {
    // SAFETY: the caller's promise: contiguous, aligned, of type `T`.
    (0..v.size()).map(|i| unsafe { v.data.cast::<T>().add(i).read() }).collect()
}

fn floats(arr: &ArrayRef<'_>) -> Result<Vec<f64>> {
    let p = Prepared::contiguous(*arr, &Dtype::float64())?;
    // SAFETY: prepared as float64.
    Ok(unsafe { elements(&p.view()) })
}

/// Occurrences of `0, 1, ...` in the 1-d `list`, or sums of their weights; at least `minlength` long.
///
/// # Errors
/// `'list' argument must have no negative elements`, `The weights and list don't have the same length.`
pub fn bincount(list: &ArrayRef<'_>, weights: Option<&ArrayRef<'_>>, minlength: isize) -> Result<NdArray> {
    if minlength < 0 {
        return Err(Error::value("'minlength' must not be negative"));
    }
    let values = super::take::positions(list)?;
    if values.iter().any(|&v| v < 0) {
        return Err(Error::value("'list' argument must have no negative elements"));
    }
    let n = values.iter().max().map_or(0, |&m| m.saturating_add(1)).max(minlength);
    match weights {
        None => {
            let out = NdArray::zeros(&[n], &Dtype::intp(), Order::C)?;
            for v in values {
                // SAFETY: `0 <= v < n`.
                unsafe { *out.data().cast::<isize>().offset(v) += 1 };
            }
            Ok(out)
        }
        Some(w) => {
            if w.size() != values.len() {
                return Err(Error::value("The weights and list don't have the same length."));
            }
            let w = floats(w)?;
            let dtype = if values.is_empty() { Dtype::intp() } else { Dtype::float64() };
            let out = NdArray::zeros(&[n], &dtype, Order::C)?;
            for (v, x) in values.into_iter().zip(w) {
                // SAFETY: `0 <= v < n`, float64 because there are values.
                unsafe { *out.data().cast::<f64>().offset(v) += x };
            }
            Ok(out)
        }
    }
}

/// Where `x` lies among ascending `xp`.
enum Place {
    Below,
    Above,
    /// At or right of this sample.
    At(usize),
}

fn locate(x: f64, xp: &[f64]) -> Place {
    if x > xp[xp.len() - 1] {
        Place::Above
    } else if x < xp[0] {
        Place::Below
    } else {
        Place::At(xp.partition_point(|&p| p <= x).max(1) - 1)
    }
}

/// One component between two samples. Infinite samples make NaN from one side only, so try the other.
fn between(x: f64, (x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> f64 {
    let slope = (y1 - y0) / (x1 - x0);
    let mut y = slope * (x - x0) + y0;
    if y.is_nan() {
        y = slope * (x - x1) + y1;
        if y.is_nan() && y0 == y1 {
            y = y0;
        }
    }
    y
}

fn check_samples(xp: usize, fp: usize) -> Result<()> {
    if xp == 0 {
        return Err(Error::value("array of sample points is empty"));
    }
    if xp != fp {
        return Err(Error::value("fp and xp are not of the same length."));
    }
    Ok(())
}

/// Piecewise linear interpolation of the samples `(xp, fp)` at `x`: float64 of `x`'s shape.
///
/// # Errors
/// `array of sample points is empty`, `fp and xp are not of the same length.`
pub fn interp(
    x: &ArrayRef<'_>,
    xp: &ArrayRef<'_>,
    fp: &ArrayRef<'_>,
    left: Option<f64>,
    right: Option<f64>,
) -> Result<NdArray> {
    check_samples(xp.size(), fp.size())?;
    let (xs, xp, fp) = (floats(x)?, floats(xp)?, floats(fp)?);
    let out = NdArray::empty(x.shape, &Dtype::float64(), Order::C)?;
    let last = xp.len() - 1;
    let (left, right) = (left.unwrap_or(fp[0]), right.unwrap_or(fp[last]));
    for (i, &x) in xs.iter().enumerate() {
        let y = if last == 0 {
            if x < xp[0] {
                left
            } else if x > xp[0] {
                right
            } else {
                fp[0]
            }
        } else if x.is_nan() {
            x
        } else {
            match locate(x, &xp) {
                Place::Below => left,
                Place::Above => right,
                Place::At(j) if j == last || xp[j] == x => fp[j],
                Place::At(j) => between(x, (xp[j], fp[j]), (xp[j + 1], fp[j + 1])),
            }
        };
        // SAFETY: as many places as values.
        unsafe { out.data().cast::<f64>().add(i).write(y) };
    }
    Ok(out)
}

/// [`interp`] of complex samples.
///
/// # Errors
/// As there.
pub fn interp_complex(
    x: &ArrayRef<'_>,
    xp: &ArrayRef<'_>,
    fp: &ArrayRef<'_>,
    left: Option<Complex64>,
    right: Option<Complex64>,
) -> Result<NdArray> {
    check_samples(xp.size(), fp.size())?;
    let (xs, xp) = (floats(x)?, floats(xp)?);
    let complex = Dtype::builtin(TypeNum::CDOUBLE);
    let fp = Prepared::contiguous(*fp, &complex)?;
    // SAFETY: prepared as complex128.
    let fp: Vec<Complex64> = unsafe { elements(&fp.view()) };
    let out = NdArray::empty(x.shape, &complex, Order::C)?;
    let last = xp.len() - 1;
    let (left, right) = (left.unwrap_or(fp[0]), right.unwrap_or(fp[last]));
    for (i, &x) in xs.iter().enumerate() {
        let y = if last == 0 {
            if x < xp[0] {
                left
            } else if x > xp[0] {
                right
            } else {
                fp[0]
            }
        } else if x.is_nan() {
            Complex64::new(x, 0.0)
        } else {
            match locate(x, &xp) {
                Place::Below => left,
                Place::Above => right,
                Place::At(j) if j == last || xp[j] == x => fp[j],
                Place::At(j) => {
                    let part =
                        |f: fn(&Complex64) -> f64| between(x, (xp[j], f(&fp[j])), (xp[j + 1], f(&fp[j + 1])));
                    Complex64::new(part(|c| c.re), part(|c| c.im))
                }
            }
        };
        // SAFETY: as many places as values.
        unsafe { out.data().cast::<Complex64>().add(i).write(y) };
    }
    Ok(out)
}

/// Whether a dtype can be packed.
///
/// # Errors
/// `Expected an input array of integer or boolean data type`.
pub fn check_packable(dt: &Dtype) -> Result<()> {
    if dt.num.is_bool() || dt.num.is_integer() {
        Ok(())
    } else {
        Err(Error::type_("Expected an input array of integer or boolean data type"))
    }
}

/// Eight truth values along `axis` to a byte, the first one highest (lowest with `little`). `out`: uint8, `arr`'s shape
/// with the axis an eighth as long, rounded up.
///
/// # Errors
/// As [`check_packable`].
pub fn packbits(arr: &ArrayRef<'_>, axis: usize, little: bool, out: &ArrayRef<'_>) -> Result<()> {
    check_packable(arr.dtype)?;
    let mask = super::select::truth(arr)?;
    let mask = mask.view();
    if mask.size() == 0 {
        return Ok(());
    }
    let (n, m) = (mask.shape[axis], out.shape[axis]);
    for_each_lane(mask.shape, axis, &[mask.data, out.data], &[mask.strides, out.strides], |p| {
        for j in 0..m {
            let mut byte = 0u8;
            for k in 0..8.min(n - 8 * j) {
                // SAFETY: element `8 j + k < n` of the lane.
                let bit = unsafe { *p[0].wrapping_offset((8 * j + k) * mask.strides[axis]) != 0 };
                byte |= (bit as u8) << if little { k } else { 7 - k };
            }
            // SAFETY: element `j` of the lane of `out`.
            unsafe { *p[1].wrapping_offset(j * out.strides[axis]) = byte };
        }
        Ok(())
    })
}

/// Length of an unpacked axis of `n` bytes.
///
/// # Errors
/// `-count larger than number of elements`.
pub fn unpacked_len(n: isize, count: Option<isize>) -> Result<isize> {
    match count {
        None => Ok(8 * n),
        Some(c) if c >= 0 => Ok(c),
        Some(c) if 8 * n + c >= 0 => Ok(8 * n + c),
        Some(_) => Err(Error::value("-count larger than number of elements")),
    }
}

/// The reverse of [`packbits`]; bits beyond the input are zero. `out`: uint8, `arr`'s shape with any length on the axis.
///
/// # Errors
/// `Expected an input array of unsigned byte data type`.
pub fn unpackbits(arr: &ArrayRef<'_>, axis: usize, little: bool, out: &ArrayRef<'_>) -> Result<()> {
    if arr.dtype.num != TypeNum::UBYTE {
        return Err(Error::type_("Expected an input array of unsigned byte data type"));
    }
    let (n, m) = (arr.shape[axis], out.shape[axis]);
    if out.size() == 0 {
        return Ok(());
    }
    for_each_lane(arr.shape, axis, &[arr.data, out.data], &[arr.strides, out.strides], |p| {
        for j in 0..m {
            let (i, k) = (j / 8, j % 8);
            let bit = if i < n {
                // SAFETY: byte `i < n` of the lane.
                let byte = unsafe { *p[0].wrapping_offset(i * arr.strides[axis]) };
                byte >> if little { k } else { 7 - k } & 1
            } else {
                0
            };
            // SAFETY: element `j` of the lane of `out`.
            unsafe { *p[1].wrapping_offset(j * out.strides[axis]) = bit };
        }
        Ok(())
    })
}

/// Element strides of a shape; `None` when its size overflows.
fn coordinate_strides(dims: &[isize], fortran: bool) -> Option<Dims> {
    let mut out = Dims::from_elem(0, dims.len());
    let mut acc = 1isize;
    for k in 0..dims.len() {
        let k = if fortran { k } else { dims.len() - 1 - k };
        out[k] = acc;
        acc = acc.checked_mul(dims[k])?;
    }
    Some(out)
}

/// Shape of [`ravel_multi_index`]'s result.
///
/// # Errors
/// Coordinates that do not broadcast.
pub fn ravel_shape(coordinates: &[ArrayRef<'_>]) -> Result<Dims> {
    let shapes: Vec<&[isize]> = coordinates.iter().map(|c| c.shape).collect();
    broadcast_shapes(&shapes)
}

/// Coordinates (one intp array per axis of `dims`) to flat positions.
///
/// # Errors
/// `invalid entry in coordinates array`, a `dims` whose size overflows.
pub fn ravel_multi_index(
    coordinates: &[ArrayRef<'_>],
    dims: &[isize],
    modes: &[Mode],
    fortran: bool,
    out: &ArrayRef<'_>,
) -> Result<()> {
    let Some(strides) = coordinate_strides(dims, fortran) else {
        return Err(Error::value(
            "invalid dims: array size defined by dims is larger than the maximum possible size.",
        ));
    };
    let intp = Dtype::intp();
    let prepared: Vec<Prepared<'_>> =
        coordinates.iter().map(|c| Prepared::new(*c, &intp)).collect::<Result<_>>()?;
    let target = Target::new(*out)?;
    let dst = target.view();
    let mut data: PerOp<*mut u8> = PerOp::from_slice(&[dst.data]);
    let mut rows: PerOp<Dims> = PerOp::new();
    rows.push(Dims::from_slice(dst.strides));
    for p in &prepared {
        data.push(p.view().data);
        rows.push(broadcast_strides(p.view().shape, p.view().strides, dst.shape)?);
    }
    let refs: PerOp<&[isize]> = rows.iter().map(|r| r.as_slice()).collect();
    MultiIter::c_order(dst.shape, &data, &refs).for_each(|p, n, st| {
        for i in 0..n as isize {
            let mut flat = 0isize;
            for (k, (&dim, &mode)) in dims.iter().zip(modes).enumerate() {
                // SAFETY: inside the coordinate arrays.
                let c = unsafe { p[k + 1].wrapping_offset(i * st[k + 1]).cast::<isize>().read() };
                // Negative coordinates do not count from the end here.
                let ok = mode != Mode::Raise || c >= 0;
                let Some(c) = Some(c).filter(|_| ok && dim > 0).and_then(|c| mode.apply(c, dim)) else {
                    return Err(Error::value("invalid entry in coordinates array"));
                };
                flat += c * strides[k];
            }
            // SAFETY: inside `out`.
            unsafe { p[0].wrapping_offset(i * st[0]).cast::<isize>().write(flat) };
        }
        Ok(())
    })?;
    target.finish()
}

/// Flat positions to coordinates: an array of the indices' shape with one more, innermost axis. numpy returns the slices
/// along it as views.
///
/// # Errors
/// `index 6 is out of bounds for array with size 6`, a `dims` whose size overflows.
pub fn unravel_index(indices: &ArrayRef<'_>, dims: &[isize], fortran: bool) -> Result<NdArray> {
    let Some(strides) = coordinate_strides(dims, fortran) else {
        return Err(Error::value(
            "dimensions are too large; arrays and shapes with a total size greater than 'intp' are not supported.",
        ));
    };
    let total: isize = dims.iter().product();
    let intp = Dtype::intp();
    let src = Prepared::new(*indices, &intp)?;
    let src = src.view();
    let mut shape = indices.shape.to_vec();
    shape.push(dims.len() as isize);
    let mut out = NdArray::empty(&shape, &intp, Order::C)?;
    let item = size_of::<isize>();
    let lead = keep_order_strides(indices.shape, &[indices.strides], item * dims.len().max(1));
    out.strides[..lead.len()].copy_from_slice(&lead);
    let lead = &out.strides[..lead.len()];
    MultiIter::c_order(indices.shape, &[out.data(), src.data], &[lead, src.strides]).for_each(
        |p, n, st| {
            for i in 0..n as isize {
                // SAFETY: inside the indices.
                let v = unsafe { p[1].wrapping_offset(i * st[1]).cast::<isize>().read() };
                if v < 0 || v >= total {
                    return Err(Error::value(format!(
                        "index {v} is out of bounds for array with size {total}"
                    )));
                }
                for (k, (&dim, &stride)) in dims.iter().zip(&strides).enumerate() {
                    let at = p[0].wrapping_offset(i * st[0]).cast::<isize>().wrapping_add(k);
                    // SAFETY: coordinate `k` of element `i`; a valid position means no dimension is empty.
                    unsafe { at.write(v / stride % dim) };
                }
            }
            Ok(())
        },
    )?;
    Ok(out)
}
