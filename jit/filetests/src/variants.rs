//! Every way a trace can be run, compared: pipelines of passes times back ends times places of memory.
//!
//! What the reference makes of the trace as it stands is right. All others must lead to the same outcome.

use std::fmt;
use std::sync::LazyLock;

use jit::backend::{self, Backend, Unsupported};
use jit::ir::{Trace, verify};

use crate::case::{Case, Outcome};
use crate::memory::Place;
use crate::{crash, externs, run};

/// Passes that run one after the other.
pub struct Pipeline {
    pub name: &'static str,
    pub run: fn(&mut Trace),
}

/// What a back end may be given.
pub static PIPELINES: &[Pipeline] = &[
    Pipeline { name: "as it is", run: |_| {} },
    Pipeline { name: "optimised", run: jit::opt::optimise },
    Pipeline { name: "vectors of 16 bytes", run: |tr| vectorised(tr, 16, 4) },
    Pipeline { name: "vectors of 64 bytes", run: |tr| vectorised(tr, 64, 1) },
];

fn vectorised(tr: &mut Trace, vector_bytes: usize, unroll: usize) {
    jit::opt::optimise(tr);
    jit::vec::vectorise(tr, jit::vec::Target { vector_bytes, unroll });
}

static BACKENDS: LazyLock<Vec<Box<dyn Backend>>> = LazyLock::new(backend::all);

/// The back ends of this machine, by name.
pub fn backends() -> &'static [Box<dyn Backend>] {
    &BACKENDS
}

/// A difference, and where it shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub variant: String,
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variant, self.message)
    }
}

impl std::error::Error for Failure {}

/// A back end that did not take a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declined {
    pub backend: &'static str,
    pub pipeline: &'static str,
    pub why: Unsupported,
}

fn fail<T>(variant: impl Into<String>, message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { variant: variant.into(), message: message.into() })
}

/// The outcome on the reference.
///
/// # Errors
/// The trace is malformed, calls something unknown, or breaks a promise with this case.
pub fn expected(tr: &mut Trace, case: &Case) -> Result<Outcome, Failure> {
    verify(tr).or_else(|e| fail("verifier", e.to_string()))?;
    externs::link(tr).or_else(|e| fail("linking", e))?;
    run::reference(tr, case).or_else(|e| fail("reference", e))
}

/// The outcome on one back end, of the trace as it stands, optimised for nobody. It is checked on the reference first.
///
/// # Errors
/// There is no such back end, it declines, or the trace breaks a promise.
pub fn on(tr: &mut Trace, case: &Case, name: &str) -> Result<Outcome, Failure> {
    expected(tr, case)?;
    let backend = backends().iter().find(|b| b.name() == name);
    let Some(backend) = backend else { return fail(name, "there is no such back end here") };
    let code = backend.compile(tr).or_else(|why| fail(name, format!("declined: {why}")))?;
    // SAFETY: the reference has just run this trace with this case, checked.
    unsafe { run::compiled(tr, &code, case, Place::Back) }.or_else(|e| fail(name, e))
}

/// Runs a trace with several cases in every way; gives the outcomes, and who declined.
///
/// # Errors
/// The first difference.
pub fn check(tr: &Trace, cases: &[Case]) -> Result<(Vec<Outcome>, Vec<Declined>), Failure> {
    let mut tr = tr.clone();
    let outcomes: Vec<Outcome> = cases.iter().map(|c| expected(&mut tr, c)).collect::<Result<_, _>>()?;
    let mut declined = vec![];
    for pipeline in PIPELINES {
        let mut changed = tr.clone();
        crash::describe(|| format!("pipeline {}\n{tr}", pipeline.name));
        guarded(|| (pipeline.run)(&mut changed))
            .and_then(|()| same(&changed, cases, &outcomes))
            .or_else(|e| blame(&tr, cases, &outcomes).map_or_else(|| fail(pipeline.name, e), Err))?;
        for backend in backends() {
            let mut prepared = changed.clone();
            let variant = format!("{} on {}", pipeline.name, backend.name());
            guarded(|| backend.prepare(&mut prepared))
                .and_then(|()| same(&prepared, cases, &outcomes))
                .or_else(|e| fail(format!("{variant}, prepared"), e))?;
            let traces = if prepared == changed { vec![&changed] } else { vec![&changed, &prepared] };
            for tr in traces {
                if let Err(why) = one(tr, backend.as_ref(), cases, &outcomes)
                    .or_else(|e| fail(variant.as_str(), format!("{e}\n{tr}")))?
                {
                    declined.push(Declined { backend: backend.name(), pipeline: pipeline.name, why });
                }
            }
        }
    }
    Ok((outcomes, declined))
}

/// One trace on one back end. The inner error is a refusal, the outer one a difference.
///
/// # Errors
/// The first difference from the outcomes, which are those of the reference.
pub fn one(
    tr: &Trace,
    backend: &dyn Backend,
    cases: &[Case],
    outcomes: &[Outcome],
) -> Result<Result<(), Unsupported>, String> {
    crash::describe(|| format!("{}\n{tr}", backend.name()));
    let code = match guarded(|| backend.compile(tr))? {
        Ok(code) => code,
        Err(why) => return Ok(Err(why)),
    };
    for (n, (case, expected)) in cases.iter().zip(outcomes).enumerate() {
        crash::case(n);
        // Without memory all places are one.
        let places = if case.buffers.is_empty() { &Place::ALL[..1] } else { &Place::ALL[..] };
        for &place in places {
            // SAFETY: the reference ran this very trace, or the one it was made of, with this case, checked.
            let outcome = unsafe { run::compiled(tr, &code, case, place) };
            compare(outcome, expected, case).map_err(|e| format!("{case}, memory {place:?}: {e}"))?;
        }
    }
    Ok(Ok(()))
}

/// A panic is a result too.
fn guarded<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        format!("panicked: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default())
    })
}

/// Whether a rewritten trace is well formed and leads to the same outcomes on the reference.
fn same(tr: &Trace, cases: &[Case], outcomes: &[Outcome]) -> Result<(), String> {
    verify(tr).map_err(|e| format!("{e}\n{tr}"))?;
    for (case, expected) in cases.iter().zip(outcomes) {
        compare(run::reference(tr, case), expected, case).map_err(|e| format!("{case}: {e}\n{tr}"))?;
    }
    Ok(())
}

/// The first of the standard passes that goes wrong, with what it was given.
fn blame(tr: &Trace, cases: &[Case], outcomes: &[Outcome]) -> Option<Failure> {
    let mut tr = tr.clone();
    jit::opt::standard().into_iter().find_map(|pass| {
        let before = tr.clone();
        let wrong = guarded(|| pass.run(&mut tr)).and_then(|_| same(&tr, cases, outcomes)).err()?;
        Some(Failure {
            variant: format!("pass {}", pass.name()),
            message: format!("{wrong}\n; given\n{before}"),
        })
    })
}

fn compare(outcome: Result<Outcome, String>, expected: &Outcome, case: &Case) -> Result<(), String> {
    outcome?.difference(expected, case).map_or(Ok(()), Err)
}

/// The machine code a back end makes of a trace, prepared for it, or why it makes none.
///
/// # Errors
/// There is no such back end.
pub fn listing(tr: &Trace, name: &str) -> Result<String, String> {
    let backend = backends().iter().find(|b| b.name() == name);
    let backend = backend.ok_or_else(|| format!("there is no back end {name} here"))?;
    let mut tr = tr.clone();
    backend.prepare(&mut tr);
    Ok(backend.listing(&tr).unwrap_or_else(|why| format!("declined: {why}\n")))
}
