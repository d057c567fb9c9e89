//! Elementwise execution: operands in any dtype, stride and alignment meet a loop that wants native, aligned elements.
//!
//! The operands are walked together in memory order ([`AxisPlan`]). Where an operand is not what the loop wants, the
//! inner loop runs in chunks through a buffer: cast in, call, cast out. Chunks are `bufsize` elements, which callers can
//! observe: sums of casted input are pairwise within a chunk only.
//!
//! Long calls are split between [threads](crate::threads) along one axis.
//!
//! Operands either coincide or do not overlap; [`overlaps`] is how callers find out and copy what does.

use smallvec::SmallVec;
use ufuncs::LoopFlags;

use super::BoundLoop;
use crate::array::{ArrayRef, buffer};
use crate::cast::{Transfer, release_objects};
use crate::dtype::{Dtype, equivalent};
use crate::error::{Error, Result};
use crate::iter::{AxisPlan, MultiIter, PerOp, broadcast_strides};
use crate::threads::{LONG, Shared, split};

/// Run a loop over all elements of a shape.
///
/// `ops` are the operands in their own dtypes, inputs then outputs, each broadcasting to `shape` (outputs: having it).
/// `mask` is a bool array; where it is false nothing happens.
///
/// # Errors
/// What the loop or a cast reports. Elements already written stay written.
pub fn execute(
    l: &BoundLoop<'_>,
    shape: &[isize],
    ops: &[ArrayRef<'_>],
    mask: Option<&ArrayRef<'_>>,
    bufsize: usize,
) -> Result<()> {
    execute_given(l, shape, ops, mask, bufsize, |_| true)
}

/// [`execute`] where some outputs were made for the call: which way is walked is decided by the operands that were given, unless it
/// is seen in what order a loop is called. Products of single complex numbers are rounded in another way backwards.
///
/// # Errors
/// As there.
pub fn execute_given(
    l: &BoundLoop<'_>,
    shape: &[isize],
    ops: &[ArrayRef<'_>],
    mask: Option<&ArrayRef<'_>>,
    bufsize: usize,
    given: impl Fn(usize) -> bool,
) -> Result<()> {
    if shape.contains(&0) {
        // Casts that are planned tell what they will lose, even if nothing is cast.
        return Stager::new(l, ops, 1).map(|_| ());
    }
    if mask.is_none() && ops.iter().all(|op| op.shape.len() < 2 && op.size() == 1) {
        // One element has the strides of its arrays, which a loop may choose its instructions by.
        let stride = |(i, op): (usize, &ArrayRef<'_>)| match op.strides {
            [stride] => *stride,
            _ if i < l.nin => 0,
            _ => op.dtype.itemsize as isize,
        };
        let strides: PerOp<isize> = ops.iter().enumerate().map(stride).collect();
        let data: PerOp<*mut u8> = ops.iter().map(|op| op.data).collect();
        return Stager::new(l, ops, 1)?.run(&data, 1, &strides);
    }
    let mut strides: PerOp<crate::array::Dims> = PerOp::new();
    for op in ops.iter().chain(mask) {
        strides.push(broadcast_strides(op.shape, op.strides, shape)?);
    }
    let views: PerOp<&[isize]> = strides.iter().map(|s| s.as_slice()).collect();
    let ordered = l.flags.contains(LoopFlags::NEEDS_API);
    let plan = AxisPlan::by_given(shape, &views, |i| ordered || given(i));
    let data: PerOp<*mut u8> = ops.iter().chain(mask).map(|op| op.data).collect();
    let masked = mask.is_some();
    let size = shape.iter().product::<isize>() as usize;
    if size < LONG || !may_split(l, ops) || !ops[l.nin..].iter().all(elements_apart) {
        return walk(l, &plan, &data, ops, masked, bufsize);
    }
    let axis = plan.axis_to_split();
    // SAFETY: the loop and its operands are plain, and no two parts of the outputs meet.
    let shared = unsafe { Shared::new((l, &plan, &data, ops)) };
    let total = plan.shape[axis] as usize;
    split(total, size / total, |from, to| {
        let (l, plan, data, ops) = shared.get();
        let (plan, data) = plan.part(axis, from, to, data);
        walk(l, &plan, &data, ops, masked, bufsize)
    })
}

/// Whether parts of a call may be computed at once: neither the loop nor a cast needs the host.
pub(super) fn may_split(l: &BoundLoop<'_>, ops: &[ArrayRef<'_>]) -> bool {
    let plain = |dt: &Dtype| dt.num.is_bool() || dt.num.is_number() || dt.num.is_datetime();
    l.flags.contains(LoopFlags::IN_PARTS)
        && l.dtypes.iter().all(plain)
        && ops.iter().all(|op| plain(op.dtype))
}

/// [`execute`] as planned.
fn walk(
    l: &BoundLoop<'_>,
    plan: &AxisPlan,
    data: &[*mut u8],
    ops: &[ArrayRef<'_>],
    masked: bool,
    bufsize: usize,
) -> Result<()> {
    let mut iter = MultiIter::from_plan(plan, data);
    let nop = ops.len();
    let mut stager = Stager::new(l, ops, bufsize)?;
    iter.for_each(|ptrs, n, st| {
        if !masked {
            return stager.run(ptrs, n, st);
        }
        // SAFETY: the mask was broadcast to the shape of the iteration.
        unsafe { stager.run_masked(&ptrs[..nop], (ptrs[nop], st[nop]), n, &st[..nop]) }
    })
}

/// Call `f(start, length)` for every run of true elements in a mask.
///
/// # Safety
/// `mask` has `n` bytes at this stride.
pub unsafe fn for_runs(
    mask: *const u8,
    stride: isize,
    n: usize,
    mut f: impl FnMut(usize, usize) -> Result<()>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let at = |i: usize| unsafe { *mask.wrapping_offset(i as isize * stride) != 0 };
    let mut i = 0;
    while i < n {
        while i < n && !at(i) {
            i += 1;
        }
        let start = i;
        while i < n && at(i) {
            i += 1;
        }
        if i > start {
            f(start, i - start)?;
        }
    }
    Ok(())
}

/// A buffer one operand is cast through.
struct Stage {
    /// Of 16-byte words, so that it is aligned for everything.
    words: Vec<u128>,
    transfer: Transfer,
}

/// Runs a loop over strips of operands, through buffers where an operand is not what the loop wants.
pub struct Stager<'a> {
    l: &'a BoundLoop<'a>,
    stages: PerOp<Option<Stage>>,
    chunk: usize,
    any: bool,
    /// What casts of results have raised since numpy's buffer would have been empty, which is filled over several rows: a loop that
    /// clears the status does so once for it.
    raised: u32,
    /// Elements since then.
    elements: usize,
}

impl<'a> Stager<'a> {
    /// For operands of these dtypes and addresses.
    ///
    /// # Errors
    /// No memory for buffers.
    pub fn new(l: &'a BoundLoop<'a>, ops: &[ArrayRef<'_>], bufsize: usize) -> Result<Stager<'a>> {
        let mut chunk = bufsize.max(1);
        let size = ops.iter().map(ArrayRef::size).max().unwrap_or(1).max(1);
        chunk = chunk.min(size);
        let mut stages: PerOp<Option<Stage>> = PerOp::new();
        for (i, (op, want)) in ops.iter().zip(l.dtypes).enumerate() {
            if !needs_buffer(op, want, l.takes_unaligned()) {
                stages.push(None);
                continue;
            }
            let aligned = op.is_aligned();
            let transfer = if i < l.nin {
                Transfer::new(op.dtype, want, aligned)?
            } else {
                Transfer::new(want, op.dtype, aligned)?
            };
            let bytes = chunk * want.itemsize;
            stages.push(Some(Stage { words: buffer::scratch(bytes.div_ceil(16).max(1), 0u128)?, transfer }));
        }
        let any = stages.iter().any(|s| s.is_some());
        Ok(Stager { l, stages, chunk, any, raised: 0, elements: 0 })
    }

    /// Whether anything goes through a buffer.
    pub fn is_buffered(&self) -> bool {
        self.any
    }

    /// Run the loop over `n` elements at these addresses and strides.
    ///
    /// # Errors
    /// What the loop or a cast reports.
    #[inline]
    pub fn run(&mut self, ptrs: &[*mut u8], n: usize, strides: &[isize]) -> Result<()> {
        if !self.any {
            // SAFETY: operands are what the loop wants, see `needs_buffer`; the caller walks inside them.
            return unsafe { self.l.call(ptrs, &[n as isize], strides) };
        }
        let mut done = 0;
        while done < n {
            let len = self.chunk.min(n - done);
            // SAFETY: there is no mask.
            unsafe { self.chunk(ptrs, None, done, len, strides)? };
            done += len;
        }
        Ok(())
    }

    /// [`Self::run`] where a mask, given by its address and stride, is true. Inputs that go through buffers are cast as a whole, and
    /// what that raises counts even where the mask leaves them out.
    ///
    /// # Errors
    /// What the loop or a cast reports.
    ///
    /// # Safety
    /// The mask has `n` bytes at its stride.
    pub unsafe fn run_masked(
        &mut self,
        ptrs: &[*mut u8],
        mask: (*const u8, isize),
        n: usize,
        strides: &[isize],
    ) -> Result<()> {
        if !self.any {
            // SAFETY: the mask is the caller's promise, the operands are as in `run`.
            return unsafe {
                for_runs(mask.0, mask.1, n, |from, len| {
                    let at: PerOp<*mut u8> = moved(ptrs, strides, from);
                    self.l.call(&at, &[len as isize], strides)
                })
            };
        }
        let mut done = 0;
        while done < n {
            let len = self.chunk.min(n - done);
            let part = (mask.0.wrapping_offset(done as isize * mask.1), mask.1);
            // SAFETY: this part of the mask.
            unsafe { self.chunk(ptrs, Some(part), done, len, strides)? };
            done += len;
        }
        Ok(())
    }

    /// One buffer full.
    ///
    /// # Safety
    /// A mask has `n` bytes at its stride.
    unsafe fn chunk(
        &mut self,
        ptrs: &[*mut u8],
        mask: Option<(*const u8, isize)>,
        done: usize,
        n: usize,
        strides: &[isize],
    ) -> Result<()> {
        let mut data: PerOp<*mut u8> = PerOp::new();
        let mut steps: PerOp<isize> = PerOp::new();
        for (i, stage) in self.stages.iter_mut().enumerate() {
            let at = ptrs[i].wrapping_offset(done as isize * strides[i]);
            let Some(stage) = stage else {
                data.push(at);
                steps.push(strides[i]);
                continue;
            };
            let want = &self.l.dtypes[i];
            let buf = stage.words.as_mut_ptr().cast::<u8>();
            let step = want.itemsize as isize;
            data.push(buf);
            if i < self.l.nin {
                // A repeated element is cast once.
                let count = if strides[i] == 0 { 1 } else { n };
                steps.push(if strides[i] == 0 { 0 } else { step });
                // SAFETY: the strip lies inside the operand, the buffer holds a chunk.
                unsafe { stage.transfer.run(at, strides[i], buf, step, count)? };
            } else {
                steps.push(step);
            }
        }
        let before = ufuncs::fpstatus::get();
        let l = self.l;
        let for_parts = |f: &mut dyn FnMut(usize, usize) -> Result<()>| match mask {
            None => f(0, n),
            // SAFETY: the mask is the caller's promise.
            Some((mask, stride)) => unsafe { for_runs(mask, stride, n, f) },
        };
        let mut result = for_parts(&mut |from, len| {
            let at = moved(&data, &steps, from);
            // SAFETY: buffers hold `n` elements of the loop's dtypes.
            let done = unsafe { l.call(&at, &[len as isize], &steps) };
            l.settle_status(before);
            done
        });
        let clears = l.flags.contains(LoopFlags::CLEARS_FP);
        if clears && self.raised != 0 {
            ufuncs::fpstatus::raise(self.raised);
        }
        for (i, stage) in self.stages.iter_mut().enumerate() {
            let Some(stage) = stage else { continue };
            let want = &self.l.dtypes[i];
            let step = want.itemsize as isize;
            let buf = stage.words.as_mut_ptr().cast::<u8>();
            if i >= self.l.nin && result.is_ok() {
                let stride = strides[i];
                let at = ptrs[i].wrapping_offset(done as isize * stride);
                result = for_parts(&mut |from, len| {
                    let from = from as isize;
                    let (src, dst) = (buf.wrapping_offset(from * step), at.wrapping_offset(from * stride));
                    // SAFETY: as above.
                    unsafe { stage.transfer.run(src, step, dst, stride, len) }.map(|_| ())
                });
            }
            if want.has_object() {
                let (shape, st) = ([n as isize], [step]);
                // SAFETY: the buffer's slots are null or own a reference; afterwards they are null.
                unsafe { release_objects(&ArrayRef::new(buf, &shape, &st, want)) };
            }
        }
        if clears {
            self.elements += n;
            let full = self.elements >= self.chunk;
            (self.raised, self.elements) =
                if full { (0, 0) } else { (ufuncs::fpstatus::get(), self.elements) };
        }
        result
    }
}

/// The addresses of later elements of strips.
fn moved(ptrs: &[*mut u8], strides: &[isize], by: usize) -> PerOp<*mut u8> {
    ptrs.iter().zip(strides).map(|(p, &stride)| p.wrapping_offset(by as isize * stride)).collect()
}

/// Whether an operand must go through a buffer.
pub fn needs_buffer(op: &ArrayRef<'_>, want: &Dtype, unaligned_ok: bool) -> bool {
    !same_bytes(op.dtype, want) || (!unaligned_ok && !op.is_aligned())
}

/// Whether elements of the two dtypes are the same bytes with the same meaning.
pub fn same_bytes(a: &Dtype, b: &Dtype) -> bool {
    if a.num == b.num && a.itemsize == b.itemsize && a.num.is_number() {
        return a.is_native() == b.is_native();
    }
    equivalent(a, b)
}

/// How an input and an output of an elementwise call lie to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overlap {
    /// Sharing no byte, or element for element the same place.
    Harmless,
    /// The input has to be copied first.
    Copy,
}

/// Whether reading `input` while writing `output` needs a copy. Both are broadcast to the output's shape.
pub fn overlaps(input: &ArrayRef<'_>, output: &ArrayRef<'_>) -> Overlap {
    if input.data == output.data
        && input.shape == output.shape
        && input.dtype.itemsize == output.dtype.itemsize
        && input.strides.iter().zip(output.strides).zip(input.shape).all(|((a, b), &n)| a == b || n <= 1)
        && elements_apart(output)
    {
        Overlap::Harmless
    } else if bounds_meet(input, output) {
        Overlap::Copy
    } else {
        Overlap::Harmless
    }
}

/// Whether it is plain to see that no two elements of an array share a byte. If two do, writing one of them changes the other
/// before it is read.
pub fn elements_apart(a: &ArrayRef<'_>) -> bool {
    let mut axes: SmallVec<[(usize, isize); 8]> =
        a.strides.iter().zip(a.shape).filter(|(_, n)| **n > 1).map(|(s, &n)| (s.unsigned_abs(), n)).collect();
    axes.sort_unstable();
    let mut reach = a.dtype.itemsize;
    axes.iter().all(|&(stride, n)| {
        let apart = stride >= reach;
        reach += stride * (n - 1) as usize;
        apart
    })
}

/// Whether the address ranges of two arrays meet.
pub fn bounds_meet(a: &ArrayRef<'_>, b: &ArrayRef<'_>) -> bool {
    match (extent(a), extent(b)) {
        (Some((a0, a1)), Some((b0, b1))) => a0 < b1 && b0 < a1,
        _ => false,
    }
}

/// First and one past the last byte of an array, `None` if it has no elements.
fn extent(a: &ArrayRef<'_>) -> Option<(isize, isize)> {
    let (mut lo, mut hi) = (a.data as isize, a.data as isize);
    for (&n, &s) in a.shape.iter().zip(a.strides) {
        match n {
            0 => return None,
            _ if s < 0 => lo += s * (n - 1),
            _ => hi += s * (n - 1),
        }
    }
    Some((lo, hi + a.dtype.itemsize as isize))
}

/// The error of an output that would have to be repeated to take the result.
pub fn output_shape_error(out: &[isize], shape: &[isize]) -> Error {
    Error::value(format!(
        "non-broadcastable output operand with shape {} doesn't match the broadcast shape {}",
        crate::array::shape_text(out),
        crate::array::shape_text(shape)
    ))
}
