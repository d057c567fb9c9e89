//! Many short lanes at once, by a sorting network.
//!
//! Which items a network compares does not depend on what they are, so lanes take all steps together: a vector holds one item
//! of each of them, and a step is a minimum and a maximum. What sorting a short lane by itself costs is branches, and here
//! are none. AVX-512 has minima of all widths, AVX2 compares where it has none; elsewhere lanes are sorted one by one.
//!
//! Every step puts the lesser item in front. So a network for more items does for fewer: what is compared with an item
//! that is not there stays.

use crate::typenum::TypeNum;

/// Sorts lanes in place.
///
/// # Safety
/// Item `i` of lane `k` is at `data + i * step + k * next`: native, of any alignment, used by nobody else.
pub type SortLanesFn = unsafe fn(data: *mut u8, n: usize, step: isize, lanes: usize, next: isize);

/// Bytes of a row of items, one of every lane, where vectors are widest.
const ROW: usize = 64;
/// Lanes of so few items cost next to nothing, however few they are.
const FEW: usize = 16;

/// Whether sorting so many lanes of `n` items of `size` bytes together costs less than one by one: a row that is not full
/// takes as long as a full one.
pub fn are_enough(n: usize, size: usize, lanes: usize) -> bool {
    n <= FEW || lanes * size >= ROW / 2
}

/// What sorts lanes of `n` items of a type together, where that is worth while. `stable`: what is equal and not the same stays
/// in order.
pub fn sort_lanes_fn(t: TypeNum, stable: bool, n: usize) -> Option<SortLanesFn> {
    #[cfg(target_arch = "x86_64")]
    match crate::cpu::Level::current().kind() {
        crate::cpu::Kind::Avx512 => return x86::sort_lanes_fn::<x86::Avx512>(t, stable, n),
        crate::cpu::Kind::Avx2 => return x86::sort_lanes_fn::<x86::Avx2>(t, stable, n),
        crate::cpu::Kind::Baseline => {}
    }
    let _ = (t, stable, n);
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;
    use core::slice;

    use super::SortLanesFn;
    use crate::elem::{Bool, Datetime, Timedelta, f16};
    use crate::sort::keys::{Key, Keyed};
    use crate::typenum::TypeNum;

    /// Of single bytes there are few enough values to count these in longer lanes.
    const COUNTED: usize = 1024;

    /// Instructions for vectors of a width.
    pub(super) trait Wide: Sized {
        /// A row of items, of which all bits are some.
        type Row: Copy;
        /// Lanes of more items than this, whose rows leave the cache or take too many steps, are sorted one by one.
        fn most(size: usize) -> usize;
        /// [`sort_part_body`] compiled for these instructions.
        ///
        /// # Safety
        /// The processor has them, and as for [`SortLanesFn`].
        unsafe fn sort_part<T: Keyed<Bits: Ordered<Self>>>(
            data: *mut u8,
            step: isize,
            next: isize,
            lanes: usize,
            rows: &mut [Self::Row],
        );
    }

    /// Keys with minima and maxima.
    pub(super) trait Ordered<W: Wide>: Key {
        /// Lesser and greater of each two.
        ///
        /// # Safety
        /// The processor has the instructions.
        unsafe fn order(a: W::Row, b: W::Row) -> (W::Row, W::Row);
    }

    macro_rules! wide {
        ($($name:ident, $row:ty, $features:literal, |$size:ident| $most:expr, { $($t:ty, $min:ident, $max:ident;)* })*) => {$(
            pub(super) enum $name {}

            impl Wide for $name {
                type Row = $row;
                fn most($size: usize) -> usize {
                    $most
                }
                #[target_feature(enable = $features)]
                unsafe fn sort_part<T: Keyed<Bits: Ordered<Self>>>(
                    data: *mut u8,
                    step: isize,
                    next: isize,
                    lanes: usize,
                    rows: &mut [$row],
                ) {
                    // SAFETY: the caller's promise.
                    unsafe { sort_part_body::<T, Self>(data, step, next, lanes, rows) }
                }
            }

            $(
                impl Ordered<$name> for $t {
                    #[inline(always)]
                    unsafe fn order(a: $row, b: $row) -> ($row, $row) {
                        // SAFETY: the caller's promise.
                        unsafe { ($min(a, b), $max(a, b)) }
                    }
                }
            )*
        )*};
    }
    wide! {
        Avx512, __m512i, "avx512f,avx512cd,avx512dq,avx512vl,avx512bw,avx2,fma,f16c,bmi1,bmi2,lzcnt", |_size| 4096, {
            u8, _mm512_min_epu8, _mm512_max_epu8;
            u16, _mm512_min_epu16, _mm512_max_epu16;
            i32, _mm512_min_epi32, _mm512_max_epi32;
            i64, _mm512_min_epi64, _mm512_max_epi64;
        }
        Avx2, __m256i, "avx2,fma,f16c,bmi1,bmi2,lzcnt", |size| 8192 / size, {
            u8, _mm256_min_epu8, _mm256_max_epu8;
            u16, _mm256_min_epu16, _mm256_max_epu16;
            i32, _mm256_min_epi32, _mm256_max_epi32;
        }
    }

    impl Ordered<Avx2> for i64 {
        #[inline(always)]
        unsafe fn order(a: __m256i, b: __m256i) -> (__m256i, __m256i) {
            // SAFETY: the caller's promise.
            unsafe {
                let greater = _mm256_cmpgt_epi64(a, b);
                (_mm256_blendv_epi8(a, b, greater), _mm256_blendv_epi8(b, a, greater))
            }
        }
    }

    pub(super) fn sort_lanes_fn<W: Wide>(t: TypeNum, stable: bool, n: usize) -> Option<SortLanesFn>
    where
        u8: Ordered<W>,
        u16: Ordered<W>,
        i32: Ordered<W>,
        i64: Ordered<W>,
    {
        // Those of no size of their own have no keys.
        Some(match t {
            _ if n < 2 || t.size() == 0 || n > W::most(t.size()) => return None,
            TypeNum::BOOL | TypeNum::BYTE | TypeNum::UBYTE if n > COUNTED => return None,
            TypeNum::BOOL => sort_lanes::<Bool, W>,
            TypeNum::BYTE => sort_lanes::<i8, W>,
            TypeNum::UBYTE => sort_lanes::<u8, W>,
            TypeNum::SHORT => sort_lanes::<i16, W>,
            TypeNum::USHORT => sort_lanes::<u16, W>,
            TypeNum::INT => sort_lanes::<i32, W>,
            TypeNum::UINT => sort_lanes::<u32, W>,
            TypeNum::LONG | TypeNum::LONGLONG => sort_lanes::<i64, W>,
            TypeNum::ULONG | TypeNum::ULONGLONG => sort_lanes::<u64, W>,
            TypeNum::DATETIME => sort_lanes::<Datetime, W>,
            TypeNum::TIMEDELTA => sort_lanes::<Timedelta, W>,
            TypeNum::HALF if !stable => sort_lanes::<f16, W>,
            TypeNum::FLOAT if !stable => sort_lanes::<f32, W>,
            TypeNum::DOUBLE if !stable => sort_lanes::<f64, W>,
            _ => return None,
        })
    }

    unsafe fn sort_lanes<T: Keyed<Bits: Ordered<W>>, W: Wide>(
        data: *mut u8,
        n: usize,
        step: isize,
        lanes: usize,
        next: isize,
    ) {
        // SAFETY: whoever got this function found the instructions; the caller's promise for the items. Zero is a vector.
        unsafe {
            let mut rows: Vec<W::Row> = vec![core::mem::zeroed(); n];
            for first in (0..lanes).step_by(size_of::<W::Row>() / size_of::<T>()) {
                let data = data.wrapping_offset(first as isize * next);
                W::sort_part::<T>(data, step, next, lanes - first, &mut rows);
            }
        }
    }

    /// Sorts as many lanes as fit a row.
    ///
    /// # Safety
    /// As for [`Wide::sort_part`].
    #[inline(always)]
    unsafe fn sort_part_body<T: Keyed<Bits: Ordered<W>>, W: Wide>(
        data: *mut u8,
        step: isize,
        next: isize,
        lanes: usize,
        rows: &mut [W::Row],
    ) {
        // SAFETY: the addresses of items, of any alignment.
        unsafe {
            each::<T, T::Bits, W>(data, step, next, lanes, rows, |item: *mut T, key: &mut T::Bits| {
                *key = item.read_unaligned().to_bits();
            });
            network::<T::Bits, W>(rows);
            each::<T, T::Bits, W>(data, step, next, lanes, rows, |item: *mut T, key: &mut T::Bits| {
                item.write_unaligned(T::from_bits(*key));
            });
        }
    }

    /// Calls `f` with the address of every item and its key.
    #[inline(always)]
    fn each<T, K: Key, W: Wide>(
        data: *mut u8,
        step: isize,
        next: isize,
        lanes: usize,
        rows: &mut [W::Row],
        f: impl Fn(*mut T, &mut K),
    ) {
        let width = size_of::<W::Row>() / size_of::<K>();
        for (i, row) in (0..).zip(rows) {
            // SAFETY: a vector is its keys, of which any bits are one.
            let keys = unsafe { slice::from_raw_parts_mut((&raw mut *row).cast::<K>(), width) };
            let at = data.wrapping_offset(i * step);
            if lanes >= width && next == size_of::<T>() as isize {
                // Side by side, so these become vectors.
                for (k, key) in keys.iter_mut().enumerate() {
                    f(at.cast::<T>().wrapping_add(k), key);
                }
            } else {
                for (k, key) in (0..lanes as isize).zip(keys) {
                    f(at.wrapping_offset(k * next).cast(), key);
                }
            }
        }
    }

    /// A network for eight items in registers.
    const EIGHT: [(usize, usize); 19] = [
        (0, 2),
        (1, 3),
        (4, 6),
        (5, 7),
        (0, 4),
        (1, 5),
        (2, 6),
        (3, 7),
        (0, 1),
        (2, 3), //
        (4, 5),
        (6, 7),
        (2, 4),
        (3, 5),
        (1, 4),
        (3, 6),
        (1, 2),
        (3, 4),
        (5, 6),
    ];

    /// # Safety
    /// The processor has the instructions.
    #[inline(always)]
    unsafe fn exchange<K: Ordered<W>, W: Wide>(rows: &mut [W::Row], i: usize, j: usize) {
        if j < rows.len() {
            // SAFETY: the caller's promise.
            (rows[i], rows[j]) = unsafe { K::order(rows[i], rows[j]) };
        }
    }

    // (Closures would not be compiled for these instructions, and call them one by one.)

    /// Sorts rows column by column: eights, which are merged to blocks of twice the size until there is one.
    ///
    /// # Safety
    /// The processor has the instructions.
    #[inline(always)]
    unsafe fn network<K: Ordered<W>, W: Wide>(rows: &mut [W::Row]) {
        // SAFETY: the caller's promise.
        unsafe {
            for eight in rows.chunks_mut(8) {
                if let Ok(eight) = <&mut [W::Row; 8]>::try_from(&mut *eight) {
                    let mut all = *eight;
                    for (i, j) in EIGHT {
                        (all[i], all[j]) = K::order(all[i], all[j]);
                    }
                    *eight = all;
                } else {
                    for (i, j) in EIGHT {
                        exchange::<K, W>(eight, i, j);
                    }
                }
            }
            let mut size = 16;
            while size / 2 < rows.len() {
                for block in rows.chunks_mut(size) {
                    // Each row is held against its mirror image, which makes both halves what the following steps sort.
                    for i in size.saturating_sub(block.len())..size / 2 {
                        exchange::<K, W>(block, i, size - 1 - i);
                    }
                }
                let mut apart = size / 4;
                // Two steps at a time, between which nothing goes to memory.
                while apart > 1 {
                    for block in rows.chunks_mut(2 * apart) {
                        two_steps::<K, W>(block, apart);
                    }
                    apart /= 4;
                }
                if apart == 1 {
                    for two in rows.chunks_exact_mut(2) {
                        (two[0], two[1]) = K::order(two[0], two[1]);
                    }
                }
                size *= 2;
            }
        }
    }

    /// Rows `apart` from each other are compared, then rows half as far.
    ///
    /// # Safety
    /// The processor has the instructions.
    #[inline(always)]
    unsafe fn two_steps<K: Ordered<W>, W: Wide>(block: &mut [W::Row], apart: usize) {
        let half = apart / 2;
        // SAFETY: the caller's promise.
        unsafe {
            if block.len() < 2 * apart {
                for i in 0..apart {
                    exchange::<K, W>(block, i, i + apart);
                }
                for i in (0..half).chain(apart..apart + half) {
                    exchange::<K, W>(block, i, i + half);
                }
                return;
            }
            let (front, back) = block.split_at_mut(apart);
            let ((a, b), (c, d)) = (front.split_at_mut(half), back.split_at_mut(half));
            for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                let ((p, r), (q, s)) = (K::order(*a, *c), K::order(*b, *d));
                ((*a, *b), (*c, *d)) = (K::order(p, q), K::order(r, s));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sort::keys::Keyed;

    fn check<T: Keyed + core::fmt::Debug>(t: TypeNum, of: impl Fn(u64) -> T) {
        for n in [2, 3, 7, 8, 9, 16, 31, 64, 100, 257] {
            for lanes in [1, 5, 64 / size_of::<T>(), 70] {
                let mut state = 7u64;
                let mut items: Vec<T> = (0..n * lanes)
                    .map(|_| {
                        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        of(state >> 33)
                    })
                    .collect();
                let mut turned = items.clone();
                let Some(sort) = sort_lanes_fn(t, false, n) else { continue };
                let size = size_of::<T>() as isize;
                // SAFETY: the vectors' own items, side by side in the one, one behind the other in the other.
                unsafe {
                    sort(items.as_mut_ptr().cast(), n, lanes as isize * size, lanes, size);
                    let (data, step) = (turned.as_mut_ptr().cast::<u8>(), lanes as isize * size);
                    for k in 0..lanes as isize {
                        let lane: Vec<T> = (0..n as isize)
                            .map(|i| data.offset(i * step + k * size).cast::<T>().read())
                            .collect();
                        let mut sorted = lane.clone();
                        sorted.sort_by(|a, b| a.order(*b));
                        for (i, x) in sorted.iter().enumerate() {
                            let got = items[i * lanes + k as usize];
                            assert!(got.order(*x).is_eq(), "{n} {lanes} {k} {i}: {got:?} {x:?}");
                        }
                        let mut row = lane;
                        sort(row.as_mut_ptr().cast(), n, size, 1, 0);
                        assert!(row.iter().zip(&sorted).all(|(a, b)| a.order(*b).is_eq()));
                    }
                }
            }
        }
    }

    #[test]
    fn texts_are_sorted_one_by_one() {
        for t in [TypeNum::STRING, TypeNum::UNICODE, TypeNum::VOID, TypeNum::OBJECT, TypeNum::CDOUBLE] {
            assert!(sort_lanes_fn(t, false, 2).is_none());
        }
    }

    #[test]
    fn every_column_is_sorted() {
        check(TypeNum::UBYTE, |w| w as u8);
        check(TypeNum::SHORT, |w| w as i16);
        check(TypeNum::INT, |w| w as i32);
        check(TypeNum::LONG, |w| (w as i64 - (1 << 29)) << 20);
        check(TypeNum::DOUBLE, |w| if w % 9 == 0 { f64::NAN } else { w as f64 - 1e9 });
        check(TypeNum::FLOAT, |w| if w % 9 == 0 { -f32::NAN } else { w as f32 - 1e9 });
    }
}
