//! The ratchet: tests that passed once must pass for ever.
//!
//! `data/ratchet.txt.gz` lists them, a file per line and its tests indented by one space below it. It only grows
//! unless told otherwise. A listed test that fails is run again alone before it counts, because a few tests of
//! upstream depend on time and threads.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail};

use numpy_tests_format::{Outcome, Record, Results, file_of, read_gz, write_gz};

pub const RATCHET: &str = "ratchet.txt.gz";
const HEADER: &str = "# Tests that must pass; written by `numpy-tests ratchet update`.";

/// Ids by file, without the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ratchet {
    files: BTreeMap<String, BTreeSet<String>>,
}

impl Ratchet {
    /// A missing file is an empty ratchet.
    pub fn read(path: &Path) -> Result<Ratchet> {
        if !path.exists() {
            return Ok(Ratchet::default());
        }
        read_gz(path)
            .and_then(|bytes| Ratchet::parse(&String::from_utf8(bytes)?))
            .with_context(|| format!("{} is not a usable ratchet", path.display()))
    }

    fn parse(text: &str) -> Result<Ratchet> {
        let mut ratchet = Ratchet::default();
        let mut current = None;
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            match (line.strip_prefix(' '), &mut current) {
                (None, _) => current = Some(ratchet.files.entry(line.into()).or_default()),
                (Some(test), Some(tests)) => drop(tests.insert(test.into())),
                (Some(_), None) => bail!("a test without a file"),
            }
        }
        Ok(ratchet)
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text = format!("{HEADER}\n");
        for (file, tests) in self.files.iter().filter(|(_, tests)| !tests.is_empty()) {
            text += &format!("{file}\n");
            for test in tests {
                text += &format!(" {test}\n");
            }
        }
        write_gz(path, text.as_bytes())
    }

    pub fn len(&self) -> usize {
        self.files.values().map(BTreeSet::len).sum()
    }

    fn ids(&self) -> impl Iterator<Item = (&str, String)> {
        let of_file = |(file, tests): (&'_ String, &'_ BTreeSet<String>)| {
            tests.iter().map(|test| format!("{file}::{test}")).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(move |entry| {
            let file = entry.0.as_str();
            of_file(entry).into_iter().map(move |id| (file, id))
        })
    }

    /// Adds what passed; with `allow_loss`, also forgets what the run covered and did not pass.
    pub fn update(&mut self, results: &Results, allow_loss: bool) {
        if allow_loss {
            let outcomes: HashMap<&str, Outcome> =
                results.records.iter().map(|record| (record.id.as_str(), record.outcome)).collect();
            let whole = results.header.selection.is_empty() && results.header.complete;
            for (file, tests) in &mut self.files {
                let covered = whole && results.header.files.contains(file);
                tests.retain(|test| match outcomes.get(format!("{file}::{test}").as_str()) {
                    Some(outcome) => outcome.is_pass(),
                    None => !covered,
                });
            }
        }
        for record in results.records.iter().filter(|record| record.outcome.is_pass()) {
            if let Some((file, test)) = record.id.split_once("::") {
                self.files.entry(file.into()).or_default().insert(test.into());
            }
        }
    }

    /// Listed tests that do not pass. Files the run did not cover, and tests a narrowed run left out, say nothing.
    pub fn losses(&self, results: &Results) -> Check {
        let index: HashMap<&str, &Record> =
            results.records.iter().map(|record| (record.id.as_str(), record)).collect();
        let whole = results.header.selection.is_empty();
        let mut check = Check::default();
        for (file, id) in self.ids() {
            match index.get(id.as_str()) {
                Some(record) if record.outcome.is_pass() => check.holding += 1,
                Some(record) if record.needs_another_machine() => check.unable.push((*record).clone()),
                Some(record) => check.lost.push((*record).clone()),
                None if whole && results.header.files.iter().any(|covered| covered == file) => {
                    check.lost.push(Record::new(id, Outcome::NotRun, "not in the results"));
                }
                None => check.not_covered += 1,
            }
        }
        check
    }
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Check {
    pub holding: usize,
    pub lost: Vec<Record>,
    /// Skipped because of the machine.
    pub unable: Vec<Record>,
    pub not_covered: usize,
}

impl Check {
    /// Takes back losses that passed when run again alone; returns their ids.
    pub fn forgive(&mut self, again: &Results) -> Vec<String> {
        let passed: BTreeSet<&str> =
            again.records.iter().filter(|r| r.outcome.is_pass()).map(|r| r.id.as_str()).collect();
        let (flaky, lost) = self.lost.drain(..).partition(|record| passed.contains(record.id.as_str()));
        self.lost = lost;
        self.holding += Vec::<Record>::len(&flaky);
        flaky.into_iter().map(|record| record.id).collect()
    }
}

/// Losses by file, for a message that stays readable when a whole file is gone.
pub fn render_losses(lost: &[Record], limit: usize) -> String {
    let mut by_file: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in lost {
        by_file.entry(file_of(&record.id)).or_default().push(record);
    }
    let mut out = String::new();
    for (file, records) in by_file {
        out += &format!("{file}: {}\n", records.len());
        for record in records.iter().take(limit) {
            let test = record.id.get(file.len() + 2..).unwrap_or(&record.id);
            out += &format!("  {:<8} {test}\n", record.outcome);
            if !record.text.is_empty() {
                out += &format!("           {}\n", record.first_line());
            }
        }
        if records.len() > limit {
            out += &format!("  ... and {} more\n", records.len() - limit);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(list: &[(&str, Outcome)]) -> Results {
        let records = list.iter().map(|(id, outcome)| Record::new(*id, *outcome, "")).collect();
        let mut results = Results { records, ..Results::default() };
        results.header.files = vec!["f.py".into()];
        results.header.complete = true;
        results
    }

    #[test]
    fn grows_and_loses_only_when_told() {
        let mut ratchet = Ratchet::default();
        ratchet.update(&results(&[("f.py::a", Outcome::Passed), ("f.py::b[x::y]", Outcome::Xpassed)]), false);
        ratchet.update(&results(&[("f.py::a", Outcome::Failed), ("f.py::c", Outcome::Failed)]), false);
        assert_eq!(ratchet.len(), 2);
        let mut other = ratchet.clone();
        other.files.insert("g.py".into(), BTreeSet::from(["t".to_string()]));
        other.update(&results(&[("f.py::a", Outcome::Failed), ("f.py::c", Outcome::Passed)]), true);
        let left: Vec<String> = other.ids().map(|(_, id)| id).collect();
        // a fails, b is gone from a file that ran whole, g.py did not run.
        assert_eq!(left, ["f.py::c", "g.py::t"]);
    }

    #[test]
    fn file_round_trip() {
        let mut ratchet = Ratchet::default();
        ratchet
            .update(&results(&[("f.py::T::a", Outcome::Passed), ("f.py::b[# x]", Outcome::Passed)]), false);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(RATCHET);
        assert_eq!(Ratchet::read(&path).unwrap(), Ratchet::default());
        ratchet.write(&path).unwrap();
        assert_eq!(Ratchet::read(&path).unwrap(), ratchet);
        std::fs::write(&path, "junk").unwrap();
        assert!(Ratchet::read(&path).is_err());
    }

    #[test]
    fn losses_and_flaky_tests() {
        let mut ratchet = Ratchet::default();
        let all = [("f.py::a", Outcome::Passed), ("f.py::b", Outcome::Passed), ("f.py::m", Outcome::Passed)];
        ratchet.update(&results(&all), false);
        ratchet.files.insert("g.py".into(), BTreeSet::from(["t".to_string()]));
        let mut run = results(&[("f.py::a", Outcome::Timeout), ("f.py::m", Outcome::Skipped)]);
        run.records[1].text = "9.0 GB memory required, but 3.0 GB available".into();
        let mut check = ratchet.losses(&run);
        let lost: Vec<&str> = check.lost.iter().map(|r| r.id.as_str()).collect();
        assert_eq!(lost, ["f.py::a", "f.py::b"]);
        assert_eq!((check.holding, check.unable.len(), check.not_covered), (0, 1, 1));
        assert_eq!(check.forgive(&results(&[("f.py::a", Outcome::Passed)])), ["f.py::a"]);
        assert_eq!((check.holding, check.lost.len()), (1, 1));
        assert!(render_losses(&check.lost, 5).contains("not_run  b"));
    }
}
