//! Each example prints the same under stock numpy and under the executable.

mod support;

use support::{Run, root, run, stock};

fn check(name: &str) {
    let script = root().join("examples").join(name);
    let expected = Run::new(stock(), [&script]).go();
    assert!(expected.status.success(), "stock numpy: {expected:#?}");
    let got = run([&script]).go();
    assert_eq!(got.err, expected.err);
    assert_eq!(got.out, expected.out);
    assert_eq!(got.status, expected.status);
}

#[test]
fn calibration() {
    check("calibration.py");
}

#[test]
fn heat() {
    check("heat.py");
}

#[test]
fn primes() {
    check("primes.py");
}

/// A new example is not forgotten here.
#[test]
fn every_example_is_checked() {
    let dir = std::fs::read_dir(root().join("examples")).expect("examples/");
    let mut names: Vec<_> =
        dir.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.retain(|n| n.ends_with(".py"));
    names.sort();
    assert_eq!(names, ["calibration.py", "heat.py", "primes.py"]);
}
