//! The survey: which names of the namespace and which loops of ufuncs answer as stock numpy does.
//!
//! `numpy-tests/survey` asks both interpreters the same questions and compares the answers; this is the reader of what
//! it writes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// How an answer compares with stock numpy's. The order is from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Same,
    /// Floating-point values within a few units of the last place.
    Close,
    /// Stock numpy has no such loop, and neither have we.
    Neither,
    Differs,
    /// The name is absent, or says that it is not implemented.
    Missing,
    Crashes,
}

impl Verdict {
    pub const ALL: [Verdict; 6] = [
        Verdict::Same,
        Verdict::Close,
        Verdict::Neither,
        Verdict::Differs,
        Verdict::Missing,
        Verdict::Crashes,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Close => "close",
            Verdict::Neither => "neither",
            Verdict::Differs => "differs",
            Verdict::Missing => "missing",
            Verdict::Crashes => "crashes",
        }
    }

    /// One character for a cell; colour alone would exclude readers.
    pub fn symbol(self) -> &'static str {
        match self {
            Verdict::Same => "=",
            Verdict::Close => "≈",
            Verdict::Neither => "·",
            Verdict::Differs => "≠",
            Verdict::Missing => "✗",
            Verdict::Crashes => "☠",
        }
    }

    pub fn means(self) -> &'static str {
        match self {
            Verdict::Same => "answers as stock numpy does, to the bit",
            Verdict::Close => "differs in the last places of floating-point numbers",
            Verdict::Neither => "stock numpy refuses, and so does this",
            Verdict::Differs => "answers otherwise",
            Verdict::Missing => "absent, or says that it is not implemented",
            Verdict::Crashes => "ends the process",
        }
    }

    pub fn works(self) -> bool {
        matches!(self, Verdict::Same | Verdict::Close | Verdict::Neither)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Survey {
    pub format: String,
    pub version: u32,
    pub names: Vec<Name>,
    pub dtypes: Vec<String>,
    pub ufuncs: Vec<Ufunc>,
}

/// A public name of a module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Name {
    pub module: String,
    pub name: String,
    pub kind: String,
    pub verdict: Verdict,
    /// What differs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// A row of the matrix.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ufunc {
    pub name: String,
    /// By dtype.
    pub cells: BTreeMap<String, Cell>,
}

impl Ufunc {
    pub fn cell(&self, dtype: &str) -> Option<&Cell> {
        self.cells.get(dtype)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl Survey {
    /// # Errors
    /// When the bytes are not a survey.
    pub fn parse(bytes: &[u8]) -> Result<Survey> {
        let survey: Survey = serde_json::from_slice(bytes).context("not a survey")?;
        if survey.format != "micronumpy-survey" || survey.version != 1 {
            bail!("unknown format {:?} version {}", survey.format, survey.version);
        }
        Ok(survey)
    }

    /// How many names have which verdict.
    pub fn name_counts(&self) -> BTreeMap<Verdict, usize> {
        count(self.names.iter().map(|name| name.verdict))
    }

    /// How many cells of the matrix have which verdict.
    pub fn cell_counts(&self) -> BTreeMap<Verdict, usize> {
        count(self.ufuncs.iter().flat_map(|ufunc| ufunc.cells.values()).map(|cell| cell.verdict))
    }

    /// Everything that worked before and does not now.
    pub fn lost(&self, before: &Survey) -> Vec<String> {
        let answers = |survey: &Survey| -> BTreeMap<String, Verdict> {
            let names = survey.names.iter().map(|n| (format!("{}.{}", n.module, n.name), n.verdict));
            let cells = survey.ufuncs.iter().flat_map(|ufunc| {
                ufunc.cells.iter().map(|(dtype, cell)| (format!("{} of {dtype}", ufunc.name), cell.verdict))
            });
            names.chain(cells).collect()
        };
        let old = answers(before);
        answers(self)
            .into_iter()
            .filter(|(what, now)| !now.works() && old.get(what).is_some_and(|then| then.works()))
            .map(|(what, now)| format!("{what}: {}", now.name()))
            .collect()
    }
}

fn count(verdicts: impl Iterator<Item = Verdict>) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    for verdict in verdicts {
        *counts.entry(verdict).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_worked_and_does_not() {
        let survey = |name: &str, cell: &str| {
            Survey::parse(
                format!(
                    r#"{{"format":"micronumpy-survey","version":1,"dtypes":["int8"],
                    "names":[{{"module":"numpy","name":"f","kind":"function","verdict":"{name}"}}],
                    "ufuncs":[{{"name":"add","cells":{{"int8":{{"verdict":"{cell}"}}}}}}]}}"#
                )
                .as_bytes(),
            )
            .unwrap()
        };
        let lost = survey("missing", "close").lost(&survey("same", "differs"));
        assert_eq!(lost, ["numpy.f: missing"]);
        assert!(survey("same", "neither").lost(&survey("differs", "same")).is_empty());
        assert_eq!(survey("same", "crashes").cell_counts()[&Verdict::Crashes], 1);
        assert!(Survey::parse(b"{}").is_err());
    }
}
