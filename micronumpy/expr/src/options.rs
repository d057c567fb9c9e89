//! How to evaluate; the result never depends on it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use micronumpy::threads::Team;

/// Which way to run groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tier {
    /// Registered loops at first, compiled kernels where they pay.
    #[default]
    Auto,
    /// Registered loops only.
    Blocks,
    /// Compiled kernels from the first time on.
    Compiled,
    /// A loop nest and an array for every call, as numpy does it: to compare with.
    Unfused,
}

/// Choices of an evaluation.
#[derive(Clone, Debug)]
pub struct Options {
    pub tier: Tier,
    /// Who works on it, also if it is small; `None`: what is worth it, up to
    /// [`num_threads`](crate::threads::num_threads).
    pub team: Option<Team>,
    /// The only back end to compile with.
    pub backend: Option<&'static str>,
    /// Set from elsewhere while it runs, makes it give up at the next tile. Outputs are then half written.
    pub stop: Option<Arc<AtomicBool>>,
    /// Elements numpy would cast at a time on their way into a fold (`np.setbufsize`).
    pub bufsize: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { tier: Tier::Auto, team: None, backend: None, stop: None, bufsize: 8192 }
    }
}
