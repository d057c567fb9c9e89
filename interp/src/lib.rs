//! Where language, arrays and compiler meet.
//!
//! So far this is the embedded CPython ([`embed`]): it starts the host interpreter exactly as `python` would start, and
//! puts our import finder in front of its own before anything is imported.

pub mod bytecode;
pub mod embed;
pub mod frontend;
pub mod record;
pub mod vm;
