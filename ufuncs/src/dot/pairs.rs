//! Complex numbers as pairs of reals in vector registers.
//!
//! A product of complex numbers needs four of reals, and sums of complex products are sums of those four. So nothing is turned
//! round while summing but one factor's parts, and what was added up is put together once, in the end.

use super::Complex;
use super::blocked::Block;
use super::registers::{LONGEST, Register, in_registers};

/// Registers of sums that hide the latency of an addition, for like parts and as many for unlike ones.
const SUMS: usize = 4;
/// Columns added at once: each has two factors, which shall stay in registers.
const COLUMNS: usize = 4;

in_registers! {
    /// Sums over two vectors of complex numbers of the products (re re, im im, re im, im re).
    ///
    /// # Safety
    /// `n` pairs at both.
    pub unsafe fn sums[R: Block, R](a: *const R, b: *const R, n: usize) -> [R; 4] = sums_in;
}

/// # Safety
/// As for [`sums`], on a processor with these registers.
#[inline(always)]
unsafe fn sums_in<R: Block, V: Register<Elem = R>>(a: *const R, b: *const R, n: usize) -> [R; 4] {
    let n = 2 * n;
    let mut i = 0;
    // SAFETY: indices stay below `n`; the caller's promise.
    unsafe {
        let zero = V::splat(R::ZERO);
        let (mut like, mut unlike) = ([zero; SUMS], [zero; SUMS]);
        while i + SUMS * V::LANES <= n {
            for s in 0..SUMS {
                let at = i + s * V::LANES;
                let (x, y) = (V::load(a.add(at)), V::load(b.add(at)));
                like[s] = like[s].step(x, y);
                unlike[s] = unlike[s].step(x, y.swapped());
            }
            i += SUMS * V::LANES;
        }
        while i + V::LANES <= n {
            let (x, y) = (V::load(a.add(i)), V::load(b.add(i)));
            like[0] = like[0].step(x, y);
            unlike[0] = unlike[0].step(x, y.swapped());
            i += V::LANES;
        }
        let one = V::splat(R::ONE);
        let mut lanes = [[R::ZERO; LONGEST]; 2];
        for (sums, lanes) in [like, unlike].into_iter().zip(&mut lanes) {
            let total = sums[0].step(sums[1], one).step(sums[2].step(sums[3], one), one);
            total.store(lanes.as_mut_ptr());
        }
        let mut out = [R::ZERO; 4];
        for (k, out) in out.iter_mut().enumerate() {
            let mut lane = k % 2;
            while lane < V::LANES {
                *out = R::add(*out, lanes[k / 2][lane]);
                lane += 2;
            }
        }
        while i < n {
            let (x, y) = ([*a.add(i), *a.add(i + 1)], [*b.add(i), *b.add(i + 1)]);
            for (k, (x, y)) in
                [(x[0], y[0]), (x[1], y[1]), (x[0], y[1]), (x[1], y[0])].into_iter().enumerate()
            {
                out[k] = R::step(out[k], x, y);
            }
            i += 2;
        }
        out
    }
}

in_registers! {
    /// Add multiples of columns.
    ///
    /// # Safety
    /// As many factors as columns, and in each of those as many elements as there are sums.
    pub unsafe fn add_columns[R: Block, R](acc: &mut [Complex<R>], columns: &[*const Complex<R>], x: &[Complex<R>]) -> ()
        = columns_in;
}

/// # Safety
/// As for [`add_columns`], on a processor with these registers.
#[inline(always)]
unsafe fn columns_in<R: Block, V: Register<Elem = R>>(
    acc: &mut [Complex<R>],
    columns: &[*const Complex<R>],
    x: &[Complex<R>],
) {
    for (columns, x) in columns.chunks(COLUMNS).zip(x.chunks(COLUMNS)) {
        // SAFETY: the caller's promise.
        unsafe {
            match columns.len() {
                1 => group::<R, V, 1>(acc, columns, x),
                2 => group::<R, V, 2>(acc, columns, x),
                3 => group::<R, V, 3>(acc, columns, x),
                _ => group::<R, V, COLUMNS>(acc, columns, x),
            }
        }
    }
}

/// # Safety
/// As for [`columns_in`], with `N` columns.
#[inline(always)]
unsafe fn group<R: Block, V: Register<Elem = R>, const N: usize>(
    acc: &mut [Complex<R>],
    columns: &[*const Complex<R>],
    x: &[Complex<R>],
) {
    let n = 2 * acc.len();
    let acc = acc.as_mut_ptr().cast::<R>();
    let mut reals = [core::ptr::null::<R>(); N];
    for g in 0..N {
        reals[g] = columns[g].cast();
    }
    let columns = reals;
    let mut i = 0;
    // SAFETY: indices stay below the number of reals; the caller's promise.
    unsafe {
        let (mut re, mut im) = ([V::splat(R::ZERO); N], [V::splat(R::ZERO); N]);
        for g in 0..N {
            (re[g], im[g]) = (V::splat(x[g].re), V::splat(x[g].im));
        }
        while i + V::LANES <= n {
            let (mut by_re, mut by_im) = (V::load(acc.add(i)), V::splat(R::ZERO));
            for g in 0..N {
                let column = V::load(columns[g].add(i));
                by_re = by_re.step(column, re[g]);
                by_im = by_im.step(column, im[g]);
            }
            by_re.plus_turned(by_im).store(acc.add(i));
            i += V::LANES;
        }
        while i < n {
            let (mut sum_re, mut sum_im) = (*acc.add(i), *acc.add(i + 1));
            for g in 0..N {
                let (re, im) = (*columns[g].add(i), *columns[g].add(i + 1));
                sum_re = R::sub(R::step(sum_re, re, x[g].re), R::step(R::ZERO, im, x[g].im));
                sum_im = R::step(R::step(sum_im, re, x[g].im), im, x[g].re);
            }
            (*acc.add(i), *acc.add(i + 1)) = (sum_re, sum_im);
            i += 2;
        }
    }
}
