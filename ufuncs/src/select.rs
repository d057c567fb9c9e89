//! Picking out elements: by a mask from one of two arrays, positions of extremes, of true elements, and their number.

use core::ffi::{c_int, c_void};
use core::hint::select_unpredictable;
use core::mem::MaybeUninit;
use core::slice;

use crate::abi::{LoopContext, LoopFn};
use crate::cpu::{Level, multiversion};
use crate::elem::{Bool, Elem};
use crate::order::{SortOrd, compare_bytes, compare_unicode, with_ordered};
use crate::pick;
use crate::typenum::TypeNum;

/// The loop of three-argument `where` on items of a size: a mask, two inputs, one output. Alignment does not matter.
/// `None` for sizes that no type of numbers has.
pub fn where_loop(itemsize: usize) -> Option<LoopFn> {
    Some(match itemsize {
        1 => where_words::<u8>,
        2 => where_words::<u16>,
        4 => where_words::<u32>,
        8 => where_words::<u64>,
        16 => where_words::<[u64; 2]>,
        32 => where_words::<[u64; 4]>,
        _ => return None,
    })
}

unsafe extern "C" fn where_words<T: Copy>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: four operands of `dims[0]` items, by the loop contract.
    unsafe {
        let [mut mask, mut x, mut y, mut out] = *data.cast::<[*mut u8; 4]>();
        let [sm, sx, sy, so] = *strides.cast::<[isize; 4]>();
        let (n, size) = (*dims as usize, size_of::<T>() as isize);
        let aligned = [x, y, out].iter().all(|p| p.cast::<T>().is_aligned());
        let (from, to) = (out as usize, out as usize + n * size_of::<T>());
        let apart = |p: *mut u8, size: isize| p as usize + n * size as usize <= from || to <= p as usize;
        if [sm, sx, sy, so] == [1, size, size, size]
            && aligned
            && apart(mask, 1)
            && apart(x, size)
            && apart(y, size)
        {
            blend(
                Level::current(),
                slice::from_raw_parts(mask, n),
                slice::from_raw_parts(x.cast::<T>(), n),
                slice::from_raw_parts(y.cast::<T>(), n),
                slice::from_raw_parts_mut(out.cast(), n),
            );
            return 0;
        }
        let one = |stride: isize, p: *mut u8| {
            stride == 0 && (p as usize + size_of::<T>() <= from || to <= p as usize)
        };
        if sm == 1 && so == size && aligned && apart(mask, 1) && n > 0 {
            let (level, mask) = (Level::current(), slice::from_raw_parts(mask, n));
            let out = slice::from_raw_parts_mut(out.cast(), n);
            if sx == size && apart(x, size) && one(sy, y) {
                let x = slice::from_raw_parts(x.cast::<T>(), n);
                blend_one::<T, false>(level, mask, x, *y.cast::<T>(), out);
                return 0;
            }
            if sy == size && apart(y, size) && one(sx, x) {
                let y = slice::from_raw_parts(y.cast::<T>(), n);
                blend_one::<T, true>(level, mask, y, *x.cast::<T>(), out);
                return 0;
            }
        }
        for _ in 0..n {
            let from = select_unpredictable(*mask != 0, x, y);
            out.cast::<T>().write_unaligned(from.cast::<T>().read_unaligned());
            mask = mask.wrapping_offset(sm);
            x = x.wrapping_offset(sx);
            y = y.wrapping_offset(sy);
            out = out.wrapping_offset(so);
        }
    }
    0
}

#[inline(always)]
fn blend_body<T: Copy>(mask: &[u8], x: &[T], y: &[T], out: &mut [MaybeUninit<T>]) {
    for (((out, &on), x), y) in out.iter_mut().zip(mask).zip(x).zip(y) {
        out.write(if size_of::<T>() <= 8 {
            // One of two values, not of two places, between which no vector instruction chooses.
            let (x, y) = (*x, *y);
            select_unpredictable(on != 0, x, y)
        } else {
            *select_unpredictable(on != 0, x, y)
        });
    }
}

/// `one` where the mask is `ON`, an item elsewhere.
#[inline(always)]
fn blend_one<T: Copy, const ON: bool>(
    level: Level,
    mask: &[u8],
    items: &[T],
    one: T,
    out: &mut [MaybeUninit<T>],
) {
    if ON { blend_on(level, mask, items, one, out) } else { blend_off(level, mask, items, one, out) }
}
#[inline(always)]
fn blend_one_body<T: Copy, const ON: bool>(mask: &[u8], items: &[T], one: T, out: &mut [MaybeUninit<T>]) {
    for ((out, &on), item) in out.iter_mut().zip(mask).zip(items) {
        out.write(if size_of::<T>() <= 8 {
            let item = *item;
            select_unpredictable((on != 0) == ON, one, item)
        } else {
            *select_unpredictable((on != 0) == ON, &one, item)
        });
    }
}
#[inline(always)]
fn blend_on_body<T: Copy>(mask: &[u8], items: &[T], one: T, out: &mut [MaybeUninit<T>]) {
    blend_one_body::<T, true>(mask, items, one, out);
}
#[inline(always)]
fn blend_off_body<T: Copy>(mask: &[u8], items: &[T], one: T, out: &mut [MaybeUninit<T>]) {
    blend_one_body::<T, false>(mask, items, one, out);
}
multiversion! {
    fn blend_on[T: Copy](mask: &[u8], items: &[T], one: T, out: &mut [MaybeUninit<T>]) -> () = blend_on_body::<T>;
}
multiversion! {
    fn blend_off[T: Copy](mask: &[u8], items: &[T], one: T, out: &mut [MaybeUninit<T>]) -> () = blend_off_body::<T>;
}

multiversion! {
    fn blend[T: Copy](mask: &[u8], x: &[T], y: &[T], out: &mut [MaybeUninit<T>]) -> () = blend_body::<T>;
}

/// The position of the first extreme of `n >= 1` items; the first NaN or NaT wins over everything.
///
/// # Safety
/// `n` aligned native items at `data`, `stride` bytes apart.
pub type ArgExtremeFn = unsafe fn(data: *const u8, stride: isize, n: usize, itemsize: usize) -> usize;

/// The number of items that are true.
///
/// # Safety
/// As for [`ArgExtremeFn`], and `n` may be zero.
pub type CountFn = unsafe fn(data: *const u8, stride: isize, n: usize, itemsize: usize) -> usize;

/// Writes the positions of true items, counted from `start`, to consecutive places of `out` and returns their number.
///
/// # Safety
/// As for [`CountFn`], and `out` has room for all positions.
pub type NonzeroFn = unsafe fn(
    data: *const u8,
    stride: isize,
    n: usize,
    itemsize: usize,
    start: isize,
    out: *mut isize,
) -> usize;

/// Whether `a` replaces `b` as the extreme found so far; neither is missing.
#[inline(always)]
fn beats<T: SortOrd, const MAX: bool>(a: T, b: T) -> bool {
    if MAX { b.less_present(a) } else { a.less_present(b) }
}

unsafe fn arg_elems<T: SortOrd, const MAX: bool>(
    data: *const u8,
    stride: isize,
    n: usize,
    _itemsize: usize,
) -> usize {
    // SAFETY: the caller's promise.
    let item = |i: usize| unsafe { *(data.offset(i as isize * stride) as *const T) };
    let mut best = 0;
    if n == 0 {
        return 0;
    }
    if stride == size_of::<T>() as isize && size_of::<T>() <= 8 {
        // SAFETY: the caller's promise.
        let items = unsafe { slice::from_raw_parts(data as *const T, n) };
        return if MAX { arg_max(Level::current(), items) } else { arg_min(Level::current(), items) };
    }
    let mut value = item(0);
    for i in 0..n {
        let x = item(i);
        if x.is_surely_behind::<MAX>(value) {
            continue;
        }
        if x.is_missing() {
            return i;
        }
        if beats::<T, MAX>(x, value) {
            (best, value) = (i, x);
        }
    }
    best
}

/// Looks for an extreme that beats what was found before in many lanes, which the compiler keeps in vectors, and for its
/// place only where there is one.
#[inline(always)]
fn arg_blocks_body<T: SortOrd, const MAX: bool, const LANES: usize>(items: &[T]) -> usize {
    // Half of the first cache.
    let chunk_len = (1 << 14) / size_of::<T>();
    let (mut best, mut value) = (0, items[0]);
    if value.is_missing() {
        return 0;
    }
    for (c, chunk) in items.chunks(chunk_len).enumerate() {
        let extreme = T::extreme::<MAX>(value, chunk);
        if let Some(extreme) = extreme
            && !beats::<T, MAX>(extreme, value)
        {
            continue;
        }
        if extreme.is_none() && chunk.iter().fold(false, |any, x| any | x.is_missing()) {
            let place = chunk.iter().position(|x| x.is_missing()).unwrap_or(0);
            return c * chunk_len + place;
        }
        let (rows, tail) = chunk.as_chunks::<LANES>();
        let extreme = match extreme {
            Some(extreme) => extreme,
            None => {
                let extreme = extreme_in_lanes::<T, MAX, LANES>(value, rows);
                tail.iter().fold(extreme, |e, &x| if beats::<T, MAX>(x, e) { x } else { e })
            }
        };
        if beats::<T, MAX>(extreme, value) {
            // The first that is not beaten by it.
            let equal = |x: &T| !beats::<T, MAX>(extreme, *x);
            let row = rows.iter().position(|row| row.iter().fold(false, |any, x| any | equal(x)));
            let from = row.unwrap_or(rows.len()) * LANES;
            let place = chunk[from..].iter().position(equal).unwrap_or(0);
            (best, value) = (c * chunk_len + from + place, extreme);
        }
    }
    best
}

/// The extreme of `value` and rows of items, none of which is missing.
#[inline(always)]
fn extreme_in_lanes<T: SortOrd, const MAX: bool, const LANES: usize>(value: T, rows: &[[T; LANES]]) -> T {
    let mut lanes = [value; LANES];
    for row in rows {
        for k in 0..LANES {
            lanes[k] = if beats::<T, MAX>(row[k], lanes[k]) { row[k] } else { lanes[k] };
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for k in 0..width {
            lanes[k] = if beats::<T, MAX>(lanes[k + width], lanes[k]) { lanes[k + width] } else { lanes[k] };
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn arg_max_body<T: SortOrd>(items: &[T]) -> usize {
    arg_lanes_body::<T, true>(items)
}
#[inline(always)]
fn arg_min_body<T: SortOrd>(items: &[T]) -> usize {
    arg_lanes_body::<T, false>(items)
}
/// Lanes fit half of the registers.
#[inline(always)]
fn arg_lanes_body<T: SortOrd, const MAX: bool>(items: &[T]) -> usize {
    match size_of::<T>() {
        8 => arg_blocks_body::<T, MAX, 32>(items),
        _ => arg_blocks_body::<T, MAX, 64>(items),
    }
}
multiversion! { fn arg_max[T: SortOrd](items: &[T]) -> usize = arg_max_body::<T>; }
multiversion! { fn arg_min[T: SortOrd](items: &[T]) -> usize = arg_min_body::<T>; }

/// Booleans have two values: the first true, respectively false one.
unsafe fn arg_bool<const MAX: bool>(data: *const u8, stride: isize, n: usize, _itemsize: usize) -> usize {
    if stride == 1 && n > 0 {
        // SAFETY: the caller's promise.
        let items = unsafe { slice::from_raw_parts(data, n) };
        let hit = |&b: &u8| (b != 0) == MAX;
        let block = items.chunks(256).position(|block| block.iter().fold(false, |any, b| any | hit(b)));
        let Some(from) = block.map(|b| 256 * b) else { return 0 };
        return from + items[from..].iter().position(hit).unwrap_or(0);
    }
    // SAFETY: the caller's promise.
    (0..n).find(|&i| unsafe { (*data.offset(i as isize * stride) != 0) == MAX }).unwrap_or(0)
}

unsafe fn arg_items<const UNICODE: bool, const MAX: bool>(
    data: *const u8,
    stride: isize,
    n: usize,
    itemsize: usize,
) -> usize {
    let compare = if UNICODE { compare_unicode } else { compare_bytes };
    // SAFETY: the caller's promise.
    let item = |i: usize| unsafe { data.offset(i as isize * stride) };
    let mut best = 0;
    for i in 1..n {
        // SAFETY: both are items.
        let c = unsafe { compare(item(i), item(best), itemsize) };
        if if MAX { c.is_gt() } else { c.is_lt() } {
            best = i;
        }
    }
    best
}

/// `argmax` of a type; `None` for objects, void and user types.
pub fn argmax_fn(t: TypeNum) -> Option<ArgExtremeFn> {
    match t {
        TypeNum::BOOL => Some(arg_bool::<true>),
        TypeNum::STRING => Some(arg_items::<false, true>),
        TypeNum::UNICODE => Some(arg_items::<true, true>),
        t => with_ordered!(t, T => arg_elems::<T, true> as ArgExtremeFn),
    }
}

/// `argmin` of a type; `None` for objects, void and user types.
pub fn argmin_fn(t: TypeNum) -> Option<ArgExtremeFn> {
    match t {
        TypeNum::BOOL => Some(arg_bool::<false>),
        TypeNum::STRING => Some(arg_items::<false, false>),
        TypeNum::UNICODE => Some(arg_items::<true, false>),
        t => with_ordered!(t, T => arg_elems::<T, false> as ArgExtremeFn),
    }
}

unsafe fn count_elems<T: Elem>(data: *const u8, stride: isize, n: usize, _itemsize: usize) -> usize {
    // SAFETY: the caller's promise.
    let item = |i: usize| unsafe { (data.offset(i as isize * stride) as *const T).read() };
    if stride == size_of::<T>() as isize && n > 0 {
        // SAFETY: the caller's promise.
        return count_row(Level::current(), unsafe { slice::from_raw_parts(data as *const T, n) });
    }
    (0..n).filter(|&i| item(i).is_nonzero()).count()
}

#[inline(always)]
fn count_row_body<T: Elem>(items: &[T]) -> usize {
    // Counters of one byte per block keep many lanes in a vector.
    let block = |block: &[T]| block.iter().fold(0u8, |sum, x| sum.wrapping_add(u8::from(x.is_nonzero())));
    items.chunks(128).map(|items| usize::from(block(items))).sum()
}
multiversion! { fn count_row[T: Elem](items: &[T]) -> usize = count_row_body::<T>; }

unsafe fn nonzero_elems<T: Elem>(
    data: *const u8,
    stride: isize,
    n: usize,
    _itemsize: usize,
    start: isize,
    out: *mut isize,
) -> usize {
    // Without a branch into a small buffer: a place is written in any case and counts only when the element is true.
    const BLOCK: isize = 64;
    let mut buffer = [0isize; BLOCK as usize];
    let (mut found, mut at) = (0, 0);
    while at < n as isize {
        let mut here = 0;
        for i in at..(at + BLOCK).min(n as isize) {
            // `here` counts elements of this block before `i`, so it is a place of the buffer.
            buffer[here % BLOCK as usize] = start + i;
            // SAFETY: the caller's promise.
            here += usize::from(unsafe { (data.offset(i * stride) as *const T).read() }.is_nonzero());
        }
        // SAFETY: there is room for all that was found.
        unsafe { core::ptr::copy_nonoverlapping(buffer.as_ptr(), out.add(found), here) };
        found += here;
        at += BLOCK;
    }
    found
}

unsafe fn nonzero_mask(
    data: *const u8,
    stride: isize,
    n: usize,
    itemsize: usize,
    start: isize,
    out: *mut isize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        if stride == 1 && n > 0 {
            pick::places(slice::from_raw_parts(data, n), start, out)
        } else {
            nonzero_elems::<Bool>(data, stride, n, itemsize, start, out)
        }
    }
}

/// Bytes of a flexible item are false when all of them are zero.
///
/// # Safety
/// `itemsize` readable bytes.
unsafe fn any_byte(item: *const u8, itemsize: usize) -> bool {
    // SAFETY: the caller's promise.
    itemsize != 0 && unsafe { slice::from_raw_parts(item, itemsize) }.iter().any(|&b| b != 0)
}

unsafe fn count_items(data: *const u8, stride: isize, n: usize, itemsize: usize) -> usize {
    // SAFETY: the caller's promise.
    (0..n as isize).filter(|&i| unsafe { any_byte(data.offset(i * stride), itemsize) }).count()
}

unsafe fn nonzero_items(
    data: *const u8,
    stride: isize,
    n: usize,
    itemsize: usize,
    start: isize,
    out: *mut isize,
) -> usize {
    let mut found = 0;
    for i in 0..n as isize {
        // SAFETY: the caller's promise.
        unsafe {
            if any_byte(data.offset(i * stride), itemsize) {
                *out.add(found) = start + i;
                found += 1;
            }
        }
    }
    found
}

/// `count_nonzero` of a type (void: any byte not zero); `None` for objects and user types.
pub fn count_nonzero_fn(t: TypeNum) -> Option<CountFn> {
    match t {
        TypeNum::STRING | TypeNum::UNICODE | TypeNum::VOID => Some(count_items),
        TypeNum::BOOL => Some(count_elems::<Bool>),
        t => with_ordered!(t, T => count_elems::<T> as CountFn),
    }
}

/// `nonzero` of one dimension of a type; `None` for objects and user types.
pub fn nonzero_fn(t: TypeNum) -> Option<NonzeroFn> {
    match t {
        TypeNum::STRING | TypeNum::UNICODE | TypeNum::VOID => Some(nonzero_items),
        TypeNum::BOOL => Some(nonzero_mask),
        t => with_ordered!(t, T => nonzero_elems::<T> as NonzeroFn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elem::Complex64;

    fn check<T>(t: TypeNum, items: &[T], max: usize, min: usize) {
        for (f, expected) in [(argmax_fn(t), max), (argmin_fn(t), min)] {
            let f = f.expect("a function");
            let (p, size) = (items.as_ptr() as *const u8, size_of::<T>());
            // SAFETY: the slice's own items, forward and (from a copy of the rule) one by one.
            unsafe { assert_eq!(f(p, size as isize, items.len(), size), expected, "{t:?}") };
        }
    }

    #[test]
    fn extremes() {
        let n = f64::NAN;
        check(TypeNum::DOUBLE, &[1.0, 3.0, -2.0, 3.0, -2.0], 1, 2);
        check(TypeNum::DOUBLE, &[1.0, n, 9.0, n], 1, 1);
        let mut long: Vec<f64> = (0..1000).map(f64::from).collect();
        check(TypeNum::DOUBLE, &long, 999, 0);
        long[777] = n;
        check(TypeNum::DOUBLE, &long, 777, 777);
        check(TypeNum::DOUBLE, &[-0.0, 0.0], 0, 0);
        check(TypeNum::LONG, &[3i64, 1, 4, 1, 5], 4, 1);
        check(TypeNum::TIMEDELTA, &[3, i64::MIN, 9, 1], 1, 1);
        check(TypeNum::BOOL, &[0u8, 2, 1], 1, 0);
        let c = |re, im| Complex64::new(re, im);
        check(TypeNum::CDOUBLE, &[c(1.0, 2.0), c(1.0, 3.0), c(1.0, n), c(n, 1.0)], 2, 2);
        check(TypeNum::STRING, &[*b"a\x80", *b"b\0", *b"a\x7f"], 1, 2);
        check(TypeNum::UBYTE, &(0..=255).rev().collect::<Vec<u8>>(), 0, 255);
    }

    #[test]
    fn nonzero_and_count() {
        let v: Vec<f32> = (0..600).map(|i| if i % 3 == 0 { 0.0 } else { f32::NAN }).collect();
        let mut out = vec![0isize; 600];
        let (count, nonzero) = (count_nonzero_fn(TypeNum::FLOAT), nonzero_fn(TypeNum::FLOAT));
        let (count, nonzero) = (count.expect("a function"), nonzero.expect("a function"));
        // SAFETY: the vectors' own items.
        unsafe {
            assert_eq!(count(v.as_ptr().cast(), 4, 600, 4), 400);
            assert_eq!(count(v.as_ptr().cast(), 12, 200, 4), 0);
            assert_eq!(nonzero(v.as_ptr().cast(), 4, 600, 4, 10, out.as_mut_ptr()), 400);
        }
        assert_eq!(out[..4], [11, 12, 14, 15]);
    }
}
