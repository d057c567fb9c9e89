//! Compiled forms of a loop, and what happened with them.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jit::backend::cranelift::Cranelift;
use jit::backend::{Backend, Code as Machine};
use jit::log::{self, Section};
use pyo3::Python;

use super::abort::Abort;
use super::clock::Tick;
use super::entry::{Held, Inputs};
use super::exit::{Leave, State, Why};
use super::flow::Flow;
use super::ops::cffi;
use super::walk::{self, Learnt, Recorded};
use super::{Verdict, resume};
use crate::bytecode::Target;
use crate::vm::Frame;

/// Compiled forms for different kinds of inputs.
const VERSIONS: usize = 4;
/// Times a loop is recorded, in all.
const RECORDINGS: u32 = 12;
/// Times a guard must fail until the loop is recorded anew.
const HOT_EXIT: u32 = 4;
/// A run that is shorter and leaves by a guard was not worth it; so many of them in a row are enough.
const FUTILE: Duration = Duration::from_micros(2);
const MAX_FUTILE: u32 = 200;
/// How long compiled code may run without a look at signals.
const SLICE: Duration = Duration::from_millis(5);
/// Turns that may be tried in one go. A loop that is computed in closed form takes no time for any number of them, until a
/// number leaves its range and every turn is taken after all.
const MAX_TURNS: f64 = 32e6;

/// What is known about one loop: its compiled forms, or why it has none.
#[derive(Default)]
pub struct LoopState {
    pub versions: Vec<Arc<Version>>,
    pub recordings: u32,
    /// Turns before which nothing is tried again.
    pub not_before: u32,
    pub hopeless: bool,
    /// There has been a compiled form.
    pub compiled: bool,
    pub learnt: Learnt,
    pub flow: Option<Arc<Flow>>,
}

impl fmt::Debug for LoopState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} versions, hopeless: {}", self.versions.len(), self.hopeless)
    }
}

/// A compiled form.
pub struct Version {
    machine: Machine,
    /// Of each snapshot of the code, which leave it is.
    keys: Vec<u64>,
    inputs: Inputs,
    states: Vec<State>,
    leaves: Vec<Leave>,
    failed: Vec<AtomicU32>,
    /// Runs in a row that were over at once.
    futile: AtomicU32,
    slots: usize,
    stores: bool,
    /// Turns of the outermost loop in one go.
    chunk: AtomicI64,
    flow: Arc<Flow>,
}

// SAFETY: the objects in here (behind raw pointers, too) are touched only by the thread that holds the GIL.
unsafe impl Send for Version {}
// SAFETY: as above.
unsafe impl Sync for Version {}

fn backend() -> Option<&'static Cranelift> {
    static BACKEND: OnceLock<Option<Cranelift>> = OnceLock::new();
    BACKEND.get_or_init(Cranelift::host).as_ref()
}

impl LoopState {
    /// Records and compiles the loop for what the frame holds.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn compile(
        py: Python<'_>,
        frame: &Frame<'_>,
        index: u16,
        flow: Arc<Flow>,
        learnt: &Learnt,
    ) -> Result<Version, Abort> {
        let start = Instant::now();
        let recorded = walk::record(py, frame, &flow, index, learnt)?;
        let walked = start.elapsed();
        let Recorded { mut trace, entry, states, leaves, stores } = recorded;
        let declined = |why: String| Abort::Compiler(why);
        if cfg!(debug_assertions) || super::checks() {
            jit::ir::verify(&trace).map_err(|e| declined(format!("{e}\n{trace}")))?;
        }
        jit::opt::optimise(&mut trace);
        let backend = backend().ok_or_else(|| declined("no back end for this machine".into()))?;
        backend.prepare(&mut trace);
        let optimised = start.elapsed() - walked;
        let machine = backend.compile(&trace).map_err(|e| declined(e.to_string()))?;
        let compiled = start.elapsed() - walked - optimised;
        log::write(
            Section::Trace,
            &trace.name,
            &format_args!(
                "recorded in {walked:?}, optimised in {optimised:?}, compiled in {compiled:?}: {} bytes",
                machine.bytes().len()
            ),
        );
        Ok(Version {
            machine,
            keys: trace.snapshots.iter().map(|s| s.key).collect(),
            failed: leaves.iter().map(|_| AtomicU32::new(0)).collect(),
            futile: AtomicU32::new(0),
            slots: trace.slots(),
            inputs: entry,
            states,
            leaves,
            stores,
            chunk: AtomicI64::new(1 << 10),
            flow,
        })
    }
    /// Whether a version may go for a better one.
    pub fn may_learn(&self) -> bool {
        self.recordings + 2 < RECORDINGS
    }
    pub fn may_record(&self) -> bool {
        self.recordings < RECORDINGS && self.versions.len() < VERSIONS
    }
}

/// What came of trying a compiled form.
pub enum Ran {
    /// The frame holds something else than it was made for.
    NotForThis,
    Left(Verdict),
    /// As above, and it should be made anew: it was left by a guard that fails often.
    Outdated(Verdict, Why, Target),
    /// As above, and it is good for nothing: it leaves before it has done anything.
    Useless(Verdict),
}

impl Version {
    /// Enters it if the frame fits.
    pub fn run(&self, py: Python<'_>, frame: &mut Frame<'_>) -> Ran {
        let mut small = [0u64; 64];
        let mut large = vec![];
        let slots: &mut [u64] = if self.slots <= small.len() {
            &mut small
        } else {
            large.resize(self.slots, 0);
            &mut large
        };
        let mut held: Held = vec![];
        let vars = self.flow.vars;
        if !self.inputs.fill(py, frame, vars, self.stores, slots, &mut held) {
            return Ran::NotForThis;
        }
        let chunk = self.chunk.load(Ordering::Relaxed);
        if let Some(limit) = self.inputs.limit {
            limit.set(slots, chunk);
        }
        if self.inputs.keeps_errno {
            cffi::fetch_errno(py);
        }
        let start = Tick::now();
        // SAFETY: there are as many slots as the trace wants; its inputs have the kinds it was made for, its arrays are alive
        // (`held`), and it indexes within their bounds.
        let snap = unsafe { self.machine.call(slots.as_mut_ptr()) };
        if self.inputs.keeps_errno {
            cffi::give_errno_back(py);
        }
        let key = self.keys[snap.index()] as usize;
        let leave = &self.leaves[key];
        let state = &self.states[leave.state];
        // SAFETY: these slots are what the run left for this state; what its arrays refer to is held.
        unsafe { resume::restore(py, frame, vars, state, slots) };
        drop(held);
        super::stats::count_exit(leave.why);
        match leave.why {
            Why::Done => Ran::Left(Verdict::Resumed(state.pc)),
            Why::Safepoint => {
                let taken = start.elapsed();
                let ratio = SLICE.as_secs_f64() / taken.as_secs_f64().max(1e-7);
                let next = chunk as f64 * ratio.clamp(0.25, 16.0);
                self.chunk.store(next.clamp(1.0, MAX_TURNS) as i64, Ordering::Relaxed);
                Ran::Left(Verdict::Safepoint(state.pc))
            }
            why => {
                if let Some((pc, jumped)) = leave.branch {
                    frame.code.profile[pc as usize].count(jumped);
                }
                let times = self.failed[key].fetch_add(1, Ordering::Relaxed) + 1;
                let verdict = Verdict::Resumed(state.pc);
                if times == 1 || times.is_power_of_two() {
                    log::write(
                        Section::Exit,
                        &frame.code.label,
                        &format_args!("{why:?} at {}, on from {}, {times} times", leave.at, state.pc),
                    );
                }
                let learns = matches!(why, Why::Branch | Why::Bounds | Why::NotFinite);
                if learns && times == HOT_EXIT {
                    return Ran::Outdated(verdict, why, leave.at);
                }
                let futile =
                    if start.elapsed() < FUTILE { self.futile.load(Ordering::Relaxed) + 1 } else { 0 };
                self.futile.store(futile, Ordering::Relaxed);
                if futile > MAX_FUTILE { Ran::Useless(verdict) } else { Ran::Left(verdict) }
            }
        }
    }
}
