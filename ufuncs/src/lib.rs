//! Element kernels with numpy's semantics.
//!
//! This crate knows memory and scalar types, nothing else: no arrays, no shapes, no Python. A kernel gets raw pointers,
//! byte strides and a count; see [`abi`] for the contract. Callers who want arrays want the crate `micronumpy`.

pub mod abi;
pub mod casts;
pub mod cpu;
pub mod datetime;
pub mod dot;
pub mod elem;
pub mod fft;
pub mod float_format;
pub mod float_parse;
pub mod fpstatus;
pub mod linalg;
pub mod loops;
pub mod ops;
pub mod order;
pub mod pick;
pub mod random;
pub mod select;
pub mod sort;
pub mod strings;
pub mod table;
pub mod threads;
pub mod typenum;
mod vmath;

pub use abi::{
    CoreDimsFn, FoldFn, Identity, LoopContext, LoopDef, LoopFlags, LoopFn, LoopInfo, Resolver, UfuncDef,
};
pub use elem::Elem;
pub use typenum::TypeNum;
