//! The nights of one platform in order: since when a test fails, and what changed from one night to the next.

use std::collections::HashMap;

use numpy_tests_format::{Outcome, Record};
use serde::Serialize;

use crate::bench::{self, Moved};
use crate::denominator::Tests;
use crate::history::Night;

/// The nights of one platform, oldest first; there is at least one.
pub struct Timeline<'a> {
    pub platform: &'a str,
    pub nights: Vec<&'a Night>,
    /// Which of them the pages are about: the last whole run, or the last when none is whole.
    pub shown: usize,
    /// The records of that night by test number.
    pub records: HashMap<usize, Record>,
}

/// When a test began to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Since {
    /// The first night of the failures that last until now.
    pub night: usize,
    /// Whether it passed before; else it never did.
    pub passed_before: bool,
}

/// A test that ends differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestChange {
    pub id: String,
    #[serde(skip)]
    pub test: usize,
    pub before: Outcome,
    pub after: Outcome,
    pub text: String,
    pub at: String,
    /// Not a loss that anybody can do something about: a known deviation, or a machine short of memory.
    pub excused: bool,
}

/// From one night to the next.
#[derive(Debug, Default, Serialize)]
pub struct Change {
    pub before_date: String,
    pub before_commit: String,
    pub fixed: Vec<TestChange>,
    pub broken: Vec<TestChange>,
    pub slower: Vec<Moved>,
    pub faster: Vec<Moved>,
    /// Names and loops that answered as stock numpy does, and do not now.
    pub survey_lost: Vec<String>,
    /// Other suites in which fewer tests pass.
    pub suites_lost: Vec<String>,
}

impl Change {
    /// What makes a night a bad one.
    pub fn regressions(&self) -> usize {
        self.broken.iter().filter(|change| !change.excused).count()
            + self.slower.iter().filter(|moved| moved.ours).count()
            + self.survey_lost.len()
            + self.suites_lost.len()
    }
}

impl<'a> Timeline<'a> {
    /// The night the pages are about.
    pub fn last(&self) -> &'a Night {
        self.nights[self.shown]
    }

    /// A newer run that ended early. It cannot tell how much works, nor that nothing was lost.
    pub fn cut_short(&self) -> Option<&'a Night> {
        self.nights.last().copied().filter(|night| !night.header.complete)
    }

    /// The first night from which on the number of passing tests was what it is now.
    pub fn score_since(&self) -> &'a Night {
        let now = self.last().score().passing;
        let whole = self.nights[..=self.shown].iter().rev().filter(|night| night.header.complete);
        let same = whole.take_while(|night| night.score().passing == now);
        same.last().copied().unwrap_or(self.last())
    }

    /// Since when a test does not pass; nothing when it passes. Nights without a word on it say nothing.
    pub fn failing_since(&self, test: usize) -> Option<Since> {
        if self.last().outcomes[test].is_pass() {
            return None;
        }
        let mut since = Since { night: self.shown, passed_before: false };
        for (night, outcome) in
            self.nights[..=self.shown].iter().map(|night| night.outcomes[test]).enumerate().rev()
        {
            match outcome {
                Outcome::NotRun => {}
                outcome if outcome.is_pass() => return Some(Since { passed_before: true, ..since }),
                _ => since.night = night,
            }
        }
        Some(since)
    }

    /// How often a test went from passing to not passing or back.
    pub fn changes_of_mind(&self, test: usize) -> usize {
        let known = self.nights.iter().map(|night| night.outcomes[test]).filter(|o| *o != Outcome::NotRun);
        let passes: Vec<bool> = known.map(Outcome::is_pass).collect();
        passes.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    /// What the last night changed. Benchmarks, surveys and other suites of the newest run are compared with the last
    /// that has them.
    pub fn change(&self, tests: &Tests) -> Option<Change> {
        let (last, earlier) = self.nights[..=self.shown].split_last()?;
        let before = earlier.last()?;
        let mut change = Change {
            before_date: before.header.date.clone(),
            before_commit: before.header.commit.clone(),
            ..Change::default()
        };
        // A run that ended early may not have reached a test; the one before it did.
        let known = |test: usize| {
            let outcomes = earlier.iter().rev().map(|night| night.outcomes[test]);
            outcomes.into_iter().find(|outcome| *outcome != Outcome::NotRun).unwrap_or(Outcome::NotRun)
        };
        for (test, &after) in last.outcomes.iter().enumerate() {
            let before = known(test);
            if before.is_pass() == after.is_pass() || before == Outcome::NotRun || after == Outcome::NotRun {
                continue;
            }
            let record = self.records.get(&test);
            let entry = TestChange {
                id: format!("{}::{}", tests.file(test).name, tests.name(test)),
                test,
                before,
                after,
                text: record.map(|record| record.text.clone()).unwrap_or_default(),
                at: record.map(|record| record.at.clone()).unwrap_or_default(),
                excused: record
                    .is_some_and(|record| !record.expected.is_empty() || record.needs_another_machine()),
            };
            if after.is_pass() { change.fixed.push(entry) } else { change.broken.push(entry) }
        }
        let (last, earlier) = self.nights.split_last()?;
        for (name, now) in &last.benches {
            if let Some(then) = earlier.iter().rev().find_map(|night| night.benches.get(name)) {
                let (slower, faster) = bench::moved(name, then, now);
                change.slower.extend(slower);
                change.faster.extend(faster);
            }
        }
        if let (Some(now), Some(then)) =
            (&last.survey, earlier.iter().rev().find_map(|night| night.survey.as_ref()))
        {
            change.survey_lost = now.lost(then);
        }
        for (name, now) in &last.suite_scores {
            if let Some(then) = earlier.iter().rev().find_map(|night| night.suite_scores.get(name)) {
                if now.passing < then.passing {
                    change
                        .suites_lost
                        .push(format!("{name}: {} passing, {} before", now.passing, then.passing));
                }
            }
        }
        Some(change)
    }
}

/// The platforms of a history, each with its nights and the records of the last one. The one with the
/// most nights comes first.
///
/// # Errors
/// When the last result file of a platform has become unreadable since it was loaded.
pub fn timelines<'a>(nights: &'a [Night], tests: &Tests) -> anyhow::Result<Vec<Timeline<'a>>> {
    let mut timelines: Vec<Timeline<'a>> = Vec::new();
    for night in nights {
        match timelines.iter_mut().find(|timeline| timeline.platform == night.platform) {
            Some(timeline) => timeline.nights.push(night),
            None => timelines.push(Timeline {
                platform: &night.platform,
                nights: vec![night],
                shown: 0,
                records: HashMap::new(),
            }),
        }
    }
    for timeline in &mut timelines {
        let whole = timeline.nights.iter().rposition(|night| night.header.complete);
        timeline.shown = whole.unwrap_or(timeline.nights.len() - 1);
        let records = timeline.last().results()?.records.into_iter();
        timeline.records = records.filter_map(|record| Some((tests.number(&record.id)?, record))).collect();
    }
    timelines.sort_by_key(|timeline| (std::cmp::Reverse(timeline.nights.len()), timeline.platform));
    Ok(timelines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use Outcome::{Crashed, Failed, NotRun, Passed, Skipped};

    fn night(outcomes: [Outcome; 4]) -> Night {
        let header = fixture::results("2026-01-01T00:00:00Z", "abc", &[]).header;
        Night { header, outcomes: outcomes.to_vec(), ..Night::default() }
    }

    fn timeline(nights: &[Night]) -> Timeline<'_> {
        Timeline {
            platform: "x86_64",
            nights: nights.iter().collect(),
            shown: nights.len() - 1,
            records: HashMap::new(),
        }
    }

    #[test]
    fn since_when_a_test_fails() {
        let nights = [
            night([Failed, Passed, Passed, Failed]),
            night([Failed, Failed, NotRun, Passed]),
            night([NotRun, Passed, Failed, Failed]),
            night([Failed, Passed, NotRun, Crashed]),
        ];
        let timeline = timeline(&nights);
        let since: Vec<_> =
            (0..4).map(|test| timeline.failing_since(test).map(|s| (s.night, s.passed_before))).collect();
        assert_eq!(since, [Some((0, false)), None, Some((2, true)), Some((2, true))]);
        assert_eq!((0..4).map(|test| timeline.changes_of_mind(test)).collect::<Vec<_>>(), [0, 2, 1, 2]);
    }

    #[test]
    fn what_changed_since_the_night_before() {
        let baseline = fixture::baseline();
        let tests = Tests::new(&baseline);
        let mut nights = [
            night([Passed, Failed, Passed, NotRun]),
            night([NotRun, Failed, Passed, Passed]),
            night([Failed, Passed, NotRun, Skipped]),
        ];
        let bench =
            |ratio: f64| Bench::parse(format!(r#"{{"rows":[{{"case":"x","ratio":{ratio}}}]}}"#).as_bytes());
        nights[0].benches.insert("loops".into(), bench(2.0).unwrap());
        nights[2].benches.insert("loops".into(), bench(1.0).unwrap());
        let mut timeline = timeline(&nights);
        let mut record = Record::new(format!("{}::d", fixture::FILE), Skipped, "");
        record.text = "9.0 GB memory required, but 3.0 GB available".into();
        timeline.records.insert(3, record);
        let change = timeline.change(&tests).unwrap();
        let ids = |list: &[TestChange]| {
            list.iter().map(|c| c.id.rsplit("::").next().unwrap().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            (ids(&change.fixed), ids(&change.broken)),
            (vec!["b".to_string()], vec!["a".into(), "d".into()])
        );
        assert_eq!(change.slower.len(), 1);
        // `d` is the machine's fault.
        assert_eq!(change.regressions(), 2);
        assert!(Timeline { nights: vec![&nights[0]], shown: 0, ..timeline }.change(&tests).is_none());
    }

    use crate::bench::Bench;
}
