//! The dispatch loop, and what it does at the head of a loop.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use micronumpy_python::ffi::others::staying;
use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::exit::Outcome;
use super::frame::{Frame, Registers, Slot};
use super::pending::{self, Pending};
use super::{Raised, exit};
use crate::bytecode::{Code, Op, Reg, Region as Kind};
use crate::embed::entry::Region;
use crate::embed::errors::Held;
use crate::embed::locals;
use crate::embed::position::Place;
use crate::embed::{settings, watch};
use crate::record::{self, Tick, Verdict};

/// Turns of loops between two looks at signals and other threads. A turn that calls Python code has looked there.
const TURNS_PER_SAFEPOINT: u32 = 1000;
/// Time between two looks where turns may be long.
const SLICE: Duration = Duration::from_millis(5);
/// Turns of a region without anything compiled after which CPython goes on. Recording has been decided about long before.
const PATIENCE: u32 = 20_000;

/// Turns that one computation of fused array operations outweighs.
const TURNS_FOR_FUSED: u32 = 100;

/// Instructions that CPython has run before an entry here and back would be over.
const SLIGHT: u64 = 24;
/// Entries in a row for no more than that after which CPython has the loop.
const MANY_SLIGHT: u32 = 64;

/// How a run ends, as far as the instructions are concerned.
pub(super) enum Way {
    End,
    Return(Reg),
    /// At the head of the outermost loop: CPython goes on with its next turn.
    Leave,
}

/// Where CPython's frame is shown.
enum Shown {
    NotYet,
    /// There is no frame to show, or no way.
    Never,
    /// With the offsets of the region's positions.
    At(Place, Arc<[std::ffi::c_int]>),
}

/// One run of a region.
pub(super) struct Vm<'a, 'py> {
    pub py: Python<'py>,
    pub region: &'a Region,
    pub code: &'a Code,
    pub frame: Frame<'a>,
    pub pending: Pending,
    /// Where the exception that is raised belongs, if it isn't at the instruction that brought it up.
    pub raised_at: Option<usize>,
    /// The exception that is pending has been raised before and is only passed on.
    pub passed_on: bool,
    /// The instruction that is being run.
    pub now: usize,
    /// Bit `r`: CPython's frame still holds the object that local `r` had at entry, and somebody could notice.
    pub(super) held: u64,
    shown: Shown,
    /// Exceptions being handled that were caught here: their tracebacks lead to our frame.
    pub handling: u32,
    /// Some local has been assigned or deleted since CPython's frame had them all.
    pub touched: bool,
    /// Locals that have been deleted. They may have been assigned again.
    pub deleted: Vec<Reg>,
    /// Computations of arrays that waited.
    pub fused: u32,
    /// Something that may take long has been done since the last look at the clock, which is asked for when that is at the
    /// head of a loop.
    pub worked: bool,
    pub since: Option<Tick>,
    /// Loop turns since the last safepoint, and in all.
    pub ticks: u32,
    pub turns: u32,
}

/// Runs a region, entered by the frame that is running, to where CPython can go on.
pub fn run(py: Python<'_>, region: &Region, args: &[*mut ffi::PyObject]) -> Outcome {
    let code: &Code = &region.code;
    let boundary = &code.boundary;
    let fixed = boundary.inputs.len();
    let rebound = usize::from(!boundary.rebound.is_empty());
    let closure = usize::from(!boundary.cells.is_empty());
    if args.len() != fixed + rebound + closure {
        return misused(code);
    }
    // SAFETY: attached, and called by a builtin that a running frame calls: it has globals and builtins, which it holds for
    // the time of the call, as it does the arguments.
    let (globals, builtins, cells) = unsafe {
        let (globals, builtins) = (ffi::PyEval_GetGlobals(), ffi::PyEval_GetBuiltins());
        let plain = |dict: *mut ffi::PyObject| !dict.is_null() && ffi::PyDict_CheckExact(dict) != 0;
        // Names of other mappings are looked up by calls of their methods. And exec() can run module code with locals of
        // their own.
        if !plain(globals) || !plain(builtins) || (boundary.module && ffi::PyEval_GetLocals() != globals) {
            return Outcome::Refused;
        }
        let list_is_good = rebound == 0
            || ffi::PyList_CheckExact(args[fixed]) != 0
                && ffi::PyList_GET_SIZE(args[fixed]) as usize == boundary.rebound.len();
        let cells = if closure == 1 { closure_of(code, args[fixed + rebound]) } else { std::ptr::null_mut() };
        if !list_is_good || (closure == 1 && cells.is_null()) {
            return misused(code);
        }
        // Other regions than loops are there for arrays.
        let large = |&object: &*mut ffi::PyObject| pending::is_large(object);
        let any_large = || {
            let list = if rebound == 1 { args[fixed] } else { std::ptr::null_mut() };
            let item = |index| large(&ffi::PyList_GET_ITEM(list, index as isize));
            args[..fixed].iter().any(large) || (0..boundary.rebound.len()).any(item)
        };
        if code.region != Kind::Loop && !boundary.module && !any_large() {
            return Outcome::Refused;
        }
        (globals, builtins, cells)
    };
    let regs = Registers::new(code.registers);
    let frame = Frame { code, regs, globals, builtins, cells };
    let mut vm = Vm {
        py,
        region,
        code,
        frame,
        pending: Pending::default(),
        raised_at: None,
        passed_on: false,
        now: 0,
        held: 0,
        shown: Shown::NotYet,
        handling: 0,
        touched: false,
        deleted: Vec::new(),
        fused: 0,
        worked: false,
        since: None,
        ticks: 0,
        turns: 0,
    };
    // SAFETY: the arguments are live objects, and the list is as long as there are registers for its items.
    unsafe { vm.take_in(&args[..fixed], args.get(fixed).copied()) };
    let outcome = staying(|| {
        let way = vm.execute();
        exit::leave(&mut vm, way)
    });
    if vm.fused == 0 && code.region != Kind::Loop && settings::get().jit {
        vm.leave_alone();
    }
    outcome
}

impl<'a, 'py> Vm<'a, 'py> {
    /// Assigns the inputs.
    ///
    /// # Safety
    /// Live objects; `list` has an item for each rebound local, if there are any.
    #[inline]
    unsafe fn take_in(&mut self, fixed: &[*mut ffi::PyObject], list: Option<*mut ffi::PyObject>) {
        let boundary = &self.code.boundary;
        let regs = &mut self.frame.regs;
        // SAFETY: by contract.
        unsafe {
            for (&reg, &arg) in boundary.inputs.iter().zip(fixed) {
                regs[usize::from(reg)] = Slot::Object(NonNull::new_unchecked(ffi::Py_NewRef(arg)));
            }
            if let Some(list) = list.filter(|_| !boundary.rebound.is_empty()) {
                for (index, &reg) in boundary.rebound.iter().enumerate() {
                    let object = ffi::PyList_GET_ITEM(list, index as isize);
                    // The list's reference becomes the register's.
                    regs[usize::from(reg)] = Slot::Object(NonNull::new_unchecked(object));
                    if !unnoticed(object) {
                        self.held |= 1 << reg.min(63);
                    }
                }
                (*list.cast::<ffi::PyVarObject>()).ob_size = 0;
            }
        }
        if self.held >> 63 == 1 {
            // More locals than bits: let go of all at once.
            self.let_go_of_all();
        }
    }

    /// The object in a register, borrowed.
    #[inline]
    pub fn object(&mut self, reg: Reg) -> Result<*mut ffi::PyObject, Raised> {
        match &self.frame.regs[usize::from(reg)] {
            Slot::Object(object) => Ok(object.as_ptr()),
            _ => self.computed(reg),
        }
    }

    #[cold]
    fn computed(&mut self, reg: Reg) -> Result<*mut ffi::PyObject, Raised> {
        self.compute_all()?;
        match &self.frame.regs[usize::from(reg)] {
            Slot::Object(object) => Ok(object.as_ptr()),
            slot => Err(self.no_object(reg, slot)),
        }
    }

    fn no_object(&self, reg: Reg, slot: &Slot) -> Raised {
        PySystemError::new_err(format!("{}: r{reg} is {slot:?}", self.code.label)).restore(self.py);
        Raised
    }

    /// Assigns a register, which takes the reference over, and drops what it held.
    ///
    /// # Safety
    /// `object` is a reference of the caller's.
    #[inline]
    pub unsafe fn put(&mut self, dst: Reg, object: *mut ffi::PyObject, pc: usize) {
        // SAFETY: by contract it is no null.
        let object = unsafe { NonNull::new_unchecked(object) };
        self.touch(dst);
        let old = std::mem::replace(&mut self.frame.regs[usize::from(dst)], Slot::Object(object));
        self.release(old, pc);
    }

    /// [`Vm::put`] of the result of a call that may have failed.
    ///
    /// # Safety
    /// As there; null means that an exception is pending.
    #[inline]
    pub unsafe fn put_result(
        &mut self,
        dst: Reg,
        object: *mut ffi::PyObject,
        pc: usize,
    ) -> Result<(), Raised> {
        if object.is_null() {
            return Err(Raised);
        }
        // SAFETY: by contract.
        unsafe { self.put(dst, object, pc) };
        Ok(())
    }

    /// Drops the object of a temporary that an instruction has read.
    #[inline]
    pub fn consume(&mut self, reg: Reg, pc: usize) {
        if usize::from(reg) >= self.code.locals {
            self.end(reg, pc);
        }
    }

    /// Makes a register unbound.
    #[inline]
    pub fn end(&mut self, reg: Reg, pc: usize) {
        self.touch(reg);
        let old = std::mem::replace(&mut self.frame.regs[usize::from(reg)], Slot::Unbound);
        self.release(old, pc);
    }

    /// Before a register changes.
    #[inline]
    pub fn touch(&mut self, reg: Reg) {
        self.touched |= usize::from(reg) < self.code.locals;
        if !self.pending.is_empty() {
            self.pending.forget(reg);
        }
        if self.held != 0 {
            self.let_go(reg);
        }
    }

    #[inline(always)]
    fn release(&mut self, slot: Slot, pc: usize) {
        if let Slot::Object(object) = slot {
            // SAFETY: the register owned the reference.
            unsafe {
                if ffi::Py_REFCNT(object.as_ptr()) == 1 {
                    self.release_last(object.as_ptr(), pc);
                } else {
                    ffi::Py_DECREF(object.as_ptr());
                }
            }
        }
    }

    /// Dropping the last reference can run foreign code, which looks at the frame but not at our registers.
    ///
    /// # Safety
    /// The reference is the caller's.
    unsafe fn release_last(&mut self, object: *mut ffi::PyObject, pc: usize) {
        // SAFETY: by contract.
        unsafe {
            if !unnoticed(object) {
                self.show(pc);
            }
            ffi::Py_DECREF(object);
        }
    }

    /// Before the first rebinding of a local: CPython's frame must not keep the old object alive.
    #[cold]
    fn let_go(&mut self, reg: Reg) {
        if reg < 64 && self.held >> reg & 1 == 1 {
            self.held &= !(1 << reg);
            self.forget(&[reg]);
        }
    }

    /// As [`Vm::let_go`], of whatever is held.
    #[cold]
    fn let_go_of_all(&mut self) {
        let code = self.code;
        let noticed = |reg: Reg| {
            matches!(&self.frame.regs[usize::from(reg)], Slot::Object(o)
            // SAFETY: a live object.
            if !unsafe { unnoticed(o.as_ptr()) })
        };
        let regs: Vec<Reg> = code.boundary.rebound.iter().copied().filter(|&r| noticed(r)).collect();
        self.held = 0;
        self.forget(&regs);
    }

    fn forget(&self, regs: &[Reg]) {
        let names = self.code.boundary.outputs.iter().filter(|(reg, _)| regs.contains(reg));
        // SAFETY: attached.
        let none = unsafe { ffi::Py_None() };
        let items: Vec<_> = names.map(|&(_, name)| (self.code.name(name).as_ptr(), none)).collect();
        // SAFETY: attached; names and None live on.
        unsafe { locals::assign(&items) }
    }

    /// To be done before anything that can run foreign code: what waits is computed, and the frame shown.
    #[inline]
    pub fn out(&mut self, pc: usize) -> Result<(), Raised> {
        if !self.pending.is_empty() {
            self.compute_all()?;
        }
        self.worked = true;
        self.show(pc);
        Ok(())
    }

    /// Shows CPython's frame at an instruction.
    #[inline]
    pub fn show(&mut self, pc: usize) {
        if let Shown::At(place, offsets) = &self.shown {
            let offset = offsets[self.code.at[pc] as usize];
            if offset >= 0 {
                // SAFETY: the frame waits for our call to return; the offset is one of its code.
                unsafe { place.show(offset) }
            }
        } else if matches!(self.shown, Shown::NotYet) {
            self.begin_to_show(pc);
        }
    }

    #[cold]
    fn begin_to_show(&mut self, pc: usize) {
        self.shown = Shown::Never;
        // SAFETY: attached; the frame that called us waits. Looking up positions can raise nothing that matters more than
        // what is pending.
        unsafe {
            let _pending = Held::take();
            let Some(place) = Place::here() else { return };
            match self.region.offsets.get(self.py, &self.code.positions, &place) {
                Ok(offsets) => self.shown = Shown::At(place, offsets),
                Err(_) => return,
            }
        }
        self.show(pc);
    }

    /// Shows CPython's frame at an offset of its code.
    pub fn show_offset(&self, offset: std::ffi::c_int) {
        if let Shown::At(place, _) = &self.shown {
            // SAFETY: the frame waits for our call to return; it has been at the offset before.
            unsafe { place.show(offset) }
        }
    }

    /// Shows the frame where it really is.
    pub fn show_entry(&self) {
        if let Shown::At(place, _) = &self.shown {
            // SAFETY: the frame waits for our call to return.
            unsafe { place.restore() }
        }
    }

    /// Runs instructions until the region is left. When it raises, the frame is shown where.
    pub fn execute(&mut self) -> Result<Way, Raised> {
        let code = self.code;
        let mut pc = 0;
        loop {
            self.now = pc;
            let result = match code.ops[pc] {
                Op::Jump { to } => {
                    pc = to as usize;
                    continue;
                }
                Op::Back { index } => {
                    pc = code.loops[usize::from(index)].head as usize;
                    continue;
                }
                Op::JumpIf { cond, expected, to } => match self.truth(cond, pc) {
                    Ok(truth) => {
                        let jumps = truth == expected;
                        code.profile[pc].count(jumps);
                        self.consume(cond, pc);
                        pc = if jumps { to as usize } else { pc + 1 };
                        continue;
                    }
                    Err(raised) => Err(raised),
                },
                Op::Next { dst, iter, done } => match self.next(dst, iter, pc) {
                    Ok(more) => {
                        code.profile[pc].count(!more);
                        pc = if more { pc + 1 } else { done as usize };
                        continue;
                    }
                    Err(raised) => Err(raised),
                },
                Op::Loop { index } => match self.at_head(index, pc) {
                    Ok(Turn::On) => {
                        pc += 1;
                        continue;
                    }
                    Ok(Turn::From(target)) => {
                        pc = target;
                        continue;
                    }
                    Ok(Turn::Leave) => return Ok(Way::Leave),
                    Err(raised) => Err(raised),
                },
                Op::Return { src } => return Ok(Way::Return(src)),
                Op::End => return Ok(Way::End),

                Op::Const { dst, index } => self.constant(dst, index, pc),
                Op::Move { dst, src } => self.copy(dst, src, pc),
                Op::Kill { first, count } => {
                    for reg in first..first + count {
                        self.end(reg, pc);
                        if usize::from(reg) < code.locals && !self.deleted.contains(&reg) {
                            self.deleted.push(reg);
                        }
                    }
                    Ok(())
                }
                Op::CheckBound { reg, name } => self.check_bound(reg, name),
                Op::LoadGlobal { dst, name } => self.load_global(dst, name, pc),
                Op::StoreGlobal { name, src } => self.store_global(name, src, pc),
                Op::DeleteGlobal { name } => self.delete_global(name, pc),
                Op::LoadCell { dst, cell } => self.load_cell(dst, cell, pc),
                Op::DeleteCell { cell } => self.delete_cell(cell, pc),
                Op::StoreCell { cell, src } => self.store_cell(cell, src, pc),
                Op::Unary { op, dst, a } => self.unary(op, dst, a, pc),
                Op::Binary { op, dst, a, b } => self.binary(op, dst, a, b, pc),
                Op::InPlace { op, dst, a, b } => self.in_place(op, dst, a, b, pc),
                Op::Compare { op, dst, a, b } => self.compare(op, dst, a, b, pc),
                Op::GetIter { dst, src } => self.get_iter(dst, src, pc),
                Op::Iter { dst, src } => self.iter(dst, src, pc),
                Op::LoadAttr { dst, obj, name } => self.load_attr(dst, obj, name, pc),
                Op::StoreAttr { obj, name, src } => self.store_attr(obj, name, src, pc),
                Op::DeleteAttr { obj, name } => self.delete_attr(obj, name, pc),
                Op::LoadItem { dst, obj, key } => self.load_item(dst, obj, key, pc),
                Op::StoreItem { obj, key, src } => self.store_item(obj, key, src, pc),
                Op::DeleteItem { obj, key } => self.delete_item(obj, key, pc),
                Op::Tuple { dst, first, count } => self.tuple(dst, first, count, pc),
                Op::List { dst, first, count } => self.list(dst, first, count, pc),
                Op::Set { dst, first, count } => self.set(dst, first, count, pc),
                Op::Dict { dst, first, count } => self.dict(dst, first, count, pc),
                Op::Slice { dst, first } => self.slice(dst, first, pc),
                Op::Join { dst, first, count } => self.join(dst, first, count, pc),
                Op::Format { dst, src, spec, conversion } => self.format(dst, src, spec, conversion, pc),
                Op::Append { list, src } => self.append(list, src, pc),
                Op::Extend { to, src } => self.extend(to, src, pc),
                Op::ToTuple { dst, src } => self.tuple_of_list(dst, src, pc),
                Op::Merge { dict, src, func } => self.merge(dict, src, func, pc),
                Op::UnpackRest { src, first, before, after } => {
                    self.unpack_rest(src, first, before, after, pc)
                }
                Op::Function { dst, index, defaults, keywords } => {
                    self.function(dst, index, (defaults, keywords), pc)
                }
                Op::CallUnpacked { dst, first, keywords } => self.call_unpacked(dst, first, keywords, pc),
                Op::Settle => self.compute_all(),
                Op::Enter { dst, src } => self.enter(dst, src, pc),
                Op::ExitWith { dst, exit, exc } => self.exit_with(dst, exit, exc, pc),
                Op::Matches { dst, exc, kind } => self.matches(dst, exc, kind, pc),
                Op::Handled { saved } => self.handled(saved, pc),
                Op::Reraise { exc } => self.reraise(exc),
                Op::Unpack { src, first, count } => self.unpack(src, first, count, pc),
                Op::Call { dst, first, positional, keywords } => {
                    self.call(dst, first, positional, keywords, pc)
                }
                Op::Raise { exc, cause } => self.raise(exc, cause, pc),
                Op::AssertionFailed { message } => self.assertion_failed(message, pc),
            };
            if result.is_err() {
                let at = self.raised_at.take().unwrap_or(pc);
                if let Some(target) = self.catch(at) {
                    pc = target;
                    continue;
                }
                self.raised_at = Some(at);
                self.show(at);
                return Err(Raised);
            }
            code.profile[pc].count(false);
            pc += 1;
        }
    }

    /// Counts the turn, looks at signals and other threads from time to time, and asks the recorder.
    fn at_head(&mut self, index: u16, pc: usize) -> Result<Turn, Raised> {
        let turns = &self.code.loops[usize::from(index)].turns;
        // Only the thread that holds the GIL counts.
        turns.store(turns.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        self.turns = self.turns.saturating_add(1);
        if !self.pending.is_empty() {
            self.compute_all()?;
        }
        self.ticks += 1;
        if self.ticks >= TURNS_PER_SAFEPOINT || (self.worked && self.slice_is_over()) {
            self.safepoint(index, pc)?;
        }
        let outermost = self.code.boundary.outer.is_some_and(|outer| outer.index == index);
        if outermost && watch::being_watched(self.py) {
            return Ok(Turn::Leave);
        }
        if !settings::get().jit {
            return Ok(Turn::On);
        }
        let region = self.region;
        if self.turns == 1 && outermost && self.is_slight() {
            self.leave_alone();
            return Ok(Turn::Leave);
        }
        let declined = &region.declined[usize::from(index)];
        if !declined.load(Ordering::Relaxed) {
            match record::at_loop(self.py, &mut self.frame, index) {
                Verdict::Interpret => {}
                Verdict::Resumed(target) => return Ok(self.resumed(target as usize, pc)),
                Verdict::Safepoint(target) => {
                    self.resumed(target as usize, pc);
                    self.safepoint(index, target as usize)?;
                    return Ok(Turn::From(target as usize));
                }
                Verdict::StepAside => declined.store(true, Ordering::Relaxed),
            }
        }
        if outermost && self.is_hopeless(index) {
            self.leave_alone();
            return Ok(Turn::Leave);
        }
        Ok(Turn::On)
    }

    /// Whether it is time for a safepoint. Turns that work on large arrays are long.
    fn slice_is_over(&mut self) -> bool {
        self.worked = false;
        self.since.get_or_insert_with(Tick::now).elapsed() > SLICE
    }

    /// CPython has the region from now on. A look that led to nothing doesn't begin the count anew.
    fn leave_alone(&self) {
        let alone = &self.region.left_alone;
        alone.store(alone.load(Ordering::Relaxed).max(1), Ordering::Relaxed);
    }

    /// At the first turn: whether this loop is entered again and again for a few turns of arithmetic on numbers, which no
    /// machine code makes worth an entry.
    fn is_slight(&self) -> bool {
        let region = self.region;
        let Some(instructions) = region.plain_turn else { return false };
        let iter = self.code.boundary.outer.and_then(|outer| outer.iter);
        let turns = match iter.map(|reg| &self.frame.regs[usize::from(reg)]) {
            Some(Slot::Range(range)) => range.stop.abs_diff(range.next).div_ceil(range.step.unsigned_abs()),
            _ => return false,
        };
        let is_number = |slot: &Slot| match slot {
            // SAFETY: a live object.
            Slot::Object(object) => unsafe { unnoticed(object.as_ptr()) },
            Slot::Unbound | Slot::Range(_) => true,
        };
        let slight = turns.saturating_mul(instructions.into()) <= SLIGHT
            && !settings::get().all
            && self.frame.regs.iter().all(is_number);
        let before = region.slight.load(Ordering::Relaxed);
        region.slight.store(if slight { before.saturating_add(1) } else { 0 }, Ordering::Relaxed);
        slight && before >= MANY_SLIGHT
    }

    /// At the outermost loop: whether CPython should have the region from now on. A part that was declined will not become
    /// compiled as a part of something larger, so that one such part is enough unless another part has been compiled.
    fn is_hopeless(&self, outermost: u16) -> bool {
        let region = self.region;
        let declined = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        // The first turn shows whether there are operations on arrays to fuse. Those are worth the turns they took.
        if self.turns == 1 || self.fused.saturating_mul(TURNS_FOR_FUSED) > self.turns {
            return false;
        }
        declined(&region.declined[usize::from(outermost)])
            || (!region.compiled.load(Ordering::Relaxed)
                && (region.declined.iter().any(declined) || self.turns > PATIENCE))
    }

    /// Compiled code left with the registers as they are before the instruction at `target`.
    fn resumed(&mut self, target: usize, head: usize) -> Turn {
        self.region.compiled.store(true, Ordering::Relaxed);
        self.region.left_alone.store(0, Ordering::Relaxed);
        self.touched = true;
        if self.held != 0 {
            // It may have rebound any of them.
            self.let_go_of_all();
        }
        // Left where it was entered: the VM does a turn, or it would go back and forth.
        if target == head { Turn::On } else { Turn::From(target) }
    }
}

/// What comes after the head of a loop.
enum Turn {
    On,
    From(usize),
    Leave,
}

/// Whether nobody can notice when an object dies.
///
/// # Safety
/// A live object.
#[inline]
pub(super) unsafe fn unnoticed(object: *mut ffi::PyObject) -> bool {
    // SAFETY: by contract.
    unsafe {
        let kind = ffi::Py_TYPE(object);
        kind == &raw mut ffi::PyLong_Type
            || kind == &raw mut ffi::PyFloat_Type
            || kind == &raw mut ffi::PyBool_Type
            || kind == &raw mut ffi::PyUnicode_Type
            || kind == &raw mut ffi::PyComplex_Type
            || kind == &raw mut ffi::PyBytes_Type
            || object == ffi::Py_None()
    }
}

/// The entry was called by somebody who is not the code it was made for.
#[cold]
fn misused(code: &Code) -> Outcome {
    // SAFETY: the entry was called attached.
    let py = unsafe { Python::assume_attached() };
    PySystemError::new_err(format!("{}: wrong arguments of an entry", code.label)).restore(py);
    Outcome::Raised
}

/// The closure of the function that brings the cells, borrowed from it; null if that is something else.
///
/// # Safety
/// Attached; a live object.
unsafe fn closure_of(code: &Code, function: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: by contract; the closure is asked of functions only, and it is a tuple of cells or null.
    unsafe {
        if ffi::PyFunction_Check(function) == 0 {
            return std::ptr::null_mut();
        }
        let closure = ffi::PyFunction_GetClosure(function);
        let fits = !closure.is_null() && ffi::PyTuple_GET_SIZE(closure) as usize == code.boundary.cells.len();
        if fits { closure } else { std::ptr::null_mut() }
    }
}
