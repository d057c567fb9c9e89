//! Random uses of arrays give what they give under stock numpy: values to the bit, dtypes, strides, flags, warnings and
//! exceptions with their texts, and every array afterwards.
//!
//! The cases of a range of seeds, the same ones every time; `interp/tests/arrays/run.py --seed` runs others, for longer.

mod support;

use std::ffi::OsStr;

use support::{Run, host, ours, root, stock};

fn cases(area: &str, count: usize) {
    let script = root().join("interp/tests/arrays/run.py");
    let head = [
        script.as_os_str(),
        "--python".as_ref(),
        stock().as_os_str(),
        "--micronumpy".as_ref(),
        ours().as_os_str(),
    ];
    let number = count.to_string();
    let rest = ["--area", area, "--count", &number];
    let outcome = Run::new(host(), head.into_iter().chain(rest.iter().map(OsStr::new))).go();
    assert!(outcome.status.success(), "{}\n{}", outcome.out, outcome.err);
    let last = outcome.out.lines().last().unwrap_or_default();
    assert!(last.starts_with(&format!("{count} cases")), "{last}");
}

#[test]
fn ufuncs() {
    cases("ufunc", 1000);
}

#[test]
fn indices() {
    cases("index", 1000);
}

#[test]
fn casts() {
    cases("cast", 1000);
}

#[test]
fn iterators() {
    cases("nditer", 1000);
}

#[test]
fn nested_iterators() {
    cases("nested", 1000);
}

#[test]
fn structures() {
    cases("struct", 500);
}

#[test]
fn scalars() {
    cases("scalar", 200);
}

#[test]
fn generalized_ufuncs() {
    cases("gufunc", 100);
}

#[test]
fn overlaps() {
    cases("overlap", 1000);
}
