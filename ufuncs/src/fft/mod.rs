//! Discrete Fourier transforms as generalized ufuncs, the five of `numpy.fft._pocketfft_umath`.
//!
//! The length of the transform is that of the output (for real input, what the output's length and the name's parity
//! say); input beyond it is ignored, missing input is zero. The second operand is a factor every result is multiplied
//! by. `float` and many lengths of `double` go to `rustfft`, whose plans are kept (`plans`). Lengths of `double` for which the
//! library's roots of unity are not good enough have passes of our own (`factored`), large primes and `long double`, for
//! which there is no library, a slower and exact transform (`exact`).

mod exact;
mod factored;
mod kernels;
mod plans;
mod table;

#[cfg(test)]
mod tests;

pub use table::UFUNCS;
