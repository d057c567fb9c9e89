//! A compiler library for traces and counted loops.
//!
//! It knows neither Python nor arrays: a host builds a [`ir::Trace`] out of typed values, loads, stores, calls and guards,
//! and gets back machine code. Hosts own meaning (what an exit is for, what a class of memory is), this crate owns code.

pub mod backend;
#[forbid(unsafe_code)]
pub mod ir;
#[forbid(unsafe_code)]
pub mod log;
#[forbid(unsafe_code)]
pub mod opt;
#[forbid(unsafe_code)]
pub mod semantics;
#[forbid(unsafe_code)]
pub mod vec;
