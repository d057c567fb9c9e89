//! From hot loops to machine code and back.

use crate::bytecode::Target;
use crate::vm::Frame;
use pyo3::Python;

/// What is known about one loop: its compiled forms, or why it has none.
#[derive(Debug, Default)]
pub struct LoopState {}

/// What the VM does next at the head of a loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Runs the turn itself.
    Interpret,
    /// Compiled code ran and left with the frame in the state before the instruction there.
    Resumed(Target),
    /// Compiled code ran and left since time is up: signals and other threads want a look, then on from there.
    Safepoint(Target),
    /// Nothing will ever be compiled here that is worth the VM's time: CPython should go on.
    StepAside,
}

/// Asked by the VM at every [`crate::bytecode::Op::Loop`], after it counted the turn.
///
/// Nothing of this runs foreign code: no exception is pending before or after.
pub fn at_loop(_py: Python<'_>, _frame: &mut Frame<'_>, _index: u16) -> Verdict {
    Verdict::Interpret
}
