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

#[test]
fn signals_and_threads() {
    assert!(same(|| run([script("signals.py")])).contains("changed 10"));
}

/// `programs.py show SEED` prints the source of one that differs.
#[test]
fn random_programs() {
    let out = same(|| run([script("programs.py").as_os_str(), "0".as_ref(), "1000".as_ref()]));
    let ended = |how: &str| out.lines().filter(|line| line.contains(how)).count();
    assert!(ended("<f8") > 80 && ended("ValueError") > 80 && ended("TypeError") > 80, "{out}");
}

/// A result can be right although nothing was fused.
#[test]
fn operations_are_fused() {
    let code = "
import numpy as np
def steps(u, v, n):
    for _ in range(n):
        v[1:-1] = 0.5 * (u[:-2] + u[2:]) - 1
        v += np.where(u > 0.5, u * 2, abs(v - 1))
        w = v * u + 1
    return w
steps(np.linspace(0, 1, 5000), np.zeros(5000), 100)
";
    let got = support::run_code(code).env("MICRONUMPY_LOG", "stats").go();
    assert!(got.status.success(), "{got:#?}");
    let count = |what: &str| {
        let line = got.err.lines().find(|line| line.contains(what));
        line.and_then(|line| line.split_whitespace().find_map(|word| word.parse::<u32>().ok())).unwrap_or(0)
    };
    assert_eq!(count("array operations fused into arrays"), 200, "{}", got.err);
}
