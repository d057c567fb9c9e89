//! How many threads large operations may use, and those threads.

mod crew;

pub use crew::for_each;

use std::sync::atomic::{AtomicUsize, Ordering};

/// 0: not set.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Use this many threads at most, from now on.
pub fn set_num_threads(n: usize) {
    LIMIT.store(n.max(1), Ordering::Relaxed);
}

/// How many threads are used for large arrays: what was set, else `MICRONUMPY_NUM_THREADS`, else `OMP_NUM_THREADS`, else the
/// processors this process may run on.
pub fn num_threads() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => {
            let n = from_environment();
            LIMIT.store(n, Ordering::Relaxed);
            n
        }
        n => n,
    }
}

fn from_environment() -> usize {
    let number = |name| std::env::var(name).ok()?.trim().parse().ok().filter(|&n: &usize| n > 0);
    number("MICRONUMPY_NUM_THREADS")
        .or_else(|| number("OMP_NUM_THREADS"))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into))
}
