//! Several threads compute at once.

mod support;

use std::path::Path;

use support::run;

#[test]
fn large_arrays_are_computed_while_others_run() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/threads/ufuncs.py");
    for vm in ["on", "off"] {
        let outcome = run([&script]).env("MICRONUMPY_VM", vm).go();
        assert!(outcome.status.success(), "{}\n{}", outcome.out, outcome.err);
        let nothing_wrong = "wrong []\ncompiled (124750,) True\n[('ignore', {'nothing'}), ('raise', {'invalid value encountered in divide'})]\n";
        let expected = format!("{nothing_wrong}{}", "ticks meanwhile True\n".repeat(3));
        assert_eq!(outcome.out, expected, "{}", outcome.err);
    }
}

/// Each makes the function it pauses in; one of them is kept.
#[test]
fn loops_of_several_threads_pause() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/threads/pauses.py");
    assert_eq!(run([&script]).ok(), "done\n");
}
