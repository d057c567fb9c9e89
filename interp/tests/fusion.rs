//! `micronumpy.fuse`: what it computes, what it refuses, what it says.

mod support;

use std::path::PathBuf;

use support::{Run, ours, root, run, stock};

const CASES: &str = "2500";

fn file(name: &str) -> PathBuf {
    root().join("interp/tests/fusion").join(name)
}

/// The lines of `cases.py` for one way to run.
fn cases(run: Run) -> Vec<String> {
    run.ok().lines().map(str::to_string).collect()
}

/// Random functions of random arrays give the bits, dtypes, layouts, warnings and exceptions of stock numpy, call by call
/// and fused, with and without compiled kernels.
#[test]
fn random_functions_give_what_stock_numpy_gives() {
    let args = |mode: &str| [file("cases.py").into_os_string(), mode.into(), "0".into(), CASES.into()];
    let expected = cases(Run::new(stock(), args("plain")));
    assert_eq!(expected.len().to_string(), CASES);
    let ways = [
        ("plain", Run::new(ours(), args("plain"))),
        ("blocks", Run::new(ours(), args("fused")).env("MICRONUMPY_FUSE", "blocks")),
        ("compiled", Run::new(ours(), args("fused")).env("MICRONUMPY_FUSE", "compiled")),
    ];
    for (name, way) in ways {
        let got = cases(way);
        assert_eq!(got.len(), expected.len(), "{name}");
        let differing: Vec<String> = expected
            .iter()
            .zip(&got)
            .filter(|(e, g)| e != g)
            .map(|(e, g)| format!("stock:      {e}\nmicronumpy: {g}"))
            .collect();
        assert!(differing.is_empty(), "{name}: {} cases differ:\n{}", differing.len(), differing.join("\n"));
    }
}

#[test]
fn behaviour_is_as_documented() {
    assert_eq!(run([file("behaviour.py")]).ok(), "done\n");
}
