//! Nothing a program does to numpy ends the process or leaves an array: hundreds of attacks come out as exceptions, each
//! of the kind its line names.

mod support;

use std::os::unix::process::ExitStatusExt;

use support::{root, run};

#[test]
fn attacks_come_out_as_exceptions() {
    let dir = root().join("interp/tests/hostile");
    let outcome = run(&[dir.join("cases.py"), dir.join("cases.txt")]).go();
    let last = outcome.out.lines().last().unwrap_or_default();
    assert_eq!(outcome.status.signal(), None, "the process died of: {last}\n{}", outcome.err);
    assert!(outcome.status.success() && last == "done", "{last}\n{}", outcome.err);
}
