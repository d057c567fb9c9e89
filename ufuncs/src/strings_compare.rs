//! Comparison and concatenation of fixed-width strings.
//!
//! A fixed-width string ends at its last character that is not NUL, so two widths compare as if the narrower one were
//! padded with NULs. Widths come with the call, in [`LoopInfo`](crate::abi::LoopInfo); characters are bytes (`S`) or
//! code points in the machine's byte order (`U`), at any address.

use core::cmp::Ordering;
use core::ffi::{c_int, c_void};

use crate::abi::{LoopContext, LoopDef, LoopFlags, LoopFn};
use crate::typenum::TypeNum;

/// A character of a fixed-width string.
pub trait Char: Copy + Ord + Default {
    const SIZE: usize = size_of::<Self>();
}
impl Char for u8 {}
impl Char for u32 {}

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
unsafe extern "C" fn compare_loop<C: Char, T: Test>(
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
            *out = u8::from(T::holds(compare::<C>(a, na, b, nb)));
            a = a.wrapping_offset(*strides);
            b = b.wrapping_offset(*strides.add(1));
            out = out.wrapping_offset(*strides.add(2));
        }
    }
    0
}

/// Length without trailing NULs.
///
/// # Safety
/// `p` points to `n` characters.
unsafe fn trimmed<C: Char>(p: *const u8, n: usize) -> usize {
    // SAFETY: indices below `n`.
    (0..n).rev().find(|&i| unsafe { char_at::<C>(p, i) } != C::default()).map_or(0, |i| i + 1)
}

/// # Safety
/// The loop contract, for three strings; the last one is as wide as the first two together.
unsafe extern "C" fn concat_loop<C: Char>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract; lengths are cut to what the output holds.
    unsafe {
        let sizes = (*(*ctx).info).itemsizes;
        let (na, nb, nout) = (*sizes / C::SIZE, *sizes.add(1) / C::SIZE, *sizes.add(2) / C::SIZE);
        let (mut a, mut b, mut out) = (*data, *data.add(1), *data.add(2));
        for _ in 0..*dims {
            let la = trimmed::<C>(a, na).min(nout);
            let lb = trimmed::<C>(b, nb).min(nout - la);
            // Inputs may be the output itself.
            core::ptr::copy(b, out.add(la * C::SIZE), lb * C::SIZE);
            core::ptr::copy(a, out, la * C::SIZE);
            out.add((la + lb) * C::SIZE).write_bytes(0, (nout - la - lb) * C::SIZE);
            a = a.wrapping_offset(*strides);
            b = b.wrapping_offset(*strides.add(1));
            out = out.wrapping_offset(*strides.add(2));
        }
    }
    0
}

const FLAGS: LoopFlags = LoopFlags::NO_FP_ERRORS.with(LoopFlags::UNALIGNED);
const SSB: &[TypeNum] = &[TypeNum::STRING, TypeNum::STRING, TypeNum::BOOL];
const UUB: &[TypeNum] = &[TypeNum::UNICODE, TypeNum::UNICODE, TypeNum::BOOL];
const SSS: &[TypeNum] = &[TypeNum::STRING; 3];
const UUU: &[TypeNum] = &[TypeNum::UNICODE; 3];

const fn rows<T: Test>() -> [LoopDef; 2] {
    let (bytes, text): (LoopFn, LoopFn) = (compare_loop::<u8, T>, compare_loop::<u32, T>);
    [LoopDef::new(SSB, bytes, FLAGS), LoopDef::new(UUB, text, FLAGS)]
}

/// String loops of ufuncs that numbers have too, by name of the ufunc. They are no rows of the table, because a ufunc's
/// list of types does not show them.
pub static STRING_LOOPS: &[(&str, [LoopDef; 2])] = &[
    ("equal", rows::<Equal>()),
    ("not_equal", rows::<NotEqual>()),
    ("less", rows::<Less>()),
    ("less_equal", rows::<LessEqual>()),
    ("greater", rows::<Greater>()),
    ("greater_equal", rows::<GreaterEqual>()),
    ("add", [LoopDef::new(SSS, concat_loop::<u8>, FLAGS), LoopDef::new(UUU, concat_loop::<u32>, FLAGS)]),
];

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
