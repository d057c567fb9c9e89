//! Folds over several axes that do not merge into one, in the groups numpy adds up.
//!
//! Where the innermost axes are folded, numpy's iterator copies as many elements as its buffer holds one after the other and
//! folds them with one call, which for sums of floats is another order of additions than row by row. Folds that round do
//! the same here; those that do not are the same in any order.

use super::BoundLoop;
use super::exec::{for_runs, needs_buffer};
use super::reduce::{is_first, step};
use crate::array::{ArrayRef, Dims, buffer};
use crate::cast::copy_into;
use crate::dtype::Dtype;
use crate::error::Result;
use crate::iter::{AxisPlan, Fill, PerOp, best_fill};

/// Such a fold; operands are the output, the input and perhaps a mask.
pub(super) struct Grouped<'a> {
    l: &'a BoundLoop<'a>,
    plan: &'a AxisPlan,
    fill: Fill,
    input: Gathered<'a>,
    mask: Option<Gathered<'a>>,
}

/// An operand and the memory in which its elements of a fill are put together.
struct Gathered<'a> {
    /// Its place among the operands.
    op: usize,
    from: &'a Dtype,
    to: &'a Dtype,
    /// None if the elements of a loop lie at one stride.
    words: Option<Vec<u128>>,
}

impl<'a> Grouped<'a> {
    /// If a fold along the axes of a plan is one.
    ///
    /// # Errors
    /// No memory for buffers.
    pub fn new(
        l: &'a BoundLoop<'a>,
        plan: &'a AxisPlan,
        input: &ArrayRef<'a>,
        mask: Option<&ArrayRef<'a>>,
        bufsize: usize,
    ) -> Result<Option<Grouped<'a>>> {
        let (ndim, nop) = (plan.ndim(), if mask.is_some() { 3 } else { 2 });
        // Axes are counted from the innermost one.
        let length = |a: usize| plan.shape[ndim - 1 - a];
        let stride = |a: usize, op: usize| plan.strides[(ndim - 1 - a) * nop + op];
        let num = l.dtypes[1].num;
        let rounds = (num.is_float() || num.is_complex()) && !l.is_quiet();
        if ndim < 2 || !rounds || stride(0, 0) != 0 || stride(1, 0) != 0 {
            return Ok(None);
        }
        let folded = (0..ndim).take_while(|&a| stride(a, 0) == 0).count();
        // Over how many axes one stride leads.
        let single = |op: usize| {
            let next = |a: usize| Some(stride(a, op)) == stride(a - 1, op).checked_mul(length(a - 1));
            1 + (1..folded).take_while(|&a| next(a)).count()
        };
        let singles = [single(1), if mask.is_some() { single(2) } else { ndim }];
        let cast = needs_buffer(input, &l.dtypes[1], l.takes_unaligned());
        let copied = |op: usize, end: usize| op == 0 && cast || singles[op] < end;
        let limit = isize::try_from(bufsize).unwrap_or(isize::MAX).max(1);
        let fill = best_fill(
            (0..ndim).map(length),
            limit,
            true,
            |a| a == folded,
            |end| (0..nop - 1).filter(|&op| copied(op, end)).count(),
        );
        let end = fill.inner_axes();
        let room = |op: usize, dtype: &Dtype| -> Result<Option<Vec<u128>>> {
            let bytes = (fill.core * fill.steps) as usize * dtype.itemsize;
            copied(op, end).then(|| buffer::scratch(bytes.div_ceil(16), 0u128)).transpose()
        };
        let to = &l.dtypes[1];
        let input = Gathered { op: 1, from: input.dtype, to, words: room(0, to)? };
        let mask = match mask {
            Some(m) => Some(Gathered { op: 2, from: m.dtype, to: m.dtype, words: room(1, m.dtype)? }),
            None => None,
        };
        Ok(Some(Grouped { l, plan, fill, input, mask }))
    }

    /// Fold the operands. With `first_copied` the output holds the elements at index 0 of all folded axes.
    ///
    /// # Errors
    /// What the loop or a cast reports.
    pub fn run(&mut self, ptrs: &[*mut u8], first_copied: bool) -> Result<()> {
        let nop = ptrs.len();
        let outer = self.plan.ndim() - 1 - self.fill.axis;
        let mut ptrs: PerOp<*mut u8> = PerOp::from_slice(ptrs);
        let mut index = Dims::from_elem(0, outer);
        loop {
            let first = first_copied && is_first(&index, &self.plan.strides, nop);
            let steps = self.plan.shape[outer];
            let mut from = 0;
            while from < steps {
                let count = self.fill.steps.min(steps - from);
                let at = ptrs
                    .iter()
                    .enumerate()
                    .map(|(op, p)| p.wrapping_offset(from * self.plan.strides[outer * nop + op]))
                    .collect();
                self.one(at, count, first && (from == 0 || self.fill.double_loop))?;
                from += count;
            }
            if !step(&mut index, &self.plan.shape[..outer], &mut ptrs, &self.plan.strides, nop) {
                return Ok(());
            }
        }
    }

    /// One fill of `steps` steps that starts at these elements.
    fn one(&mut self, mut at: PerOp<*mut u8>, steps: isize, first: bool) -> Result<()> {
        let (nop, plan, fill) = (at.len(), self.plan, self.fill);
        let outer = plan.ndim() - 1 - fill.axis;
        let shape: Dims = std::iter::once(steps).chain(plan.shape[outer + 1..].iter().copied()).collect();
        let gather = |g: &mut Gathered<'_>| -> Result<(*mut u8, isize, isize)> {
            let strides: Dims = (outer..plan.ndim()).map(|a| plan.strides[a * nop + g.op]).collect();
            let Some(words) = &mut g.words else {
                return Ok((at[g.op], strides[0], strides.last().copied().unwrap_or(0)));
            };
            let size = g.to.itemsize as isize;
            let mut packed = Dims::from_elem(size, shape.len());
            for a in (0..shape.len() - 1).rev() {
                packed[a] = packed[a + 1] * shape[a + 1];
            }
            let room = words.as_mut_ptr().cast::<u8>();
            // SAFETY: a part of the operand; room for as many elements, made for the largest fill.
            unsafe {
                let dst = ArrayRef::new(room, &shape, &packed, g.to);
                copy_into(&dst, &ArrayRef::new(at[g.op], &shape, &strides, g.from))?;
            }
            Ok((room, size * fill.core, size))
        };
        let (input, mut row, stride) = gather(&mut self.input)?;
        let (mask, mask_row, mask_stride) = match &mut self.mask {
            Some(mask) => gather(mask)?,
            None => (std::ptr::null_mut(), 0, 0),
        };
        at[1] = input;
        let (mut out_row, mut rows, mut n) = (plan.strides[outer * nop], steps, fill.core);
        if !fill.double_loop {
            (rows, n) = (1, fill.core * steps);
            (out_row, row) = (0, 0);
        }
        for i in 0..rows {
            let out = at[0].wrapping_offset(i * out_row);
            let data = at[1].wrapping_offset(i * row);
            let fold = |from: usize, count: usize| {
                let x = data.wrapping_offset(from as isize * stride);
                // SAFETY: elements of the fill and their result, in the loop's dtype and aligned.
                unsafe { self.l.call(&[out, x, out], &[count as isize], &[0, stride, 0]) }
            };
            let skip = usize::from(first);
            if mask.is_null() {
                fold(skip, n as usize - skip)?;
            } else {
                let start = mask.wrapping_offset(i * mask_row + skip as isize * mask_stride);
                // SAFETY: the mask of these elements.
                unsafe {
                    for_runs(start, mask_stride, n as usize - skip, |from, count| fold(skip + from, count))?;
                }
            }
        }
        Ok(())
    }
}
