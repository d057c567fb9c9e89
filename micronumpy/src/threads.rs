//! Threads that share long work: those of [`ufuncs::threads`] take parts that are known from the start, a pool of `rayon`'s
//! what divides as it goes.
//!
//! Which thread computes an element never decides its bits: elementwise work is cut anywhere, folds only where their order
//! of operations has a joint. Small work stays on the caller's thread; waking the others costs more than it. How much work
//! something is the caller knows ([`worthwhile`]), or a first part of it shows ([`split`]).

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use ufuncs::threads::for_each;
pub use ufuncs::threads::{num_threads, set_num_threads};

use crate::error::Result;

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
pub fn worthwhile(elements: usize, cost: usize) -> Team {
    if elements.saturating_mul(cost) < WORTHWHILE {
        Team::ALONE
    } else {
        Team { threads: num_threads(), grain: GRAIN }
    }
}

/// Elements from which on [`split`] looks how long they take. Fewer are computed in one part.
pub const LONG: usize = 100_000;
/// Elements of the part that shows it.
const TRIAL: usize = 32_768;
/// What the rest has to take to be worth waking the others, and what a part of it takes at least.
const WORTH_WAKING: Duration = Duration::from_micros(150);
const PART: Duration = Duration::from_micros(40);

/// Something that the threads of one piece of work share.
pub struct Shared<T>(T);

// SAFETY: see `Shared::new`.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// # Safety
    /// Parts of the work may use the value at once: they read what nobody writes, and write to different places.
    pub unsafe fn new(value: T) -> Shared<T> {
        Shared(value)
    }
    #[inline]
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Calls `f(from, to)` for parts of `0..total`, at once where the first one shows that the others take long enough. `per` is how
/// many elements each of the `total` stands for. The floating-point status is that of all parts.
///
/// # Errors
/// One of the errors of `f`.
pub fn split(total: usize, per: usize, f: impl Fn(usize, usize) -> Result<()> + Sync) -> Result<()> {
    let elements = total.saturating_mul(per);
    if elements < LONG {
        return f(0, total);
    }
    let threads = num_threads();
    // Parts of a row start at a cache line.
    let unit = if per == 1 { 64 } else { 1 };
    let trial = TRIAL.div_ceil(per).next_multiple_of(unit);
    if threads == 1 || trial >= total {
        return f(0, total);
    }
    let begin = Instant::now();
    f(0, trial)?;
    let took = begin.elapsed();
    let rest = total - trial;
    let expected = took.as_secs_f64() * (rest as f64 / trial as f64);
    if expected < WORTH_WAKING.as_secs_f64() {
        return f(trial, total);
    }
    let parts = (expected / PART.as_secs_f64()) as usize;
    let team = Team { threads, grain: (rest * per).div_ceil(parts) };
    for_parts(rest, unit, rest * per, team, |from, to| f(trial + from, trial + to))
}

/// The pool of [`install`], made when it is first needed, for the number of threads that is wanted then.
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
pub fn install<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    match pool(threads) {
        Some(p) if threads > 1 => p.install(f),
        _ => f(),
    }
}

/// Calls `f(from, to)` for parts of `0..total`, whose starts are multiples of `unit`.
///
/// # Errors
/// One of the errors of `f`.
pub fn for_parts(
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
    let failed = OnceLock::new();
    for_each(parts, |i| {
        if failed.get().is_none()
            && let Err(error) = part(i)
        {
            // One of several errors is as good as another.
            let _ = failed.set(error);
        }
    });
    failed.into_inner().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use ufuncs::fpstatus;

    use super::*;

    /// Every element once, whatever the parts; the status of all of them; an error of any.
    #[test]
    fn parts_make_the_whole() {
        set_num_threads(3);
        for (total, per) in [(10, 1), (99_999, 1), (150_001, 1), (3, 100_000), (500, 7_000)] {
            let seen: Vec<AtomicU32> = (0..total).map(|_| AtomicU32::new(0)).collect();
            fpstatus::clear();
            let done = split(total, per, |from, to| {
                // Slow enough for several threads.
                std::thread::sleep(Duration::from_micros((to - from) as u64 * per as u64 / 100));
                seen[from..to].iter().for_each(|s| {
                    s.fetch_add(1, Ordering::Relaxed);
                });
                if from > 0 {
                    fpstatus::raise(fpstatus::OVERFLOW);
                }
                Ok(())
            });
            assert!(done.is_ok());
            assert!(seen.iter().all(|s| s.load(Ordering::Relaxed) == 1), "{total} of {per}");
            let several = total * per >= LONG && TRIAL.div_ceil(per) < total;
            assert_eq!(fpstatus::take(), if several { fpstatus::OVERFLOW } else { 0 });
        }
        let done = split(1_000_000, 1, |from, _| {
            std::thread::sleep(Duration::from_millis(1));
            if from > 500_000 { Err(crate::Error::value("late")) } else { Ok(()) }
        });
        assert!(done.is_err());
    }
}
