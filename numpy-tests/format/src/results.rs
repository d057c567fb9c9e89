//! The result file: one JSON header line, then one line per test.
//!
//! The header states how many tests follow, so a truncated file cannot pass for a complete one. Reading is strict
//! (an unknown version or a bad line is an error naming the line); writing goes to a temporary name first. Only
//! bytes that are not UTF-8 are forgiven: they become U+FFFD, because what a test prints must not cost a whole run.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "numpy-tests-results";
const VERSION: u32 = 1;

/// How a test ended. The order is the one of the summary table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Xpassed,
    Failed,
    /// Raised outside the test body: in a fixture, or at collection.
    Error,
    /// The process died while the test ran.
    Crashed,
    Timeout,
    Skipped,
    Xfailed,
    /// A time limit or Ctrl-C came first.
    NotRun,
}

impl Outcome {
    pub const ALL: [Outcome; 9] = [
        Outcome::Passed,
        Outcome::Xpassed,
        Outcome::Failed,
        Outcome::Error,
        Outcome::Crashed,
        Outcome::Timeout,
        Outcome::Skipped,
        Outcome::Xfailed,
        Outcome::NotRun,
    ];

    /// An unexpected pass of a test upstream marks xfail is a pass.
    pub fn is_pass(self) -> bool {
        matches!(self, Outcome::Passed | Outcome::Xpassed)
    }

    pub fn name(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Xpassed => "xpassed",
            Outcome::Failed => "failed",
            Outcome::Error => "error",
            Outcome::Crashed => "crashed",
            Outcome::Timeout => "timeout",
            Outcome::Skipped => "skipped",
            Outcome::Xfailed => "xfailed",
            Outcome::NotRun => "not_run",
        }
    }
}

impl Outcome {
    /// The name for readers.
    pub fn label(self) -> &'static str {
        match self {
            Outcome::NotRun => "not run",
            Outcome::Xfailed => "failed as expected",
            Outcome::Timeout => "timed out",
            other => other.name(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    pub outcome: Outcome,
    #[serde(default)]
    pub seconds: f64,
    /// Exception type and message, or the reason of a skip.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// `file:line` that raised.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Reason from `expect/*.toml` when the failure is a known deviation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
}

impl Record {
    pub fn new(id: impl Into<String>, outcome: Outcome, text: impl Into<String>) -> Self {
        Record {
            id: id.into(),
            outcome,
            seconds: 0.0,
            text: text.into(),
            at: String::new(),
            expected: String::new(),
        }
    }

    pub fn file(&self) -> &str {
        file_of(&self.id)
    }

    /// Upstream skips tests that need more memory than is free, or two features of the processor that not all have; that is
    /// the machine's fault.
    pub fn needs_another_machine(&self) -> bool {
        let reasons = ["GB memory required, but", "Only one non-baseline feature detected"];
        self.outcome == Outcome::Skipped && reasons.iter().any(|reason| self.text.contains(reason))
    }

    pub fn first_line(&self) -> &str {
        self.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("")
    }
}

/// The part of a test id that names its file.
pub fn file_of(id: &str) -> &str {
    id.split_once("::").map_or(id, |(file, _)| file)
}

/// `numpy/_core` for `numpy/_core/tests/test_abc.py`; files outside a `tests` folder are grouped by folder.
pub fn package_of(file: &str) -> &str {
    match file.find("/tests/") {
        Some(end) => &file[..end],
        None => file.rsplit_once('/').map_or("", |(folder, _)| folder),
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub system: String,
    pub arch: String,
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: u64,
}

/// First line of a result file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub format: String,
    pub version: u32,
    /// Name of the executable, without its folder.
    pub interpreter: String,
    pub python: String,
    pub numpy: String,
    /// Commit of this repository; `+` at the end when the tree had changes.
    pub commit: String,
    pub date: String,
    pub elapsed: f64,
    pub machine: Machine,
    /// Files this run covers; tests of other files say nothing about it.
    pub files: Vec<String>,
    /// What narrowed the run inside its files (`-k`, single ids), empty for whole files.
    #[serde(default)]
    pub selection: String,
    /// False after Ctrl-C or when a time limit left tests out.
    pub complete: bool,
    /// Number of lines that follow.
    pub tests: usize,
    /// What was run, when it was not numpy's own suite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<OtherSuite>,
}

/// The test suite of another package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OtherSuite {
    pub name: String,
    pub package: String,
    pub package_version: String,
    /// How many of its tests pass with stock numpy.
    pub expected: usize,
}

/// A result file in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    pub header: Header,
    pub records: Vec<Record>,
}

impl Results {
    /// Reads and checks the whole file.
    ///
    /// # Errors
    /// When it cannot be read, or is not a complete result file.
    pub fn read(path: &Path) -> Result<Results> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Results::parse(&bytes).with_context(|| format!("{} is not a usable result file", path.display()))
    }

    /// # Errors
    /// When the bytes are not a complete result file.
    pub fn parse(bytes: &[u8]) -> Result<Results> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines().enumerate();
        let Some((_, first)) = lines.next() else { bail!("the file is empty") };
        let header: Header = serde_json::from_str(first).context("line 1 (the header)")?;
        if header.format != FORMAT || header.version != VERSION {
            bail!("format {:?} version {}, expected {FORMAT:?} {VERSION}", header.format, header.version);
        }
        let mut records = Vec::with_capacity(header.tests);
        for (number, line) in lines {
            records.push(serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?);
        }
        if records.len() != header.tests {
            bail!("truncated: the header announces {} tests, {} follow", header.tests, records.len());
        }
        Ok(Results { header, records })
    }

    /// Takes over what passed when it was run again alone, with a word on what happened in the whole run.
    pub fn settle(&mut self, again: &Results) {
        let passed: HashMap<&str, Outcome> = again
            .records
            .iter()
            .filter(|record| record.outcome.is_pass())
            .map(|record| (record.id.as_str(), record.outcome))
            .collect();
        for record in &mut self.records {
            if let Some(outcome) = passed.get(record.id.as_str()) {
                record.text = format!("passes alone; {} in the whole run: {}", record.outcome, record.text);
                record.outcome = *outcome;
            }
        }
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, path: &Path) -> Result<()> {
        self.header.format = FORMAT.into();
        self.header.version = VERSION;
        self.header.tests = self.records.len();
        let mut text = serde_json::to_vec(&self.header)?;
        for record in &self.records {
            text.push(b'\n');
            serde_json::to_writer(&mut text, record)?;
        }
        text.push(b'\n');
        replace_file(path, &text)?;
        Ok(())
    }
}

/// Writes a file in one step: readers see the old contents or the new.
///
/// # Errors
/// When the file cannot be written.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut temporary = path.as_os_str().to_os_string();
    temporary.push(".tmp");
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&temporary, bytes)?;
        fs::rename(&temporary, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.jsonl");
        let mut failed = Record::new("numpy/a/tests/test_a.py::test_y[1-2]", Outcome::Failed, "E: \"x\"\n2");
        failed.at = "numpy/a.py:3".into();
        let records = vec![Record::new("numpy/a/tests/test_a.py::test_x", Outcome::Passed, ""), failed];
        Results { header: Header::default(), records }.write(&path).unwrap();
        fs::read(path).unwrap()
    }

    #[test]
    fn round_trip() {
        let results = Results::parse(&sample()).unwrap();
        assert_eq!(results.header.tests, 2);
        assert_eq!(results.records[1].text, "E: \"x\"\n2");
        assert_eq!(results.records[1].first_line(), "E: \"x\"");
        assert_eq!(package_of(results.records[1].file()), "numpy/a");
    }

    #[test]
    fn what_passes_alone_passes() {
        let record = |id: &str, outcome| Record::new(id, outcome, "E");
        let mut results = Results {
            records: vec![record("f::a", Outcome::Failed), record("f::b", Outcome::Timeout)],
            ..Results::default()
        };
        let records = vec![record("f::a", Outcome::Failed), record("f::b", Outcome::Passed)];
        results.settle(&Results { records, ..Results::default() });
        assert_eq!(results.records[0], record("f::a", Outcome::Failed));
        assert_eq!(results.records[1].outcome, Outcome::Passed);
        assert_eq!(results.records[1].text, "passes alone; timeout in the whole run: E");
    }

    #[test]
    fn truncation_is_an_error() {
        let bytes = sample();
        let message = |bytes: &[u8]| format!("{:#}", Results::parse(bytes).unwrap_err());
        let last = bytes.windows(3).rposition(|window| window == b"\n{\"").unwrap();
        assert!(message(&bytes[..last]).contains("announces 2 tests, 1 follow"));
        assert!(message(&bytes[..bytes.len() - 9]).contains("line 3"));
        assert!(message(b"").contains("empty"));
        assert!(message(b"{}").contains("line 1"));
    }

    #[test]
    fn bytes_that_are_not_utf8_do_not_cost_the_run() {
        let mut bytes = sample();
        let at = bytes.windows(2).position(|window| window == b"\\\"").unwrap();
        bytes[at + 2] = 0xff;
        assert_eq!(Results::parse(&bytes).unwrap().records[1].text, "E: \"\u{fffd}\"\n2");
    }
}
