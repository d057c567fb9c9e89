//! The loops: gather, transform, scale, scatter.

use core::ffi::{c_int, c_void};
use core::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use num_complex::Complex;

use super::plans::{Across, Float, InPlace};
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
    /// `input` has as many elements as are needed.
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
    plan: InPlace<T>,
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
        output.copy_from_slice(input);
        (self.plan)(output);
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
    let ([mut input, mut factor, mut output], [count, n, m], [si, sf, so, ci, co]) =
        unsafe { (*data.cast::<[*mut u8; 3]>(), *dims.cast::<[isize; 3]>(), *strides.cast::<[isize; 5]>()) };
    let (n, m) = (n as usize, m as usize);
    if m == 0 {
        return 0;
    }
    // A panic in a transform would be a bug, but must neither cross into C nor pass for a result.
    let prepared = catch_unwind(AssertUnwindSafe(|| K::new(m))).unwrap_or(None);
    let mut failed = prepared.is_none();
    let mut plan = prepared;
    let needs = plan.as_ref().map_or(0, K::needs);
    let mut from = vec![K::NO_INPUT; needs];
    let mut to = vec![K::nan(); m];
    for _ in 0..count {
        // SAFETY: `n` inputs, one factor and `m` outputs are valid, aligned and of these types by the contract.
        unsafe {
            for (k, x) in from.iter_mut().enumerate() {
                *x = if k < n {
                    input.wrapping_offset(k as isize * ci).cast::<K::In>().read()
                } else {
                    K::NO_INPUT
                };
            }
            let by = factor.cast::<K::Scale>().read();
            if let Some(plan) = &mut plan
                && catch_unwind(AssertUnwindSafe(|| plan.run(&mut from, &mut to))).is_err()
            {
                failed = true;
                to.fill(K::nan());
            }
            let plain = by.is_one();
            for (k, &x) in to.iter().enumerate() {
                let x = if plain { x } else { K::scale(x, by) };
                output.wrapping_offset(k as isize * co).cast::<K::Out>().write(x);
            }
        }
        input = input.wrapping_offset(si);
        factor = factor.wrapping_offset(sf);
        output = output.wrapping_offset(so);
    }
    if failed {
        fpstatus::raise(fpstatus::INVALID);
    }
    0
}
