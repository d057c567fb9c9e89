//! Indirect partitions: which key comes to a place is found among the keys alone, and then every position goes to the side on
//! which its key belongs. That moves a position once, where partitions of the positions would gather keys again and again.

use core::hint::select_unpredictable;
use core::slice;

use super::few;
use super::keys::{self, Key, Keyed};
use super::pairs::Parts;
use crate::cpu::{Level, multiversion};

/// An item of which a key decides, perhaps not alone.
pub(super) trait Leading: Copy {
    type Lead: Key;
    fn lead(self) -> Self::Lead;
}

impl<T: Keyed> Leading for T {
    type Lead = T::Bits;
    #[inline(always)]
    fn lead(self) -> T::Bits {
        self.key()
    }
}

macro_rules! by_real_part {
    ($($t:ty)*) => {$(
        impl Leading for $t {
            type Lead = <$t as Parts>::Part;
            #[inline(always)]
            fn lead(self) -> Self::Lead {
                self.re()
            }
        }
    )*};
}
by_real_part!(crate::elem::Complex32 crate::elem::Complex64);

/// Items at a time, few enough for the first cache.
const BLOCK: usize = 512;

/// The key of a place, and the places that are its own: what is in front is less, and what is behind is greater.
#[derive(Clone, Copy)]
pub(super) struct Split<K> {
    pub(super) key: K,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl<K: Key> Split<K> {
    /// [`Key::split_around`] by a selection.
    pub(super) fn of_selected(keys: &mut [K], place: usize) -> Split<K> {
        K::select(keys, place);
        let key = keys[place];
        let equal = |keys: &[K]| keys.chunks(BLOCK).map(|part| K::count(part, key)).sum::<usize>();
        Split { key, from: place - equal(&keys[..place]), to: place + equal(&keys[place..]) }
    }
}

#[inline(always)]
fn leads_body<T: Leading>(items: &[T], keys: &mut [T::Lead]) {
    for (key, item) in keys.iter_mut().zip(items) {
        *key = item.lead();
    }
}
multiversion! { pub(super) fn leads[T: Leading](items: &[T], keys: &mut [T::Lead]) -> () = leads_body::<T>; }

/// Where the next position on either side of a split goes, and the next one of its key.
pub(super) struct Places<K> {
    pub(super) split: Split<K>,
    pub(super) less: usize,
    pub(super) equal: usize,
    pub(super) greater: usize,
}

impl<K: Key> Places<K> {
    fn new(split: Split<K>) -> Places<K> {
        Places { split, less: 0, equal: split.from, greater: split.to }
    }

    /// The place of what has a key. Nothing branches on it.
    #[inline(always)]
    pub(super) fn next(&mut self, key: K) -> usize {
        let (less, greater) = (key < self.split.key, key > self.split.key);
        let place =
            select_unpredictable(less, self.less, select_unpredictable(greater, self.greater, self.equal));
        self.less += usize::from(less);
        self.greater += usize::from(greater);
        self.equal += usize::from(!(less | greater));
        place
    }

    /// Brings the positions of keys, from `first` on, to their places.
    #[inline(always)]
    pub(super) fn put(&mut self, keys: &[K], first: isize, index: &mut [isize]) {
        for (key, at) in keys.iter().zip(first..) {
            index[self.next(*key)] = at;
        }
    }
}

#[inline(always)]
fn positions_body<T: Leading>(items: &[T], index: &mut [isize], split: &Split<T::Lead>) {
    let mut places = Places::new(*split);
    let mut keys = [T::Lead::default(); BLOCK];
    let mut first = 0;
    for part in items.chunks(BLOCK) {
        leads_body(part, &mut keys);
        T::Lead::put(&mut places, &keys[..part.len()], first, index);
        first += part.len() as isize;
    }
}
multiversion! {
    fn positions[T: Leading](items: &[T], index: &mut [isize], split: &Split<T::Lead>) -> () = positions_body::<T>;
}

/// Moves items to the places where their side of the split is.
pub(super) fn distribute<T: Leading>(items: &[T], to: &mut [T], split: &Split<T::Lead>) {
    let mut places = Places::new(*split);
    for item in items {
        to[places.next(item.lead())] = *item;
    }
}

/// Partitions the positions of all items around ascending places. `settle` does so with some whose keys are equal.
pub(super) fn argpartition<T: Leading>(
    items: &[T],
    index: &mut [isize],
    kth: &[usize],
    settle: &mut impl FnMut(&mut [isize], &[usize]),
) {
    let kth = &kth[..kth.partition_point(|&k| k < items.len())];
    let Some(&middle) = kth.get(kth.len() / 2) else {
        return keys::count_up(index);
    };
    let few = if few::may_do(items) { few::split(items, middle) } else { None };
    let split = few.unwrap_or_else(|| {
        const {
            assert!(
                size_of::<T::Lead>() <= size_of::<isize>() && align_of::<T::Lead>() <= align_of::<isize>()
            )
        };
        // SAFETY: keys are integers, no larger than positions, which are written when keys are no longer needed.
        let keys = unsafe { slice::from_raw_parts_mut(index.as_mut_ptr().cast::<T::Lead>(), items.len()) };
        leads(Level::current(), items, keys);
        T::Lead::split_around(keys, middle)
    });
    positions(Level::current(), items, index, &split);
    sides(items, index, &split, kth, settle);
}

/// The same with what is on either side of a split.
fn sides<T: Leading>(
    items: &[T],
    index: &mut [isize],
    split: &Split<T::Lead>,
    kth: &[usize],
    settle: &mut impl FnMut(&mut [isize], &[usize]),
) {
    let (less, rest) = kth.split_at(kth.partition_point(|&k| k < split.from));
    let (equal, greater) = rest.split_at(rest.partition_point(|&k| k < split.to));
    let behind = |first: usize, kth: &[usize]| kth.iter().map(|k| k - first).collect::<Vec<_>>();
    if split.to - split.from > 1 && !equal.is_empty() {
        settle(&mut index[split.from..split.to], &behind(split.from, equal));
    }
    part(items, &mut index[..split.from], less, settle);
    part(items, &mut index[split.to..], &behind(split.to, greater), settle);
}

/// The same with some positions.
fn part<T: Leading>(
    items: &[T],
    index: &mut [isize],
    kth: &[usize],
    settle: &mut impl FnMut(&mut [isize], &[usize]),
) {
    let Some(&middle) = kth.get(kth.len() / 2) else { return };
    let old = index.to_vec();
    let key = |at: isize| items[at as usize].lead();
    let split = T::Lead::split_around(&mut old.iter().map(|&at| key(at)).collect::<Vec<_>>(), middle);
    let mut places = Places::new(split);
    for at in old {
        index[places.next(key(at))] = at;
    }
    sides(items, index, &split, kth, settle);
}
