//! A short run of the fuzzer with fixed seeds; `trc fuzz` runs for longer.

use jit_filetests::fuzz::{self, Source};

#[test]
fn made_up_traces_run_the_same_everywhere() {
    for seed in 0..3000 {
        if let Err(finding) = fuzz::once(&mut Source::seed(seed)) {
            panic!("seed {seed}: {}\n{}; run: {}", finding.failure, finding.trace, finding.case);
        }
    }
}
