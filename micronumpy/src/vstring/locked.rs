//! The arenas of several operands, held together.
//!
//! Operands may share an arena, and two threads may name the same arenas in different order: each is locked once, in the
//! order of addresses.

use std::sync::{Arc, MutexGuard};

use smallvec::SmallVec;

use super::{Arena, Strings, Text};
use crate::error::Result;

/// The held arenas, by operand.
pub struct Locked<'a> {
    guards: SmallVec<[MutexGuard<'a, Arena>; 4]>,
    /// Per operand, which of the guards is its own.
    of: SmallVec<[usize; 6]>,
}

impl<'a> Locked<'a> {
    /// Operands without strings have no arena.
    pub fn new(operands: &[Option<&'a Arc<Strings>>]) -> Locked<'a> {
        let mut distinct: SmallVec<[&'a Arc<Strings>; 4]> = operands.iter().flatten().copied().collect();
        distinct.sort_by_key(|s| Arc::as_ptr(s) as usize);
        distinct.dedup_by_key(|s| Arc::as_ptr(s) as usize);
        let place = |s: &Arc<Strings>| distinct.iter().position(|d| Arc::ptr_eq(d, s));
        Locked {
            of: operands.iter().map(|s| s.and_then(place).unwrap_or(usize::MAX)).collect(),
            guards: distinct.iter().map(|s| s.lock()).collect(),
        }
    }
    /// The text of an element of operand `i`; `None` when it is missing.
    ///
    /// # Safety
    /// `p` is an element of operand `i`, which has an arena.
    pub unsafe fn load(&self, i: usize, p: *const u8) -> Option<Text<'_>> {
        // SAFETY: the caller's promise.
        unsafe { self.guards[self.of[i]].load(p) }
    }
    /// Give an element of operand `i` a text.
    ///
    /// # Errors
    /// No memory.
    ///
    /// # Safety
    /// As for [`Locked::load`], writable.
    pub unsafe fn store(&mut self, i: usize, p: *mut u8, text: &[u8]) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.guards[self.of[i]].store(p, text) }
    }
    /// Make an element of operand `i` missing.
    ///
    /// # Safety
    /// As for [`Locked::store`].
    pub unsafe fn store_missing(&mut self, i: usize, p: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { self.guards[self.of[i]].store_missing(p) };
    }
}
