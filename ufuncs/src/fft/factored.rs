//! Transforms of `double` by Stockham's self-sorting passes, for lengths with small odd factors.
//!
//! The library knows few factors, and takes its roots of unity from angles rounded to `double`. Here a pass takes every
//! factor up to [`LARGEST`] and its roots from [`exact`]. Real and imaginary parts lie apart and every pass reads
//! contiguous columns, eight at a time, so that one way of writing a pass suits every vector length. A pass of factor `p`
//! over what is left of the transform (`rest * p` points, `stride` of them side by side) takes column `t = k * stride + q`
//! of all `p` blocks and writes it to rows `p k + j`. Where rows are long they have one factor for all of their columns;
//! in the first passes they are short, and every column brings its own.
//!
//! An inverse transform is the same with real and imaginary parts exchanged.

use num_complex::Complex;

use super::exact;
use crate::cpu::{Kind, Level};

/// The largest factor a pass is made for.
pub const LARGEST: usize = 31;
/// Columns done together.
const LANES: usize = 8;
/// Rows from this length on share their factors.
const LONG: usize = LANES;

/// Eight numbers, in the registers of one kind of processor. (The compiler does not see vectors in a butterfly.)
///
/// # Safety
/// Only where the processor has these registers; `load` and `store` of eight numbers at any address.
trait Lanes: Copy {
    unsafe fn load(from: *const f64) -> Self;
    unsafe fn store(self, to: *mut f64);
    unsafe fn splat(x: f64) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `self + a * b`
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
}

impl Lanes for [f64; LANES] {
    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the caller's promise.
        unsafe { *from.cast() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Self>().write(self) }
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Self {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i] + other[i])
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i] - other[i])
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i] * other[i])
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        if cfg!(target_arch = "aarch64") {
            core::array::from_fn(|i| a[i].mul_add(b[i], self[i]))
        } else {
            core::array::from_fn(|i| self[i] + a[i] * b[i])
        }
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($name:ident, $vector:ident, $count:literal, $load:ident, $store:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident) => {
        #[derive(Clone, Copy)]
        struct $name([core::arch::x86_64::$vector; $count]);

        impl Lanes for $name {
            #[inline(always)]
            unsafe fn load(from: *const f64) -> Self {
                // SAFETY: the caller's promise, here and below.
                $name(core::array::from_fn(|i| unsafe {
                    core::arch::x86_64::$load(from.wrapping_add(i * (LANES / $count)))
                }))
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f64) {
                for (i, v) in self.0.into_iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { core::arch::x86_64::$store(to.wrapping_add(i * (LANES / $count)), v) };
                }
            }
            #[inline(always)]
            unsafe fn splat(x: f64) -> Self {
                // SAFETY: as above.
                $name([unsafe { core::arch::x86_64::$splat(x) }; $count])
            }
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: as above.
                $name(core::array::from_fn(|i| unsafe { core::arch::x86_64::$add(self.0[i], other.0[i]) }))
            }
            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: as above.
                $name(core::array::from_fn(|i| unsafe { core::arch::x86_64::$sub(self.0[i], other.0[i]) }))
            }
            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                // SAFETY: as above.
                $name(core::array::from_fn(|i| unsafe { core::arch::x86_64::$mul(self.0[i], other.0[i]) }))
            }
            #[inline(always)]
            unsafe fn add_product(self, a: Self, b: Self) -> Self {
                // SAFETY: as above.
                $name(core::array::from_fn(|i| unsafe {
                    core::arch::x86_64::$fma(a.0[i], b.0[i], self.0[i])
                }))
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
lanes!(
    Zmm,
    __m512d,
    1,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
lanes!(
    Ymm,
    __m256d,
    2,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd
);

/// The complex product of `re + i im` with a factor for every lane.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn twiddled<V: Lanes>([re, im]: [V; 2], [cos, sin]: [V; 2]) -> [V; 2] {
    // SAFETY: the caller's promise.
    unsafe { [re.mul(cos).sub(im.mul(sin)), re.mul(sin).add_product(im, cos)] }
}

struct Pass {
    radix: usize,
    rest: usize,
    stride: usize,
    /// Cosines and negative sines of the multiples of a `radix`th turn.
    roots: Vec<[f64; 2]>,
    /// Of rows with shared factors: for every row those of outputs 1 to `radix - 1`. Else, for each of these outputs, the
    /// real parts for all columns, then the imaginary ones, padded to whole chunks.
    twiddles: Vec<f64>,
    /// Where the first output of a column goes, if columns have factors of their own.
    places: Vec<usize>,
}

impl Pass {
    fn new(radix: usize, rest: usize, stride: usize, all: &[Complex<f64>]) -> Pass {
        let turn = all.len() / (radix * rest);
        let roots = (0..radix).map(|j| all[j * rest * turn]).map(|z| [z.re, z.im]).collect();
        let mut pass = Pass { radix, rest, stride, roots, twiddles: vec![], places: vec![] };
        if pass.rows_are_long() {
            let of_row =
                |k: usize| (1..radix).flat_map(move |j| [all[j * k * turn].re, all[j * k * turn].im]);
            pass.twiddles = (0..rest).flat_map(of_row).collect();
            return pass;
        }
        let columns = rest * stride;
        let padded = columns + LANES;
        pass.places = (0..columns).map(|t| t + t / stride * stride * (radix - 1)).collect();
        for j in 1..radix {
            let of = |t: usize| all[j * (t.min(columns - 1) / stride) * turn];
            pass.twiddles.extend((0..padded).map(|t| of(t).re));
            pass.twiddles.extend((0..padded).map(|t| of(t).im));
        }
        pass
    }

    fn rows_are_long(&self) -> bool {
        self.stride >= LONG
    }

    /// # Safety
    /// The whole length at all four, and as for [`Lanes`].
    #[inline(always)]
    unsafe fn run<V: Lanes>(&self, from: [*const f64; 2], to: [*mut f64; 2]) {
        // SAFETY: the caller's promise; the first parameter is the radix or not below it.
        unsafe {
            match self.radix {
                2 => self.columns::<V, 2>(2, from, to),
                3 => self.columns::<V, 3>(3, from, to),
                4 => self.columns::<V, 4>(4, from, to),
                5 => self.columns::<V, 5>(5, from, to),
                7 => self.columns::<V, 7>(7, from, to),
                11 => self.columns::<V, 11>(11, from, to),
                13 => self.columns::<V, 13>(13, from, to),
                radix => self.columns::<V, LARGEST>(radix, from, to),
            }
        }
    }

    /// # Safety
    /// As for [`Pass::run`]; `radix` is this pass's and at most `P`.
    #[inline(always)]
    unsafe fn columns<V: Lanes, const P: usize>(
        &self,
        radix: usize,
        from: [*const f64; 2],
        to: [*mut f64; 2],
    ) {
        let columns = self.rest * self.stride;
        // SAFETY: column `t` of block `r` is element `t + r * columns`; a column's outputs are `stride` apart from its place
        // on. The last chunk starts early enough to end with the last column: what is written twice is the same.
        unsafe {
            let mut z = [[V::splat(0.0); 2]; P];
            if self.rows_are_long() {
                for k in 0..self.rest {
                    for q in (0..self.stride).step_by(LANES) {
                        let q = q.min(self.stride - LANES);
                        let t = k * self.stride + q;
                        for (r, z) in z.iter_mut().enumerate().take(radix) {
                            *z = from.map(|part| V::load(part.add(t + r * columns)));
                        }
                        butterfly::<V, P>(radix, &self.roots, &mut z);
                        for (j, &value) in z.iter().enumerate().take(radix) {
                            let at = q + self.stride * (radix * k + j);
                            let mut value = value;
                            if k > 0 && j > 0 {
                                let by = self.twiddles.as_ptr().add(2 * (k * (radix - 1) + j - 1));
                                value = twiddled(value, [V::splat(*by), V::splat(*by.add(1))]);
                            }
                            value[0].store(to[0].add(at));
                            value[1].store(to[1].add(at));
                        }
                    }
                }
                return;
            }
            let padded = columns + LANES;
            let count = LANES.min(columns);
            for t in (0..columns).step_by(LANES) {
                let t = t.min(columns.saturating_sub(LANES));
                for (r, z) in z.iter_mut().enumerate().take(radix) {
                    let at = t + r * columns;
                    *z = from.map(|part| {
                        if count == LANES {
                            return V::load(part.add(at));
                        }
                        let mut few = [0.0; LANES];
                        for (l, x) in few.iter_mut().enumerate().take(count) {
                            *x = *part.add(at + l);
                        }
                        V::load(few.as_ptr())
                    });
                }
                butterfly::<V, P>(radix, &self.roots, &mut z);
                let places = self.places.as_ptr().add(t);
                for (j, &value) in z.iter().enumerate().take(radix) {
                    let mut value = value;
                    if j > 0 {
                        let by = self.twiddles.as_ptr().add((j - 1) * 2 * padded + t);
                        value = twiddled(value, [V::load(by), V::load(by.add(padded))]);
                    }
                    for (value, to) in value.into_iter().zip(to) {
                        let mut one = [0.0; LANES];
                        value.store(one.as_mut_ptr());
                        for (l, x) in one.into_iter().enumerate().take(count) {
                            to.add(*places.add(l) + self.stride * j).write(x);
                        }
                    }
                }
            }
        }
    }
}

/// Transforms of `radix` points, one a lane.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn butterfly<V: Lanes, const P: usize>(radix: usize, roots: &[[f64; 2]], z: &mut [[V; 2]; P]) {
    // SAFETY: the caller's promise, in all three.
    let add = |a: [V; 2], b: [V; 2]| unsafe { [a[0].add(b[0]), a[1].add(b[1])] };
    // SAFETY: as above.
    let sub = |a: [V; 2], b: [V; 2]| unsafe { [a[0].sub(b[0]), a[1].sub(b[1])] };
    // SAFETY: as above.
    let zero = unsafe { V::splat(0.0) };
    match radix {
        2 => (z[0], z[1]) = (add(z[0], z[1]), sub(z[0], z[1])),
        4 => {
            let (a, b, c, d) = (add(z[0], z[2]), sub(z[0], z[2]), add(z[1], z[3]), sub(z[1], z[3]));
            (z[0], z[2]) = (add(a, c), sub(a, c));
            // Of d, -i times and i times.
            let turned = [d[1], d[0]];
            let (up, down) = (add(b, turned), sub(b, turned));
            (z[1], z[3]) = ([up[0], down[1]], [down[0], up[1]]);
        }
        // An output and its mirror image differ in the sign of the sines.
        _ => {
            let half = radix / 2;
            let first = z[0];
            for r in 1..=half {
                (z[r], z[radix - r]) = (add(z[r], z[radix - r]), sub(z[r], z[radix - r]));
                z[0] = add(z[0], z[r]);
            }
            let mut out = [[zero; 2]; P];
            for j in 1..=half {
                let (mut c, mut s) = (first, [zero; 2]);
                let mut turn = 0;
                for r in 1..=half {
                    turn += j;
                    if turn >= radix {
                        turn -= radix;
                    }
                    let [cos, sin] = roots[turn];
                    // SAFETY: as above.
                    unsafe {
                        let (cos, sin) = (V::splat(cos), V::splat(sin));
                        c = [c[0].add_product(z[r][0], cos), c[1].add_product(z[r][1], cos)];
                        s = [s[0].add_product(z[radix - r][0], sin), s[1].add_product(z[radix - r][1], sin)];
                    }
                }
                let turned = [s[1], s[0]];
                let (up, down) = (add(c, turned), sub(c, turned));
                (out[j], out[radix - j]) = ([down[0], up[1]], [up[0], down[1]]);
            }
            z[1..radix].copy_from_slice(&out[1..radix]);
        }
    }
}

/// The factors of a length in the order of their passes.
fn factors(len: usize) -> Vec<usize> {
    let (mut odd, mut left) = (vec![], len >> len.trailing_zeros());
    for p in (3..).step_by(2) {
        if left == 1 {
            break;
        }
        while left.is_multiple_of(p) {
            odd.push(p);
            left /= p;
        }
    }
    // The largest first: short rows are slow, and after it they are no longer that short.
    odd.reverse();
    let twos = len.trailing_zeros() as usize;
    odd.extend([4].repeat(twos / 2));
    odd.extend([2].repeat(twos % 2));
    odd
}

/// A prepared transform of a length without factors above [`LARGEST`].
pub struct Plan {
    len: usize,
    passes: Vec<Pass>,
}

impl Plan {
    pub fn new(len: usize) -> Plan {
        let all = exact::roots::<f64>(len);
        let (mut rest, mut stride) = (len, 1);
        let mut passes = vec![];
        for radix in factors(len) {
            rest /= radix;
            passes.push(Pass::new(radix, rest, stride, &all));
            stride *= radix;
        }
        Plan { len, passes }
    }

    /// Transform in place, not scaled; `work` is memory to be used again.
    pub fn run(&self, data: &mut [Complex<f64>], inverse: bool, work: &mut Vec<f64>) {
        assert_eq!(data.len(), self.len);
        work.resize(4 * self.len, 0.0);
        let (a, b) = work.split_at_mut(2 * self.len);
        // SAFETY: a level exists only where the processor has it; the halves have room for both parts.
        unsafe {
            match Level::current().kind() {
                #[cfg(target_arch = "x86_64")]
                Kind::Avx512 => avx512(&self.passes, data, inverse, a, b),
                #[cfg(target_arch = "x86_64")]
                Kind::Avx2 => avx2(&self.passes, data, inverse, a, b),
                _ => passes::<[f64; LANES]>(&self.passes, data, inverse, a, b),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512cd,avx512dq,avx512vl,avx512bw,avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx512(p: &[Pass], data: &mut [Complex<f64>], inverse: bool, a: &mut [f64], b: &mut [f64]) {
    // SAFETY: the caller's promise.
    unsafe { passes::<Zmm>(p, data, inverse, a, b) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt")]
unsafe fn avx2(p: &[Pass], data: &mut [Complex<f64>], inverse: bool, a: &mut [f64], b: &mut [f64]) {
    // SAFETY: the caller's promise.
    unsafe { passes::<Ymm>(p, data, inverse, a, b) }
}

/// # Safety
/// Twice the length of the data in both halves, and as for [`Lanes`].
#[inline(always)]
unsafe fn passes<V: Lanes>(
    passes: &[Pass],
    data: &mut [Complex<f64>],
    inverse: bool,
    a: &mut [f64],
    b: &mut [f64],
) {
    let len = data.len();
    let (mut from, mut to) = (a, b);
    {
        let (re, im) = from.split_at_mut(len);
        let (re, im) = if inverse { (im, re) } else { (re, im) };
        for ((z, re), im) in data.iter().zip(re).zip(im) {
            (*re, *im) = (z.re, z.im);
        }
    }
    for pass in passes {
        let (x, y) = (from.as_ptr(), to.as_mut_ptr());
        // SAFETY: the caller's promise: two parts in each half.
        unsafe { pass.run::<V>([x, x.add(len)], [y, y.add(len)]) };
        (from, to) = (to, from);
    }
    let (re, im) = from.split_at(len);
    let (re, im) = if inverse { (im, re) } else { (re, im) };
    for ((z, re), im) in data.iter_mut().zip(re).zip(im) {
        *z = Complex { re: *re, im: *im };
    }
}

/// A transform from reals to the first half of their spectrum, and back. An even number of reals is taken for half as many
/// complex numbers, whose spectrum is taken apart.
pub struct RealPlan {
    len: usize,
    inner: Plan,
    /// Of an even length: a quarter of its roots and one more.
    roots: Vec<Complex<f64>>,
}

impl RealPlan {
    pub fn new(len: usize) -> RealPlan {
        if len % 2 == 1 {
            return RealPlan { len, inner: Plan::new(len), roots: vec![] };
        }
        let roots = exact::roots(len)[..=len / 4].to_vec();
        RealPlan { len, inner: Plan::new(len / 2), roots }
    }

    pub fn forward(&self, data: &[f64], out: &mut [Complex<f64>], buffers: &mut Buffers) {
        let Buffers { complex, parts } = buffers;
        complex.clear();
        if self.len % 2 == 1 {
            complex.extend(data.iter().map(|&re| Complex { re, im: 0.0 }));
            self.inner.run(complex, false, parts);
            out.copy_from_slice(&complex[..out.len()]);
            out[0].im = 0.0;
            return;
        }
        complex.extend(data.chunks_exact(2).map(|x| Complex { re: x[0], im: x[1] }));
        self.inner.run(complex, false, parts);
        let (half, first) = (self.len / 2, complex[0]);
        out[0] = Complex { re: first.re + first.im, im: 0.0 };
        out[half] = Complex { re: first.re - first.im, im: 0.0 };
        for k in 1..=half / 2 {
            let (a, b, w) = (complex[k], complex[half - k].conj(), self.roots[k]);
            let (sum, difference) = ((a + b).scale(0.5), (a - b).scale(0.5) * w);
            // -i times the difference.
            let turned = Complex { re: difference.im, im: -difference.re };
            out[k] = sum + turned;
            out[half - k] = (sum - turned).conj();
        }
    }

    /// Not scaled; imaginary parts that would not give reals are ignored.
    pub fn inverse(&self, data: &[Complex<f64>], out: &mut [f64], buffers: &mut Buffers) {
        let Buffers { complex, parts } = buffers;
        complex.clear();
        if self.len % 2 == 1 {
            complex.push(Complex { re: data[0].re, im: 0.0 });
            complex.extend_from_slice(&data[1..]);
            complex.extend(data[1..].iter().rev().map(Complex::conj));
            self.inner.run(complex, true, parts);
            out.iter_mut().zip(complex).for_each(|(x, z)| *x = z.re);
            return;
        }
        let half = self.len / 2;
        complex.resize(half, Complex::default());
        let (first, last) = (data[0].re, data[half].re);
        complex[0] = Complex { re: first + last, im: first - last };
        for k in 1..=half / 2 {
            let (a, b, w) = (data[k], data[half - k].conj(), self.roots[k].conj());
            let (sum, difference) = (a + b, (a - b) * w);
            // i times the difference.
            let turned = Complex { re: -difference.im, im: difference.re };
            complex[k] = sum + turned;
            complex[half - k] = (sum - turned).conj();
        }
        self.inner.run(complex, true, parts);
        for (x, z) in out.chunks_exact_mut(2).zip(complex) {
            (x[0], x[1]) = (z.re, z.im);
        }
    }
}

/// Memory of real transforms.
#[derive(Default)]
pub struct Buffers {
    complex: Vec<Complex<f64>>,
    parts: Vec<f64>,
}
