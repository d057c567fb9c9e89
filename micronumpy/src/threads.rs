//! Threads: a pool of our own, as large as the processors this process may use.
//!
//! Which thread computes an element never decides its bits: elementwise work is cut anywhere, folds only where their order
//! of operations has a joint. Small work stays on the caller's thread; waking the others costs more than it.

use std::sync::{Arc, Mutex};

use micronumpy::Result;
use rayon::ThreadPool;
use rayon::prelude::*;
pub use ufuncs::threads::{num_threads, set_num_threads};

/// Elements times the cost of one (a plain operation: 1) below which one thread is as fast as several: waking them takes as
/// long as about a hundred thousand plain operations.
const WORTHWHILE: usize = 500_000;
/// Elements one thread takes at a time, at least.
const GRAIN: usize = 16_384;

/// How many threads work on something, and how much of it one takes at a time at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Team {
    pub threads: usize,
    /// Elements.
    pub grain: usize,
}

impl Team {
    pub const ALONE: Team = Team { threads: 1, grain: GRAIN };
}

/// The threads this much work is worth.
pub(crate) fn worthwhile(elements: usize, cost: usize) -> Team {
    if elements.saturating_mul(cost) < WORTHWHILE {
        Team::ALONE
    } else {
        Team { threads: num_threads(), grain: GRAIN }
    }
}

/// The pool, made when it is first needed, for the number of threads that is wanted then.
///
/// A forked child has none of its parent's threads: it makes a pool of its own and leaves the inherited one alone.
fn pool(threads: usize) -> Option<Arc<ThreadPool>> {
    static POOL: Mutex<Option<(u32, usize, Arc<ThreadPool>)>> = Mutex::new(None);
    // Held for a moment only; a child forked in that moment does without.
    let mut slot = POOL.try_lock().ok()?;
    let me = std::process::id();
    if let Some((pid, size, pool)) = &*slot
        && *pid == me
        && *size == threads
    {
        return Some(pool.clone());
    }
    let made = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("micronumpy-{i}"))
        .build()
        .ok()?;
    let made = Arc::new(made);
    if let Some((pid, _, old)) = slot.replace((me, threads, made.clone()))
        && pid != me
    {
        std::mem::forget(old);
    }
    Some(made)
}

/// Run `f` where `threads` threads are at its service (for [`rayon::join`]).
pub(crate) fn install<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    match pool(threads) {
        Some(p) if threads > 1 => p.install(f),
        _ => f(),
    }
}

/// Calls `f(from, to)` for parts of `0..total`, whose starts are multiples of `unit`.
///
/// # Errors
/// One of the errors of `f`.
pub(crate) fn for_parts(
    total: usize,
    unit: usize,
    elements: usize,
    team: Team,
    f: impl Fn(usize, usize) -> Result<()> + Sync,
) -> Result<()> {
    if team.threads <= 1 || total <= unit {
        return f(0, total);
    }
    // A few parts per thread even out what other processes take away.
    let most = (elements / team.grain.max(1)).clamp(1, 4 * team.threads);
    let size = total.div_ceil(most).next_multiple_of(unit);
    let parts = total.div_ceil(size);
    let part = |i: usize| f(i * size, ((i + 1) * size).min(total));
    if parts == 1 {
        return part(0);
    }
    match pool(team.threads) {
        Some(p) => p.install(|| (0..parts).into_par_iter().with_max_len(1).try_for_each(part)),
        None => (0..parts).try_for_each(part),
    }
}
