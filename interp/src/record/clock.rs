//! How long compiled code ran, measured by the processor's counter: asking the system takes as long as entering a short loop.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A point in time.
#[derive(Clone, Copy)]
pub struct Tick(u64);

impl Tick {
    #[inline]
    pub fn now() -> Tick {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: all processors that we run on have the counter.
        return Tick(unsafe { std::arch::x86_64::_rdtsc() });
        #[cfg(not(target_arch = "x86_64"))]
        Tick(beginning().1.elapsed().as_nanos() as u64)
    }

    /// How long ago that was, roughly: the rate of the counter is what it was since the process began to ask.
    #[inline]
    pub fn elapsed(self) -> Duration {
        let ticks = Tick::now().0.saturating_sub(self.0);
        let per_tick = rate();
        Duration::from_nanos((ticks as f64 * per_tick) as u64)
    }
}

fn beginning() -> &'static (Tick, Instant) {
    static BEGINNING: OnceLock<(Tick, Instant)> = OnceLock::new();
    #[cfg(target_arch = "x86_64")]
    return BEGINNING.get_or_init(|| (Tick::now(), Instant::now()));
    #[cfg(not(target_arch = "x86_64"))]
    BEGINNING.get_or_init(|| (Tick(0), Instant::now()))
}

/// Nanoseconds per tick. The first to ask waits a little, so that the quotient means something.
#[inline]
fn rate() -> f64 {
    static RATE: OnceLock<f64> = OnceLock::new();
    *RATE.get_or_init(|| {
        let (tick, instant) = beginning();
        let mut passed = instant.elapsed();
        while passed < Duration::from_micros(50) {
            passed = instant.elapsed();
        }
        let ticks = Tick::now().0.saturating_sub(tick.0).max(1);
        passed.as_nanos() as f64 / ticks as f64
    })
}
