//! Quicksort and quickselect of signed integers, and of floats that are ordered as they stand, by vectors.
//!
//! A partition splits one vector after the other: its lesser items are moved to the front of it, and it is written to both
//! ends of the result. What of it does not belong there lies in between, where there is room, and is written over. So nothing
//! branches on what items are, which is most of what comparing them one by one costs.
//!
//! Parts of a few vectors are sorted by a network. It sorts the columns of what is then a matrix, holds columns against each
//! other, which sorts two, four and eight of them one behind the other, and the transpose of this is the result.
//!
//! The instructions are those of AVX2. Without them callers sort by comparing.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::keys::{Key, Keyed};
use super::split::Places;
use crate::cpu::Level;

/// Numbers that vectors would be made of.
#[cfg(not(target_arch = "x86_64"))]
pub(super) use Scalar as Item;
/// Numbers that vectors are made of.
#[cfg(target_arch = "x86_64")]
pub(super) use avx2::Item;

/// Numbers, sorted one by one. Floats are [exact](super::keys::are_exact): neither NaNs, nor zeros with a sign, for which
/// instructions have another order.
pub trait Scalar: Keyed + PartialOrd {
    fn sort_scalars(items: &mut [Self]);
    fn select_scalar(items: &mut [Self], place: usize);
}

macro_rules! scalars {
    ($($t:ty, $order:expr;)*) => {$(
        impl Scalar for $t {
            fn sort_scalars(items: &mut [$t]) {
                items.sort_unstable_by($order);
            }
            fn select_scalar(items: &mut [$t], place: usize) {
                items.select_nth_unstable_by(place, $order);
            }
        }
    )*};
}
scalars! {
    i32, i32::cmp;
    i64, i64::cmp;
    f64, f64::total_cmp;
}

/// Sorts ascending.
pub(super) fn sort<K: Item>(level: Level, items: &mut [K]) {
    #[cfg(target_arch = "x86_64")]
    if level.kind() >= crate::cpu::Kind::Avx2 {
        // SAFETY: a level exists only where the processor has it.
        return unsafe { avx2::sort(items) };
    }
    let _ = level;
    K::sort_scalars(items);
}

/// Brings the item of a place there, lesser or equal ones before and greater or equal ones behind it.
pub(super) fn select<K: Item>(level: Level, items: &mut [K], place: usize) {
    #[cfg(target_arch = "x86_64")]
    if level.kind() >= crate::cpu::Kind::Avx2 && place < items.len() {
        // SAFETY: as above.
        return unsafe { avx2::select(items, place) };
    }
    let _ = level;
    K::select_scalar(items, place);
}

/// [`Places::put`].
pub(super) fn put<K: Item + Key>(
    level: Level,
    places: &mut Places<K>,
    keys: &[K],
    first: isize,
    index: &mut [isize],
) {
    #[cfg(target_arch = "x86_64")]
    if level.kind() >= crate::cpu::Kind::Avx2 {
        // SAFETY: as above.
        return unsafe { avx2::put(places, keys, first, index) };
    }
    let _ = level;
    places.put(keys, first, index);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<K: Item + PartialEq + core::fmt::Debug>(of: impl Fn(u64) -> K) {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 16
        };
        for n in (0..300usize).chain([511, 1023, 1024, 1025, 4000, 70_000]) {
            for kinds in [1, 2, 10, 1000, u64::MAX] {
                let items: Vec<K> = (0..n).map(|_| of(next() % kinds)).collect();
                let mut sorted = items.clone();
                K::sort_scalars(&mut sorted);
                for level in Level::available() {
                    let mut ours = items.clone();
                    sort(level, &mut ours);
                    assert_eq!(ours, sorted, "{n} {kinds}");
                    for place in [0, n / 3, n / 2, n.saturating_sub(1)].into_iter().filter(|k| *k < n) {
                        let mut ours = items.clone();
                        select(level, &mut ours, place);
                        let (before, at, behind) = (&ours[..place], ours[place], &ours[place + 1..]);
                        assert_eq!(at, sorted[place], "{n} {kinds}");
                        assert!(before.iter().all(|x| *x <= at) && behind.iter().all(|x| at <= *x));
                        K::sort_scalars(&mut ours);
                        assert_eq!(ours, sorted);
                    }
                }
            }
        }
    }

    #[test]
    fn random_items() {
        check(|word| word as i64 - (1 << 46));
        check(|word| if word % 3 == 0 { i64::MAX } else { i64::MIN });
        check(|word| word as i32);
        check(|word| (word as f64 - (1u64 << 47) as f64) * 1e-3 + 0.5);
        check(|word| [f64::INFINITY, -1.5, f64::NEG_INFINITY][(word % 3) as usize]);
    }

    #[test]
    fn patterns() {
        let n = 20_000i64;
        let patterns: [fn(i64, i64) -> i64; 5] = [
            |i, _| i,
            |i, n| n - i,
            |i, n| i.min(n - i),
            |i, _| i % 128,
            |i, n| if i % 2 == 0 { i } else { n },
        ];
        for pattern in patterns {
            let items: Vec<i64> = (0..n).map(|i| pattern(i, n)).collect();
            let mut sorted = items.clone();
            sorted.sort();
            for level in Level::available() {
                let mut ours = items.clone();
                sort(level, &mut ours);
                assert_eq!(ours, sorted);
            }
        }
    }
}
