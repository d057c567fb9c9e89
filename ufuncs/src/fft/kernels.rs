//! The loops: gather, transform, scale, scatter.

use core::ffi::{c_int, c_void};
use core::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use num_complex::Complex;

use super::plans::{Across, Float};
use crate::abi::LoopContext;
use crate::fpstatus;

/// One kind of transform.
pub trait Transform {
    type In: Copy;
    type Out: Copy;
    type Scale: Float;
    const NO_INPUT: Self::In;
    /// Prepare for outputs of this length, which is not zero; `None` if no transform has such an output.
    fn new(out: usize) -> Option<Self>
    where
        Self: Sized;
    /// How many inputs are looked at.
    fn needs(&self) -> usize;
    /// `input` has as many elements as are needed, and is spoilt.
    fn run(&mut self, input: &mut [Self::In], output: &mut [Self::Out]);
    fn scale(x: Self::Out, by: Self::Scale) -> Self::Out;
    fn nan() -> Self::Out;
}

fn scaled<T: Float>(z: Complex<T>, by: T) -> Complex<T> {
    Complex { re: z.re * by, im: z.im * by }
}
fn nan<T: Float>() -> Complex<T> {
    Complex { re: (T::NAN)(), im: (T::NAN)() }
}

/// `fft` and, with `INVERSE`, `ifft`.
pub struct Whole<T: Float, const INVERSE: bool> {
    plan: Across<Complex<T>, Complex<T>>,
    len: usize,
}

impl<T: Float, const INVERSE: bool> Transform for Whole<T, INVERSE> {
    type In = Complex<T>;
    type Out = Complex<T>;
    type Scale = T;
    const NO_INPUT: Complex<T> = Complex { re: T::ZERO, im: T::ZERO };
    fn new(out: usize) -> Option<Self> {
        Some(Whole { plan: T::complex(out, INVERSE), len: out })
    }
    fn needs(&self) -> usize {
        self.len
    }
    fn run(&mut self, input: &mut [Complex<T>], output: &mut [Complex<T>]) {
        (self.plan)(input, output);
    }
    fn scale(x: Complex<T>, by: T) -> Complex<T> {
        scaled(x, by)
    }
    fn nan() -> Complex<T> {
        nan()
    }
}

/// `rfft_n_even` and, with `ODD`, `rfft_n_odd`.
pub struct Half<T: Float, const ODD: bool> {
    plan: Across<T, Complex<T>>,
    len: usize,
}

impl<T: Float, const ODD: bool> Transform for Half<T, ODD> {
    type In = T;
    type Out = Complex<T>;
    type Scale = T;
    const NO_INPUT: T = T::ZERO;
    fn new(out: usize) -> Option<Self> {
        let len = 2 * (out - 1) + usize::from(ODD);
        (len > 0).then(|| Half { plan: T::real(len), len })
    }
    fn needs(&self) -> usize {
        self.len
    }
    fn run(&mut self, input: &mut [T], output: &mut [Complex<T>]) {
        (self.plan)(input, output);
    }
    fn scale(x: Complex<T>, by: T) -> Complex<T> {
        scaled(x, by)
    }
    fn nan() -> Complex<T> {
        nan()
    }
}

/// `irfft`.
pub struct HalfInverse<T: Float> {
    plan: Across<Complex<T>, T>,
    len: usize,
    kind: PhantomData<T>,
}

impl<T: Float> Transform for HalfInverse<T> {
    type In = Complex<T>;
    type Out = T;
    type Scale = T;
    const NO_INPUT: Complex<T> = Complex { re: T::ZERO, im: T::ZERO };
    fn new(out: usize) -> Option<Self> {
        Some(HalfInverse { plan: T::real_inverse(out), len: out, kind: PhantomData })
    }
    fn needs(&self) -> usize {
        self.len / 2 + 1
    }
    fn run(&mut self, input: &mut [Complex<T>], output: &mut [T]) {
        (self.plan)(input, output);
    }
    fn scale(x: T, by: T) -> T {
        x * by
    }
    fn nan() -> T {
        (T::NAN)()
    }
}

/// So many transforms are done together where neighbours in memory belong to different ones.
const SIDE: usize = 8;

/// Successive vectors of one length in foreign memory, bytes apart.
///
/// Invariant, from the loop contract: all elements addressed are valid and aligned `T`, writeable if it is an output.
struct Rows<T> {
    at: *mut u8,
    /// From one vector to the next, and from one element to the next.
    steps: [isize; 2],
    kind: PhantomData<*mut T>,
}

impl<T: Copy> Rows<T> {
    fn element(&self, row: usize, k: usize) -> *mut T {
        self.at.wrapping_offset(row as isize * self.steps[0] + k as isize * self.steps[1]).cast()
    }
    fn contiguous(&self) -> bool {
        self.steps[1] == size_of::<T>() as isize
    }
    /// Copy the first `count` elements of some vectors to the starts of rows `len` long.
    ///
    /// # Safety
    /// As many vectors as rows, of `count` elements at least.
    unsafe fn load(&self, rows: &mut [T], len: usize, count: usize) {
        // SAFETY: the caller's promise and the invariant; `count` elements fit into a row.
        unsafe {
            if self.contiguous() {
                for (r, row) in rows.chunks_exact_mut(len).enumerate() {
                    row[..count].as_mut_ptr().copy_from_nonoverlapping(self.element(r, 0), count);
                }
            } else {
                for k in 0..count {
                    for (r, row) in rows.chunks_exact_mut(len).enumerate() {
                        row[k] = self.element(r, k).read();
                    }
                }
            }
        }
    }
    /// Write rows `len` long.
    ///
    /// # Safety
    /// As many vectors as rows, of `len` elements.
    unsafe fn store(&self, rows: &[T], len: usize) {
        // SAFETY: the caller's promise and the invariant.
        unsafe {
            if self.contiguous() {
                for (r, row) in rows.chunks_exact(len).enumerate() {
                    self.element(r, 0).copy_from_nonoverlapping(row.as_ptr(), len);
                }
            } else {
                for k in 0..len {
                    for (r, row) in rows.chunks_exact(len).enumerate() {
                        self.element(r, k).write(row[k]);
                    }
                }
            }
        }
    }
    fn skip(&mut self, rows: usize) {
        self.at = self.at.wrapping_offset(rows as isize * self.steps[0]);
    }
}

/// The loop of `(n),()->(m)`.
///
/// # Safety
/// The loop contract of [`crate::abi::LoopFn`], with operands of types `In`, `Scale` and `Out`.
pub unsafe extern "C" fn transform<K: Transform>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the contract: three pointers, the count and two core dimensions, three outer and two core strides.
    let ([input, mut factor, output], [count, n, m], [si, sf, so, ci, co]) =
        unsafe { (*data.cast::<[*mut u8; 3]>(), *dims.cast::<[isize; 3]>(), *strides.cast::<[isize; 5]>()) };
    let (n, m) = (n as usize, m as usize);
    if m == 0 {
        return 0;
    }
    let mut input = Rows::<K::In> { at: input, steps: [si, ci], kind: PhantomData };
    let mut output = Rows::<K::Out> { at: output, steps: [so, co], kind: PhantomData };
    // A panic in a transform would be a bug, but must neither cross into C nor pass for a result.
    let prepared = catch_unwind(AssertUnwindSafe(|| K::new(m))).unwrap_or(None);
    let mut failed = prepared.is_none();
    let mut plan = prepared;
    let needs = plan.as_ref().map_or(1, K::needs);
    let across = |outer: isize, inner: isize| outer.unsigned_abs() < inner.unsigned_abs();
    let side = if across(si, ci) || across(so, co) { SIDE.min(count as usize) } else { 1 };
    let mut from = vec![K::NO_INPUT; needs * side];
    let mut to = vec![K::nan(); m * side];
    let mut left = count as usize;
    while left > 0 {
        let side = side.min(left);
        let (from, to) = (&mut from[..needs * side], &mut to[..m * side]);
        let given = n.min(needs);
        // SAFETY: `n` inputs and a factor of that many transforms, by the contract.
        unsafe { input.load(from, needs, given) };
        for (from, to) in from.chunks_exact_mut(needs).zip(to.chunks_exact_mut(m)) {
            from[given..].fill(K::NO_INPUT);
            // SAFETY: as above.
            let by = unsafe { factor.cast::<K::Scale>().read() };
            factor = factor.wrapping_offset(sf);
            if let Some(plan) = &mut plan
                && catch_unwind(AssertUnwindSafe(|| plan.run(from, to))).is_err()
            {
                failed = true;
                to.fill(K::nan());
            }
            if !by.is_one() {
                to.iter_mut().for_each(|x| *x = K::scale(*x, by));
            }
        }
        // SAFETY: `m` outputs of that many transforms, by the contract.
        unsafe { output.store(to, m) };
        input.skip(side);
        output.skip(side);
        left -= side;
    }
    if failed {
        fpstatus::raise(fpstatus::INVALID);
    }
    0
}
