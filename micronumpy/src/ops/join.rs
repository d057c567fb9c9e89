//! Joining arrays.

use smallvec::SmallVec;

use crate::array::{ArrayRef, Dims, contiguous_strides};
use crate::cast::copy_into_status;
use crate::error::{Error, Result};
use crate::iter::strides_by_order;

/// Shape of a concatenation along an axis.
///
/// # Errors
/// `all the input arrays must have same number of dimensions, ...` and the like.
pub fn concatenate_shape(shapes: &[&[isize]], axis: usize) -> Result<Dims> {
    let Some((first, rest)) = shapes.split_first() else {
        return Err(Error::value("need at least one array to concatenate"));
    };
    if first.is_empty() {
        return Err(Error::value("zero-dimensional arrays cannot be concatenated"));
    }
    let mut out = Dims::from_slice(first);
    for (k, shape) in rest.iter().enumerate() {
        if shape.len() != first.len() {
            return Err(Error::value(format!(
                "all the input arrays must have same number of dimensions, but the array at index 0 has {} \
                 dimension(s) and the array at index {} has {} dimension(s)",
                first.len(),
                k + 1,
                shape.len()
            )));
        }
        for (d, (&n, slot)) in shape.iter().zip(out.iter_mut()).enumerate() {
            if d == axis {
                // An overflow shows as numpy's does.
                *slot = slot.wrapping_add(n);
                if *slot < 0 {
                    return Err(Error::value("negative dimensions are not allowed"));
                }
            } else if n != *slot {
                return Err(Error::value(format!(
                    "all the input array dimensions except for the concatenation axis must match exactly, but \
                     along dimension {d}, the array at index 0 has size {slot} and the array at index {} has \
                     size {n}",
                    k + 1
                )));
            }
        }
    }
    Ok(out)
}

/// Length of a concatenation of all elements.
///
/// # Errors
/// `total number of elements too large to concatenate`
pub fn flat_length(sizes: &[usize]) -> Result<isize> {
    let total = sizes.iter().try_fold(0isize, |n, &size| n.checked_add_unsigned(size));
    total.ok_or_else(|| Error::value("total number of elements too large to concatenate"))
}

/// Byte strides numpy gives the result: like the inputs lie.
///
/// Axes are sorted by insertion as [`crate::iter::axis_order`] does it, but from the other end, which counts because axes
/// of length one have no opinion.
pub fn concatenate_strides(arrays: &[ArrayRef<'_>], shape: &[isize], itemsize: usize) -> Dims {
    let mut order: SmallVec<[usize; 8]> = (0..shape.len()).collect();
    for i in 1..order.len() {
        let axis = order[i];
        let mut insert_at = i;
        for j in (0..i).rev() {
            let other = order[j];
            let mut opinions = arrays
                .iter()
                .filter(|a| a.shape[axis] != 1 && a.shape[other] != 1)
                .map(|a| a.strides[axis].unsigned_abs() > a.strides[other].unsigned_abs())
                .peekable();
            if opinions.peek().is_none() {
                continue;
            }
            // One array that likes the order as it is wins over others.
            if !opinions.all(|outside| outside) {
                break;
            }
            insert_at = j;
        }
        order[insert_at..=i].rotate_right(1);
    }
    strides_by_order(shape, &order, itemsize)
}

/// Fill `out` (of the shape [`concatenate_shape`] tells) with the arrays, one after the other along `axis`. `report` gets
/// the floating-point status of each.
///
/// # Errors
/// Values that cannot be converted; what `report` says.
pub fn concatenate(
    arrays: &[ArrayRef<'_>],
    axis: usize,
    out: &ArrayRef<'_>,
    mut report: impl FnMut(u8) -> Result<()>,
) -> Result<()> {
    let mut at = out.data;
    for a in arrays {
        let part = ArrayRef { data: at, shape: a.shape, ..*out };
        report(copy_into_status(&part, a)?)?;
        at = at.wrapping_offset(a.shape[axis] * out.strides[axis]);
    }
    Ok(())
}

/// Fill the 1-d `out` with the elements of all arrays in C order (Fortran order with `fortran`).
///
/// # Errors
/// As [`concatenate`].
pub fn concatenate_flat(
    arrays: &[ArrayRef<'_>],
    out: &ArrayRef<'_>,
    fortran: bool,
    mut report: impl FnMut(u8) -> Result<()>,
) -> Result<()> {
    let mut at = out.data;
    for a in arrays {
        // The stretch of `out` this array fills, seen in the array's shape.
        let mut strides = contiguous_strides(a.shape, 1, fortran);
        strides.iter_mut().for_each(|s| *s *= out.strides[0]);
        let part = ArrayRef { data: at, shape: a.shape, strides: &strides, ..*out };
        report(copy_into_status(&part, a)?)?;
        at = at.wrapping_offset(a.size() as isize * out.strides[0]);
    }
    Ok(())
}
