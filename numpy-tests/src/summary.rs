//! What a person wants to see after a run: the score by package, and which errors cost most tests.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;

use serde_json::{Value, json};

use numpy_tests_format::{Baseline, Outcome, Record, Results, file_of, package_of};

/// Counts for one package, or for everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Tests that count (stock numpy passes them) and pass.
    pub passing: usize,
    pub denominator: usize,
    pub outcomes: BTreeMap<Outcome, usize>,
}

/// Tallies by package. The denominator covers the files of the run, or just its tests when it was narrowed.
pub fn tally(results: &Results, baseline: &Baseline) -> BTreeMap<String, Tally> {
    let mut packages: BTreeMap<String, Tally> = BTreeMap::new();
    if results.header.selection.is_empty() {
        for file in &results.header.files {
            packages.entry(package_of(file).into()).or_default().denominator += baseline.denominator(file);
        }
    }
    for record in &results.records {
        let tally = packages.entry(package_of(file_of(&record.id)).into()).or_default();
        *tally.outcomes.entry(record.outcome).or_default() += 1;
        let counts = baseline.is_empty() || baseline.counts(&record.id);
        tally.passing += usize::from(counts && record.outcome.is_pass());
        if !results.header.selection.is_empty() || baseline.is_empty() {
            tally.denominator += usize::from(counts);
        }
    }
    packages
}

fn sum<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    tallies.fold(Tally::default(), |mut sum, tally| {
        sum.passing += tally.passing;
        sum.denominator += tally.denominator;
        for (outcome, count) in &tally.outcomes {
            *sum.outcomes.entry(*outcome).or_default() += count;
        }
        sum
    })
}

pub fn table(results: &Results, baseline: &Baseline) -> String {
    let packages = tally(results, baseline);
    let total = sum(packages.values());
    let shown: Vec<Outcome> = Outcome::ALL.into_iter().filter(|o| total.outcomes.contains_key(o)).collect();
    let mut out = String::new();
    let _ = write!(out, "{:<18} {:>7} {:>7} {:>7}", "package", "passing", "of", "%");
    for outcome in &shown {
        let _ = write!(out, " {outcome:>8}");
    }
    out.push('\n');
    for (name, tally) in packages.iter().chain([(&"total".to_string(), &total)]) {
        // Rounded down: 100.00 means all.
        let share = (tally.passing * 10000 / tally.denominator.max(1)) as f64 / 100.0;
        let _ = write!(out, "{name:<18} {:>7} {:>7} {share:>7.2}", tally.passing, tally.denominator);
        for outcome in &shown {
            let _ = write!(out, " {:>8}", tally.outcomes.get(outcome).copied().unwrap_or(0));
        }
        out.push('\n');
    }
    out
}

pub fn to_json(results: &Results, baseline: &Baseline) -> Value {
    let one = |tally: &Tally| {
        let outcomes: HashMap<&str, usize> = tally.outcomes.iter().map(|(o, n)| (o.name(), *n)).collect();
        json!({"passing": tally.passing, "denominator": tally.denominator, "outcomes": outcomes})
    };
    let packages = tally(results, baseline);
    let by_package: BTreeMap<&String, Value> =
        packages.iter().map(|(name, tally)| (name, one(tally))).collect();
    json!({"header": results.header, "total": one(&sum(packages.values())), "packages": by_package})
}

/// One kind of failure.
#[derive(Debug, PartialEq)]
pub struct ErrorGroup<'a> {
    pub text: String,
    pub tests: usize,
    pub files: usize,
    pub example: &'a str,
}

/// Failures grouped by what they say, the most frequent first.
pub fn error_groups<'a>(results: &'a Results) -> Vec<ErrorGroup<'a>> {
    let mut groups: HashMap<String, Vec<&'a Record>> = HashMap::new();
    let failing =
        |o: Outcome| matches!(o, Outcome::Failed | Outcome::Error | Outcome::Crashed | Outcome::Timeout);
    for record in results.records.iter().filter(|record| failing(record.outcome)) {
        let line: String = mask_addresses(record.first_line()).chars().take(150).collect();
        let text = match record.outcome {
            Outcome::Crashed | Outcome::Timeout => format!("{}: {line} at {}", record.outcome, record.at),
            _ => line,
        };
        groups.entry(text).or_default().push(record);
    }
    let mut groups: Vec<ErrorGroup<'a>> = groups
        .into_iter()
        .map(|(text, records)| ErrorGroup {
            text,
            tests: records.len(),
            files: records.iter().map(|record| record.file()).collect::<HashSet<_>>().len(),
            example: &records[0].id,
        })
        .collect();
    groups.sort_by(|a, b| b.tests.cmp(&a.tests).then_with(|| a.text.cmp(&b.text)));
    groups
}

/// `<object at 0x7f12>` differs in every process; the errors are the same.
fn mask_addresses(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split("0x");
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        out.push_str("0x..");
        out.push_str(rest);
    }
    out
}

pub fn errors(results: &Results, limit: usize) -> String {
    let groups = error_groups(results);
    let mut out = String::new();
    if limit == 0 {
        return out;
    }
    for group in groups.iter().take(limit) {
        let _ = writeln!(out, "{:>6} tests {:>3} files  {}", group.tests, group.files, group.text);
        let _ = writeln!(out, "{:>24}e.g. {}", "", group.example);
    }
    if groups.len() > limit {
        let _ = writeln!(out, "       ... and {} other kinds (--errors N shows more)", groups.len() - limit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tally_counts_what_stock_passes() {
        let file = "numpy/fft/tests/test_x.py";
        let id = |name: &str| format!("{file}::{name}");
        let mut baseline = Baseline::default();
        for (name, outcome) in [("a", Outcome::Passed), ("b", Outcome::Passed), ("c", Outcome::Skipped)] {
            baseline.insert(id(name), outcome);
        }
        let mut results = Results::default();
        results.header.files = vec![file.into()];
        results.records.push(Record::new(id("a"), Outcome::Passed, ""));
        results.records.push(Record::new(id("c"), Outcome::Passed, ""));
        let tally = &tally(&results, &baseline)["numpy/fft"];
        assert_eq!((tally.passing, tally.denominator), (1, 2));
        assert_eq!(tally.outcomes[&Outcome::Passed], 2);
    }

    #[test]
    fn errors_group_without_addresses() {
        let mut results = Results::default();
        for address in ["0x7fab", "0x12"] {
            results.records.push(Record::new("f.py::t", Outcome::Failed, format!("E: <o at {address}>")));
        }
        results.records.push(Record::new("g.py::t", Outcome::Passed, ""));
        let groups = error_groups(&results);
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].text.as_str(), groups[0].tests, groups[0].files), ("E: <o at 0x..>", 2, 1));
    }
}
