//! Which files make up upstream's suite, which of them count, and what stock numpy scores on each test.
//!
//! `data/suite.tsv` is the committed list of files. `data/baseline-2.4.6.jsonl.gz` is what `numpy-tests baseline`
//! measured with the unmodified wheel: the tests that passed there are the denominator of every pass rate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use numpy_tests_format::Excluded;

/// The upstream version everything here is pinned to.
pub const NUMPY: &str = "2.4.6";
pub const BASELINE: &str = "baseline-2.4.6.jsonl.gz";

/// One test file of upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct SuiteFile {
    pub path: String,
    /// `N1`..`N4` for a file outside the denominator.
    pub category: Option<String>,
    pub tests: usize,
    /// With stock numpy on one core; only used to plan and to show progress.
    pub seconds: f64,
}

pub struct Suite {
    pub files: Vec<SuiteFile>,
    pub categories: BTreeMap<String, String>,
}

impl Suite {
    pub fn load() -> Suite {
        parse_suite(include_str!("../data/suite.tsv"))
    }

    pub fn file(&self, path: &str) -> Option<&SuiteFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The files outside the denominator, by category.
    pub fn excluded(&self) -> Vec<Excluded> {
        let of = |(category, what): (&String, &String)| {
            let files = self.files.iter().filter(|file| file.category.as_ref() == Some(category));
            let (files, tests) = files.fold((0, 0), |(files, tests), file| (files + 1, tests + file.tests));
            Excluded { category: category.clone(), what: what.clone(), files, tests }
        };
        self.categories.iter().map(of).collect()
    }
}

fn parse_suite(text: &str) -> Suite {
    let mut suite = Suite { files: Vec::new(), categories: BTreeMap::new() };
    for line in text.lines() {
        if let Some(category) = line.strip_prefix("#! ") {
            let (name, what) = category.split_once(' ').unwrap_or((category, ""));
            suite.categories.insert(name.into(), what.into());
        }
        let fields: Vec<&str> = line.split('\t').collect();
        if let [category, tests, seconds, path] = fields[..] {
            suite.files.push(SuiteFile {
                path: path.into(),
                category: (category != "-").then(|| category.into()),
                tests: tests.parse().unwrap_or(0),
                seconds: seconds.parse().unwrap_or(0.0),
            });
        }
    }
    suite
}

/// The folder of committed data: beside the sources, wherever cargo says they are.
pub fn data_dir() -> PathBuf {
    crate_dir().join("data")
}

pub fn crate_dir() -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(dir) if Path::new(&dir).ends_with("numpy-tests") => dir.into(),
        _ => env!("CARGO_MANIFEST_DIR").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_list_has_upstreams_files() {
        let suite = Suite::load();
        // One of them (test_system_info) skips itself and has no tests.
        assert_eq!(suite.files.len(), 194);
        let counted: usize = suite.files.iter().filter(|f| f.category.is_none()).map(|f| f.tests).sum();
        assert_eq!(counted, 47927);
        assert_eq!(suite.categories.len(), 4);
    }
}
