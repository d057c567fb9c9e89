//! Products of `float`, `double` and their complex types: `faer`'s kernels, on several threads where that pays.

use faer::traits::ComplexField;
use faer::{Accum, MatMut, MatRef, Par};

use super::{DotElem, Product, blocked};
use crate::{fpstatus, threads};

/// Fewer multiplications of reals than this do not pay for a thread that is awake; one that sleeps is only woken by them.
const THREAD_MIN: usize = 1 << 19;
/// A thread's rows or columns are a multiple of this, so that all but the last have whole tiles.
const GRAIN: usize = 12;

/// A product whose parts threads compute.
struct Divided<'a>(&'a Product);

// SAFETY: parts of a product read the same factors, which nobody writes, and write to different elements.
unsafe impl Sync for Divided<'_> {}

impl Divided<'_> {
    /// The part with these of its `m` rows or, if those are fewer than its columns, these of its columns.
    fn part(&self, from: usize, to: usize) -> Product {
        let p = self.0;
        let (row, col) = (from as isize * p.a_strides[0], from as isize * p.b_strides[1]);
        if p.m >= p.n {
            let out = p.out.wrapping_offset(from as isize * p.out_strides[0]);
            Product { m: to - from, a: p.a.wrapping_offset(row), out, ..*p }
        } else {
            let out = p.out.wrapping_offset(from as isize * p.out_strides[1]);
            Product { n: to - from, b: p.b.wrapping_offset(col), out, ..*p }
        }
    }
}

/// # Safety
/// As for [`super::MatmulFn`], with strides that are multiples of the item size.
pub unsafe fn product<T: ComplexField + DotElem>(p: &Product) {
    let before = fpstatus::take();
    let work = p.m.saturating_mul(p.n).saturating_mul(p.k).saturating_mul(T::PARTS * T::PARTS);
    let total = p.m.max(p.n);
    let parts = (work / THREAD_MIN).min(total / (2 * GRAIN)).min(threads::num_threads());
    if parts > 1 {
        let size = total.div_ceil(parts).next_multiple_of(GRAIN);
        let divided = Divided(p);
        threads::for_each(total.div_ceil(size), |i| {
            let part = divided.part(i * size, ((i + 1) * size).min(total));
            // SAFETY: the caller's promise; parts are blocks of rows or columns.
            unsafe { alone::<T>(&part) };
        });
    } else {
        // SAFETY: the caller's promise.
        unsafe { alone::<T>(p) };
    }
    let mut after = fpstatus::take();
    // Infinity times a zero that only fills a tile is nobody's business: an invalid operation of the product itself leaves a
    // NaN in the result.
    // SAFETY: elements of the result.
    if after & fpstatus::INVALID != 0 && !unsafe { any_nan::<T>(p) } {
        after &= !fpstatus::INVALID;
    }
    if before | after != 0 {
        fpstatus::raise(before | after);
    }
}

/// # Safety
/// As for [`product`].
unsafe fn alone<T: ComplexField + DotElem>(p: &Product) {
    if blocked::suits::<T>(p) {
        // SAFETY: the caller's promise; an empty sum is too little work to come here.
        return unsafe { blocked::product::<T>(p) };
    }
    let size = size_of::<T>() as isize;
    // SAFETY: the pointers and strides describe the matrices, and the output meets neither factor.
    unsafe {
        let factor = |at: *const u8, rows, cols, [row, col]: [isize; 2]| {
            MatRef::from_raw_parts(at.cast::<T>(), rows, cols, row / size, col / size)
        };
        let (a, b) = (factor(p.a, p.m, p.k, p.a_strides), factor(p.b, p.k, p.n, p.b_strides));
        let [row, col] = p.out_strides;
        let out = MatMut::from_raw_parts_mut(p.out.cast::<T>(), p.m, p.n, row / size, col / size);
        faer::linalg::matmul::matmul(out, Accum::Replace, a, b, T::one_impl(), Par::Seq);
    }
}

/// # Safety
/// The output of a product.
unsafe fn any_nan<T: ComplexField>(p: &Product) -> bool {
    let [row, col] = p.out_strides;
    let mut all = (0..p.m as isize).flat_map(|i| (0..p.n as isize).map(move |j| i * row + j * col));
    // SAFETY: elements of the output.
    all.any(|at| unsafe { T::is_nan_impl(&*p.out.offset(at).cast::<T>()) })
}
