//! A region's code, and what is known about it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

use super::op::{Op, Reg, Target};
use crate::record::LoopState;

/// An object the code owns. It is dropped by whoever is attached, or leaked when nobody is.
pub struct Object(Py<PyAny>);

impl Object {
    pub fn new(object: Py<PyAny>) -> Object {
        Object(object)
    }
    /// Borrowed from the code.
    pub fn as_ptr(&self) -> *mut ffi::PyObject {
        self.0.as_ptr()
    }
    pub fn bind<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.0.bind(py)
    }
}

/// A span of the source as `co_positions()` gives it: lines from 1, columns in bytes from 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Position {
    pub line: u32,
    pub end_line: u32,
    pub column: u32,
    pub end_column: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Region {
    /// One `for` or `while` statement.
    Loop,
    /// Statements that work on arrays.
    Statements,
    /// A function's whole body.
    Body,
}

/// The outermost loop, for leaving the region in the middle: CPython then goes on with the statement from its next turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outer {
    pub index: u16,
    /// The iterator of a `for`.
    pub iter: Option<Reg>,
}

/// How values get in and out.
#[derive(Debug, Default)]
pub struct Boundary {
    /// At module level every name is a global and nothing travels.
    pub module: bool,
    /// Locals surely bound at entry and not rebound in the region: arguments of the entry, in this order.
    pub inputs: Vec<Reg>,
    /// Those rebound in the region. They travel in a list, which the VM empties so that the old values may die.
    pub rebound: Vec<Reg>,
    /// Locals the region may assign, with the index of their names, in the order in which the new values are handed back.
    pub outputs: Vec<(Reg, u16)>,
    /// Names of the cell and free variables used, in the order of the closure that is passed as the last argument.
    pub cells: Vec<u16>,
    pub outer: Option<Outer>,
    /// Whether the region can return from its function.
    pub returns: bool,
}

/// A loop of the region.
#[derive(Debug)]
pub struct Loop {
    /// Its [`Op::Loop`].
    pub head: Target,
    /// Its [`Op::Back`]s (a `continue` is one, too) lie in `head..end`; control goes on at `end` or beyond.
    pub end: Target,
    pub parent: Option<u16>,
    /// The iterator of a `for`, which [`Op::Next`] right after the head asks.
    pub iter: Option<Reg>,
    /// Turns begun in the VM.
    pub turns: AtomicU32,
    /// Touched by the thread that holds the GIL only, and never across a call of foreign code.
    pub state: Mutex<LoopState>,
}

/// What is done with an exception that an instruction raises.
///
/// Handlers stand beside the code, not in it: nothing is executed to enter or leave a `try`, and whoever reads the code
/// finds the block as statements like any others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Catch {
    /// Temporaries from `exc` on end, and control goes to `to` with the exception in `exc`. It is the one being handled; what
    /// was so before is in the next register.
    Handle { to: Target, exc: Reg },
    /// The same, but what is being handled stays.
    Clean { to: Target, exc: Reg },
    /// What was being handled before is so again, from a register, and the exception goes on to the handler around.
    Restore { saved: Reg },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler {
    pub catch: Catch,
    /// The handler of instructions around the block. Its index is smaller.
    pub outer: Option<u16>,
}

/// A function that the region makes.
#[derive(Debug)]
pub struct Function {
    /// Constant: its code object.
    pub code: u16,
    /// Cells of its closure, in the order of its free variables.
    pub closure: Vec<u16>,
}

/// What the VM saw at an instruction. Counters stop at their maximum.
#[derive(Debug, Default)]
pub struct Profile {
    /// Of [`Op::JumpIf`]: times jumped. Of [`Op::Next`]: times exhausted.
    pub taken: AtomicU32,
    /// Times not jumped, or an item was there. Of all others: times executed.
    pub passed: AtomicU32,
}

impl Profile {
    pub fn count(&self, taken: bool) {
        let counter = if taken { &self.taken } else { &self.passed };
        // Only the thread that holds the GIL counts.
        counter.store(counter.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
    }
}

/// A region, compiled.
pub struct Code {
    /// File, line and kind of statement, for the log.
    pub label: String,
    pub region: Region,
    pub ops: Vec<Op>,
    /// Of each instruction, an index into `positions`.
    pub at: Vec<u32>,
    pub positions: Vec<Position>,
    /// Of each instruction.
    pub profile: Vec<Profile>,
    pub consts: Vec<Object>,
    /// Interned `str` objects, private names mangled.
    pub names: Vec<Object>,
    pub loops: Vec<Loop>,
    pub handlers: Vec<Handler>,
    /// Of each instruction, the handler of what it raises, or [`Code::UNHANDLED`]. Empty where there are no handlers.
    pub handled: Vec<u16>,
    pub functions: Vec<Function>,
    /// Registers in all.
    pub registers: usize,
    /// The first registers are locals.
    pub locals: usize,
    pub boundary: Boundary,
}

impl Code {
    pub const UNHANDLED: u16 = u16::MAX;

    /// The handler of what an instruction raises.
    #[inline]
    pub fn handler(&self, pc: usize) -> Option<u16> {
        self.handled.get(pc).copied().filter(|&index| index != Self::UNHANDLED)
    }
    /// The number of instructions of a turn, if there is one loop and a turn is arithmetic on locals and nothing else.
    pub fn plain_turn(&self) -> Option<u32> {
        let [only] = &self.loops[..] else { return None };
        let turn = self.ops.get(only.head as usize..only.end as usize)?;
        let plain = |op: &Op| {
            matches!(
                op,
                Op::Loop { .. }
                    | Op::Back { .. }
                    | Op::Next { .. }
                    | Op::Jump { .. }
                    | Op::JumpIf { .. }
                    | Op::Const { .. }
                    | Op::Move { .. }
                    | Op::Kill { .. }
                    | Op::CheckBound { .. }
                    | Op::Unary { .. }
                    | Op::Binary { .. }
                    | Op::InPlace { .. }
                    | Op::Compare { .. }
            )
        };
        turn.iter().all(plain).then_some(turn.len() as u32)
    }
    pub fn name(&self, index: u16) -> &Object {
        &self.names[usize::from(index)]
    }
    /// A name as text.
    pub fn name_text(&self, py: Python<'_>, index: u16) -> String {
        self.name(index).bind(py).to_string()
    }
}
