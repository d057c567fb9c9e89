//! Several threads compute at once.

mod support;

use std::path::Path;

use support::{Run, run, stock};

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

/// Whichever thread computes an element: results, warnings and errors are stock numpy's.
#[test]
fn parts_of_a_call_make_the_whole() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/threads/parts.py");
    let with = |threads: &str| run([&script]).env("MICRONUMPY_NUM_THREADS", threads).ok();
    let expected = Run::new(stock(), [&script]).ok();
    for threads in ["1", "3"] {
        let got = with(threads);
        for (ours, theirs) in got.lines().zip(expected.lines()) {
            assert_eq!(ours, theirs, "with {threads} threads");
        }
        assert_eq!(got, expected);
    }
    let own =
        |threads: &str| run([script.as_os_str(), "own".as_ref()]).env("MICRONUMPY_NUM_THREADS", threads).ok();
    assert_eq!(own("1"), own("3"));
}

#[test]
fn products_are_shared_by_threads_of_their_process() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/threads/products.py");
    let expected = format!("parent True\n{}threads {:?}\n", "child 0\nparent True\n".repeat(3), [true; 5]);
    let out = run([&script]).env("MICRONUMPY_NUM_THREADS", "3").ok();
    assert_eq!(out, expected.replace("true", "True"));
}
