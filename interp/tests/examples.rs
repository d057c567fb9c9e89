//! Each example prints the same under stock numpy and under the executable.

mod support;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use support::{Run, host, run, shared_dir};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A Python with stock numpy, installed once per target directory from the committed lock.
fn stock() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let lock = root().join("micronumpy/ext/python/micronumpy/numpy.lock");
        let dir = shared_dir("stock");
        let (env, done) = (dir.join("venv"), dir.join("complete"));
        let python = env.join("bin/python");
        let wanted = format!(
            "{}\n{}",
            host().display(),
            std::fs::read_to_string(&lock).expect("the lock is committed")
        );
        if std::fs::read_to_string(&done).ok().as_deref() != Some(&wanted) {
            Run::new(host(), ["-m".as_ref(), "venv".as_ref(), "--clear".as_ref(), env.as_os_str()]).ok();
            let pip = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
                "-r",
            ];
            Run::new(&python, pip.iter().map(AsRef::as_ref).chain([lock.as_os_str()])).ok();
            std::fs::write(done, wanted).expect("write under target/");
        }
        python
    })
}

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
