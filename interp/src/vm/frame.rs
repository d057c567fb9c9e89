//! The state of one run of a region.

use std::cell::RefCell;
use std::ptr::NonNull;

use pyo3::ffi;

use crate::bytecode::Code;

/// The rest of a `range` that only the VM holds: `next`, `next + step`, ... while below `stop` (above, for negative steps).
/// Neither `stop + step` nor any item overflows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RangeIter {
    pub next: i64,
    pub stop: i64,
    /// Not 0.
    pub step: i64,
}

impl RangeIter {
    /// `None` where 64 bits don't do.
    pub fn new(start: i64, stop: i64, step: i64) -> Option<RangeIter> {
        (step != 0 && stop.checked_add(step).is_some()).then_some(RangeIter { next: start, stop, step })
    }
}

impl Iterator for RangeIter {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let item = self.next;
        let more = if self.step > 0 { item < self.stop } else { item > self.stop };
        // Below `stop`, so that one more step cannot overflow.
        more.then(|| {
            self.next = item + self.step;
            item
        })
    }
}

/// What a register holds.
#[derive(Debug)]
pub enum Slot {
    Unbound,
    /// A reference of the register's own.
    Object(NonNull<ffi::PyObject>),
    /// In the place of a `range_iterator`: only [`crate::bytecode::Op::GetIter`] of a `range` makes one, and only `Next` sees it.
    Range(RangeIter),
}

/// Registers and names of one run.
pub struct Frame<'a> {
    pub code: &'a Code,
    pub regs: Registers,
    /// Borrowed: the dict of the module, that of its builtins, and the closure tuple (null without cells). The CPython frame
    /// that entered the region holds them.
    pub globals: *mut ffi::PyObject,
    pub builtins: *mut ffi::PyObject,
    pub cells: *mut ffi::PyObject,
}

/// A file of registers, all unbound at first. Those of small regions are kept and used again, by whichever run of the
/// thread comes next: runs need not end in the order in which they nest (greenlets switch stacks).
pub struct Registers {
    slots: Box<[Slot]>,
    used: usize,
}

/// Registers of a kept file.
const SMALL: usize = 64;
/// Kept files per thread.
const KEPT: usize = 128;

thread_local! {
    static FREE: RefCell<Vec<Box<[Slot]>>> = const { RefCell::new(Vec::new()) };
}

impl Registers {
    pub fn new(used: usize) -> Registers {
        let new = |n: usize| (0..n).map(|_| Slot::Unbound).collect::<Box<[Slot]>>();
        let slots = if used > SMALL {
            new(used)
        } else {
            let kept = FREE.try_with(|free| free.borrow_mut().pop()).ok().flatten();
            kept.unwrap_or_else(|| new(SMALL))
        };
        Registers { slots, used }
    }
}

impl std::ops::Deref for Registers {
    type Target = [Slot];

    fn deref(&self) -> &[Slot] {
        &self.slots[..self.used]
    }
}

impl std::ops::DerefMut for Registers {
    fn deref_mut(&mut self) -> &mut [Slot] {
        &mut self.slots[..self.used]
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        for index in 0..self.used {
            if let Slot::Object(object) = std::mem::replace(&mut self.slots[index], Slot::Unbound) {
                // SAFETY: the register owned this reference; a run of a region, and so its registers, lives while its
                // thread is attached.
                unsafe { ffi::Py_DECREF(object.as_ptr()) }
            }
        }
        if self.slots.len() == SMALL {
            let slots = std::mem::take(&mut self.slots);
            // A thread that is ending may have lost its list; the file is freed then.
            let _ = FREE.try_with(|free| {
                let mut free = free.borrow_mut();
                if free.len() < KEPT {
                    free.push(slots);
                }
            });
        }
    }
}
