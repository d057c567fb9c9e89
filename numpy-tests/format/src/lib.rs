//! The files `numpy-tests` writes, for those who read them.
//!
//! Both are JSON lines: a header that announces how much follows, then the contents. Whoever reads a truncated or
//! damaged file gets an error that names the line, never a smaller result.

#![forbid(unsafe_code)]

mod baseline;
mod gz;
mod results;

pub use baseline::{Baseline, Excluded};
pub use gz::{read_gz, write_gz};
pub use results::{Header, Machine, OtherSuite, Outcome, Record, Results, file_of, package_of, replace_file};
