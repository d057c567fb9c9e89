//! Reads the two inputs: a result file and the baseline.
//!
//! The formats belong to `numpy-tests`; this crate knows them as a reader only. Both announce how much follows their
//! header, so a truncated file is an error with a reason, never a smaller report.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Xpassed,
    Failed,
    Error,
    Crashed,
    Timeout,
    Skipped,
    Xfailed,
    NotRun,
}

impl Outcome {
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
            Outcome::NotRun => "not run",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    pub id: String,
    pub outcome: Outcome,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub at: String,
    #[serde(default)]
    pub expected: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    pub system: String,
    pub arch: String,
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: u64,
}

/// First line of a result file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Header {
    pub format: String,
    pub version: u32,
    pub interpreter: String,
    pub python: String,
    pub numpy: String,
    pub commit: String,
    pub date: String,
    pub elapsed: f64,
    pub machine: Machine,
    pub files: Vec<String>,
    #[serde(default)]
    pub selection: String,
    pub complete: bool,
    pub tests: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Results {
    pub header: Header,
    pub records: Vec<Record>,
}

pub fn results(path: &Path) -> Result<Results> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse_results(&bytes).with_context(|| format!("{} is not a usable result file", path.display()))
}

pub fn parse_results(bytes: &[u8]) -> Result<Results> {
    let text = std::str::from_utf8(bytes).context("the file is not UTF-8")?;
    let mut lines = text.lines().enumerate();
    let Some((_, first)) = lines.next() else { bail!("the file is empty") };
    let header: Header = serde_json::from_str(first).context("line 1 (the header)")?;
    if header.format != "numpy-tests-results" || header.version != 1 {
        bail!("unknown format {:?} version {}", header.format, header.version);
    }
    let mut records = Vec::new();
    for (number, line) in lines {
        records.push(serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?);
    }
    if records.len() != header.tests {
        bail!("truncated: the header announces {} tests, {} follow", header.tests, records.len());
    }
    Ok(Results { header, records })
}

/// A group of files outside the denominator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Excluded {
    pub category: String,
    pub what: String,
    pub files: usize,
    pub tests: usize,
}

#[derive(Debug, Deserialize)]
struct BaselineHeader {
    format: String,
    version: u32,
    numpy: String,
    python: String,
    tests: usize,
    excluded: Vec<Excluded>,
}

#[derive(Debug, Deserialize)]
struct BaselineFile {
    file: String,
    tests: BTreeMap<Outcome, Vec<String>>,
}

/// What stock numpy scores: the tests that count, by file.
#[derive(Debug, Default)]
pub struct Baseline {
    pub numpy: String,
    pub python: String,
    pub excluded: Vec<Excluded>,
    /// Every test with whether it counts.
    pub files: BTreeMap<String, BTreeMap<String, bool>>,
}

pub fn baseline(path: &Path) -> Result<Baseline> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut text = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut text)
        .map_err(anyhow::Error::from)
        .and_then(|_| parse_baseline(&text))
        .with_context(|| format!("{} is not a usable baseline", path.display()))
}

pub fn parse_baseline(text: &str) -> Result<Baseline> {
    let mut lines = text.lines().enumerate();
    let Some((_, first)) = lines.next() else { bail!("the file is empty") };
    let header: BaselineHeader = serde_json::from_str(first).context("line 1 (the header)")?;
    if header.format != "numpy-tests-baseline" || header.version != 1 {
        bail!("unknown format {:?} version {}", header.format, header.version);
    }
    let mut baseline = Baseline {
        numpy: header.numpy,
        python: header.python,
        excluded: header.excluded,
        ..Baseline::default()
    };
    for (number, line) in lines {
        let file: BaselineFile =
            serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
        let tests = baseline.files.entry(file.file.clone()).or_default();
        for (outcome, suffixes) in file.tests {
            tests.extend(
                suffixes.iter().map(|suffix| (format!("{}::{suffix}", file.file), outcome.is_pass())),
            );
        }
    }
    let found: usize = baseline.files.values().map(BTreeMap::len).sum();
    if found != header.tests {
        bail!("truncated: the header announces {} tests, {found} follow", header.tests);
    }
    Ok(baseline)
}
