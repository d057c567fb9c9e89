//! Work on the columns of a matrix, each of which can be done without the others, on several threads where that pays.
//!
//! Updates and solves of large matrices are most of the work of LU and QR.

use std::sync::{Mutex, PoisonError};

use faer::MatMut;

use super::scalar::Scalar;
use crate::threads;

/// Fewer multiplications of reals than this do not pay for a thread.
const THREAD_MIN: usize = 1 << 20;
/// A thread's columns are a multiple of this, so that all but the last have whole tiles.
const GRAIN: usize = 16;

/// Do both, at once if there are `threads` for that.
pub fn both<A: Send, B: Send>(
    threads: usize,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B,
) -> (A, B) {
    if threads <= 1 {
        return (first(), second());
    }
    let slot = Mutex::new(Some(first));
    let take = || slot.lock().unwrap_or_else(PoisonError::into_inner).take().map(|first| first());
    let (a, b) = std::thread::scope(|scope| {
        let other = std::thread::Builder::new().spawn_scoped(scope, take);
        let b = second();
        let a = match other {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // No more threads are to be had.
            Err(_) => take(),
        };
        (a, b)
    });
    (a.expect("done once"), b)
}

/// Do `work`, which takes so many multiplications altogether, with all columns, in one call or in several at once.
pub fn for_columns<T: Scalar>(
    mut columns: MatMut<'_, T>,
    multiplications: usize,
    work: impl Fn(MatMut<'_, T>) + Sync,
) {
    let total = columns.ncols();
    // A multiplication of complex numbers is four.
    let multiplications = if T::REAL { multiplications } else { multiplications.saturating_mul(4) };
    let parts = threads::num_threads().min(multiplications / THREAD_MIN).min(total / GRAIN);
    if parts <= 1 {
        return work(columns);
    }
    let size = total.div_ceil(parts).next_multiple_of(GRAIN);
    let mut slots = vec![];
    let mut rest = columns.as_mut();
    while rest.ncols() > 0 {
        let (part, behind) = rest.split_at_col_mut(size.min(total - slots.len() * size));
        rest = behind;
        slots.push(Mutex::new(Some(part)));
    }
    threads::for_each(slots.len(), |i| {
        if let Some(part) = slots[i].lock().unwrap_or_else(PoisonError::into_inner).take() {
            work(part);
        }
    });
}
