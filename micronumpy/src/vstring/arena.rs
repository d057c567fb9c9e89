//! Elements of a variable-width string dtype, and the memory their text lies in.
//!
//! An element is sixteen bytes (ABI: numpy's `npy_packed_static_string` on little-endian machines). The last byte holds
//! flags. Up to fifteen bytes of text lie in the element itself. Longer ones are appended to the arena of the array when an
//! element gets its first text: a length (one byte, or eight if the text is longer than 255 bytes), then the text; the
//! element says where. That slot stays the element's own: a later text goes there if it fits. Otherwise, and after a short
//! text has overwritten the place, it goes to the heap. So the text of an array that is filled once lies in one piece,
//! in order.
//!
//! All-zero bytes are an empty string, so zeroed memory is an array of empty strings. Elements may be moved as bytes
//! within one arena; to any other place they are copied with [`Arena::store`].
//!
//! Slots that elements give up are only reclaimed from the end of the arena, or all at once when none is left: enough for
//! buffers that are filled and emptied again and again.

use std::alloc::{Layout, alloc, dealloc};
use std::ops::Deref;

use crate::error::{Error, Result};

/// Bytes of an element.
pub const ITEMSIZE: usize = 16;
/// The longest text that lies in the element.
const SHORT_MAX: usize = ITEMSIZE - 1;
/// The longest text with a length of one byte in the arena.
const MEDIUM_MAX: usize = 0xff;
/// Sizes share their word with the flags.
const SIZE_MASK: u64 = (1 << 56) - 1;

const MISSING: u8 = 0x80;
const INITIALIZED: u8 = 0x40;
/// The text is not in the arena: in the element, or (with [`LONG`]) on the heap.
const OUTSIDE_ARENA: u8 = 0x20;
const LONG: u8 = 0x10;
const FLAGS: u8 = 0xf0;
const SHORT: u8 = INITIALIZED | OUTSIDE_ARENA;

/// An element, out of its array.
#[derive(Clone, Copy)]
struct Element([u8; ITEMSIZE]);

impl Element {
    unsafe fn read(p: *const u8) -> Element {
        // SAFETY: the caller has sixteen bytes at `p`.
        Element(unsafe { p.cast::<[u8; ITEMSIZE]>().read_unaligned() })
    }
    unsafe fn write(self, p: *mut u8) {
        // SAFETY: as above, writable.
        unsafe { p.cast::<[u8; ITEMSIZE]>().write_unaligned(self.0) };
    }
    fn flags(&self) -> u8 {
        self.0[15] & FLAGS
    }
    fn word(&self, i: usize) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|k| self.0[8 * i + k]))
    }
    fn is_missing(&self) -> bool {
        self.0[15] & MISSING != 0
    }
    fn is_short(&self) -> bool {
        self.flags() == SHORT
    }
    fn is_on_heap(&self) -> bool {
        self.flags() & !MISSING == INITIALIZED | OUTSIDE_ARENA | LONG
    }
    fn has_slot(&self) -> bool {
        self.flags() & (INITIALIZED | OUTSIDE_ARENA) == INITIALIZED
    }
    /// Bytes of text.
    fn len(&self) -> usize {
        if self.is_short() { usize::from(self.0[15] & !FLAGS) } else { (self.word(1) & SIZE_MASK) as usize }
    }
    fn set_len(&mut self, n: usize) {
        self.0[8..15].copy_from_slice(&n.to_le_bytes()[..7]);
    }
    fn set_offset(&mut self, offset: u64) {
        self.0[..8].copy_from_slice(&offset.to_le_bytes());
    }
    fn heap(&self) -> *mut u8 {
        self.word(0) as usize as *mut u8
    }
}

/// Whether the element at `p` is a missing value.
///
/// # Safety
/// One element.
pub unsafe fn is_missing(p: *const u8) -> bool {
    // SAFETY: the caller's promise.
    unsafe { Element::read(p).is_missing() }
}

/// The text of an element: its own copy of a short one, so that no reference into an array is held.
#[derive(Clone, Copy)]
pub enum Text<'a> {
    Short([u8; SHORT_MAX], u8),
    Long(&'a [u8]),
}

impl Deref for Text<'_> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Text::Short(bytes, n) => &bytes[..usize::from(*n)],
            Text::Long(s) => s,
        }
    }
}

impl Text<'_> {
    pub const EMPTY: Text<'static> = Text::Long(&[]);
}

/// The memory behind the elements of the arrays of one dtype instance.
#[derive(Default)]
pub struct Arena {
    bytes: Vec<u8>,
    /// Elements that have a slot.
    slots: usize,
}

/// Where a slot lies.
struct Slot {
    /// Of its length.
    start: usize,
    text: usize,
    capacity: usize,
}

fn no_memory() -> Error {
    Error::Memory { shape: vec![], dtype: crate::dtype::Dtype::builtin(crate::dtype::TypeNum::VSTRING) }
}

impl Arena {
    /// The text of an element; `None` when it is missing.
    ///
    /// # Safety
    /// `p` is an element of this arena, at any address.
    pub unsafe fn load(&self, p: *const u8) -> Option<Text<'_>> {
        // SAFETY: the caller's promise.
        let e = unsafe { Element::read(p) };
        if e.is_missing() {
            return None;
        }
        if e.is_short() {
            let mut bytes = [0; SHORT_MAX];
            bytes.copy_from_slice(&e.0[..SHORT_MAX]);
            return Some(Text::Short(bytes, e.0[15] & !FLAGS));
        }
        let n = e.len();
        Some(Text::Long(match n {
            0 => &[],
            // SAFETY: a heap text lives until its element is changed, which takes a mutable reference to the arena.
            _ if e.is_on_heap() => unsafe { std::slice::from_raw_parts(e.heap(), n) },
            _ => {
                let at = e.word(0) as usize;
                // Bytes that are no element of this arena must not lead out of it.
                self.bytes.get(at..at.saturating_add(n)).unwrap_or_default()
            }
        }))
    }

    /// Where the text of an element lies, and its length: valid until the element or the arena changes. `None` when it is
    /// missing.
    ///
    /// # Safety
    /// As for [`Arena::load`].
    pub unsafe fn locate(&self, p: *const u8) -> Option<(*const u8, usize)> {
        // SAFETY: the caller's promise.
        match unsafe { self.load(p) }? {
            Text::Short(_, n) => Some((p, usize::from(n))),
            Text::Long(text) => Some((text.as_ptr(), text.len())),
        }
    }

    /// Give an element a text.
    ///
    /// # Errors
    /// No memory; the element is empty then.
    ///
    /// # Safety
    /// As for [`Arena::load`], writable.
    pub unsafe fn store(&mut self, p: *mut u8, text: &[u8]) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe {
            let mut e = Element::read(p);
            self.release_text(&mut e);
            let done = self.put(&mut e, text);
            e.write(p);
            done
        }
    }

    /// Make an element missing.
    ///
    /// # Safety
    /// As for [`Arena::store`].
    pub unsafe fn store_missing(&mut self, p: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut e = Element::read(p);
            self.release_text(&mut e);
            e.0[15] |= MISSING;
            e.write(p);
        }
    }

    /// Give back everything an element holds; its bytes become zero.
    ///
    /// # Safety
    /// As for [`Arena::store`].
    pub unsafe fn clear(&mut self, p: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut e = Element::read(p);
            self.release_text(&mut e);
            self.give_up_slot(&e);
            Element([0; ITEMSIZE]).write(p);
        }
    }

    /// Forget the text but not where the next one may go.
    fn release_text(&mut self, e: &mut Element) {
        e.0[15] &= !MISSING;
        if e.is_short() {
            *e = Element([0; ITEMSIZE]);
            e.0[15] = SHORT;
        } else if e.len() > 0 {
            if e.is_on_heap() {
                // SAFETY: allocated by `put` with this length, and no longer referred to.
                unsafe { dealloc(e.heap(), Layout::array::<u8>(e.len()).unwrap_or(Layout::new::<u8>())) };
                e.set_offset(0);
            }
            e.set_len(0);
        }
    }

    fn put(&mut self, e: &mut Element, text: &[u8]) -> Result<()> {
        let n = text.len();
        if n == 0 {
            if e.flags() & OUTSIDE_ARENA != 0 {
                e.0[15] = SHORT;
            }
            return Ok(());
        }
        if n <= SHORT_MAX {
            self.give_up_slot(e);
            *e = Element([0; ITEMSIZE]);
            e.0[..n].copy_from_slice(text);
            e.0[15] = SHORT | n as u8;
            return Ok(());
        }
        if n as u64 > SIZE_MASK {
            return Err(no_memory());
        }
        if e.flags() == 0 {
            return self.append(e, text);
        }
        if let Some(slot) = self.slot(e).filter(|s| n <= s.capacity) {
            self.bytes[slot.text..slot.text + n].copy_from_slice(text);
            e.set_len(n);
            return Ok(());
        }
        self.give_up_slot(e);
        *e = Element([0; ITEMSIZE]);
        e.0[15] = SHORT;
        let layout = Layout::array::<u8>(n).map_err(|_| no_memory())?;
        // SAFETY: the size is not zero; the text is copied into a block of its length.
        unsafe {
            let block = alloc(layout);
            if block.is_null() {
                return Err(no_memory());
            }
            text.as_ptr().copy_to_nonoverlapping(block, n);
            e.set_offset(block as usize as u64);
        }
        e.set_len(n);
        e.0[15] = INITIALIZED | OUTSIDE_ARENA | LONG;
        Ok(())
    }

    fn append(&mut self, e: &mut Element, text: &[u8]) -> Result<()> {
        let n = text.len();
        let head = if n <= MEDIUM_MAX { 1 } else { 8 };
        self.bytes.try_reserve(head + n).map_err(|_| no_memory())?;
        self.bytes.extend_from_slice(&n.to_le_bytes()[..head]);
        e.set_offset(self.bytes.len() as u64);
        self.bytes.extend_from_slice(text);
        e.set_len(n);
        e.0[15] = if head == 1 { INITIALIZED } else { INITIALIZED | LONG };
        self.slots += 1;
        Ok(())
    }

    fn slot(&self, e: &Element) -> Option<Slot> {
        if !e.has_slot() {
            return None;
        }
        let text = e.word(0) as usize;
        let head = if e.flags() & LONG != 0 { 8 } else { 1 };
        let start = text.checked_sub(head)?;
        let mut length = [0; 8];
        length[..head].copy_from_slice(self.bytes.get(start..text)?);
        let capacity = u64::from_le_bytes(length) as usize;
        (text.checked_add(capacity)? <= self.bytes.len()).then_some(Slot { start, text, capacity })
    }

    /// The element will not come back to its slot.
    fn give_up_slot(&mut self, e: &Element) {
        let Some(slot) = self.slot(e) else { return };
        self.slots = self.slots.saturating_sub(1);
        if self.slots == 0 {
            self.bytes.clear();
        } else if slot.text + slot.capacity == self.bytes.len() {
            self.bytes.truncate(slot.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cells {
        arena: Arena,
        cells: Vec<[u8; ITEMSIZE]>,
    }

    impl Cells {
        fn new(n: usize) -> Cells {
            Cells { arena: Arena::default(), cells: vec![[0; ITEMSIZE]; n] }
        }
        fn put(&mut self, i: usize, s: &str) {
            // SAFETY: an element of this arena.
            unsafe { self.arena.store(self.cells[i].as_mut_ptr(), s.as_bytes()) }.expect("memory");
            assert_eq!(self.text(i), s);
        }
        fn text(&self, i: usize) -> String {
            // SAFETY: as above.
            let text = unsafe { self.arena.load(self.cells[i].as_ptr()) };
            String::from_utf8(text.expect("not missing").to_vec()).expect("text")
        }
        fn clear(&mut self, i: usize) {
            // SAFETY: as above.
            unsafe { self.arena.clear(self.cells[i].as_mut_ptr()) };
        }
        fn flags(&self, i: usize) -> u8 {
            self.cells[i][15] & FLAGS
        }
    }

    #[test]
    fn text_goes_where_it_fits() {
        let mut c = Cells::new(4);
        let (medium, long) = ("m".repeat(26), "l".repeat(300));
        c.put(0, "fifteen bytes!!");
        c.put(1, &medium);
        c.put(2, &long);
        assert_eq!(
            [c.flags(0), c.flags(1), c.flags(2), c.flags(3)],
            [SHORT, INITIALIZED, INITIALIZED | LONG, 0]
        );
        assert_eq!(c.text(3), "");
        // Shorter fits its slot, longer does not, and then the slot is gone.
        c.put(1, &medium[1..]);
        assert_eq!(c.flags(1), INITIALIZED);
        c.put(1, &"n".repeat(27));
        assert_eq!(c.flags(1), INITIALIZED | OUTSIDE_ARENA | LONG);
        c.put(1, "");
        c.put(1, &medium);
        assert_eq!(c.flags(1), INITIALIZED | OUTSIDE_ARENA | LONG);
        c.put(0, &long);
        assert_eq!(c.flags(0), INITIALIZED | OUTSIDE_ARENA | LONG);
        (0..4).for_each(|i| c.clear(i));
    }

    #[test]
    fn missing_keeps_the_slot() {
        let mut c = Cells::new(1);
        c.put(0, &"x".repeat(20));
        // SAFETY: an element of this arena.
        unsafe {
            c.arena.store_missing(c.cells[0].as_mut_ptr());
            assert!(c.arena.load(c.cells[0].as_ptr()).is_none());
        }
        c.put(0, &"y".repeat(20));
        assert_eq!(c.flags(0), INITIALIZED);
        c.clear(0);
        assert!(c.arena.bytes.is_empty());
    }

    #[test]
    fn buffers_do_not_grow_an_arena() {
        let mut c = Cells::new(8);
        c.put(0, &"kept".repeat(10));
        let size = c.arena.bytes.len();
        for round in 0..50 {
            (1..8).for_each(|i| c.put(i, &"t".repeat(16 + 7 * i + round)));
            (1..8).rev().for_each(|i| c.clear(i));
            assert_eq!(c.arena.bytes.len(), size);
        }
        c.clear(0);
        assert!(c.arena.bytes.is_empty());
    }

    #[test]
    fn foreign_bytes_lead_nowhere() {
        let mut c = Cells::new(1);
        c.cells[0] = [0x7f; ITEMSIZE];
        c.cells[0][15] = INITIALIZED;
        assert_eq!(c.text(0), "");
        c.put(0, &"z".repeat(99));
        c.clear(0);
    }
}
