//! CPython as our host.
//!
//! [`start`] brings the interpreter up and runs what the command line says, [`paths`] decides which Python installation
//! we speak for, [`package`] carries the Python half of the `micronumpy` package inside the executable.
//!
//! [`entry`] is the way from CPython's code into the VM and back, [`position`] shows CPython's frame where the VM is, and
//! [`watch`] notices tracers.

pub mod entry;
pub(crate) mod errors;
pub(crate) mod locals;
mod package;
mod paths;
pub mod position;
pub mod settings;
mod start;
pub mod watch;

pub use start::run;
