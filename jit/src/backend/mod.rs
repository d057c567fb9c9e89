//! Back ends: from a verified trace to code that runs.
//!
//! A back end may decline a trace ([`Unsupported`]), it may never compute something else than [`crate::semantics`] says.
//! [`reference`] declines next to nothing and is what the others are tested against.

pub mod code;
pub mod cranelift;
pub mod disassemble;
pub mod reference;
#[cfg(target_arch = "x86_64")]
pub mod wide;

use std::fmt;

use crate::ir::{InstId, Trace};
pub use code::Code;

/// Why a back end does not take a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unsupported {
    /// Where, if it is one instruction's fault.
    pub inst: Option<InstId>,
    pub reason: String,
}

impl Unsupported {
    pub fn new(reason: impl Into<String>) -> Unsupported {
        Unsupported { inst: None, reason: reason.into() }
    }
    pub fn at(inst: InstId, reason: impl Into<String>) -> Unsupported {
        Unsupported { inst: Some(inst), reason: reason.into() }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inst {
            Some(inst) => write!(f, "{inst}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for Unsupported {}

/// Makes code of traces. The calling convention of the code is described at [`Trace`].
pub trait Backend: Send + Sync {
    fn name(&self) -> &'static str;
    /// Rewrites a trace into the form this back end likes best, for example vectorises it to the width of its registers.
    /// The trace means the same afterwards.
    fn prepare(&self, tr: &mut Trace);
    /// Code for a verified trace.
    ///
    /// # Errors
    /// Why this back end does not take it.
    fn compile(&self, tr: &Trace) -> Result<Code, Unsupported>;
    /// The code as text. A back end for another processor than this one overrides it and compiles nothing.
    ///
    /// # Errors
    /// Why this back end does not take the trace.
    fn listing(&self, tr: &Trace) -> Result<String, Unsupported> {
        Ok(disassemble::x86(self.compile(tr)?.bytes()))
    }
}

/// The back ends that run on this machine, the reference first.
pub fn all() -> Vec<Box<dyn Backend>> {
    let mut all: Vec<Box<dyn Backend>> = vec![Box::new(reference::Reference)];
    all.extend(cranelift::Cranelift::host().map(|c| Box::new(c) as Box<dyn Backend>));
    #[cfg(target_arch = "x86_64")]
    all.extend(wide::Wide::all().map(|w| Box::new(w) as Box<dyn Backend>));
    all
}
