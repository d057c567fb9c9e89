//! The crate graph is the architecture: this test holds the edges ARCHITECTURE.md draws.

use std::collections::BTreeMap;
use std::process::Command;

/// Which workspace crates each crate may depend on (tests and build scripts included).
const ALLOWED: &[(&str, &[&str])] = &[
    ("ufuncs", &[]),
    ("jit", &[]),
    ("jit-filetests", &["jit"]),
    ("micronumpy", &["ufuncs"]),
    ("micronumpy-expr", &["jit", "micronumpy", "ufuncs"]),
    ("micronumpy-python", &["micronumpy", "micronumpy-expr", "ufuncs"]),
    ("micronumpy-ext", &["interp", "micronumpy-python"]),
    ("interp", &["jit", "micronumpy", "micronumpy-expr", "micronumpy-python", "ufuncs"]),
    ("numpy-tests-format", &[]),
    ("numpy-tests", &["numpy-tests-format"]),
    ("status-report", &["numpy-tests-format"]),
];

/// Crates that must never learn about Python.
const PYTHON_FREE: &[&str] = &[
    "ufuncs",
    "jit",
    "jit-filetests",
    "micronumpy",
    "micronumpy-expr",
    "numpy-tests",
    "numpy-tests-format",
    "status-report",
];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages
        .iter()
        .map(|p| {
            let deps = p["dependencies"].as_array().expect("a list of dependencies");
            let names = deps.iter().map(|d| d["name"].as_str().expect("a name").to_string()).collect();
            (p["name"].as_str().expect("a name").to_string(), names)
        })
        .collect()
}

#[test]
fn workspace_crates_depend_only_on_what_the_architecture_allows() {
    let graph = dependencies();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    for name in graph.keys() {
        assert!(allowed.contains_key(name.as_str()), "crate {name} is not in the architecture");
    }
    for (name, deps) in &graph {
        for dep in deps.iter().filter(|d| graph.contains_key(*d)) {
            assert!(allowed[name.as_str()].contains(&dep.as_str()), "{name} must not depend on {dep}");
        }
    }
}

#[test]
fn python_free_crates_stay_python_free() {
    for (name, deps) in dependencies() {
        if PYTHON_FREE.contains(&name.as_str()) {
            let python: Vec<_> = deps.iter().filter(|d| d.starts_with("pyo3")).collect();
            assert!(python.is_empty(), "{name} must not depend on {python:?}");
        }
    }
}
