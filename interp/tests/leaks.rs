//! Nothing is left behind by operations that run many times over, also where they raise midway: memory of the C library and of
//! Python, objects of the collector, references to operands.

mod support;

use std::path::Path;

use support::run;

#[test]
fn hot_operations_leave_nothing_behind() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/leaks/hot.py");
    // Compiled traces are kept on purpose, so they are measured elsewhere.
    let outcome = run([script]).env("MICRONUMPY_VM", "off").go();
    assert!(outcome.status.success(), "{}\n{}", outcome.out, outcome.err);
    let last = outcome.out.lines().last().unwrap_or_default();
    assert!(last.ends_with("operations, 0 leave something behind"), "{last}");
}
