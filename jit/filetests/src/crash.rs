//! Says what was running when compiled code crashes the process.
//!
//! A wrong back end may touch memory it must not, or jump anywhere. The signal then ends the process, as it should; a
//! handler tells first which trace it was.

use std::cell::{Cell, RefCell};
use std::sync::Once;

thread_local! {
    static NOW: RefCell<String> = const { RefCell::new(String::new()) };
    static CASE: Cell<u8> = const { Cell::new(0) };
}

const SIGNALS: [libc::c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP];

/// Remembers which of the cases it does it with, counted from 0 and modulo ten.
pub fn case(n: usize) {
    CASE.set((n % 10) as u8);
}

/// Remembers what this thread does from now on.
pub fn describe(what: impl FnOnce() -> String) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        for signal in SIGNALS {
            // SAFETY: the handler only writes to standard error and raises the signal anew.
            unsafe { libc::signal(signal, report as *const () as libc::sighandler_t) };
        }
    });
    NOW.set(what());
}

extern "C" fn report(signal: libc::c_int) {
    NOW.with(|now| {
        if let Ok(now) = now.try_borrow() {
            let digit = [b'0' + CASE.get()];
            let digit = str::from_utf8(&digit).unwrap_or("?");
            for part in ["\ncrashed by a signal in case ", digit, " of ", now.as_str(), "\n"] {
                // SAFETY: the bytes of a live string; `write` may be called in a handler.
                unsafe { libc::write(2, part.as_ptr().cast(), part.len()) };
            }
        }
    });
    // SAFETY: back to the default, under which the signal ends the process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Runs something in a process of its own, so that a crash is a result.
///
/// # Errors
/// What the closure says, or how the process ended.
///
/// # Safety
/// This process has one thread.
pub unsafe fn isolated(f: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let mut ends = [0; 2];
    // SAFETY: an array for two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0, "no pipe");
    // SAFETY: with one thread the child may do anything the parent may.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "no process");
    if child == 0 {
        for signal in SIGNALS {
            // SAFETY: the parent reports, so the default serves.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        let message = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f))
            .unwrap_or_else(|_| Err("panicked".into()))
            .err()
            .unwrap_or_default();
        // SAFETY: the bytes of a live string. `_exit` runs nothing of the parent's.
        unsafe {
            libc::write(ends[1], message.as_ptr().cast(), message.len().min(4096));
            libc::_exit(0);
        }
    }
    let (mut status, mut buffer) = (0, [0u8; 4096]);
    // SAFETY: own descriptors, own child, a buffer of the length given.
    let read = unsafe {
        libc::close(ends[1]);
        let read = libc::read(ends[0], buffer.as_mut_ptr().cast(), buffer.len());
        libc::close(ends[0]);
        libc::waitpid(child, &mut status, 0);
        read.max(0) as usize
    };
    if libc::WIFSIGNALED(status) {
        return Err(format!("crashed by signal {}", libc::WTERMSIG(status)));
    }
    match String::from_utf8_lossy(&buffer[..read]).into_owned() {
        message if message.is_empty() => Ok(()),
        message => Err(message),
    }
}
