//! What an array is in memory: data pointer, shape, byte strides, dtype.
//!
//! [`ArrayRef`] borrows all four (out of a Python array object, out of an [`NdArray`]); operations take it. [`NdArray`]
//! owns a buffer and gives it away to a Python object without copying.

pub mod buffer;
pub mod overlap;
mod shape;
pub mod view;

pub use shape::{
    broadcast_shapes, broadcast_shapes_args, normalize_axes, normalize_axis, normalize_axis_prefixed,
    reshape_shape, reshape_view, shape_text, tuple_text,
};
pub use view::View;

use crate::dtype::Dtype;
use crate::error::Result;

/// A shape, strides or index: one number per axis, inline for ordinary arrays.
pub type Dims = smallvec::SmallVec<[isize; 8]>;

/// numpy's limit on dimensions.
pub const MAXDIMS: usize = 64;

/// A strided view of elements that somebody else keeps alive.
///
/// Arrays alias: holding an `ArrayRef` says nothing about exclusive access, so elements are only reached through raw
/// pointers. Whoever makes one guarantees that every element `shape` and `strides` can reach lies inside one live
/// allocation for as long as the `ArrayRef` is used.
#[derive(Clone, Copy, Debug)]
pub struct ArrayRef<'a> {
    pub data: *mut u8,
    pub shape: &'a [isize],
    pub strides: &'a [isize],
    pub dtype: &'a Dtype,
}

impl<'a> ArrayRef<'a> {
    /// # Panics
    /// When there is not one stride for each dimension.
    ///
    /// # Safety
    /// The elements reached from `data` by `shape` and `strides` must be valid for reads (and writes, if the array is
    /// used as a destination) of `dtype.itemsize` bytes while the result is in use.
    #[inline]
    pub unsafe fn new(
        data: *mut u8,
        shape: &'a [isize],
        strides: &'a [isize],
        dtype: &'a Dtype,
    ) -> ArrayRef<'a> {
        // Cheap, and what goes wrong otherwise is memory.
        assert_eq!(shape.len(), strides.len(), "shape and strides of an array");
        ArrayRef { data, shape, strides, dtype }
    }
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }
    /// Number of elements.
    #[inline]
    pub fn size(&self) -> usize {
        self.shape.iter().map(|&n| n as usize).product()
    }
    /// Whether every element sits at its dtype's alignment.
    #[inline]
    pub fn is_aligned(&self) -> bool {
        is_aligned(self.data, self.shape, self.strides, self.dtype.align)
    }
    #[inline]
    pub fn is_c_contiguous(&self) -> bool {
        is_c_contiguous(self.shape, self.strides, self.dtype.itemsize)
    }
    #[inline]
    pub fn is_f_contiguous(&self) -> bool {
        is_f_contiguous(self.shape, self.strides, self.dtype.itemsize)
    }
}

/// C order: numpy's relaxed rule, dimensions of length one and empty arrays do not count.
#[inline]
pub fn is_c_contiguous(shape: &[isize], strides: &[isize], itemsize: usize) -> bool {
    let mut expected = itemsize as isize;
    for (&n, &s) in shape.iter().zip(strides).rev() {
        if n == 0 {
            return true;
        }
        if n != 1 {
            if s != expected {
                // An empty dimension further out makes the array contiguous after all.
                return shape.contains(&0);
            }
            expected = expected.saturating_mul(n);
        }
    }
    true
}

/// Fortran order, same rules.
#[inline]
pub fn is_f_contiguous(shape: &[isize], strides: &[isize], itemsize: usize) -> bool {
    let mut expected = itemsize as isize;
    for (&n, &s) in shape.iter().zip(strides) {
        if n == 0 {
            return true;
        }
        if n != 1 {
            if s != expected {
                return shape.contains(&0);
            }
            expected = expected.saturating_mul(n);
        }
    }
    true
}

/// Whether all elements are at multiples of `align`.
#[inline]
pub fn is_aligned(data: *const u8, shape: &[isize], strides: &[isize], align: usize) -> bool {
    if align <= 1 {
        return true;
    }
    let mut bits = data as usize;
    for (&n, &s) in shape.iter().zip(strides) {
        if n == 0 {
            return true;
        }
        if n > 1 {
            bits |= s as usize;
        }
    }
    bits & (align - 1) == 0
}

/// Memory order of a new array. Values are ABI (`NPY_ORDER`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Order {
    Any = -1,
    C = 0,
    F = 1,
    Keep = 2,
}

/// Byte strides of a fresh contiguous array.
pub fn contiguous_strides(shape: &[isize], itemsize: usize, fortran: bool) -> Vec<isize> {
    let mut st = vec![0; shape.len()];
    let mut acc = itemsize as isize;
    let mut step = |i: usize| {
        st[i] = acc;
        // numpy counts empty dimensions as one here, so that strides stay meaningful.
        acc = acc.saturating_mul(shape[i].max(1));
    };
    if fortran {
        (0..shape.len()).for_each(&mut step);
    } else {
        (0..shape.len()).rev().for_each(&mut step);
    }
    st
}

/// Strides of a new array whose axes lie in memory as those of another array do: largest stride outermost, equal ones in
/// C order. This is what `order='K'` means for copies of one array.
pub fn sorted_like_strides(shape: &[isize], strides: &[isize], itemsize: usize) -> Vec<isize> {
    let mut order: smallvec::SmallVec<[usize; 8]> = (0..shape.len()).collect();
    order.sort_by(|&a, &b| strides[b].unsigned_abs().cmp(&strides[a].unsigned_abs()));
    crate::iter::strides_by_order(shape, &order, itemsize).to_vec()
}

/// Strides of a new array whose axes lie in memory in the given order, outermost first.
pub fn strides_by_axis_order(
    shape: &[isize],
    order: impl Iterator<Item = usize>,
    itemsize: usize,
) -> Vec<isize> {
    let order: smallvec::SmallVec<[usize; 8]> = order.collect();
    crate::iter::strides_by_order(shape, &order, itemsize).to_vec()
}

/// An array that owns its buffer. Dropping it gives back object references and memory.
#[derive(Debug)]
pub struct NdArray {
    pub(crate) data: *mut u8,
    pub shape: Vec<isize>,
    pub strides: Vec<isize>,
    pub dtype: Dtype,
}

impl NdArray {
    /// A new array with undefined contents (objects: null, which reads as `None`).
    ///
    /// # Errors
    /// `Error::Memory` when it cannot be allocated, `Error::Value` when its size overflows.
    pub fn empty(shape: &[isize], dtype: &Dtype, order: Order) -> Result<NdArray> {
        let strides = contiguous_strides(shape, dtype.itemsize, order == Order::F);
        let nbytes = buffer::checked_nbytes(shape, dtype)?;
        let data = buffer::alloc(nbytes, dtype.flags & crate::dtype::flags::NEEDS_INIT != 0)
            .ok_or_else(|| crate::error::Error::Memory { shape: shape.to_vec(), dtype: dtype.clone() })?;
        Ok(NdArray { data, shape: shape.to_vec(), strides, dtype: dtype.clone() })
    }
    /// A new array with all bytes zero (objects: null).
    ///
    /// # Errors
    /// As [`NdArray::empty`].
    pub fn zeros(shape: &[isize], dtype: &Dtype, order: Order) -> Result<NdArray> {
        let arr = NdArray::empty(shape, dtype, order)?;
        if dtype.flags & crate::dtype::flags::NEEDS_INIT == 0 {
            let n = buffer::checked_nbytes(shape, dtype)?;
            // SAFETY: the buffer holds `n` bytes.
            unsafe { std::ptr::write_bytes(arr.data, 0, n) };
        }
        Ok(arr)
    }
    /// A new array laid out like `like` (order `K`: axes in the order they lie in memory there).
    ///
    /// # Errors
    /// As [`NdArray::empty`].
    pub fn empty_like(like: &ArrayRef<'_>, dtype: &Dtype, order: Order) -> Result<NdArray> {
        let fortran = match order {
            Order::C => false,
            Order::F => true,
            Order::Any => like.is_f_contiguous() && !like.is_c_contiguous(),
            Order::Keep if like.is_c_contiguous() || like.ndim() <= 1 => false,
            Order::Keep if like.is_f_contiguous() => true,
            Order::Keep => {
                let mut arr = NdArray::empty(like.shape, dtype, Order::C)?;
                arr.strides = sorted_like_strides(like.shape, like.strides, dtype.itemsize);
                return Ok(arr);
            }
        };
        NdArray::empty(like.shape, dtype, if fortran { Order::F } else { Order::C })
    }
    /// A copy of another array.
    ///
    /// # Errors
    /// As [`NdArray::empty`].
    pub fn copy_of(src: &ArrayRef<'_>, order: Order) -> Result<NdArray> {
        let arr = NdArray::empty_like(src, &src.dtype.for_new_array(), order)?;
        crate::cast::copy_into(&arr.view(), src)?;
        Ok(arr)
    }
    /// A view of the whole array.
    pub fn view(&self) -> ArrayRef<'_> {
        ArrayRef { data: self.data, shape: &self.shape, strides: &self.strides, dtype: &self.dtype }
    }
    pub fn data(&self) -> *mut u8 {
        self.data
    }
    /// Give the buffer away (allocated by [`buffer::alloc`]): data, shape, strides, dtype.
    pub fn into_raw(self) -> (*mut u8, Vec<isize>, Vec<isize>, Dtype) {
        let mut me = std::mem::ManuallyDrop::new(self);
        let shape = std::mem::take(&mut me.shape);
        let strides = std::mem::take(&mut me.strides);
        (me.data, shape, strides, std::mem::replace(&mut me.dtype, Dtype::bool()))
    }
}

impl Drop for NdArray {
    fn drop(&mut self) {
        if self.dtype.has_object() {
            // SAFETY: the buffer is ours and all its object slots are null or own a reference.
            unsafe { crate::cast::release_objects(&self.view()) };
        }
        // SAFETY: the buffer came from `buffer::alloc` and nobody else frees it.
        unsafe { buffer::free(self.data) };
    }
}
