//! Suites of other packages, run with the harness made for numpy's: crashes and hangs are outcomes there too.
//!
//! The packages are in a folder made by `pip install --target`; the interpreter finds them through `PYTHONPATH`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use numpy_tests_format::{Baseline, OtherSuite, Results};
use serde::Deserialize;

use crate::expect::Expect;
use crate::job::{Job, Setup};
use crate::runner::{self, Plan};

/// A suite as the configuration names it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: String,
    /// Distribution that must be in the folder of packages.
    pub package: String,
    /// Files and folders, relative to the folder of packages.
    pub tests: Vec<PathBuf>,
    /// pytest's `-k`.
    pub keyword: Option<String>,
    /// How many tests pass with stock numpy.
    pub expected: usize,
}

impl Config {
    /// Version of the package in a folder made by `pip install --target`; nothing when it is not there.
    pub fn installed(&self, packages: &Path) -> Option<String> {
        let plain = |name: &str| name.to_lowercase().replace(['-', '.'], "_");
        fs::read_dir(packages).ok()?.flatten().find_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let (name, version) = name.strip_suffix(".dist-info")?.rsplit_once('-')?;
            (plain(name) == plain(&self.package)).then(|| version.to_string())
        })
    }

    /// Runs the suite; `setup.packages` is where it is.
    ///
    /// # Errors
    /// When the package or its tests are not there, or nothing can be started.
    pub fn run(&self, setup: &Setup, workers: usize, interrupted: &AtomicBool) -> Result<Results> {
        let root = setup.packages.as_deref().context("no folder of packages")?;
        let version = self.installed(root).with_context(|| format!("{} is not installed", self.package))?;
        let mut files = Vec::new();
        for path in &self.tests {
            collect(&root.join(path), &mut files)?;
        }
        if files.is_empty() {
            bail!("{} has no test files in {:?}", self.package, self.tests);
        }
        files.sort();
        let names: BTreeMap<PathBuf, String> = files
            .into_iter()
            .map(|file| {
                let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
                (file, name)
            })
            .collect();
        let job = |name: &String| Job {
            file: name.clone(),
            root: root.to_path_buf(),
            chunk: (0, 1),
            only: None,
            targets: Vec::new(),
            skip: HashMap::new(),
            weight: 1.0,
        };
        let plan = Plan {
            jobs: names.values().map(job).collect(),
            files: names.values().cloned().collect(),
            selection: String::new(),
        };
        let (baseline, expect) = (Baseline::default(), Expect::default());
        let mut results = runner::execute(plan, setup, &baseline, &expect, workers, interrupted, None)?;
        results.header.suite = Some(OtherSuite {
            name: self.name.clone(),
            package: self.package.clone(),
            package_version: version,
            expected: self.expected,
        });
        Ok(results)
    }
}

/// Test files at a path, as pytest names them.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| format!("there is no {}", path.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.strip_suffix(".py");
        if path.is_dir() && !name.starts_with(['.', '_']) {
            collect(&path, files)?;
        } else if stem.is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test")) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_their_tests_are_found() {
        let dir = tempfile::tempdir().unwrap();
        for file in [
            "Some_Package-1.2.dist-info/METADATA",
            "some/tests/test_a.py",
            "some/tests/deep/b_test.py",
            "some/tests/helper.py",
            "some/tests/__pycache__/test_a.py",
        ] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let config = |package: &str| Config {
            name: "x".into(),
            package: package.into(),
            tests: Vec::new(),
            keyword: None,
            expected: 0,
        };
        assert_eq!(config("some-package").installed(dir.path()).as_deref(), Some("1.2"));
        assert_eq!(config("other").installed(dir.path()), None);
        let mut files = Vec::new();
        collect(&dir.path().join("some/tests"), &mut files).unwrap();
        assert_eq!(files.len(), 2);
    }
}
