//! The C API as compiled extensions find it: one extension, loaded by stock numpy and by ours, does the same in both.

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Run, fresh_dir, ours, root, stock};

/// Compile `probe.c` against stock numpy's headers.
fn probe() -> PathBuf {
    let dir = fresh_dir("capi_probe");
    let script =
        "import sysconfig, numpy; print(sysconfig.get_paths()['include']); print(numpy.get_include())";
    let includes = Run::new(stock(), ["-c", script]).ok();
    let mut cc = Command::new(std::env::var_os("CC").unwrap_or("cc".into()));
    cc.args(["-shared", "-fPIC", "-O1", "-w", "-o"]).arg(dir.join("probe.so"));
    for include in includes.lines() {
        cc.arg("-I").arg(include);
    }
    let built = cc.arg(root().join("interp/tests/capi/probe.c")).output().expect("start the C compiler");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    dir
}

/// The function a line is about.
fn function(line: &str) -> &str {
    line.split([' ', '(']).next().unwrap_or(line)
}

/// How many lines of a function may differ: those that did when `differ.txt` was last brought up to date.
fn allowed() -> HashMap<String, usize> {
    let text = std::fs::read_to_string(root().join("interp/tests/capi/differ.txt")).expect("committed");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, count)| (name.to_owned(), count.parse().expect("a number")))
        .collect()
}

#[test]
fn an_extension_sees_the_same_in_both() {
    let dir = probe();
    let script = root().join("interp/tests/capi/probe.py");
    let by = |program: &Path| Run::new(program, [script.as_os_str(), dir.as_os_str()]).ok();
    let (mine, theirs) = (by(ours()), by(stock()));
    assert_eq!(mine.lines().count(), theirs.lines().count(), "both write a line for each call");
    let mut found: HashMap<&str, Vec<String>> = HashMap::new();
    for (a, b) in mine.lines().zip(theirs.lines()).filter(|(a, b)| a != b) {
        found.entry(function(b)).or_default().push(format!("ours  {a}\nstock {b}"));
    }
    let allowed = allowed();
    let more: Vec<String> = found
        .iter()
        .filter(|(name, lines)| lines.len() > allowed.get(**name).copied().unwrap_or(0))
        .map(|(name, lines)| format!("{name}: {} lines differ\n{}", lines.len(), lines.join("\n")))
        .collect();
    assert!(more.is_empty(), "{}", more.join("\n\n"));
}
