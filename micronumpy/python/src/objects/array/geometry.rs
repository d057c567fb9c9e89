//! Blocks of shapes and strides: `nd` dimensions, then as many strides, in memory of `malloc`.
//!
//! Every array has one for its whole life, and arrays come and go faster than anything else in a program. So some blocks of
//! arrays that ended wait here for the next one of the same rank.

use std::cell::UnsafeCell;

/// Ranks of arrays whose blocks are kept.
const RANKS: usize = 4;
/// Blocks kept of each.
const DEPTH: usize = 16;

struct Waiting {
    blocks: [[*mut isize; DEPTH]; RANKS],
    counts: [usize; RANKS],
}
struct Shared(UnsafeCell<Waiting>);
// SAFETY: touched with the GIL held only.
unsafe impl Sync for Shared {}
static WAITING: Shared =
    Shared(UnsafeCell::new(Waiting { blocks: [[std::ptr::null_mut(); DEPTH]; RANKS], counts: [0; RANKS] }));

/// A block for an array of `nd` dimensions, which are not zero; null when there is no memory.
#[inline]
pub fn take(nd: usize) -> *mut isize {
    debug_assert!(nd > 0);
    if nd <= RANKS {
        // SAFETY: the GIL serialises access.
        let waiting = unsafe { &mut *WAITING.0.get() };
        let count = &mut waiting.counts[nd - 1];
        if *count > 0 {
            *count -= 1;
            return waiting.blocks[nd - 1][*count];
        }
    }
    // SAFETY: a plain allocation.
    unsafe { libc::malloc(2 * nd * size_of::<isize>()).cast() }
}

/// Give a block back.
///
/// # Safety
/// A block of `malloc` with room for `2 * nd` numbers that nobody uses any more.
#[inline]
pub unsafe fn put(block: *mut isize, nd: usize) {
    if (1..=RANKS).contains(&nd) {
        // SAFETY: the GIL serialises access.
        let waiting = unsafe { &mut *WAITING.0.get() };
        let count = &mut waiting.counts[nd - 1];
        if *count < DEPTH {
            waiting.blocks[nd - 1][*count] = block;
            *count += 1;
            return;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { libc::free(block.cast()) };
}
