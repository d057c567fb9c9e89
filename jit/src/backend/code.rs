//! Compiled traces and the memory they run from.
//!
//! Memory is filled while it is writable and made executable afterwards; it is never both. Each piece of code has pages
//! of its own, so that it can be given back alone and no page changes its rights twice.

use std::{fmt, io, ptr, slice};

use super::reference;
use crate::ir::{SnapId, Trace};

/// Machine code's signature, see [`Trace`].
pub type Entry = unsafe extern "C" fn(slots: *mut u64) -> u32;

/// A compiled trace. Dropping it takes the code away, so nothing may be running it then.
pub struct Code(Kind);

enum Kind {
    Machine(Pages),
    /// For the reference, whose code is the trace.
    Interpreted(Trace),
}

impl Code {
    /// Machine code whose entry is its first byte. It must not depend on where it stands.
    ///
    /// # Errors
    /// When the system gives no executable memory.
    ///
    /// # Safety
    /// The bytes are a function of type [`Entry`] for this processor.
    pub unsafe fn machine(bytes: &[u8]) -> io::Result<Code> {
        Ok(Code(Kind::Machine(Pages::new(bytes)?)))
    }
    pub(super) fn interpreted(tr: Trace) -> Code {
        Code(Kind::Interpreted(tr))
    }
    /// Runs it; gives the snapshot it left by.
    ///
    /// # Safety
    /// There are [`Trace::slots`] slots, which hold the parameters in canonical form. Every access the trace makes with
    /// them is one the caller may make, and no other thread writes there meanwhile. Memory classes are kept.
    pub unsafe fn call(&self, slots: *mut u64) -> SnapId {
        match &self.0 {
            // SAFETY: the bytes are such a function by the promise to `machine`, and the caller keeps its contract.
            Kind::Machine(pages) => SnapId::new(unsafe { pages.entry()(slots) } as usize),
            // SAFETY: the caller's promises are those of `run`.
            Kind::Interpreted(tr) => unsafe { reference::run(tr, slots) },
        }
    }
    /// The function itself, unless this is interpreted. It lives as long as the code.
    pub fn entry(&self) -> Option<Entry> {
        match &self.0 {
            Kind::Machine(pages) => Some(pages.entry()),
            Kind::Interpreted(_) => None,
        }
    }
    /// The machine code, empty if this is interpreted.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Machine(pages) => pages.bytes(),
            Kind::Interpreted(_) => &[],
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Machine(pages) => write!(f, "{} bytes of code at {:p}", pages.used, pages.start),
            Kind::Interpreted(tr) => write!(f, "{} interpreted", tr.name),
        }
    }
}

/// Pages that are readable and executable.
struct Pages {
    start: *mut u8,
    mapped: usize,
    used: usize,
}

// SAFETY: the memory is not written any more and belongs to this value alone.
unsafe impl Send for Pages {}
// SAFETY: as above; reading and executing need no order.
unsafe impl Sync for Pages {}

impl Pages {
    fn new(bytes: &[u8]) -> io::Result<Pages> {
        // SAFETY: a question without side effects.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let mapped = bytes.len().max(1).next_multiple_of(page);
        // SAFETY: a new anonymous mapping touches nothing that exists.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                mapped,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // From here on dropping it unmaps.
        let pages = Pages { start: start.cast(), mapped, used: bytes.len() };
        // SAFETY: the mapping is fresh, writable and at least as long as the bytes.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), pages.start, bytes.len()) };
        // SAFETY: exactly the pages of this mapping, which nothing refers to yet.
        if unsafe { libc::mprotect(start, mapped, libc::PROT_READ | libc::PROT_EXEC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        synchronise(pages.start, bytes.len());
        Ok(pages)
    }
    fn bytes(&self) -> &[u8] {
        // SAFETY: that many bytes were written, and the mapping stays readable as long as `self`.
        unsafe { slice::from_raw_parts(self.start, self.used) }
    }
    fn entry(&self) -> Entry {
        // SAFETY: executable memory that starts with a function of this type, by the promise to `Code::machine`.
        unsafe { std::mem::transmute::<*mut u8, Entry>(self.start) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping made in `new`. A failure would leave it mapped, which harms nobody.
        unsafe { libc::munmap(self.start.cast(), self.mapped) };
    }
}

/// Makes written code visible to instruction fetch. x86 does that by itself.
#[cfg(not(target_arch = "aarch64"))]
fn synchronise(_start: *mut u8, _len: usize) {}

/// Makes written code visible to instruction fetch: data lines down to where both caches meet, then instruction lines away.
#[cfg(target_arch = "aarch64")]
fn synchronise(start: *mut u8, len: usize) {
    use core::arch::asm;
    let sizes: u64;
    // SAFETY: reads a register that user code may read.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack, preserves_flags)) };
    let line = |log2_words: u64| 4usize << (log2_words & 15);
    let (data, code) = (line(sizes >> 16), line(sizes));
    let (first, end) = (start as usize, start as usize + len);
    for at in (first & !(data - 1)..end).step_by(data) {
        // SAFETY: cleans a line of the mapping the caller has just filled; contents stay.
        unsafe { asm!("dc cvau, {}", in(reg) at, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for at in (first & !(code - 1)..end).step_by(code) {
        // SAFETY: drops cached instructions of that line; they are fetched again when needed.
        unsafe { asm!("ic ivau, {}", in(reg) at, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn machine_code_runs_and_is_not_writable() {
        // mov rax, [rdi]; inc rax; mov [rdi], rax; mov eax, 3; ret
        let bytes = [0x48, 0x8b, 0x07, 0x48, 0xff, 0xc0, 0x48, 0x89, 0x07, 0xb8, 3, 0, 0, 0, 0xc3];
        // SAFETY: the function above reads and writes slot 0 and returns 3.
        let code = unsafe { Code::machine(&bytes) }.expect("executable memory");
        let mut slots = [41];
        // SAFETY: one slot is what it needs.
        assert_eq!(unsafe { code.call(slots.as_mut_ptr()) }, SnapId::new(3));
        assert_eq!(slots, [42]);
        assert_eq!(code.bytes(), bytes);
        let maps = std::fs::read_to_string("/proc/self/maps").expect("a list of mappings");
        let start = format!("{:x}-", code.bytes().as_ptr() as usize);
        let line = maps.lines().find(|l| l.starts_with(&start)).expect("a mapping of its own");
        assert!(line.contains(" r-xp "), "{line}");
    }
}
