//! Small inputs for the tests of this crate.

use numpy_tests_format::{Baseline, Header, Machine, Outcome, Record, Results};

pub const FILE: &str = "numpy/fft/tests/test_x.py";

/// Four tests in one file.
pub fn baseline() -> Baseline {
    let mut baseline = Baseline::default();
    (baseline.numpy, baseline.python) = ("2.4.6".into(), "3.11.7".into());
    for name in ["a", "b", "c", "d"] {
        baseline.insert(format!("{FILE}::{name}"), Outcome::Passed);
    }
    baseline
}

/// A run of that file.
pub fn results(date: &str, commit: &str, outcomes: &[(&str, Outcome, &str)]) -> Results {
    let records =
        outcomes.iter().map(|(name, outcome, text)| Record::new(format!("{FILE}::{name}"), *outcome, *text));
    Results {
        header: Header {
            interpreter: "micronumpy".into(),
            python: "3.11.7".into(),
            numpy: "2.4.6".into(),
            commit: commit.into(),
            date: date.into(),
            elapsed: 61.0,
            machine: Machine {
                system: "linux".into(),
                arch: "x86_64".into(),
                cpu: "c".into(),
                cores: 2,
                memory_gib: 8,
            },
            files: vec![FILE.into()],
            complete: true,
            ..Header::default()
        },
        records: records.collect(),
    }
}
