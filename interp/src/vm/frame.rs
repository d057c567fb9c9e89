//! The state of one run of a region.

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
    pub regs: Vec<Slot>,
    /// Borrowed: the dict of the module, that of its builtins, and the closure tuple (null without cells). The CPython frame
    /// that entered the region holds them.
    pub globals: *mut ffi::PyObject,
    pub builtins: *mut ffi::PyObject,
    pub cells: *mut ffi::PyObject,
}
