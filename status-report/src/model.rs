//! From outcomes to what the page says.
//!
//! Every test of the denominator appears exactly once: as passing, or in one failure group of its file. A test the
//! results do not mention is a failure that says so.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::load::{Baseline, Excluded, Header, Outcome, Record, Results};

#[derive(Debug, Serialize)]
pub struct Status {
    pub header: Header,
    pub baseline_numpy: String,
    pub baseline_python: String,
    pub total: Score,
    pub packages: Vec<Package>,
    pub excluded: Vec<Excluded>,
    /// Tests outside the denominator that pass all the same.
    pub extra_passing: usize,
    #[serde(skip)]
    pub frequent: Vec<Frequent>,
    pub change: Option<Change>,
}

/// How many tests of the denominator end how.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    pub passing: usize,
    pub denominator: usize,
    pub outcomes: BTreeMap<Outcome, usize>,
}

#[derive(Debug, Serialize)]
pub struct Package {
    pub name: String,
    #[serde(flatten)]
    pub score: Score,
    pub files: Vec<FileStatus>,
}

#[derive(Debug, Serialize)]
pub struct FileStatus {
    pub file: String,
    #[serde(flatten)]
    pub score: Score,
    #[serde(skip)]
    pub failures: Vec<FailureGroup>,
}

/// Tests of one file that fail in the same way.
#[derive(Debug, PartialEq)]
pub struct FailureGroup {
    pub outcome: Outcome,
    pub text: String,
    pub at: String,
    pub expected: String,
    /// Ids without the file.
    pub tests: Vec<String>,
}

impl FailureGroup {
    pub fn title(&self) -> String {
        first_line(&self.text)
    }
}

/// One kind of error over all files.
#[derive(Debug, PartialEq)]
pub struct Frequent {
    pub text: String,
    pub tests: usize,
    pub files: usize,
}

/// Against an earlier run.
#[derive(Debug, Serialize)]
pub struct Change {
    pub before_commit: String,
    pub before_date: String,
    pub gained: Vec<String>,
    pub lost: Vec<String>,
}

impl Score {
    fn count(&mut self, outcome: Outcome) {
        self.denominator += 1;
        self.passing += usize::from(outcome.is_pass());
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    fn add(&mut self, other: &Score) {
        self.passing += other.passing;
        self.denominator += other.denominator;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(*outcome).or_default() += count;
        }
    }

    fn of(&self, outcomes: &[Outcome]) -> usize {
        outcomes.iter().filter_map(|outcome| self.outcomes.get(outcome)).sum()
    }

    /// Rounded down: 100 % means all.
    pub fn percent(&self) -> String {
        if self.denominator == 0 {
            return "-".into();
        }
        let hundredths = self.passing * 10000 / self.denominator;
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }

    /// Widths of the bar's parts in percent; what is left was skipped or not run.
    pub fn widths(&self) -> [(&'static str, String); 3] {
        let share = |count: usize| format!("{:.3}", 100.0 * count as f64 / self.denominator.max(1) as f64);
        [
            ("pass", share(self.passing)),
            ("fail", share(self.of(&[Outcome::Failed, Outcome::Error]))),
            ("die", share(self.of(&[Outcome::Crashed, Outcome::Timeout]))),
        ]
    }
}

/// Builds the model; `before` is an earlier run to compare with.
pub fn build(baseline: &Baseline, results: &Results, before: Option<&Results>) -> Status {
    let index: HashMap<&str, &Record> =
        results.records.iter().map(|record| (record.id.as_str(), record)).collect();
    let mut packages: BTreeMap<&str, Package> = BTreeMap::new();
    let mut total = Score::default();
    let mut frequent: HashMap<String, (usize, usize)> = HashMap::new();
    for (file, tests) in &baseline.files {
        let status = file_status(file, tests, &index, results);
        let mut seen = HashSet::new();
        for group in &status.failures {
            let entry = frequent.entry(group.title()).or_default();
            entry.0 += group.tests.len();
            entry.1 += usize::from(seen.insert(group.title()));
        }
        total.add(&status.score);
        let name = package_of(file);
        let package = packages.entry(name).or_insert_with(|| Package {
            name: name.into(),
            score: Score::default(),
            files: Vec::new(),
        });
        package.score.add(&status.score);
        package.files.push(status);
    }
    let mut frequent: Vec<Frequent> =
        frequent.into_iter().map(|(text, (tests, files))| Frequent { text, tests, files }).collect();
    frequent.sort_by(|a, b| b.tests.cmp(&a.tests).then_with(|| a.text.cmp(&b.text)));
    let counts = |id: &str| {
        let file = id.split_once("::").map_or(id, |(file, _)| file);
        baseline.files.get(file).and_then(|tests| tests.get(id)).copied().unwrap_or(false)
    };
    let extra = results.records.iter().filter(|record| record.outcome.is_pass() && !counts(&record.id));
    Status {
        header: results.header.clone(),
        baseline_numpy: baseline.numpy.clone(),
        baseline_python: baseline.python.clone(),
        total,
        packages: packages.into_values().collect(),
        excluded: baseline.excluded.clone(),
        extra_passing: extra.count(),
        frequent,
        change: before.map(|before| change(before, results, counts)),
    }
}

fn file_status(
    file: &str,
    tests: &BTreeMap<String, bool>,
    index: &HashMap<&str, &Record>,
    results: &Results,
) -> FileStatus {
    let mut score = Score::default();
    let mut groups: BTreeMap<(Outcome, String, String, String), Vec<String>> = BTreeMap::new();
    let covered = results.header.files.iter().any(|covered| covered == file);
    for (id, _) in tests.iter().filter(|(_, counts)| **counts) {
        let suffix = id[file.len() + 2..].to_string();
        match index.get(id.as_str()) {
            Some(record) => {
                score.count(record.outcome);
                if !record.outcome.is_pass() {
                    let key =
                        (record.outcome, record.text.clone(), record.at.clone(), record.expected.clone());
                    groups.entry(key).or_default().push(suffix);
                }
            }
            None => {
                score.count(Outcome::NotRun);
                let why = if covered { "not in the results" } else { "this file was not part of the run" };
                let key = (Outcome::NotRun, why.to_string(), String::new(), String::new());
                groups.entry(key).or_default().push(suffix);
            }
        }
    }
    let mut failures: Vec<FailureGroup> = groups
        .into_iter()
        .map(|((outcome, text, at, expected), tests)| FailureGroup { outcome, text, at, expected, tests })
        .collect();
    failures.sort_by_key(|group| std::cmp::Reverse(group.tests.len()));
    FileStatus { file: file.into(), score, failures }
}

fn change(before: &Results, after: &Results, counts: impl Fn(&str) -> bool) -> Change {
    let passing = |results: &Results| -> BTreeMap<String, bool> {
        let counted = results.records.iter().filter(|record| counts(&record.id));
        counted.map(|record| (record.id.clone(), record.outcome.is_pass())).collect()
    };
    let (old, new) = (passing(before), passing(after));
    let only = |a: &BTreeMap<String, bool>, b: &BTreeMap<String, bool>| -> Vec<String> {
        let gone = a.iter().filter(|(id, passes)| **passes && b.get(*id) != Some(&true));
        gone.map(|(id, _)| id.clone()).collect()
    };
    Change {
        before_commit: before.header.commit.clone(),
        before_date: before.header.date.clone(),
        gained: only(&new, &old),
        lost: only(&old, &new),
    }
}

fn package_of(file: &str) -> &str {
    file.find("/tests/").map_or(file, |end| &file[..end])
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("(no message)");
    line.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{parse_baseline, parse_results};

    pub fn baseline() -> Baseline {
        let lines = [
            r#"{"format":"numpy-tests-baseline","version":1,"numpy":"2.4.6","python":"3.11.7","tests":4,"excluded":[]}"#,
            r#"{"file":"numpy/fft/tests/test_x.py","seconds":1,"tests":{"passed":["a","b[<i>]","c"],"skipped":["d"]}}"#,
        ];
        parse_baseline(&lines.join("\n")).unwrap()
    }

    pub fn results(records: &[&str]) -> Results {
        let header = serde_json::json!({
            "format": "numpy-tests-results", "version": 1, "interpreter": "micronumpy", "python": "3.11.7",
            "numpy": "2.4.6", "commit": "abc", "date": "2026-01-01T00:00:00Z", "elapsed": 1.5,
            "machine": {"system": "linux", "arch": "x86_64", "cpu": "c", "cores": 2, "memory_gib": 8},
            "files": ["numpy/fft/tests/test_x.py"], "complete": true, "tests": records.len(),
        });
        let text = std::iter::once(header.to_string()).chain(records.iter().map(|r| r.to_string()));
        parse_results(text.collect::<Vec<_>>().join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn every_test_that_counts_appears_once() {
        let results = results(&[
            r#"{"id":"numpy/fft/tests/test_x.py::a","outcome":"passed"}"#,
            r#"{"id":"numpy/fft/tests/test_x.py::b[<i>]","outcome":"failed","text":"E: <b>\nmore"}"#,
            r#"{"id":"numpy/fft/tests/test_x.py::d","outcome":"passed"}"#,
        ]);
        let status = build(&baseline(), &results, None);
        assert_eq!((status.total.passing, status.total.denominator), (1, 3));
        assert_eq!(status.extra_passing, 1);
        let failures = &status.packages[0].files[0].failures;
        let tests: Vec<_> = failures.iter().flat_map(|group| &group.tests).collect();
        assert_eq!(tests, ["b[<i>]", "c"]);
        assert_eq!(failures[1].text, "not in the results");
        assert_eq!(status.total.percent(), "33.33");
    }

    #[test]
    fn change_against_an_earlier_run() {
        let a = results(&[r#"{"id":"numpy/fft/tests/test_x.py::a","outcome":"passed"}"#]);
        let c = results(&[
            r#"{"id":"numpy/fft/tests/test_x.py::a","outcome":"crashed"}"#,
            r#"{"id":"numpy/fft/tests/test_x.py::c","outcome":"passed"}"#,
            r#"{"id":"numpy/fft/tests/test_x.py::d","outcome":"passed"}"#,
        ]);
        let change = build(&baseline(), &c, Some(&a)).change.unwrap();
        assert_eq!(change.gained, ["numpy/fft/tests/test_x.py::c"]);
        assert_eq!(change.lost, ["numpy/fft/tests/test_x.py::a"]);
    }

    #[test]
    fn broken_inputs_are_named() {
        let message = |bytes: &[u8]| format!("{:#}", parse_results(bytes).unwrap_err());
        assert!(message(b"").contains("empty"));
        assert!(message(b"{}").contains("line 1"));
        assert!(message(b"\xff").contains("UTF-8"));
        let good = r#"{"format":"numpy-tests-results","version":1,"interpreter":"m","python":"3","numpy":"2","commit":"","date":"","elapsed":0,"machine":{"system":"","arch":"","cpu":"","cores":1,"memory_gib":1},"files":[],"complete":true,"tests":1}"#;
        assert!(message(good.as_bytes()).contains("announces 1 tests, 0 follow"));
        assert!(message(format!("{good}\n{{\"id\":").as_bytes()).contains("line 2"));
        assert!(parse_baseline("{\"format\":1}").is_err());
    }
}
