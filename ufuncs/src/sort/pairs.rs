//! Complex numbers without a NaN, which are ordered by their real parts and, where these are equal, by their imaginary parts.
//!
//! numpy's order looks at NaNs first, which makes a comparison of two numbers eight of parts. Where there are none, real parts
//! are sorted as integers of the same order, and few of them are equal.

use super::keys::{self, Key, Keyed};
use super::split::{self, Leading};
use crate::cpu::{Level, multiversion};
use crate::elem::{Complex32, Complex64};
use crate::order::SortOrd;

/// A complex number whose parts have keys.
pub(super) trait Parts: SortOrd + PartialEq {
    /// The key of a part.
    type Part: Key;
    fn re(self) -> Self::Part;
    fn im(self) -> Self::Part;
    fn has_nan(self) -> bool;
}

macro_rules! parts {
    ($($t:ty, $part:ty;)*) => {$(
        impl Parts for $t {
            type Part = $part;
            #[inline(always)]
            fn re(self) -> $part {
                Keyed::key(self.re)
            }
            #[inline(always)]
            fn im(self) -> $part {
                Keyed::key(self.im)
            }
            #[inline(always)]
            fn has_nan(self) -> bool {
                self.re.is_nan() | self.im.is_nan()
            }
        }
    )*};
}
parts! {
    Complex32, i32;
    Complex64, i64;
}

/// In blocks, within which nothing branches.
fn any_nan<T: Parts>(items: &[T]) -> bool {
    items.chunks(128).any(|part| part.iter().fold(false, |any, x| any | x.has_nan()))
}

/// Stable sort.
pub(super) fn sort<T: Parts + Leading>(items: &mut [T]) {
    if super::ascending(Level::current(), items) {
        return;
    }
    if items.len() <= keys::FEW || any_nan(items) {
        return items.sort_by(|a, b| a.order(*b));
    }
    if by_ranks(Level::current(), items) {
        return;
    }
    let mut index = vec![0; items.len()];
    argsort_present(items, &mut index, true);
    let old = items.to_vec();
    items.iter_mut().zip(index).for_each(|(item, at)| *item = old[at as usize]);
}

/// Items that are sorted by comparing each of them with all, which is quick by vectors and waits for nothing.
const RANKED: usize = 64;

/// Sorts a few items, none of which has a NaN; false, and nothing done, for more of them or if real parts are equal.
#[inline(always)]
fn by_ranks_body<T: Parts + Leading>(items: &mut [T]) -> bool {
    let n = items.len();
    let mut old = [T::ZERO; RANKED];
    let Some(old) = old.get_mut(..n) else { return false };
    old.copy_from_slice(items);
    let (mut keys, mut ranks) = ([T::Lead::default(); RANKED], [T::Lead::default(); RANKED]);
    for (key, item) in keys.iter_mut().zip(&*old) {
        *key = item.lead();
    }
    // (Whole vectors.)
    T::Lead::ranks(&keys[..n.next_multiple_of(16)], &keys[..n], &mut ranks);
    let mut places = 0u64;
    for (item, rank) in old.iter().zip(ranks) {
        // It has itself in front of it.
        let place = rank.low() - 1;
        items[place] = *item;
        places |= 1 << place;
    }
    let all = places.count_ones() as usize == n;
    if !all {
        items.copy_from_slice(old);
    }
    all
}
multiversion! { fn by_ranks[T: Ranked](items: &mut [T]) -> bool = by_ranks_body::<T>; }

/// What [`by_ranks`] sorts.
trait Ranked: Parts + Leading {}
impl<T: Parts + Leading> Ranked for T {}

/// Partition around ascending places.
pub(super) fn partition<T: Parts + Leading>(items: &mut [T], kth: &[usize]) {
    if items.len() <= keys::FEW || any_nan(items) {
        return super::select_each(items, kth, |part, k| {
            part.select_nth_unstable_by(k, |a, b| a.order(*b));
        });
    }
    let mut keys = vec![T::Lead::default(); items.len()];
    let mut old = Vec::new();
    super::select_each(items, kth, |part, k| {
        old.clear();
        old.extend_from_slice(part);
        let keys = &mut keys[..part.len()];
        split::leads(Level::current(), part, keys);
        let split = Key::split_around(keys, k);
        split::distribute(&old, part, &split);
        part[split.from..split.to].select_nth_unstable_by_key(k - split.from, |item| item.im());
    });
}

/// Stable indirect sort of the positions of items in `index`, or of all of them, which are written there.
pub(super) fn argsort<T: Parts + Leading>(items: &[T], index: &mut [isize], all: bool) {
    let item = |at: isize| items[at as usize];
    let few = index.len() <= keys::FEW;
    if !few && !any_nan(items) {
        return argsort_present(items, index, all);
    }
    if all {
        keys::count_up(index);
    }
    if few {
        keys::insert(index, |a, b| item(a).less(item(b)));
    } else {
        index.sort_by(|&a, &b| item(a).order(item(b)));
    }
}

fn argsort_present<T: Parts + Leading>(items: &[T], index: &mut [isize], all: bool) {
    let both = |at: isize| (items[at as usize].re(), items[at as usize].im());
    keys::by_words(items, index, all, false, |run| {
        let item = |at: isize| items[at as usize];
        if run.iter().any(|&at| item(at) != item(run[0])) {
            run.sort_by_key(|&at| both(at));
        }
    });
}

/// Partition of the positions of all items around ascending places.
pub(super) fn argpartition<T: Parts + Leading>(items: &[T], index: &mut [isize], kth: &[usize]) {
    if items.len() <= keys::FEW || any_nan(items) {
        return argsort(items, index, true);
    }
    split::argpartition(items, index, kth, &mut |run, kth| {
        super::select_each(run, kth, |part, k| {
            part.select_nth_unstable_by_key(k, |&at| items[at as usize].im());
        });
    });
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
