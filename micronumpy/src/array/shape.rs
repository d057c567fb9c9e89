//! Arithmetic on shapes: broadcasting, reshaping, axis numbers, and the wording of shapes in messages.

use super::{Dims, MAXDIMS};
use crate::error::{Error, Result};

/// A shape as messages spell it: `(2,3)`, `(4,)`, `()`. Leading unknown dimensions vanish and later ones are called
/// `newaxis`, which callers can see in reshape errors.
pub fn shape_text(shape: &[isize]) -> String {
    let lead = shape.iter().take_while(|&&n| n < 0).count();
    let known = &shape[lead..];
    if known.is_empty() {
        return "()".into();
    }
    let parts: Vec<String> =
        known.iter().map(|&n| if n < 0 { "newaxis".to_string() } else { n.to_string() }).collect();
    format!("({}{})", parts.join(","), if shape.len() == 1 { "," } else { "" })
}

/// A shape as Python prints the tuple: `(2, 3)`, `(4,)`.
pub fn tuple_text(shape: &[isize]) -> String {
    let parts: Vec<String> = shape.iter().map(isize::to_string).collect();
    format!("({}{})", parts.join(", "), if shape.len() == 1 { "," } else { "" })
}

/// The common shape of operands.
///
/// # Errors
/// `operands could not be broadcast together with shapes (2,3) (4,) `.
pub fn broadcast_shapes(shapes: &[&[isize]]) -> Result<Dims> {
    match try_broadcast(shapes) {
        Ok(out) => Ok(out),
        Err(_) => {
            let all: String = shapes.iter().map(|s| shape_text(s) + " ").collect();
            Err(Error::value(format!("operands could not be broadcast together with shapes {all}")))
        }
    }
}

/// [`broadcast_shapes`] in the words of `np.broadcast`: names the two arguments that do not fit.
///
/// # Errors
/// `shape mismatch: objects cannot be broadcast to a single shape.  Mismatch is between arg 0 with shape (2, 3) and arg
/// 1 with shape (4,).`
pub fn broadcast_shapes_args(shapes: &[&[isize]]) -> Result<Dims> {
    try_broadcast(shapes).map_err(|(a, b)| {
        Error::value(format!(
            "shape mismatch: objects cannot be broadcast to a single shape.  Mismatch is between arg {a} with \
             shape {} and arg {b} with shape {}.",
            tuple_text(shapes[a]),
            tuple_text(shapes[b])
        ))
    })
}

/// The common shape, or the two operands that do not fit.
fn try_broadcast(shapes: &[&[isize]]) -> std::result::Result<Dims, (usize, usize)> {
    let ndim = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = Dims::from_elem(1, ndim);
    let mut owner = Dims::from_elem(0, ndim);
    for (k, shape) in shapes.iter().enumerate() {
        let lead = ndim - shape.len();
        for (i, &n) in shape.iter().enumerate() {
            let slot = &mut out[lead + i];
            if n == 1 || n == *slot {
                continue;
            }
            if *slot != 1 {
                return Err((owner[lead + i] as usize, k));
            }
            *slot = n;
            owner[lead + i] = k as isize;
        }
    }
    Ok(out)
}

/// An axis number as an index; negative numbers count from the end.
///
/// # Errors
/// `axis 3 is out of bounds for array of dimension 2`.
pub fn normalize_axis(axis: isize, ndim: usize) -> Result<usize> {
    normalize_axis_prefixed(axis, ndim, None)
}

/// [`normalize_axis`] with a prefix for the message (`axis1: axis 3 is out ...`).
///
/// # Errors
/// As there.
pub fn normalize_axis_prefixed(axis: isize, ndim: usize, prefix: Option<&str>) -> Result<usize> {
    let n = ndim as isize;
    if axis < -n || axis >= n {
        return Err(Error::Axis { axis, ndim, prefix: prefix.map(str::to_string) });
    }
    Ok(if axis < 0 { axis + n } else { axis } as usize)
}

/// Several axes as a set of flags.
///
/// # Errors
/// Axes out of bounds; `duplicate value in 'axis'`.
pub fn normalize_axes(axes: &[isize], ndim: usize) -> Result<[bool; MAXDIMS]> {
    let mut flags = [false; MAXDIMS];
    for &axis in axes {
        let a = normalize_axis(axis, ndim)?;
        if std::mem::replace(&mut flags[a], true) {
            return Err(Error::value("duplicate value in 'axis'"));
        }
    }
    Ok(flags)
}

/// The full shape meant by a requested one with at most one unknown (negative) dimension, for `size` elements.
///
/// # Errors
/// `cannot reshape array of size 6 into shape (4,4)`, `can only specify one unknown dimension`.
pub fn reshape_shape(size: usize, request: &[isize]) -> Result<Dims> {
    if request.len() > MAXDIMS {
        return Err(Error::value(format!(
            "maximum supported dimension for an ndarray is currently {MAXDIMS}, found {}",
            request.len()
        )));
    }
    let fail =
        || Error::value(format!("cannot reshape array of size {size} into shape {}", shape_text(request)));
    let mut out = Dims::from_slice(request);
    let mut unknown = None;
    let mut known: usize = 1;
    for (i, &n) in request.iter().enumerate() {
        if n < 0 {
            if unknown.replace(i).is_some() {
                return Err(Error::value("can only specify one unknown dimension"));
            }
        } else {
            known = known.checked_mul(n as usize).ok_or_else(fail)?;
        }
    }
    match unknown {
        Some(i) => {
            if known == 0 || !size.is_multiple_of(known) {
                return Err(fail());
            }
            out[i] = (size / known) as isize;
        }
        None if known != size => return Err(fail()),
        None => {}
    }
    Ok(out)
}

/// Strides that make the same elements, in the same C (or Fortran) order, appear in another shape; `None` if only a copy
/// can. Both shapes must hold the same number of elements.
pub fn reshape_view(
    shape: &[isize],
    strides: &[isize],
    new_shape: &[isize],
    itemsize: usize,
    fortran: bool,
) -> Option<Dims> {
    let count = |shape: &[isize]| shape.iter().try_fold(1isize, |acc, &n| acc.checked_mul(n));
    if new_shape.contains(&0) {
        return Some(Dims::from_vec(super::contiguous_strides(new_shape, itemsize, fortran)));
    }
    if count(shape) != count(new_shape) {
        return None;
    }
    if shape == new_shape {
        return Some(Dims::from_slice(strides));
    }
    let old: smallvec::SmallVec<[(isize, isize); 8]> =
        shape.iter().copied().zip(strides.iter().copied()).filter(|&(n, _)| n != 1).collect();
    let mut out = Dims::from_elem(0, new_shape.len());
    // Match runs of old axes with runs of new axes that have the same product.
    let (mut oi, mut ni) = (0, 0);
    while ni < new_shape.len() && oi < old.len() {
        let (mut oj, mut nj) = (oi + 1, ni + 1);
        let (mut op, mut np) = (old[oi].0, new_shape[ni]);
        while op != np {
            if np < op {
                np *= new_shape[nj];
                nj += 1;
            } else {
                op *= old[oj].0;
                oj += 1;
            }
        }
        // The old axes of the run must be one axis in memory.
        for pair in old[oi..oj].windows(2) {
            let (slow, fast) = if fortran { (pair[1], pair[0]) } else { (pair[0], pair[1]) };
            if Some(slow.1) != fast.0.checked_mul(fast.1) {
                return None;
            }
        }
        let mut fill = |k: usize, stride: &mut isize| {
            out[k] = *stride;
            *stride = stride.wrapping_mul(new_shape[k]);
        };
        if fortran {
            let mut stride = old[oi].1;
            (ni..nj).for_each(|k| fill(k, &mut stride));
        } else {
            let mut stride = old[oj - 1].1;
            (ni..nj).rev().for_each(|k| fill(k, &mut stride));
        }
        (oi, ni) = (oj, nj);
    }
    // What remains of the new shape are ones.
    let tail = match ni.checked_sub(1) {
        None => itemsize as isize,
        Some(last) if fortran => out[last].wrapping_mul(new_shape[last]),
        Some(last) => out[last],
    };
    out[ni..].fill(tail);
    Some(out)
}
