//! From hot loops to machine code and back.
//!
//! A loop that has run long enough in the VM is *recorded*: [`walk`] goes once over its code, with the kinds of values
//! ([`kind`]) that are in the registers now instead of the values, and writes down what the VM would do as a trace of the
//! `jit`. Compiled, the trace runs whole loop nests on bare numbers. What it takes for granted is checked when it is entered
//! ([`entry`]); where it meets what it was not made for, it leaves by a guard, the VM's registers are made anew ([`exit`],
//! [`resume`]), and the VM goes on with the very instruction: it is the only place that does things for real.
//!
//! Compiled code is closed. It calls nothing that could run Python, so nobody can see that variables are not up to date
//! meanwhile, and it comes back every few milliseconds.

mod abort;
mod body;
mod cache;
mod clock;
mod entry;
mod exit;
mod flow;
mod iterate;
mod kind;
mod ops;
mod resume;
mod small;
mod stats;
mod walk;

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError};

use jit::log::{self, Section};
use micronumpy_python::objects::ufunc::errstate;
use pyo3::Python;

use crate::bytecode::{Code, Target};
use crate::embed::settings;
use crate::vm::Frame;
pub use cache::LoopState;
use cache::Ran;
pub use clock::Tick;
use exit::Why;
use flow::Flow;
pub use stats::{Stats, jit_stats, stats};

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

/// Whether every trace is verified: `MICRONUMPY_JIT_CHECK=1`.
fn checks() -> bool {
    static CHECKS: OnceLock<bool> = OnceLock::new();
    *CHECKS.get_or_init(|| std::env::var_os("MICRONUMPY_JIT_CHECK").is_some_and(|v| v == "1"))
}

/// Turns of an outer loop after which it is recorded, if a loop inside is hot.
const OUTER_TURNS: u32 = 3;
/// Turns an inner loop has left, or has had, with those of the loops inside of it, that are too many to wait for the outer
/// loop's next one.
const LONG: u64 = 20_000;
/// Turns of an inner loop that are too few to enter compiled code for, if the loop around may be compiled.
const SHORT: u64 = 8;

/// Asked by the VM at every [`crate::bytecode::Op::Loop`], after it counted the turn.
///
/// Nothing of this runs foreign code: no exception is pending before or after.
pub fn at_loop(py: Python<'_>, frame: &mut Frame<'_>, index: u16) -> Verdict {
    let code = frame.code;
    let l = &code.loops[usize::from(index)];
    let version = |at: usize| {
        let state = l.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.versions.get(at).cloned()
    };
    let mut next = version(0);
    // Compiled code sees results that are not finite; one that is merely tiny looks like any other.
    if (next.is_some() || is_hot(frame, index)) && !errstate::ignores_underflow(py).unwrap_or(false) {
        return Verdict::Interpret;
    }
    let mut tried = 0;
    while let Some(current) = next {
        match current.run(py, frame) {
            Ran::NotForThis => {}
            Ran::Left(verdict) => return verdict,
            Ran::Outdated(verdict, why, at) => {
                let mut state = l.state.lock().unwrap_or_else(PoisonError::into_inner);
                match why {
                    Why::Bounds => {
                        state.learnt.negatives.insert(at);
                    }
                    Why::NotFinite => state.learnt.not_finite = true,
                    _ => {}
                }
                if state.may_learn() {
                    state.versions.retain(|v| !Arc::ptr_eq(v, &current));
                }
                return verdict;
            }
            Ran::Useless(verdict) => {
                let mut state = l.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.versions.retain(|v| !Arc::ptr_eq(v, &current));
                state.hopeless = true;
                return verdict;
            }
        }
        tried += 1;
        next = version(tried);
    }
    if !is_hot(frame, index) {
        return Verdict::Interpret;
    }
    record(py, frame, index)
}

/// Whether to compile a loop now.
fn is_hot(frame: &Frame<'_>, index: u16) -> bool {
    let code = frame.code;
    let threshold = settings::get().threshold;
    let turns = |l: &crate::bytecode::Loop| l.turns.load(Ordering::Relaxed);
    let l = &code.loops[usize::from(index)];
    let inner_is_hot = || {
        code.loops
            .iter()
            .any(|inner| inner.parent == Some(index) && turns(inner) >= threshold.max(OUTER_TURNS))
    };
    if turns(l) < threshold && !(turns(l) >= OUTER_TURNS && inner_is_hot()) {
        return false;
    }
    let Some(parent) = l.parent.map(|p| &code.loops[usize::from(p)]) else { return true };
    let left = entry::Inputs::range(frame, l.iter.map(usize::from))
        .map(|r| r.stop.abs_diff(r.next) / r.step.unsigned_abs());
    // The loop around is about to take this one in.
    if turns(parent) < OUTER_TURNS {
        let inside = |inner: &&crate::bytecode::Loop| inner.head > l.head && inner.end <= l.end;
        let within: u64 = code.loops.iter().filter(inside).map(|inner| u64::from(turns(inner))).sum();
        let each = 1 + within / u64::from(turns(l)).max(1);
        return left.unwrap_or(turns(l).into()).saturating_mul(each) > LONG;
    }
    // It will, as soon as its turns or those of the loops around it are enough; it is the one that is worth a compilation.
    let hopeless = || parent.state.lock().unwrap_or_else(PoisonError::into_inner).hopeless;
    left.is_none_or(|left| left > SHORT) || hopeless()
}

fn record(py: Python<'_>, frame: &mut Frame<'_>, index: u16) -> Verdict {
    let code = frame.code;
    let l = &code.loops[usize::from(index)];
    let turns = l.turns.load(Ordering::Relaxed);
    let (flow, learnt) = {
        let mut state = l.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.hopeless {
            drop(state);
            return step_aside(code, index);
        }
        if turns < state.not_before || !state.may_record() {
            return Verdict::Interpret;
        }
        state.recordings += 1;
        let flow = state.flow.get_or_insert_with(|| Arc::new(Flow::new(code))).clone();
        (flow, state.learnt.clone())
    };
    let made = LoopState::compile(py, frame, index, flow, &learnt);
    let mut state = l.state.lock().unwrap_or_else(PoisonError::into_inner);
    match made {
        Ok(version) => {
            stats::count_compiled(!std::mem::replace(&mut state.compiled, true));
            let version = Arc::new(version);
            state.versions.push(version.clone());
            drop(state);
            match version.run(py, frame) {
                Ran::NotForThis => Verdict::Interpret,
                Ran::Left(verdict) | Ran::Outdated(verdict, ..) | Ran::Useless(verdict) => verdict,
            }
        }
        Err(abort) => {
            stats::count_abort(&abort);
            log::write(Section::Abort, &format!("{} loop {index}", code.label), &abort);
            // What one kind of inputs cannot have, another may.
            if (abort.is_temporary() || !state.versions.is_empty()) && state.recordings < 6 {
                state.not_before = turns.saturating_mul(2).saturating_add(1);
                return Verdict::Interpret;
            }
            state.hopeless = true;
            drop(state);
            step_aside(code, index)
        }
    }
}

/// CPython goes on if nothing of the nest is compiled or may yet be: a hot loop that was not recorded waited for those around.
fn step_aside(code: &Code, index: u16) -> Verdict {
    let threshold = settings::get().threshold;
    let promising = |l: &crate::bytecode::Loop| {
        let state = l.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = state.recordings == 0 && l.turns.load(Ordering::Relaxed) >= threshold;
        !state.versions.is_empty() || waited && !state.hopeless
    };
    // What an inner loop cannot do, those around it cannot either.
    let mut at = Some(index);
    while let Some(i) = at {
        let l = &code.loops[usize::from(i)];
        l.state.lock().unwrap_or_else(PoisonError::into_inner).hopeless = true;
        at = l.parent;
    }
    if code.loops.iter().any(promising) { Verdict::Interpret } else { Verdict::StepAside }
}
