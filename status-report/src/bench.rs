//! Benchmark results: ratios to stock numpy with their spread. `benches/FORMAT.md` describes the file.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Deserializer, Serialize};

/// Names under which benchmarks run this project; a loss of these is a regression, of others news.
pub const OURS: [&str; 3] = ["micronumpy", "fuse", "off"];

/// A ratio must fall below this part of what it was before it counts as slower.
const SLOWER: f64 = 0.8;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bench {
    #[serde(default)]
    pub versions: BTreeMap<String, Option<String>>,
    pub rows: Vec<Row>,
}

/// One system on one case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    #[serde(default = "ours")]
    pub system: String,
    #[serde(alias = "name")]
    pub case: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suite: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub layout: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dtype: String,
    #[serde(default, deserialize_with = "text_or_number", skip_serializing_if = "String::is_empty")]
    pub size: String,
    #[serde(default = "one")]
    pub threads: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<[f64; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agrees: Option<bool>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unsupported: String,
}

fn ours() -> String {
    OURS[0].into()
}

fn one() -> usize {
    1
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    })
}

impl Row {
    pub fn ours(&self) -> bool {
        OURS.contains(&self.system.as_str())
    }

    /// What is measured, whoever measures it.
    pub fn what(&self) -> String {
        let threads = if self.threads == 1 { String::new() } else { format!("{} threads", self.threads) };
        let parts = [&self.suite, &self.kind, &self.case, &self.layout, &self.dtype, &self.size, &threads];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" · ")
    }
}

impl Bench {
    /// # Errors
    /// When the bytes are not a benchmark file, or hold a ratio that cannot be one.
    pub fn parse(bytes: &[u8]) -> Result<Bench> {
        let bench: Bench = serde_json::from_slice(bytes).context("not a benchmark file")?;
        for row in &bench.rows {
            let numbers = row.ratio.iter().chain(row.spread.iter().flatten());
            if let Some(bad) = numbers.into_iter().find(|n| !n.is_finite() || **n <= 0.0) {
                bail!("{} of {}: {bad} is no ratio", row.what(), row.system);
            }
        }
        Ok(bench)
    }

    /// Geometric mean of the ratios of each system.
    pub fn means(&self) -> BTreeMap<&str, f64> {
        let mut logs: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for row in &self.rows {
            if let Some(ratio) = row.ratio {
                let entry = logs.entry(&row.system).or_default();
                *entry = (entry.0 + ratio.ln(), entry.1 + 1.0);
            }
        }
        logs.into_iter().map(|(system, (sum, count))| (system, (sum / count).exp())).collect()
    }
}

/// A case whose ratio moved by more than its spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    pub bench: String,
    pub system: String,
    pub what: String,
    pub before: f64,
    pub after: f64,
    pub ours: bool,
}

/// Cases that became slower and faster: the spreads do not touch, and the ratio moved by a fifth or more.
pub fn moved(name: &str, before: &Bench, after: &Bench) -> (Vec<Moved>, Vec<Moved>) {
    let old: BTreeMap<(&str, String), &Row> =
        before.rows.iter().map(|row| ((row.system.as_str(), row.what()), row)).collect();
    let (mut slower, mut faster) = (Vec::new(), Vec::new());
    for row in &after.rows {
        let what = row.what();
        let Some(was) = old.get(&(row.system.as_str(), what.clone())) else { continue };
        let (Some(before), Some(after)) = (was.ratio, row.ratio) else { continue };
        let (old, new) = (was.spread.unwrap_or([before; 2]), row.spread.unwrap_or([after; 2]));
        let system = row.system.clone();
        let moved = Moved { bench: name.into(), system, what, before, after, ours: row.ours() };
        if new[1] < old[0] && after <= before * SLOWER {
            slower.push(moved);
        } else if new[0] > old[1] && after * SLOWER >= before {
            faster.push(moved);
        }
    }
    slower.sort_by(|a, b| (a.after / a.before).total_cmp(&(b.after / b.before)));
    faster.sort_by(|a, b| (b.after / b.before).total_cmp(&(a.after / a.before)));
    (slower, faster)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench(rows: &str) -> Bench {
        Bench::parse(format!(r#"{{"rows":[{rows}]}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn rows_of_all_benchmarks_are_read() {
        let bench = bench(
            r#"{"system":"fuse","case":"a","kind":"k","size":1000,"dtype":"float64","threads":2,"ratio":4,"spread":[3,5],"agrees":true},
               {"suite":"scalar","system":"pypy","case":"b n=3","unsupported":"not installed"},
               {"kind":"binary","name":"add","dtype":"int8","size":10,"layout":"strided","ratio":1}"#,
        );
        assert_eq!(bench.rows[0].what(), "k · a · float64 · 1000 · 2 threads");
        assert_eq!(bench.rows[2].what(), "binary · add · strided · int8 · 10");
        assert_eq!(bench.rows[2].system, "micronumpy");
        assert_eq!(bench.means(), BTreeMap::from([("fuse", 4.0), ("micronumpy", 1.0)]));
    }

    #[test]
    fn numbers_that_are_no_ratios_are_refused() {
        for rows in [r#"[{"case":"x","ratio":0}]"#, r#"[{"case":"x","ratio":-1}]"#, "3", r#"[{"ratio":1}]"#] {
            assert!(Bench::parse(format!(r#"{{"rows":{rows}}}"#).as_bytes()).is_err(), "{rows}");
        }
    }

    #[test]
    fn slower_is_more_than_noise() {
        let row = |case: &str, ratio: f64, low: f64, high: f64| {
            format!(r#"{{"case":"{case}","ratio":{ratio},"spread":[{low},{high}]}}"#)
        };
        let rows = |list: &[String]| bench(&list.join(","));
        let before = rows(&[
            row("a", 2., 1.9, 2.1),
            row("b", 2., 1.0, 2.5),
            row("c", 1., 0.9, 1.1),
            row("d", 2., 2., 2.),
        ]);
        let after = rows(&[
            row("a", 1.5, 1.4, 1.6),
            row("b", 1.5, 1.4, 1.6),
            row("c", 3., 2.9, 3.1),
            row("d", 1.9, 1.9, 1.9),
        ]);
        let (slower, faster) = moved("x", &before, &after);
        assert_eq!(slower.iter().map(|m| m.what.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(faster.iter().map(|m| m.what.as_str()).collect::<Vec<_>>(), ["c"]);
        assert!(slower[0].ours);
    }
}
