//! The intermediate representation: what a trace is, how to make, print, read and check one.

pub mod builder;
pub mod op;
pub mod parse;
pub mod print;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod ty;
pub mod verify;

pub use builder::Builder;
pub use op::{Binary, Cond, Domain, Overflow, Unary};
pub use parse::parse;
pub use trace::{
    Access, Addr, CallDescr, CallId, Const, Def, Effects, Inst, InstId, MemClass, Range, Region, RegionId,
    SnapId, Snapshot, Stride, Trace, Value,
};
pub use ty::{Scalar, Ty};
pub use verify::verify;
