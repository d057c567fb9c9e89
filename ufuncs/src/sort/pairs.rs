//! Complex numbers without a NaN as pairs of integers of the same order.
//!
//! numpy's order looks at NaNs first, which makes a comparison of two numbers eight of parts. Where there are none, a number
//! is the integer made of both parts' keys, and that is one comparison.

use core::cmp::Ordering;
use core::slice;

use super::keys::{self, Key, Keyed};
use crate::elem::{Complex, Complex32, Complex64};
use crate::order::SortOrd;

/// The keys of both parts, laid out as the parts are.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Pair<K> {
    re: K,
    im: K,
}

impl<K: Copy + Ord> Pair<K>
where
    Pair<K>: Ord,
{
    /// By real parts, then, where these are equal, by all.
    pub(super) fn sort(keys: &mut [Pair<K>]) {
        keys.sort_unstable_by_key(|key| key.re);
        for run in keys.chunk_by_mut(|a, b| a.re == b.re) {
            if run.len() > 1 {
                run.sort_unstable();
            }
        }
    }
}

/// A complex number whose parts have keys.
pub(super) trait Parts: SortOrd {
    /// The key of a part.
    type Part: Key;
    /// A number as its key; equal for numbers that are equal in order.
    fn key(self) -> Pair<Self::Part>;
    fn has_nan(self) -> bool;
    /// Turns the items into keys, runs `f` on them and turns them back; false, and nothing done, where the order is not that
    /// of the keys. `exact`: equal items have to be equal in bits.
    fn in_place(items: &mut [Self], exact: bool, f: impl FnOnce(&mut [Pair<Self::Part>])) -> bool;
}

macro_rules! parts {
    ($($t:ty, $part:ty, $u:ty, $wide:ty;)*) => {$(
        impl Pair<$u> {
            #[inline(always)]
            fn word(self) -> $wide {
                <$wide>::from(self.re.widen()) << <$u>::BITS | <$wide>::from(self.im.widen())
            }
        }
        impl PartialEq for Pair<$u> {
            #[inline(always)]
            fn eq(&self, other: &Self) -> bool {
                self.word() == other.word()
            }
        }
        impl Eq for Pair<$u> {}
        impl PartialOrd for Pair<$u> {
            #[inline(always)]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
            #[inline(always)]
            fn lt(&self, other: &Self) -> bool {
                self.word() < other.word()
            }
        }
        impl Ord for Pair<$u> {
            #[inline(always)]
            fn cmp(&self, other: &Self) -> Ordering {
                self.word().cmp(&other.word())
            }
        }

        impl Parts for $t {
            type Part = $u;
            #[inline(always)]
            fn key(self) -> Pair<$u> {
                Pair { re: Keyed::key(self.re), im: Keyed::key(self.im) }
            }
            #[inline(always)]
            fn has_nan(self) -> bool {
                self.re.is_nan() | self.im.is_nan()
            }
            fn in_place(items: &mut [$t], exact: bool, f: impl FnOnce(&mut [Pair<$u>])) -> bool {
                // Minus zero equals zero and has other bits: as a real part it has nothing to say about the order.
                let minus = |x: $part| x.to_bits() == (-0.0 as $part).to_bits();
                let bad = |x: &$t| x.has_nan() | minus(x.re) | (exact & minus(x.im));
                // In blocks, within which nothing branches.
                let any_bad = |part: &[$t]| part.iter().fold(false, |any, x| any | bad(x));
                if items.chunks(128).any(any_bad) {
                    return false;
                }
                const {
                    assert!(size_of::<$t>() == size_of::<Pair<$u>>() && align_of::<$t>() == align_of::<Pair<$u>>());
                }
                let (p, n) = (items.as_mut_ptr(), items.len());
                // SAFETY: same size and alignment, any bits are valid on both sides, and `items` is not used until the end.
                let keys = unsafe { slice::from_raw_parts_mut(p.cast::<Pair<$u>>(), n) };
                for k in keys.iter_mut() {
                    // SAFETY: as above; the slot still holds an item.
                    let item = unsafe { *(k as *const Pair<$u> as *const $t) };
                    *k = Pair { re: item.re.to_key(), im: item.im.to_key() };
                }
                f(keys);
                for k in keys.iter_mut() {
                    let item: $t = Complex { re: <$part>::from_key(k.re), im: <$part>::from_key(k.im) };
                    // SAFETY: as above.
                    unsafe { *(k as *mut Pair<$u> as *mut $t) = item };
                }
                true
            }
        }
    )*};
}

/// [`Keyed`]'s bijection under names that floats have not themselves.
trait Bits {
    type Bits;
    fn to_key(self) -> Self::Bits;
    fn from_key(bits: Self::Bits) -> Self;
}
impl<T: Keyed> Bits for T {
    type Bits = <T as Keyed>::Bits;
    #[inline(always)]
    fn to_key(self) -> Self::Bits {
        Keyed::to_bits(self)
    }
    #[inline(always)]
    fn from_key(bits: Self::Bits) -> T {
        <T as Keyed>::from_bits(bits)
    }
}

parts! {
    Complex32, f32, i32, u64;
    Complex64, f64, i64, u128;
}

/// Stable indirect sort, or partition when `kth` is given.
///
/// # Safety
/// All of `index` is below the number of items.
pub(super) unsafe fn argsort<T: Parts>(items: *const T, index: &mut [isize], kth: Option<&[usize]>)
where
    Pair<T::Part>: Ord,
{
    // SAFETY: the caller's promise.
    let item = |at: isize| unsafe { *items.offset(at) };
    if index.len() <= 16 {
        return keys::insert(index, |a, b| item(a).less(item(b)));
    }
    if index.iter().any(|&at| item(at).has_nan()) {
        return index.sort_by(|&a, &b| item(a).order(item(b)));
    }
    // Most real parts are different, and where they are not, all counts.
    let mut words = keys::Words::new(index, |at| item(at).key().re.widen());
    words.order(kth, |place| item(index[place]).key());
    words.permute(index);
}

#[cfg(test)]
mod tests {
    use super::super::Sortable;
    use crate::elem::{Complex, Complex64};

    #[test]
    fn zeros_of_either_sign_are_one_real_part() {
        for stable in [false, true] {
            let items = [(-0.0, 2.0), (0.0, 1.0), (-0.0, -1.0), (0.0, -2.0)];
            let mut items = items.map(|(re, im)| Complex64 { re, im });
            Sortable::sort(&mut items, stable);
            assert_eq!(items.map(|x| x.im), [-2.0, -1.0, 1.0, 2.0]);
            assert_eq!(items.map(|x| x.re.is_sign_negative()), [false, true, false, true]);
        }
        let mut items =
            [3.0, 1.0, -1.0, -3.0].map(|im| Complex { re: if im > 0.0 { -0.0 } else { 0.0 }, im });
        Sortable::partition(&mut items, &[1]);
        assert_eq!(items[1].im, -1.0);
    }
}
