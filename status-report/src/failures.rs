//! What does not pass, in groups: tests of a file that end in the same way share one message.
//!
//! Messages come from programs that failed, so neither their number nor their length may decide how large the site
//! gets. Two rules bound it: when there are too many groups the criterion for "the same way" becomes coarser, and
//! messages are shortened until all of them together fit.

use std::collections::BTreeMap;

use numpy_tests_format::Outcome;
use serde::Serialize;

use crate::denominator::{Score, TestFile, Tests};
use crate::timeline::{Since, Timeline};
use crate::visible::{escaped_len, headline, shorten, visible};

/// Groups of the whole site.
const MOST_GROUPS: usize = 5000;
/// Bytes of all messages together, as HTML.
const MOST_TEXT: usize = 2_000_000;
/// Lengths of a message to try.
const LIMITS: [usize; 7] = [4000, 2000, 1000, 500, 250, 120, 60];

/// Tests of one file that end in the same way.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub outcome: Outcome,
    pub text: String,
    pub at: String,
    pub expected: String,
    /// Different messages that were put together.
    pub others: usize,
    pub tests: Vec<Failed>,
}

impl Group {
    pub fn title(&self) -> String {
        headline(&self.text)
    }

    /// What all tests of the group have in common.
    pub fn since(&self) -> Option<Since> {
        let first = self.tests.first()?.since;
        self.tests.iter().all(|test| test.since == first).then_some(first)
    }
}

/// A test that does not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    pub number: usize,
    /// Numbers of the platforms on which it ends so.
    pub platforms: Vec<usize>,
    /// On the first of them.
    pub since: Since,
}

/// One file on all platforms.
pub struct FileStatus<'a> {
    pub file: &'a TestFile,
    /// By platform.
    pub scores: Vec<Score>,
    pub groups: Vec<Group>,
    /// Tests that pass on every platform.
    pub passing: Vec<usize>,
}

/// Files with a common folder.
pub struct Package<'a> {
    pub name: String,
    pub scores: Vec<Score>,
    pub files: Vec<FileStatus<'a>>,
}

/// One kind of error over all files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Frequent {
    pub text: String,
    pub tests: usize,
    pub files: usize,
}

/// Everything that fails, by package and file.
pub fn packages<'a>(tests: &'a Tests, timelines: &[Timeline<'_>]) -> Vec<Package<'a>> {
    let outcomes: Vec<Vec<Ending<'_>>> = timelines.iter().map(|timeline| endings(tests, timeline)).collect();
    let mut files = Vec::new();
    for sameness in [Sameness::Message, Sameness::Place, Sameness::Outcome] {
        files = tests.files.iter().map(|file| file_status(file, timelines, &outcomes, sameness)).collect();
        if files.iter().map(|file: &FileStatus| file.groups.len()).sum::<usize>() <= MOST_GROUPS {
            break;
        }
    }
    fit(&mut files);
    let mut packages: BTreeMap<&str, Package<'a>> = BTreeMap::new();
    for file in files {
        let name = file.file.package.as_str();
        let package = packages.entry(name).or_insert_with(|| Package {
            name: name.into(),
            scores: vec![Score::default(); timelines.len()],
            files: Vec::new(),
        });
        package.scores.iter_mut().zip(&file.scores).for_each(|(sum, score)| sum.add(score));
        package.files.push(file);
    }
    packages.into_values().collect()
}

/// The messages that cost most tests.
pub fn frequent(packages: &[Package<'_>]) -> Vec<Frequent> {
    let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in packages.iter().flat_map(|package| &package.files) {
        let mut here: BTreeMap<String, usize> = BTreeMap::new();
        for group in &file.groups {
            *here.entry(group.title()).or_default() += group.tests.len();
        }
        for (text, tests) in here {
            let entry = found.entry(text).or_default();
            *entry = (entry.0 + tests, entry.1 + 1);
        }
    }
    let mut found: Vec<Frequent> =
        found.into_iter().map(|(text, (tests, files))| Frequent { text, tests, files }).collect();
    found.sort_by_key(|kind| std::cmp::Reverse(kind.tests));
    found
}

/// When two failures are the same.
#[derive(Clone, Copy)]
enum Sameness {
    Message,
    /// Exception type and file.
    Place,
    Outcome,
}

/// How a test ended on one platform, with why.
#[derive(Clone, Copy)]
struct Ending<'a> {
    outcome: Outcome,
    text: &'a str,
    at: &'a str,
    expected: &'a str,
}

fn endings<'a>(tests: &Tests, timeline: &'a Timeline<'_>) -> Vec<Ending<'a>> {
    let night = timeline.last();
    let ending = |test: usize| match timeline.records.get(&test) {
        Some(record) => {
            Ending { outcome: record.outcome, text: &record.text, at: &record.at, expected: &record.expected }
        }
        None if night.header.complete => {
            Ending { outcome: Outcome::NotRun, text: "not in the results", at: "", expected: "" }
        }
        None => Ending { outcome: Outcome::NotRun, text: "the run ended before it", at: "", expected: "" },
    };
    (0..tests.len()).map(ending).collect()
}

fn file_status<'a>(
    file: &'a TestFile,
    timelines: &[Timeline<'_>],
    endings: &[Vec<Ending<'_>>],
    sameness: Sameness,
) -> FileStatus<'a> {
    let scores = endings.iter().map(|endings| {
        Score::of(&endings[file.range()].iter().map(|ending| ending.outcome).collect::<Vec<_>>())
    });
    let mut groups: BTreeMap<(Outcome, &str, &str, &str), Group> = BTreeMap::new();
    let mut passing = Vec::new();
    for number in file.range() {
        let mut passes = true;
        for (platform, timeline) in timelines.iter().enumerate() {
            let ending = endings[platform][number];
            let Some(since) = timeline.failing_since(number) else { continue };
            passes = false;
            let group = groups.entry(key(ending, sameness)).or_insert_with(|| Group {
                outcome: ending.outcome,
                text: visible(ending.text).into_owned(),
                at: visible(ending.at).into_owned(),
                expected: visible(ending.expected).into_owned(),
                others: 0,
                tests: Vec::new(),
            });
            group.others +=
                usize::from(!matches!(sameness, Sameness::Message) && visible(ending.text) != group.text);
            match group.tests.last_mut().filter(|test| test.number == number) {
                Some(test) => test.platforms.push(platform),
                None => group.tests.push(Failed { number, platforms: vec![platform], since }),
            }
        }
        if passes {
            passing.push(number);
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.tests.len()));
    FileStatus { file, scores: scores.collect(), groups, passing }
}

fn key(ending: Ending<'_>, sameness: Sameness) -> (Outcome, &str, &str, &str) {
    let Ending { outcome, text, at, expected } = ending;
    match sameness {
        Sameness::Message => (outcome, text, at, expected),
        Sameness::Place => {
            let exception = text.split([':', '\n']).next().unwrap_or("");
            (outcome, exception, at.split(':').next().unwrap_or(""), expected)
        }
        Sameness::Outcome => (outcome, "", "", ""),
    }
}

/// Shortens messages until all of them together fit.
fn fit(files: &mut [FileStatus<'_>]) {
    let size = |limit: usize| -> usize {
        files
            .iter()
            .flat_map(|file| &file.groups)
            .map(|group| escaped_len(&shorten(&group.text, limit)))
            .sum()
    };
    let limit = LIMITS.into_iter().find(|limit| size(*limit) <= MOST_TEXT).unwrap_or(LIMITS[6]);
    for group in files.iter_mut().flat_map(|file| &mut file.groups) {
        for text in [&mut group.text, &mut group.at, &mut group.expected] {
            *text = shorten(text, limit).into_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    use crate::fixture;
    use crate::history::Night;
    use Outcome::{Failed as Fails, NotRun, Passed};
    use numpy_tests_format::Record;

    fn packages_of(tests: &Tests, records: &[(&str, Outcome, &str)]) -> Vec<(Outcome, String, usize, usize)> {
        let results = fixture::results("2026-01-01T00:00:00Z", "abc", records);
        let (outcomes, extra) = tests.outcomes(&results);
        let numbered = results.records.into_iter().map(|r| (tests.number(&r.id).unwrap(), r));
        let records: HashMap<usize, Record> = numbered.collect();
        let night = Night { header: results.header, outcomes, extra, ..Night::default() };
        let timeline = Timeline { platform: "x86_64", nights: vec![&night], shown: 0, records };
        let packages = packages(tests, &[timeline]);
        let groups = packages.iter().flat_map(|p| &p.files).flat_map(|f| &f.groups);
        groups.map(|g| (g.outcome, g.text.clone(), g.tests.len(), g.others)).collect()
    }

    #[test]
    fn every_test_that_does_not_pass_is_in_one_group() {
        let tests = Tests::new(&fixture::baseline());
        let groups =
            packages_of(&tests, &[("a", Passed, ""), ("b", Fails, "E: \x1b<b>"), ("d", Fails, "E: \x1b<b>")]);
        let expected =
            [(Fails, "E: \u{241b}<b>".to_string(), 2, 0), (NotRun, "not in the results".to_string(), 1, 0)];
        assert_eq!(groups, expected);
    }

    #[test]
    fn many_messages_and_long_ones_are_bounded() {
        let mut baseline = fixture::baseline();
        let names: Vec<String> = (0..MOST_GROUPS + 1).map(|i| format!("t{i}")).collect();
        for name in &names {
            baseline.insert(format!("{}::{name}", fixture::FILE), Passed);
        }
        let texts: Vec<String> =
            (0..names.len()).map(|i| format!("Error: {i} {}", "<".repeat(5000))).collect();
        let records: Vec<_> =
            names.iter().zip(&texts).map(|(n, t)| (n.as_str(), Fails, t.as_str())).collect();
        let groups = packages_of(&Tests::new(&baseline), &records);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].2, groups[0].3), (names.len(), names.len() - 1));
        // One fewer fits, with short messages.
        let groups = packages_of(&Tests::new(&baseline), &records[..MOST_GROUPS - 1]);
        assert_eq!(groups.len(), MOST_GROUPS);
        assert!(groups.iter().map(|g| escaped_len(&g.1)).sum::<usize>() <= MOST_TEXT);
    }
}
