//! Many draws of the plainest distributions.
//!
//! Calling a generator through its C functions costs more than these draws themselves, so they are made by the generator's
//! own code (see [`direct`]), over a whole array at a time.

use super::BitGen;
use super::bitgen::{Bits, direct};
use super::ziggurat;

macro_rules! fills {
    ($($(#[$doc:meta])* $name:ident($($param:ident),*) -> $t:ty = $bits:ident => $one:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// Room for `n` values at `out`.
        pub unsafe fn $name(rng: &BitGen, $($param: $t,)* out: *mut $t, n: usize) {
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
    uniform(low, range) -> f64 = bits => low + range * bits.f64();
    standard_normal() -> f64 = bits => ziggurat::standard_normal(bits);
    standard_normal_f32() -> f32 = bits => ziggurat::standard_normal_f32(bits);
    normal(mean, deviation) -> f64 = bits => mean + deviation * ziggurat::standard_normal(bits);
    standard_exponential() -> f64 = bits => ziggurat::standard_exponential(bits);
    standard_exponential_f32() -> f32 = bits => ziggurat::standard_exponential_f32(bits);
}
