//! Passes: each one rewrites a trace into another that means the same, better in one respect.
//!
//! What a pass may assume and must keep is in `README.md` beside this file. Passes know neither each other nor the
//! order they run in; the lists here do.

mod breaks;
mod carry;
mod compact;
mod copy;
mod cse;
mod dce;
mod defer;
mod effects;
pub(crate) mod emit;
pub mod fold;
pub mod guards;
mod heap;
mod ifconv;
mod induction;
mod licm;
mod order;
mod scope;
mod subst;
mod trips;
mod unroll;
mod version;

use crate::ir::Trace;
use crate::log::{self, Section};

pub use breaks::Breaks;
pub use carry::Carry;
pub use compact::Compact;
pub use cse::Cse;
pub use dce::Dce;
pub use defer::Defer;
pub use fold::Fold;
pub use guards::{Guards, Remainders};
pub use heap::Heap;
pub use ifconv::{IfConvert, IfConvertGuards};
pub use induction::Induction;
pub use licm::Licm;
pub use order::Order;
pub use trips::Trips;
pub use unroll::Unroll;
pub use version::Version;

/// A rewriting of a trace.
pub trait Pass: Send + Sync {
    fn name(&self) -> &'static str;
    /// Rewrites a verified trace; says whether anything changed. The trace is verified and means the same afterwards.
    fn run(&self, tr: &mut Trace) -> bool;
}

/// All passes that need no parameters, by name.
pub const PASSES: &[&dyn Pass] = &[
    &Fold,
    &Cse,
    &Heap,
    &Guards,
    &Breaks,
    &IfConvert,
    &IfConvertGuards,
    &Unroll,
    &Licm,
    &Induction,
    &Trips,
    &Version,
    &Remainders,
    &Order,
    &Carry,
    &Defer,
    &Dce,
    &Compact,
];

/// Folding goes first, since everything else looks for the normal form it makes. Loops are cleaned (branches, counters,
/// invariants) before anybody asks whether their guards can leave.
const CLEAN: &[&dyn Pass] =
    &[&Fold, &Breaks, &Cse, &Heap, &Guards, &IfConvert, &Unroll, &Licm, &Induction, &Fold];
/// What only counts in loops whose ends were found is looked for again.
const COUNTED: &[&dyn Pass] = &[&Induction, &Fold];
/// What copies of loops leave to do: there, choices and guards are gone, which is known of what follows from them, and bodies
/// that were too long to unroll are short, inner ones first.
const COPIED: &[&dyn Pass] = &[&Fold, &Unroll, &Fold, &Cse, &Dce, &Unroll, &Fold, &Cse];
/// What was made is tidied up.
const TIDY: &[&dyn Pass] =
    &[&Remainders, &IfConvertGuards, &Order, &Licm, &Fold, &Cse, &Carry, &Defer, &Dce, &Compact];

/// What every trace goes through, whatever runs it.
pub fn standard() -> Vec<&'static dyn Pass> {
    [CLEAN, &[&Trips], COUNTED, &[&Version], COPIED, TIDY].concat()
}

/// Runs the standard passes.
pub fn optimise(tr: &mut Trace) {
    log::write(Section::Noopt, &tr.name, tr);
    run(CLEAN, tr);
    if run(&[&Trips], tr) {
        run(COUNTED, tr);
    }
    if run(&[&Version], tr) {
        run(COPIED, tr);
    }
    run(TIDY, tr);
    log::write(Section::Opt, &tr.name, tr);
}

/// The pass of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Pass> {
    PASSES.iter().copied().find(|p| p.name() == name)
}

/// Runs passes one after the other; says whether any of them changed anything.
pub fn run(passes: &[&dyn Pass], tr: &mut Trace) -> bool {
    let mut changed = false;
    for pass in passes {
        changed |= log::timed(pass.name(), || pass.run(tr));
        if cfg!(debug_assertions) {
            if let Err(e) = crate::ir::verify(tr) {
                unreachable!("{} left a {e}\n{tr}", pass.name());
            }
        }
    }
    changed
}
