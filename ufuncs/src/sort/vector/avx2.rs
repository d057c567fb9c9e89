//! The sort itself. Every `unsafe fn` here wants AVX2 and the bit instructions of such processors; that is what a comment calls
//! the caller's promise.

use core::arch::x86_64::*;
use core::hint::select_unpredictable;
use core::mem::MaybeUninit;
use core::slice;

use crate::sort::few;
use crate::sort::keys::Key;
use crate::sort::split::Places;
use crate::sort::vector::Scalar;

type Vector = __m256i;

/// Vectors that a partition reads at a time.
const STEP: usize = 8;
/// So many items are sorted by a network.
const FEW: usize = 128;
/// So many items are partitioned with half of them put aside.
const ASIDE: usize = 1024;
/// No vector has more items.
const LANES: usize = 8;

/// Numbers that vectors are made of.
pub trait Item: Scalar {
    /// How many a vector has.
    const LANES: usize;
    const MAX: Self;
    unsafe fn splat(self) -> Vector;
    /// So many items, fewer than a vector's, and others behind them.
    unsafe fn load(from: *const Self, count: usize, behind: Vector) -> Vector;
    /// The bits of the lanes in which `a` is greater.
    unsafe fn greater(a: Vector, b: Vector) -> usize;
    /// Lesser and greater of each two.
    unsafe fn ordered(a: Vector, b: Vector) -> (Vector, Vector);
    /// Moves the lanes of these bits behind all others.
    unsafe fn split(v: Vector, bits: usize) -> Vector;
    /// Turns every group of so many lanes around.
    unsafe fn mirror<const GROUP: usize>(v: Vector) -> Vector;
    /// Exchanges the halves of every group of so many lanes, fewer than all.
    unsafe fn exchange<const GROUP: usize>(v: Vector) -> Vector;
    /// Of every group of so many lanes the first half of `a`, the second one of `b`.
    unsafe fn halves<const GROUP: usize>(a: Vector, b: Vector) -> Vector;
    /// Makes columns of as many rows as there are lanes.
    unsafe fn transpose(rows: &mut [Vector]);
}

/// For every set of lanes of so many 32-bit words the order of words that has these lanes behind all others.
const fn splits<const SETS: usize, const WORDS: usize>() -> [[u8; 8]; SETS] {
    let mut table = [[0; 8]; SETS];
    let mut set = 0;
    while set < SETS {
        let (mut to, mut inside) = (0, 0);
        while inside < 2 {
            let mut word = 0;
            while word < 8 {
                if set >> (word / WORDS) & 1 == inside {
                    table[set][to] = word as u8;
                    to += 1;
                }
                word += 1;
            }
            inside += 1;
        }
        set += 1;
    }
    table
}

#[inline(always)]
unsafe fn permute(v: Vector, order: &[u8; 8]) -> Vector {
    // SAFETY: the caller's promise; eight bytes are read.
    unsafe { _mm256_permutevar8x32_epi32(v, _mm256_cvtepu8_epi32(_mm_loadl_epi64(order.as_ptr().cast()))) }
}

#[inline(always)]
unsafe fn load<K: Item>(from: *const K) -> Vector {
    // SAFETY: the caller's promise, and that a vector of items is there.
    unsafe { _mm256_loadu_si256(from.cast()) }
}

#[inline(always)]
unsafe fn store<K: Item>(to: *mut K, v: Vector) {
    // SAFETY: the caller's promise, and that there is room for a vector of items.
    unsafe { _mm256_storeu_si256(to.cast(), v) }
}

// SAFETY of all blocks in both: the caller's promise. Where memory is read it is said besides.
impl Item for i64 {
    const LANES: usize = 4;
    const MAX: i64 = i64::MAX;

    #[inline(always)]
    unsafe fn splat(self) -> Vector {
        // SAFETY: as above.
        unsafe { _mm256_set1_epi64x(self) }
    }
    #[inline(always)]
    unsafe fn load(from: *const i64, count: usize, behind: Vector) -> Vector {
        static MASK: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];
        // SAFETY: as above; four words of eight, the `count` first of which are set, and as many items are read.
        unsafe {
            let mask = _mm256_loadu_si256(MASK.as_ptr().add(4 - count).cast());
            _mm256_blendv_epi8(behind, _mm256_maskload_epi64(from, mask), mask)
        }
    }
    #[inline(always)]
    unsafe fn greater(a: Vector, b: Vector) -> usize {
        // SAFETY: as above.
        unsafe { _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(a, b))) as usize }
    }
    #[inline(always)]
    unsafe fn ordered(a: Vector, b: Vector) -> (Vector, Vector) {
        // SAFETY: as above.
        unsafe {
            let greater = _mm256_cmpgt_epi64(a, b);
            (_mm256_blendv_epi8(a, b, greater), _mm256_blendv_epi8(b, a, greater))
        }
    }
    #[inline(always)]
    unsafe fn split(v: Vector, bits: usize) -> Vector {
        static SPLITS: [[u8; 8]; 16] = splits::<16, 2>();
        // SAFETY: as above; bits of four lanes.
        unsafe { permute(v, SPLITS.get_unchecked(bits)) }
    }
    #[inline(always)]
    unsafe fn mirror<const GROUP: usize>(v: Vector) -> Vector {
        // SAFETY: as above.
        unsafe {
            match GROUP {
                2 => _mm256_shuffle_epi32::<0x4e>(v),
                _ => _mm256_permute4x64_epi64::<0x1b>(v),
            }
        }
    }
    #[inline(always)]
    unsafe fn exchange<const GROUP: usize>(v: Vector) -> Vector {
        // SAFETY: as above.
        unsafe { _mm256_shuffle_epi32::<0x4e>(v) }
    }
    #[inline(always)]
    unsafe fn halves<const GROUP: usize>(a: Vector, b: Vector) -> Vector {
        // SAFETY: as above.
        unsafe {
            match GROUP {
                2 => _mm256_blend_epi32::<0xcc>(a, b),
                _ => _mm256_blend_epi32::<0xf0>(a, b),
            }
        }
    }
    #[inline(always)]
    unsafe fn transpose(r: &mut [Vector]) {
        // SAFETY: as above.
        unsafe {
            let (a, b) = (_mm256_unpacklo_epi64(r[0], r[1]), _mm256_unpackhi_epi64(r[0], r[1]));
            let (c, d) = (_mm256_unpacklo_epi64(r[2], r[3]), _mm256_unpackhi_epi64(r[2], r[3]));
            (r[0], r[2]) = (_mm256_permute2x128_si256::<0x20>(a, c), _mm256_permute2x128_si256::<0x31>(a, c));
            (r[1], r[3]) = (_mm256_permute2x128_si256::<0x20>(b, d), _mm256_permute2x128_si256::<0x31>(b, d));
        }
    }
}

impl Item for i32 {
    const LANES: usize = 8;
    const MAX: i32 = i32::MAX;

    #[inline(always)]
    unsafe fn splat(self) -> Vector {
        // SAFETY: as above.
        unsafe { _mm256_set1_epi32(self) }
    }
    #[inline(always)]
    unsafe fn load(from: *const i32, count: usize, behind: Vector) -> Vector {
        static MASK: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        // SAFETY: as above; eight words of sixteen, the `count` first of which are set, and as many items are read.
        unsafe {
            let mask = _mm256_loadu_si256(MASK.as_ptr().add(8 - count).cast());
            _mm256_blendv_epi8(behind, _mm256_maskload_epi32(from, mask), mask)
        }
    }
    #[inline(always)]
    unsafe fn greater(a: Vector, b: Vector) -> usize {
        // SAFETY: as above.
        unsafe { _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(a, b))) as usize }
    }
    #[inline(always)]
    unsafe fn ordered(a: Vector, b: Vector) -> (Vector, Vector) {
        // SAFETY: as above.
        unsafe { (_mm256_min_epi32(a, b), _mm256_max_epi32(a, b)) }
    }
    #[inline(always)]
    unsafe fn split(v: Vector, bits: usize) -> Vector {
        static SPLITS: [[u8; 8]; 256] = splits::<256, 1>();
        // SAFETY: as above; bits of eight lanes.
        unsafe { permute(v, SPLITS.get_unchecked(bits)) }
    }
    #[inline(always)]
    unsafe fn mirror<const GROUP: usize>(v: Vector) -> Vector {
        // SAFETY: as above.
        unsafe {
            match GROUP {
                2 => _mm256_shuffle_epi32::<0xb1>(v),
                4 => _mm256_shuffle_epi32::<0x1b>(v),
                _ => _mm256_permute4x64_epi64::<0x4e>(_mm256_shuffle_epi32::<0x1b>(v)),
            }
        }
    }
    #[inline(always)]
    unsafe fn exchange<const GROUP: usize>(v: Vector) -> Vector {
        // SAFETY: as above.
        unsafe {
            match GROUP {
                2 => _mm256_shuffle_epi32::<0xb1>(v),
                _ => _mm256_shuffle_epi32::<0x4e>(v),
            }
        }
    }
    #[inline(always)]
    unsafe fn halves<const GROUP: usize>(a: Vector, b: Vector) -> Vector {
        // SAFETY: as above.
        unsafe {
            match GROUP {
                2 => _mm256_blend_epi32::<0xaa>(a, b),
                4 => _mm256_blend_epi32::<0xcc>(a, b),
                _ => _mm256_blend_epi32::<0xf0>(a, b),
            }
        }
    }
    #[inline(always)]
    unsafe fn transpose(r: &mut [Vector]) {
        // SAFETY: as above.
        unsafe {
            for i in 0..4 {
                let (a, b) = (r[2 * i], r[2 * i + 1]);
                (r[2 * i], r[2 * i + 1]) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
            }
            let mut pairs = [r[0]; 8];
            for i in [0, 1, 4, 5] {
                let (a, b) = (r[i], r[i + 2]);
                let to = i / 4 * 4 + i % 4 * 2;
                (pairs[to], pairs[to + 1]) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
            }
            for i in 0..4 {
                r[i] = _mm256_permute2x128_si256::<0x20>(pairs[i], pairs[i + 4]);
                r[i + 4] = _mm256_permute2x128_si256::<0x31>(pairs[i], pairs[i + 4]);
            }
        }
    }
}

/// Floats lie in vectors as integers of their size do. What differs is how they compare.
macro_rules! floats {
    ($($t:ty as $int:ty: $floats:ident $ints:ident $splat:ident $cmp:ident $mask:ident $min:ident $max:ident;)*) => {$(
        // SAFETY of all blocks: the caller's promise.
        impl Item for $t {
            const LANES: usize = <$int as Item>::LANES;
            const MAX: $t = <$t>::INFINITY;

            #[inline(always)]
            unsafe fn splat(self) -> Vector {
                // SAFETY: as above.
                unsafe { $ints($splat(self)) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $t, count: usize, behind: Vector) -> Vector {
                // SAFETY: as above.
                unsafe { <$int as Item>::load(from.cast(), count, behind) }
            }
            #[inline(always)]
            unsafe fn greater(a: Vector, b: Vector) -> usize {
                // SAFETY: as above.
                unsafe { $mask($cmp::<_CMP_GT_OQ>($floats(a), $floats(b))) as usize }
            }
            #[inline(always)]
            unsafe fn ordered(a: Vector, b: Vector) -> (Vector, Vector) {
                // SAFETY: as above.
                unsafe {
                    let (a, b) = ($floats(a), $floats(b));
                    ($ints($min(a, b)), $ints($max(a, b)))
                }
            }
            #[inline(always)]
            unsafe fn split(v: Vector, bits: usize) -> Vector {
                // SAFETY: as above.
                unsafe { <$int as Item>::split(v, bits) }
            }
            #[inline(always)]
            unsafe fn mirror<const GROUP: usize>(v: Vector) -> Vector {
                // SAFETY: as above.
                unsafe { <$int as Item>::mirror::<GROUP>(v) }
            }
            #[inline(always)]
            unsafe fn exchange<const GROUP: usize>(v: Vector) -> Vector {
                // SAFETY: as above.
                unsafe { <$int as Item>::exchange::<GROUP>(v) }
            }
            #[inline(always)]
            unsafe fn halves<const GROUP: usize>(a: Vector, b: Vector) -> Vector {
                // SAFETY: as above.
                unsafe { <$int as Item>::halves::<GROUP>(a, b) }
            }
            #[inline(always)]
            unsafe fn transpose(rows: &mut [Vector]) {
                // SAFETY: as above.
                unsafe { <$int as Item>::transpose(rows) }
            }
        }
    )*};
}
floats! {
    f64 as i64: _mm256_castsi256_pd _mm256_castpd_si256 _mm256_set1_pd _mm256_cmp_pd _mm256_movemask_pd _mm256_min_pd _mm256_max_pd;
}

#[inline(always)]
unsafe fn order<K: Item>(rows: &mut [Vector], i: usize, j: usize) {
    // SAFETY: the caller's promise.
    (rows[i], rows[j]) = unsafe { K::ordered(rows[i], rows[j]) };
}

/// Holds one half of each block of so many rows against the other.
#[inline(always)]
unsafe fn halve<K: Item>(rows: &mut [Vector], block: usize) {
    for rows in rows.chunks_exact_mut(block) {
        for i in 0..block / 2 {
            // SAFETY: the caller's promise.
            unsafe { order::<K>(rows, i, i + block / 2) };
        }
    }
}

/// The same with the second half read backwards.
#[inline(always)]
unsafe fn fold<K: Item>(rows: &mut [Vector], block: usize) {
    for rows in rows.chunks_exact_mut(block) {
        for i in 0..block / 2 {
            // SAFETY: the caller's promise.
            unsafe { order::<K>(rows, i, block - 1 - i) };
        }
    }
}

/// Sorts columns of blocks of rows that rise and then fall, or fall and then rise.
#[inline(always)]
unsafe fn clean<K: Item>(rows: &mut [Vector], block: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        for size in [32, 16] {
            if size <= block {
                halve::<K>(rows, size);
            }
        }
        // Eight rows stay in registers.
        for rows in rows.chunks_exact_mut(block.min(8)) {
            for size in [8, 4, 2] {
                if size <= block {
                    halve::<K>(rows, size);
                }
            }
        }
    }
}

/// Sorts columns.
#[inline(always)]
unsafe fn columns<K: Item>(rows: &mut [Vector]) {
    // SAFETY: the caller's promise.
    unsafe {
        for rows in rows.chunks_exact_mut(rows.len().min(8)) {
            for four in rows.chunks_exact_mut(4) {
                for (i, j) in [(0, 1), (2, 3), (0, 2), (1, 3), (1, 2)] {
                    order::<K>(four, i, j);
                }
            }
            if rows.len() == 8 {
                fold::<K>(rows, 8);
                clean::<K>(rows, 4);
            }
        }
        for block in [16, 32] {
            if block <= rows.len() {
                fold::<K>(rows, block);
                clean::<K>(rows, block / 2);
            }
        }
    }
}

/// Holds the columns of one half of each group against those of the other, all of which are read backwards.
#[inline(always)]
unsafe fn mirror<K: Item, const GROUP: usize>(rows: &mut [Vector]) {
    let last = rows.len() - 1;
    for i in 0..rows.len() / 2 {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = K::ordered(rows[i], K::mirror::<GROUP>(rows[last - i]));
            rows[i] = K::halves::<GROUP>(low, high);
            rows[last - i] = K::mirror::<GROUP>(K::halves::<GROUP>(high, low));
        }
    }
}

/// Holds the columns of one half of each group against those of the other.
#[inline(always)]
unsafe fn beside<K: Item, const GROUP: usize>(rows: &mut [Vector]) {
    for row in rows {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = K::ordered(*row, K::exchange::<GROUP>(*row));
            *row = K::halves::<GROUP>(low, high);
        }
    }
}

/// Sorts `n` items, at most `R` vectors and [`FEW`].
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn network<K: Item, const R: usize>(data: *mut K, n: usize) {
    let whole = n / K::LANES;
    // SAFETY: the caller's promise; the items, and a vector's room for each row.
    unsafe {
        let mut rows = [K::MAX.splat(); R];
        for (i, row) in rows.iter_mut().take(whole).enumerate() {
            *row = load(data.add(i * K::LANES));
        }
        if let Some(row) = rows.get_mut(whole) {
            *row = K::load(data.add(whole * K::LANES), n % K::LANES, K::MAX.splat());
        }
        columns::<K>(&mut rows);
        mirror::<K, 2>(&mut rows);
        clean::<K>(&mut rows, R);
        mirror::<K, 4>(&mut rows);
        beside::<K, 2>(&mut rows);
        clean::<K>(&mut rows, R);
        if K::LANES == 8 {
            mirror::<K, 8>(&mut rows);
            beside::<K, 4>(&mut rows);
            beside::<K, 2>(&mut rows);
            clean::<K>(&mut rows, R);
        }
        let mut room = [const { MaybeUninit::<K>::uninit() }; FEW];
        let room = room.as_mut_ptr().cast::<K>();
        let full = n == R * K::LANES;
        let to = if full { data } else { room };
        for (b, block) in rows.chunks_exact_mut(K::LANES).enumerate() {
            K::transpose(block);
            for (i, row) in block.iter().enumerate() {
                store(to.add(i * R + b * K::LANES), *row);
            }
        }
        if !full {
            copy(room, data, n);
        }
    }
}

/// Copies `n` items, the ones in front before the others.
#[inline(always)]
unsafe fn copy<K: Item>(from: *const K, to: *mut K, n: usize) {
    let whole = n / K::LANES * K::LANES;
    // SAFETY: the caller's promise, and that the items are there and there is room for them.
    unsafe {
        for i in (0..whole).step_by(K::LANES) {
            store(to.add(i), load(from.add(i)));
        }
        for i in whole..n {
            *to.add(i) = *from.add(i);
        }
    }
}

/// Sorts at most [`FEW`] items.
#[inline(always)]
unsafe fn sort_few<K: Item>(data: *mut K, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match n.div_ceil(K::LANES) {
            _ if n <= 4 => K::sort_scalars(slice::from_raw_parts_mut(data, n)),
            0..=4 if K::LANES == 4 => network::<K, 4>(data, n),
            0..=8 => network::<K, 8>(data, n),
            9..=16 => network::<K, 16>(data, n),
            _ => network::<K, 32>(data, n),
        }
    }
}

/// A partition: where the next lesser item goes, and behind which one the next greater one does.
struct Ends<K> {
    pivot: K,
    front: *mut K,
    back: *mut K,
}

impl<K: Item> Ends<K> {
    /// Puts the items of a vector in place, those equal to the pivot in front or behind. Both ends have room for all.
    #[inline(always)]
    unsafe fn vector<const EQUAL_FIRST: bool>(&mut self, v: Vector) {
        // SAFETY: the caller's promise.
        unsafe {
            let pivots = self.pivot.splat();
            let bits = if EQUAL_FIRST {
                K::greater(v, pivots)
            } else {
                K::greater(pivots, v) ^ ((1 << K::LANES) - 1)
            };
            let v = K::split(v, bits);
            let behind = bits.count_ones() as usize;
            store(self.front, v);
            store(self.back.sub(K::LANES), v);
            self.front = self.front.add(K::LANES - behind);
            self.back = self.back.sub(behind);
        }
    }

    /// The same for one item.
    #[inline(always)]
    unsafe fn item<const EQUAL_FIRST: bool>(&mut self, item: K) {
        let behind = if EQUAL_FIRST { item > self.pivot } else { item >= self.pivot };
        // SAFETY: the caller's promise.
        unsafe {
            *self.front = item;
            *self.back.sub(1) = item;
            self.front = self.front.add(usize::from(!behind));
            self.back = self.back.sub(usize::from(behind));
        }
    }
}

/// Moves the items greater than the pivot (or, unless `EQUAL_FIRST`, equal to it) behind all others, whose number is the result.
#[inline(always)]
unsafe fn partition<K: Item, const EQUAL_FIRST: bool>(data: *mut K, n: usize, pivot: K) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        match n {
            ..=ASIDE => partition_aside::<K, EQUAL_FIRST>(data, n, pivot),
            _ => partition_in_place::<K, EQUAL_FIRST>(data, n, pivot),
        }
    }
}

/// [`partition`] of at most [`ASIDE`] items. Those that go behind are collected elsewhere, so what is read next is known.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn partition_aside<K: Item, const EQUAL_FIRST: bool>(data: *mut K, n: usize, pivot: K) -> usize {
    let mut room = [const { MaybeUninit::<K>::uninit() }; ASIDE + LANES];
    let whole = n / K::LANES * K::LANES;
    // SAFETY: the caller's promise. There is as much room in front of what was not read as was read, and in `room` for all and a
    // vector more.
    unsafe {
        let mut ends = Ends { pivot, front: data, back: room.as_mut_ptr().cast::<K>().add(ASIDE + LANES) };
        for i in (0..whole).step_by(K::LANES) {
            ends.vector::<EQUAL_FIRST>(load(data.add(i)));
        }
        for i in whole..n {
            ends.item::<EQUAL_FIRST>(*data.add(i));
        }
        let front = ends.front.offset_from_unsigned(data);
        copy(ends.back, ends.front, n - front);
        front
    }
}

/// [`partition`] of more items. Reads go to the end with less room between what was read and what was written.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn partition_in_place<K: Item, const EQUAL_FIRST: bool>(data: *mut K, n: usize, pivot: K) -> usize {
    let step = STEP * K::LANES;
    // What is in the way at first, a step at both ends, and in the end less than a step in the middle.
    let mut kept = [const { MaybeUninit::<K>::uninit() }; 3 * STEP * LANES];
    let kept = kept.as_mut_ptr().cast::<K>();
    // SAFETY: the caller's promise; there are two steps of items at least. Before a read the ends have room for two steps
    // together, so with the step that is read both of them have it for one.
    unsafe {
        copy(data, kept, step);
        copy(data.add(n - step), kept.add(step), step);
        let (mut from, mut to) = (data.add(step), data.add(n - step));
        let mut ends = Ends { pivot, front: data, back: data.add(n) };
        while to.offset_from_unsigned(from) >= step {
            let left = from.offset_from_unsigned(ends.front) <= ends.back.offset_from_unsigned(to);
            let at = select_unpredictable(left, from, to.sub(step));
            from = from.add(select_unpredictable(left, step, 0));
            to = to.sub(select_unpredictable(left, 0, step));
            let mut vectors = [_mm256_setzero_si256(); STEP];
            for (i, v) in vectors.iter_mut().enumerate() {
                *v = load(at.add(i * K::LANES));
            }
            for v in vectors {
                ends.vector::<EQUAL_FIRST>(v);
            }
        }
        let middle = to.offset_from_unsigned(from);
        copy(from, kept.add(2 * step), middle);
        let mut rest = slice::from_raw_parts(kept, 2 * step + middle);
        // What is left fits exactly. A vector that is written to both ends must not meet itself.
        while rest.len() >= 2 * K::LANES {
            ends.vector::<EQUAL_FIRST>(load(rest.as_ptr()));
            rest = &rest[K::LANES..];
        }
        for item in rest {
            ends.item::<EQUAL_FIRST>(*item);
        }
        ends.front.offset_from_unsigned(data)
    }
}

/// Some of the items in order.
struct Sample<K> {
    items: [K; 64],
    count: usize,
}

impl<K: Item> Sample<K> {
    /// Of `n` items, of which there are more than [`FEW`].
    #[inline(always)]
    unsafe fn new(data: *const K, n: usize) -> Sample<K> {
        let mut items = [K::MAX; 64];
        let count = if n <= 2 * ASIDE { 16 } else { 64 };
        let vectors = count / K::LANES;
        let apart = n / vectors;
        // SAFETY: the caller's promise; vectors in the middle of as many parts.
        unsafe {
            for i in 0..vectors {
                let at = data.add(i * apart + apart / 2 - K::LANES / 2);
                store(items.as_mut_ptr().add(i * K::LANES), load(at));
            }
            sort_few(items.as_mut_ptr(), count);
        }
        Sample { items, count }
    }

    /// What is probably near place `k` of the `n`.
    #[inline(always)]
    fn near(&self, k: usize, n: usize) -> K {
        self.items[(k / (n / self.count)).min(self.count - 1)]
    }

    /// Whether the `n` items probably have a few values.
    #[inline(always)]
    fn has_few(&self, n: usize) -> bool {
        few::pays(n) && few::are_likely(&self.items[..self.count])
    }
}

/// Partitions that may be needed; fair pivots need a third of them.
fn limit(n: usize) -> u32 {
    3 * (usize::BITS - n.leading_zeros())
}

unsafe fn quicksort<K: Item>(mut data: *mut K, mut n: usize, mut depth: u32) {
    // SAFETY: the caller's promise; parts of its items.
    unsafe {
        while n > FEW {
            if depth == 0 {
                return K::sort_scalars(slice::from_raw_parts_mut(data, n));
            }
            depth -= 1;
            let sample = Sample::new(data, n);
            if sample.has_few(n) && few::sort(slice::from_raw_parts_mut(data, n)) {
                return;
            }
            let pivot = sample.near(n / 2, n);
            let mut front = partition::<K, false>(data, n, pivot);
            if front == 0 {
                // None is less, and those equal to it are where they belong.
                front = partition::<K, true>(data, n, pivot);
            } else {
                quicksort(data, front, depth);
            }
            (data, n) = (data.add(front), n - front);
        }
        sort_few(data, n);
    }
}

/// Sorts ascending.
pub unsafe fn sort<K: Item>(items: &mut [K]) {
    // SAFETY: the caller's promise, for items that are borrowed.
    unsafe { quicksort(items.as_mut_ptr(), items.len(), limit(items.len())) }
}

/// Brings the item of a place, which exists, there, lesser or equal ones before and greater or equal ones behind it.
pub unsafe fn select<K: Item>(items: &mut [K], place: usize) {
    let (mut data, mut n, mut k) = (items.as_mut_ptr(), items.len(), place);
    let mut depth = limit(n);
    // SAFETY: the caller's promise, for parts of items that are borrowed.
    unsafe {
        while n > FEW {
            if depth == 0 {
                K::select_scalar(slice::from_raw_parts_mut(data, n), k);
                return;
            }
            depth -= 1;
            let sample = Sample::new(data, n);
            if sample.has_few(n) && few::sort(slice::from_raw_parts_mut(data, n)) {
                return;
            }
            let pivot = sample.near(k, n);
            let mut front = partition::<K, false>(data, n, pivot);
            if front == 0 {
                front = partition::<K, true>(data, n, pivot);
                if k < front {
                    return;
                }
            }
            if k < front {
                n = front;
            } else {
                (data, n, k) = (data.add(front), n - front, k - front);
            }
        }
        sort_few(data, n);
    }
}

/// [`Places::put`]. Vectors of positions are split as keys are, once for every side. What of one does not belong there is
/// written over by the next one.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub unsafe fn put<K: Item + Key>(places: &mut Places<K>, keys: &[K], first: isize, index: &mut [isize]) {
    const ALL: usize = 0b1111;
    let (mut first, end) = (first, index.len());
    let Places { split, mut less, mut equal, mut greater } = *places;
    let vectors = keys.chunks_exact(K::LANES);
    let rest = vectors.remainder();
    let (from, to) = (split.from.min(end), split.to.min(end));
    // SAFETY: the caller's promise; all sides end in the index.
    unsafe {
        let pivots = split.key.splat();
        for keys in vectors {
            let v = load(keys.as_ptr());
            let (mut below, mut above) = (K::greater(pivots, v), K::greater(v, pivots));
            for _ in 0..K::LANES / i64::LANES {
                let positions =
                    _mm256_add_epi64(_mm256_set1_epi64x(first as i64), _mm256_setr_epi64x(0, 1, 2, 3));
                let (bits_below, bits_above) = (below & ALL, above & ALL);
                put_side(index, &mut less, from, positions, bits_below, first);
                put_side(index, &mut equal, to, positions, ALL ^ bits_below ^ bits_above, first);
                put_side(index, &mut greater, end, positions, bits_above, first);
                (below, above) = (below >> i64::LANES, above >> i64::LANES);
                first += i64::LANES as isize;
            }
        }
    }
    (places.less, places.equal, places.greater) = (less, equal, greater);
    places.put(rest, first, index);
}

/// Writes the positions of these bits to a side that ends at `end`, which is in the index or its end.
#[inline(always)]
unsafe fn put_side(
    index: &mut [isize],
    next: &mut usize,
    end: usize,
    positions: Vector,
    bits: usize,
    first: isize,
) {
    if *next + i64::LANES <= end {
        // SAFETY: the caller's promise; there is room.
        unsafe { store(index.as_mut_ptr().add(*next).cast::<i64>(), i64::split(positions, !bits & 0b1111)) };
        *next += bits.count_ones() as usize;
        return;
    }
    // The last ones have no room for others behind them.
    let mut bits = bits;
    while bits != 0 {
        index[*next] = first + bits.trailing_zeros() as isize;
        *next += 1;
        bits &= bits - 1;
    }
}
