//! Folding along axes: `reduce`, `accumulate`, `reduceat`.
//!
//! A reduction is an elementwise call whose output has stride 0 along the folded axes and is the first input as well.
//! Which axis is walked innermost therefore decides how floats are summed: the innermost folded axis is summed pairwise
//! by the kernel, everything else adds up in order. The walk is numpy's (memory order, never turned round), so that sums
//! have numpy's bits.
//!
//! Sums over several axes that are no single one in memory go another way ([`super::grouped`]).
//!
//! Loops with a kernel for two axes ([`ufuncs::FoldFn`]) get the two innermost ones at once, elements of another dtype
//! several rows at a time.
//!
//! Long folds are split between [threads](crate::threads) along an axis that is not folded.
//!
//! Outputs are always in the loop's dtype here, aligned and initialised; inputs of other dtypes are cast on the way.

use ufuncs::{FoldFn, LoopFlags};

use super::BoundLoop;
use super::exec::{Stager, elements_apart, for_runs, may_split};
use super::grouped::Grouped;
use crate::array::{ArrayRef, Dims, buffer};
use crate::cast::{Transfer, copy_into};
use crate::error::Result;
use crate::iter::{AxisPlan, MultiIter, PerOp, axis_order, broadcast_strides};
use crate::threads::{LONG, Shared, split};

/// Fold `input` into `out`, which has length 1 (and stride 0) along the folded axes.
///
/// With `first_copied` the output already holds the elements at index 0 of all folded axes ([`first_elements`]) and those
/// are not visited again.
///
/// # Errors
/// What the loop or a cast reports.
pub fn reduce(
    l: &BoundLoop<'_>,
    out: &ArrayRef<'_>,
    input: &ArrayRef<'_>,
    mask: Option<&ArrayRef<'_>>,
    first_copied: bool,
    bufsize: usize,
) -> Result<()> {
    let shape = input.shape;
    if shape.contains(&0) {
        return Ok(());
    }
    // Axes of length one have no say in the order.
    let out_strides: Dims =
        (0..shape.len()).map(|i| if out.shape[i] == 1 { 0 } else { out.strides[i] }).collect();
    let strides: Dims = input.strides.iter().zip(shape).map(|(&s, &n)| if n == 1 { 0 } else { s }).collect();
    let mask_strides = match mask {
        Some(m) => broadcast_strides(m.shape, m.strides, shape)?,
        None => Dims::new(),
    };
    let mut rows: PerOp<&[isize]> = PerOp::new();
    rows.push(&out_strides);
    rows.push(&strides);
    if mask.is_some() {
        rows.push(&mask_strides);
    }
    // Memory order, but no axis turned round: the plan is told the order it should keep.
    let order = axis_order(shape.len(), &rows);
    let sorted = |row: &[isize]| -> Dims { order.iter().map(|&a| row[a]).collect() };
    let sorted_rows: PerOp<Dims> = rows.iter().map(|r| sorted(r)).collect();
    let views: PerOp<&[isize]> = sorted_rows.iter().map(|r| r.as_slice()).collect();
    let plan = AxisPlan::in_order(&sorted(shape), &views);

    let nop = views.len();
    let mut ptrs: PerOp<*mut u8> = PerOp::new();
    ptrs.push(out.data);
    ptrs.push(input.data);
    ptrs.extend(mask.map(|m| m.data));

    let size = shape.iter().product::<isize>() as usize;
    let operands = Operands { out, input, mask, first_copied, bufsize };
    // Results along an axis that is not folded can be computed apart.
    let kept = if size < LONG || !may_split(l, &[*out, *input]) || !elements_apart(out) {
        None
    } else {
        plan.longest_axis(|axis| plan.strides[axis * nop] != 0)
    };
    let Some(axis) = kept else { return walk(l, &operands, &plan, &ptrs) };
    // SAFETY: the loop and its operands are plain, and no two parts of the results meet.
    let shared = unsafe { Shared::new((l, &operands, &plan, &ptrs)) };
    let total = plan.shape[axis] as usize;
    split(total, size / total, |from, to| {
        let (l, operands, plan, ptrs) = shared.get();
        let (plan, ptrs) = plan.part(axis, from, to, ptrs);
        walk(l, operands, &plan, &ptrs)
    })
}

/// What is folded, and how.
struct Operands<'a> {
    out: &'a ArrayRef<'a>,
    input: &'a ArrayRef<'a>,
    mask: Option<&'a ArrayRef<'a>>,
    first_copied: bool,
    bufsize: usize,
}

/// [`reduce`] as planned.
fn walk(l: &BoundLoop<'_>, operands: &Operands<'_>, plan: &AxisPlan, start: &[*mut u8]) -> Result<()> {
    let &Operands { out, input, mask, first_copied, bufsize } = operands;
    let masked = mask.is_some();
    let nop = start.len();
    let mut ptrs: PerOp<*mut u8> = PerOp::from_slice(start);
    if let Some(mut grouped) = Grouped::new(l, plan, input, mask, bufsize)? {
        return grouped.run(&ptrs, first_copied);
    }
    if !masked
        && let Some(fold) = l.fold
        && plan.shape.len() > 1
    {
        let mut rows = Rows::new(l, fold, out, input, bufsize)?;
        return rows.walk(plan, ptrs[0], ptrs[1], first_copied);
    }
    let (inner, outer) = match plan.shape.split_last() {
        Some((&n, outer)) => (n as usize, outer),
        None => (1, &[][..]),
    };
    let inner_strides: PerOp<isize> = if plan.shape.is_empty() {
        PerOp::from_elem(0, nop)
    } else {
        PerOp::from_slice(&plan.strides[outer.len() * nop..])
    };
    let mut stager = Stager::new(l, &[*out, *input, *out], bufsize)?;
    let mut index = Dims::from_elem(0, outer.len());
    let (so, si) = (inner_strides[0], inner_strides[1]);
    loop {
        // On the first visit of output elements what was copied into them is skipped: one element of a folded inner
        // axis, the whole inner axis otherwise.
        let first = first_copied && is_first(&index, &plan.strides, nop);
        let skip = match first {
            true if so == 0 => 1,
            true => inner,
            false => 0,
        };
        let mut fold = |from: usize, n: usize| {
            let at = |k: usize, s: isize| ptrs[k].wrapping_offset(from as isize * s);
            let (o, i) = (at(0, so), at(1, si));
            stager.run(&[o, i, o], n, &[so, si, so])
        };
        if skip < inner {
            if masked {
                let sm = inner_strides[2];
                let start = ptrs[2].wrapping_offset(skip as isize * sm);
                // SAFETY: the mask was broadcast to the shape that is walked.
                unsafe { for_runs(start, sm, inner - skip, |from, n| fold(skip + from, n))? };
            } else {
                fold(skip, inner - skip)?;
            }
        }
        if !step(&mut index, outer, &mut ptrs, &plan.strides, nop) {
            return Ok(());
        }
    }
}

/// Whether output elements are visited for the first time: indices along folded axes are zero.
pub(super) fn is_first(index: &[isize], strides: &[isize], nop: usize) -> bool {
    index.iter().enumerate().all(|(a, &i)| i == 0 || strides[a * nop] != 0)
}

/// Folds the two innermost axes with one call.
struct Rows<'a> {
    l: &'a BoundLoop<'a>,
    fold: FoldFn,
    stager: Stager<'a>,
    /// Casts of input elements, and room for as many as a buffer holds.
    cast: Option<(Transfer, Vec<u128>)>,
    room: usize,
}

impl<'a> Rows<'a> {
    fn new(
        l: &'a BoundLoop<'a>,
        fold: FoldFn,
        out: &ArrayRef<'_>,
        input: &ArrayRef<'_>,
        bufsize: usize,
    ) -> Result<Rows<'a>> {
        let want = &l.dtypes[1];
        let stager = Stager::new(l, &[*out, *input, *out], bufsize)?;
        let room = bufsize.clamp(1, input.size().max(1));
        let cast = if stager.is_buffered() {
            let words = buffer::scratch((room * want.itemsize).div_ceil(16).max(1), 0u128)?;
            Some((Transfer::new(input.dtype, want, input.is_aligned())?, words))
        } else {
            None
        };
        Ok(Rows { l, fold, stager, cast, room })
    }
    fn walk(&mut self, plan: &AxisPlan, out: *mut u8, input: *mut u8, first_copied: bool) -> Result<()> {
        let inner = plan.shape.len() - 2;
        let (outer, shape) =
            (&plan.shape[..inner], [plan.shape[inner] as usize, plan.shape[inner + 1] as usize]);
        let [so0, si0, so1, si1] = *plan.strides[inner * 2..].first_chunk().unwrap_or(&[0; 4]);
        let mut index = Dims::from_elem(0, inner);
        let mut ptrs: PerOp<*mut u8> = PerOp::from_slice(&[out, input]);
        loop {
            let mut part = |row: usize, column: usize, shape: [usize; 2]| {
                let at = |k: usize, s0: isize, s1: isize| {
                    ptrs[k].wrapping_offset(row as isize * s0 + column as isize * s1)
                };
                self.part(at(0, so0, so1), [so0, so1], at(1, si0, si1), [si0, si1], shape)
            };
            let [rows, columns] = shape;
            if !(first_copied && is_first(&index, &plan.strides, 2)) {
                part(0, 0, shape)?;
            } else {
                // What was copied into the results is left out.
                match (so0 == 0, so1 == 0) {
                    (true, true) => {
                        part(0, 1, [1, columns - 1])?;
                        part(1, 0, [rows - 1, columns])?;
                    }
                    (true, false) => part(1, 0, [rows - 1, columns])?,
                    (false, true) => part(0, 1, [rows, columns - 1])?,
                    (false, false) => {}
                }
            }
            if !step(&mut index, outer, &mut ptrs, &plan.strides, 2) {
                return Ok(());
            }
        }
    }
    fn part(
        &mut self,
        out: *mut u8,
        out_strides: [isize; 2],
        input: *mut u8,
        strides: [isize; 2],
        shape: [usize; 2],
    ) -> Result<()> {
        let [rows, columns] = shape;
        if rows == 0 || columns == 0 {
            return Ok(());
        }
        let Some((cast, words)) = &mut self.cast else {
            // SAFETY: elements and results of the walk, which do not overlap, in the loop's dtype and aligned.
            unsafe { (self.fold)(out, out_strides, input, strides, shape) };
            return Ok(());
        };
        // Rows longer than a buffer are folded a buffer at a time, which shows in the bits of sums.
        let together = self.room / columns;
        if together < 2 {
            for i in 0..rows as isize {
                let o = out.wrapping_offset(i * out_strides[0]);
                let x = input.wrapping_offset(i * strides[0]);
                self.stager.run(&[o, x, o], columns, &[out_strides[1], strides[1], out_strides[1]])?;
            }
            return Ok(());
        }
        let size = self.l.dtypes[1].itemsize as isize;
        let buf = words.as_mut_ptr().cast::<u8>();
        let row = columns as isize * size;
        let mut done = 0;
        while done < rows {
            let count = together.min(rows - done);
            let x = input.wrapping_offset(done as isize * strides[0]);
            // SAFETY: `count` rows of the input, and room for them; then the same rows and their results.
            unsafe {
                if strides[0] == columns as isize * strides[1] {
                    cast.run(x, strides[1], buf, size, count * columns)?;
                } else if columns < count {
                    for j in 0..columns as isize {
                        let (x, to) = (x.wrapping_offset(j * strides[1]), buf.wrapping_offset(j * size));
                        cast.run(x, strides[0], to, row, count)?;
                    }
                } else {
                    for i in 0..count as isize {
                        cast.run(
                            x.wrapping_offset(i * strides[0]),
                            strides[1],
                            buf.wrapping_offset(i * row),
                            size,
                            columns,
                        )?;
                    }
                }
                let before = ufuncs::fpstatus::get();
                let o = out.wrapping_offset(done as isize * out_strides[0]);
                (self.fold)(o, out_strides, buf, [row, size], [count, columns]);
                self.l.settle_status(before);
            }
            done += count;
        }
        Ok(())
    }
}

/// Move an index over the outer axes, and the pointers with it.
pub(super) fn step(
    index: &mut Dims,
    outer: &[isize],
    ptrs: &mut PerOp<*mut u8>,
    strides: &[isize],
    nop: usize,
) -> bool {
    for axis in (0..outer.len()).rev() {
        let row = &strides[axis * nop..(axis + 1) * nop];
        index[axis] += 1;
        let back = if index[axis] < outer[axis] { None } else { Some(outer[axis] - 1) };
        for (p, &s) in ptrs.iter_mut().zip(row) {
            *p = p.wrapping_offset(back.map_or(s, |n| -s * n));
        }
        if back.is_none() {
            return true;
        }
        index[axis] = 0;
    }
    false
}

/// The elements at index 0 of the folded axes, as a view of an array: `(shape, strides)` with those axes of length 1.
pub fn first_elements(input: &ArrayRef<'_>, folded: &[bool]) -> (Dims, Dims) {
    let shape = input.shape.iter().zip(folded).map(|(&n, &f)| if f { 1 } else { n }).collect();
    (shape, Dims::from_slice(input.strides))
}

/// Fold along one axis, keeping every intermediate result. Input and output have the same shape and the loop's dtype.
///
/// # Errors
/// What the loop reports.
pub fn accumulate(l: &BoundLoop<'_>, out: &ArrayRef<'_>, input: &ArrayRef<'_>, axis: usize) -> Result<()> {
    let n = input.shape[axis];
    if input.shape.contains(&0) {
        return Ok(());
    }
    let one: Dims = input.shape.iter().enumerate().map(|(i, &n)| if i == axis { 1 } else { n }).collect();
    // SAFETY: the first slices of both arrays.
    unsafe {
        copy_into(
            &ArrayRef::new(out.data, &one, out.strides, out.dtype),
            &ArrayRef::new(input.data, &one, input.strides, input.dtype),
        )?;
    }
    let (so, si) = (out.strides[axis], input.strides[axis]);
    let mut iter = lanes(&[*out, *input], axis);
    // What objects do is seen: lanes are folded one after the other.
    let by_lane = l.flags.contains(LoopFlags::NEEDS_API)
        || l.flags.contains(LoopFlags::BY_LANE)
        || iter.inner_count() < n as usize
        || iter
            .inner_strides()
            .iter()
            .zip([so, si])
            .any(|(s, along)| s.unsigned_abs() > along.unsigned_abs());
    iter.for_each(|p, count, st| {
        if by_lane {
            for k in 0..count as isize {
                let (o, i) = (p[0].wrapping_offset(k * st[0]), p[1].wrapping_offset(k * st[1]));
                let data = [o, i.wrapping_offset(si), o.wrapping_offset(so)];
                // SAFETY: elements `1..n` of one lane; each output is one step ahead of the first input.
                unsafe { l.call(&data, &[n - 1], &[so, si, so])? };
            }
        } else {
            // Lanes lie side by side: fold all of them by one step at a time.
            for k in 1..n {
                let o = p[0].wrapping_offset(k * so);
                let data = [o.wrapping_offset(-so), p[1].wrapping_offset(k * si), o];
                // SAFETY: `count` neighbouring lanes.
                unsafe { l.call(&data, &[count as isize], &[st[0], st[1], st[0]])? };
            }
        }
        Ok(())
    })
}

/// Walk everything but one axis.
fn lanes(ops: &[ArrayRef<'_>], axis: usize) -> MultiIter {
    let without = |row: &[isize]| -> Dims {
        row.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, &s)| s).collect()
    };
    let rows: PerOp<Dims> = ops.iter().map(|op| without(op.strides)).collect();
    let views: PerOp<&[isize]> = rows.iter().map(|r| r.as_slice()).collect();
    let data: PerOp<*mut u8> = ops.iter().map(|op| op.data).collect();
    let shape: Dims = ops[1].shape.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, &n)| n).collect();
    MultiIter::from_plan(&AxisPlan::new(&shape, &views), &data)
}

/// Fold slices of one axis: output `k` is the fold of `indices[k]..indices[k + 1]` (the last one runs to the end), or the
/// single element at `indices[k]` where that is empty. Indices are in bounds; dtypes are the loop's.
///
/// # Errors
/// What the loop reports.
pub fn reduceat(
    l: &BoundLoop<'_>,
    out: &ArrayRef<'_>,
    input: &ArrayRef<'_>,
    axis: usize,
    indices: &[isize],
) -> Result<()> {
    if out.shape.contains(&0) {
        return Ok(());
    }
    let n = input.shape[axis];
    let (so, si) = (out.strides[axis], input.strides[axis]);
    let one: Dims = input.shape.iter().enumerate().map(|(i, &n)| if i == axis { 1 } else { n }).collect();
    for (k, &from) in indices.iter().enumerate() {
        let dst = out.data.wrapping_offset(k as isize * so);
        let src = input.data.wrapping_offset(from * si);
        // SAFETY: one slice of each array; indices are in bounds.
        unsafe {
            copy_into(
                &ArrayRef::new(dst, &one, out.strides, out.dtype),
                &ArrayRef::new(src, &one, input.strides, input.dtype),
            )?;
        }
    }
    lanes(&[*out, *input], axis).for_each(|p, count, st| {
        for lane in 0..count as isize {
            let (o, i) = (p[0].wrapping_offset(lane * st[0]), p[1].wrapping_offset(lane * st[1]));
            for (k, &from) in indices.iter().enumerate() {
                let to = indices.get(k + 1).copied().unwrap_or(n);
                if to - from <= 1 {
                    continue;
                }
                let o = o.wrapping_offset(k as isize * so);
                let data = [o, i.wrapping_offset((from + 1) * si), o];
                // SAFETY: elements `from + 1..to` of one lane.
                unsafe { l.call(&data, &[to - from - 1], &[0, si, 0])? };
            }
        }
        Ok(())
    })
}
