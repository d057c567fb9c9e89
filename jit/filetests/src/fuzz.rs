//! Makes up traces and runs them in every way.
//!
//! Traces are right by construction: well typed, all accesses inside their buffers, classes of memory as promised, loops
//! that end. So the reference must run each of them, and any other outcome is a mistake of a pass or a back end.
//!
//! The generator knows a range for some integers (constants, parameters, counters) and builds addresses from those. It
//! also knows which floats are *exact*: moved, but not computed. Which NaN arithmetic gives is not defined, so the others
//! must not get where bits show: into integers, or into signs.

mod generate;
mod source;

use jit::ir::Trace;

use crate::case::Case;
use crate::variants::{self, Failure};
pub use generate::generate;
pub use source::Source;

/// A trace that does not run the same everywhere.
pub struct Finding {
    pub trace: Trace,
    pub case: Case,
    pub failure: Failure,
}

/// Makes up a trace and runs it.
///
/// # Errors
/// It does not run the same everywhere.
pub fn once(source: &mut Source<'_>) -> Result<(), Box<Finding>> {
    let (trace, case) = generate(source);
    match variants::check(&trace, std::slice::from_ref(&case)) {
        Ok(_) => Ok(()),
        Err(failure) => Err(Box::new(Finding { trace, case, failure })),
    }
}
