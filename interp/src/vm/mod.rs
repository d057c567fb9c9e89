//! The VM: runs region code through CPython's own API, a frame's worth at a time.
//!
//! [`run`] is the dispatch loop, [`ops`] what instructions do, by family, [`pending`] array operations that wait to be fused, [`exit`] the ways out of a region, [`safepoint`] the
//! look at the rest of the process, [`frame`] the registers. Registers own references; an instruction that overwrites or ends one drops the object after its effect, which
//! is when CPython drops it. Whatever can run foreign code first shows CPython's frame at the instruction's place in the
//! source ([`crate::embed::position`]).

mod exit;
mod frame;
mod ops;
mod pending;
mod run;
mod safepoint;

pub use exit::Outcome;
pub use frame::{Frame, RangeIter, Registers, Slot};
pub use run::run;
pub use safepoint::prepare;

/// A Python exception is pending.
#[derive(Debug)]
pub struct Raised;
