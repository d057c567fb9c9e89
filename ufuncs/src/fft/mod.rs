//! Discrete Fourier transforms as generalized ufuncs, the five of `numpy.fft._pocketfft_umath`.
//!
//! The length of the transform is that of the output (for real input, what the output's length and the name's parity
//! say); input beyond it is ignored, missing input is zero. The second operand is a factor every result is multiplied
//! by. `float` and `double` go to `rustfft`, whose plans are kept (`plans`); `long double` has its own transform
//! (`long`), since no library has one that is more precise than `double`.

mod kernels;
mod long;
mod plans;
mod table;

#[cfg(test)]
mod tests;

pub use table::UFUNCS;
