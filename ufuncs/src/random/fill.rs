//! Many draws of the plainest distributions.
//!
//! Calling a generator through its C functions costs more than these draws themselves, so they are made by the generator's
//! own code (see [`direct`]), over a whole array at a time.

use super::BitGen;
use super::bitgen::{Bits, direct};
use super::{continuous, discrete, ziggurat};

macro_rules! fills {
    ($($(#[$doc:meta])* $name:ident($($param:ident: $param_type:ty),*) -> $t:ty = $bits:ident => $one:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// Room for `n` values at `out`.
        pub unsafe fn $name(rng: &BitGen, $($param: $param_type,)* out: *mut $t, n: usize) {
            direct!(rng, $bits => for i in 0..n {
                // SAFETY: the caller's promise.
                unsafe { out.add(i).write($one) };
            });
        }
    )*};
}

fills! {
    /// Uniform on [0, 1).
    unit_f64() -> f64 = bits => bits.f64();
    /// Uniform on [0, 1).
    unit_f32() -> f32 = bits => bits.f32();
    /// Uniform on an interval.
    uniform(low: f64, range: f64) -> f64 = bits => low + range * bits.f64();
    standard_normal() -> f64 = bits => ziggurat::standard_normal(bits);
    standard_normal_f32() -> f32 = bits => ziggurat::standard_normal_f32(bits);
    normal(mean: f64, deviation: f64) -> f64 = bits => mean + deviation * ziggurat::standard_normal(bits);
    standard_exponential() -> f64 = bits => ziggurat::standard_exponential(bits);
    exponential(scale: f64) -> f64 = bits => scale * ziggurat::standard_exponential(bits);
    poisson(lam: f64) -> i64 = bits => discrete::poisson(bits, lam);
    geometric_search(p: f64) -> i64 = bits => discrete::geometric_search(bits, p);
    geometric_inversion(ln_q: f64) -> i64 = bits => discrete::geometric_inversion(bits, ln_q);
    vonmises(mu: f64, kappa: f64) -> f64 = bits => continuous::vonmises(bits, mu, kappa);
    standard_exponential_f32() -> f32 = bits => ziggurat::standard_exponential_f32(bits);
}

/// The number of trials up to the first success.
///
/// # Safety
/// Room for `n` values at `out`.
pub unsafe fn geometric(rng: &BitGen, p: f64, out: *mut i64, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if p >= 1.0 / 3.0 {
            geometric_search(rng, p, out, n);
        } else {
            geometric_inversion(rng, (-p).ln_1p(), out, n);
        }
    }
}
