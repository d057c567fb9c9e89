//! Recorded and compiled loops give what stock numpy gives: bits, types, warnings, exceptions with their tracebacks.

mod support;

use std::ffi::{OsStr, OsString};
use std::fs;

use support::{Run, fresh_dir, ours, root, shared_dir, stock};

/// The lines both print, and how many loops ours compiled.
fn compare(args: &[OsString], threshold: &str, at_least: usize) -> usize {
    compare_with(args, threshold, at_least, OsStr::new(""))
}

/// The same, with packages in a folder.
fn compare_with(args: &[OsString], threshold: &str, at_least: usize, packages: &OsStr) -> usize {
    let log = fresh_dir(&format!("record-{threshold}-{at_least}")).join("log");
    let expected = Run::new(stock(), args).env("PYTHONPATH", packages).ok();
    let got = Run::new(ours(), args)
        .env("PYTHONPATH", packages)
        .env("MICRONUMPY_JIT_THRESHOLD", threshold)
        .env("MICRONUMPY_JIT_CHECK", "1")
        .env("MICRONUMPY_LOG", format!("trace:{}", log.display()))
        .ok();
    let (expected, got): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    assert!(expected.len() >= at_least, "only {} lines", expected.len());
    assert_eq!(expected.len(), got.len());
    for (number, (e, g)) in expected.iter().zip(&got).enumerate() {
        assert_eq!(e, g, "line {number}");
    }
    let log = fs::read_to_string(log).expect("a log");
    log.lines().filter(|line| line.starts_with("recorded in")).count()
}

#[test]
fn loops_over_elements() {
    let args = |times: &str| -> Vec<OsString> {
        let file = root().join("interp/tests/record/loops.py");
        vec![file.into(), root().join("benches/loops").into(), times.into()]
    };
    assert!(compare(&args("2"), "40", 22) >= 22);
}

#[test]
fn calls_of_functions() {
    let args = [OsString::from(root().join("interp/tests/record/calls.py"))];
    assert!(compare(&args, "40", 50) >= 10);
}

#[test]
fn complex_numbers() {
    let args = [OsString::from(root().join("interp/tests/record/complex.py"))];
    assert!(compare(&args, "20", 28) >= 10);
}

#[test]
fn aliases() {
    let args = [OsString::from(root().join("interp/tests/record/aliases.py"))];
    assert!(compare(&args, "40", 250) >= 20);
}

#[test]
fn iterators() {
    let args = [OsString::from(root().join("interp/tests/record/iterators.py"))];
    for threshold in ["40", "3"] {
        assert!(compare(&args, threshold, 70) >= 20);
    }
}

#[test]
fn small_arrays() {
    let args = [OsString::from(root().join("interp/tests/record/small.py"))];
    for threshold in ["40", "5"] {
        assert!(compare(&args, threshold, 160) >= 25);
    }
}

#[test]
fn scalars() {
    let args = [OsString::from(root().join("interp/tests/record/scalars.py"))];
    for threshold in ["40", "5"] {
        assert!(compare(&args, threshold, 400) >= 40);
    }
}

#[test]
fn long_vectors() {
    let args = [OsString::from(root().join("interp/tests/record/long.py"))];
    assert!(compare(&args, "10", 300) >= 30);
}

#[test]
fn long_rows() {
    let args = [OsString::from(root().join("interp/tests/record/rows.py"))];
    assert!(compare(&args, "10", 600) >= 40);
}

#[test]
fn functions_of_cffi() {
    let folder = shared_dir("cffi");
    if !folder.join("cffi").is_dir() {
        let pip = ["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target"];
        let pip = pip.iter().map(OsStr::new).chain([folder.as_os_str(), OsStr::new("cffi==2.1.1")]);
        Run::new(stock(), pip).ok();
    }
    let args = [OsString::from(root().join("interp/tests/record/cffi_functions.py"))];
    assert!(compare_with(&args, "10", 60, folder.as_os_str()) >= 15);
}

#[test]
fn every_way_out() {
    let args = [OsString::from(root().join("interp/tests/record/edges.py"))];
    for threshold in ["40", "5"] {
        assert!(compare(&args, threshold, 600) >= 60);
    }
}

/// A loop of a few turns is compiled as a part of the one around it, and alone only where that cannot be.
#[test]
fn short_loops() {
    let code = "
import numpy as np
def inside(a, turns):
    s = 0
    for i in range(turns):
        for k in range(3):
            for l in range(k, 4):
                s += a[k] * a[l] + i
    return s
def alone(a, turns):
    s = 0
    for i in range(turns):
        name = sorted(['b', 'a'])
        for k in range(3):
            s += a[k] * i
    return s, name
a = np.arange(4)
print(inside(a, 300), alone(a, 300))
";
    let log = fresh_dir("record-short").join("log");
    let expected = Run::new(stock(), ["-c", code]).ok();
    let got = Run::new(ours(), ["-c", code]).env("MICRONUMPY_LOG", format!("trace:{}", log.display())).ok();
    assert_eq!(got, expected);
    let log = fs::read_to_string(log).expect("a log");
    let mut compiled: Vec<&str> =
        log.lines().filter_map(|line| line.strip_prefix("{trace <string>:")).collect();
    compiled.dedup();
    assert_eq!(compiled, ["5 for loop 0", "12 for loop 1"], "{log}");
}
