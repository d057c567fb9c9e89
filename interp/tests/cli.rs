//! The executable behaves as `python` does. Most tests run the same command line under both and compare.

mod support;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;

use support::{Run, fresh_dir, host, ours, run, run_code};

fn write(dir: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("create a directory");
    std::fs::write(&path, text).expect("write a file");
    path
}

const SHOW: &str =
    "import sys; print(sys.argv, sys.path[0], __name__, sys.flags, sys.warnoptions, sys._xoptions)";

#[test]
fn options_mean_what_they_mean() {
    for options in [
        "",
        "-O",
        "-OO",
        "-B",
        "-b",
        "-E",
        "-I",
        "-S",
        "-s",
        "-P",
        "-u",
        "-v -q",
        "-Wd",
        "-W error::UserWarning",
        "-X dev",
        "-X utf8",
        "-X int_max_str_digits=0",
        "-R",
        "-q -d",
    ] {
        let mut args: Vec<&str> = options.split_whitespace().collect();
        args.extend(["-c", SHOW, "one", "-two", "--three"]);
        if args.contains(&"-v") {
            // The import log tells our finder apart; the rest does not.
            let outcomes = [run(&args).go(), run(&args).by_host().go()];
            assert_eq!(outcomes[0].out, outcomes[1].out);
        } else {
            run(&args).same();
        }
    }
}

#[test]
fn version_and_help() {
    run(["-V"]).same();
    run(["--version"]).same();
    run(["-VV"]).same();
    run(["-h"]).same();
    run(["--help-env"]).same();
    run(["--help-xoptions"]).same();
}

#[test]
fn wrong_command_lines() {
    assert_eq!(run(["--no-such-option"]).same().status.code(), Some(2));
    assert_eq!(run(["-c"]).same().status.code(), Some(2));
    assert_eq!(run(["no/such/file.py"]).same().status.code(), Some(2));
    assert_eq!(run(["-m", "no_such_module"]).same().status.code(), Some(1));
}

#[test]
fn exit_codes() {
    for (code, status) in [
        ("pass", 0),
        ("raise SystemExit", 0),
        ("raise SystemExit(None)", 0),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit(-1)", 255),
        ("import sys; sys.exit('a message')", 1),
        ("import os; os._exit(9)", 9),
        ("1/0", 1),
        ("def", 1),
        ("import atexit; atexit.register(print, 'bye'); print('hello')", 0),
        ("import sys; sys.stdout.close(); sys.stderr.close()", 0),
    ] {
        assert_eq!(run_code(code).same().status.code(), Some(status), "{code}");
    }
}

#[test]
fn sources_of_code() {
    let dir = fresh_dir("sources_of_code");
    let script = write(
        &dir,
        "script.py",
        &format!("{SHOW}\nprint(__file__, __spec__ and __spec__.name, __doc__)\nif True:\n    1 / 0\n"),
    );
    run([&script]).dir(&dir).same();
    run(["script.py", "a", "b"]).dir(&dir).same();
    run(["./script.py"]).dir(&dir).same();
    run(["-i", "script.py"]).dir(&dir).input("print(sys.argv)\n").same();
    run(["-m", "script", "x"]).dir(&dir).same();

    write(&dir, "package/__main__.py", &format!("{SHOW}\nprint(__package__)\n"));
    write(&dir, "package/__init__.py", "");
    run(["-m", "package", "x"]).dir(&dir).same();
    run(["package", "x"]).dir(&dir).same();
    run(["-m", "zipfile", "-c", "app.zip", "package/__main__.py"]).dir(&dir).ok();
    run(["-m", "zipfile", "-l", "app.zip"]).dir(&dir).same();
    let app = "import zipfile; z = zipfile.ZipFile('main.zip', 'w'); z.writestr('__main__.py', 'import sys; print(sys.argv)')";
    run_code(app).dir(&dir).ok();
    run(["main.zip", "y"]).dir(&dir).same();
    run(["app.zip"]).dir(&dir).same();

    write(&dir, "broken.py", "def f(:\n    pass\n");
    run(["broken.py"]).dir(&dir).same();
    run(["-x", "script.py"]).dir(&dir).same();
}

#[test]
fn standard_input() {
    run(["-"]).input("import sys\nprint(sys.argv)\n").same();
    run(["-", "a"]).input("import sys\nprint(sys.argv)\n1/0\n").same();
    run::<&str>([]).input("print(1)\nprint(2)\n").same();
    run(["-i"]).input("x = 1\nx\n1/0\nimport sys; sys.exit(4)\n").same();
    run(["-q", "-i", "-c", "x = 5"]).input("x\n").same();
}

#[test]
fn environment_variables() {
    let dir = fresh_dir("environment_variables");
    write(&dir, "there.py", "print('found')");
    write(&dir, "startup.py", "print('started')");
    let show = "import sys; print(sys.path, sys.flags, sys.warnoptions, sys.stdout.encoding, hash('a'))";
    run_code("import there").env("PYTHONPATH", &dir).same();
    run_code(show).env("PYTHONHASHSEED", "0").same();
    run_code(show)
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONWARNINGS", "error")
        .env("PYTHONOPTIMIZE", "2")
        .same();
    run_code(show)
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONIOENCODING", "latin-1")
        .env("PYTHONSAFEPATH", "1")
        .same();
    run_code(show).env("PYTHONHASHSEED", "0").env("LC_ALL", "C").same();
    run_code(show)
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONNOUSERSITE", "1")
        .env("PYTHONPLATLIBDIR", "lib")
        .same();
    let home = host().parent().and_then(Path::parent).expect("bin/python has a prefix");
    run_code(show).env("PYTHONHASHSEED", "0").env("PYTHONHOME", home).same();
    run(["-i"]).input("1\n").env("PYTHONSTARTUP", dir.join("startup.py")).same();
    run_code("print('x')").env("PYTHONINSPECT", "1").input("2 + 3\n").same();
}

#[test]
fn arguments_are_bytes() {
    let odd = OsStr::from_bytes(b"caf\xe9");
    let show = OsStr::new("import sys; print(ascii(sys.argv))");
    run([OsStr::new("-c"), show, odd, OsStr::new("\u{e9}")]).same();
    run([OsStr::new("-c"), show, odd]).env("LC_ALL", "C").same();
}

#[test]
fn installation_is_the_hosts() {
    run_code(
        "import sys; print(sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, sys.path)",
    )
    .same();
    run_code("import sysconfig, json; print(json.dumps(sysconfig.get_paths(), indent=1))").same();
    run_code("import site; print(site.getsitepackages(), site.ENABLE_USER_SITE)").same();
    run(["-m", "pip", "--version"]).same();
    // Extension modules of the standard library find the symbols they need.
    run_code("import _ctypes, _decimal, _ssl, _sqlite3, array, math, readline, zlib; print(math.pi)").same();
}

#[test]
fn warnings_filters() {
    let code = "import warnings; warnings.warn('careful'); print('after')";
    assert_eq!(run(["-W", "error", "-c", code]).same().status.code(), Some(1));
    assert_eq!(run(["-W", "ignore", "-c", code]).same().err, "");
    run(["-c", code]).same();
}

#[test]
fn executable_is_ours() {
    let code = "import sys; print(sys.executable, sys._base_executable, sys.orig_argv[0], sep='\\n')";
    let ours_line = ours().to_string_lossy();
    assert!(run_code(code).ok().lines().all(|line| line == ours_line));

    // Found through PATH, and through a symbolic link under another name.
    let dir = fresh_dir("executable_is_ours");
    let link = dir.join("mnp");
    std::os::unix::fs::symlink(ours(), &link).expect("link");
    let found = Run::new(Path::new("mnp"), ["-c", code]).env("PATH", &dir).ok();
    assert_eq!(found.lines().next(), Some(&*link.to_string_lossy()));
    assert_eq!(Run::new(&link, ["-c", code]).ok().lines().next(), Some(&*link.to_string_lossy()));
}

#[test]
fn child_processes_are_ours() {
    let dir = fresh_dir("child_processes");
    let code = "
import subprocess, sys
child = 'import sys; print(\"_micronumpy\" in sys.builtin_module_names, sys.executable)'
print(subprocess.run([sys.executable, '-c', child], capture_output=True, text=True).stdout.strip())
";
    assert_eq!(run_code(code).ok().trim(), format!("True {}", ours().display()));

    let script = write(
        &dir,
        "pool.py",
        "
import multiprocessing, os, sys

def work(x):
    return x * x, os.environ['PARENT'] != str(os.getpid()), '_micronumpy' in sys.builtin_module_names

if __name__ == '__main__':
    os.environ['PARENT'] = str(os.getpid())
    for method in 'spawn', 'fork', 'forkserver':
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(work, range(3)))
",
    );
    let out = run([&script]).ok();
    let each = "[(0, True, True), (1, True, True), (4, True, True)]";
    assert_eq!(out, format!("spawn {each}\nfork {each}\nforkserver {each}\n"));
}

/// Starts code that prints a line when it is ready, sends it a signal, and returns how it ended.
fn interrupted(program: &Path, code: &str, signal: i32) -> (std::process::ExitStatus, String) {
    let mut command = Run::new(program, ["-u", "-c", code]).command();
    // A shell's background job starts us with SIGINT ignored, and ignored signals are inherited.
    // SAFETY: `signal` may be called between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGINT, libc::SIG_DFL);
            Ok(())
        })
    };
    let mut child = command.spawn().expect("start a process");
    let mut ready = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    out.read_line(&mut ready).expect("read a line");
    assert_eq!(ready, "ready\n");
    // Past the print, into what follows it.
    std::thread::sleep(std::time::Duration::from_millis(300));
    // SAFETY: our own child, not yet waited for.
    unsafe { libc::kill(child.id() as i32, signal) };
    let mut err = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut err).expect("read stderr");
    (child.wait().expect("wait"), err)
}

#[test]
fn signals() {
    let sleep = "import time; print('ready'); time.sleep(60)";
    for (code, signal) in [
        (sleep, libc::SIGINT),
        (sleep, libc::SIGTERM),
        ("print('ready')\nwhile True: pass", libc::SIGINT),
        (
            "import time\ntry:\n    print('ready'); time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(3)",
            libc::SIGINT,
        ),
    ] {
        let (mine, theirs) = (interrupted(ours(), code, signal), interrupted(host(), code, signal));
        assert_eq!(mine, theirs);
    }
    assert_eq!(interrupted(ours(), sleep, libc::SIGINT).0.signal(), Some(libc::SIGINT));
    run_code("import signal; print([(s, str(signal.getsignal(s))) for s in sorted(signal.valid_signals())])")
        .same();
}

#[test]
fn virtual_environments() {
    let dir = fresh_dir("venvs");
    let show = "import sys; print(sys.prefix, sys.base_prefix, sys.executable, [p for p in sys.path if 'site-packages' in p])";
    let base = host().parent().and_then(Path::parent).expect("bin/python has a prefix");

    // Made by us: its python is ours.
    let env = dir.join("ours");
    run([OsStr::new("-m"), OsStr::new("venv"), OsStr::new("--without-pip"), env.as_os_str()]).ok();
    for name in ["python", "python3", "micronumpy"] {
        let python = env.join("bin").join(name);
        let seen = Run::new(&python, ["-c", show]).ok();
        assert!(
            seen.starts_with(&format!("{} {} {} [", env.display(), base.display(), python.display())),
            "{seen}"
        );
        assert!(!seen.contains(&format!("{}/lib/python3", base.display())), "{seen}");
        let native =
            Run::new(&python, ["-c", "import sys; print('_micronumpy' in sys.builtin_module_names)"]).ok();
        assert_eq!(native, "True\n");
    }
    let nested = "import sys; print(sys._base_executable)";
    assert_eq!(Run::new(&env.join("bin/python"), ["-c", nested]).ok().trim(), ours().to_string_lossy());

    // Made by the host and activated: we use its packages under our own name.
    let env = dir.join("theirs");
    Run::new(host(), [OsStr::new("-m"), OsStr::new("venv"), OsStr::new("--without-pip"), env.as_os_str()])
        .ok();
    let mine = run_code(show).env("VIRTUAL_ENV", &env).ok();
    let theirs = Run::new(&env.join("bin/python"), ["-c", show]).ok();
    assert_eq!(mine, theirs.replace(&*env.join("bin/python").to_string_lossy(), &ours().to_string_lossy()));

    // Activated, but for another version: said, and not used.
    let env = dir.join("other");
    write(&env, "pyvenv.cfg", "home = /nowhere\nversion = 3.1.0\n");
    let other = run_code("import sys; print(sys.prefix)").env("VIRTUAL_ENV", &env).go();
    assert_eq!(other.out.trim(), base.to_string_lossy());
    assert!(other.err.contains("VIRTUAL_ENV"), "{other:?}");
}

#[test]
fn package_is_built_in() {
    let code = "
import inspect, linecache, micronumpy, micronumpy.layer, micronumpy.numpy_hook, traceback
assert inspect.getsource(micronumpy.layer).startswith('\"\"\"numpy')
assert inspect.getsource(micronumpy.layer.Layer).startswith('class Layer')
assert linecache.getline(micronumpy.layer.__file__, 1).startswith('\"\"\"numpy')
try:
    micronumpy.layer.Layer()
except TypeError:
    pass
try:
    micronumpy.layer._version_at(3)
except TypeError as error:
    print(''.join(traceback.format_exception(error)))
";
    let out = run_code(code).env("PYTHONPATH", "/nonexistent").ok();
    assert!(out.contains("with open(os.path.join(package, \"version.py\")"), "{out}");
    // `micronumpy -m micronumpy` adds nothing to `micronumpy`.
    run(["-m", "micronumpy", "-c", "import sys; print(sys.argv)", "x"]).ok();
    let seen =
        run(["-W", "error", "-m", "micronumpy", "-c", "import sys; print(sys.argv, sys.warnoptions)", "x"])
            .ok();
    assert_eq!(seen, "['-c', 'x'] ['error']\n");
}

/// The memory map of a process that has used numpy holds nothing of upstream's compiled half.
#[test]
fn nothing_of_upstream_is_loaded() {
    let code = "
import numpy as np, micronumpy.info
assert np.arange(10).sum() == 45
assert np.linalg._umath_linalg.__file__ == __import__('sys').executable
library = np.ctypeslib.load_library('_multiarray_umath', np._core._multiarray_umath.__file__)
assert library.forward_pointer(5) == 5
maps = open('/proc/self/maps').read()
print([line for line in maps.splitlines() if '/numpy/' in line or 'numpy.libs' in line], micronumpy.info.upstream_loaded())
";
    assert_eq!(run_code(code).ok(), "[] []\n");
    let report = run(["-m", "micronumpy.info", "--json"]).ok();
    let check = "import json, sys; d = json.load(sys.stdin); print(d['numpy']['version'], d['numpy']['upstream_loaded'])";
    assert_eq!(run_code(check).input(&report).ok(), "2.4.6 []\n");
}
