//! The C API as compiled extensions find it: one extension, loaded by stock numpy and by ours, does the same in both.

mod support;

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

/// Lines that differ, with those of stock numpy.
fn differences(mine: &str, theirs: &str) -> Vec<String> {
    let (mine, theirs): (Vec<&str>, Vec<&str>) = (mine.lines().collect(), theirs.lines().collect());
    let mut out: Vec<String> = mine
        .iter()
        .zip(&theirs)
        .filter(|(a, b)| a != b)
        .map(|(a, b)| format!("ours  {a}\nstock {b}"))
        .collect();
    if mine.len() != theirs.len() {
        out.push(format!("{} lines, stock numpy writes {}", mine.len(), theirs.len()));
    }
    out
}

#[test]
fn an_extension_sees_the_same_in_both() {
    let dir = probe();
    let script = root().join("interp/tests/capi/probe.py");
    let by = |program: &Path| Run::new(program, [script.as_os_str(), dir.as_os_str()]).ok();
    let found = differences(&by(ours()), &by(stock()));
    assert!(found.is_empty(), "{} lines differ:\n{}", found.len(), found[..found.len().min(40)].join("\n"));
}
