//! Running a group: tiles through steps, results to their places, status to its calls.

pub(crate) mod fold;
pub(crate) mod map;
pub(crate) mod select;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use micronumpy::ufunc::loop_status;
use micronumpy::{Error, Result};
use smallvec::SmallVec;
use ufuncs::{LoopContext, LoopInfo, fpstatus};

use crate::layout::Layout;
use crate::plan::{KernelStep, LoopStep, MoveStep, Place, Ref, Report, Step, Steps};
use crate::status::Collected;

/// Pointers to operands. They are shared between the threads of one evaluation, which write disjoint elements.
#[derive(Clone, Default)]
pub(crate) struct Pointers(pub SmallVec<[*mut u8; 8]>);

// SAFETY: whoever evaluates has promised that the elements stay valid meanwhile; threads read them, and write outputs of
// disjoint ranges only.
unsafe impl Send for Pointers {}
// SAFETY: as above.
unsafe impl Sync for Pointers {}

/// A group, ready to compute ranges of its elements.
pub(crate) struct Evaluator<'t> {
    pub steps: &'t Steps,
    pub layout: &'t Layout,
    /// The inputs' first elements.
    pub inputs: Pointers,
    pub status: &'t Collected,
    /// Set when nobody wants the result any more.
    pub stop: Option<&'t AtomicBool>,
}

/// One worker's memory.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line(#[allow(dead_code)] [u8; 64]);

thread_local! {
    static SCRATCH: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with `bytes` of this thread's scratch memory, aligned for everything.
pub(crate) fn with_scratch<R>(bytes: usize, f: impl FnOnce(*mut u8) -> R) -> R {
    SCRATCH.with(|cell| match cell.try_borrow_mut() {
        Ok(mut lines) => {
            let needed = bytes.div_ceil(64);
            if lines.len() < needed {
                lines.resize(needed, Line([0; 64]));
            }
            f(lines.as_mut_ptr().cast())
        }
        // An evaluation inside an evaluation has memory of its own.
        Err(_) => f(vec![Line([0; 64]); bytes.div_ceil(64)].as_mut_ptr().cast()),
    })
}

/// The operands of one tile.
struct Tile<'t> {
    /// The inputs' elements at the start of the tile.
    inputs: &'t [*mut u8],
    outs: &'t [*mut u8],
    scratch: *mut u8,
    n: usize,
}

impl Tile<'_> {
    #[inline]
    fn at(&self, r: Ref) -> *mut u8 {
        match r.place {
            Place::Input(i) => self.inputs[i],
            Place::Scratch(offset) => self.scratch.wrapping_add(offset),
            Place::Out(j) => self.outs[j],
        }
    }
}

impl Tile<'_> {
    /// An operand from an element on. Only tiles without scratch memory of their own are longer than what a slice is cut
    /// for, so that scratch memory always holds the slice.
    #[inline]
    fn from(&self, r: Ref, element: usize) -> *mut u8 {
        match r.place {
            Place::Scratch(_) => self.at(r),
            _ => self.at(r).wrapping_offset(element as isize * r.stride),
        }
    }
}

impl Evaluator<'_> {
    /// Compute elements `flat..flat + n` into `outs`, where they lie side by side. `n` is at most a tile.
    ///
    /// # Errors
    /// What a loop or a cast reports; that somebody stopped it.
    ///
    /// # Safety
    /// The inputs are as the layout says; `scratch` has the size the steps want; `outs` have room and overlap no input.
    pub unsafe fn range(&self, scratch: *mut u8, flat: usize, n: usize, outs: &[*mut u8]) -> Result<()> {
        if self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(Error::Runtime("stopped".to_owned()));
        }
        let inner = self.layout.inner();
        if self.layout.shape.len() == 1 || self.layout.gathers {
            // SAFETY: the caller's promise.
            return unsafe { self.piece(scratch, flat, n, outs, 0) };
        }
        let mut done = 0;
        while done < n {
            let count = (inner - (flat + done) % inner).min(n - done);
            // SAFETY: the caller's promise; the piece lies in one strip.
            unsafe { self.piece(scratch, flat + done, count, outs, done)? };
            done += count;
        }
        Ok(())
    }
    unsafe fn piece(
        &self,
        scratch: *mut u8,
        flat: usize,
        n: usize,
        outs: &[*mut u8],
        done: usize,
    ) -> Result<()> {
        let mut inputs: SmallVec<[*mut u8; 8]> = SmallVec::from_slice(&self.inputs.0);
        for (p, offset) in inputs.iter_mut().zip(self.layout.offsets(flat, self.inputs.0.len())) {
            *p = p.wrapping_offset(offset);
        }
        let mut moved: SmallVec<[*mut u8; 4]> = SmallVec::from_slice(outs);
        if done != 0 {
            for (p, size) in moved.iter_mut().zip(&self.steps.out_sizes) {
                *p = p.wrapping_add(done * size);
            }
        }
        let outs = &moved[..];
        let tile = Tile { inputs: &inputs, outs, scratch, n };
        for step in &self.steps.list {
            // SAFETY: the steps were written for operands of these classes; the tile is within them.
            unsafe { self.step(step, &tile, flat)? };
        }
        Ok(())
    }
    #[inline]
    unsafe fn step(&self, step: &Step, t: &Tile<'_>, flat: usize) -> Result<()> {
        // SAFETY: the caller's promise covers every branch.
        unsafe {
            match step {
                Step::Loop(l) => self.run_loop(l, t, 0, t.n),
                Step::Kernel(k) => self.kernel(k, t),
                Step::Move(m) => self.run_move(m, t, 0, t.n),
                Step::Load { input, transfer, size, to, .. } => {
                    let out = t.at(*to);
                    let base = self.inputs.0[*input];
                    if to.stride == 0 {
                        return transfer.run(t.inputs[*input], 0, out, 0, 1);
                    }
                    self.layout.pieces(*input, flat, t.n, |p| {
                        let at = out.wrapping_add(p.at * size);
                        let step = (p.every * size) as isize;
                        transfer.run(base.wrapping_offset(p.offset), p.stride, at, step, p.count)
                    })
                }
            }
        }
    }
    /// Note the status a step left, and clear it.
    #[inline]
    fn check(&self, report: Report) {
        let flags = fpstatus::get();
        if flags != 0 {
            fpstatus::clear();
            if !report.quiet {
                self.status.note(report.index, flags);
            }
        }
    }
    /// Elements `from..from + n` of the tile; of single operands the one there is.
    unsafe fn run_loop(&self, l: &LoopStep, t: &Tile<'_>, from: usize, n: usize) -> Result<()> {
        let data: SmallVec<[*mut u8; 4]> = l.refs.iter().map(|&r| t.from(r, from)).collect();
        let strides: SmallVec<[isize; 4]> = l.refs.iter().map(|r| r.stride).collect();
        let dims = if l.once { 1 } else { n as isize };
        let info = LoopInfo { itemsizes: l.itemsizes.as_ptr() };
        let ctx = LoopContext {
            caller: std::ptr::null_mut(),
            method: std::ptr::null_mut(),
            descriptors: std::ptr::null(),
            info: &info,
            flags: 0,
            parameters: std::ptr::null_mut(),
        };
        // SAFETY: operands of the loop's types with `n` elements, see `range`.
        let code = unsafe { (l.func)(&ctx, data.as_ptr(), &dims, strides.as_ptr(), l.aux) };
        self.check(l.report);
        loop_status(code)
    }
    unsafe fn run_move(&self, m: &MoveStep, t: &Tile<'_>, from: usize, n: usize) -> Result<()> {
        let n = if m.once { 1 } else { n };
        // SAFETY: as for loops.
        unsafe { m.transfer.run(t.from(m.from, from), m.from.stride, t.from(m.to, from), m.to.stride, n)? };
        if let Some(report) = m.report {
            self.check(report);
        }
        Ok(())
    }
    #[inline]
    unsafe fn kernel(&self, k: &KernelStep, t: &Tile<'_>) -> Result<()> {
        let mut slots: SmallVec<[u64; 16]> = SmallVec::new();
        slots.push(t.n as u64);
        for &r in &k.refs {
            slots.push(t.at(r) as u64);
        }
        // SAFETY: operands as the kernel was made for, see `range`; outputs are memory of their own.
        unsafe { k.kernel.call(&mut slots) };
        if !k.kernel.touches_floats {
            return Ok(());
        }
        if fpstatus::take() == 0 {
            return Ok(());
        }
        // SAFETY: as above.
        unsafe { self.run_again(k, t) }
    }
    /// Find out whose status it was.
    #[cold]
    unsafe fn run_again(&self, k: &KernelStep, t: &Tile<'_>) -> Result<()> {
        let mut from = 0;
        while from < t.n {
            let n = k.slice.min(t.n - from);
            for step in &k.again {
                // SAFETY: the operations of the kernel on the same operands, results in scratch memory.
                unsafe {
                    match step {
                        Step::Loop(l) => self.run_loop(l, t, from, n)?,
                        Step::Move(m) => self.run_move(m, t, from, n)?,
                        Step::Load { .. } | Step::Kernel(_) => {
                            unreachable!("a kernel consists of operations")
                        }
                    }
                }
            }
            from += n;
        }
        Ok(())
    }
}
