//! The register code of a region: what the front end makes, the VM runs and the recorder reads.
//!
//! A *region* is a loop statement, a run of array statements or a function body that the VM may run in CPython's place. Its
//! registers hold objects: the VM means what CPython means by going through the same C API, so that identity, lifetime and
//! errors are CPython's. Unboxed numbers exist in compiled code only; the VM runs a loop no longer than it takes to compile
//! it or to know that it can't be, and is where compiled code resumes.
//!
//! Invariants that the recorder relies on:
//!
//! * Jumps go forward; only [`Op::Back`] goes back, to the [`Op::Loop`] of its loop. Loops nest.
//! * A temporary is assigned before it is used on every path. The instruction that reads it consumes it: its object dies, or
//!   moves on, with the effect of the instruction, as on CPython's stack. So `JumpIf` consumes its condition, `Call` its whole
//!   window, `StoreGlobal` what it stores. The exceptions are [`Op::Move`], after which both registers hold the object, the
//!   iterator of [`Op::Next`], what [`Op::Append`] and its like add to, and exceptions and the `__exit__` of a context
//!   manager until something ends them. Locals are never consumed.
//! * The destination may be one of the registers that are read; the first register of [`Op::Unpack`] may be its source. What a
//!   destination held before dies after the instruction's effect, last of all.
//! * Handlers of exceptions ([`Handler`]) stand beside the code. Their code is reached by no jump.
//! * An instruction has its effect as a whole or, when it raises, not at all, as far as registers are concerned.

mod code;
mod op;
mod print;
mod verify;

pub use code::{Boundary, Catch, Code, Function, Handler, Loop, Object, Outer, Position, Profile, Region};
pub use op::{BinaryOp, CompareOp, Op, Reg, Target, UnaryOp};
