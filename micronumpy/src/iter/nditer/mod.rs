//! The general iterator: numpy's `nditer`.
//!
//! Several operands are walked in step over one broadcast shape. Construction ([`NdIter::new`]) goes through fixed
//! stages, each of which can fail with numpy's message: check flags; broadcast, or map axes as `op_axes` says; choose the
//! order of axes; choose loop dtypes; allocate outputs and make copies; merge axes. What remains is a matrix of strides
//! (one row per axis, innermost first) and a position in it.
//!
//! Without buffering an inner loop runs along the innermost axis. With buffering, elements that need a cast, or do not
//! lie at one stride, pass through buffers that are filled for a run of inner loops and written back before the position
//! moves on; `buffer` explains how much is taken at a time.
//!
//! An index (`C_INDEX`, `F_INDEX`) is one more column of strides whose "pointer" is the index itself.
//!
//! The engine sees operands as pointer, shape and strides ([`Operand`]); making arrays is the business of [`Host`]. Safety
//! rests on the contract of [`NdIter::new`]: operands describe memory that outlives the iterator.

mod axes;
mod buffer;
mod build;
mod dump;
pub mod flags;
mod position;

use std::sync::Arc;

pub use build::{OpSpec, Request};
pub use flags::{REDUCTION_AXIS, global, per_op};

use crate::array::Dims;
use crate::cast::Transfer;
use crate::dtype::Dtype;
use crate::error::Result;

/// The memory of an array, without its owner.
#[derive(Clone, Debug)]
pub struct Layout {
    pub data: *mut u8,
    pub shape: Dims,
    pub strides: Dims,
    pub dtype: Dtype,
}

/// What construction asks of the owner of the arrays.
pub trait Host {
    /// Make the array of operand `op`, with this shape and these strides (positive, without gaps). The array stays alive
    /// as long as the iterator.
    ///
    /// # Errors
    /// Out of memory; a subtype that changed the dimensions.
    fn allocate(
        &mut self,
        op: usize,
        dtype: &Dtype,
        shape: &[isize],
        strides: &[isize],
        subtype_ok: bool,
    ) -> Result<Layout>;
    /// Replace operand `op` by a temporary of another layout or dtype. `read`: it starts with the operand's values;
    /// `write_back`: the operand gets its values when the iteration is closed.
    ///
    /// # Errors
    /// Values that cannot be cast.
    fn replace(
        &mut self,
        op: usize,
        dtype: &Dtype,
        shape: &[isize],
        strides: &[isize],
        read: bool,
        write_back: bool,
    ) -> Result<Layout>;
    /// A dtype as messages show it: `dtype('float64')`.
    fn repr(&self, dtype: &Dtype) -> String;
}

/// Where the loop dtype of an operand came from; the host has objects for all but the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DtypeSource {
    Array,
    Requested,
    Computed,
}

/// One operand after construction.
#[derive(Clone)]
pub struct Operand {
    /// What the loop sees.
    pub dtype: Dtype,
    pub source: DtypeSource,
    /// Data pointer, shape, strides and dtype of the array; `None` for virtual operands.
    pub array: Option<Layout>,
    pub read: bool,
    pub write: bool,
    /// Elements need a cast, a byte swap or another alignment.
    pub cast: bool,
    /// Written more than once per element: a reduction.
    pub reduce: bool,
    pub write_masked: bool,
    pub is_virtual: bool,
    contig: bool,
    force_copy: bool,
}

/// One axis of the iteration. Axis 0 is the innermost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub shape: isize,
    pub index: isize,
}

/// Which axis of the caller an axis of the iteration is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Perm {
    /// Counted from the caller's last axis.
    pub axis: usize,
    /// Walked backwards.
    pub flipped: bool,
}

/// The iterator; see the module text. Copying it by [`NdIter::duplicate`] gives an independent position.
pub struct NdIter {
    pub(crate) ndim: usize,
    pub(crate) perm: Vec<Perm>,
    /// At least one, even for zero dimensions.
    pub(crate) axes: Vec<Axis>,
    /// Row per axis, column per operand; a last column for the index.
    pub(crate) strides: Vec<isize>,
    pub(crate) columns: usize,
    /// Where the walk starts, per column.
    reset: Vec<*mut u8>,
    /// Bytes from each operand's first element to where the walk starts (axes walked backwards).
    base_offsets: Vec<isize>,
    /// The position of `axes`, per column. With buffering: where the current fill starts.
    at: Vec<*mut u8>,
    ops: Vec<Operand>,
    mask_op: Option<usize>,
    has_index: bool,
    has_multi_index: bool,
    external: bool,
    ranged: bool,
    reduce: bool,
    grow_inner: bool,
    forced_order: bool,
    needs_host: bool,
    /// `None`: too large; removing an axis may help.
    itersize: Option<isize>,
    start: isize,
    end: isize,
    index: isize,
    buffering: Option<Box<buffer::Buffering>>,
    inner_size: isize,
    inner_strides: Vec<isize>,
}

pub(crate) type SharedTransfer = Option<Arc<Transfer>>;

impl NdIter {
    pub fn ndim(&self) -> usize {
        self.ndim
    }
    pub fn nop(&self) -> usize {
        self.ops.len()
    }
    pub fn operands(&self) -> &[Operand] {
        &self.ops
    }
    /// Number of elements; `None` when it does not fit an `isize` (only while a multi-index is tracked).
    pub fn itersize(&self) -> Option<isize> {
        self.itersize
    }
    /// First and one past the last element of the iteration.
    pub fn range(&self) -> (isize, isize) {
        (self.start, self.end)
    }
    pub fn iterindex(&self) -> isize {
        self.index
    }
    pub fn has_index(&self) -> bool {
        self.has_index
    }
    pub fn has_multi_index(&self) -> bool {
        self.has_multi_index
    }
    pub fn has_external_loop(&self) -> bool {
        self.external
    }
    pub fn is_buffered(&self) -> bool {
        self.buffering.is_some()
    }
    pub fn is_grow_inner(&self) -> bool {
        self.grow_inner
    }
    pub fn has_delayed_bufalloc(&self) -> bool {
        self.buffering.as_ref().is_some_and(|b| b.delayed)
    }
    /// Whether stepping may call the host.
    pub fn needs_host(&self) -> bool {
        self.needs_host
    }
    /// Whether some operand cannot be used without a buffer.
    pub fn requires_buffering(&self) -> bool {
        self.ops.iter().any(|op| op.cast)
    }
    /// Elements a buffer holds, 0 without buffering.
    pub fn buffersize(&self) -> isize {
        self.buffering.as_ref().map_or(0, |b| b.capacity)
    }
    /// Whether this is the first time a reduction operand's current element is visited.
    pub fn is_first_visit(&self, op: usize) -> bool {
        for (a, axis) in self.axes.iter().enumerate() {
            if axis.index != 0 && self.strides[a * self.columns + op] == 0 && axis.shape != 1 {
                return false;
            }
        }
        self.buffering.as_ref().is_none_or(|b| b.outer_pos == 0 || b.outer_strides[op] != 0)
    }
    /// The operands' data pointers (in buffers or arrays) at the current position.
    pub fn pointers(&self) -> &[*mut u8] {
        match &self.buffering {
            Some(b) => &b.user,
            None => &self.at[..self.nop()],
        }
    }
    /// Where the data pointers start, before buffering.
    pub fn initial_pointers(&self) -> &[*mut u8] {
        &self.reset[..self.nop()]
    }
    /// Elements in the current inner loop; 1 without an external loop.
    pub fn inner_size(&self) -> isize {
        match &self.buffering {
            Some(b) if self.external => b.size,
            Some(_) => 1,
            None => self.inner_size,
        }
    }
    /// Strides of the current inner loop.
    pub fn inner_strides(&self) -> &[isize] {
        match &self.buffering {
            Some(b) => &b.strides,
            None => &self.inner_strides,
        }
    }
    /// The tracked flat index. With buffering it is that of the start of the current fill.
    pub fn tracked_index(&self) -> Option<isize> {
        self.has_index.then(|| self.at[self.nop()] as isize)
    }
    /// The caller's axis behind axis `a` of the iteration, and whether it is walked backwards.
    pub(crate) fn original_axis(&self, a: usize) -> (usize, bool) {
        (self.ndim - 1 - self.perm[a].axis, self.perm[a].flipped)
    }
    /// The multi-index. With buffering it is that of the start of the current fill.
    pub fn multi_index(&self) -> Dims {
        let mut out = Dims::from_elem(0, self.ndim);
        for a in 0..self.ndim {
            let (axis, flipped) = self.original_axis(a);
            let Axis { shape, index } = self.axes[a];
            out[axis] = if flipped { shape - 1 - index } else { index };
        }
        out
    }
    /// The shape: the caller's one while a multi-index is tracked, else that of the merged axes, innermost first.
    pub fn shape(&self) -> Dims {
        let mut out = Dims::from_elem(0, self.ndim);
        for a in 0..self.ndim {
            let axis = if self.has_multi_index { self.original_axis(a).0 } else { a };
            out[axis] = self.axes[a].shape;
        }
        out
    }
    /// Strides of all operands along an axis of the caller (multi-index) or of the iteration, outermost first.
    pub fn axis_strides(&self, axis: usize) -> Option<&[isize]> {
        let a = if self.has_multi_index {
            (0..self.ndim).find(|&a| self.original_axis(a).0 == axis)?
        } else {
            self.ndim.checked_sub(axis + 1)?
        };
        Some(&self.strides[a * self.columns..][..self.nop()])
    }
    /// Operand `op` as the iteration walks it: pointer, shape and strides, outermost axis first.
    pub fn view(&self, op: usize) -> (*mut u8, Dims, Dims) {
        let rows = (0..self.ndim).rev();
        let shape = rows.clone().map(|a| self.axes[a].shape).collect();
        let strides = rows.map(|a| self.strides[a * self.columns + op]).collect();
        (self.reset[op], shape, strides)
    }
    /// Strides of a new array with this item size whose memory is walked by the iteration in order; axes of the caller.
    pub fn compatible_strides(&self, itemsize: isize) -> Option<Dims> {
        if !self.has_multi_index {
            return None;
        }
        let mut out = Dims::from_elem(0, self.ndim);
        let mut acc = itemsize;
        for a in 0..self.ndim {
            let (axis, flipped) = self.original_axis(a);
            if flipped {
                return None;
            }
            out[axis] = acc;
            acc *= self.axes[a].shape;
        }
        Some(out)
    }
}

impl Drop for NdIter {
    fn drop(&mut self) {
        if let Some(b) = &mut self.buffering {
            b.release(&self.ops);
        }
    }
}

#[cfg(test)]
mod tests;
