//! Which files make up upstream's suite, which of them count, and what stock numpy scores on each test.
//!
//! `data/suite.tsv` is the committed list of files. `data/baseline-2.4.6.jsonl.gz` is what `numpy-tests baseline`
//! measured with the unmodified wheel: the tests that passed there are the denominator of every pass rate.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};

use crate::results::{Machine, Outcome, Results, file_of, replace_file};

/// The upstream version everything here is pinned to.
pub const NUMPY: &str = "2.4.6";
pub const BASELINE: &str = "baseline-2.4.6.jsonl.gz";
const BASELINE_FORMAT: &str = "numpy-tests-baseline";

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

#[derive(Debug, Serialize, Deserialize)]
struct BaselineHeader {
    format: String,
    version: u32,
    numpy: String,
    python: String,
    date: String,
    machine: Machine,
    tests: usize,
    passed: usize,
    excluded: Vec<Excluded>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Excluded {
    category: String,
    what: String,
    files: usize,
    tests: usize,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct BaselineFile {
    file: String,
    seconds: f64,
    /// Ids without the file, by outcome, in the order of collection.
    tests: BTreeMap<String, Vec<String>>,
}

/// Stock numpy's outcomes by test id.
#[derive(Default)]
pub struct Baseline {
    outcomes: HashMap<String, Outcome>,
    by_file: HashMap<String, Vec<String>>,
}

impl Baseline {
    pub fn read(path: &Path) -> Result<Baseline> {
        let file =
            File::open(path).with_context(|| format!("cannot open the baseline {}", path.display()))?;
        Baseline::parse(BufReader::new(GzDecoder::new(file)))
            .with_context(|| format!("{} is not a usable baseline", path.display()))
    }

    fn parse(reader: impl BufRead) -> Result<Baseline> {
        let mut lines = reader.lines();
        let header: BaselineHeader = serde_json::from_str(&lines.next().context("empty file")??)?;
        if header.format != BASELINE_FORMAT || header.version != 1 {
            bail!("format {:?} version {}", header.format, header.version);
        }
        let mut baseline = Baseline::default();
        for line in lines {
            let file: BaselineFile = serde_json::from_str(&line?)?;
            for (outcome, suffixes) in file.tests {
                let outcome: Outcome = serde_json::from_value(outcome.into())?;
                for suffix in suffixes {
                    baseline.insert(format!("{}::{suffix}", file.file), outcome);
                }
            }
        }
        if baseline.outcomes.len() != header.tests {
            bail!("truncated: {} of {} tests", baseline.outcomes.len(), header.tests);
        }
        Ok(baseline)
    }

    pub fn insert(&mut self, id: String, outcome: Outcome) {
        self.by_file.entry(file_of(&id).into()).or_default().push(id.clone());
        self.outcomes.insert(id, outcome);
    }

    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Every test stock numpy has in `file`, whatever its outcome.
    pub fn ids(&self, file: &str) -> &[String] {
        self.by_file.get(file).map_or(&[], |ids| ids)
    }

    /// Whether a test counts: it passes with stock numpy.
    pub fn counts(&self, id: &str) -> bool {
        self.outcomes.get(id).is_some_and(|outcome| outcome.is_pass())
    }

    /// Number of tests of `file` that count.
    pub fn denominator(&self, file: &str) -> usize {
        self.ids(file).iter().filter(|id| self.counts(id)).count()
    }

    /// Number of tests that count in the whole suite.
    pub fn total(&self) -> usize {
        self.outcomes.values().filter(|outcome| outcome.is_pass()).count()
    }
}

/// Writes the baseline from a run of stock numpy. The bytes depend on nothing but the results.
pub fn write_baseline(results: &Results, suite: &Suite, path: &Path) -> Result<()> {
    let mut files: BTreeMap<&str, BaselineFile> = BTreeMap::new();
    for record in &results.records {
        let entry = files.entry(record.file()).or_default();
        let Some((file, suffix)) = record.id.split_once("::") else { continue };
        entry.file = file.into();
        entry.seconds += record.seconds;
        entry.tests.entry(record.outcome.name().into()).or_default().push(suffix.into());
    }
    let excluded = suite.categories.iter().map(|(category, what)| {
        let of = suite.files.iter().filter(|file| file.category.as_ref() == Some(category));
        let (files, tests) = of.fold((0, 0), |(files, tests), file| (files + 1, tests + file.tests));
        Excluded { category: category.clone(), what: what.clone(), files, tests }
    });
    let header = BaselineHeader {
        format: BASELINE_FORMAT.into(),
        version: 1,
        numpy: results.header.numpy.clone(),
        python: results.header.python.clone(),
        date: results.header.date.clone(),
        machine: results.header.machine.clone(),
        tests: files.values().flat_map(|file| file.tests.values()).map(Vec::len).sum(),
        passed: results.records.iter().filter(|record| record.outcome.is_pass()).count(),
        excluded: excluded.collect(),
    };
    let mut text = serde_json::to_vec(&header)?;
    for mut file in files.into_values() {
        file.seconds = (file.seconds * 100.0).round() / 100.0;
        text.push(b'\n');
        serde_json::to_writer(&mut text, &file)?;
    }
    text.push(b'\n');
    write_gz(path, &text)
}

/// gzip without a time stamp, so equal contents give equal files.
pub fn write_gz(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut out = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    out.write_all(bytes)?;
    replace_file(path, &out.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Record;

    #[test]
    fn the_committed_list_has_upstreams_files() {
        let suite = Suite::load();
        // One of them (test_system_info) skips itself and has no tests.
        assert_eq!(suite.files.len(), 194);
        let counted: usize = suite.files.iter().filter(|f| f.category.is_none()).map(|f| f.tests).sum();
        assert_eq!(counted, 47927);
        assert_eq!(suite.categories.len(), 4);
    }

    #[test]
    fn baseline_round_trip() {
        let id = |name: &str| format!("numpy/tests/test_x.py::{name}");
        let mut results = Results::default();
        results.records.push(Record::new(id("test_a[x::y]"), Outcome::Passed, ""));
        results.records.push(Record::new(id("test_b"), Outcome::Skipped, "no"));
        results.records.push(Record::new(id("test_c"), Outcome::Xpassed, ""));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.gz");
        write_baseline(&results, &Suite::load(), &path).unwrap();
        let baseline = Baseline::read(&path).unwrap();
        assert_eq!(baseline.total(), 2);
        assert!(baseline.counts(&id("test_a[x::y]")));
        assert!(!baseline.counts(&id("test_b")));
        assert_eq!(baseline.ids("numpy/tests/test_x.py").len(), 3);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(Baseline::read(&path).is_err());
    }
}
