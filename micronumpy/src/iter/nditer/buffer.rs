//! Buffering: which part of the iteration passes through buffers at a time, filling them and writing them back.
//!
//! The extent of a [`Fill`](crate::iter::Fill) is planned once ([`NdIter::plan_buffers`]): as many axes as fit the buffer
//! size, at the least cost. Without reductions a fill is one inner loop. In a double loop, the buffer of an operand that is
//! reduced holds each of its elements once.
//!
//! Operands that need no cast and lie at one stride over a whole inner loop are used in place.

use std::sync::Arc;

use ufuncs::TypeNum;

use super::{NdIter, Operand, SharedTransfer};
use crate::array::{ArrayRef, buffer, is_aligned};
use crate::cast::{Transfer, release_objects};
use crate::error::{Error, Result};
use crate::iter::best_fill;

/// Elements per buffer when nothing is asked for.
const DEFAULT_SIZE: isize = 8192;

pub(super) struct Buffering {
    /// What the caller asked for.
    requested: isize,
    pub(super) capacity: isize,
    pub(super) delayed: bool,
    /// Whether buffers hold elements that have not been written back.
    live: bool,
    pub(super) core_size: isize,
    pub(super) outer_axis: usize,
    outer_size: isize,
    /// The double loop is on.
    pub(super) double_loop: bool,
    per_op: Vec<OpBuffer>,
    // The current fill.
    fill_start: isize,
    fill_count: isize,
    /// `fill_count` is `size * outer_count`.
    pub(super) outer_count: isize,
    pub(super) outer_pos: isize,
    pub(super) loop_end: isize,
    pub(super) size: isize,
    pub(super) user: Vec<*mut u8>,
    pub(super) strides: Vec<isize>,
    pub(super) outer_strides: Vec<isize>,
    pub(super) first: Vec<*mut u8>,
}

#[derive(Default)]
struct OpBuffer {
    /// Elements pass through the buffer.
    used: bool,
    memory: Vec<u128>,
    /// Buffers of earlier plans: views of them may be around.
    retired: Vec<Vec<u128>>,
    load: SharedTransfer,
    store: SharedTransfer,
    /// One address for the whole core; one address for all outer steps.
    core_fixed: bool,
    outer_fixed: bool,
    /// Leading axes that one stride leads through.
    single_axes: usize,
    /// Elements that may hold references, to be given back.
    dirty: usize,
    /// Where in the operand the fill begins, and whether the next one may leave the buffer as it is if it begins there, too.
    filled_from: Option<*mut u8>,
    reusable: bool,
}

impl Buffering {
    pub(super) fn new(nop: usize, requested: isize) -> Buffering {
        Buffering {
            requested,
            capacity: 0,
            delayed: true,
            live: false,
            core_size: 1,
            outer_axis: 0,
            outer_size: 1,
            double_loop: false,
            per_op: (0..nop).map(|_| OpBuffer::default()).collect(),
            fill_start: 0,
            fill_count: 0,
            outer_count: 1,
            outer_pos: 0,
            loop_end: 0,
            size: 0,
            user: vec![std::ptr::null_mut(); nop],
            strides: vec![0; nop],
            outer_strides: vec![0; nop],
            first: vec![std::ptr::null_mut(); nop],
        }
    }
    pub(super) fn fresh(&self) -> Buffering {
        Buffering::new(self.per_op.len(), self.requested)
    }
    pub(super) fn is_used(&self, op: usize) -> bool {
        self.per_op[op].used
    }
    /// Addresses of the transfers into (out of) the buffers.
    pub(super) fn transfers(&self, store: bool) -> Vec<*const Transfer> {
        let one = |b: &OpBuffer| if store { b.store.clone() } else { b.load.clone() };
        self.per_op.iter().map(|b| one(b).map_or(std::ptr::null(), |t| Arc::as_ptr(&t))).collect()
    }
    /// Addresses of the buffers.
    pub(super) fn memory(&self) -> Vec<*const u128> {
        let one = |b: &OpBuffer| if b.memory.is_empty() { std::ptr::null() } else { b.memory.as_ptr() };
        self.per_op.iter().map(one).collect()
    }
    /// Give back references buffers still hold.
    pub(super) fn release(&mut self, ops: &[Operand]) {
        for (b, op) in self.per_op.iter_mut().zip(ops) {
            b.clear(op);
        }
    }
}

impl OpBuffer {
    fn pointer(&mut self) -> *mut u8 {
        self.memory.as_mut_ptr().cast()
    }
    fn clear(&mut self, op: &Operand) {
        let n = std::mem::take(&mut self.dirty);
        if n == 0 || !op.dtype.has_object() {
            return;
        }
        self.reusable = false;
        let (shape, strides) = ([n as isize], [op.dtype.itemsize as isize]);
        let p = self.pointer();
        // SAFETY: the first `n` elements of the buffer were written by transfers or by the user of the iterator, or are
        // zero; object slots own what they hold.
        unsafe {
            release_objects(&ArrayRef::new(p, &shape, &strides, &op.dtype));
            std::ptr::write_bytes(p, 0, n * op.dtype.itemsize);
        }
    }
}

/// A stretch of elements of one operand.
struct Run {
    /// Position in the buffer.
    at: isize,
    ptr: *mut u8,
    count: isize,
    stride: isize,
}

impl NdIter {
    /// How many axes, the innermost one first, one stride of operand `op` leads through. An axis of length one ends them, as in
    /// numpy: callers see the parts an iteration is divided into.
    fn single_axes(&self, op: usize) -> usize {
        let stride = |a: usize| self.strides[a * self.columns + op];
        let goes_on = |a: &usize| Some(stride(*a)) == stride(a - 1).checked_mul(self.axes[a - 1].shape);
        1 + (1..self.axes.len()).take_while(goes_on).count()
    }

    /// Stride over axes `..end`, which `single_axes` says is one.
    fn inner_stride(&self, op: usize, end: usize) -> isize {
        (0..end).find(|&a| self.axes[a].shape != 1).map_or(0, |a| self.strides[a * self.columns + op])
    }

    /// Whether a reduction operand goes from repeating to moving, or back, between the axes inside of `a` and `a`.
    fn changes_at(&self, op: usize, a: usize) -> bool {
        let inner = (0..a).rev().find(|&i| self.axes[i].shape != 1);
        let (Some(inner), true) = (inner, self.axes[a].shape != 1) else { return false };
        let stride = |a: usize| self.strides[a * self.columns + op];
        (stride(inner) == 0) != (stride(a) == 0)
    }

    /// Decide the extent of a fill and which operands need their buffer. Buffers are empty when this is called.
    pub(super) fn plan_buffers(&mut self) {
        let Some(mut b) = self.buffering.take() else { return };
        let nop = self.nop();
        for op in 0..nop {
            b.per_op[op].single_axes = self.single_axes(op);
        }
        let limit = if b.requested <= 0 { DEFAULT_SIZE } else { b.requested };
        let fill = best_fill(
            self.axes.iter().map(|axis| axis.shape),
            limit,
            self.grow_inner,
            |a| (0..nop).any(|op| self.ops[op].reduce && self.changes_at(op, a)),
            |end| (0..nop).filter(|&op| self.must_buffer(&b, op, end)).count(),
        );
        (b.core_size, b.outer_axis, b.outer_size) = (fill.core, fill.axis, fill.steps);
        b.double_loop = fill.double_loop;
        b.capacity = b.core_size * b.outer_size;
        let single = fill.inner_axes();
        for op in 0..nop {
            let used = !self.ops[op].is_virtual && self.must_buffer(&b, op, single)
                || self.ops[op].is_virtual && self.ops[op].array.is_none();
            let fixed = |end: usize| {
                (0..end).all(|a| self.axes[a].shape == 1 || self.strides[a * self.columns + op] == 0)
            };
            let repeats = !self.ops[op].contig || self.ops[op].reduce;
            let (core_fixed, outer_fixed) = (
                repeats && fixed(single),
                repeats && {
                    let a = b.outer_axis;
                    self.axes[a].shape == 1 || self.strides[a * self.columns + op] == 0
                },
            );
            let slot = &mut b.per_op[op];
            (slot.used, slot.core_fixed, slot.outer_fixed) = (used, core_fixed, outer_fixed);
            slot.reusable = false;
        }
        self.buffering = Some(b);
    }

    /// Whether an inner loop over axes `..end` cannot use the operand in place.
    fn must_buffer(&self, b: &Buffering, op: usize, end: usize) -> bool {
        let o = &self.ops[op];
        o.cast
            || b.per_op[op].single_axes < end
            || o.contig && self.inner_stride(op, end) != o.dtype.itemsize as isize
    }

    /// Make the transfers into and out of buffers that are not there yet.
    pub(super) fn make_transfers(&mut self) -> Result<()> {
        let Some(b) = &mut self.buffering else { return Ok(()) };
        for (op, slot) in self.ops.iter().zip(&mut b.per_op) {
            let (true, Some(arr)) = (slot.used, &op.array) else { continue };
            let aligned = is_aligned(arr.data, &arr.shape, &arr.strides, arr.dtype.align);
            if op.read && slot.load.is_none() {
                let t = Transfer::new(&arr.dtype, &op.dtype, aligned)?;
                self.needs_host |= t.needs_host();
                slot.load = Some(Arc::new(t));
            }
            if op.write && slot.store.is_none() {
                if op.write_masked {
                    if let Some(mask) = self.mask_op {
                        let dt = &self.ops[mask].dtype;
                        if !dt.num.is_bool() && dt.num != TypeNum::UBYTE {
                            return Err(Error::type_("Only bool and uint8 masks are supported."));
                        }
                    }
                }
                let t = Transfer::new(&op.dtype, &arr.dtype, aligned)?;
                self.needs_host |= t.needs_host();
                slot.store = Some(Arc::new(t));
            }
        }
        Ok(())
    }

    /// Make buffers.
    pub(super) fn allocate_buffers(&mut self) -> Result<()> {
        let Some(b) = &mut self.buffering else { return Ok(()) };
        for (op, slot) in self.ops.iter().zip(&mut b.per_op) {
            if !slot.used {
                continue;
            }
            let bytes = (b.capacity.max(1) as usize)
                .checked_mul(op.dtype.itemsize)
                .ok_or_else(|| Error::value("buffer is too large"))?;
            if !slot.memory.is_empty() {
                slot.retired.push(std::mem::take(&mut slot.memory));
            }
            slot.memory = buffer::scratch(bytes.div_ceil(16).max(1), 0u128)?;
        }
        b.delayed = false;
        Ok(())
    }

    /// Whether text goes through buffers, which numpy does with the lock held.
    pub(super) fn copies_text(&self) -> bool {
        let Some(b) = &self.buffering else { return false };
        self.ops.iter().zip(&b.per_op).any(|(op, slot)| slot.used && op.dtype.num.is_string())
    }

    pub(super) fn fill_start(&self) -> isize {
        self.buffering.as_ref().map_or(self.index, |b| b.fill_start)
    }

    /// Load the fill that starts at the position of `axes`.
    pub(super) fn fill(&mut self) -> Result<()> {
        self.load(false)
    }

    /// [`NdIter::fill`]; `goes_on` if it follows the fill before, from which buffers of a double loop may be kept. What they
    /// hold counts then, even if writing it back has changed it.
    fn load(&mut self, goes_on: bool) -> Result<()> {
        let Some(mut b) = self.buffering.take() else { return Ok(()) };
        let goes_on = goes_on && b.double_loop;
        let result = self.fill_into(&mut b, goes_on);
        if result.is_err() {
            b.release(&self.ops);
            b.live = false;
            b.fill_count = 0;
        }
        self.buffering = Some(b);
        result
    }

    fn fill_into(&mut self, b: &mut Buffering, goes_on: bool) -> Result<()> {
        let nop = self.nop();
        let left = (self.end - self.index).max(0);
        // Where in the core, and how many outer steps are left.
        let (mut offset, mut factor) = (0, 1);
        for axis in &self.axes[..b.outer_axis] {
            offset += axis.index * factor;
            factor *= axis.shape;
        }
        let outer = self.axes[b.outer_axis];
        let mut count = left.min(b.capacity);
        count = if offset != 0 {
            count.min(b.core_size - offset)
        } else {
            count.min((outer.shape - outer.index).max(0).saturating_mul(b.core_size))
        };
        let (size, outer_count) = if b.double_loop {
            let size = count.min(b.core_size);
            (size, if size == 0 { 1 } else { count / size })
        } else {
            (count, 1)
        };
        let count = size * outer_count;
        (b.size, b.outer_count, b.fill_count) = (size, outer_count, count);
        (b.fill_start, b.outer_pos, b.loop_end) = (self.index, 0, self.index + size);
        b.live = true;

        for op in 0..nop {
            let itemsize = self.ops[op].dtype.itemsize as isize;
            let slot = &b.per_op[op];
            if !slot.used {
                b.first[op] = self.at[op];
                let single = if b.double_loop { b.outer_axis } else { b.outer_axis + 1 };
                b.strides[op] = self.inner_stride(op, single);
                b.outer_strides[op] = self.strides[b.outer_axis * self.columns + op];
                continue;
            }
            b.strides[op] = if slot.core_fixed { 0 } else { itemsize };
            b.outer_strides[op] = match (slot.core_fixed, slot.outer_fixed) {
                (_, true) => 0,
                (true, false) => itemsize,
                (false, false) => itemsize * size,
            };
            let slot = &mut b.per_op[op];
            b.first[op] = slot.pointer();
            slot.dirty = Self::held(slot, b.double_loop, size, outer_count) as usize;
            let same_place = slot.filled_from.replace(self.at[op]) == Some(self.at[op]);
            let Some(load) = slot.load.clone() else { continue };
            if goes_on && offset == 0 && same_place && slot.reusable {
                continue;
            }
            let zero_stride = slot.core_fixed && slot.single_axes > b.outer_axis;
            let whole_core = b.double_loop && slot.outer_fixed && !zero_stride && count >= b.core_size;
            slot.reusable = count == b.capacity || whole_core;
            let buffer = slot.pointer();
            let (single_axes, core_fixed, outer_fixed) =
                (slot.single_axes, slot.core_fixed, slot.outer_fixed);
            let extent = Extent {
                double_loop: b.double_loop,
                outer_axis: b.outer_axis,
                size,
                outer_count,
                core_fixed,
                outer_fixed,
                single_axes,
            };
            self.for_each_run(op, &extent, |run| {
                // SAFETY: runs stay inside the operand (contract of `NdIter::new`) and inside the buffer, which holds
                // `capacity` elements; the two never overlap.
                unsafe {
                    let dst = buffer.offset(run.at * itemsize);
                    load.run(run.ptr, run.stride, dst, itemsize, run.count as usize)
                }
            })?;
        }
        b.user.clone_from(&b.first);
        Ok(())
    }

    /// Elements of an operand's buffer that a fill uses.
    fn held(slot: &OpBuffer, double_loop: bool, size: isize, outer_count: isize) -> isize {
        let core = if slot.core_fixed { 1 } else { size };
        let outer = if !double_loop || slot.outer_fixed { 1 } else { outer_count };
        if size == 0 { 0 } else { core * outer }
    }

    /// The stretches of operand `op` that make up a fill starting at the position of `axes`, each element of a reduction
    /// once.
    fn for_each_run(&self, op: usize, e: &Extent, mut f: impl FnMut(Run) -> Result<()>) -> Result<()> {
        if e.size == 0 {
            return Ok(());
        }
        let start = self.at[op];
        let outer_stride = self.strides[e.outer_axis * self.columns + op];
        let total = if !e.double_loop {
            if e.core_fixed { 1 } else { e.size }
        } else {
            match (e.core_fixed, e.outer_fixed) {
                (true, true) => 1,
                (true, false) => {
                    return f(Run { at: 0, ptr: start, count: e.outer_count, stride: outer_stride });
                }
                (false, true) => e.size,
                (false, false) => e.size * e.outer_count,
            }
        };
        // One stride leads through the first `k` axes: walk them as one.
        let k = e.single_axes.max(1).min(self.axes.len());
        let inner_stride = self.inner_stride(op, k);
        let (mut inner_at, mut inner_len) = (0, 1isize);
        for axis in &self.axes[..k] {
            inner_at += axis.index * inner_len;
            inner_len = inner_len.saturating_mul(axis.shape);
        }
        let mut ptr = start;
        let mut coords: Vec<isize> = self.axes[k..].iter().map(|a| a.index).collect();
        let mut at = 0;
        while at < total {
            let count = (inner_len - inner_at).min(total - at);
            f(Run { at, ptr, count, stride: inner_stride })?;
            at += count;
            if at >= total {
                break;
            }
            ptr = ptr.wrapping_offset(-inner_stride * inner_at);
            inner_at = 0;
            for (i, c) in coords.iter_mut().enumerate() {
                let s = self.strides[(k + i) * self.columns + op];
                *c += 1;
                if *c < self.axes[k + i].shape {
                    ptr = ptr.wrapping_offset(s);
                    break;
                }
                ptr = ptr.wrapping_offset(-s * (*c - 1));
                *c = 0;
            }
        }
        Ok(())
    }

    /// Write the current fill back to the operands. Buffers hold nothing afterwards, also on failure.
    ///
    /// # Errors
    /// Values that cannot be cast.
    pub fn flush(&mut self) -> Result<()> {
        let Some(mut b) = self.buffering.take() else { return Ok(()) };
        let mut result = Ok(());
        if std::mem::take(&mut b.live) && b.fill_count > 0 {
            for op in 0..self.nop() {
                if result.is_ok() && b.per_op[op].used && b.per_op[op].store.is_some() {
                    result = self.store(&mut b, op);
                }
            }
        }
        b.release(&self.ops);
        self.buffering = Some(b);
        result
    }

    fn store(&self, b: &mut Buffering, op: usize) -> Result<()> {
        let itemsize = self.ops[op].dtype.itemsize as isize;
        let mask = self.mask_op.filter(|_| self.ops[op].write_masked).map(|m| {
            let (first, inner, outer) = (b.first[m], b.strides[m], b.outer_strides[m]);
            (first, inner, outer)
        });
        let slot = &mut b.per_op[op];
        let Some(store) = slot.store.clone() else { return Ok(()) };
        let buffer = slot.pointer();
        let extent = Extent {
            double_loop: b.double_loop,
            outer_axis: b.outer_axis,
            size: b.size,
            outer_count: b.outer_count,
            core_fixed: slot.core_fixed,
            outer_fixed: slot.outer_fixed,
            single_axes: slot.single_axes,
        };
        let move_run = |run: &Run, from: isize, n: isize| {
            // SAFETY: as in `fill_into`, the other way round.
            unsafe {
                store.run(
                    buffer.offset((run.at + from) * itemsize),
                    itemsize,
                    run.ptr.wrapping_offset(from * run.stride),
                    run.stride,
                    n as usize,
                )
            }
        };
        self.for_each_run(op, &extent, |run| {
            let Some((first, inner, outer)) = mask else { return move_run(&run, 0, run.count) };
            let masked = |i: isize| {
                // Position of buffer element `i` in the double loop.
                let at = run.at + i;
                let (o, c) = match (extent.double_loop, extent.core_fixed) {
                    (false, _) => (0, at),
                    (true, true) => (at, 0),
                    (true, false) => (at / extent.size, at % extent.size),
                };
                // SAFETY: the mask operand is stepped like all others, so this stays inside it or its buffer.
                unsafe { *first.offset(o * outer + c * inner) != 0 }
            };
            let mut i = 0;
            while i < run.count {
                let from = i;
                let on = masked(i);
                while i < run.count && masked(i) == on {
                    i += 1;
                }
                if on {
                    move_run(&run, from, i - from)?;
                }
            }
            Ok(())
        })
    }

    pub(super) fn advance_buffered(&mut self) -> Result<bool> {
        let Some(b) = &mut self.buffering else { return Ok(false) };
        if !self.external {
            self.index += 1;
            if self.index < b.loop_end {
                for (p, &s) in b.user.iter_mut().zip(&b.strides) {
                    *p = p.wrapping_offset(s);
                }
                return Ok(true);
            }
        } else {
            self.index = b.loop_end;
        }
        b.outer_pos += 1;
        if b.outer_pos < b.outer_count {
            b.loop_end += b.size;
            for (op, p) in b.user.iter_mut().enumerate() {
                *p = b.first[op].wrapping_offset(b.outer_pos * b.outer_strides[op]);
            }
            return Ok(true);
        }
        let next = self.index;
        self.flush()?;
        if next >= self.end {
            return Ok(false);
        }
        self.seek(next);
        self.load(true)?;
        Ok(true)
    }

    /// Go to an element that the current fill holds.
    pub(super) fn goto_in_buffer(&mut self, index: isize) -> bool {
        let Some(b) = &mut self.buffering else { return false };
        let at = index - b.fill_start;
        if !b.live || at < 0 || at >= b.fill_count {
            return false;
        }
        let (o, c) = (at / b.size, at % b.size);
        b.outer_pos = o;
        b.loop_end = b.fill_start + (o + 1) * b.size;
        for (op, p) in b.user.iter_mut().enumerate() {
            *p = b.first[op].wrapping_offset(o * b.outer_strides[op] + c * b.strides[op]);
        }
        self.index = index;
        true
    }
}

struct Extent {
    double_loop: bool,
    outer_axis: usize,
    size: isize,
    outer_count: isize,
    core_fixed: bool,
    outer_fixed: bool,
    single_axes: usize,
}
