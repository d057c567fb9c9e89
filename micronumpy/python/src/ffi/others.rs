//! Letting other threads run Python while this one computes elements.

use std::time::Duration;

use pyo3::ffi;

/// Elements from which on other threads run meanwhile. To let them costs a few microseconds when there are some, and one that is
/// busy may keep the interpreter for milliseconds.
pub const LONG: usize = 100_000;

/// While this lives, other threads have the interpreter, and nothing of Python may be touched. As with numpy's own loops, they
/// may write what is being read.
pub struct Others(*mut ffi::PyThreadState);

impl Others {
    /// The caller is attached, as whoever has a `Python` token is.
    pub fn run() -> Others {
        // SAFETY: attached.
        Others(unsafe { ffi::PyEval_SaveThread() })
    }

    /// Where it pays.
    pub fn run_if(long: bool) -> Option<Others> {
        long.then(Others::run)
    }

    /// Takes the interpreter for a moment.
    pub fn interrupt<R>(&mut self, f: impl FnOnce() -> R) -> R {
        // SAFETY: what `PyEval_SaveThread` gave, on the same thread.
        staying(|| unsafe { ffi::PyEval_RestoreThread(self.0) });
        let result = f();
        // SAFETY: attached just now.
        self.0 = unsafe { ffi::PyEval_SaveThread() };
        result
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        // SAFETY: what `PyEval_SaveThread` gave, on the same thread.
        staying(|| unsafe { ffi::PyEval_RestoreThread(self.0) })
    }
}

/// Calls `f`, in which the interpreter may be given away and taken back.
///
/// At the end of the process CPython ends threads that want it back, where they are, by an unwinding that is none of Rust's:
/// nobody may catch it, and what it would drop on its way are references, which need the interpreter. So a thread that is
/// to end inside of `f` stops there for good, as all threads do from 3.14 on. In the executable it stops earlier, in its
/// `pthread_exit`; as a package we have this alone, and a frame in between that cannot be unwound still aborts.
pub fn staying<R>(f: impl FnOnce() -> R) -> R {
    struct Stay;
    impl Drop for Stay {
        fn drop(&mut self) {
            while !std::thread::panicking() {
                std::thread::sleep(Duration::from_secs(3600));
            }
        }
    }
    let stay = Stay;
    let result = f();
    std::mem::forget(stay);
    result
}
