//! Matrix products in register tiles, for every type the compiler can put into vectors.
//!
//! A tile of the result, some rows by two vectors, stays in registers while a strip of the second factor streams by: each
//! step loads one row of the strip and multiplies it with an element of every row of the first factor. Strips whose rows
//! are contiguous are read where they are, others are copied first. Elements too narrow to multiply well (or at all) are
//! widened before: bytes to 16 bits, halves to `float`.

use core::mem::MaybeUninit;

use super::{DotElem, Product};
use crate::cpu::{Kind, Level};

/// What tiles are made of.
pub trait Block: Copy {
    const ZERO: Self;
    /// `acc + a * b`; in one rounding with `FUSED`, which only processors that can do that ask for.
    fn step<const FUSED: bool>(acc: Self, a: Self, b: Self) -> Self;
    fn add(a: Self, b: Self) -> Self;
}

macro_rules! ints {
    ($($t:ty)*) => {$(
        impl Block for $t {
            const ZERO: $t = 0;
            #[inline(always)]
            fn step<const FUSED: bool>(acc: $t, a: $t, b: $t) -> $t {
                acc.wrapping_add(a.wrapping_mul(b))
            }
            #[inline(always)]
            fn add(a: $t, b: $t) -> $t {
                a.wrapping_add(b)
            }
        }
    )*};
}
ints!(u16 u32 u64);

macro_rules! floats {
    ($($t:ty)*) => {$(
        impl Block for $t {
            const ZERO: $t = 0.0;
            #[inline(always)]
            fn step<const FUSED: bool>(acc: $t, a: $t, b: $t) -> $t {
                if FUSED { a.mul_add(b, acc) } else { acc + a * b }
            }
            #[inline(always)]
            fn add(a: $t, b: $t) -> $t {
                a + b
            }
        }
    )*};
}
floats!(f32 f64);

/// Truth values, one a byte: the sum is "any", the product "both".
impl Block for u8 {
    const ZERO: u8 = 0;
    #[inline(always)]
    fn step<const FUSED: bool>(acc: u8, a: u8, b: u8) -> u8 {
        acc | (a & b)
    }
    #[inline(always)]
    fn add(a: u8, b: u8) -> u8 {
        a | b
    }
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

/// How far the sums of one tile go before the next strip: what a strip takes stays in the first-level cache.
const DEPTH: usize = 256;

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

/// Tiles of so many bytes and rows, and of half as many rows where elements are long: a row of them has at least 32,
/// since loops of fewer turns are written out before anybody looks for vectors in them.
macro_rules! sized {
    ($B:ty, $run:ident, $w:ident, $bytes:literal, $rows:literal, $fused:expr) => {
        match const { size_of::<$B>() } {
            1 => $run::<T, $rows, { $bytes }, $fused>($w),
            2 => $run::<T, $rows, { $bytes / 2 }, $fused>($w),
            4 => $run::<T, $rows, { $bytes / 4 }, $fused>($w),
            _ => $run::<T, { $rows / 2 }, { $bytes / 4 }, $fused>($w),
        }
    };
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512cd,avx512dq,avx512vl,avx512bw,avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx512<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { sized!(T::Wide, run, w, 128, 8, true) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx2<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { sized!(T::Wide, run, w, 128, 4, true) }
}
#[inline(never)]
unsafe fn baseline<T: DotElem>(w: &Work<'_, T>) {
    // SAFETY: the caller's promise.
    unsafe { sized!(T::Wide, run, w, 128, 4, { cfg!(target_arch = "aarch64") }) }
}

/// # Safety
/// As for [`choose`].
#[inline(always)]
unsafe fn run<T: DotElem, const ROWS: usize, const COLS: usize, const FUSED: bool>(w: &Work<'_, T>) {
    let (m, k, n) = (w.p.m, w.p.k, w.p.n);
    // Sums that are rounded in the end only must not be put down on the way.
    let depth = if size_of::<T>() == size_of::<T::Wide>() { DEPTH.min(k) } else { k };
    let mut small = [MaybeUninit::<u64>::uninit(); 2048];
    let mut large = vec![];
    let strip: *mut T::Wide = if depth * COLS * size_of::<T::Wide>() <= size_of_val(&small) {
        small.as_mut_ptr().cast()
    } else {
        large.reserve_exact(depth * COLS);
        large.as_mut_ptr()
    };
    for first in (0..k).step_by(depth) {
        let depth = depth.min(k - first);
        for j in (0..n).step_by(COLS) {
            let width = COLS.min(n - j);
            let (mut row, mut step) = (w.b.get(first, j), w.b.row);
            // SAFETY: elements of the second factor; the strip has room for `depth` rows.
            unsafe {
                if width < COLS || w.b.col != 1 {
                    for l in 0..depth {
                        let to = strip.add(l * COLS);
                        for c in 0..width {
                            to.add(c).write(*w.b.get(first + l, j + c));
                        }
                        for c in width..COLS {
                            to.add(c).write(T::Wide::ZERO);
                        }
                    }
                    (row, step) = (strip, COLS as isize);
                }
                let mut i = 0;
                while i < m {
                    let height = ROWS.min(m - i);
                    let a = Factor { at: w.a.get(i, first), ..w.a };
                    let to = Place { i, j, height, width, add: first > 0 };
                    if height > ROWS / 2 {
                        let tile = tile::<_, ROWS, COLS, FUSED>(depth, a, height, row, step);
                        store::<T, ROWS, COLS>(w.p, &tile, to);
                        i += ROWS;
                    } else if height > 1 {
                        let tile = tile::<_, 4, COLS, FUSED>(depth, a, height.min(4), row, step);
                        store::<T, 4, COLS>(w.p, &tile, Place { height: height.min(4), ..to });
                        i += 4;
                    } else {
                        let tile = tile::<_, 1, COLS, FUSED>(depth, a, 1, row, step);
                        store::<T, 1, COLS>(w.p, &tile, to);
                        i += 1;
                    }
                }
            }
        }
    }
}

/// # Safety
/// `depth` columns of `height` rows at `a`; as many rows of the tile's width at `row`, `step` elements apart.
#[inline(always)]
unsafe fn tile<B: Block, const ROWS: usize, const COLS: usize, const FUSED: bool>(
    depth: usize,
    a: Factor<B>,
    height: usize,
    row: *const B,
    step: isize,
) -> [[B; COLS]; ROWS] {
    let mut acc = [[B::ZERO; COLS]; ROWS];
    // Rows that are not there are the last one again, and are not stored.
    let mut lanes: [*const B; ROWS] = core::array::from_fn(|i| a.get(i.min(height - 1), 0));
    let mut row = row;
    for _ in 0..depth {
        // SAFETY: the caller's promise.
        unsafe {
            let b = *row.cast::<[B; COLS]>();
            for (acc, lane) in acc.iter_mut().zip(&mut lanes) {
                let x = **lane;
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = B::step::<FUSED>(*acc, x, b);
                }
                *lane = lane.wrapping_offset(a.col);
            }
        }
        row = row.wrapping_offset(step);
    }
    acc
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
/// The place lies in the product's output.
#[inline(always)]
unsafe fn store<T: DotElem, const ROWS: usize, const COLS: usize>(
    p: &Product,
    tile: &[[T::Wide; COLS]; ROWS],
    at: Place,
) {
    let size = size_of::<T>() as isize;
    for (r, values) in tile.iter().enumerate().take(at.height) {
        let row =
            p.out.wrapping_offset((at.i + r) as isize * p.out_strides[0] + at.j as isize * p.out_strides[1]);
        // SAFETY: the caller's promise. Types of one size are the same bits, so that a sum can be read again.
        unsafe {
            if at.add {
                for (c, &value) in values.iter().enumerate().take(at.width) {
                    let to = row.wrapping_offset(c as isize * p.out_strides[1]);
                    let sum = T::Wide::add(*to.cast::<T::Wide>(), value);
                    *to.cast::<T>() = T::narrow(sum);
                }
            } else if at.width == COLS && p.out_strides[1] == size {
                for (c, &value) in values.iter().enumerate() {
                    *row.cast::<T>().add(c) = T::narrow(value);
                }
            } else {
                for (c, &value) in values.iter().enumerate().take(at.width) {
                    *row.wrapping_offset(c as isize * p.out_strides[1]).cast::<T>() = T::narrow(value);
                }
            }
        }
    }
}
