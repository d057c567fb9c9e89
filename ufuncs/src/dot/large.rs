//! Products of `float`, `double` and their complex types: `faer`'s kernels, on several threads where that pays.

use faer::traits::ComplexField;
use faer::{Accum, MatMut, MatRef, Par};

use super::{DotElem, Product, blocked};
use crate::{fpstatus, threads};

/// Fewer multiplications than this do not pay for a thread: it costs some tens of microseconds.
const THREAD_MIN: usize = 1 << 23;
/// A thread's rows or columns are a multiple of this, so that all but the last have whole tiles.
const GRAIN: usize = 48;

/// A part of a product, to be handed to a thread.
struct Part(Product);

// SAFETY: parts of a product read the same factors, which nobody writes, and write to different elements.
unsafe impl Send for Part {}

/// # Safety
/// As for [`super::MatmulFn`], with strides that are multiples of the item size.
pub unsafe fn product<T: ComplexField + DotElem>(p: &Product) {
    let before = fpstatus::take();
    let work = p.m.saturating_mul(p.n).saturating_mul(p.k);
    let parts = threads::num_threads().min(work / THREAD_MIN).min(p.m.max(p.n) / GRAIN).max(1);
    // SAFETY: the caller's promise; parts are blocks of rows or columns.
    let mut after = unsafe {
        if parts == 1 {
            alone::<T>(p);
            fpstatus::take()
        } else {
            together::<T>(p, parts)
        }
    };
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

/// The part of a product with these of its `m` rows or, if those are fewer than its columns, these of its columns.
fn part(p: &Product, first: usize, count: usize) -> Product {
    let (row, col) = (first as isize * p.a_strides[0], first as isize * p.b_strides[1]);
    if p.m >= p.n {
        let out = p.out.wrapping_offset(first as isize * p.out_strides[0]);
        Product { m: count, a: p.a.wrapping_offset(row), out, ..*p }
    } else {
        let out = p.out.wrapping_offset(first as isize * p.out_strides[1]);
        Product { n: count, b: p.b.wrapping_offset(col), out, ..*p }
    }
}

/// Returns the floating-point errors of all threads.
///
/// # Safety
/// As for [`product`].
unsafe fn together<T: ComplexField + DotElem>(p: &Product, parts: usize) -> u32 {
    let total = p.m.max(p.n);
    let size = total.div_ceil(parts).next_multiple_of(GRAIN);
    // SAFETY: the caller's promise; every part is inside the product.
    let run = |part: Part| unsafe {
        let Part(p) = part;
        alone::<T>(&p);
        fpstatus::take()
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (size..total)
            .step_by(size)
            .map(|first| {
                let part = Part(part(p, first, size.min(total - first)));
                std::thread::Builder::new().spawn_scoped(scope, move || run(part)).map_err(|_| first)
            })
            .collect();
        let mut status = run(Part(part(p, 0, size.min(total))));
        for other in others {
            status |= match other {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // No more threads are to be had.
                Err(first) => run(Part(part(p, first, size.min(total - first)))),
            };
        }
        status
    })
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
