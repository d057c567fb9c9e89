//! Views: the same memory under another shape, stride or dtype. Pure arithmetic; nothing here touches elements.

use super::{Dims, normalize_axis, normalize_axis_prefixed};
use crate::dtype::Dtype;
use crate::error::{Error, Result};

/// Where a view lies relative to its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Bytes from the base's data pointer.
    pub offset: isize,
    pub shape: Dims,
    pub strides: Dims,
}

impl View {
    pub fn whole(shape: &[isize], strides: &[isize]) -> View {
        View { offset: 0, shape: Dims::from_slice(shape), strides: Dims::from_slice(strides) }
    }
    fn permuted(&self, axes: impl Iterator<Item = usize> + Clone) -> View {
        View {
            offset: self.offset,
            shape: axes.clone().map(|a| self.shape[a]).collect(),
            strides: axes.map(|a| self.strides[a]).collect(),
        }
    }
}

/// The axes of `transpose(axes)` as indices; `None` reverses them.
///
/// # Errors
/// `axes don't match array`, `repeated axis in transpose`, axes out of bounds.
pub fn transpose_axes(ndim: usize, axes: Option<&[isize]>) -> Result<Vec<usize>> {
    let Some(axes) = axes else { return Ok((0..ndim).rev().collect()) };
    if axes.len() != ndim {
        return Err(Error::value("axes don't match array"));
    }
    let mut out = Vec::with_capacity(ndim);
    for &a in axes {
        let a = normalize_axis(a, ndim)?;
        if out.contains(&a) {
            return Err(Error::value("repeated axis in transpose"));
        }
        out.push(a);
    }
    Ok(out)
}

/// # Errors
/// As [`transpose_axes`].
pub fn transpose(shape: &[isize], strides: &[isize], axes: Option<&[isize]>) -> Result<View> {
    let axes = transpose_axes(shape.len(), axes)?;
    Ok(View::whole(shape, strides).permuted(axes.into_iter()))
}

/// # Errors
/// `axis1: axis 2 is out of bounds ...`
pub fn swapaxes(shape: &[isize], strides: &[isize], axis1: isize, axis2: isize) -> Result<View> {
    let a = normalize_axis_prefixed(axis1, shape.len(), Some("axis1"))?;
    let b = normalize_axis_prefixed(axis2, shape.len(), Some("axis2"))?;
    let mut v = View::whole(shape, strides);
    v.shape.swap(a, b);
    v.strides.swap(a, b);
    Ok(v)
}

/// Drop axes of length one: all of them, or the given ones.
///
/// # Errors
/// `cannot select an axis to squeeze out which has size not equal to one`, duplicate or invalid axes.
pub fn squeeze(shape: &[isize], strides: &[isize], axes: Option<&[isize]>) -> Result<View> {
    let drop: Vec<bool> = match axes {
        None => shape.iter().map(|&n| n == 1).collect(),
        Some(axes) => {
            let flags = super::normalize_axes(axes, shape.len())?;
            if shape.iter().zip(flags).any(|(&n, f)| f && n != 1) {
                return Err(Error::value(
                    "cannot select an axis to squeeze out which has size not equal to one",
                ));
            }
            flags[..shape.len()].to_vec()
        }
    };
    let keep = (0..shape.len()).filter(|&i| !drop[i]);
    Ok(View::whole(shape, strides).permuted(keep))
}

/// The diagonal of two axes as a new last axis.
///
/// # Errors
/// Fewer than two dimensions, equal or invalid axes.
pub fn diagonal(
    shape: &[isize],
    strides: &[isize],
    offset: isize,
    axis1: isize,
    axis2: isize,
) -> Result<View> {
    if shape.len() < 2 {
        return Err(Error::value("diag requires an array of at least two dimensions"));
    }
    let a = normalize_axis_prefixed(axis1, shape.len(), Some("axis1"))?;
    let b = normalize_axis_prefixed(axis2, shape.len(), Some("axis2"))?;
    if a == b {
        return Err(Error::value("axis1 and axis2 cannot be the same"));
    }
    let (mut n, mut m) = (shape[a], shape[b]);
    let mut v = View::whole(shape, strides).permuted((0..shape.len()).filter(|&i| i != a && i != b));
    if offset >= 0 {
        v.offset = if offset < m { offset * strides[b] } else { 0 };
        m = (m - offset.min(m)).max(0);
    } else {
        let down = offset.unsigned_abs() as isize;
        v.offset = if down < n { down * strides[a] } else { 0 };
        n = (n - down.min(n)).max(0);
    }
    v.shape.push(n.min(m));
    v.strides.push(strides[a].wrapping_add(strides[b]));
    Ok(v)
}

/// Shape and strides of `arr.view(dtype)`.
///
/// # Errors
/// Objects on one side only, sizes that do not fit the last axis.
pub fn with_dtype(shape: &[isize], strides: &[isize], from: &Dtype, to: &Dtype) -> Result<View> {
    let mut v = View::whole(shape, strides);
    if from.has_object() || to.has_object() {
        // Views between identical object layouts are harmless, all others would forge pointers.
        if !(from == to || (from.num.is_object() && to.num.is_object()) || same_objects(from, to)) {
            return Err(Error::type_("Cannot change data-type for array of references."));
        }
    }
    let (old, new) = (from.itemsize as isize, to.itemsize as isize);
    if old == new {
        return Ok(v);
    }
    let Some(last) = shape.len().checked_sub(1) else {
        return Err(Error::value(
            "Changing the dtype of a 0d array is only supported if the itemsize is unchanged",
        ));
    };
    if shape[last] != 1 && strides[last] != old && !shape.contains(&0) {
        return Err(Error::value(
            "To change to a dtype of a different size, the last axis must be contiguous",
        ));
    }
    if new < old {
        if new == 0 || old % new != 0 {
            return Err(Error::value(
                "When changing to a smaller dtype, its size must be a divisor of the size of original dtype",
            ));
        }
        v.shape[last] = shape[last] * (old / new);
    } else {
        let total = shape[last] * old;
        if total % new != 0 {
            return Err(Error::value(
                "When changing to a larger dtype, its size must be a divisor of the total size in bytes of the \
                 last axis of the array.",
            ));
        }
        v.shape[last] = total / new;
    }
    v.strides[last] = new;
    Ok(v)
}

/// Object slots at the same places.
fn same_objects(a: &Dtype, b: &Dtype) -> bool {
    a.itemsize == b.itemsize && crate::cast::object_offsets(a) == crate::cast::object_offsets(b)
}

/// Axes of length one inserted at these positions of the result.
///
/// # Errors
/// Positions out of bounds or repeated.
pub fn expand_dims(shape: &[isize], strides: &[isize], axes: &[isize]) -> Result<View> {
    let ndim = shape.len() + axes.len();
    let flags = super::normalize_axes(axes, ndim)?;
    let mut v = View { offset: 0, shape: Dims::new(), strides: Dims::new() };
    let mut old = 0;
    for &new in &flags[..ndim] {
        if new {
            v.shape.push(1);
            v.strides.push(0);
        } else {
            v.shape.push(shape[old]);
            v.strides.push(strides[old]);
            old += 1;
        }
    }
    Ok(v)
}
