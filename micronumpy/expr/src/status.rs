//! Floating-point status of an evaluation, told apart by the call that raised it.
//!
//! Unfused numpy reads the processor's status after every call. A fused loop raises everything at once, so workers read it
//! after every step of a tile, and note whose it is.

use std::sync::atomic::{AtomicU32, Ordering};

use smallvec::SmallVec;

/// What the calls of an evaluation raised, in program order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Name of the ufunc (`"reduce"` for folds, `"cast"` for casts of their own) and bits of [`ufuncs::fpstatus`].
    pub raised: Vec<(&'static str, u32)>,
    /// Of each of them, which call it is: an index into [`Function::calls`](crate::Function::calls).
    pub calls: Vec<usize>,
}

impl Status {
    pub fn is_clear(&self) -> bool {
        self.raised.is_empty()
    }
}

/// The same while workers collect it.
pub(crate) struct Collected(SmallVec<[AtomicU32; 16]>);

impl Collected {
    pub fn new(reports: usize) -> Collected {
        Collected((0..reports).map(|_| AtomicU32::new(0)).collect())
    }
    #[cold]
    pub fn note(&self, report: usize, flags: u32) {
        self.0[report].fetch_or(flags, Ordering::Relaxed);
    }
    pub fn finish(&self, names: &[&'static str]) -> Status {
        let flags = |i: usize| self.0[i].load(Ordering::Relaxed);
        let calls: Vec<usize> = (0..names.len()).filter(|&i| flags(i) != 0).collect();
        Status { raised: calls.iter().map(|&i| (names[i], flags(i))).collect(), calls }
    }
}
