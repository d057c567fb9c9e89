//! Matrix products in register tiles, for types no library multiplies, and for small matrices of those it does.
//!
//! A tile of the result, some rows by two registers, stays in registers while a strip of the second factor streams by: each
//! step loads one row of the strip and multiplies it with an element of every row of the first factor. A strip that is
//! used often, or whose rows are not contiguous, is copied first. Elements too narrow to multiply well (or at all) are
//! widened before: bytes to 16 bits, halves to `float`.
//!
//! Complex numbers are multiplied as their parts: a row of the first factor is two, of real and of imaginary parts, a row of the
//! second one as many reals as it has parts, and two rows of the tile make one of the result.

use core::mem::MaybeUninit;

use super::registers::{self, Register, Registers};
use super::{DotElem, Product};
use crate::cpu::{Kind, Level};

/// What tiles are made of.
pub trait Block: Registers {
    const ZERO: Self;
    const ONE: Self;
    /// `acc + a * b`; in one rounding where that costs nothing.
    fn step(acc: Self, a: Self, b: Self) -> Self;
    fn add(a: Self, b: Self) -> Self;
    fn sub(a: Self, b: Self) -> Self;
    /// Registers for factors that are [`Self::short`], where those are multiplied much faster with AVX2.
    #[cfg(target_arch = "x86_64")]
    type Short: Register<Elem = Self>;
    /// Whether elements so far apart are all short.
    ///
    /// # Safety
    /// So many rows and columns of elements.
    #[allow(unused_variables)]
    unsafe fn short(factor: Factor<Self>, rows: usize, cols: usize) -> bool {
        false
    }
}

macro_rules! ints {
    ($($t:ident, short in $short:ident $(by $is_short:expr)?;)*) => {$(
        impl Block for $t {
            $(
                unsafe fn short(factor: Factor<$t>, rows: usize, cols: usize) -> bool {
                    // SAFETY: the caller's promise.
                    unsafe { all(factor, rows, cols, $is_short) }
                }
            )?
            const ZERO: $t = 0;
            const ONE: $t = 1;
            #[inline(always)]
            fn step(acc: $t, a: $t, b: $t) -> $t {
                acc.wrapping_add(a.wrapping_mul(b))
            }
            #[inline(always)]
            fn add(a: $t, b: $t) -> $t {
                a.wrapping_add(b)
            }
            #[inline(always)]
            fn sub(a: $t, b: $t) -> $t {
                a.wrapping_sub(b)
            }
            #[cfg(target_arch = "x86_64")]
            type Short = registers::$short;
        }
    )*};
}
ints! {
    u16, short in Ymm16;
    u32, short in Ymm32;
    u64, short in YmmHalf64 by |x| x == x as i32 as u64;
}

/// Whether all elements are of a kind; a row at a time is looked at whole.
///
/// # Safety
/// So many rows and columns of elements.
unsafe fn all<B: Copy>(factor: Factor<B>, rows: usize, cols: usize, is: impl Fn(B) -> bool) -> bool {
    // Along the axis that lies contiguous.
    let (factor, rows, cols) =
        if factor.row == 1 { (factor.transposed(), cols, rows) } else { (factor, rows, cols) };
    (0..rows).all(|i| {
        let row = factor.get(i, 0);
        if factor.col == 1 {
            // SAFETY: the caller's promise: so many elements next to each other.
            let row = unsafe { core::slice::from_raw_parts(row, cols) };
            return row.iter().fold(true, |all, x| all & is(*x));
        }
        // SAFETY: the caller's promise.
        let at = |j: isize| unsafe { *row.wrapping_offset(j * factor.col) };
        (0..cols as isize).fold(true, |all, j| all & is(at(j)))
    })
}

macro_rules! floats {
    ($($t:ident, short in $short:ident;)*) => {$(
        impl Block for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            #[inline(always)]
            fn step(acc: $t, a: $t, b: $t) -> $t {
                if cfg!(target_arch = "aarch64") { a.mul_add(b, acc) } else { acc + a * b }
            }
            #[inline(always)]
            fn add(a: $t, b: $t) -> $t {
                a + b
            }
            #[inline(always)]
            fn sub(a: $t, b: $t) -> $t {
                a - b
            }
            #[cfg(target_arch = "x86_64")]
            type Short = registers::$short;
        }
    )*};
}
floats! {
    f32, short in YmmSingle;
    f64, short in YmmDouble;
}

/// Truth values, one a byte: the sum is "any", the product "both", the difference "not the other one".
impl Block for u8 {
    const ZERO: u8 = 0;
    const ONE: u8 = 1;
    #[inline(always)]
    fn step(acc: u8, a: u8, b: u8) -> u8 {
        acc | (a & b)
    }
    #[inline(always)]
    fn add(a: u8, b: u8) -> u8 {
        a | b
    }
    #[inline(always)]
    fn sub(a: u8, b: u8) -> u8 {
        a & !b
    }
    #[cfg(target_arch = "x86_64")]
    type Short = registers::Ymm8;
}

/// A factor in elements of the tiles' type, its strides counted in elements.
#[derive(Clone, Copy)]
pub struct Factor<B> {
    at: *const B,
    row: isize,
    col: isize,
}

impl<B> Factor<B> {
    fn get(&self, row: usize, col: usize) -> *const B {
        self.at.wrapping_offset(row as isize * self.row + col as isize * self.col)
    }
    fn transposed(self) -> Self {
        Factor { row: self.col, col: self.row, ..self }
    }
}

/// Bytes of a strip: this much stays in the first-level cache.
const STRIP: usize = 16 << 10;
/// Registers side by side in a tile.
const WIDTH: usize = 2;
/// Bytes of the largest tile: eight rows of two of the longest registers.
const TILE: usize = 8 * WIDTH * 64;
/// A strip used for so many tiles is worth copying: in place, its rows share lines of the cache with what is beside them.
const REUSED: usize = 4;
/// Multiplications up to which [`suits`] prefers tiles.
const FEW: usize = 64 * 64 * 64;
/// Fewer rows or columns leave most of a tile empty.
const NARROW: usize = 4;
/// Rows of a second factor that is multiplied row by row of the first one.
const THIN: usize = 16;

/// Whether tiles are faster than the library, which has to prepare its work.
pub fn suits<T: DotElem>(p: &Product) -> bool {
    T::TILES
        && Level::current().kind() >= Kind::Avx2
        && p.m.min(p.n) >= NARROW
        && (p.m.saturating_mul(p.n).saturating_mul(p.k) <= FEW || is_thin::<T>(p, WIDTH * 32))
}

/// Whether the second factor is no wider than so many bytes, and the result contiguous.
fn is_thin<T: DotElem>(p: &Product, bytes: usize) -> bool {
    let row = p.n.saturating_mul(size_of::<T>());
    T::HAS_GEMM
        && p.k <= THIN
        && row <= bytes
        && p.m >= 64
        && p.out_strides == [row as isize, size_of::<T>() as isize]
}

/// A product of widened factors, as widened or given. Rows and columns are the product's, strides count reals.
struct Work<'a, T: DotElem> {
    p: &'a Product,
    a: Factor<T::Wide>,
    b: Factor<T::Wide>,
}

/// The product of a type that has tiles.
///
/// # Safety
/// As for [`super::MatmulFn`], with strides that are multiples of the item size, and `k` not zero.
pub unsafe fn product<T: DotElem>(p: &Product) {
    if is_widened::<T>() {
        let gather =
            |at: *const u8, strides: [isize; 2], rows: usize, cols: usize| -> Vec<T::Wide> {
                let mut out = Vec::with_capacity(rows * cols);
                for i in 0..rows as isize {
                    // SAFETY: an element of the factor.
                    out.extend((0..cols as isize).map(|j| unsafe {
                        (*(at.offset(i * strides[0] + j * strides[1]) as *const T)).widen()
                    }));
                }
                out
            };
        let (a, b) = (gather(p.a, p.a_strides, p.m, p.k), gather(p.b, p.b_strides, p.k, p.n));
        let factor = |v: &Vec<T::Wide>, cols: usize| Factor { at: v.as_ptr(), row: cols as isize, col: 1 };
        // SAFETY: the caller's promise, and the copies above.
        return unsafe { choose(&Work::<T> { p, a: factor(&a, p.k), b: factor(&b, p.n) }) };
    }
    let size = size_of::<T::Wide>() as isize;
    let factor = |at: *const u8, [row, col]: [isize; 2]| Factor {
        at: at.cast::<T::Wide>(),
        row: row / size,
        col: col / size,
    };
    let (a, b) = (factor(p.a, p.a_strides), factor(p.b, p.b_strides));
    let unit = T::PARTS as isize;
    // SAFETY: the caller's promise; what is not widened lies as its parts.
    unsafe {
        if b.col != unit && a.row == unit {
            // The transposed product reads its second factor along rows.
            let [row, col] = p.out_strides;
            let p = Product { m: p.n, n: p.m, out_strides: [col, row], ..*p };
            choose(&Work::<T> { p: &p, a: b.transposed(), b: a.transposed() });
        } else {
            choose(&Work::<T> { p, a, b });
        }
    }
}

/// Whether tiles are of another type than what is multiplied.
const fn is_widened<T: DotElem>() -> bool {
    size_of::<T>() != T::PARTS * size_of::<T::Wide>()
}

/// # Safety
/// As for [`product`], the work describing its factors.
unsafe fn choose<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: a level exists only where the processor has it; the caller's promise.
    unsafe {
        match Level::current().kind() {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512(w),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 if T::Wide::short(w.a, w.p.m, w.p.k) && T::Wide::short(w.b, w.p.k, w.p.n) => {
                avx2_short(w)
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2(w),
            _ => baseline(w),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512cd,avx512dq,avx512vl,avx512bw,avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx512<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { run::<T, <T::Wide as Registers>::Zmm, 8, 8>(w) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx2<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe {
        if T::HAS_GEMM {
            run::<T, <T::Wide as Registers>::Ymm, 4, 6>(w)
        } else if size_of::<T::Wide>() == 8 {
            // Each of these is two registers.
            run::<T, <T::Wide as Registers>::Ymm, 3, 3>(w)
        } else {
            // Some integers need registers to be multiplied in.
            run::<T, <T::Wide as Registers>::Ymm, 4, 4>(w)
        }
    }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx2_short<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { run::<T, <T::Wide as Block>::Short, 4, 6>(w) }
}
#[inline(never)]
unsafe fn baseline<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { run::<T, <T::Wide as Registers>::Plain, 4, 4>(w) }
}

/// Tiles have `TALL` rows where there are enough, else `ROWS`.
///
/// # Safety
/// As for [`choose`], on a processor with these registers.
#[inline(always)]
unsafe fn run<T: DotElem, R: Register<Elem = T::Wide>, const ROWS: usize, const TALL: usize>(
    w: &Work<'_, T>,
) {
    const { assert!(TALL * WIDTH * R::LANES * size_of::<R::Elem>() <= TILE) };
    // SAFETY: the caller's promise, here and below.
    unsafe {
        if is_thin::<T>(w.p, R::LANES * size_of::<R::Elem>()) {
            return thin::<T, R, 1>(w);
        }
        if is_thin::<T>(w.p, WIDTH * R::LANES * size_of::<R::Elem>()) {
            return thin::<T, R, WIDTH>(w);
        }
    }
    // Reals and columns in a row of a tile.
    let reals = WIDTH * R::LANES;
    let cols = reals / T::PARTS;
    let unit = T::PARTS as isize;
    let (m, k, n) = (w.p.m, w.p.k, w.p.n);
    // Sums that are rounded in the end only must not be put down on the way.
    let depth = if is_widened::<T>() { k } else { k.min(STRIP / (reals * size_of::<T::Wide>())) };
    let mut small = [MaybeUninit::<u64>::uninit(); STRIP / 8];
    let mut large = vec![];
    let strip: *mut T::Wide = if depth * reals * size_of::<T::Wide>() <= STRIP {
        small.as_mut_ptr().cast()
    } else {
        large.reserve_exact(depth * reals);
        large.as_mut_ptr()
    };
    for first in (0..k).step_by(depth) {
        let depth = depth.min(k - first);
        for j in (0..n).step_by(cols) {
            let width = cols.min(n - j);
            let filled = width * T::PARTS;
            let (mut row, mut step) = (w.b.get(first, j), w.b.row);
            // SAFETY: elements of the second factor; the strip has room for `depth` rows.
            unsafe {
                if width < cols || w.b.col != unit || m >= REUSED * ROWS {
                    copy_strip::<T>(w.b.get(first, j), w.b, depth, width, strip, reals);
                    (row, step) = (strip, reals as isize);
                }
                let mut i = 0;
                while i < m {
                    let left = (m - i) * T::PARTS;
                    // Whichever leaves fewer rows of a tile unused.
                    let tall = TALL > ROWS && (left > 2 * ROWS || (left > ROWS && left <= TALL));
                    let height = (if tall { TALL } else { ROWS } / T::PARTS).min(m - i);
                    let a = Factor { at: w.a.get(i, first), ..w.a };
                    let to = Place { i, j, height, width, add: first > 0 };
                    let b = Strip { depth, row, step };
                    match (height > 1, filled > R::LANES) {
                        (true, true) if tall => tile::<T, R, TALL, WIDTH>(w.p, a, b, to),
                        (true, false) if tall => tile::<T, R, TALL, 1>(w.p, a, b, to),
                        (true, true) => tile::<T, R, ROWS, WIDTH>(w.p, a, b, to),
                        (true, false) => tile::<T, R, ROWS, 1>(w.p, a, b, to),
                        (false, true) if T::PARTS == 2 => tile::<T, R, 2, WIDTH>(w.p, a, b, to),
                        (false, false) if T::PARTS == 2 => tile::<T, R, 2, 1>(w.p, a, b, to),
                        (false, true) => tile::<T, R, 1, WIDTH>(w.p, a, b, to),
                        (false, false) => tile::<T, R, 1, 1>(w.p, a, b, to),
                    }
                    i += height;
                }
            }
        }
    }
}

/// Copy rows of some columns to a strip of rows of so many reals.
///
/// # Safety
/// Elements of the second factor from `from` on; room in the strip.
#[inline(always)]
unsafe fn copy_strip<T: DotElem>(
    from: *const T::Wide,
    b: Factor<T::Wide>,
    depth: usize,
    width: usize,
    strip: *mut T::Wide,
    reals: usize,
) {
    let filled = width * T::PARTS;
    // SAFETY: the caller's promise.
    unsafe {
        for l in 0..depth {
            let (from, to) = (from.wrapping_offset(l as isize * b.row), strip.add(l * reals));
            if b.col == T::PARTS as isize {
                to.copy_from_nonoverlapping(from, filled);
            } else {
                for c in 0..width {
                    let from = from.wrapping_offset(c as isize * b.col);
                    for part in 0..T::PARTS {
                        to.add(c * T::PARTS + part).write(*from.add(part));
                    }
                }
            }
            for c in filled..reals {
                to.add(c).write(T::Wide::ZERO);
            }
        }
    }
}

/// Row by row: the second factor is no wider than `COUNT` registers, and the result contiguous.
///
/// # Safety
/// As for [`run`], and [`is_thin`] with the bytes of these registers.
#[inline(always)]
unsafe fn thin<T: DotElem, R: Register<Elem = T::Wide>, const COUNT: usize>(w: &Work<'_, T>) {
    let (m, k, n) = (w.p.m, w.p.k, w.p.n);
    let (reals, filled) = (COUNT * R::LANES, n * T::PARTS);
    let mut strip = [MaybeUninit::<u64>::uninit(); THIN * TILE / 64];
    let strip = strip.as_mut_ptr().cast::<T::Wide>();
    const { assert!(COUNT * R::LANES * size_of::<R::Elem>() * THIN <= THIN * TILE / 8) };
    // SAFETY: the caller's promise; the strip has room for so many rows.
    unsafe {
        copy_strip::<T>(w.b.at, w.b, k, n, strip, reals);
        let zero = R::splat(T::Wide::ZERO);
        for i in 0..m {
            let a = w.a.get(i, 0);
            let mut acc = [[zero; COUNT]; 2];
            for l in 0..k {
                let left = a.wrapping_offset(l as isize * w.a.col);
                for part in 0..T::PARTS {
                    let left = R::splat(*left.add(part));
                    for v in 0..COUNT {
                        let right = R::load(strip.add(l * reals + v * R::LANES));
                        acc[part][v] = acc[part][v].step(left, right);
                    }
                }
            }
            let mut row = [MaybeUninit::<u64>::uninit(); TILE / 64];
            let to = w.p.out.cast::<T::Wide>().add(i * filled);
            // What is written behind a row is overwritten by the next ones, if those are long enough.
            let whole = (m - i) * filled >= reals;
            let place = if whole { to } else { row.as_mut_ptr().cast::<T::Wide>() };
            for v in 0..COUNT {
                let sum = if T::PARTS == 2 { acc[0][v].plus_turned(acc[1][v]) } else { acc[0][v] };
                sum.store(place.add(v * R::LANES));
            }
            if !whole {
                to.copy_from_nonoverlapping(place, filled);
            }
        }
    }
}

/// Some rows of the second factor.
#[derive(Clone, Copy)]
struct Strip<B> {
    depth: usize,
    row: *const B,
    step: isize,
}

/// Compute a tile and put it in its place.
///
/// # Safety
/// As many columns of `at.height` rows at `a` as the strip has rows, each of them as wide as the tile's registers; the place
/// lies in the product's output, and the processor has these registers.
#[inline(always)]
unsafe fn tile<T: DotElem, R: Register<Elem = T::Wide>, const ROWS: usize, const COUNT: usize>(
    p: &Product,
    a: Factor<T::Wide>,
    b: Strip<T::Wide>,
    at: Place,
) {
    let mut out = [MaybeUninit::<u64>::uninit(); TILE / 8];
    let out = out.as_mut_ptr().cast::<T::Wide>();
    // SAFETY: the caller's promise; `out` has room for the tile.
    unsafe {
        let mut acc = [[R::splat(T::Wide::ZERO); COUNT]; ROWS];
        // Rows that are not there are the last one again, and are not stored.
        let rows: [*const T::Wide; ROWS] =
            core::array::from_fn(|i| a.get((i / T::PARTS).min(at.height - 1), 0).wrapping_add(i % T::PARTS));
        for l in 0..b.depth as isize {
            let from = b.row.wrapping_offset(l * b.step);
            let right: [R; COUNT] = core::array::from_fn(|v| R::load(from.wrapping_add(v * R::LANES)));
            for i in 0..ROWS {
                let left = R::splat(*rows[i].wrapping_offset(l * a.col));
                for v in 0..COUNT {
                    acc[i][v] = acc[i][v].step(left, right[v]);
                }
            }
        }
        // Floats in a whole tile need no second look.
        let direct = T::HAS_GEMM
            && !at.add
            && at.height == ROWS / T::PARTS
            && at.width * T::PARTS == COUNT * R::LANES
            && p.out_strides[1] == size_of::<T>() as isize;
        if direct {
            for i in 0..ROWS / T::PARTS {
                let [row, col] = p.out_strides;
                let to =
                    p.out.wrapping_offset((at.i + i) as isize * row + at.j as isize * col).cast::<T::Wide>();
                for v in 0..COUNT {
                    let sum =
                        if T::PARTS == 2 { acc[2 * i][v].plus_turned(acc[2 * i + 1][v]) } else { acc[i][v] };
                    sum.store(to.add(v * R::LANES));
                }
            }
            return;
        }
        for i in 0..ROWS / T::PARTS {
            for v in 0..COUNT {
                let sum =
                    if T::PARTS == 2 { acc[2 * i][v].plus_turned(acc[2 * i + 1][v]) } else { acc[i][v] };
                sum.store(out.add((i * COUNT + v) * R::LANES));
            }
        }
        store::<T>(p, out, COUNT * R::LANES, at);
    }
}

/// Where a tile goes.
#[derive(Clone, Copy)]
struct Place {
    i: usize,
    j: usize,
    height: usize,
    width: usize,
    /// Whether there is a sum already.
    add: bool,
}

/// # Safety
/// The place lies in the product's output; rows of so many reals at `tile`.
#[inline(always)]
unsafe fn store<T: DotElem>(p: &Product, tile: *const T::Wide, reals: usize, at: Place) {
    let [row_step, col_step] = p.out_strides;
    let part_size = (size_of::<T>() / T::PARTS) as isize;
    for r in 0..at.height {
        let row = p.out.wrapping_offset((at.i + r) as isize * row_step + at.j as isize * col_step);
        // SAFETY: the caller's promise. Where there is a sum to add to, tiles are of the type itself or its parts.
        unsafe {
            let put = |offset: isize, value| {
                let to = row.wrapping_offset(offset).cast::<T::Wide>();
                let sum = if at.add { T::Wide::add(*to, value) } else { value };
                if T::PARTS == 1 { *to.cast::<T>() = T::narrow(sum) } else { *to = sum }
            };
            let values = core::slice::from_raw_parts(tile.add(r * reals), at.width * T::PARTS);
            if col_step == size_of::<T>() as isize {
                for (c, &value) in values.iter().enumerate() {
                    put(c as isize * part_size, value);
                }
            } else {
                for (c, parts) in values.chunks_exact(T::PARTS).enumerate() {
                    for (part, &value) in parts.iter().enumerate() {
                        put(c as isize * col_step + part as isize * part_size, value);
                    }
                }
            }
        }
    }
}
