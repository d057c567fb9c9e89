//! Bytes are the choices of the generator of traces; any difference between ways of running one is a crash.
#![no_main]

use jit_filetests::fuzz::{self, Source};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(finding) = fuzz::once(&mut Source::bytes(bytes)) {
        panic!("{}\n{}; run: {}", finding.failure, finding.trace, finding.case);
    }
});
