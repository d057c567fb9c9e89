//! Where language, arrays and compiler meet.
//!
//! [`embed`] is CPython as the host: started exactly as `python` starts, with our import finder in front of its own, and with
//! code exchanged where it is executed. [`frontend`] makes [`bytecode`] of statements, [`vm`] runs it, [`record`] compiles what is hot.

pub mod bytecode;
pub mod embed;
pub mod frontend;
pub mod record;
pub mod vm;
