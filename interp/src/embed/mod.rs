//! CPython as our host.
//!
//! [`start`] brings the interpreter up and runs what the command line says, [`paths`] decides which Python installation
//! we speak for, [`package`] carries the Python half of the `micronumpy` package inside the executable.

mod package;
mod paths;
mod start;

pub use start::run;
