//! How much of the thread's stack is left.
//!
//! CPython counts calls, and only calls of Python code: an object array that contains itself recurses through type slots
//! alone, where nothing counts, until the stack is used up and the process dies. Every slot of ours therefore looks at
//! the stack pointer. What is measured is the stack itself, so neither large frames, nor threads with small stacks, nor a
//! raised recursion limit change what it protects from.

use std::cell::Cell;

use pyo3::PyErr;
use pyo3::exceptions::PyRecursionError;

/// Bytes that must be left for a body to start: enough for everything that does not come back through a slot.
const RESERVE: usize = 256 << 10;

/// The lowest bytes of a thread's stack, where nothing new may start.
#[derive(Clone, Copy)]
struct Danger {
    start: usize,
    size: usize,
}

thread_local! {
    // Everything is dangerous until the thread has been asked.
    static DANGER: Cell<Danger> = const { Cell::new(Danger { start: 0, size: usize::MAX }) };
}

/// Whether too little is left to start anything. Code on a stack that is not the thread's own always goes on.
#[inline]
pub fn is_low() -> bool {
    let marker = 0u8;
    let here = (&raw const marker).addr();
    let inside = |d: Danger| here.wrapping_sub(d.start) < d.size;
    inside(DANGER.get()) && inside(measure())
}

/// What is raised then.
#[cold]
pub fn used_up() -> PyErr {
    PyRecursionError::new_err("maximum recursion depth exceeded")
}

/// Ask the thread for its stack, once.
#[cold]
fn measure() -> Danger {
    let known = DANGER.get();
    if known.size != usize::MAX {
        return known;
    }
    let mut found = Danger { start: 0, size: 0 };
    // SAFETY: the attributes are initialised by the first call and destroyed after their use.
    unsafe {
        let mut attr: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) == 0 {
            let (mut start, mut size) = (std::ptr::null_mut(), 0);
            if libc::pthread_attr_getstack(&attr, &mut start, &mut size) == 0 {
                found = Danger { start: start.addr(), size: RESERVE.min(size / 2) };
            }
            libc::pthread_attr_destroy(&mut attr);
        }
    }
    DANGER.set(found);
    found
}
