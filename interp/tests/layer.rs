//! numpy's Python layer: fetched once, whole or not at all, and never with upstream's compiled code.

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use support::{Run, fresh_dir, run_code};

const ROOT: &str =
    "from micronumpy.numpy_hook import finder; print(finder.layer().root, finder.layer().installed)";

fn entries(dir: &Path) -> Vec<String> {
    let read = std::fs::read_dir(dir).expect("read a directory");
    let mut names: Vec<_> =
        read.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn files_below(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("read a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// Only a whole layer, and the lock, may be left in a home; a process killed at the very end may leave an empty folder.
fn assert_tidy(home: &Path, layers: usize) {
    let mut left = entries(home);
    left.retain(|n| !n.starts_with(".new-") || !entries(&home.join(n)).is_empty());
    assert_eq!(left.iter().filter(|n| n.starts_with("numpy-2.4.6-cp")).count(), layers, "{left:?}");
    assert_eq!(left.len(), layers + 1, "{left:?}");
}

#[test]
fn processes_that_start_at_once_fetch_once() {
    let home = fresh_dir("layer_at_once");
    let children: Vec<_> = (0..4)
        .map(|_| {
            run_code(ROOT)
                .env("MICRONUMPY_HOME", &home)
                .command()
                .stdin(Stdio::null())
                .spawn()
                .expect("start")
        })
        .collect();
    let mut fetches = 0;
    let mut roots = Vec::new();
    for child in children {
        let output = child.wait_with_output().expect("wait");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{err}");
        fetches += err.matches("fetching").count();
        assert!(
            err.is_empty() || err == "micronumpy: fetching numpy 2.4.6's Python layer, once ... done\n",
            "{err}"
        );
        roots.push(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    assert_eq!(fetches, 1);
    roots.dedup();
    assert_eq!(roots.len(), 1);
    assert_tidy(&home, 1);

    // What is in it: tests and data, the public-API test extensions, and nothing else that is compiled.
    let root = PathBuf::from(roots[0].trim().strip_suffix(" False").expect("a private copy"));
    assert!(!root.join("numpy.libs").exists());
    let mut files = Vec::new();
    files_below(&root, &mut files);
    let mut compiled: Vec<_> = files
        .iter()
        .filter_map(|p| p.file_name()?.to_str()?.split_once(".cpython-").filter(|(_, e)| e.ends_with(".so")))
        .map(|(name, _)| name)
        .collect();
    compiled.sort();
    assert_eq!(compiled, ["_operand_flag_tests", "_rational_tests", "_struct_ufunc_tests", "_umath_tests"]);
    assert!(root.join("numpy/_core/tests/data/umath-validation-set-sin.csv").is_file());

    // The package's metadata tells what is there.
    let code = "
import importlib.metadata as m
print(m.version('numpy'), all(f.locate().exists() for f in m.files('numpy') if '..' not in f.parts))
";
    assert_eq!(run_code(code).env("MICRONUMPY_HOME", &home).ok(), "2.4.6 True\n");
}

#[test]
fn offline() {
    let home = fresh_dir("layer_offline");
    let empty = fresh_dir("layer_offline_links");
    let outcome = run_code("import numpy")
        .env("MICRONUMPY_HOME", &home)
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", &empty)
        .go();
    assert_eq!(outcome.status.code(), Some(1));
    assert!(
        outcome.err.contains("ImportError: micronumpy needs the Python layer of numpy 2.4.6"),
        "{outcome:#?}"
    );
    assert!(outcome.err.contains("Without a network"), "{outcome:#?}");
    assert_tidy(&home, 0);
}

#[test]
fn wrong_contents_are_refused() {
    let home = fresh_dir("layer_hash");
    let links = fresh_dir("layer_hash_links");
    let forge = "
import sys, sysconfig, zipfile
tag = 'cp%d%d' % sys.version_info[:2]
name = f'numpy-2.4.6-{tag}-{tag}-{sysconfig.get_platform().replace(\"-\", \"_\")}.whl'
with zipfile.ZipFile(name, 'w') as wheel:
    wheel.writestr('numpy/__init__.py', '')
    wheel.writestr('numpy-2.4.6.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: numpy\\nVersion: 2.4.6\\n')
    wheel.writestr('numpy-2.4.6.dist-info/WHEEL', f'Wheel-Version: 1.0\\nTag: {tag}-{tag}-linux\\n')
";
    run_code(forge).dir(&links).ok();
    let outcome = run_code("import numpy")
        .env("MICRONUMPY_HOME", &home)
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", &links)
        .go();
    assert_eq!(outcome.status.code(), Some(1));
    assert!(outcome.err.contains("DO NOT MATCH THE HASHES"), "{outcome:#?}");
    assert_tidy(&home, 0);
}

#[test]
fn killed_while_fetching() {
    let home = fresh_dir("layer_killed");
    for delay in [100, 300, 600, 900] {
        let mut child = run_code(ROOT).env("MICRONUMPY_HOME", &home).command().spawn().expect("start");
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().expect("kill");
        child.wait().expect("wait");
    }
    let out = run_code(ROOT).env("MICRONUMPY_HOME", &home).ok();
    assert!(out.ends_with(" False\n"), "{out}");
    assert_tidy(&home, 1);
    assert!(Path::new(out.trim().trim_end_matches(" False")).join("numpy/version.py").is_file());
}

#[test]
fn home_that_cannot_be_written() {
    let dir = fresh_dir("layer_unwritable");
    std::fs::write(dir.join("file"), "").expect("write");
    let outcome = run_code("import numpy").env("MICRONUMPY_HOME", dir.join("file/inside")).go();
    assert_eq!(outcome.status.code(), Some(1));
    assert!(outcome.err.contains("MICRONUMPY_HOME names another folder"), "{outcome:#?}");
}

#[test]
fn installed_numpy() {
    let dir = fresh_dir("layer_installed");
    let package = dir.join("numpy");
    std::fs::create_dir(&package).expect("create");
    std::fs::write(package.join("__init__.py"), "from . import extra").expect("write");
    let with = |version: &str| -> Run {
        std::fs::write(package.join("version.py"), format!("version = \"{version}\"\n")).expect("write");
        run_code(ROOT).env("PYTHONPATH", &dir)
    };
    // Exactly the pinned version: used where it is. Any other: left alone.
    assert_eq!(with("2.4.6").ok(), format!("{} True\n", dir.display()));
    assert!(with("2.3.0").ok().ends_with(" False\n"));

    // A compiled module inside the package is refused, whatever it is.
    std::fs::write(package.join("version.py"), "version = \"2.4.6\"\n").expect("write");
    let suffix = run_code("import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'), end='')").ok();
    std::fs::write(package.join(format!("extra{suffix}")), "").expect("write");
    let outcome = run_code("import numpy").env("PYTHONPATH", &dir).go();
    assert!(
        outcome.err.contains("micronumpy does not load compiled modules into numpy: numpy.extra"),
        "{outcome:#?}"
    );
}

#[test]
fn stand_ins() {
    let dir = fresh_dir("layer_standins");
    std::fs::create_dir_all(dir.join("numpy/_core")).expect("create");
    for (name, text) in
        [("__init__.py", ""), ("version.py", "version = \"2.4.6\"\n"), ("_core/__init__.py", "")]
    {
        std::fs::write(dir.join("numpy").join(name), text).expect("write");
    }
    let code = "
import numpy._core._simd as module
from numpy._core._simd import targets, _thing
class Sub(targets): pass
for use in (lambda: _thing(1, 2), lambda: targets.one(), lambda: Sub(), lambda: len(_thing), lambda: _thing[0],
            lambda: list(_thing), lambda: module.other()):
    try:
        use()
    except NotImplementedError as error:
        print(error)
assert not hasattr(module, '__path__') and not hasattr(module, '__all__')
print(module.targets is targets)
";
    let out = run_code(code).env("PYTHONPATH", &dir).ok();
    assert_eq!(out.matches("is not implemented in micronumpy").count(), 7, "{out}");
    assert!(out.starts_with("numpy._core._simd._thing is not implemented in micronumpy\n"), "{out}");
    assert!(out.ends_with("True\n"), "{out}");
}
