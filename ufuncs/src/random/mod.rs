//! Random numbers: numpy's bit streams and distributions, bit for bit.
//!
//! A seed names a stream and a stream names every variate drawn from it, so nothing here may differ from numpy in the order
//! of draws, the order of floating-point operations, or the moment a draw is rejected. Hence three habits of this module:
//! draws are bound to names in the order they happen (never inside one expression), formulas keep the grouping that
//! fixes their rounding, and logarithms of one plus something go through `ln_1p`.
//!
//! ```text
//! entropy -> seed (pool hashing) -> mt19937 | pcg64 | philox | sfc64 -> BitGen (C function pointers)
//!   BitGen -> ziggurat -> continuous -> discrete, hypergeometric, multivariate
//!   BitGen -> bounded (integers)        legacy (what `RandomState` promised never to change)
//! ```
//!
//! [`BitGen`] has the layout of numpy's `bitgen_t`: compiled extensions draw from our generators through it, and these
//! distributions run on generators of others.

mod bitgen;
pub mod bounded;
pub mod continuous;
pub mod discrete;
mod factorial;
pub mod fill;
pub mod hypergeometric;
pub mod legacy;
pub mod mt19937;
pub mod multivariate;
pub mod pcg64;
pub mod philox;
pub mod seed;
pub mod sfc64;
pub mod shuffle;
mod ziggurat;

pub use bitgen::{BitGen, Bits, Functions, Half, Source};
pub use ziggurat::{standard_exponential, standard_exponential_f32, standard_normal, standard_normal_f32};
