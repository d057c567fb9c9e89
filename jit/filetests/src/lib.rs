//! Tests of the crate `jit` that are not Rust: text files with traces, run by every back end there is.
//!
//! [`file`] describes the files, [`case`] the text of arguments and outcomes, [`variants`] what a trace is run on.

pub mod case;
pub mod crash;
pub mod edges;
pub mod externs;
pub mod file;
pub mod fuzz;
pub mod memory;
pub mod reduce;
pub mod remote;
pub mod run;
pub mod subtests;
pub mod suite;
pub mod variants;
