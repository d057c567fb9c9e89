//! Array memory: blocks of `malloc`, so that a buffer can be handed to code that frees it with `free`.
//!
//! The first touch of fresh pages costs as much as computing what is written there. So large blocks start at a cache line,
//! ask for huge pages, and when they are freed some of them are kept for the next array of about the same size. How large
//! a block is, the allocator itself remembers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::dtype::{Dtype, TypeNum};
use crate::error::{Error, Result};

/// Size in bytes of an array, refusing what numpy refuses.
///
/// # Errors
/// Negative dimensions, and products that do not fit `isize`.
pub fn checked_nbytes(shape: &[isize], dtype: &Dtype) -> Result<usize> {
    let mut n = dtype.itemsize as isize;
    let mut empty = false;
    for &d in shape {
        if d < 0 {
            return Err(Error::value("negative dimensions are not allowed"));
        }
        if d == 0 {
            empty = true;
            continue;
        }
        n = n.checked_mul(d).ok_or_else(|| {
            Error::value(
                "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
            )
        })?;
    }
    Ok(if empty { 0 } else { n as usize })
}

/// Blocks from this size on are aligned and kept. Smaller ones the C library recycles well itself.
pub const LARGE: usize = 1 << 16;
/// What a large block starts at: a cache line, and the widest vector.
const ALIGN: usize = 64;
/// From this size on, pages are worth asking for in big units.
const HUGE: usize = 1 << 22;
/// Bytes and number of freed blocks that are kept at most: of ten million doubles the two results that `a * b + c` has at a
/// time, or one of complex numbers.
const KEPT_BYTES: usize = 192 << 20;
const KEPT_BLOCKS: usize = 16;

static HUGEPAGES: AtomicBool = AtomicBool::new(true);

/// Whether to advise huge pages for big blocks; returns the previous setting.
pub fn set_hugepages(on: bool) -> bool {
    HUGEPAGES.swap(on, Ordering::Relaxed)
}
pub fn hugepages() -> bool {
    HUGEPAGES.load(Ordering::Relaxed)
}

/// Freed large blocks: address and usable size, oldest first.
struct Kept {
    blocks: Vec<(usize, usize)>,
    bytes: usize,
}

/// Only ever tried, never waited for: a fork may have copied it locked.
static KEPT: Mutex<Kept> = Mutex::new(Kept { blocks: Vec::new(), bytes: 0 });

/// A new buffer; at least one byte, so that it is never null and unique. Zeroed ones come from the kernel, which has
/// zeroed pages cheaper than anybody can write zeros.
#[inline]
pub fn alloc(nbytes: usize, zeroed: bool) -> Option<*mut u8> {
    let n = nbytes.max(1);
    if zeroed {
        // SAFETY: plain C allocation of a nonzero size.
        let p = unsafe { libc::calloc(n, 1) };
        if n >= HUGE && !p.is_null() {
            advise(p.cast(), n);
        }
        return if p.is_null() { None } else { Some(p.cast()) };
    }
    if n < LARGE {
        // SAFETY: as above.
        let p = unsafe { libc::malloc(n) };
        return if p.is_null() { None } else { Some(p.cast()) };
    }
    reuse(n).or_else(|| fresh(n))
}

/// A kept block that fits and is not much too large.
#[cold]
fn reuse(n: usize) -> Option<*mut u8> {
    let mut kept = KEPT.try_lock().ok()?;
    let fits = |&(_, size): &(usize, usize)| size >= n && size - n <= n / 8;
    let found = kept.blocks.iter().rposition(fits)?;
    let (address, size) = kept.blocks.remove(found);
    kept.bytes -= size;
    Some(address as *mut u8)
}

#[cold]
fn fresh(n: usize) -> Option<*mut u8> {
    let mut p = std::ptr::null_mut();
    // SAFETY: the alignment is a power of two and a multiple of a pointer's size.
    if unsafe { libc::posix_memalign(&mut p, ALIGN, n) } != 0 {
        // What is kept may be what is missing.
        give_back();
        // SAFETY: as above.
        if unsafe { libc::posix_memalign(&mut p, ALIGN, n) } != 0 {
            return None;
        }
    }
    if n >= HUGE {
        advise(p.cast(), n);
    }
    Some(p.cast())
}

/// Ask for huge pages inside a block.
fn advise(p: *mut u8, n: usize) {
    if !hugepages() {
        return;
    }
    let start = (p as usize).next_multiple_of(4096);
    let end = (p as usize + n) & !4095;
    if end > start {
        // SAFETY: advice about whole pages inside the block, which does not change what is in them.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
}

/// Give all kept blocks back to the C library.
pub fn give_back() {
    let Ok(mut kept) = KEPT.try_lock() else { return };
    for (address, _) in kept.blocks.drain(..) {
        // SAFETY: kept blocks are nobody else's.
        unsafe { libc::free(address as *mut libc::c_void) };
    }
    kept.bytes = 0;
}

/// # Safety
/// `p` is null or a block of `malloc`'s family, such as [`alloc`] gives, and is not used afterwards.
pub unsafe fn free(p: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        let size = libc::malloc_usable_size(p.cast());
        if !(LARGE..=KEPT_BYTES).contains(&size) || !keep(p, size) {
            libc::free(p.cast());
        }
    }
}

/// Keep a block, at the cost of the oldest ones. False when that is not possible right now.
#[cold]
fn keep(p: *mut u8, size: usize) -> bool {
    // What a foreign allocation gave may not be aligned as ours are.
    if !(p as usize).is_multiple_of(ALIGN) {
        return false;
    }
    let Ok(mut kept) = KEPT.try_lock() else { return false };
    while kept.blocks.len() >= KEPT_BLOCKS || kept.bytes + size > KEPT_BYTES {
        let (address, old) = kept.blocks.remove(0);
        kept.bytes -= old;
        // SAFETY: kept blocks are nobody else's.
        unsafe { libc::free(address as *mut libc::c_void) };
    }
    kept.blocks.push((p as usize, size));
    kept.bytes += size;
    true
}

/// Working memory of `n` equal items: a vector whose length comes from a user's shape, so that running out of memory is
/// an error and not the end of the process.
///
/// # Errors
/// `Error::Memory`.
pub fn scratch<T: Clone>(n: usize, value: T) -> Result<Vec<T>> {
    let mut out = scratch_list(n)?;
    out.resize(n, value);
    Ok(out)
}

/// [`scratch`] to be filled by pushing.
///
/// # Errors
/// `Error::Memory`.
pub fn scratch_list<T>(capacity: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    match out.try_reserve_exact(capacity) {
        Ok(()) => Ok(out),
        Err(_) => {
            let nbytes = capacity.saturating_mul(size_of::<T>()).min(isize::MAX as usize);
            Err(Error::Memory { shape: vec![nbytes as isize], dtype: Dtype::builtin(TypeNum::BYTE) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kept blocks are the process's; the tests about them take turns.
    static TURN: Mutex<()> = Mutex::new(());

    #[test]
    fn large_blocks_are_aligned_and_used_again() {
        let _turn = TURN.lock();
        let n = 3 << 20;
        let a = alloc(n, false).expect("three megabytes");
        assert_eq!(a as usize % ALIGN, 0);
        // SAFETY: the block is not used afterwards.
        unsafe { free(a) };
        let b = alloc(n - 100, false).expect("three megabytes");
        assert_eq!(a, b);
        // SAFETY: the block has room; it is not used after `free`.
        unsafe {
            assert!(libc::malloc_usable_size(b.cast()) >= n - 100);
            free(b);
        }
        give_back();
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let _turn = TURN.lock();
        for _ in 0..4 {
            let blocks: Vec<*mut u8> =
                (0..40).map(|i| alloc((1 << 20) * (i % 7 + 1), false).expect("memory")).collect();
            // SAFETY: each block is freed once.
            blocks.into_iter().for_each(|p| unsafe { free(p) });
            let kept = KEPT.lock().expect("nobody panics holding this");
            assert!(kept.blocks.len() <= KEPT_BLOCKS && kept.bytes <= KEPT_BYTES);
            assert_eq!(kept.bytes, kept.blocks.iter().map(|b| b.1).sum::<usize>());
        }
    }

    #[test]
    fn zeroed_blocks_are_zero_even_after_use() {
        let n = 1 << 20;
        let a = alloc(n, false).expect("a megabyte");
        // SAFETY: `n` bytes at `a`, freed once; `n` bytes at `b`.
        unsafe {
            a.write_bytes(0xff, n);
            free(a);
            let b = alloc(n, true).expect("a megabyte");
            assert!(std::slice::from_raw_parts(b, n).iter().all(|&x| x == 0));
            free(b);
        }
    }
}
