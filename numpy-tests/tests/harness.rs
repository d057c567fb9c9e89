//! The harness on a suite made to misbehave: a stand-in for numpy whose tests crash, hang, exit and do not import.
//!
//! Needs `python3` with pip on PATH, and the network once to install the pinned pytest into the target directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const TESTS: &str = r#"
import os, sys, time, pytest
def test_ok(): pass
def test_segv(): os.kill(os.getpid(), 11)
@pytest.mark.parametrize("x", ["plain", "a::b", "[", "\udcff"])
def test_param(x): pass
def test_hang(): time.sleep(1000)
def test_fail(): assert [1] == [2]
def test_exit(): os._exit(3)
def test_interrupt(): raise KeyboardInterrupt
def test_skip(): pytest.skip("not now")
@pytest.mark.xfail(reason="known")
def test_xfail(): assert 0
@pytest.mark.xfail(reason="known")
def test_xpass(): pass
class Broken(Exception):
    def __str__(self): raise ValueError
def test_broken_message(): raise Broken()
@pytest.fixture
def bad():
    yield
    raise OSError("teardown")
def test_teardown(bad): pass
class TestClass:
    def test_surrogate(self): raise RuntimeError("\ud800 <b>")
def test_memory():
    hog = bytearray(b"x") * (600 << 20)
    time.sleep(1)
def test_fork():
    if os.fork() == 0:
        os.kill(os.getpid(), 9)
    os.wait()
def test_surroundings():
    assert os.environ["PYTHONHASHSEED"] == "0" and not os.environ.get("PYTEST_ADDOPTS")
    assert os.listdir() == []
def test_last(): pass
"#;

struct Fake {
    dir: tempfile::TempDir,
}

impl Fake {
    /// A folder with a package `numpy` and an interpreter that imports it.
    fn new() -> Fake {
        let fake = Fake { dir: tempfile::tempdir().unwrap() };
        fake.write("site/numpy/__init__.py", "__version__ = '2.4.6'\n");
        fake.write("site/numpy/tests/__init__.py", "");
        fake.write("site/numpy/tests/test_matlib.py", TESTS);
        fake.write("site/numpy/tests/test_reloading.py", "import nothing_like_this\n");
        fake.write("site/numpy/tests/test_warnings.py", "import os\nos.kill(os.getpid(), 11)\n");
        let site = fake.path("site");
        let script = format!(
            "#!/bin/sh\nPYTHONPATH='{}'\"${{PYTHONPATH:+:$PYTHONPATH}}\" exec python3 \"$@\"\n",
            site.display()
        );
        fake.write("python", &script);
        fs::set_permissions(fake.path("python"), fs::Permissions::from_mode(0o755)).unwrap();
        fake
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn harness(&self, args: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_numpy-tests"))
            .args(args)
            .env("PYTEST_ADDOPTS", "--this-option-does-not-exist")
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn run(&self, out: &str, more: &[&str]) -> BTreeMap<String, Value> {
        let fixed = ["run", "--python", "./python", "--timeout", "4", "--memory-limit", "400", "--out", out];
        let output = self.harness(&[&fixed, more].concat());
        assert!(output.status.success());
        read(&self.path(out))
    }
}

fn read(path: &Path) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(path).unwrap();
    let records = text.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.map(|record| (record["id"].as_str().unwrap().to_string(), record)).collect()
}

#[test]
fn each_disaster_costs_one_test() {
    let fake = Fake::new();
    let files =
        ["numpy/tests/test_matlib.py", "numpy/tests/test_reloading.py", "numpy/tests/test_warnings.py"];
    let records = fake.run("r.jsonl", &[&files[..], &["--jobs", "2"]].concat());
    let record = |name: &str| &records[&format!("numpy/tests/test_matlib.py::{name}")];
    let check = |name: &str, outcome: &str, text: &str| {
        let record = record(name);
        assert_eq!(record["outcome"], outcome, "{record}");
        assert_eq!(record["text"].as_str().unwrap_or("").lines().next().unwrap_or(""), text, "{record}");
    };
    check("test_ok", "passed", "");
    check("test_segv", "crashed", "SIGSEGV");
    assert_eq!(record("test_segv")["at"], "numpy/tests/test_matlib.py:4");
    check("test_param[plain]", "passed", "");
    check("test_param[a::b]", "passed", "");
    check("test_param[[]", "passed", "");
    check("test_hang", "timeout", "no end after 4 s");
    assert_eq!(record("test_hang")["at"], "numpy/tests/test_matlib.py:7");
    check("test_fail", "failed", "AssertionError: assert [1] == [2]");
    check("test_exit", "crashed", "the process exited with status 3");
    check("test_interrupt", "crashed", "the process exited with status 2");
    check("test_skip", "skipped", "not now");
    check("test_xfail", "xfailed", "known");
    check("test_xpass", "xpassed", "known");
    check("test_broken_message", "failed", "Broken: (str() of the exception raised ValueError)");
    check("test_teardown", "error", "OSError: teardown");
    check("TestClass::test_surrogate", "failed", "RuntimeError: \\ud800 <b>");
    check("test_memory", "crashed", "killed: more than 400 MiB of memory");
    check("test_fork", "passed", "");
    check("test_surroundings", "passed", "");
    check("test_last", "passed", "");
    // Files that cannot be collected: their tests in the baseline, or the file itself.
    for (file, reason) in
        [(files[1], "No module named 'nothing_like_this'"), (files[2], "SIGSEGV while collecting")]
    {
        let of_file: Vec<&Value> =
            records.iter().filter(|(id, _)| id.starts_with(file)).map(|(_, record)| record).collect();
        assert!(!of_file.is_empty());
        for record in of_file {
            assert_eq!(record["outcome"], "error", "{record}");
            assert!(record["text"].as_str().unwrap().contains(reason), "{record}");
        }
    }
}

#[test]
fn selection_ratchet_and_diff() {
    let fake = Fake::new();
    let records = fake.run("k.jsonl", &["test_matlib", "-k", "test_ok or test_fail or test_last"]);
    let outcomes: Vec<&str> = records.values().map(|r| r["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["failed", "passed", "passed"]);
    assert_eq!(fake.run("one.jsonl", &["numpy/tests/test_matlib.py::test_param"]).len(), 4);

    let ratchet = |command: &str, results: &str| {
        let mut args = vec!["ratchet", command, results, "--ratchet", "list.gz"];
        if command == "check" {
            args.extend(["--python", "./python"]);
        }
        let output = fake.harness(&args);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(ratchet("update", "k.jsonl").1, "ratchet: 0 -> 2 tests\n");
    let (code, text) = ratchet("check", "k.jsonl");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.ends_with(", 0 failed\n"), "{text}");

    // test_ok breaks for good; test_last failed in these results, but passes when it is run again.
    let results = fs::read_to_string(fake.path("k.jsonl")).unwrap();
    fs::write(fake.path("lost.jsonl"), results.replace("\"passed\"", "\"failed\"")).unwrap();
    fake.write(
        "site/numpy/tests/test_matlib.py",
        &TESTS.replace("def test_ok(): pass", "def test_ok(): raise TypeError"),
    );
    let (code, text) = ratchet("check", "lost.jsonl");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("flaky: numpy/tests/test_matlib.py::test_last passes alone"), "{text}");
    assert!(text.contains("1 of 2 listed tests hold, 1 are lost"), "{text}");
    assert!(text.ends_with(", 1 failed\n"), "{text}");

    let diff = fake.harness(&["diff", "k.jsonl", "lost.jsonl"]);
    assert!(String::from_utf8(diff.stdout).unwrap().contains("no longer passing: 2"));
    fs::write(fake.path("cut.jsonl"), &results[..results.len() - 5]).unwrap();
    let cut = fake.harness(&["diff", "k.jsonl", "cut.jsonl"]);
    assert_eq!(cut.status.code(), Some(2));
    assert!(String::from_utf8(cut.stderr).unwrap().contains("cut.jsonl is not a usable result file"));
}
