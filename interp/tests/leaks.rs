//! Nothing is left behind by operations that run many times over, also where they raise midway: memory of the C library and of
//! Python, objects of the collector, references to operands. The same goes for tests of numpy's own suite.

mod support;

use std::path::{Path, PathBuf};

use support::{Run, ours, run};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/leaks").join(name)
}

#[test]
fn hot_operations_leave_nothing_behind() {
    // Compiled traces are kept on purpose, so they are measured elsewhere.
    let outcome = run([script("hot.py")]).env("MICRONUMPY_VM", "off").go();
    assert!(outcome.status.success(), "{}\n{}", outcome.out, outcome.err);
    let last = outcome.out.lines().last().unwrap_or_default();
    assert!(last.ends_with("operations, 0 leave something behind"), "{last}");
}

/// The folder with pytest that `numpy-tests` installs for this Python.
fn tools() -> PathBuf {
    let folder = ours().ancestors().nth(2).expect("the target directory").join("numpy-tests");
    let find = || {
        let entries = std::fs::read_dir(&folder).ok()?;
        let mut all = entries.flatten().map(|entry| entry.path());
        all.find(|path| path.join("pytest").is_dir())
    };
    find().unwrap_or_else(|| {
        // Running a small file is what installs it.
        let out = support::fresh_dir("leaks").join("results.jsonl");
        let args = ["run".as_ref(), "test_abc".as_ref(), "--out".as_ref(), out.as_os_str()];
        Run::new(&ours().with_file_name("numpy-tests"), args).go();
        find().expect("pytest, which `numpy-tests run` installs")
    })
}

#[test]
fn hot_files_of_the_suite_leave_nothing_behind() {
    let files = FILES.iter().map(|name| format!("_core/tests/test_{name}.py").into());
    let args = std::iter::once(script("suite.py")).chain(files);
    let outcome = run(args).env("MICRONUMPY_VM", "off").env("PYTHONPATH", tools()).go();
    assert!(outcome.status.success(), "{}\n{}", outcome.out, outcome.err);
    let last = outcome.out.lines().last().unwrap_or_default();
    assert!(last.starts_with("3 rounds, ") && last.ends_with(" 0 kinds of growth"), "{last}");
}

/// Files that walk through indexing, iteration and coercion within half a minute. pytest leaves as much behind under stock numpy
/// as it does here in others, such as `test_dtype.py`.
const FILES: [&str; 6] = ["indexing", "nditer", "array_coercion", "item_selection", "shape_base", "records"];
