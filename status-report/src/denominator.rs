//! The tests that count, numbered, and how they end in a run.
//!
//! A hundred nights of fifty thousand tests are five million outcomes; a night is kept as one byte per test in the order
//! of this list, and ids are looked up once, when a result file is read.

use std::collections::{BTreeMap, HashMap};

use numpy_tests_format::{Baseline, Outcome, Results, package_of};
use serde::Serialize;

/// One file of the suite; its tests have consecutive numbers.
#[derive(Debug)]
pub struct TestFile {
    pub name: String,
    pub package: String,
    pub first: usize,
    /// Ids without the file.
    pub tests: Vec<String>,
}

impl TestFile {
    /// The numbers of its tests.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.tests.len()
    }

    /// A name for a file of the site.
    pub fn slug(&self) -> String {
        slug(&self.name)
    }
}

pub fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// Every test of the denominator.
#[derive(Debug, Default)]
pub struct Tests {
    pub files: Vec<TestFile>,
    numbers: HashMap<String, usize>,
}

impl Tests {
    pub fn new(baseline: &Baseline) -> Tests {
        let mut tests = Tests::default();
        for name in baseline.files() {
            let first = tests.numbers.len();
            let mut ids: Vec<&String> = baseline.ids(name).iter().filter(|id| baseline.counts(id)).collect();
            ids.sort();
            ids.dedup();
            if ids.is_empty() {
                continue;
            }
            tests.numbers.extend(ids.iter().enumerate().map(|(i, id)| (id.to_string(), first + i)));
            tests.files.push(TestFile {
                name: name.into(),
                package: package_of(name).into(),
                first,
                tests: ids.iter().map(|id| id[name.len() + 2..].to_string()).collect(),
            });
        }
        tests
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn number(&self, id: &str) -> Option<usize> {
        self.numbers.get(id).copied()
    }

    /// The file of a test.
    pub fn file(&self, number: usize) -> &TestFile {
        let at = self.files.partition_point(|file| file.first <= number);
        &self.files[at - 1]
    }

    /// The id of a test without its file.
    pub fn name(&self, number: usize) -> &str {
        let file = self.file(number);
        &file.tests[number - file.first]
    }

    /// Outcomes in the order of this list, and how many tests outside it pass. A test the results do not mention did
    /// not run.
    pub fn outcomes(&self, results: &Results) -> (Vec<Outcome>, usize) {
        let mut outcomes = vec![Outcome::NotRun; self.len()];
        let mut extra = 0;
        for record in &results.records {
            match self.number(&record.id) {
                Some(number) => outcomes[number] = record.outcome,
                None => extra += usize::from(record.outcome.is_pass()),
            }
        }
        (outcomes, extra)
    }
}

/// How many tests end how.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    pub passing: usize,
    pub denominator: usize,
    pub outcomes: BTreeMap<Outcome, usize>,
}

impl Score {
    pub fn of(outcomes: &[Outcome]) -> Score {
        let mut score = Score { denominator: outcomes.len(), ..Score::default() };
        for outcome in outcomes {
            score.passing += usize::from(outcome.is_pass());
            *score.outcomes.entry(*outcome).or_default() += 1;
        }
        score
    }

    pub fn add(&mut self, other: &Score) {
        self.passing += other.passing;
        self.denominator += other.denominator;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(*outcome).or_default() += count;
        }
    }

    /// Rounded down: 100 % means all.
    pub fn percent(&self) -> String {
        if self.denominator == 0 {
            return "-".into();
        }
        let tenths = self.passing * 1000 / self.denominator;
        format!("{}.{}", tenths / 10, tenths % 10)
    }

    fn count(&self, outcomes: &[Outcome]) -> usize {
        outcomes.iter().filter_map(|outcome| self.outcomes.get(outcome)).sum()
    }

    /// What a bar of a thousand units shows: kind, start and width. What is left was skipped or not run.
    pub fn bar(&self) -> Vec<(&'static str, usize, usize)> {
        let parts = [
            ("pass", self.passing),
            ("fail", self.count(&[Outcome::Failed, Outcome::Error])),
            ("die", self.count(&[Outcome::Crashed, Outcome::Timeout])),
        ];
        let mut from = 0;
        let scale = |n: usize| n * 1000 / self.denominator.max(1);
        parts
            .into_iter()
            .map(|(kind, count)| {
                let (start, end) = (scale(from), scale(from + count));
                from += count;
                (kind, start, end - start)
            })
            .filter(|(_, _, width)| *width > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use numpy_tests_format::Record;

    fn baseline() -> Baseline {
        let mut baseline = Baseline::default();
        for (id, outcome) in [
            ("numpy/fft/tests/test_x.py::b[<i>]", Outcome::Passed),
            ("numpy/fft/tests/test_x.py::a", Outcome::Passed),
            ("numpy/fft/tests/test_x.py::skipped", Outcome::Skipped),
            ("numpy/tests/test_none.py::skipped", Outcome::Skipped),
            ("numpy/tests/test_y.py::c", Outcome::Xpassed),
        ] {
            baseline.insert(id.into(), outcome);
        }
        baseline
    }

    #[test]
    fn only_tests_that_count_are_numbered() {
        let tests = Tests::new(&baseline());
        assert_eq!(tests.len(), 3);
        assert_eq!(tests.files.len(), 2);
        let all: Vec<_> = (0..3).map(|n| (tests.file(n).name.as_str(), tests.name(n))).collect();
        let x = "numpy/fft/tests/test_x.py";
        assert_eq!(all, [(x, "a"), (x, "b[<i>]"), ("numpy/tests/test_y.py", "c")]);
        assert_eq!(tests.files[0].package, "numpy/fft");
        assert_eq!(tests.files[0].slug(), "numpy-fft-tests-test-x-py");
    }

    #[test]
    fn every_test_that_counts_has_an_outcome() {
        let record = |id: &str, outcome| Record::new(format!("numpy/fft/tests/test_x.py::{id}"), outcome, "");
        let records = vec![
            record("b[<i>]", Outcome::Failed),
            record("skipped", Outcome::Passed),
            record("a", Outcome::Passed),
        ];
        let (outcomes, extra) = Tests::new(&baseline()).outcomes(&Results { records, ..Results::default() });
        assert_eq!(outcomes, [Outcome::Passed, Outcome::Failed, Outcome::NotRun]);
        assert_eq!(extra, 1);
        let score = Score::of(&outcomes);
        assert_eq!((score.passing, score.denominator, score.percent().as_str()), (1, 3, "33.3"));
        assert_eq!(score.bar(), [("pass", 0, 333), ("fail", 333, 333)]);
    }
}
