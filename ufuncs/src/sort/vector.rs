//! Quicksort and quickselect of signed integers by vectors.
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

use super::split::Places;
use crate::cpu::Level;

/// Integers that vectors are made of.
#[cfg(target_arch = "x86_64")]
pub(super) use avx2::Item;
/// Integers that vectors would be made of.
#[cfg(not(target_arch = "x86_64"))]
pub(super) trait Item: super::keys::Key {}
#[cfg(not(target_arch = "x86_64"))]
impl Item for i32 {}
#[cfg(not(target_arch = "x86_64"))]
impl Item for i64 {}

/// Sorts ascending.
pub(super) fn sort<K: Item>(level: Level, items: &mut [K]) {
    #[cfg(target_arch = "x86_64")]
    if level.kind() >= crate::cpu::Kind::Avx2 {
        // SAFETY: a level exists only where the processor has it.
        return unsafe { avx2::sort(items) };
    }
    let _ = level;
    items.sort_unstable();
}

/// Brings the item of a place there, lesser or equal ones before and greater or equal ones behind it.
pub(super) fn select<K: Item>(level: Level, items: &mut [K], place: usize) {
    #[cfg(target_arch = "x86_64")]
    if level.kind() >= crate::cpu::Kind::Avx2 && place < items.len() {
        // SAFETY: as above.
        return unsafe { avx2::select(items, place) };
    }
    let _ = level;
    items.select_nth_unstable(place);
}

/// [`Places::put`].
pub(super) fn put<K: Item>(
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

    fn check<K: Item + core::fmt::Debug>(of: impl Fn(u64) -> K) {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 16
        };
        for n in (0..300usize).chain([511, 1023, 1024, 1025, 4000, 70_000]) {
            for kinds in [1, 2, 10, 1000, u64::MAX] {
                let items: Vec<K> = (0..n).map(|_| of(next() % kinds)).collect();
                let mut sorted = items.clone();
                sorted.sort();
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
                        ours.sort();
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
