//! Items of a few different values: how often each value is there says all about their order.
//!
//! Comparing a block of items with one value after the other takes less than the passes of a quicksort while there are not many
//! values. They are collected on the way: a block that is not made of the values so far shows the next one. So nothing but the
//! number of values is guessed, and where there are more of them that is seen in the first blocks.

use super::keys::{Key, Keyed};
use super::split::{Leading, Split};
use crate::cpu::{Level, multiversion};

/// Values at most.
const MOST: usize = 16;
/// Items compared at a time: few enough for the first cache.
const BLOCK: usize = 256;
/// Parts of an array that are counted apart, so that positions in all of them can be written in turn: one position waits for
/// the last one of the same value otherwise.
const PARTS: usize = 4;

/// Values, ascending, and how many items of every part have each of them.
struct Tally<K> {
    values: [K; MOST],
    counts: [[usize; PARTS]; MOST],
    len: usize,
}

/// Items of a part.
fn part_len(n: usize) -> usize {
    n.div_ceil(PARTS).max(1)
}

impl<K: Key> Tally<K> {
    fn new() -> Tally<K> {
        Tally { values: [K::default(); MOST], counts: [[0; PARTS]; MOST], len: 0 }
    }

    /// Counts a block of items; false where there are too many values.
    #[inline(always)]
    fn add(&mut self, block: &[K], part: usize) -> bool {
        let mut found = 0;
        for i in 0..self.len {
            let here = K::count(block, self.values[i]);
            self.counts[i][part] += here;
            found += here;
        }
        let mut seen = 0;
        while found < block.len() {
            // Not all of the block is of the values so far, and what was seen is.
            while self.values[..self.len].contains(&block[seen]) {
                seen += 1;
            }
            if self.len == MOST {
                return false;
            }
            let here = K::count(block, block[seen]);
            self.values[self.len] = block[seen];
            self.counts[self.len][part] = here;
            self.len += 1;
            found += here;
        }
        true
    }

    fn sort(&mut self) {
        let mut all: [_; MOST] = core::array::from_fn(|i| (self.values[i], self.counts[i]));
        all[..self.len].sort_unstable();
        for (i, (value, counts)) in all.into_iter().enumerate() {
            (self.values[i], self.counts[i]) = (value, counts);
        }
    }
}

// (Closures would be compiled for the baseline.)

/// Fills `room` with the keys of as many items.
#[inline(always)]
fn keys<'a, T: Leading>(items: &[T], room: &'a mut [T::Lead; BLOCK]) -> &'a [T::Lead] {
    for (key, item) in room.iter_mut().zip(items) {
        *key = item.lead();
    }
    &room[..items.len()]
}

#[inline(always)]
fn tally_body<T: Leading>(items: &[T]) -> Option<Tally<T::Lead>> {
    let (mut tally, mut room) = (Tally::new(), [T::Lead::default(); BLOCK]);
    for (i, part) in items.chunks(part_len(items.len())).enumerate() {
        for block in part.chunks(BLOCK) {
            if !tally.add(keys(block, &mut room), i) {
                return None;
            }
        }
    }
    tally.sort();
    Some(tally)
}
multiversion! { fn tally[T: Leading](items: &[T]) -> Option<Tally<<T as Leading>::Lead>> = tally_body::<T>; }

#[inline(always)]
fn places_body<T: Keyed>(items: &[T], index: &mut [isize], tally: &Tally<T::Bits>) {
    let mut next = [[0; MOST]; PARTS];
    let mut sum = 0;
    for (value, counts) in tally.counts.iter().enumerate() {
        for (part, count) in counts.iter().enumerate() {
            next[part][value] = sum;
            sum += count;
        }
    }
    let len = part_len(items.len());
    let mut room = [T::Bits::default(); BLOCK];
    let mut ranks = [[T::Bits::default(); BLOCK]; PARTS];
    for from in (0..len).step_by(BLOCK) {
        let mut least = BLOCK;
        let mut counts = [0; PARTS];
        for part in 0..PARTS {
            let from = (part * len + from).min(items.len());
            let to = (from + BLOCK).min((part + 1) * len).min(items.len());
            let keys = keys(&items[from..to.max(from)], &mut room);
            T::Bits::ranks(keys, &tally.values[1..tally.len], &mut ranks[part]);
            counts[part] = keys.len();
            least = least.min(keys.len());
        }
        for i in 0..least {
            for part in 0..PARTS {
                let next = &mut next[part][ranks[part][i].low() % MOST];
                index[*next] = (part * len + from + i) as isize;
                *next += 1;
            }
        }
        for part in 0..PARTS {
            for i in least..counts[part] {
                let next = &mut next[part][ranks[part][i].low() % MOST];
                index[*next] = (part * len + from + i) as isize;
                *next += 1;
            }
        }
    }
}
multiversion! {
    fn places[T: Keyed](items: &[T], index: &mut [isize], tally: &Tally<T::Bits>) -> () = places_body::<T>;
}

/// Sorts items of a few values, of which those equal in order are equal in bits; false, and nothing done, where there are more.
pub(super) fn sort<T: Keyed>(items: &mut [T]) -> bool {
    let Some(tally) = tally(Level::current(), items) else { return false };
    let mut rest = items;
    for (value, counts) in tally.values.iter().zip(tally.counts).take(tally.len) {
        let (run, tail) = rest.split_at_mut(counts.iter().sum());
        run.fill(T::from_bits(*value));
        rest = tail;
    }
    true
}

/// Makes an index the stable order of items of a few values; false, and nothing done, where there are more.
pub(super) fn argsort<T: Keyed>(items: &[T], index: &mut [isize]) -> bool {
    let level = Level::current();
    let Some(tally) = tally(level, items) else { return false };
    places(level, items, index, &tally);
    true
}

/// The split of items of a few values around a place; `None` where there are more.
pub(super) fn split<T: Leading>(items: &[T], place: usize) -> Option<Split<T::Lead>> {
    let tally = tally(Level::current(), items)?;
    let mut from = 0;
    for (&key, counts) in tally.values.iter().zip(tally.counts).take(tally.len) {
        let to = from + counts.iter().sum::<usize>();
        if place < to {
            return Some(Split { key, from, to });
        }
        from = to;
    }
    None
}

/// Whether a few of the items, that are looked at, make one hope for few different ones of all.
pub(super) fn may_do<T: Leading>(items: &[T]) -> bool {
    if size_of::<T::Lead>() <= 2 || !pays(items.len()) {
        return false;
    }
    let mut some: [T::Lead; 32] = core::array::from_fn(|i| items[i * items.len() / 32].lead());
    some.sort_unstable();
    are_likely(&some)
}

/// Whether so many items are worth a look.
pub(super) fn pays(n: usize) -> bool {
    n >= 2 * BLOCK
}

/// Whether a sorted sample lets one hope for a few values of all.
pub(super) fn are_likely<K: PartialEq>(sample: &[K]) -> bool {
    let mut different = 1;
    for two in sample.windows(2) {
        different += usize::from(two[0] != two[1]);
    }
    // Of sixteen values sixteen items have ten, as a rule.
    different <= if sample.len() <= MOST { MOST * 5 / 8 } else { MOST }
}
