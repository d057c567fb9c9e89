//! One array of positions on the first axis, without a plan: `a[i]`, `a[i] = b` and `take` of plain items; and one on every axis.
//!
//! Where what a position selects is one run of bytes, selecting is copying such runs: no subspace, no layout to find, no list of
//! offsets.

use smallvec::SmallVec;
use ufuncs::pick::{self, Axis};

use super::out_of_bounds;
use crate::array::{ArrayRef, overlap};
use crate::dtype::Dtype;
use crate::error::Result;

/// Whether elements are bytes that anybody may copy.
#[inline]
pub fn is_plain(dt: &Dtype) -> bool {
    dt.num.is_number() || dt.num.is_bool() || dt.num.is_datetime()
}

/// Checked positions on the first axis of an array.
pub struct Rows<'a> {
    axis: Axis,
    positions: &'a [isize],
    wraps: bool,
}

impl<'a> Rows<'a> {
    /// `None` where it takes a plan: elements that are more than their bytes, rows in pieces, positions that are not contiguous.
    ///
    /// # Errors
    /// `index 10 is out of bounds for axis 0 with size 3`
    pub fn new(arr: &ArrayRef<'_>, index: &ArrayRef<'a>) -> Option<Result<Rows<'a>>> {
        let (&len, inner) = arr.shape.split_first()?;
        let (&stride, inner_strides) = arr.strides.split_first()?;
        let mut row = arr.dtype.itemsize as isize;
        for (&n, &s) in inner.iter().zip(inner_strides).rev() {
            if s != row && n != 1 {
                return None;
            }
            row = row.checked_mul(n)?;
        }
        if !is_plain(arr.dtype) {
            return None;
        }
        let positions = positions(index)?;
        let wraps = match pick::check(positions, len) {
            Ok(wraps) => wraps,
            Err(at) => return Some(Err(out_of_bounds(positions[at], 0, len))),
        };
        Some(Ok(Rows {
            axis: Axis { data: arr.data, stride, len, itemsize: row as usize },
            positions,
            wraps,
        }))
    }

    /// Copies the rows one behind the other.
    ///
    /// # Safety
    /// `out` has room for them and does not overlap the array, which is the one this was made for.
    pub unsafe fn take(&self, out: *mut u8) {
        // SAFETY: the positions were checked.
        unsafe { pick::gather(self.axis, self.positions, self.wraps, out) };
    }

    /// Assigns `src`: one element to every place, or a contiguous array of the shape of what is selected. False, and
    /// nothing done, when it is neither, or its elements are others, or it overlaps what is written.
    pub fn put(&self, arr: &ArrayRef<'_>, index: &ArrayRef<'_>, src: &ArrayRef<'_>) -> bool {
        if !crate::ufunc::exec::same_bytes(src.dtype, arr.dtype)
            || overlap::may_share_bounds(arr, src)
            || overlap::may_share_bounds(arr, index)
        {
            return false;
        }
        let inner = &arr.shape[1..];
        let stride = if src.ndim() == 0 && inner.is_empty() {
            0
        } else {
            let (outer, rest) = match src.shape.split_at_checked(index.ndim()) {
                Some(parts) if src.is_c_contiguous() => parts,
                _ => return false,
            };
            if outer != index.shape || rest != inner {
                return false;
            }
            self.axis.itemsize as isize
        };
        // SAFETY: the positions were checked; `src` has an item for each, or the one for all.
        unsafe { pick::scatter(self.axis, self.positions, self.wraps, src.data, stride) };
        true
    }
}

/// Checked positions on all axes of an array: `a[i, j]` for arrays of one shape, without a plan.
pub struct Points {
    offsets: SmallVec<[isize; 64]>,
    base: *mut u8,
    itemsize: usize,
}

impl Points {
    /// `None` where it takes a plan: elements that are more than their bytes, positions that are not native, contiguous and of one
    /// shape, or are out of bounds, about which the plan complains.
    pub fn new(arr: &ArrayRef<'_>, indices: &[ArrayRef<'_>]) -> Option<Points> {
        let first = indices.first()?;
        if indices.len() != arr.ndim() || !is_plain(arr.dtype) {
            return None;
        }
        let mut offsets: SmallVec<[isize; 64]> = SmallVec::new();
        offsets.try_reserve(first.size()).ok()?;
        for ((index, &len), &stride) in indices.iter().zip(arr.shape).zip(arr.strides) {
            let positions = positions(index)?;
            if index.shape != first.shape {
                return None;
            }
            let wraps = pick::check(positions, len).ok()?;
            let place = |&at: &isize| (if wraps && at < 0 { at + len } else { at }) * stride;
            if offsets.len() < positions.len() {
                offsets.extend(positions.iter().map(place));
            } else {
                offsets.iter_mut().zip(positions).for_each(|(offset, at)| *offset += place(at));
            }
        }
        Some(Points { offsets, base: arr.data, itemsize: arr.dtype.itemsize })
    }

    /// Copies the elements one behind the other.
    ///
    /// # Safety
    /// `out` has room for them and does not overlap the array, which is the one this was made for.
    pub unsafe fn take(&self, out: *mut u8) {
        // SAFETY: the offsets are those of elements.
        unsafe { pick::gather_at(self.base, &self.offsets, out, self.itemsize as isize, self.itemsize) };
    }
}

/// An array of native contiguous positions.
fn positions<'a>(index: &ArrayRef<'a>) -> Option<&'a [isize]> {
    let native = index.dtype.num == crate::TypeNum::LONG && index.dtype.is_native();
    if !native || !index.is_aligned() || !index.is_c_contiguous() {
        return None;
    }
    Some(match index.size() {
        0 => &[],
        // SAFETY: as many aligned native positions.
        n => unsafe { std::slice::from_raw_parts(index.data.cast::<isize>(), n) },
    })
}
