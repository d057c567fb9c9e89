//! Copies between matrices whose items are side by side along the rows of one and along the columns of the other.
//!
//! Moved one by one, items would wait for a cache line each. Tiles are as many rows and columns of items as a vector has:
//! its rows are read as vectors, and those of its transpose written. To transpose, each of the first half of the vectors is
//! interleaved with one of the second half, which makes neighbours of items half the rows apart, until all that were in a column are.

/// Bytes of a vector.
const VECTOR: usize = 16;
/// Whether [`copy_transposed`] takes matrices of this shape and size of items.
pub fn is_transposable(shape: [isize; 2], itemsize: usize) -> bool {
    let fits = |size: usize| itemsize == size && shape.iter().all(|&n| n as usize >= VECTOR / size);
    cfg!(target_arch = "x86_64") && [1, 2, 4, 8].into_iter().any(fits)
}

/// Makes row `i` of the destination column `i` of the source. Both are given by their first item and the distance of rows, in which
/// items are side by side; the shape is the destination's.
///
/// # Safety
/// [`is_transposable`], and all items are inside memory that may be read respectively written, and the two do not overlap.
pub unsafe fn copy_transposed(
    dst: (*mut u8, isize),
    src: (*const u8, isize),
    shape: [isize; 2],
    itemsize: usize,
) {
    let shape = shape.map(|n| n as usize);
    // SAFETY: handed on.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        match itemsize {
            1 => tiles::<u8, 16>(dst, src, shape),
            2 => tiles::<u16, 8>(dst, src, shape),
            4 => tiles::<u32, 4>(dst, src, shape),
            _ => tiles::<u64, 2>(dst, src, shape),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("{dst:?} {src:?} {shape:?} {itemsize}: no such shape is transposable");
}

#[cfg(target_arch = "x86_64")]
use x86::tiles;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;

    use super::VECTOR;

    /// Bytes of a source row that are used while its cache line is at hand.
    const LINE: usize = 64;
    /// Source rows whose lines stay in the first cache.
    const ROWS: usize = 32;

    /// An item, several of which fill a vector.
    pub trait Word: Copy {
        /// Takes items of either vector in turn: of the first halves, of the second halves.
        fn interleave(a: __m128i, b: __m128i) -> [__m128i; 2];
    }

    macro_rules! words {
        ($($t:ty: $low:ident $high:ident;)*) => {$(
            impl Word for $t {
                #[inline(always)]
                fn interleave(a: __m128i, b: __m128i) -> [__m128i; 2] {
                    // SAFETY: the instructions are in every x86-64 processor.
                    unsafe { [$low(a, b), $high(a, b)] }
                }
            }
        )*};
    }
    words! {
        u8: _mm_unpacklo_epi8 _mm_unpackhi_epi8;
        u16: _mm_unpacklo_epi16 _mm_unpackhi_epi16;
        u32: _mm_unpacklo_epi32 _mm_unpackhi_epi32;
        u64: _mm_unpacklo_epi64 _mm_unpackhi_epi64;
    }

    /// [`copy_transposed`](super::copy_transposed) of words, `N` of which fill a vector.
    ///
    /// # Safety
    /// As there.
    pub unsafe fn tiles<W: Word, const N: usize>(
        (dst, to_row): (*mut u8, isize),
        (src, from_row): (*const u8, isize),
        [rows, columns]: [usize; 2],
    ) {
        const { assert!(N * size_of::<W>() == VECTOR) };
        let [whole_rows, whole_columns] = [rows / N * N, columns / N * N];
        let from = |i: usize, j: usize| {
            src.wrapping_offset(j as isize * from_row).wrapping_add(i * size_of::<W>()).cast::<W>()
        };
        let to = |i: usize, j: usize| {
            dst.wrapping_offset(i as isize * to_row).wrapping_add(j * size_of::<W>()).cast::<W>()
        };
        let line = LINE / size_of::<W>();
        for i in (0..whole_rows).step_by(line) {
            for j in (0..whole_columns).step_by(ROWS) {
                for i in (i..whole_rows.min(i + line)).step_by(N) {
                    for j in (j..whole_columns.min(j + ROWS)).step_by(N) {
                        // SAFETY: `N` items from each of `N` rows, in front of the last whole tile's end.
                        unsafe {
                            let mut tile = [_mm_setzero_si128(); N];
                            for k in 0..N {
                                tile[k] = _mm_loadu_si128(from(i, j + k).cast());
                            }
                            let tile = transposed::<W, N>(tile);
                            for k in 0..N {
                                _mm_storeu_si128(to(i + k, j).cast(), tile[k]);
                            }
                        }
                    }
                }
            }
        }
        for i in 0..rows {
            for j in if i < whole_rows { whole_columns } else { 0 }..columns {
                // SAFETY: an item of either matrix.
                unsafe { to(i, j).write_unaligned(from(i, j).read_unaligned()) };
            }
        }
    }

    /// (Written out: compilers keep what loops this long work on in memory.)
    #[inline(always)]
    fn transposed<W: Word, const N: usize>(tile: [__m128i; N]) -> [__m128i; N] {
        let mut tile = interleaved::<W, N>(tile);
        if N >= 4 {
            tile = interleaved::<W, N>(tile);
        }
        if N >= 8 {
            tile = interleaved::<W, N>(tile);
        }
        if N >= 16 {
            tile = interleaved::<W, N>(tile);
        }
        tile
    }

    #[inline(always)]
    fn interleaved<W: Word, const N: usize>(tile: [__m128i; N]) -> [__m128i; N] {
        let mut result = tile;
        macro_rules! each {
            ($($k:literal)*) => {$(
                if $k < N / 2 {
                    [result[2 * $k], result[2 * $k + 1]] = W::interleave(tile[$k], tile[$k + N / 2]);
                }
            )*};
        }
        each!(0 1 2 3 4 5 6 7);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_moves_to_its_place() {
        for size in [1, 2, 4, 8] {
            for (rows, columns) in [(16, 16), (17, 16), (16, 31), (33, 47), (70, 130), (129, 64)] {
                if !is_transposable([rows, columns], size) {
                    continue;
                }
                let (n, itemsize) = ((rows * columns) as usize, size as isize);
                let src: Vec<u8> = (0..n * size).map(|i| (i * 7 + i / 256) as u8).collect();
                let mut dst = vec![0u8; n * size];
                // SAFETY: two whole matrices that are apart.
                unsafe {
                    copy_transposed(
                        (dst.as_mut_ptr(), columns * itemsize),
                        (src.as_ptr(), rows * itemsize),
                        [rows, columns],
                        size,
                    );
                }
                for (i, item) in dst.chunks(size).enumerate() {
                    let from = (i % columns as usize * rows as usize + i / columns as usize) * size;
                    assert_eq!(item, &src[from..from + size], "{size} {rows} {columns} {i}");
                }
            }
        }
    }
}
