//! Array operations that wait for one another do what they would have done at once: elements and layout of every array,
//! which array is which, warnings and errors with their places.

mod support;

use std::path::{Path, PathBuf};

use support::{Run, run};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pending").join(name)
}

/// Output without the VM, which the others must repeat.
#[track_caller]
fn same(run: impl Fn() -> Run) -> String {
    let expected = run().env("MICRONUMPY_VM", "off").go();
    assert!(expected.status.success(), "{expected:#?}");
    for (name, value) in [("MICRONUMPY_JIT", "off"), ("MICRONUMPY_JIT_THRESHOLD", "2")] {
        let got = run().env(name, value).go();
        assert!(got.status.success(), "{name}={value}: {got:#?}");
        for (expected, got) in expected.out.lines().zip(got.out.lines()) {
            assert_eq!(got, expected, "{name}={value}");
        }
        assert_eq!(got.out.len(), expected.out.len(), "{name}={value}");
    }
    expected.out
}

#[test]
fn cases() {
    let out = same(|| run([script("cases.py")]));
    assert!(out.contains("warned divide by zero encountered in divide"), "{out}");
    assert!(out.contains("FloatingPointError"), "{out}");
}

/// `programs.py show SEED` prints the source of one that differs.
#[test]
fn random_programs() {
    let out = same(|| run([script("programs.py").as_os_str(), "0".as_ref(), "800".as_ref()]));
    let ended = |how: &str| out.lines().filter(|line| line.contains(how)).count();
    assert!(ended("<f8") > 80 && ended("ValueError") > 80 && ended("TypeError") > 80, "{out}");
}
