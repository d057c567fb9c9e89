//! numpy's compiled modules, served from the micronumpy object space.
//!
//! `abi` holds C layouts, `ffi` turns C calls into Rust calls, `objects` the types, `protocols` how objects of others take
//! part, `modules` what `import` finds, `capi` the tables compiled extensions use. Elements are computed in `micronumpy`
//! and `ufuncs`; this crate computes none, except by calling an object's own methods.

pub mod abi;
pub mod capi;
pub mod error;
#[macro_use]
pub mod ffi;
mod fusion;
pub mod host;
pub mod modules;
pub mod objects;
pub mod protocols;
