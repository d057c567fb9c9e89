//! The Python package, in an ordinary Python: same finder, other process.
//!
//! The package is put together here as the wheel would install it, so that the test needs no build tool but cargo.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use support::{Run, fresh_dir, host};

/// The `python` of a virtual environment with the package in it.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let env = fresh_dir("package").join("venv");
        Run::new(host(), ["-m".as_ref(), "venv".as_ref(), "--without-pip".as_ref(), env.as_os_str()]).ok();
        let python = env.join("bin/python");
        let site = Run::new(&python, ["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]).ok();
        let site = Path::new(site.trim());
        let ext = Path::new(env!("CARGO_MANIFEST_DIR")).join("../micronumpy/ext");
        let package = site.join("micronumpy");
        std::fs::create_dir(&package).expect("create");
        for entry in std::fs::read_dir(ext.join("python/micronumpy")).expect("the package's files") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                std::fs::copy(&path, package.join(path.file_name().expect("a file name"))).expect("copy");
            }
        }
        let pth = "micronumpy-hook.pth";
        std::fs::copy(ext.join("data/platlib").join(pth), site.join(pth)).expect("copy");
        std::fs::copy(library(), package.join("_micronumpy.so")).expect("copy");
        python
    })
}

/// Builds the extension library. Cargo does not do that for tests of other crates.
fn library() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp is inside the target directory");
    let shared = "import sysconfig; print(sysconfig.get_config_var('Py_ENABLE_SHARED'))";
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "micronumpy-ext"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut folder = target.to_owned();
    if Run::new(host(), ["-c", shared]).ok().trim() != "1" {
        // A second copy of a static libpython must not come in with the library.
        folder = target.join("ext");
        cargo.env("PYO3_BUILD_EXTENSION_MODULE", "1");
    }
    cargo.arg("--target-dir").arg(&folder);
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    if profile == "release" {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("run cargo").success());
    folder.join(profile).join("lib_micronumpy.so")
}

fn run(args: &[&str]) -> Run {
    Run::new(python(), args)
}

const HOOKED: &str = "import sys; print('micronumpy.numpy_hook' in sys.modules)";

#[test]
fn plain_python_is_left_alone() {
    assert_eq!(run(&["-c", HOOKED]).ok(), "False\n");
    assert_eq!(run(&["-c", "import sys; print([m for m in sys.modules if 'micronumpy' in m])"]).ok(), "[]\n");
}

#[test]
fn module_takes_pythons_command_line() {
    let dir = fresh_dir("package_commands");
    let script = "import sys; print(sys.argv, sys.flags.optimize, sys.warnoptions, 'micronumpy.numpy_hook' in sys.modules)";
    std::fs::write(dir.join("script.py"), script).expect("write");
    for (options, args, expected) in [
        (&[][..], &["script.py", "a", "-m"][..], "['script.py', 'a', '-m'] 0 [] True"),
        (&["-O", "-W", "error"], &["script.py"], "['script.py'] 1 ['error'] True"),
        (&[], &["-W", "ignore", "-c", script, "-x"], "['-c', '-x'] 0 ['ignore'] True"),
        (&["-OO"], &["-m", "script", "-q"], "-q'] 2 [] True"),
    ] {
        let args: Vec<&str> = options.iter().chain(&["-m", "micronumpy"]).chain(args).copied().collect();
        let out = run(&args).dir(&dir).ok();
        assert!(out.trim().ends_with(expected), "{args:?}: {out}");
    }
    assert_eq!(run(&["-Om", "micronumpy", "script.py"]).dir(&dir).ok(), "['script.py'] 1 [] True\n");
    assert_eq!(run(&["-mmicronumpy", "script.py"]).dir(&dir).ok(), "['script.py'] 0 [] True\n");
    assert_eq!(run(&["-m", "micronumpy"]).input(HOOKED).ok(), "True\n");
    assert_eq!(run(&["-m", "micronumpy", "-c", "raise SystemExit(5)"]).go().status.code(), Some(5));
}

#[test]
fn child_processes_are_reached() {
    let code = format!(
        "
import multiprocessing, subprocess, sys
def hooked():
    assert 'micronumpy.numpy_hook' in sys.modules
for options in [], ['-E'], ['-I']:
    child = subprocess.run([sys.executable, *options, '-c', \"{HOOKED}\"], capture_output=True, text=True)
    print(child.stdout.strip())
if __name__ == '__main__':
    for method in 'fork', 'spawn', 'forkserver':
        process = multiprocessing.get_context(method).Process(target=sys.intern, args=('x',))
        process.start(); process.join()
        print(process.exitcode)
"
    );
    assert_eq!(run(&["-m", "micronumpy", "-c", &code]).ok(), "True\nTrue\nTrue\n0\n0\n0\n");
}

#[test]
fn hook_by_import() {
    let order = "
import sys, types
sys.modules['numpy'] = types.ModuleType('numpy')
import micronumpy.numpy_hook
";
    let outcome = run(&["-c", order]).go();
    assert!(outcome.err.contains("has to be imported before numpy"), "{outcome:#?}");

    let code = "
import micronumpy.numpy_hook
import numpy as np, micronumpy.info, sys
assert np.arange(10).sum() == 45
assert np._core._multiarray_umath.__file__.endswith('/micronumpy/_micronumpy.so')
print(micronumpy.info.upstream_loaded())
";
    assert_eq!(run(&["-c", code]).ok(), "[]\n");
}

/// How many loops of a function have entries into the VM.
const LOOPS: &str = "
import gc, types
def loops(function):
    consts = next(o for o in gc.get_referents(function) if isinstance(o, types.CodeType)).co_consts
    return sum(type(c).__name__ == 'builtin_function_or_method' and c.__name__ == 'format' for c in consts)
def f(n):
    total = 0
    for i in range(n):
        total += i
    return total
";

#[test]
fn loops_are_entered() {
    let dir = fresh_dir("loops_are_entered");
    let show = format!("{LOOPS}\nprint(loops(f), f(1000))\n");
    std::fs::write(dir.join("script.py"), &show).expect("write a file");
    for args in [
        &["-m", "micronumpy", "script.py"][..],
        &["-m", "micronumpy", "-m", "script"],
        &["-m", "micronumpy", "-c", &show],
    ] {
        assert_eq!(run(args).dir(&dir).ok(), "1 499500\n");
    }
    let import = "import micronumpy.numpy_hook, sys; sys.path.insert(0, ''); import script";
    assert_eq!(run(&["-c", import]).dir(&dir).ok(), "1 499500\n");
    assert_eq!(run(&["script.py"]).dir(&dir).ok(), "0 499500\n");
}

#[test]
fn single_functions_are_entered() {
    let dir = fresh_dir("single_functions");
    let script = format!(
        "{LOOPS}
import micronumpy, pickle
g = micronumpy.jit(f)
print(g is f, loops(f), f(1000))

def maker(x):
    @micronumpy.jit
    def inner(n, /, a=2, *, b=3):
        total = x
        while n:
            n -= 1
            total += a * b
        return total
    return inner

inner = maker(5)
print(loops(inner), inner(10), inner(10, 1, b=1), maker(6)(1))

@micronumpy.jit
def no_loop(x):
    return x
print(loops(no_loop), no_loop(3))

class C:
    @micronumpy.jit
    def method(self, n):
        for self.__last in range(n):
            pass
        return self.__last
print(loops(C.method), C().method(4), vars(C))

exec('def unknown(n):\\n    for i in range(n): pass\\n    return i')
print(micronumpy.jit(unknown)(5), loops(unknown))
for bad in 5, len:
    try:
        micronumpy.jit(bad)
    except TypeError as error:
        print(error)
"
    );
    std::fs::write(dir.join("script.py"), script).expect("write a file");
    let out = run(&["script.py"]).dir(&dir).ok();
    let seen: Vec<&str> = out.lines().collect();
    assert_eq!(seen[0], "True 1 499500");
    assert_eq!(seen[1], "1 65 15 12");
    assert_eq!(seen[2], "0 3");
    assert!(seen[3].starts_with("1 3 {"), "{out}");
    assert_eq!(seen[4], "4 0");
    assert!(seen[5].contains("5") && seen[6].contains("len"), "{out}");
}
