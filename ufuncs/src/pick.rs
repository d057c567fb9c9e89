//! Moving items to and from places that positions, offsets or a mask name.
//!
//! Positions are checked in a pass of their own, which vectorises; the loops that move items then neither branch nor fail. A
//! mask is looked at 64 bytes at a time as the bits of a word: a block of which nothing, or all, is chosen is passed over
//! or copied whole, and of others only the chosen places are visited.

use core::ptr;

use crate::casts::copy::fill;
use crate::cpu::{Level, multiversion};

/// Checks positions on an axis of length `n`, counted from its end where negative: whether there are negative ones, or else
/// the place of the first one that is out of bounds.
///
/// # Errors
/// As said.
pub fn check(positions: &[isize], n: isize) -> Result<bool, usize> {
    let (low, high) = range(Level::current(), positions);
    if low >= -n && high < n {
        return Ok(low < 0);
    }
    match positions.iter().position(|&k| k < -n || k >= n) {
        Some(place) => Err(place),
        None => Ok(false),
    }
}

/// The least and the greatest, but at most -1 + 1 = 0 and at least -1: neither says anything about a bound.
#[inline(always)]
fn range_body(positions: &[isize]) -> (isize, isize) {
    positions.iter().fold((0, -1), |(low, high), &k| (low.min(k), high.max(k)))
}
multiversion! { fn range[](positions: &[isize]) -> (isize, isize) = range_body; }

/// Runs `$body` with a type of the item's size as `$t`, or `$other`.
macro_rules! by_size {
    ($size:expr, $t:ident => $body:expr, $other:expr) => {
        match $size {
            1 => {
                type $t = u8;
                $body
            }
            2 => {
                type $t = u16;
                $body
            }
            4 => {
                type $t = u32;
                $body
            }
            8 => {
                type $t = u64;
                $body
            }
            16 => {
                type $t = [u64; 2];
                $body
            }
            _ => $other,
        }
    };
}

#[inline(always)]
fn wrap<const WRAP: bool>(k: isize, n: isize) -> isize {
    if WRAP { k + (k >> (isize::BITS - 1) & n) } else { k }
}

/// Where items are picked from, or put to, by position.
#[derive(Clone, Copy)]
pub struct Axis {
    pub data: *mut u8,
    pub stride: isize,
    pub len: isize,
    pub itemsize: usize,
}

/// Copies the items at some positions one behind the other to `dst`. `wraps` is what [`check`] said.
///
/// # Safety
/// The positions were checked for the axis, whose items are readable; `dst` has room for all, and does not overlap them.
pub unsafe fn gather(axis: Axis, positions: &[isize], wraps: bool, dst: *mut u8) {
    // SAFETY: handed on.
    unsafe {
        if wraps {
            gather_wrapped::<true>(axis, positions, dst)
        } else {
            gather_wrapped::<false>(axis, positions, dst)
        }
    }
}

unsafe fn gather_wrapped<const WRAP: bool>(axis: Axis, positions: &[isize], dst: *mut u8) {
    let Axis { data, stride, len, itemsize } = axis;
    // SAFETY: the contract of `gather`.
    unsafe {
        by_size!(itemsize, T => {
            let dst = dst.cast::<T>();
            if stride == size_of::<T>() as isize {
                for (i, &k) in positions.iter().enumerate() {
                    dst.add(i).write_unaligned(data.cast::<T>().offset(wrap::<WRAP>(k, len)).read_unaligned());
                }
            } else {
                for (i, &k) in positions.iter().enumerate() {
                    let from = data.offset(wrap::<WRAP>(k, len) * stride).cast::<T>();
                    dst.add(i).write_unaligned(from.read_unaligned());
                }
            }
        }, for (i, &k) in positions.iter().enumerate() {
            ptr::copy_nonoverlapping(data.offset(wrap::<WRAP>(k, len) * stride), dst.add(i * itemsize), itemsize);
        })
    }
}

/// Copies items `src_stride` bytes apart to some positions in order: of equal positions the last item stays.
///
/// # Safety
/// The positions were checked for the axis, whose items are writable; as many items at `src` do not overlap it.
pub unsafe fn scatter(axis: Axis, positions: &[isize], wraps: bool, src: *const u8, src_stride: isize) {
    // SAFETY: handed on.
    unsafe {
        if wraps {
            scatter_wrapped::<true>(axis, positions, src, src_stride);
        } else {
            scatter_wrapped::<false>(axis, positions, src, src_stride);
        }
    }
}

unsafe fn scatter_wrapped<const WRAP: bool>(
    axis: Axis,
    positions: &[isize],
    src: *const u8,
    src_stride: isize,
) {
    let Axis { data, stride, len, itemsize } = axis;
    // SAFETY: the contract of `scatter`.
    unsafe {
        by_size!(itemsize, T => {
            if src_stride == 0 && !positions.is_empty() {
                let item = src.cast::<T>().read_unaligned();
                for &k in positions {
                    data.offset(wrap::<WRAP>(k, len) * stride).cast::<T>().write_unaligned(item);
                }
            } else {
                for (i, &k) in positions.iter().enumerate() {
                    let item = src.offset(i as isize * src_stride).cast::<T>().read_unaligned();
                    data.offset(wrap::<WRAP>(k, len) * stride).cast::<T>().write_unaligned(item);
                }
            }
        }, for (i, &k) in positions.iter().enumerate() {
            let to = data.offset(wrap::<WRAP>(k, len) * stride);
            ptr::copy_nonoverlapping(src.offset(i as isize * src_stride), to, itemsize);
        })
    }
}

/// Copies the items at byte offsets from `base` to places `dst_stride` bytes apart.
///
/// # Safety
/// All items are readable respectively writable, and do not overlap.
pub unsafe fn gather_at(
    base: *const u8,
    offsets: &[isize],
    dst: *mut u8,
    dst_stride: isize,
    itemsize: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        by_size!(itemsize, T => for (i, &at) in offsets.iter().enumerate() {
            let item = base.offset(at).cast::<T>().read_unaligned();
            dst.offset(i as isize * dst_stride).cast::<T>().write_unaligned(item);
        }, for (i, &at) in offsets.iter().enumerate() {
            ptr::copy_nonoverlapping(base.offset(at), dst.offset(i as isize * dst_stride), itemsize);
        })
    }
}

/// Copies items `src_stride` bytes apart to byte offsets from `base`, in order.
///
/// # Safety
/// As for [`gather_at`].
pub unsafe fn scatter_at(
    base: *mut u8,
    offsets: &[isize],
    src: *const u8,
    src_stride: isize,
    itemsize: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        by_size!(itemsize, T => for (i, &at) in offsets.iter().enumerate() {
            let item = src.offset(i as isize * src_stride).cast::<T>().read_unaligned();
            base.offset(at).cast::<T>().write_unaligned(item);
        }, for (i, &at) in offsets.iter().enumerate() {
            ptr::copy_nonoverlapping(src.offset(i as isize * src_stride), base.offset(at), itemsize);
        })
    }
}

/// Bit `i` is set where byte `i` is not zero.
#[inline(always)]
fn bits(block: &[u8; 64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_setzero_si128};
        let quarter = |i: usize| {
            // SAFETY: 16 bytes of the block; the instructions are in every x86-64 processor.
            let zeros = unsafe {
                let part = _mm_loadu_si128(block.as_ptr().add(16 * i).cast());
                _mm_movemask_epi8(_mm_cmpeq_epi8(part, _mm_setzero_si128()))
            };
            u64::from(zeros as u32 as u16) << (16 * i)
        };
        !(quarter(0) | quarter(1) | quarter(2) | quarter(3))
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        block.iter().enumerate().fold(0, |word, (i, &b)| word | u64::from(b != 0) << i)
    }
}

/// Calls `f(first, bits)` for every block of 64 bytes of the mask that has any set; `first` is the place of its first byte.
#[inline(always)]
fn for_blocks(mask: &[u8], mut f: impl FnMut(usize, u64)) {
    let (blocks, rest) = mask.as_chunks::<64>();
    for (b, block) in blocks.iter().enumerate() {
        let word = bits(block);
        if word != 0 {
            f(64 * b, word);
        }
    }
    if !rest.is_empty() {
        let mut block = [0; 64];
        block[..rest.len()].copy_from_slice(rest);
        let word = bits(&block);
        if word != 0 {
            f(64 * blocks.len(), word);
        }
    }
}

/// Whether the set bits lie in few runs, so that it pays to move these as wholes.
#[inline(always)]
fn in_runs(word: u64) -> bool {
    8 * (word & !(word << 1)).count_ones() <= word.count_ones()
}

/// Calls `f(first, count)` for every run of set bits.
#[inline(always)]
fn for_runs(mut word: u64, mut f: impl FnMut(usize, usize)) {
    while word != 0 {
        let first = word.trailing_zeros();
        let count = (!(word >> first)).trailing_zeros();
        f(first as usize, count as usize);
        // All bits up to the end of the run, which may be that of the word.
        word &= u64::MAX.checked_shl(first + count).unwrap_or(0);
    }
}

/// How many bytes are not zero.
pub fn count(mask: &[u8]) -> usize {
    count_at(Level::current(), mask)
}
#[inline(always)]
fn count_body(mask: &[u8]) -> usize {
    // Counters of one byte per block keep many lanes in a vector.
    let block =
        |block: &[u8]| usize::from(block.iter().fold(0u8, |sum, &b| sum.wrapping_add(u8::from(b != 0))));
    mask.chunks(128).map(block).sum()
}
multiversion! { fn count_at[](mask: &[u8]) -> usize = count_body; }

/// Writes the places of the bytes that are not zero, counted from `start`, and returns their number.
///
/// # Safety
/// There is room for all of them.
pub unsafe fn places(mask: &[u8], start: isize, out: *mut isize) -> usize {
    let mut found = 0;
    for_blocks(mask, |first, mut word| {
        while word != 0 {
            // SAFETY: the caller's promise.
            unsafe { out.add(found).write(start + (first + word.trailing_zeros() as usize) as isize) };
            found += 1;
            word &= word - 1;
        }
    });
    found
}

/// Copies the chosen ones of as many items as the mask has bytes one behind the other to `dst`; returns their number.
///
/// # Safety
/// The items are readable at `src`, `stride` bytes apart; `dst` has room for those chosen, and does not overlap them.
pub unsafe fn compress(mask: &[u8], src: *const u8, stride: isize, dst: *mut u8, itemsize: usize) -> usize {
    let mut done = 0;
    for_blocks(mask, |first, mut word| {
        // SAFETY: the caller's promise.
        unsafe {
            let block = src.offset(first as isize * stride);
            if stride == itemsize as isize && in_runs(word) {
                for_runs(word, |at, count| {
                    let (from, to) = (block.add(at * itemsize), dst.add(done * itemsize));
                    ptr::copy_nonoverlapping(from, to, count * itemsize);
                    done += count;
                });
                return;
            }
            by_size!(itemsize, T => while word != 0 {
                let from = block.offset(word.trailing_zeros() as isize * stride).cast::<T>();
                dst.cast::<T>().add(done).write_unaligned(from.read_unaligned());
                done += 1;
                word &= word - 1;
            }, while word != 0 {
                let from = block.offset(word.trailing_zeros() as isize * stride);
                ptr::copy_nonoverlapping(from, dst.add(done * itemsize), itemsize);
                done += 1;
                word &= word - 1;
            });
        }
    });
    done
}

/// Copies items `src_stride` bytes apart to the chosen ones of as many places as the mask has bytes; returns their number.
///
/// # Safety
/// The places are writable at `dst`, `stride` bytes apart; `src` has as many items as are chosen, and does not overlap them.
pub unsafe fn expand(
    mask: &[u8],
    dst: *mut u8,
    stride: isize,
    src: *const u8,
    src_stride: isize,
    itemsize: usize,
) -> usize {
    let mut done = 0isize;
    for_blocks(mask, |first, mut word| {
        // SAFETY: the caller's promise.
        unsafe {
            let block = dst.offset(first as isize * stride);
            if stride == itemsize as isize && (src_stride == 0 || src_stride == stride) && in_runs(word) {
                for_runs(word, |at, count| {
                    let (from, to) = (src.offset(done * src_stride), block.add(at * itemsize));
                    if src_stride == 0 {
                        fill(to, itemsize as isize, count, from, itemsize);
                    } else {
                        ptr::copy_nonoverlapping(from, to, count * itemsize);
                    }
                    done += count as isize;
                });
                return;
            }
            by_size!(itemsize, T => while word != 0 {
                let item = src.offset(done * src_stride).cast::<T>().read_unaligned();
                block.offset(word.trailing_zeros() as isize * stride).cast::<T>().write_unaligned(item);
                done += 1;
                word &= word - 1;
            }, while word != 0 {
                let to = block.offset(word.trailing_zeros() as isize * stride);
                ptr::copy_nonoverlapping(src.offset(done * src_stride), to, itemsize);
                done += 1;
                word &= word - 1;
            });
        }
    });
    done as usize
}

/// Copies `n` items `stride` bytes apart, each `times` times in a row, to `dst`.
///
/// # Safety
/// The items are readable; `dst` has room for all, and does not overlap them.
pub unsafe fn repeat(src: *const u8, stride: isize, n: usize, times: usize, dst: *mut u8, itemsize: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match times {
            2 => {
                by_size!(itemsize, T => repeat_items::<T, 2>(src, stride, n, dst), repeat_any(src, stride, n, 2, dst, itemsize))
            }
            3 => {
                by_size!(itemsize, T => repeat_items::<T, 3>(src, stride, n, dst), repeat_any(src, stride, n, 3, dst, itemsize))
            }
            4 => {
                by_size!(itemsize, T => repeat_items::<T, 4>(src, stride, n, dst), repeat_any(src, stride, n, 4, dst, itemsize))
            }
            _ => repeat_any(src, stride, n, times, dst, itemsize),
        }
    }
}

unsafe fn repeat_items<T: Copy, const TIMES: usize>(src: *const u8, stride: isize, n: usize, dst: *mut u8) {
    // SAFETY: the contract of `repeat`.
    unsafe {
        let dst = dst.cast::<[T; TIMES]>();
        if stride == size_of::<T>() as isize {
            for i in 0..n {
                dst.add(i).write_unaligned([src.cast::<T>().add(i).read_unaligned(); TIMES]);
            }
        } else {
            for i in 0..n {
                dst.add(i)
                    .write_unaligned([src.offset(i as isize * stride).cast::<T>().read_unaligned(); TIMES]);
            }
        }
    }
}

unsafe fn repeat_any(src: *const u8, stride: isize, n: usize, times: usize, dst: *mut u8, itemsize: usize) {
    for i in 0..n {
        // SAFETY: an item, and its run.
        unsafe {
            let to = dst.add(i * times * itemsize);
            fill(to, itemsize as isize, times, src.offset(i as isize * stride), itemsize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mask of `n` bytes with zero, all and some bytes set in its blocks; truth is any value but zero.
    fn mask(n: usize) -> Vec<u8> {
        let set = |i: usize| match i / 64 % 4 {
            0 => i * 7 % 5 < 2,
            1 => true,
            2 => i % 20 < 17,
            _ => false,
        };
        (0..n).map(|i| if set(i) { 1 + (i % 255) as u8 } else { 0 }).collect()
    }

    #[test]
    fn positions_are_checked() {
        assert_eq!(check(&[], 0), Ok(false));
        assert_eq!(check(&[0], 0), Err(0));
        assert_eq!(check(&[0, 4, 2], 5), Ok(false));
        assert_eq!(check(&[0, -5, 2], 5), Ok(true));
        let mut long: Vec<isize> = (0..100).collect();
        assert_eq!(check(&long, 100), Ok(false));
        (long[70], long[80]) = (-101, 100);
        assert_eq!(check(&long, 100), Err(70));
        assert_eq!(check(&[isize::MIN], isize::MAX), Err(0));
    }

    #[test]
    fn items_go_by_position() {
        fn with_size<const SIZE: usize>() {
            let items: Vec<[u8; SIZE]> = (0..40).map(|i| [i; SIZE]).collect();
            let positions: Vec<isize> = (0..25).map(|i| (i * 17) % 20 - 10).collect();
            for step in [1, 2] {
                let len = items.len() / step;
                let stride = (SIZE * step) as isize;
                let at = |k: isize| (k + if k < 0 { len as isize } else { 0 }) as usize * step;
                let data = items.as_ptr().cast_mut().cast();
                let axis = Axis { data, stride, len: len as isize, itemsize: SIZE };
                let mut out = vec![[0; SIZE]; 25];
                // SAFETY: positions between -10 and 9, of at least 20 items.
                unsafe { gather(axis, &positions, true, out.as_mut_ptr().cast()) };
                assert!(positions.iter().zip(&out).all(|(&k, item)| *item == items[at(k)]));

                let mut target = vec![[0xff; SIZE]; 40];
                let axis = Axis { data: target.as_mut_ptr().cast(), ..axis };
                // SAFETY: as above, and as many items.
                unsafe { scatter(axis, &positions, true, out.as_ptr().cast(), SIZE as isize) };
                assert!(positions.iter().all(|&k| target[at(k)] == items[at(k)]));
                assert_eq!(target.iter().filter(|t| t[0] == 0xff).count(), 20);
            }
        }
        with_size::<1>();
        with_size::<2>();
        with_size::<3>();
        with_size::<4>();
        with_size::<8>();
        with_size::<16>();
        with_size::<24>();
    }

    #[test]
    fn items_repeat() {
        let items: Vec<[u8; 24]> = (0..40).map(|i| std::array::from_fn(|k| i + k as u8)).collect();
        for size in [1, 2, 4, 8, 12, 16, 24] {
            for (times, stride) in [(0, 24), (1, 24), (2, size), (3, size), (4, 24), (7, 24)] {
                let mut out = vec![0; 30 * times * size];
                let src = items.as_ptr().cast::<u8>();
                // SAFETY: 30 items at the stride, and room for their runs.
                unsafe { repeat(src, stride as isize, 30, times, out.as_mut_ptr(), size) };
                // SAFETY: all bytes of the items.
                let bytes = unsafe { core::slice::from_raw_parts(src, 40 * 24) };
                for (i, item) in out.chunks(size).enumerate() {
                    let at = i / times * stride;
                    assert_eq!(*item, bytes[at..at + size]);
                }
            }
        }
    }

    #[test]
    fn masks_choose() {
        fn with_size<const SIZE: usize>() {
            for n in [0, 1, 63, 64, 65, 200, 1000] {
                let mask = mask(n);
                let chosen: Vec<usize> = (0..n).filter(|&i| mask[i] != 0).collect();
                assert_eq!(count(&mask), chosen.len());
                let items: Vec<[u8; SIZE]> = (0..n).map(|i| [(i % 251) as u8; SIZE]).collect();
                let mut out = vec![[0xff; SIZE]; chosen.len()];
                let mut at = vec![0isize; chosen.len()];
                let mut back = vec![[0xff; SIZE]; n];
                // SAFETY: room for all that is chosen.
                unsafe {
                    assert_eq!(places(&mask, 3, at.as_mut_ptr()), chosen.len());
                    let packed =
                        compress(&mask, items.as_ptr().cast(), SIZE as isize, out.as_mut_ptr().cast(), SIZE);
                    assert_eq!(packed, chosen.len());
                    let size = SIZE as isize;
                    expand(&mask, back.as_mut_ptr().cast(), size, out.as_ptr().cast(), size, SIZE);
                }
                assert!(chosen.iter().zip(&at).all(|(&c, &k)| k == c as isize + 3));
                assert!(chosen.iter().zip(&out).all(|(&c, item)| *item == items[c]));
                let expected = |i: usize| if mask[i] != 0 { items[i] } else { [0xff; SIZE] };
                assert!((0..n).all(|i| back[i] == expected(i)));
            }
        }
        with_size::<1>();
        with_size::<4>();
        with_size::<8>();
        with_size::<12>();
        with_size::<16>();
    }
}
