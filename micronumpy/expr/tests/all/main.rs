//! Expressions against unfused calls. The test of peak memory is a process of its own.

mod function;
mod fuzz;
mod plain;
mod random;
mod status;
