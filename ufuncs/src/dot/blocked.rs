//! Matrix products in register tiles, for types no library multiplies, and for small matrices of those it does.
//!
//! A tile of the result, some rows by two registers, stays in registers while a strip of the second factor streams by: each
//! step loads one row of the strip and multiplies it with an element of every row of the first factor. A strip that is
//! used often, or whose rows are not contiguous, is copied first. Elements too narrow to multiply well (or at all) are
//! widened before: bytes to 16 bits, halves to `float`.

use core::mem::MaybeUninit;

use super::registers::{self, Register};
use super::{DotElem, Product};
use crate::cpu::{Kind, Level};

/// What tiles are made of.
pub trait Block: Copy {
    const ZERO: Self;
    /// `acc + a * b`; in one rounding where that costs nothing.
    fn step(acc: Self, a: Self, b: Self) -> Self;
    fn add(a: Self, b: Self) -> Self;
    /// Registers of AVX-512, of AVX2, and of any processor.
    #[cfg(target_arch = "x86_64")]
    type Zmm: Register<Elem = Self>;
    #[cfg(target_arch = "x86_64")]
    type Ymm: Register<Elem = Self>;
    type Plain: Register<Elem = Self>;
}

macro_rules! in_registers {
    ($zmm:ident, $ymm:ident) => {
        #[cfg(target_arch = "x86_64")]
        type Zmm = registers::$zmm;
        #[cfg(target_arch = "x86_64")]
        type Ymm = registers::$ymm;
        type Plain = [Self; 16 / size_of::<Self>()];
    };
}

macro_rules! ints {
    ($($t:ident in $zmm:ident, $ymm:ident;)*) => {$(
        impl Block for $t {
            const ZERO: $t = 0;
            #[inline(always)]
            fn step(acc: $t, a: $t, b: $t) -> $t {
                acc.wrapping_add(a.wrapping_mul(b))
            }
            #[inline(always)]
            fn add(a: $t, b: $t) -> $t {
                a.wrapping_add(b)
            }
            in_registers!($zmm, $ymm);
        }
    )*};
}
ints! {
    u16 in Zmm16, Ymm16;
    u32 in Zmm32, Ymm32;
    u64 in Zmm64, Ymm64;
}

macro_rules! floats {
    ($($t:ident in $zmm:ident, $ymm:ident;)*) => {$(
        impl Block for $t {
            const ZERO: $t = 0.0;
            #[inline(always)]
            fn step(acc: $t, a: $t, b: $t) -> $t {
                if cfg!(target_arch = "aarch64") { a.mul_add(b, acc) } else { acc + a * b }
            }
            #[inline(always)]
            fn add(a: $t, b: $t) -> $t {
                a + b
            }
            in_registers!($zmm, $ymm);
        }
    )*};
}
floats! {
    f32 in ZmmSingle, YmmSingle;
    f64 in ZmmDouble, YmmDouble;
}

/// Truth values, one a byte: the sum is "any", the product "both".
impl Block for u8 {
    const ZERO: u8 = 0;
    #[inline(always)]
    fn step(acc: u8, a: u8, b: u8) -> u8 {
        acc | (a & b)
    }
    #[inline(always)]
    fn add(a: u8, b: u8) -> u8 {
        a | b
    }
    in_registers!(Zmm8, Ymm8);
}

/// A factor in elements of the tiles' type, its strides counted in elements.
#[derive(Clone, Copy)]
struct Factor<B> {
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

/// Whether tiles are faster than the library, which has to prepare its work.
pub fn suits<T: DotElem>(p: &Product) -> bool {
    T::TILES
        && Level::current().kind() == Kind::Avx512
        && p.m.min(p.n) >= NARROW
        && p.m.saturating_mul(p.n).saturating_mul(p.k) <= FEW
}

/// A product of widened factors, as widened or given.
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
    if size_of::<T>() != size_of::<T::Wide>() {
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
    let size = size_of::<T>() as isize;
    let factor = |at: *const u8, [row, col]: [isize; 2]| Factor {
        at: at.cast::<T::Wide>(),
        row: row / size,
        col: col / size,
    };
    let (a, b) = (factor(p.a, p.a_strides), factor(p.b, p.b_strides));
    // SAFETY: the caller's promise; types of one size are the same bits.
    unsafe {
        if b.col != 1 && a.row == 1 {
            // The transposed product reads its second factor along rows.
            let [row, col] = p.out_strides;
            let p = Product { m: p.n, n: p.m, out_strides: [col, row], ..*p };
            choose(&Work::<T> { p: &p, a: b.transposed(), b: a.transposed() });
        } else {
            choose(&Work::<T> { p, a, b });
        }
    }
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
            Kind::Avx2 => avx2(w),
            _ => baseline(w),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512cd,avx512dq,avx512vl,avx512bw,avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx512<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { run::<T, <T::Wide as Block>::Zmm, 8>(w) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx2<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { run::<T, <T::Wide as Block>::Ymm, 4>(w) }
}
#[inline(never)]
unsafe fn baseline<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { run::<T, <T::Wide as Block>::Plain, 4>(w) }
}

/// # Safety
/// As for [`choose`], on a processor with these registers.
#[inline(always)]
unsafe fn run<T: DotElem, R: Register<Elem = T::Wide>, const ROWS: usize>(w: &Work<'_, T>) {
    const { assert!(ROWS * WIDTH * R::LANES * size_of::<R::Elem>() <= TILE) };
    let cols = WIDTH * R::LANES;
    let (m, k, n) = (w.p.m, w.p.k, w.p.n);
    // Sums that are rounded in the end only must not be put down on the way.
    let whole = size_of::<T>() != size_of::<T::Wide>();
    let depth = if whole { k } else { k.min(STRIP / (cols * size_of::<T::Wide>())) };
    let mut small = [MaybeUninit::<u64>::uninit(); STRIP / 8];
    let mut large = vec![];
    let strip: *mut T::Wide = if depth * cols * size_of::<T::Wide>() <= STRIP {
        small.as_mut_ptr().cast()
    } else {
        large.reserve_exact(depth * cols);
        large.as_mut_ptr()
    };
    for first in (0..k).step_by(depth) {
        let depth = depth.min(k - first);
        for j in (0..n).step_by(cols) {
            let width = cols.min(n - j);
            let (mut row, mut step) = (w.b.get(first, j), w.b.row);
            // SAFETY: elements of the second factor; the strip has room for `depth` rows.
            unsafe {
                if width < cols || w.b.col != 1 || m >= REUSED * ROWS {
                    for l in 0..depth {
                        let (from, to) = (w.b.get(first + l, j), strip.add(l * cols));
                        if w.b.col == 1 {
                            to.copy_from_nonoverlapping(from, width);
                        } else {
                            for c in 0..width {
                                to.add(c).write(*from.wrapping_offset(c as isize * w.b.col));
                            }
                        }
                        for c in width..cols {
                            to.add(c).write(T::Wide::ZERO);
                        }
                    }
                    (row, step) = (strip, cols as isize);
                }
                let mut i = 0;
                while i < m {
                    let height = ROWS.min(m - i);
                    let a = Factor { at: w.a.get(i, first), ..w.a };
                    let to = Place { i, j, height, width, add: first > 0 };
                    let b = Strip { depth, row, step };
                    match (height > 1, width > R::LANES) {
                        (true, true) => tile::<T, R, ROWS, WIDTH>(w.p, a, b, to),
                        (true, false) => tile::<T, R, ROWS, 1>(w.p, a, b, to),
                        (false, true) => tile::<T, R, 1, WIDTH>(w.p, a, b, to),
                        (false, false) => tile::<T, R, 1, 1>(w.p, a, b, to),
                    }
                    i += height;
                }
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
        let rows: [*const T::Wide; ROWS] = core::array::from_fn(|i| a.get(i.min(at.height - 1), 0));
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
        for i in 0..ROWS {
            for v in 0..COUNT {
                acc[i][v].store(out.add((i * COUNT + v) * R::LANES));
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
/// The place lies in the product's output; rows of so many sums at `tile`.
#[inline(always)]
unsafe fn store<T: DotElem>(p: &Product, tile: *const T::Wide, cols: usize, at: Place) {
    let size = size_of::<T>() as isize;
    for r in 0..at.height {
        let row =
            p.out.wrapping_offset((at.i + r) as isize * p.out_strides[0] + at.j as isize * p.out_strides[1]);
        // SAFETY: the caller's promise. Types of one size are the same bits, so that a sum can be read again.
        unsafe {
            let values = core::slice::from_raw_parts(tile.add(r * cols), at.width);
            if p.out_strides[1] == size {
                let out = row.cast::<T>();
                for (c, &value) in values.iter().enumerate() {
                    let sum = if at.add { T::Wide::add(*out.add(c).cast::<T::Wide>(), value) } else { value };
                    *out.add(c) = T::narrow(sum);
                }
            } else {
                for (c, &value) in values.iter().enumerate() {
                    let to = row.wrapping_offset(c as isize * p.out_strides[1]);
                    let sum = if at.add { T::Wide::add(*to.cast::<T::Wide>(), value) } else { value };
                    *to.cast::<T>() = T::narrow(sum);
                }
            }
        }
    }
}
