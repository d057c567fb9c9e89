//! Random programs with loops do the same under stock numpy, under the executable without its VM, with the VM, and with
//! compiled code: values to the bit, exceptions with their tracebacks, warnings with their lines, references.
//!
//! The programs of a range of seeds, the same ones every time; `interp/tests/programs/run.py --seed` runs others, for longer.

mod support;

use std::ffi::OsStr;

use support::{Run, host, ours, root, stock};

/// The seeds are bounded by a time, so that a busy machine tests less and does not fail.
const MINUTES: &str = "1";

fn programs(kind: &str, ways: &[&str], seed: &str, count: &str) {
    let script = root().join("interp/tests/programs/run.py");
    let head = [
        script.as_os_str(),
        "--python".as_ref(),
        stock().as_os_str(),
        "--micronumpy".as_ref(),
        ours().as_os_str(),
    ];
    let numbers = ["--kind", kind, "--seed", seed, "--count", count, "--minutes", MINUTES, "--ways"];
    let args = head.into_iter().chain(numbers.iter().chain(ways).map(|s| OsStr::new(*s)));
    let outcome = Run::new(host(), args).go();
    assert!(outcome.status.success(), "{}\n{}", outcome.out, outcome.err);
    let ran: usize = outcome.out.lines().last().and_then(|l| l.split(' ').next()?.parse().ok()).unwrap_or(0);
    assert!(ran >= 100, "only {ran} programs ran");
}

#[test]
fn the_vm_and_compiled_code_do_what_cpython_does() {
    programs("any", &["off", "vm", "jit"], "0", "1500");
}

#[test]
fn long_rows_do_what_arrays_do() {
    programs("rows", &["off", "vm", "jit"], "0", "600");
}

#[test]
fn small_arrays_do_what_arrays_do() {
    programs("small", &["off", "vm", "jit"], "0", "600");
}
