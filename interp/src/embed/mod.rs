//! CPython as our host.
//!
//! [`start`] brings the interpreter up and runs what the command line says, [`paths`] decides which Python installation
//! we speak for, [`package`] carries the Python half of the `micronumpy` package inside the executable.
//!
//! [`hook`] puts entries into the code that is executed: `source` finds its syntax tree, `splice` changes it, `program`
//! does so for the main program. [`entry`] is the way from CPython's code into the VM and back, [`position`] shows CPython's
//! frame where the VM is, [`watch`] notices tracers, and `function` shows those who ask for a function's code what CPython compiled.

pub mod entry;
pub(crate) mod errors;
mod function;
pub mod hook;
pub(crate) mod locals;
mod package;
mod paths;
pub mod position;
mod program;
mod prompt;
pub mod settings;
mod source;
mod splice;
mod start;
pub mod watch;

pub use package::fill;
pub use splice::body_of;
pub use start::run;
