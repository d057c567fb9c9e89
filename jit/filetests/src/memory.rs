//! Memory whose surroundings are watched.
//!
//! A buffer lies in pages of its own between two that cannot be touched, so reading or writing far enough outside is a
//! crash on any back end. Bytes of its pages that are not its own are filled with a pattern, which must be there
//! afterwards.

use std::{ptr, slice};

const PATTERN: u8 = 0xa5;

/// Where in its pages a buffer lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Its first byte is the first one that can be touched.
    Front,
    /// Its last byte is the last one that can be touched.
    Back,
    /// At an odd address.
    Odd,
}

impl Place {
    pub const ALL: [Place; 3] = [Place::Front, Place::Back, Place::Odd];
}

pub struct Guarded {
    map: *mut u8,
    mapped: usize,
    page: usize,
    start: usize,
    len: usize,
}

impl Guarded {
    /// A buffer with these bytes.
    ///
    /// # Panics
    /// When the system gives no memory.
    pub fn new(bytes: &[u8], place: Place) -> Guarded {
        // SAFETY: a question without side effects.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let len = bytes.len();
        let inner = (len + 1).next_multiple_of(page);
        let mapped = inner + 2 * page;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping touches nothing that exists.
        let map = unsafe { libc::mmap(ptr::null_mut(), mapped, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(map, libc::MAP_FAILED, "no memory for {len} bytes");
        let map: *mut u8 = map.cast();
        let offset = match place {
            Place::Front => 0,
            Place::Back => inner - len,
            Place::Odd => 1,
        };
        // SAFETY: the inner pages of the new mapping, which become accessible before they are written.
        unsafe {
            let rights = libc::PROT_READ | libc::PROT_WRITE;
            assert_eq!(libc::mprotect(map.add(page).cast(), inner, rights), 0, "no rights to own memory");
            map.add(page).write_bytes(PATTERN, inner);
            ptr::copy_nonoverlapping(bytes.as_ptr(), map.add(page + offset), len);
        }
        Guarded { map, mapped, page, start: page + offset, len }
    }
    pub fn address(&self) -> usize {
        self.map as usize + self.start
    }
    pub fn len(&self) -> usize {
        self.len
    }
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    fn inner(&self) -> &[u8] {
        // SAFETY: the pages between the outer two are accessible, and nothing runs that could write them meanwhile.
        unsafe { slice::from_raw_parts(self.map.add(self.page), self.mapped - 2 * self.page) }
    }
    pub fn bytes(&self) -> &[u8] {
        &self.inner()[self.start - self.page..][..self.len]
    }
    /// The distance from the buffer's start of a byte outside that was written.
    pub fn damage(&self) -> Option<isize> {
        let offset = self.start - self.page;
        let inside = offset..offset + self.len;
        let at = self.inner().iter().enumerate().position(|(i, &b)| !inside.contains(&i) && b != PATTERN)?;
        Some(at as isize - offset as isize)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping made in `new`.
        unsafe { libc::munmap(self.map.cast(), self.mapped) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_outside_are_seen() {
        for place in Place::ALL {
            let buffer = Guarded::new(&[1, 2, 3], place);
            assert_eq!((buffer.bytes(), buffer.damage()), (&[1, 2, 3][..], None));
            let outside: isize = if place == Place::Back { -1 } else { 3 };
            // SAFETY: a byte of the accessible pages beside the buffer.
            unsafe { *((buffer.address() as isize + outside) as *mut u8) = 0 };
            assert_eq!(buffer.damage(), Some(outside));
        }
    }
}
