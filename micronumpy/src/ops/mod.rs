//! Everything arrays can do that is neither elementwise nor indexing.
//!
//! Functions take [`ArrayRef`]s and fill a destination or return an [`NdArray`]; where the caller allocates, a function
//! beside tells the shape. Operands may have any strides, alignment and byte order. Positions are dtype intp.
//! Unless said otherwise a destination does not overlap the inputs.

pub mod compare;
pub mod count;
pub mod einsum;
pub mod fill;
pub mod join;
pub mod product;
pub mod select;
pub mod sort;
pub mod take;

use crate::array::{ArrayRef, Dims, NdArray, Order};
use crate::cast::copy_into;
use crate::dtype::Dtype;
use crate::error::Result;
use crate::iter::{MultiIter, PerOp};

/// An operand as kernels want it: the operand itself when it is that already, a copy otherwise.
pub struct Prepared<'a> {
    original: ArrayRef<'a>,
    copy: Option<NdArray>,
}

impl<'a> Prepared<'a> {
    /// Of this dtype, native and aligned.
    ///
    /// # Errors
    /// Values that cannot be converted; memory.
    pub fn new(arr: ArrayRef<'a>, dtype: &Dtype) -> Result<Prepared<'a>> {
        let same = arr.dtype == dtype && arr.dtype.is_native() && arr.is_aligned();
        Prepared::or_copy(arr, dtype, same)
    }
    /// Of this dtype, native, aligned and C contiguous.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn contiguous(arr: ArrayRef<'a>, dtype: &Dtype) -> Result<Prepared<'a>> {
        let same = arr.dtype == dtype && arr.dtype.is_native() && arr.is_aligned() && arr.is_c_contiguous();
        Prepared::or_copy(arr, dtype, same)
    }
    fn or_copy(arr: ArrayRef<'a>, dtype: &Dtype, same: bool) -> Result<Prepared<'a>> {
        if same {
            return Ok(Prepared { original: arr, copy: None });
        }
        let native = dtype.with_byteorder(b'=');
        let copy = NdArray::empty(arr.shape, &native, Order::C)?;
        copy_into(&copy.view(), &arr)?;
        Ok(Prepared { original: arr, copy: Some(copy) })
    }
    pub fn view(&self) -> ArrayRef<'_> {
        match &self.copy {
            Some(c) => c.view(),
            None => self.original,
        }
    }
}

/// A destination as kernels want it (native, aligned, C contiguous); [`Target::finish`] copies back if it had to be
/// replaced.
struct Target<'a> {
    original: ArrayRef<'a>,
    temp: Option<NdArray>,
}

impl<'a> Target<'a> {
    fn new(arr: ArrayRef<'a>) -> Result<Target<'a>> {
        let ok = arr.dtype.is_native() && arr.is_aligned() && arr.is_c_contiguous();
        let temp = if ok {
            None
        } else {
            Some(NdArray::empty(arr.shape, &arr.dtype.with_byteorder(b'='), Order::C)?)
        };
        Ok(Target { original: arr, temp })
    }
    fn view(&self) -> ArrayRef<'_> {
        match &self.temp {
            Some(t) => t.view(),
            None => self.original,
        }
    }
    fn finish(self) -> Result<()> {
        match &self.temp {
            Some(t) => copy_into(&self.original, &t.view()),
            None => Ok(()),
        }
    }
}

/// `shape` without one axis.
pub fn without_axis(shape: &[isize], axis: usize) -> Dims {
    shape.iter().enumerate().filter(|&(i, _)| i != axis).map(|(_, &n)| n).collect()
}

/// Call `f` with the start of every lane along `axis`, for operands of the same rank whose other axes agree with
/// `shape`. C order.
pub(crate) fn for_each_lane(
    shape: &[isize],
    axis: usize,
    data: &[*mut u8],
    strides: &[&[isize]],
    mut f: impl FnMut(&[*mut u8]) -> Result<()>,
) -> Result<()> {
    if shape.len() == 1 {
        return f(data);
    }
    let outer = without_axis(shape, axis);
    let rows: PerOp<Dims> = strides.iter().map(|s| without_axis(s, axis)).collect();
    let rows: PerOp<&[isize]> = rows.iter().map(|r| r.as_slice()).collect();
    let mut lane: PerOp<*mut u8> = PerOp::from_slice(data);
    MultiIter::c_order(&outer, data, &rows).for_each(|p, n, st| {
        for i in 0..n as isize {
            for ((slot, &p), &s) in lane.iter_mut().zip(p).zip(st) {
                *slot = p.wrapping_offset(i * s);
            }
            f(&lane)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
