//! Ready plans for transforms, and the cache they come from.
//!
//! A plan costs a few transforms, so recent ones are kept: a short list per element type and kind, newest first, limited
//! in number and in total length (a plan's tables are about as long as the transform).

use core::ops::{Add, Mul, Neg, Sub};
use std::sync::{Arc, Mutex, PoisonError};

use num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

use super::{exact, factored};
use crate::elem::LongDouble;

const MAX_PLANS: usize = 16;
const MAX_TOTAL_LENGTH: usize = 1 << 22;

/// Recently used plans by length.
pub struct Recent<P: ?Sized>(Mutex<Vec<(usize, Arc<P>)>>);

impl<P: ?Sized> Recent<P> {
    const fn new() -> Recent<P> {
        Recent(Mutex::new(Vec::new()))
    }
    fn get(&self, len: usize, make: impl FnOnce() -> Arc<P>) -> Arc<P> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut plans = lock();
            if let Some(at) = plans.iter().position(|(n, _)| *n == len) {
                plans[..=at].rotate_right(1);
                return plans[0].1.clone();
            }
        }
        // Planned outside the lock: two threads may do it twice, none has to wait.
        let plan = make();
        let mut plans = lock();
        plans.insert(0, (len, plan.clone()));
        let mut total = 0;
        let keep = plans.iter().take(MAX_PLANS).take_while(|(n, _)| {
            total += n;
            total <= MAX_TOTAL_LENGTH
        });
        let keep = keep.count();
        plans.truncate(keep);
        plan
    }
}

/// A transform from one buffer to another; the input is spoilt.
pub type Across<I, O> = Box<dyn FnMut(&mut [I], &mut [O])>;

/// A floating-point type with transforms. Lengths are not zero.
pub trait Float:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self> + 'static
{
    const ZERO: Self;
    const IS_LONG: bool = false;
    fn of_long(x: LongDouble) -> Self;
    const NAN: fn() -> Self;
    fn is_one(self) -> bool;
    fn complex(len: usize, inverse: bool) -> Across<Complex<Self>, Complex<Self>>;
    /// From `len` reals to `len / 2 + 1` complex numbers.
    fn real(len: usize) -> Across<Self, Complex<Self>>;
    /// Back to `len` reals, not scaled.
    fn real_inverse(len: usize) -> Across<Complex<Self>, Self>;
}

macro_rules! float {
    ($($t:ident, $to:ident $(, unless $good:ident: $complex:ident, $real:ident, $inverse:ident)?;)*) => {$(
        impl Float for $t {
            const ZERO: $t = 0.0;
            const NAN: fn() -> $t = || $t::NAN;
            fn of_long(x: LongDouble) -> $t {
                x.$to()
            }
            fn is_one(self) -> bool {
                self == 1.0
            }
            fn complex(len: usize, inverse: bool) -> Across<Complex<$t>, Complex<$t>> {
                $(if !$good(len) {
                    return $complex(len, inverse);
                })?
                static PLANS: [Recent<dyn Fft<$t>>; 2] = [const { Recent::new() }; 2];
                let plan = PLANS[usize::from(inverse)].get(len, || {
                    let mut planner = FftPlanner::new();
                    if inverse { planner.plan_fft_inverse(len) } else { planner.plan_fft_forward(len) }
                });
                let mut scratch = vec![Complex::new(0.0, 0.0); plan.get_outofplace_scratch_len()];
                Box::new(move |data, out| plan.process_outofplace_with_scratch(data, out, &mut scratch))
            }
            fn real(len: usize) -> Across<$t, Complex<$t>> {
                $(if !$good(len) {
                    return $real(len);
                })?
                static PLANS: Recent<dyn RealToComplex<$t>> = Recent::new();
                let plan = PLANS.get(len, || RealFftPlanner::new().plan_fft_forward(len));
                let mut scratch = plan.make_scratch_vec();
                Box::new(move |data, out| plan.process_with_scratch(data, out, &mut scratch).expect("lengths match"))
            }
            fn real_inverse(len: usize) -> Across<Complex<$t>, $t> {
                $(if !$good(len) {
                    return $inverse(len);
                })?
                static PLANS: Recent<dyn ComplexToReal<$t>> = Recent::new();
                let plan = PLANS.get(len, || RealFftPlanner::new().plan_fft_inverse(len));
                let mut scratch = plan.make_scratch_vec();
                Box::new(move |data, out| {
                    // What must be real for the result to be real is taken to be.
                    data[0].im = 0.0;
                    if len % 2 == 0 {
                        data[len / 2].im = 0.0;
                    }
                    plan.process_with_scratch(data, out, &mut scratch).expect("lengths match");
                })
            }
        }
    )*};
}
float! {
    f32, to_f32;
    f64, to_f64, unless library_is_good: own_complex, own_real, own_real_inverse;
}

/// Whether the library's roots of unity, computed in `double`, are good enough for a `double` transform of this length.
/// Measured by round trips against stock numpy: within a factor of two where all factors are small, but up to ten times
/// worse with large primes.
fn library_is_good(len: usize) -> bool {
    match exact::largest_factor(len) {
        ..=2 | 5 => true,
        3 | 7 => len >= 32,
        _ => false,
    }
}

/// Transforms of the lengths that the library is not good at.
fn own_complex(len: usize, inverse: bool) -> Across<Complex<f64>, Complex<f64>> {
    if exact::largest_factor(len) > factored::LARGEST {
        static PLANS: Recent<exact::Plan<f64>> = Recent::new();
        let plan = PLANS.get(len, || Arc::new(exact::Plan::new(len)));
        return Box::new(move |data, out| {
            out.copy_from_slice(data);
            plan.run(out, inverse);
        });
    }
    static PLANS: Recent<factored::Plan> = Recent::new();
    let plan = PLANS.get(len, || Arc::new(factored::Plan::new(len)));
    let mut work = vec![];
    Box::new(move |data, out| {
        out.copy_from_slice(data);
        plan.run(out, inverse, &mut work);
    })
}

fn own_real_plan(len: usize) -> Option<Arc<factored::RealPlan>> {
    static PLANS: Recent<factored::RealPlan> = Recent::new();
    let small = exact::largest_factor(len) <= factored::LARGEST;
    small.then(|| PLANS.get(len, || Arc::new(factored::RealPlan::new(len))))
}
fn own_real(len: usize) -> Across<f64, Complex<f64>> {
    let Some(plan) = own_real_plan(len) else { return real_by_complex(len) };
    let mut buffers = factored::Buffers::default();
    Box::new(move |data, out| plan.forward(data, out, &mut buffers))
}
fn own_real_inverse(len: usize) -> Across<Complex<f64>, f64> {
    let Some(plan) = own_real_plan(len) else { return real_inverse_by_complex(len) };
    let mut buffers = factored::Buffers::default();
    Box::new(move |data, out| plan.inverse(data, out, &mut buffers))
}

/// A real transform by way of a complex one.
fn real_by_complex<T: Float>(len: usize) -> Across<T, Complex<T>> {
    let mut whole = T::complex(len, false);
    Box::new(move |data, out| {
        let mut given: Vec<_> = data.iter().map(|&re| Complex { re, im: T::ZERO }).collect();
        let mut all = given.clone();
        whole(&mut given, &mut all);
        out.copy_from_slice(&all[..out.len()]);
        out[0].im = T::ZERO;
        if len.is_multiple_of(2) {
            out[len / 2].im = T::ZERO;
        }
    })
}

/// An inverse real transform by way of a complex one.
fn real_inverse_by_complex<T: Float>(len: usize) -> Across<Complex<T>, T> {
    let mut whole = T::complex(len, true);
    Box::new(move |data, out| {
        let mut all = vec![Complex { re: T::ZERO, im: T::ZERO }; len];
        let mut result = all.clone();
        all[0].re = data[0].re;
        for k in 1..=len / 2 {
            let z = data[k];
            all[k] = z;
            all[len - k] = Complex { re: z.re, im: -z.im };
        }
        if len.is_multiple_of(2) {
            all[len / 2].im = T::ZERO;
        }
        whole(&mut all, &mut result);
        out.iter_mut().zip(&result).for_each(|(x, z)| *x = z.re);
    })
}

impl Float for LongDouble {
    const ZERO: LongDouble = LongDouble::ZERO;
    const NAN: fn() -> LongDouble = || f64::NAN.into();
    const IS_LONG: bool = true;
    fn of_long(x: LongDouble) -> LongDouble {
        x
    }
    fn is_one(self) -> bool {
        self == LongDouble::from(1.0)
    }
    fn complex(len: usize, inverse: bool) -> Across<Complex<LongDouble>, Complex<LongDouble>> {
        static PLANS: Recent<exact::Plan<LongDouble>> = Recent::new();
        let plan = PLANS.get(len, || Arc::new(exact::Plan::new(len)));
        Box::new(move |data, out| {
            out.copy_from_slice(data);
            plan.run(out, inverse);
        })
    }
    fn real(len: usize) -> Across<LongDouble, Complex<LongDouble>> {
        real_by_complex(len)
    }
    fn real_inverse(len: usize) -> Across<Complex<LongDouble>, LongDouble> {
        real_inverse_by_complex(len)
    }
}
