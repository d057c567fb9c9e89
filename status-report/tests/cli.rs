//! The executable from files to files: a good report, then a broken input that must not harm it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../numpy-tests/data/baseline-2.4.6.jsonl.gz");
const HEADER: &str = r#"{"format":"numpy-tests-results","version":1,"interpreter":"micronumpy","python":"3.11.7","numpy":"2.4.6","commit":"abc","date":"2026-01-01T00:00:00Z","elapsed":5,"machine":{"system":"linux","arch":"x86_64","cpu":"c","cores":2,"memory_gib":8},"files":["numpy/_core/tests/test_abc.py"],"complete":true,"tests":2}"#;

fn report(results: &Path, out: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_status-report"));
    command.args(["--baseline", BASELINE, "--results"]).arg(results).arg("--out").arg(out);
    command.output().unwrap()
}

#[test]
fn a_broken_input_leaves_the_last_report() {
    let dir = tempfile::tempdir().unwrap();
    let (results, out) = (dir.path().join("r.jsonl"), dir.path().join("status"));
    let test = |name: &str, rest: &str| {
        format!(r#"{{"id":"numpy/_core/tests/test_abc.py::TestABC::{name}",{rest}}}"#)
    };
    let lines = [
        HEADER.to_string(),
        test("test_abstract", r#""outcome":"passed""#),
        test("test_floats", r#""outcome":"failed","text":"TypeError: <no & such>","at":"numpy/x.py:1""#),
    ];
    fs::write(&results, lines.join("\n")).unwrap();
    let output = report(&results, &out);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let html = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(html.contains("TypeError: &#60;no &#38; such&#62;"), "escaped text");
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("status.json")).unwrap()).unwrap();
    assert_eq!(json["total"]["passing"], 1);
    let denominator = json["total"]["denominator"].as_u64().unwrap();
    let packages = json["packages"].as_array().unwrap();
    assert_eq!(denominator, packages.iter().map(|p| p["denominator"].as_u64().unwrap()).sum::<u64>());
    assert!(denominator > 47_000);

    fs::write(&results, lines[..2].join("\n")).unwrap();
    let output = report(&results, &out);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("announces 2 tests, 1 follow"));
    assert_eq!(fs::read_to_string(out.join("index.html")).unwrap(), html);
}
