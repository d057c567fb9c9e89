//! CPython's own tests of the language come out as under plain CPython, with every loop in the VM that it can take.

mod support;

use support::{Run, host, ours, root};

/// `interp/tests/cpython/run.py --full` runs all modules; this runs the quick ones.
#[test]
fn cpythons_tests_come_out_as_under_cpython() {
    let tests = Run::new(host(), ["-c", "import test.test_grammar"]).go();
    let missing = "this CPython comes without its tests (Debian packages them as libpython3.11-testsuite)";
    assert!(tests.status.success(), "{missing}\n{}", tests.err);
    let script = root().join("interp/tests/cpython/run.py");
    let args = [script.as_os_str(), "--micronumpy".as_ref(), ours().as_os_str()];
    let outcome = Run::new(host(), args).go();
    assert!(outcome.status.success(), "{}\n{}", outcome.out, outcome.err);
    assert!(outcome.out.contains(" tests, 0 differ"), "{}", outcome.out);
}
