//! Packages compiled against numpy: scripts that use them write the same under stock numpy and under ours.
//!
//! The packages are in a folder made by `pip install --target` that `MICRONUMPY_PACKAGES` names. Without one there is nothing
//! to run, and the test says so; with one, every package that is there has to work, and the test says which those were.

mod support;

use std::path::{Path, PathBuf};

use support::{Run, ours, root, stock};

/// The package a script uses: `use_scikit_learn.py` is of `scikit_learn`.
fn package(script: &Path) -> Option<&str> {
    script.file_stem()?.to_str()?.strip_prefix("use_")
}

fn scripts() -> Vec<PathBuf> {
    let folder = root().join("interp/tests/downstream");
    let read = std::fs::read_dir(folder).expect("the scripts are committed");
    let mut all: Vec<PathBuf> = read.map(|e| e.expect("an entry").path()).collect();
    all.retain(|p| package(p).is_some());
    all.sort();
    all
}

/// Whether a folder made by pip has a package.
fn has(folder: &Path, package: &str) -> bool {
    let read = std::fs::read_dir(folder).expect("MICRONUMPY_PACKAGES names a folder");
    read.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        name.ends_with(".dist-info") && name.split('-').next() == Some(package)
    })
}

#[test]
fn packages_compute_the_same() {
    let scripts = scripts();
    assert!(!scripts.is_empty());
    let Some(folder) = std::env::var_os("MICRONUMPY_PACKAGES").map(PathBuf::from) else {
        println!("not run: MICRONUMPY_PACKAGES names no folder with packages");
        return;
    };
    let (mut ran, mut failed) = (Vec::new(), Vec::new());
    for script in &scripts {
        let Some(name) = package(script).filter(|p| has(&folder, p)) else {
            println!("not installed: {}", script.display());
            continue;
        };
        let by = |program: &Path| Run::new(program, [script]).env("PYTHONPATH", &folder).go();
        let (mine, theirs) = (by(ours()), by(stock()));
        assert!(theirs.status.success(), "{name} under stock numpy: {}", theirs.err);
        ran.push(name);
        if !mine.status.success() {
            failed.push(format!("{name} ends with {}: {}", mine.status, mine.err));
        } else if mine.out != theirs.out {
            failed.push(format!("{name} writes\n{}\nand not\n{}", mine.out, theirs.out));
        }
    }
    println!("ran: {}", ran.join(", "));
    assert!(!ran.is_empty(), "{} has none of the packages", folder.display());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
