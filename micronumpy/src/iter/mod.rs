//! Visiting the elements of several arrays together.
//!
//! Elementwise work cares about two things: that operands stay in step, and that memory is walked in the order it lies
//! in. So a set of broadcast operands is first *planned*: axes sorted so that the operand strides fall from outermost to
//! innermost (numpy's `K` order), axes walked backwards by everybody turned round, neighbouring axes merged where all
//! operands allow it. What is left is usually one inner loop. [`MultiIter`] then steps the outer axes and hands out
//! `(pointers, count, strides)` for the inner one, which is exactly what a kernel takes.

mod fill;
pub mod nditer;
mod plan;

pub use fill::{Fill, best_fill};
pub use plan::{AxisPlan, axis_order, broadcast_strides, keep_order_strides, strides_by_order};

use smallvec::SmallVec;

use crate::array::{ArrayRef, Dims};
use crate::error::Result;

/// One value per operand.
pub type PerOp<T> = SmallVec<[T; 4]>;

/// Steps several operands over one shape; see the module text.
#[derive(Clone, Debug)]
pub struct MultiIter {
    nop: usize,
    /// Outer shape, outermost first; the inner axis is not part of it.
    outer: Dims,
    index: Dims,
    /// `outer.len()` rows of `nop` strides.
    outer_strides: SmallVec<[isize; 16]>,
    inner_count: usize,
    inner_strides: PerOp<isize>,
    start: PerOp<*mut u8>,
    ptrs: PerOp<*mut u8>,
    size: usize,
}

impl MultiIter {
    /// Operands broadcast to `shape`, walked in memory order.
    ///
    /// # Errors
    /// An operand that does not broadcast to `shape`.
    pub fn new(shape: &[isize], ops: &[ArrayRef<'_>]) -> Result<MultiIter> {
        let mut strides: PerOp<Dims> = PerOp::new();
        for op in ops {
            strides.push(broadcast_strides(op.shape, op.strides, shape)?);
        }
        let data: PerOp<*mut u8> = ops.iter().map(|op| op.data).collect();
        let views: PerOp<&[isize]> = strides.iter().map(|s| s.as_slice()).collect();
        Ok(MultiIter::from_plan(&AxisPlan::new(shape, &views), &data))
    }
    /// Operands given by pointer and strides along every axis of `shape`, walked in C order: the last axis runs
    /// fastest, nothing is turned round. Merging of axes does not change the order.
    pub fn c_order(shape: &[isize], data: &[*mut u8], strides: &[&[isize]]) -> MultiIter {
        MultiIter::from_plan(&AxisPlan::in_order(shape, strides), data)
    }
    /// Operands given by pointer, walked as planned.
    pub fn from_plan(plan: &AxisPlan, data: &[*mut u8]) -> MultiIter {
        let nop = data.len();
        let size = plan.shape.iter().map(|&n| n as usize).product();
        let start: PerOp<*mut u8> =
            data.iter().zip(&plan.offsets).map(|(p, &off)| p.wrapping_offset(off)).collect();
        let (outer, inner_count, outer_strides, inner_strides) = match plan.shape.split_last() {
            None => (&[][..], 1, &[][..], PerOp::from_elem(0, nop)),
            Some((&n, outer)) => {
                let split = outer.len() * nop;
                (outer, n as usize, &plan.strides[..split], PerOp::from_slice(&plan.strides[split..]))
            }
        };
        MultiIter {
            nop,
            outer: Dims::from_slice(outer),
            index: Dims::from_elem(0, outer.len()),
            outer_strides: SmallVec::from_slice(outer_strides),
            inner_count,
            inner_strides,
            ptrs: start.clone(),
            start,
            size,
        }
    }
    /// Number of elements of the whole iteration.
    pub fn size(&self) -> usize {
        self.size
    }
    /// Length of the inner loop, the same at every step.
    pub fn inner_count(&self) -> usize {
        self.inner_count
    }
    pub fn inner_strides(&self) -> &[isize] {
        &self.inner_strides
    }
    /// Where the operands stand now.
    pub fn ptrs(&self) -> &[*mut u8] {
        &self.ptrs
    }
    /// Whether one inner loop covers everything.
    pub fn is_one_loop(&self) -> bool {
        self.outer.is_empty()
    }
    /// Move to the next inner loop; false at the end. The first inner loop needs no call; an iteration of size 0 has no
    /// inner loop at all and must not be started.
    pub fn advance(&mut self) -> bool {
        for axis in (0..self.outer.len()).rev() {
            let row = &self.outer_strides[axis * self.nop..(axis + 1) * self.nop];
            self.index[axis] += 1;
            if self.index[axis] < self.outer[axis] {
                for (p, &s) in self.ptrs.iter_mut().zip(row) {
                    *p = p.wrapping_offset(s);
                }
                return true;
            }
            self.index[axis] = 0;
            let back = self.outer[axis] - 1;
            for (p, &s) in self.ptrs.iter_mut().zip(row) {
                *p = p.wrapping_offset(-s * back);
            }
        }
        false
    }
    /// Start again, with operands lying elsewhere in the same layout: one pointer per operand, to where the walk starts
    /// (which is what [`MultiIter::ptrs`] was at first).
    pub fn restart_at(&mut self, start: &[*mut u8]) {
        self.index.fill(0);
        self.start.copy_from_slice(start);
        self.ptrs.copy_from_slice(start);
    }
    /// Back to the first inner loop.
    pub fn reset(&mut self) {
        self.index.fill(0);
        self.ptrs.clone_from(&self.start);
    }
    /// Call `f(pointers, count, strides)` for every inner loop.
    ///
    /// # Errors
    /// The first error of `f`; nothing further is visited.
    pub fn for_each(&mut self, mut f: impl FnMut(&[*mut u8], usize, &[isize]) -> Result<()>) -> Result<()> {
        if self.size == 0 {
            return Ok(());
        }
        loop {
            f(&self.ptrs, self.inner_count, &self.inner_strides)?;
            if !self.advance() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
