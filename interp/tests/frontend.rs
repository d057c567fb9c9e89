//! What the front end makes of Python code: for each file of `frontend/`, the register code of its loops and the reasons
//! why others are declined, as the log shows them.
//!
//! Positions and the order of instructions are CPython's, which change between versions: the texts are those of 3.11.
//! `BLESS=1` writes them anew.

mod support;

use std::path::{Path, PathBuf};

use support::{fresh_dir, host, run};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frontend")
}

/// The log of the front end for a file, whose paths and names of sections are left out.
fn lowered(case: &Path) -> String {
    let log = fresh_dir("frontend").join(case.file_name().expect("a name")).with_extension("log");
    let setting = format!("region:{}", log.display());
    run([case]).env("MICRONUMPY_LOG", setting).env("MICRONUMPY_JIT", "off").ok();
    let text = std::fs::read_to_string(&log).expect("the log is written");
    let mut shown = String::new();
    for entry in jit::log::read(&text) {
        let name = entry.name.rsplit_once('/').map_or(entry.name, |(_, name)| name);
        // The code's first line is its name again, with the path.
        let again = usize::from(entry.body.starts_with(entry.name));
        let body: String = entry.body.lines().skip(again).map(|line| format!("{line}\n")).collect();
        shown.push_str(&format!("{name}\n{body}\n"));
    }
    shown
}

#[test]
fn code_is_as_expected() {
    if !host().ends_with("python3.11") {
        return;
    }
    let mut found = 0;
    for case in std::fs::read_dir(cases()).expect("the cases").map(|entry| entry.expect("an entry").path()) {
        if case.extension().is_none_or(|e| e != "py") {
            continue;
        }
        found += 1;
        let (expected, actual) = (case.with_extension("txt"), lowered(&case));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, actual).expect("write the expected text");
        } else {
            let expected = std::fs::read_to_string(&expected).expect("the expected text");
            assert_eq!(actual, expected, "{}", case.display());
        }
    }
    assert!(found > 5);
}
