//! Elements as integers of the same order: unsigned ones, which can be counted, up to two bytes, and above signed ones, which are
//! what vector instructions compare.
//!
//! Two maps per type. `bits` is a bijection, so an array can be turned into integers, sorted and turned back; items that
//! are equal in order (`-0.0` and `0.0`, two NaNs) may get different ones. `key` is the same for them, which a stable
//! sort needs.

use core::slice;

use super::split::{Leading, Places, Split};
use super::{few, vector};
use crate::cpu::{Level, multiversion};
use crate::elem::{Bool, Datetime, Timedelta, f16};
use crate::order::{SortOrd, f16_key};

/// The integers used as keys.
pub(super) trait Key: Copy + Ord + Default {
    /// As an unsigned integer of the same order.
    fn widen(self) -> u64;
    /// [`Places::put`].
    fn put(places: &mut Places<Self>, keys: &[Self], first: isize, index: &mut [isize]) {
        places.put(keys, first, index);
    }
    /// The low bits.
    fn low(self) -> usize;
    /// How many keys are equal to one.
    fn count(keys: &[Self], one: Self) -> usize;
    /// For every key the number of values, at most 127, that are not greater.
    fn ranks(keys: &[Self], values: &[Self], ranks: &mut [Self]);
    /// Sorts ascending.
    fn sort(keys: &mut [Self]);
    /// Brings the key of a place there, lesser or equal ones before and greater or equal ones behind it.
    fn select(keys: &mut [Self], place: usize);
    /// The key that sorting would bring to a place, with the places that are its own. Leaves the keys in any order.
    fn split_around(keys: &mut [Self], place: usize) -> Split<Self> {
        Split::of_selected(keys, place)
    }
}

/// What vectors are made of as it stands, for all types of keys.
macro_rules! counted {
    ($sum:ty) => {
        #[inline(always)]
        fn low(self) -> usize {
            self as usize
        }
        #[inline(always)]
        fn count(keys: &[Self], one: Self) -> usize {
            let mut count: $sum = 0;
            for &key in keys {
                count += (key == one) as $sum;
            }
            count as usize
        }
        #[inline(always)]
        fn ranks(keys: &[Self], values: &[Self], ranks: &mut [Self]) {
            let ranks = &mut ranks[..keys.len()];
            ranks.fill(0);
            for &value in values {
                for (rank, &key) in ranks.iter_mut().zip(keys) {
                    *rank += (key >= value) as Self;
                }
            }
        }
    };
}

/// From this many keys of two bytes on, a walk over 65536 counters is worth while.
const COUNTED: usize = 1 << 13;

impl Key for u8 {
    counted!(u32);
    fn select(keys: &mut [u8], _place: usize) {
        // Counting takes a pass, and what is sorted is partitioned.
        Key::sort(keys);
    }
    fn widen(self) -> u64 {
        self.into()
    }
    fn split_around(keys: &mut [u8], place: usize) -> Split<u8> {
        if keys.len() < 64 {
            return Split::of_selected(keys, place);
        }
        let mut split = Split { key: 0, from: 0, to: 0 };
        for (key, count) in (0..=u8::MAX).zip(byte_counts(keys)) {
            split = Split { key, from: split.to, to: split.to + count };
            if place < split.to {
                break;
            }
        }
        split
    }
    fn sort(keys: &mut [u8]) {
        if keys.len() < 64 {
            return keys.sort_unstable();
        }
        let counts = byte_counts(keys);
        let mut rest = keys;
        for (k, count) in (0..=u8::MAX).zip(counts) {
            let (run, tail) = rest.split_at_mut(count);
            run.fill(k);
            rest = tail;
        }
    }
}

/// How many keys have each value.
fn byte_counts(keys: &[u8]) -> [usize; 256] {
    if keys.len() < 512 {
        return byte_counts_in::<1>(keys);
    }
    let mut counts = [0; 256];
    // Counters of half a word take half the time to clear and to add up.
    for part in keys.chunks(1 << 30) {
        let of_part = byte_counts_in::<4>(part);
        counts.iter_mut().zip(of_part).for_each(|(count, more)| *count += more);
    }
    counts
}

/// Fewer than 2^32 keys, counted in so many tables in turn: a counter waits for itself where keys are alike.
fn byte_counts_in<const TABLES: usize>(keys: &[u8]) -> [usize; 256] {
    let mut tables = [[0u32; 256]; TABLES];
    let (groups, rest) = keys.as_chunks::<TABLES>();
    for group in groups {
        for (table, &key) in tables.iter_mut().zip(group) {
            table[usize::from(key)] += 1;
        }
    }
    for &key in rest {
        tables[0][usize::from(key)] += 1;
    }
    core::array::from_fn(|key| tables.iter().map(|table| table[key] as usize).sum())
}

impl Key for u16 {
    counted!(u32);
    fn select(keys: &mut [u16], place: usize) {
        if keys.len() < COUNTED {
            let mut wide: Vec<i32> = keys.iter().map(|&k| k.into()).collect();
            Key::select(&mut wide, place);
            return keys.iter_mut().zip(wide).for_each(|(k, wide)| *k = wide as u16);
        }
        Key::sort(keys);
    }
    fn widen(self) -> u64 {
        self.into()
    }
    fn sort(keys: &mut [u16]) {
        if keys.len() < COUNTED {
            let mut wide: Vec<i32> = keys.iter().map(|&k| k.into()).collect();
            Key::sort(&mut wide);
            return keys.iter_mut().zip(wide).for_each(|(k, wide)| *k = wide as u16);
        }
        let mut counts = vec![0usize; 1 << 16];
        for &k in keys.iter() {
            counts[usize::from(k)] += 1;
        }
        let mut rest = keys;
        for (k, count) in (0..=u16::MAX).zip(counts) {
            let (run, tail) = rest.split_at_mut(count);
            run.fill(k);
            rest = tail;
        }
    }
}

macro_rules! by_vectors {
    ($($t:ty, $u:ty;)*) => {$(
        impl Key for $t {
            counted!($t);
            #[inline(always)]
            fn widen(self) -> u64 {
                u64::from(self as $u ^ 1 << (<$u>::BITS - 1))
            }
            fn sort(keys: &mut [$t]) {
                vector::sort(Level::current(), keys);
            }
            fn select(keys: &mut [$t], place: usize) {
                vector::select(Level::current(), keys, place);
            }
            fn put(places: &mut Places<$t>, keys: &[$t], first: isize, index: &mut [isize]) {
                vector::put(Level::current(), places, keys, first, index);
            }
        }
    )*};
}
by_vectors! {
    i32, u32;
    i64, u64;
}

/// An element with integer keys of its own size.
pub(super) trait Keyed: SortOrd {
    type Bits: Key;
    fn to_bits(self) -> Self::Bits;
    fn from_bits(bits: Self::Bits) -> Self;
    fn key(self) -> Self::Bits;
    /// Sorts items that are [exact](are_exact), where vectors compare them as they are; false, and nothing done, for others.
    fn sort_as_is(_items: &mut [Self]) -> bool {
        false
    }
}

macro_rules! ints {
    ($($t:ty, $k:ty, $flip:expr;)*) => {$(
        impl Keyed for $t {
            type Bits = $k;
            #[inline(always)]
            fn to_bits(self) -> $k {
                self as $k ^ $flip
            }
            #[inline(always)]
            fn from_bits(bits: $k) -> $t {
                (bits ^ $flip) as $t
            }
            #[inline(always)]
            fn key(self) -> $k {
                Keyed::to_bits(self)
            }
        }
    )*};
}
ints! {
    i8, u8, 1 << 7; i16, u16, 1 << 15; i32, i32, 0; i64, i64, 0;
    u8, u8, 0; u16, u16, 0; u32, i32, i32::MIN; u64, i64, i64::MIN;
}

impl Keyed for Bool {
    type Bits = u8;
    #[inline(always)]
    fn to_bits(self) -> u8 {
        self.0
    }
    #[inline(always)]
    fn from_bits(bits: u8) -> Bool {
        Bool(bits)
    }
    #[inline(always)]
    fn key(self) -> u8 {
        self.0
    }
}

macro_rules! dates {
    ($($t:ident)*) => {$(
        impl Keyed for $t {
            type Bits = i64;
            // NaT, the least integer, wraps around to the greatest key.
            #[inline(always)]
            fn to_bits(self) -> i64 {
                self.0.wrapping_sub(1)
            }
            #[inline(always)]
            fn from_bits(bits: i64) -> $t {
                $t(bits.wrapping_add(1))
            }
            #[inline(always)]
            fn key(self) -> i64 {
                Keyed::to_bits(self)
            }
        }
    )*};
}
dates!(Datetime Timedelta);

/// Sign and magnitude as a number with its complement for a sign, and back.
trait Turn {
    type Bits;
    fn turn(bits: Self::Bits) -> Self::Bits;
}

macro_rules! floats {
    ($($t:ty, $u:ty, $s:ty, $k:ty, $least:expr, $inf:expr, |$x:ident| $key:expr, $sort_as_is:expr;)*) => {$(
        impl Turn for $t {
            type Bits = $u;
            #[inline(always)]
            fn turn(bits: $u) -> $u {
                bits ^ ((bits as $s >> (<$u>::BITS - 1)) as $u >> 1)
            }
        }
        impl Keyed for $t {
            type Bits = $k;
            // Sign and magnitude become one scale; then the NaNs with a sign, which are at its lower end, are rotated to
            // the upper end.
            #[inline(always)]
            fn to_bits(self) -> $k {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                const NEGATIVE_NANS: $u = TOP - 1 - $inf;
                (Self::turn(<$t>::to_bits(self)).wrapping_sub(NEGATIVE_NANS) ^ TOP) as $k ^ $least
            }
            #[inline(always)]
            fn from_bits(bits: $k) -> $t {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                const NEGATIVE_NANS: $u = TOP - 1 - $inf;
                <$t>::from_bits(Self::turn(((bits ^ $least) as $u ^ TOP).wrapping_add(NEGATIVE_NANS)))
            }
            #[inline(always)]
            fn key(self) -> $k {
                let $x = self;
                $key
            }
            fn sort_as_is(items: &mut [$t]) -> bool {
                $sort_as_is(items)
            }
        }
    )*};
}
floats! {
    f16, u16, i16, u16, 0, 0x7c00, |x| f16_key(x) as u16 ^ 1 << 15, |_| false;
    // Adding zero makes zero of minus zero.
    f32, u32, i32, i32, i32::MIN, 0x7f80_0000, |x| if x.is_nan() { i32::MAX } else { Keyed::to_bits(x + 0.0) },
        stand_sorted;
    f64, u64, i64, i64, i64::MIN, 0x7ff0_0000_0000_0000, |x| if x.is_nan() { i64::MAX } else { Keyed::to_bits(x + 0.0) },
        sort_floats;
}

/// Vectors have minima and maxima of integers as long as `f32`, which take no longer, so nothing is gained but what ascends.
fn stand_sorted(items: &mut [f32]) -> bool {
    let level = Level::current();
    exact(level, items) && super::ascending(level, items)
}

/// Of longer ones there are none below AVX-512, but those of `f64`.
fn sort_floats(items: &mut [f64]) -> bool {
    let level = Level::current();
    if !exact(level, items) {
        return false;
    }
    if !super::ascending(level, items) {
        vector::sort(level, items);
    }
    true
}

pub(super) fn sort<K: Key>(keys: &mut [K]) {
    K::sort(keys);
}

pub(super) fn select<K: Key>(keys: &mut [K], place: usize) {
    K::select(keys, place);
}

/// Whether items that are equal in order are equal in bits.
pub(super) fn are_exact<T: Keyed>(items: &[T]) -> bool {
    exact(Level::current(), items)
}
#[inline(always)]
fn exact_body<T: Keyed>(items: &[T]) -> bool {
    // In blocks, within which nothing branches.
    for part in items.chunks(128) {
        let mut any = false;
        for x in part {
            any |= x.is_missing() | (x.key() != x.to_bits());
        }
        if any {
            return false;
        }
    }
    true
}
multiversion! { fn exact[T: Keyed](items: &[T]) -> bool = exact_body::<T>; }

#[inline(always)]
fn to_keys_body<T: Keyed>(keys: &mut [T::Bits]) {
    const { assert!(size_of::<T>() == size_of::<T::Bits>() && align_of::<T>() == align_of::<T::Bits>()) };
    for k in keys {
        // SAFETY: same size and alignment; the caller has items here, whose bits are keys, too.
        let item = unsafe { *(k as *const T::Bits as *const T) };
        *k = item.to_bits();
    }
}
multiversion! { fn to_keys[T: Keyed](keys: &mut [T::Bits]) -> () = to_keys_body::<T>; }

#[inline(always)]
fn from_keys_body<T: Keyed>(keys: &mut [T::Bits]) {
    for k in keys {
        let item = T::from_bits(*k);
        // SAFETY: same size and alignment, and the bits of items are keys, too.
        unsafe { *(k as *mut T::Bits as *mut T) = item };
    }
}
multiversion! { fn from_keys[T: Keyed](keys: &mut [T::Bits]) -> () = from_keys_body::<T>; }

/// Turns the items into keys, runs `f` on them and turns them back.
pub(super) fn in_place<T: Keyed>(items: &mut [T], f: impl FnOnce(&mut [T::Bits])) {
    let (p, n) = (items.as_mut_ptr(), items.len());
    // SAFETY: same size and alignment (`to_keys` asserts it), any bits are valid on both sides, and `items` is not used until
    // the end.
    let keys = unsafe { slice::from_raw_parts_mut(p.cast::<T::Bits>(), n) };
    to_keys::<T>(Level::current(), keys);
    f(keys);
    from_keys::<T>(Level::current(), keys);
}

/// Up to this many positions are sorted where they are.
pub(super) const FEW: usize = 16;
/// From this many on, a walk over the counters of a byte costs less than comparing.
const MANY: usize = 128;

/// Stable indirect sort of the positions of items in `index`, or of all of them, which are written there.
pub(super) fn argsort<T: Keyed>(items: &[T], index: &mut [isize], all: bool) {
    let key = |at: isize| items[at as usize].key();
    let n = index.len();
    if all && few::may_do(items) && few::argsort(items, index) {
        return;
    }
    if n > FEW && (size_of::<T>() > 2 || n < MANY) {
        return by_words(items, index, all, true, |run| {
            // The keys of a run differ in the bits only that words have no room for, so this comes to an end.
            if run.iter().any(|&at| key(at) != key(run[0])) {
                argsort(items, run, false);
            }
        });
    }
    if all {
        count_up(index);
    }
    if n <= FEW {
        insert(index, |a, b| key(a) < key(b));
    } else {
        by_bytes(index, size_of::<T>(), |at| key(at).widen());
    }
}

/// Makes an index that of all items in order.
pub(super) fn count_up(index: &mut [isize]) {
    index.iter_mut().zip(0..).for_each(|(at, i)| *at = i);
}

/// Stable sort of the positions of items in `index`, or of all of them, which are written there, by what leads. Keys and places
/// share words, so ties keep their order; where both are too long for one, keys lose bits. `settle` sorts those positions
/// again that have equal ones then, or (unless `exact`) before.
pub(super) fn by_words<T: Leading>(
    items: &[T],
    index: &mut [isize],
    all: bool,
    exact: bool,
    settle: impl FnMut(&mut [isize]),
) {
    let level = Level::current();
    let mut old = Vec::new();
    if all {
        signed_keys(level, items, index);
    } else {
        old.extend_from_slice(index);
        for key in index.iter_mut() {
            *key = signed(items[*key as usize].lead());
        }
    }
    let layout = pack(level, index);
    vector::sort(level, words(index));
    if exact && layout.lost == 0 || !has_ties(level, index, layout.places) {
        layout.unpack(index, &old);
    } else {
        layout.settle(index, &old, settle);
    }
}

/// A key as vectors compare it.
#[inline(always)]
fn signed<K: Key>(key: K) -> isize {
    key.widen() as isize ^ isize::MIN
}

#[inline(always)]
fn signed_keys_body<T: Leading>(items: &[T], keys: &mut [isize]) {
    for (key, item) in keys.iter_mut().zip(items) {
        *key = signed(item.lead());
    }
}
multiversion! { fn signed_keys[T: Leading](items: &[T], keys: &mut [isize]) -> () = signed_keys_body::<T>; }

/// Makes words of keys.
#[inline(always)]
fn pack_body(keys: &mut [isize]) -> Layout {
    let (mut least, mut greatest) = (isize::MAX, isize::MIN);
    for &key in keys.iter() {
        least = least.min(key);
        greatest = greatest.max(key);
    }
    let bits = |most: usize| usize::BITS - most.leading_zeros();
    let places = bits(keys.len() - 1);
    let lost = (bits(greatest.wrapping_sub(least) as usize) + places).saturating_sub(usize::BITS);
    for (place, key) in (0..).zip(keys) {
        let from_least = key.wrapping_sub(least) as usize;
        *key = (from_least >> lost << places | place) as isize ^ isize::MIN;
    }
    Layout { places, lost }
}
multiversion! { fn pack[](keys: &mut [isize]) -> Layout = pack_body; }

#[inline(always)]
fn has_ties_body(words: &[isize], places: u32) -> bool {
    let mut any = false;
    for (&a, &b) in words.iter().zip(&words[1..]) {
        any |= (a ^ b) as usize >> places == 0;
    }
    any
}
multiversion! { fn has_ties[](words: &[isize], places: u32) -> bool = has_ties_body; }

/// An index as what vectors are made of.
fn words(index: &mut [isize]) -> &mut [i64] {
    const { assert!(size_of::<isize>() == size_of::<i64>() && align_of::<isize>() == align_of::<i64>()) };
    // SAFETY: both are integers of one size.
    unsafe { &mut *(index as *mut [isize] as *mut [i64]) }
}

/// How keys and their places share words. (Keys are counted from the least one.)
struct Layout {
    /// Bits of a place.
    places: u32,
    /// Bits that keys lose where both take more than a word.
    lost: u32,
}

impl Layout {
    /// The position at a word's place, or in `old` there, unless that is empty.
    #[inline(always)]
    fn position(&self, word: isize, old: &[isize]) -> isize {
        let place = word & ((1 << self.places) - 1);
        if old.is_empty() { place } else { old[place as usize] }
    }

    /// Makes words positions.
    fn unpack(&self, index: &mut [isize], old: &[isize]) {
        index.iter_mut().for_each(|word| *word = self.position(*word, old));
    }

    /// The same, and has all settled that have one key.
    fn settle(&self, index: &mut [isize], old: &[isize], mut settle: impl FnMut(&mut [isize])) {
        let mut from = 0;
        while from < index.len() {
            let key = index[from] >> self.places;
            let mut to = from;
            while to < index.len() && index[to] >> self.places == key {
                index[to] = self.position(index[to], old);
                to += 1;
            }
            if to - from > 1 {
                settle(&mut index[from..to]);
            }
            from = to;
        }
    }
}

/// Where the first item with each digit goes.
fn places(digits: impl Iterator<Item = usize>) -> [usize; 256] {
    let mut places = [0usize; 256];
    digits.for_each(|digit| places[digit] += 1);
    let mut sum = 0;
    for place in &mut places {
        sum += core::mem::replace(place, sum);
    }
    places
}

/// Stable sort of a few positions by insertion.
pub(super) fn insert(index: &mut [isize], less: impl Fn(isize, isize) -> bool) {
    for i in 1..index.len() {
        let at = index[i];
        let mut j = i;
        while j > 0 && less(at, index[j - 1]) {
            index[j] = index[j - 1];
            j -= 1;
        }
        index[j] = at;
    }
}

/// Stable sort of positions by their keys' low bytes, the least one first, by counting.
fn by_bytes(index: &mut [isize], bytes: usize, key: impl Fn(isize) -> u64) {
    let mut old = index.to_vec();
    for byte in 0..bytes {
        let digit = |at: isize| (key(at) >> (8 * byte)) as usize & 0xff;
        let mut places = places(old.iter().map(|&at| digit(at)));
        for &at in &old {
            let place = &mut places[digit(at)];
            index[*place] = at;
            *place += 1;
        }
        if byte + 1 < bytes {
            old.copy_from_slice(index);
        }
    }
}
