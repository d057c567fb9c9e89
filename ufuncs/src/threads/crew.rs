//! Threads that wait for parts of a piece of work.
//!
//! The caller of [`for_each`] works, too: it posts the work, takes parts like everybody else, and takes all of them if nobody comes.
//! Those who are done look for more for a moment before they sleep, so that products in a row find them awake, which a new thread
//! or a sleeping one would take longer for than many products do.
//!
//! There is one piece of work at a time; who finds another one posted does its own alone. A forked child has none of its
//! parent's threads: it gets a crew of its own, and the inherited one is left alone.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::fpstatus;

/// How long threads look for more before they sleep.
const AWAKE: Duration = Duration::from_micros(200);
/// How often they look before they let others have the processor.
const LOOKS: usize = 64;

/// What the threads of a piece of work share.
struct Work<'a> {
    part: &'a (dyn Fn(usize) + Sync),
    parts: usize,
    next: AtomicUsize,
    /// The floating-point status of all parts.
    status: AtomicU32,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Work<'_> {
    /// Do parts until there are none left.
    fn run(&self) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= self.parts {
                return;
            }
            fpstatus::clear();
            let done = catch_unwind(AssertUnwindSafe(|| (self.part)(i)));
            self.status.fetch_or(fpstatus::take(), Ordering::Relaxed);
            if let Err(panic) = done {
                self.next.store(self.parts, Ordering::Relaxed);
                locked(&self.panic).get_or_insert(panic);
            }
        }
    }
}

/// The posted work, as those who do it see it.
#[derive(Clone, Copy)]
struct Posted(*const Work<'static>);

// SAFETY: `Work` may be shared, and who posts it keeps it until nobody looks at it any more.
unsafe impl Send for Posted {}

#[derive(Default)]
struct State {
    posted: Option<Posted>,
    /// How many may still begin with it.
    wanted: usize,
    members: usize,
    asleep: usize,
}

struct Crew {
    process: u32,
    /// Whether somebody has work posted.
    taken: AtomicBool,
    state: Mutex<State>,
    wake: Condvar,
    /// Counts what was posted, to be looked at without the lock.
    turn: AtomicU32,
    /// How many are at the posted work.
    busy: AtomicUsize,
    /// Signalled by the last of them.
    done: Condvar,
}

/// Nobody panics while holding one of the locks.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crew {
    /// That of this process, made when it is first needed.
    fn of_process() -> &'static Crew {
        static CREW: AtomicPtr<Crew> = AtomicPtr::new(null_mut());
        let process = std::process::id();
        loop {
            let known = CREW.load(Ordering::Acquire);
            // SAFETY: a crew is never freed: threads wait for it as long as their process lives.
            if let Some(crew) = unsafe { known.as_ref() }
                && crew.process == process
            {
                return crew;
            }
            let made = Box::into_raw(Box::new(Crew {
                process,
                taken: AtomicBool::new(false),
                state: Mutex::default(),
                wake: Condvar::new(),
                turn: AtomicU32::new(0),
                busy: AtomicUsize::new(0),
                done: Condvar::new(),
            }));
            if CREW.compare_exchange(known, made, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
            }
        }
    }

    /// What a thread does all its life.
    fn member(&self) {
        let mut seen = 0;
        loop {
            self.wait(seen);
            let mut state = locked(&self.state);
            seen = self.turn.load(Ordering::Relaxed);
            if state.wanted == 0 {
                continue;
            }
            let Some(Posted(work)) = state.posted else { continue };
            state.wanted -= 1;
            self.busy.fetch_add(1, Ordering::Relaxed);
            drop(state);
            // SAFETY: who posted it waits until nobody is busy.
            unsafe { (*work).run() };
            if self.busy.fetch_sub(1, Ordering::Release) == 1 {
                // Taken so that the signal does not fall between the other's look and its sleep.
                drop(locked(&self.state));
                self.done.notify_all();
            }
        }
    }

    /// Return when something was posted after turn `seen`: soon, if it is soon posted.
    fn wait(&self, seen: u32) {
        if looked(|| self.turn.load(Ordering::Relaxed) != seen) {
            return;
        }
        let mut state = locked(&self.state);
        state.asleep += 1;
        while self.turn.load(Ordering::Relaxed) == seen {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asleep -= 1;
    }

    fn post(&'static self, work: &Work<'_>, others: usize) {
        let mut state = locked(&self.state);
        while state.members < others {
            let named = std::thread::Builder::new().name(format!("micronumpy-{}", state.members));
            if named.spawn(move || self.member()).is_err() {
                break; // no more threads are to be had
            }
            state.members += 1;
        }
        state.posted = Some(Posted((&raw const *work).cast()));
        state.wanted = others;
        self.turn.fetch_add(1, Ordering::Relaxed);
        let asleep = state.asleep > 0;
        drop(state);
        if asleep {
            self.wake.notify_all();
        }
    }

    /// Let nobody begin any more, and wait for those who have.
    fn close(&self) {
        let mut state = locked(&self.state);
        state.posted = None;
        state.wanted = 0;
        drop(state);
        let idle = || self.busy.load(Ordering::Acquire) == 0;
        if !looked(idle) {
            let mut state = locked(&self.state);
            while !idle() {
                state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// Whether something comes true within [`AWAKE`].
fn looked(is_so: impl Fn() -> bool) -> bool {
    let mut until = None;
    loop {
        for _ in 0..LOOKS {
            if is_so() {
                return true;
            }
            std::hint::spin_loop();
        }
        let now = Instant::now();
        if now > *until.get_or_insert(now + AWAKE) {
            return false;
        }
        std::thread::yield_now();
    }
}

/// Call `part(i)` for every `i` below `parts`, on as many threads, if so many are allowed and can be had. The floating-point status
/// is that of all parts, on top of what it was.
///
/// # Panics
/// If a part does; the others are done or not begun then.
pub fn for_each(parts: usize, part: impl Fn(usize) + Sync) {
    let others = super::num_threads().min(parts).saturating_sub(1);
    if others == 0 {
        return (0..parts).for_each(part);
    }
    let crew = Crew::of_process();
    if crew.taken.swap(true, Ordering::Acquire) {
        return (0..parts).for_each(part);
    }
    let before = fpstatus::take();
    let work = Work {
        part: &part,
        parts,
        next: AtomicUsize::new(0),
        status: AtomicU32::new(before),
        panic: Mutex::new(None),
    };
    crew.post(&work, others);
    work.run();
    crew.close();
    crew.taken.store(false, Ordering::Release);
    match work.status.into_inner() {
        0 => {}
        raised => fpstatus::raise(raised),
    }
    if let Some(panic) = work.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_once_with_its_status() {
        super::super::set_num_threads(3);
        for parts in [1, 2, 3, 17] {
            for nap in [0, 300] {
                let seen: Vec<AtomicU32> = (0..parts).map(|_| AtomicU32::new(0)).collect();
                fpstatus::clear();
                for_each(parts, |i| {
                    std::thread::sleep(Duration::from_micros(nap));
                    seen[i].fetch_add(1, Ordering::Relaxed);
                    if i + 1 == parts {
                        fpstatus::raise(fpstatus::OVERFLOW);
                    }
                });
                assert!(seen.iter().all(|n| n.load(Ordering::Relaxed) == 1));
                assert_eq!(fpstatus::take(), fpstatus::OVERFLOW);
            }
        }
    }

    /// From parts of work, and from many threads at once.
    #[test]
    fn work_within_work_is_done() {
        super::super::set_num_threads(3);
        let count = AtomicUsize::new(0);
        let twice = || {
            for_each(4, |_| {
                for_each(4, |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            });
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| twice()));
            }
        });
        assert_eq!(count.into_inner(), 4 * 100 * 16);
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        super::super::set_num_threads(3);
        for _ in 0..10 {
            let caught = catch_unwind(|| {
                for_each(8, |i| {
                    if i == 3 {
                        resume_unwind(Box::new("third"));
                    }
                });
            });
            assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"third"));
        }
        for_each(2, |_| {});
    }
}
