//! What the recorder did so far in this process, in numbers: for tests, for the log, and for `micronumpy.jit_stats()`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::abort::Abort;
use super::exit::Why;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Loops that have been compiled at least once.
    pub loops: u64,
    /// Compiled forms of them.
    pub compiled: u64,
    pub aborted: u64,
    /// Runs of compiled code.
    pub entries: u64,
    /// Of these, those that left by a guard.
    pub exits: u64,
}

/// Kinds of exits.
const WHYS: [Why; 10] = [
    Why::Done,
    Why::Safepoint,
    Why::Overflow,
    Why::NotFinite,
    Why::ByZero,
    Why::Bounds,
    Why::Kind,
    Why::Branch,
    Why::Vm,
    Why::Domain,
];

#[derive(Default)]
struct Counters {
    loops: AtomicU64,
    compiled: AtomicU64,
    aborted: AtomicU64,
    /// By kind.
    exits: [AtomicU64; WHYS.len()],
}

static COUNTERS: Counters = Counters {
    loops: AtomicU64::new(0),
    compiled: AtomicU64::new(0),
    aborted: AtomicU64::new(0),
    exits: [const { AtomicU64::new(0) }; WHYS.len()],
};
/// Aborts by their line of text.
static ABORTS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

pub fn count_compiled(first: bool) {
    COUNTERS.compiled.fetch_add(1, Ordering::Relaxed);
    COUNTERS.loops.fetch_add(first.into(), Ordering::Relaxed);
}

pub fn count_abort(abort: &Abort) {
    COUNTERS.aborted.fetch_add(1, Ordering::Relaxed);
    let mut aborts = ABORTS.lock().unwrap_or_else(PoisonError::into_inner);
    *aborts.entry(abort.to_string()).or_default() += 1;
}

/// Only the thread that holds the GIL counts.
#[inline]
pub fn count_exit(why: Why) {
    let counter = &COUNTERS.exits[why as usize];
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// What happened so far.
pub fn stats() -> Stats {
    let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
    let left = |why: &Why| get(&COUNTERS.exits[*why as usize]);
    let guards = |why: &&Why| !matches!(why, Why::Done | Why::Safepoint);
    Stats {
        loops: get(&COUNTERS.loops),
        compiled: get(&COUNTERS.compiled),
        aborted: get(&COUNTERS.aborted),
        entries: WHYS.iter().map(left).sum(),
        exits: WHYS.iter().filter(guards).map(left).sum(),
    }
}

/// The counters of the compiler in this process, as a dict: `loops` compiled and their `versions`, `entries` into compiled
/// code, `exits` from it by the kind of guard (`Done` and `Safepoint` are none), `aborts` of recordings by reason.
#[pyfunction]
pub fn jit_stats(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let now = stats();
    let result = PyDict::new(py);
    result.set_item("loops", now.loops)?;
    result.set_item("versions", now.compiled)?;
    result.set_item("entries", now.entries)?;
    let exits = PyDict::new(py);
    for why in WHYS {
        let count = COUNTERS.exits[why as usize].load(Ordering::Relaxed);
        if count > 0 {
            exits.set_item(format!("{why:?}"), count)?;
        }
    }
    result.set_item("exits", exits)?;
    let aborts = ABORTS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    result.set_item("aborts", aborts)?;
    Ok(result)
}
