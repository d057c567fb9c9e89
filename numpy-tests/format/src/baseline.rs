//! What stock numpy scores on each test: the tests that pass there are the denominator of every pass rate.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{Machine, Outcome, Results, file_of, read_gz, write_gz};

const FORMAT: &str = "numpy-tests-baseline";

/// A group of upstream's files outside the denominator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Excluded {
    pub category: String,
    pub what: String,
    pub files: usize,
    pub tests: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
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

#[derive(Debug, Default, Serialize, Deserialize)]
struct FileLine {
    file: String,
    seconds: f64,
    /// Ids without the file, by outcome, in the order of collection.
    tests: BTreeMap<Outcome, Vec<String>>,
}

/// Stock numpy's outcomes by test id.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    pub numpy: String,
    pub python: String,
    pub excluded: Vec<Excluded>,
    outcomes: HashMap<String, Outcome>,
    by_file: BTreeMap<String, Vec<String>>,
}

impl Baseline {
    /// Reads and checks the whole file.
    ///
    /// # Errors
    /// When it cannot be read, or is not a complete baseline.
    pub fn read(path: &Path) -> Result<Baseline> {
        read_gz(path)
            .and_then(|bytes| Ok(String::from_utf8(bytes)?))
            .and_then(|text| Baseline::parse(&text))
            .with_context(|| format!("{} is not a usable baseline", path.display()))
    }

    /// # Errors
    /// When the text is not a complete baseline.
    pub fn parse(text: &str) -> Result<Baseline> {
        let mut lines = text.lines().enumerate();
        let Some((_, first)) = lines.next() else { bail!("the file is empty") };
        let header: Header = serde_json::from_str(first).context("line 1 (the header)")?;
        if header.format != FORMAT || header.version != 1 {
            bail!("unknown format {:?} version {}", header.format, header.version);
        }
        let Header { numpy, python, excluded, tests, .. } = header;
        let mut baseline = Baseline { numpy, python, excluded, ..Baseline::default() };
        for (number, line) in lines {
            let file: FileLine =
                serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
            for (outcome, suffixes) in file.tests {
                for suffix in suffixes {
                    baseline.insert(format!("{}::{suffix}", file.file), outcome);
                }
            }
        }
        if baseline.outcomes.len() != tests {
            bail!("truncated: the header announces {tests} tests, {} follow", baseline.outcomes.len());
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

    /// The test files by name.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.by_file.keys().map(String::as_str)
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

    /// Writes the baseline from a run of stock numpy. The bytes depend on nothing but the results.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(results: &Results, excluded: Vec<Excluded>, path: &Path) -> Result<()> {
        let mut files: BTreeMap<&str, FileLine> = BTreeMap::new();
        for record in &results.records {
            let entry = files.entry(record.file()).or_default();
            let Some((file, suffix)) = record.id.split_once("::") else { continue };
            entry.file = file.into();
            entry.seconds += record.seconds;
            entry.tests.entry(record.outcome).or_default().push(suffix.into());
        }
        let header = Header {
            format: FORMAT.into(),
            version: 1,
            numpy: results.header.numpy.clone(),
            python: results.header.python.clone(),
            date: results.header.date.clone(),
            machine: results.header.machine.clone(),
            tests: files.values().flat_map(|file| file.tests.values()).map(Vec::len).sum(),
            passed: results.records.iter().filter(|record| record.outcome.is_pass()).count(),
            excluded,
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;

    #[test]
    fn round_trip_and_truncation() {
        let id = |name: &str| format!("numpy/tests/test_x.py::{name}");
        let mut results = Results::default();
        results.records.push(Record::new(id("test_a[x::y]"), Outcome::Passed, ""));
        results.records.push(Record::new(id("test_b"), Outcome::Skipped, "no"));
        results.records.push(Record::new(id("test_c"), Outcome::Xpassed, ""));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.gz");
        Baseline::write(&results, Vec::new(), &path).unwrap();
        let baseline = Baseline::read(&path).unwrap();
        assert_eq!(baseline.total(), 2);
        assert!(baseline.counts(&id("test_a[x::y]")));
        assert!(!baseline.counts(&id("test_b")));
        assert_eq!(baseline.ids("numpy/tests/test_x.py").len(), 3);
        assert_eq!(baseline.files().collect::<Vec<_>>(), ["numpy/tests/test_x.py"]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let message = format!("{:#}", Baseline::read(&path).unwrap_err());
        assert!(message.contains("damaged or ends early"), "{message}");
    }
}
