//! Elements as integers of the same order: unsigned ones, which can be counted, up to two bytes, and above signed ones, which are
//! what vector instructions compare.
//!
//! Two maps per type. `bits` is a bijection, so an array can be turned into integers, sorted and turned back; items that
//! are equal in order (`-0.0` and `0.0`, two NaNs) may get different ones. `key` is the same for them, which a stable
//! sort needs.

use core::slice;

use super::vector;
use crate::cpu::Level;
use crate::elem::{Bool, Datetime, Timedelta, f16};
use crate::order::{SortOrd, f16_key};

/// The integers used as keys.
pub(super) trait Key: Copy + Ord + Default {
    /// As an unsigned integer of the same order.
    fn widen(self) -> u64;
    /// Sorts ascending.
    fn sort(keys: &mut [Self]);
    /// Brings the key of a place there, lesser or equal ones before and greater or equal ones behind it.
    fn select(keys: &mut [Self], place: usize) {
        keys.select_nth_unstable(place);
    }
}

impl Key for u8 {
    fn widen(self) -> u64 {
        self.into()
    }
    fn sort(keys: &mut [u8]) {
        if keys.len() < 64 {
            return keys.sort_unstable();
        }
        let mut counts = [0usize; 256];
        for &k in keys.iter() {
            counts[usize::from(k)] += 1;
        }
        let mut rest = keys;
        for (k, count) in (0..=u8::MAX).zip(counts) {
            let (run, tail) = rest.split_at_mut(count);
            run.fill(k);
            rest = tail;
        }
    }
}

impl Key for u16 {
    fn widen(self) -> u64 {
        self.into()
    }
    fn sort(keys: &mut [u16]) {
        // Counting costs a walk over 65536 counters.
        if keys.len() < 1 << 13 {
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

macro_rules! floats {
    ($($t:ty, $u:ty, $k:ty, $least:expr, $inf:expr, |$x:ident| $key:expr;)*) => {$(
        impl Keyed for $t {
            type Bits = $k;
            // Sign and magnitude become one scale; then the NaNs with a sign, which are at its lower end, are rotated to
            // the upper end.
            #[inline(always)]
            fn to_bits(self) -> $k {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                const NEGATIVE_NANS: $u = TOP - 1 - $inf;
                let bits = <$t>::to_bits(self);
                let scale = if bits & TOP != 0 { !bits } else { bits | TOP };
                scale.wrapping_sub(NEGATIVE_NANS) as $k ^ $least
            }
            #[inline(always)]
            fn from_bits(bits: $k) -> $t {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                const NEGATIVE_NANS: $u = TOP - 1 - $inf;
                let scale = ((bits ^ $least) as $u).wrapping_add(NEGATIVE_NANS);
                <$t>::from_bits(if scale & TOP != 0 { scale ^ TOP } else { !scale })
            }
            #[inline(always)]
            fn key(self) -> $k {
                let $x = self;
                $key
            }
        }
    )*};
}
floats! {
    f16, u16, u16, 0, 0x7c00, |x| f16_key(x) as u16 ^ 1 << 15;
    // Adding zero makes zero of minus zero.
    f32, u32, i32, i32::MIN, 0x7f80_0000, |x| if x.is_nan() { i32::MAX } else { Keyed::to_bits(x + 0.0) };
    f64, u64, i64, i64::MIN, 0x7ff0_0000_0000_0000, |x| if x.is_nan() { i64::MAX } else { Keyed::to_bits(x + 0.0) };
}

pub(super) fn sort<K: Key>(keys: &mut [K]) {
    K::sort(keys);
}

pub(super) fn select<K: Key>(keys: &mut [K], place: usize) {
    K::select(keys, place);
}

/// Whether items that are equal in order are equal in bits.
pub(super) fn are_exact<T: Keyed>(items: &[T]) -> bool {
    let differs = |x: &T| x.is_missing() | (x.key() != x.to_bits());
    // In blocks, within which nothing branches.
    !items.chunks(128).any(|part| part.iter().fold(false, |any, x| any | differs(x)))
}

/// Turns the items into keys, runs `f` on them and turns them back.
pub(super) fn in_place<T: Keyed>(items: &mut [T], f: impl FnOnce(&mut [T::Bits])) {
    const { assert!(size_of::<T>() == size_of::<T::Bits>() && align_of::<T>() == align_of::<T::Bits>()) };
    let (p, n) = (items.as_mut_ptr(), items.len());
    // SAFETY: same size and alignment, any bits are valid on both sides, and `items` is not used until the end.
    let keys = unsafe { slice::from_raw_parts_mut(p.cast::<T::Bits>(), n) };
    for k in keys.iter_mut() {
        // SAFETY: as above; the slot still holds an item.
        let item = unsafe { *(k as *const T::Bits as *const T) };
        *k = item.to_bits();
    }
    f(keys);
    for k in keys.iter_mut() {
        let item = T::from_bits(*k);
        // SAFETY: as above.
        unsafe { *(k as *mut T::Bits as *mut T) = item };
    }
}

/// Up to this many positions are sorted where they are.
const FEW: usize = 16;
/// From this many on, a walk over the counters of a byte costs less than comparing.
const MANY: usize = 128;
/// From this many on, so do walks over those of several bytes.
const VERY_MANY: usize = 512;

/// Stable indirect sort, or partition when `kth` is given.
///
/// # Safety
/// All of `index` is below the number of items.
pub(super) unsafe fn argsort<T: Keyed>(items: *const T, index: &mut [isize], kth: Option<&[usize]>) {
    // SAFETY: the caller's promise.
    let key = |at: isize| unsafe { *items.offset(at) }.key().widen();
    if index.len() <= FEW {
        return insert(index, |a, b| key(a) < key(b));
    }
    if size_of::<T>() <= 2 && index.len() >= MANY && kth.is_none() {
        return by_bytes(index, size_of::<T>(), key);
    }
    if size_of::<T>() <= 4 && index.len() <= 1 << 32 {
        // Key and place in `index` share a word, so ties keep their order. Vectors compare signed words.
        let word = |(&at, place): (&isize, u64)| (key(at) << 32 | place) as i64 ^ i64::MIN;
        let of = |word: i64| (word ^ i64::MIN) as u64 >> 32;
        let mut packed: Vec<i64> = index.iter().zip(0..).map(word).collect();
        match kth {
            None if has_many_ties(&packed, of) => packed.sort_by_key(|&word| of(word)),
            None if radix(&mut packed, of) => {}
            None => vector::sort(Level::current(), &mut packed),
            Some(kth) => {
                super::select_each(&mut packed, kth, |part, k| vector::select(Level::current(), part, k));
            }
        }
        return permute(index, packed.iter().map(|&word| word as u32 as usize));
    }
    let layout = Layout::of(index, key);
    if layout.lost == 0 {
        let mut words = layout.words(index, key);
        words.partial = false;
        words.order(kth, |place| key(index[place]));
        return words.permute(index);
    }
    // Keys whose last bits decide are moved whole: settling so many ties costs more.
    let mut pairs: Vec<(u64, usize)> = index.iter().zip(0..).map(|(&at, i)| (key(at), i)).collect();
    match kth {
        None if has_many_ties(&pairs, |pair| pair.0) => pairs.sort_by_key(|pair| pair.0),
        None if radix(&mut pairs, |pair| pair.0) => {}
        None => by_key(&mut pairs),
        Some(kth) => super::select_each(&mut pairs, kth, |part, k| {
            part.select_nth_unstable(k);
        }),
    }
    permute(index, pairs.iter().map(|pair| pair.1));
}

/// Stable sort by the first parts of pairs whose second parts ascend.
fn by_key(pairs: &mut [(u64, usize)]) {
    // Comparing keys only and mending the ties costs less than comparing both parts.
    pairs.sort_unstable_by_key(|pair| pair.0);
    for run in pairs.chunk_by_mut(|a, b| a.0 == b.0) {
        if run.len() > 1 {
            run.sort_unstable_by_key(|pair| pair.1);
        }
    }
}

/// Moves what is at the places to where those stand.
fn permute(index: &mut [isize], places: impl Iterator<Item = usize>) {
    let old = index.to_vec();
    index.iter_mut().zip(places).for_each(|(slot, place)| *slot = old[place]);
}

/// How keys and their places share words: keys are counted from the least one.
struct Layout {
    least: u64,
    /// Bits of a place.
    places: u32,
    /// Bits that keys lose where both take more than a word.
    lost: u32,
}

impl Layout {
    fn of(index: &[isize], key: impl Fn(isize) -> u64) -> Layout {
        let ends = |(a, b): (u64, u64), key: u64| (a.min(key), b.max(key));
        let (least, greatest) = index.iter().map(|&at| key(at)).fold((u64::MAX, 0), ends);
        let bits = |most: u64| u64::BITS - most.leading_zeros();
        let places = bits(index.len() as u64 - 1);
        Layout { least, places, lost: (bits(greatest - least) + places).saturating_sub(u64::BITS) }
    }

    fn words(&self, index: &[isize], key: impl Fn(isize) -> u64) -> Words {
        let Layout { least, places, lost } = *self;
        // Vectors compare signed words.
        let word =
            |(&at, place): (&isize, u64)| ((key(at) - least) >> lost << places | place) as i64 ^ i64::MIN;
        Words { words: index.iter().zip(0..).map(word).collect(), places, partial: true }
    }
}

/// Keys and their places in one word each, so ties keep their order.
pub(super) struct Words {
    words: Vec<i64>,
    /// Bits of a place.
    places: u32,
    /// Whether equal keys leave it open which item comes first.
    partial: bool,
}

impl Words {
    pub(super) fn new(index: &[isize], key: impl Fn(isize) -> u64) -> Words {
        Layout::of(index, &key).words(index, key)
    }

    /// What is left of a key.
    fn key(&self, word: i64) -> u64 {
        (word ^ i64::MIN) as u64 >> self.places
    }

    fn place(&self, word: i64) -> usize {
        (word & ((1 << self.places) - 1)) as usize
    }

    /// Sorts, or partitions around ascending places; `full` is all that the order of a place's item is about.
    pub(super) fn order<F: Ord>(&mut self, kth: Option<&[usize]>, full: impl Fn(usize) -> F) {
        match kth {
            None => self.sort(full),
            Some(kth) => self.select(kth, full),
        }
    }

    fn sort<F: Ord>(&mut self, full: impl Fn(usize) -> F) {
        let mut words = core::mem::take(&mut self.words);
        if has_many_ties(&words, |word| self.key(word)) {
            // Merging what is equal costs next to nothing.
            words.sort_by_key(|&word| self.key(word));
        } else if !radix(&mut words, |word| self.key(word)) {
            vector::sort(Level::current(), &mut words);
        }
        if self.partial {
            for run in words.chunk_by_mut(|a, b| self.key(*a) == self.key(*b)) {
                self.settle(run, &full);
            }
        }
        self.words = words;
    }

    /// Sorts words of one key by what that does not say.
    fn settle<F: Ord>(&self, run: &mut [i64], full: impl Fn(usize) -> F) {
        if let [first, rest @ ..] = &*run
            && let first = full(self.place(*first))
            && rest.iter().any(|word| full(self.place(*word)) != first)
        {
            run.sort_by_key(|&word| full(self.place(word)));
        }
    }

    fn select<F: Ord>(&mut self, kth: &[usize], full: impl Fn(usize) -> F) {
        let mut words = core::mem::take(&mut self.words);
        super::select_each(&mut words, kth, |part, k| vector::select(Level::current(), part, k));
        let (mut settled, count) = (0, words.len());
        for &k in kth.iter().filter(|&&k| k < count) {
            if !self.partial || k < settled {
                continue;
            }
            // Those with the same key are brought next to each other. They are between what is settled and what is greater.
            let key = self.key(words[k]);
            let (mut from, mut to) = (k, k + 1);
            for i in (settled..k).rev() {
                if self.key(words[i]) == key {
                    from -= 1;
                    words.swap(i, from);
                }
            }
            for i in k + 1..count {
                if self.key(words[i]) == key {
                    words.swap(i, to);
                    to += 1;
                }
            }
            words[from..to].sort_unstable();
            self.settle(&mut words[from..to], &full);
            settled = to;
        }
        self.words = words;
    }

    /// Moves what is at the words' places to where the words are.
    pub(super) fn permute(&self, index: &mut [isize]) {
        permute(index, self.words.iter().map(|&word| self.place(word)));
    }
}

/// Whether most of a few items looked at are there twice.
fn has_many_ties<W: Copy, K: Ord + Copy>(words: &[W], key: impl Fn(W) -> K) -> bool {
    const LOOK_AT: usize = 32;
    if words.len() < VERY_MANY {
        return false;
    }
    let mut some: [K; LOOK_AT] = core::array::from_fn(|i| key(words[i * words.len() / LOOK_AT]));
    some.sort_unstable();
    some.windows(2).filter(|two| two[0] == two[1]).count() > LOOK_AT / 2
}

/// Stable sort by the bytes in which keys differ, the least one first; false, and nothing done, where comparing is faster.
fn radix<W: Copy>(words: &mut Vec<W>, key: impl Fn(W) -> u64) -> bool {
    if words.len() < VERY_MANY {
        return false;
    }
    let first = key(words[0]);
    let differ = words.iter().fold(0, |differ, &word| differ | (key(word) ^ first));
    let shifts = (0..64).step_by(8).filter(|shift| differ >> shift & 0xff != 0);
    if shifts.clone().count() > 4 {
        return false;
    }
    let mut other = words.clone();
    for shift in shifts {
        let digit = |word: W| (key(word) >> shift) as usize & 0xff;
        let mut places = places(words.iter().map(|&word| digit(word)));
        for &word in words.iter() {
            let place = &mut places[digit(word)];
            other[*place] = word;
            *place += 1;
        }
        core::mem::swap(words, &mut other);
    }
    true
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
