//! Elements as unsigned integers of the same order.
//!
//! Two maps per type. `bits` is a bijection, so an array can be turned into integers, sorted and turned back; items that
//! are equal in order (`-0.0` and `0.0`, two NaNs) may get different ones. `key` is the same for them, which a stable
//! sort needs.

use core::slice;

use crate::elem::{Bool, Datetime, Timedelta, f16};
use crate::order::{SortOrd, f16_key};

/// The unsigned integers used as keys.
pub(super) trait Key: Copy + Ord + Default {
    fn widen(self) -> u64;
    /// Sorts ascending.
    fn sort(keys: &mut [Self]);
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
            return keys.sort_unstable();
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

impl Key for u32 {
    fn widen(self) -> u64 {
        self.into()
    }
    fn sort(keys: &mut [u32]) {
        keys.sort_unstable();
    }
}

impl Key for u64 {
    fn widen(self) -> u64 {
        self
    }
    fn sort(keys: &mut [u64]) {
        keys.sort_unstable();
    }
}

/// An element with integer keys of its own size.
pub(super) trait Keyed: SortOrd {
    type Bits: Key;
    fn to_bits(self) -> Self::Bits;
    fn from_bits(bits: Self::Bits) -> Self;
    fn key(self) -> Self::Bits;
}

macro_rules! ints {
    ($($t:ty, $u:ty, $flip:expr;)*) => {$(
        impl Keyed for $t {
            type Bits = $u;
            #[inline(always)]
            fn to_bits(self) -> $u {
                self as $u ^ $flip
            }
            #[inline(always)]
            fn from_bits(bits: $u) -> $t {
                (bits ^ $flip) as $t
            }
            #[inline(always)]
            fn key(self) -> $u {
                Keyed::to_bits(self)
            }
        }
    )*};
}
ints! {
    i8, u8, 1 << 7; i16, u16, 1 << 15; i32, u32, 1 << 31; i64, u64, 1 << 63;
    u8, u8, 0; u16, u16, 0; u32, u32, 0; u64, u64, 0;
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
            type Bits = u64;
            // NaT, the least integer, wraps around to the greatest key.
            #[inline(always)]
            fn to_bits(self) -> u64 {
                (self.0 as u64 ^ 1 << 63).wrapping_sub(1)
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> $t {
                $t((bits.wrapping_add(1) ^ 1 << 63) as i64)
            }
            #[inline(always)]
            fn key(self) -> u64 {
                Keyed::to_bits(self)
            }
        }
    )*};
}
dates!(Datetime Timedelta);

macro_rules! floats {
    ($($t:ty, $u:ty, $inf:expr, |$x:ident| $key:expr;)*) => {$(
        impl Keyed for $t {
            type Bits = $u;
            // Sign and magnitude become one scale; then the NaNs with a sign, which are at its lower end, are rotated to
            // the upper end.
            #[inline(always)]
            fn to_bits(self) -> $u {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                const NEGATIVE_NANS: $u = TOP - 1 - $inf;
                let bits = <$t>::to_bits(self);
                let scale = if bits & TOP != 0 { !bits } else { bits | TOP };
                scale.wrapping_sub(NEGATIVE_NANS)
            }
            #[inline(always)]
            fn from_bits(bits: $u) -> $t {
                const TOP: $u = 1 << (<$u>::BITS - 1);
                const NEGATIVE_NANS: $u = TOP - 1 - $inf;
                let scale = bits.wrapping_add(NEGATIVE_NANS);
                <$t>::from_bits(if scale & TOP != 0 { scale ^ TOP } else { !scale })
            }
            #[inline(always)]
            fn key(self) -> $u {
                let $x = self;
                $key
            }
        }
    )*};
}
floats! {
    f16, u16, 0x7c00, |x| f16_key(x) as u16 ^ 1 << 15;
    // Adding zero makes zero of minus zero.
    f32, u32, 0x7f80_0000, |x| if x.is_nan() { u32::MAX } else { Keyed::to_bits(x + 0.0) };
    f64, u64, 0x7ff0_0000_0000_0000, |x| if x.is_nan() { u64::MAX } else { Keyed::to_bits(x + 0.0) };
}

pub(super) fn sort<K: Key>(keys: &mut [K]) {
    K::sort(keys);
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
    // What is sorted is partitioned.
    if size_of::<T>() <= 2 && index.len() >= MANY {
        return by_bytes(index, size_of::<T>(), key);
    }
    if size_of::<T>() <= 4 && index.len() <= 1 << 32 {
        // Key and place in `index` share a word, so ties keep their order.
        let mut packed: Vec<u64> = index.iter().zip(0..).map(|(&at, i)| key(at) << 32 | i).collect();
        match kth {
            None if has_many_ties(&packed, |word| word >> 32) => packed.sort_by_key(|word| word >> 32),
            None if radix(&mut packed, |word| word >> 32) => {}
            None => packed.sort_unstable(),
            Some(kth) => select(&mut packed, kth),
        }
        let old = index.to_vec();
        for (slot, word) in index.iter_mut().zip(packed) {
            *slot = old[word as u32 as usize];
        }
    } else {
        let mut pairs: Vec<(u64, usize)> = index.iter().zip(0..).map(|(&at, i)| (key(at), i)).collect();
        match kth {
            None if !has_many_ties(&pairs, |pair| pair.0) && radix(&mut pairs, |pair| pair.0) => {}
            None => by_key(&mut pairs),
            Some(kth) => select(&mut pairs, kth),
        }
        let old = index.to_vec();
        for (slot, (_, i)) in index.iter_mut().zip(pairs) {
            *slot = old[i];
        }
    }
}

/// Stable sort by the first parts of pairs whose second parts ascend.
pub(super) fn by_key<K: Ord + Copy>(pairs: &mut [(K, usize)]) {
    if has_many_ties(pairs, |pair| pair.0) {
        // Merging what is equal costs next to nothing.
        return pairs.sort_by_key(|pair| pair.0);
    }
    // Comparing keys only and mending the ties costs less than comparing both parts.
    pairs.sort_unstable_by_key(|pair| pair.0);
    for run in pairs.chunk_by_mut(|a, b| a.0 == b.0) {
        if run.len() > 1 {
            run.sort_unstable_by_key(|pair| pair.1);
        }
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

fn select<T: Ord>(pairs: &mut [T], kth: &[usize]) {
    super::select_each(pairs, kth, |part, k| {
        part.select_nth_unstable(k);
    });
}
