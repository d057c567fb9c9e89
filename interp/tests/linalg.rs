//! Decompositions are as good as stock numpy's, and fail where it fails.

mod support;

use std::collections::HashMap;

use support::{Run, root, run, stock};

/// Residuals below this many units of rounding say nothing about an algorithm.
const NOISE: f64 = 8.0;
/// How much worse ours may be. (Eigenvectors of Hilbert's matrices and large complex QR decompositions need more than two.)
const FACTOR: f64 = 3.0;
/// How far values with and without vectors may be apart, in units of rounding: they come from two algorithms.
const DIFFERENCE: f64 = 128.0;

#[test]
fn residuals_are_not_much_larger_than_those_of_stock_numpy() {
    let script = [root().join("interp/tests/linalg/residuals.py")];
    // Small matrices are slow on threads that wait for each other.
    let expected = Run::new(stock(), &script).env("OPENBLAS_NUM_THREADS", "1").ok();
    let got = run(&script).env("MICRONUMPY_NUM_THREADS", "1").ok();
    fn table(text: &str) -> HashMap<&str, &str> {
        text.split(">>> ").skip(1).filter_map(|line| line.trim_end().split_once(": ")).collect()
    }
    let (expected, got) = (table(&expected), table(&got));
    assert!(expected.len() > 10_000, "only {} residuals", expected.len());
    let mut worse: Vec<String> = vec![];
    for (name, stock) in &expected {
        let ours = got.get(name).copied().unwrap_or("nothing");
        let within = match (stock.parse::<f64>(), ours.parse::<f64>()) {
            (Ok(stock), Ok(ours)) => {
                ours <= (FACTOR * stock).max(if name.ends_with("values") { DIFFERENCE } else { NOISE })
            }
            _ => *stock == ours,
        };
        if !within {
            worse.push(format!("{name}: stock {stock}, micronumpy {ours}"));
        }
    }
    worse.sort();
    assert!(worse.is_empty(), "{} of {}:\n{}", worse.len(), expected.len(), worse.join("\n"));
}
