//! The history: a folder with a folder for each night, which only this program writes.
//!
//! ```text
//! HISTORY/2026-11-28T112020Z_x86_64_59ddfbe5c01d/
//!     numpy.jsonl.gz          the result file of numpy's suite, byte for byte
//!     suite.NAME.jsonl.gz     of other suites
//!     bench.NAME.json.gz      benchmark results
//!     survey.json.gz  accuracy.md.gz
//! ```
//!
//! The idea: keep what was measured, derive everything else. Files are checked before they are taken in and never
//! changed afterwards, so no error in this program can damage what is known; a night that cannot be read any more is
//! reported and left where it is. A folder of compressed files needs no database, merges without conflicts in a
//! repository (no two nights share a file), and costs 300 kB a night.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use numpy_tests_format::{Baseline, Header, Outcome, Results, read_gz, write_gz};

use crate::accuracy::Accuracy;
use crate::bench::Bench;
use crate::denominator::{Score, Tests};
use crate::survey::Survey;

const NUMPY: &str = "numpy.jsonl.gz";
const SURVEY: &str = "survey.json.gz";
const ACCURACY: &str = "accuracy.md.gz";

/// What one run on one machine measured.
#[derive(Debug, Default)]
pub struct Night {
    pub folder: PathBuf,
    pub header: Header,
    pub platform: String,
    /// In the order of [`Tests`].
    pub outcomes: Vec<Outcome>,
    /// Tests outside the denominator that pass all the same.
    pub extra: usize,
    pub benches: BTreeMap<String, Bench>,
    pub suites: BTreeMap<String, Header>,
    pub suite_scores: BTreeMap<String, Score>,
    pub survey: Option<Survey>,
    pub accuracy: Option<Accuracy>,
}

impl Night {
    pub fn score(&self) -> Score {
        Score::of(&self.outcomes)
    }

    /// `2026-11-28`.
    pub fn day(&self) -> &str {
        self.header.date.get(..10).unwrap_or(&self.header.date)
    }

    pub fn commit(&self) -> &str {
        if self.header.commit.is_empty() { "unknown" } else { &self.header.commit }
    }

    /// The whole result file of numpy's suite.
    ///
    /// # Errors
    /// When it cannot be read any more.
    pub fn results(&self) -> Result<Results> {
        Results::parse(&read_gz(&self.folder.join(NUMPY))?)
    }

    /// The whole result file of another suite.
    ///
    /// # Errors
    /// When it cannot be read any more.
    pub fn suite_results(&self, name: &str) -> Result<Results> {
        Results::parse(&read_gz(&self.folder.join(format!("suite.{name}.jsonl.gz")))?)
    }
}

/// A file that is there and cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    pub file: String,
    pub why: String,
}

#[derive(Debug, Default)]
pub struct History {
    /// By date.
    pub nights: Vec<Night>,
    pub broken: Vec<Broken>,
}

/// Files to take in; the result file says which night they belong to.
#[derive(Debug, Default)]
pub struct Additions {
    pub results: PathBuf,
    pub suites: Vec<(String, PathBuf)>,
    pub benches: Vec<(String, PathBuf)>,
    pub survey: Option<PathBuf>,
    pub accuracy: Option<PathBuf>,
}

/// Checks everything, then writes; returns the folder of the night. Adding a night again replaces its files.
///
/// # Errors
/// When a file is not usable or says too little for a night; the history is then untouched.
pub fn add(history: &Path, baseline: &Baseline, additions: &Additions) -> Result<PathBuf> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let bytes = read(&additions.results)?;
    let checked = Results::parse(&bytes).and_then(|results| {
        covers_everything(&results.header, baseline)?;
        folder_name(&results.header)
    });
    let name = checked.with_context(|| format!("{} is not a night", additions.results.display()))?;
    let mut files = vec![(NUMPY.to_string(), bytes)];
    for (name, path) in &additions.suites {
        let bytes = read(path)?;
        Results::parse(&bytes).with_context(|| format!("{} is not a usable result file", path.display()))?;
        files.push((format!("suite.{}.jsonl.gz", plain(name)?), bytes));
    }
    for (name, path) in &additions.benches {
        let bytes = read(path)?;
        Bench::parse(&bytes).with_context(|| format!("{} is not usable", path.display()))?;
        files.push((format!("bench.{}.json.gz", plain(name)?), bytes));
    }
    if let Some(path) = &additions.survey {
        let bytes = read(path)?;
        Survey::parse(&bytes).with_context(|| format!("{} is not usable", path.display()))?;
        files.push((SURVEY.into(), bytes));
    }
    if let Some(path) = &additions.accuracy {
        let bytes = read(path)?;
        parse_accuracy(&bytes).with_context(|| format!("{} is not usable", path.display()))?;
        files.push((ACCURACY.into(), bytes));
    }
    let folder = history.join(name);
    for (file, bytes) in files {
        write_gz(&folder.join(file), &bytes)?;
    }
    Ok(folder)
}

fn parse_accuracy(bytes: &[u8]) -> Result<Accuracy> {
    Accuracy::parse(&String::from_utf8_lossy(bytes))
}

/// A night is a run of the whole suite; it may have ended early, but it was not narrowed.
fn covers_everything(header: &Header, baseline: &Baseline) -> Result<()> {
    if !header.selection.is_empty() {
        bail!("the run was narrowed to {:?}; a night is a run of everything", header.selection);
    }
    let all = baseline.files().count();
    let covered = baseline.files().filter(|file| header.files.iter().any(|covered| covered == file)).count();
    if covered < all {
        bail!("the run covers {covered} of {all} files; a night is a run of everything");
    }
    Ok(())
}

/// The folder of a night. The header comes from a file, so nothing in it may lead out of the history.
fn folder_name(header: &Header) -> Result<String> {
    humantime::parse_rfc3339(&header.date).with_context(|| format!("{:?} is no date", header.date))?;
    let commit = if header.commit.is_empty() { "unknown" } else { &header.commit };
    let stamp = header.date.replace(':', "");
    Ok(format!("{}_{}_{}", plain(&stamp)?, plain(&platform(header))?, plain(commit)?))
}

/// The architecture; with the system where that is not Linux.
fn platform(header: &Header) -> String {
    match header.machine.system.as_str() {
        "linux" | "" => header.machine.arch.clone(),
        system => format!("{}-{system}", header.machine.arch),
    }
}

/// A name that is safe in a path.
fn plain(name: &str) -> Result<&str> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
    if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(fine) {
        bail!("{name:?} cannot be part of a file name");
    }
    Ok(name)
}

impl History {
    /// Reads all nights, several at a time. What cannot be read is listed in `broken`.
    ///
    /// # Errors
    /// When the folder itself cannot be read.
    pub fn load(folder: &Path, tests: &Tests) -> Result<History> {
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("there is no history in {}", folder.display()))?;
        let mut folders = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden {
                folders.push(path);
            }
        }
        folders.sort();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(History::default()));
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let (night, broken) = load_night(folder, tests);
                        let mut done = done.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                        done.nights.extend(night);
                        done.broken.extend(broken);
                    }
                });
            }
        });
        let mut history = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        history.nights.sort_by(|a, b| (&a.header.date, &a.folder).cmp(&(&b.header.date, &b.folder)));
        history.broken.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(history)
    }
}

fn load_night(folder: &Path, tests: &Tests) -> (Option<Night>, Vec<Broken>) {
    let mut broken = Vec::new();
    let short = |file: &str| {
        format!("{}/{file}", folder.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())
    };
    let mut report = |file: &str, error: anyhow::Error| {
        broken.push(Broken { file: short(file), why: format!("{:#}", error.root_cause()) });
    };
    let mut night = match read_gz(&folder.join(NUMPY)).and_then(|bytes| Results::parse(&bytes)) {
        Ok(results) => {
            let (outcomes, extra) = tests.outcomes(&results);
            let platform = platform(&results.header);
            let header = results.header;
            Night { folder: folder.into(), header, platform, outcomes, extra, ..Night::default() }
        }
        Err(error) => {
            report(NUMPY, error);
            return (None, broken);
        }
    };
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.sort();
    for file in names {
        let bytes = || read_gz(&folder.join(&file));
        let taken = if file == SURVEY {
            bytes().and_then(|bytes| Survey::parse(&bytes)).map(|survey| night.survey = Some(survey))
        } else if file == ACCURACY {
            bytes().and_then(|bytes| parse_accuracy(&bytes)).map(|accuracy| night.accuracy = Some(accuracy))
        } else if let Some(name) = between(&file, "bench.", ".json.gz") {
            bytes()
                .and_then(|bytes| Bench::parse(&bytes))
                .map(|bench| drop(night.benches.insert(name.into(), bench)))
        } else if let Some(name) = between(&file, "suite.", ".jsonl.gz") {
            bytes().and_then(|bytes| Results::parse(&bytes)).map(|results| {
                let outcomes: Vec<Outcome> = results.records.iter().map(|record| record.outcome).collect();
                night.suite_scores.insert(name.into(), Score::of(&outcomes));
                night.suites.insert(name.into(), results.header);
            })
        } else {
            Ok(())
        };
        if let Err(error) = taken {
            report(&file, error);
        }
    }
    (Some(night), broken)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.strip_prefix(start)?.strip_suffix(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_night_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let baseline = fixture::baseline();
        let tests = Tests::new(&baseline);
        let results = dir.path().join("r.jsonl");
        fixture::results(
            "2026-01-02T03:04:05Z",
            "abc+",
            &[("a", Outcome::Passed, ""), ("b", Outcome::Failed, "E")],
        )
        .write(&results)
        .unwrap();
        let bench = dir.path().join("b.json");
        std::fs::write(&bench, r#"{"rows":[{"case":"x","ratio":2}]}"#).unwrap();
        let history = dir.path().join("history");
        let mut additions =
            Additions { results, benches: vec![("loops".into(), bench)], ..Additions::default() };
        let folder = add(&history, &baseline, &additions).unwrap();
        assert!(folder.ends_with("2026-01-02T030405Z_x86_64_abc+"), "{}", folder.display());
        add(&history, &baseline, &additions).unwrap();
        let loaded = History::load(&history, &tests).unwrap();
        assert_eq!((loaded.nights.len(), loaded.broken.len()), (1, 0));
        assert_eq!(loaded.nights[0].score().passing, 1);
        assert_eq!(loaded.nights[0].benches["loops"].rows.len(), 1);
        assert_eq!(loaded.nights[0].results().unwrap().records[1].text, "E");

        additions.benches[0].0 = "../x".into();
        assert!(add(&history, &baseline, &additions).is_err());
    }

    #[test]
    fn what_is_no_night_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.jsonl");
        let history = dir.path().join("history");
        let refused = |change: fn(&mut Results), why: &str| {
            let mut results = fixture::results("2026-01-02T03:04:05Z", "abc", &[("a", Outcome::Passed, "")]);
            change(&mut results);
            results.write(&path).unwrap();
            let additions = Additions { results: path.clone(), ..Additions::default() };
            let message = format!("{:#}", add(&history, &fixture::baseline(), &additions).unwrap_err());
            assert!(message.contains(why), "{message}");
            assert!(!history.exists(), "{why}");
        };
        refused(|r| r.header.selection = "-k x".into(), "narrowed");
        refused(|r| r.header.files.clear(), "covers 0 of 1 files");
        refused(|r| r.header.date = "yesterday".into(), "no date");
        refused(|r| r.header.commit = "../../x".into(), "file name");
        refused(|r| r.header.machine.arch = "".into(), "file name");
    }

    #[test]
    fn damage_is_reported_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (baseline, history) = (fixture::baseline(), dir.path().join("history"));
        let mut folders = Vec::new();
        for day in 1..=3 {
            let results = dir.path().join("r.jsonl");
            let date = format!("2026-01-0{day}T00:00:00Z");
            fixture::results(&date, "abc", &[("a", Outcome::Passed, "")]).write(&results).unwrap();
            folders.push(add(&history, &baseline, &Additions { results, ..Additions::default() }).unwrap());
        }
        let damaged = folders[1].join(NUMPY);
        let bytes = std::fs::read(&damaged).unwrap();
        std::fs::write(&damaged, &bytes[..bytes.len() - 12]).unwrap();
        std::fs::write(folders[2].join("bench.x.json.gz"), "junk").unwrap();
        let loaded = History::load(&history, &Tests::new(&baseline)).unwrap();
        let days: Vec<&str> = loaded.nights.iter().map(Night::day).collect();
        assert_eq!(days, ["2026-01-01", "2026-01-03"]);
        assert_eq!(loaded.broken.len(), 2);
        assert!(loaded.broken[0].file.ends_with("_abc/numpy.jsonl.gz"), "{:?}", loaded.broken);
        assert_eq!(std::fs::read(&damaged).unwrap().len(), bytes.len() - 12);
    }
}
