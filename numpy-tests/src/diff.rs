//! What changed between two runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use numpy_tests_format::{Outcome, Record, Results};

#[derive(Debug, Default, PartialEq)]
pub struct Diff {
    pub gained: Vec<Change>,
    pub lost: Vec<Change>,
    /// Neither side passes, but not in the same way.
    pub other: Vec<Change>,
    pub only_before: usize,
    pub only_after: usize,
}

#[derive(Debug, PartialEq)]
pub struct Change {
    pub id: String,
    pub before: Option<Outcome>,
    pub after: Option<Outcome>,
    pub text: String,
}

pub fn diff(before: &Results, after: &Results) -> Diff {
    let index = |results: &'_ Results| -> BTreeMap<String, Record> {
        results.records.iter().map(|record| (record.id.clone(), record.clone())).collect()
    };
    let (old, new) = (index(before), index(after));
    let mut diff = Diff::default();
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for id in ids {
        let (a, b) = (old.get(id), new.get(id));
        diff.only_before += usize::from(b.is_none());
        diff.only_after += usize::from(a.is_none());
        let (before, after) = (a.map(|r| r.outcome), b.map(|r| r.outcome));
        if before == after {
            continue;
        }
        let passes = |outcome: Option<Outcome>| outcome.is_some_and(Outcome::is_pass);
        let text = b.or(a).map_or("", Record::first_line).to_string();
        let change = Change { id: id.clone(), before, after, text };
        match (passes(before), passes(after)) {
            (false, true) => diff.gained.push(change),
            (true, false) => diff.lost.push(change),
            _ => diff.other.push(change),
        }
    }
    diff
}

impl Diff {
    /// `limit` lines of each list.
    pub fn render(&self, limit: usize) -> String {
        let mut out = String::new();
        let lists =
            [("newly passing", &self.gained), ("no longer passing", &self.lost), ("other", &self.other)];
        for (title, changes) in lists {
            let _ = writeln!(out, "{title}: {}", changes.len());
            for change in changes.iter().take(limit) {
                let name = |outcome: Option<Outcome>| outcome.map_or("absent", Outcome::name);
                let _ = write!(out, "  {} -> {}  {}", name(change.before), name(change.after), change.id);
                if !change.after.is_some_and(Outcome::is_pass) && !change.text.is_empty() {
                    let _ = write!(out, "\n      {}", change.text);
                }
                out.push('\n');
            }
            if changes.len() > limit {
                let _ = writeln!(out, "  ... and {} more (--limit N shows more)", changes.len() - limit);
            }
        }
        if self.only_before + self.only_after > 0 {
            let _ = writeln!(
                out,
                "only in the first: {}, only in the second: {}",
                self.only_before, self.only_after
            );
        }
        out
    }
}

/// Outcome totals of both sides.
pub fn totals(before: &Results, after: &Results) -> String {
    let count = |results: &Results, outcome| results.records.iter().filter(|r| r.outcome == outcome).count();
    let mut out = String::new();
    for outcome in Outcome::ALL {
        let (a, b) = (count(before, outcome), count(after, outcome));
        if a + b > 0 {
            let _ = writeln!(out, "{outcome:<8} {a:>7} -> {b:>7}  ({:+})", b as i64 - a as i64);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_by_kind() {
        let results = |list: &[(&str, Outcome)]| Results {
            records: list.iter().map(|(id, outcome)| Record::new(*id, *outcome, "why")).collect(),
            ..Results::default()
        };
        let before = results(&[
            ("f::a", Outcome::Failed),
            ("f::b", Outcome::Passed),
            ("f::c", Outcome::Failed),
            ("f::d", Outcome::Passed),
        ]);
        let after = results(&[
            ("f::a", Outcome::Passed),
            ("f::b", Outcome::Crashed),
            ("f::c", Outcome::Timeout),
            ("f::e", Outcome::Passed),
        ]);
        let diff = diff(&before, &after);
        let ids = |changes: &[Change]| changes.iter().map(|c| c.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&diff.gained), ["f::a", "f::e"]);
        assert_eq!(ids(&diff.lost), ["f::b", "f::d"]);
        assert_eq!(ids(&diff.other), ["f::c"]);
        assert_eq!((diff.only_before, diff.only_after), (1, 1));
        assert!(diff.render(1).contains("... and 1 more"));
        assert!(totals(&before, &after).contains("crashed        0 ->       1  (+1)"));
    }
}
