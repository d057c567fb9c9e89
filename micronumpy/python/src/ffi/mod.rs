//! From C calling conventions to Rust functions and back: guards, argument parsing, method and slot tables.
//!
//! A body is a safe-looking Rust function over pyo3 handles that returns `PyResult`; the macros of [`slots`] and
//! [`methods`] wrap it in an `extern "C"` function that catches panics and raises errors. No other code in this crate
//! writes such wrappers by hand, except where a hot path is measured to need it.

pub mod args;
pub mod guard;
pub mod import;
pub mod methods;
pub mod others;
pub mod slots;
pub mod stack;
pub mod types;
pub mod unicode;

pub use args::{Args, Sig};
pub use guard::guard;
