//! Comparison of fixed-width strings: two widths compare as if the narrower string were padded with NULs.
//! Strings may lie at any address.

use core::cmp::Ordering;
use core::ffi::{c_int, c_void};

use super::unicode::{self, Database};
use crate::abi::{LoopContext, LoopDef, LoopFlags, LoopFn};
use crate::typenum::TypeNum;

/// A character of a string.
pub trait Char: Copy + Ord + Default + 'static {
    const SIZE: usize = size_of::<Self>();
    /// Whether strings of such characters are filled up with NULs.
    const PADDED: bool;
    fn ascii(c: u8) -> Self;
    fn code(self) -> u32;
    /// What is known of such characters.
    fn database() -> &'static Database;
}

impl Char for u8 {
    const PADDED: bool = true;
    #[inline(always)]
    fn ascii(c: u8) -> u8 {
        c
    }
    #[inline(always)]
    fn code(self) -> u32 {
        u32::from(self)
    }
    fn database() -> &'static Database {
        &unicode::ASCII
    }
}

impl Char for u32 {
    const PADDED: bool = true;
    #[inline(always)]
    fn ascii(c: u8) -> u32 {
        u32::from(c)
    }
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }
    fn database() -> &'static Database {
        unicode::database()
    }
}

/// A code point of a string that is as long as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Point(pub u32);

/// The same where all of them are ASCII: text as it is stored in UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Ascii(pub u8);

macro_rules! unpadded {
    ($($name:ident $inner:ty;)*) => {$(
        impl Char for $name {
            const PADDED: bool = false;
            #[inline(always)]
            fn ascii(c: u8) -> $name {
                $name(<$inner>::from(c))
            }
            #[inline(always)]
            fn code(self) -> u32 {
                u32::from(self.0)
            }
            fn database() -> &'static Database {
                unicode::database()
            }
        }
        impl $name {
            /// Plain numbers as characters.
            pub fn from_slice(s: &[$inner]) -> &[$name] {
                // SAFETY: the type is transparent.
                unsafe { core::slice::from_raw_parts(s.as_ptr().cast(), s.len()) }
            }
            /// Characters as plain numbers.
            pub fn to_slice(s: &[$name]) -> &[$inner] {
                // SAFETY: as above.
                unsafe { core::slice::from_raw_parts(s.as_ptr().cast(), s.len()) }
            }
        }
    )*};
}
unpadded! {
    Point u32;
    Ascii u8;
}

/// One of the six comparisons.
pub trait Test {
    fn holds(order: Ordering) -> bool;
}

macro_rules! tests {
    ($($name:ident $method:ident;)*) => {$(
        pub struct $name;
        impl Test for $name {
            #[inline(always)]
            fn holds(order: Ordering) -> bool {
                order.$method()
            }
        }
    )*};
}
tests! {
    Equal is_eq;
    NotEqual is_ne;
    Less is_lt;
    LessEqual is_le;
    Greater is_gt;
    GreaterEqual is_ge;
}

/// # Safety
/// `p` points to more than `i` characters.
#[inline(always)]
unsafe fn char_at<C: Char>(p: *const u8, i: usize) -> C {
    // SAFETY: the caller's promise.
    unsafe { p.cast::<C>().add(i).read_unaligned() }
}

/// # Safety
/// `a` and `b` point to `na` and `nb` characters.
#[inline]
pub unsafe fn compare<C: Char>(a: *const u8, na: usize, b: *const u8, nb: usize) -> Ordering {
    let common = na.min(nb);
    // SAFETY: indices stay below the lengths the caller promises.
    unsafe {
        for i in 0..common {
            match char_at::<C>(a, i).cmp(&char_at::<C>(b, i)) {
                Ordering::Equal => {}
                other => return other,
            }
        }
        if (common..na).any(|i| char_at::<C>(a, i) != C::default()) {
            return Ordering::Greater;
        }
        if (common..nb).any(|i| char_at::<C>(b, i) != C::default()) {
            return Ordering::Less;
        }
    }
    Ordering::Equal
}

/// # Safety
/// The loop contract, for two strings and a bool.
unsafe extern "C" fn compare_loop<C: Char, T: Test, const STRIP: bool>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract: three operands, `dims[0]` elements of the item sizes told in `info`.
    unsafe {
        let sizes = (*(*ctx).info).itemsizes;
        let (na, nb) = (*sizes / C::SIZE, *sizes.add(1) / C::SIZE);
        let (mut a, mut b, mut out) = (*data, *data.add(1), *data.add(2));
        for _ in 0..*dims {
            let (na, nb) = if STRIP { (stripped::<C>(a, na), stripped::<C>(b, nb)) } else { (na, nb) };
            *out = u8::from(T::holds(compare::<C>(a, na, b, nb)));
            a = a.wrapping_offset(*strides);
            b = b.wrapping_offset(*strides.add(1));
            out = out.wrapping_offset(*strides.add(2));
        }
    }
    0
}

/// Length without white space and NULs at the end. White space is ASCII's, in text, too.
///
/// # Safety
/// `p` points to `n` characters.
unsafe fn stripped<C: Char>(p: *const u8, n: usize) -> usize {
    let keep = |c: C| c != C::default() && !(unicode::ASCII.is_space)(c.code());
    // SAFETY: indices below `n`.
    (0..n).rev().find(|&i| keep(unsafe { char_at::<C>(p, i) })).map_or(0, |i| i + 1)
}

const FLAGS: LoopFlags = LoopFlags::NO_FP_ERRORS.with(LoopFlags::UNALIGNED);
const SSB: &[TypeNum] = &[TypeNum::STRING, TypeNum::STRING, TypeNum::BOOL];
const UUB: &[TypeNum] = &[TypeNum::UNICODE, TypeNum::UNICODE, TypeNum::BOOL];

/// The rows of a comparison.
pub const fn rows<T: Test>() -> [LoopDef; 2] {
    let (bytes, text): (LoopFn, LoopFn) = (compare_loop::<u8, T, false>, compare_loop::<u32, T, false>);
    [LoopDef::new(SSB, bytes, FLAGS), LoopDef::new(UUB, text, FLAGS)]
}

/// The rows of a comparison that overlooks white space at the end.
pub const fn stripping_rows<T: Test>() -> [LoopDef; 2] {
    let (bytes, text): (LoopFn, LoopFn) = (compare_loop::<u8, T, true>, compare_loop::<u32, T, true>);
    [LoopDef::new(SSB, bytes, FLAGS), LoopDef::new(UUB, text, FLAGS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_nuls_do_not_count() {
        let cmp = |a: &[u8], b: &[u8]| {
            // SAFETY: lengths of the slices.
            unsafe { compare::<u8>(a.as_ptr(), a.len(), b.as_ptr(), b.len()) }
        };
        assert_eq!(cmp(b"ab\0\0", b"ab"), Ordering::Equal);
        assert_eq!(cmp(b"ab", b"ab\0c"), Ordering::Less);
        assert_eq!(cmp(b"b", b"ab"), Ordering::Greater);
        assert_eq!(cmp(b"\xff", b"a"), Ordering::Greater);
        assert_eq!(cmp(b"", b""), Ordering::Equal);
    }
}
