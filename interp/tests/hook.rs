//! Programs whose loops run in the VM behave as under CPython, to the last line of a traceback.

mod support;

use std::path::{Path, PathBuf};

use support::{Outcome, Run, fresh_dir, run, run_code};

/// With every loop in the VM, and nothing compiled.
fn in_the_vm(run: Run) -> Run {
    run.env("MICRONUMPY_VM_ALL", "1").env("MICRONUMPY_JIT", "off")
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hook").join(name)
}

#[track_caller]
fn check(name: &str) -> Outcome {
    let outcome = in_the_vm(run([case(name)])).same();
    // Compiled, too.
    run([case(name)]).env("MICRONUMPY_JIT_THRESHOLD", "2").same();
    outcome
}

#[test]
fn order_of_evaluation() {
    assert!(check("order.py").out.lines().count() > 150);
}

#[test]
fn deaths_of_objects() {
    check("deaths.py");
}

#[test]
fn tracebacks_and_warnings() {
    assert!(check("tracebacks.py").out.contains("^^^^^"));
}

#[test]
fn variables() {
    check("scopes.py");
}

#[test]
fn ways_out() {
    check("leaving.py");
}

#[test]
fn tracers() {
    check("tracing.py");
}

#[test]
fn sources() {
    check("sources.py");
}

#[test]
fn exceptions() {
    assert!(check("exceptions.py").out.contains("During handling"));
}

#[test]
fn functions() {
    check("functions.py");
}

#[test]
fn signals_and_threads() {
    check("signals.py");
}

/// Prints how many entries the code of something has.
const ENTRIES: &str = "
def entries(code):
    return sum(type(c).__name__ == 'builtin_function_or_method' and c.__name__ == 'format' for c in code.co_consts)
";

#[test]
fn loops_have_entries() {
    let code = format!(
        "{ENTRIES}
import sys
def f(n):
    for i in range(n):
        while i:
            i -= 1
print(entries(f.__code__), entries(sys._getframe().f_code))
for i in range(3): pass
"
    );
    assert_eq!(run_code(&code).ok(), "2 1\n");
    assert_eq!(run_code(&code).env("MICRONUMPY_VM", "off").ok(), "0 0\n");
    let dir = fresh_dir("loops_have_entries");
    std::fs::write(dir.join("script.py"), &code).expect("write a file");
    assert_eq!(run(["script.py"]).dir(&dir).ok(), "2 1\n");
    assert_eq!(run(["-m", "script"]).dir(&dir).ok(), "2 1\n");
    assert_eq!(run_code("import script").dir(&dir).ok(), "2 1\n");
    // From the cached byte code, which has none.
    assert_eq!(run_code("import script").dir(&dir).ok(), "2 1\n");
    let cached = "import glob, marshal; code = marshal.loads(open(glob.glob('__pycache__/*.pyc')[0], 'rb').read()[16:]); print([type(c).__name__ for c in code.co_consts])";
    assert!(!run_code(cached).dir(&dir).ok().contains("builtin"));
    // From a file that has changed since: what is still the same.
    let changed = format!(
        r#"{ENTRIES}
text = "def f(n):\n    for i in range(n): pass\n    return i\ndef g(n):\n    for i in range(n): n = 1\n    return 1\n"
open("m.py", "w").write(text.replace("return 1", "return 2"))
code = compile(text, "m.py", "exec")
for _ in range(20):
    compile("for i in range(2): pass", "other.py", "exec")
exec(code, space := {{}})
f, g = space["f"], space["g"]
print(entries(f.__code__), f(3), entries(g.__code__), g(3))
"#
    );
    assert_eq!(run_code(&changed).dir(&dir).ok(), "1 2 0 1\n");
    // Not in the standard library, unless all are wanted.
    let code = format!("{ENTRIES}\nimport textwrap; print(entries(textwrap.dedent.__code__) > 0)");
    assert_eq!(run_code(&code).ok(), "False\n");
    assert_eq!(run_code(&code).env("MICRONUMPY_VM_ALL", "1").ok(), "True\n");
}

#[test]
fn main_programs() {
    let dir = fresh_dir("main_programs");
    let looping = "for i in range(3): print(i, end=' ')\n";
    let check = |name: &str, text: &str| {
        std::fs::write(dir.join(name), format!("{looping}{text}")).expect("write a file");
        run([name, "argument"]).dir(&dir).same();
        run(["-c", &format!("{looping}{text}"), "argument"]).dir(&dir).same();
        run(["-O", "-X", "dev", name]).dir(&dir).same();
    };
    check(
        "attributes.py",
        "import sys\nprint(sorted(globals()), sys.argv, sys.path[0], __name__, __doc__, __spec__, type(__loader__))",
    );
    check(
        "file.py",
        "import atexit\nprint(globals().get('__file__'))\natexit.register(lambda: print('__file__' in globals()))",
    );
    check("exit.py", "raise SystemExit(5)");
    check("message.py", "raise SystemExit('a message')");
    check("error.py", "def f():\n    for i in range(3):\n        1 / (1 - i)\nf()");
    check("interrupt.py", "raise KeyboardInterrupt");
    check("warns.py", "x = i is 3\nassert (x, 'always')\nprint('\\d')");
    check("hook.py", "import sys\nsys.excepthook = lambda *a: print(a[0], '__file__' in globals())\n1 / 0");
    check("frames.py", "import sys\nprint(sys._getframe().f_back, len(__import__('inspect').stack()))");
    check("broken.py", "def");
    check("future.py", "def f(x: undefined): pass\nfrom __future__ import annotations");
    check("audit.py", "import sys\nsys.addaudithook(lambda name, args: None)");
    check("inspect.py", "import os\nos.environ['PYTHONINSPECT'] = '1'");
    run(["-i", "attributes.py"]).dir(&dir).input("i\nfor k in range(2): k\n\n").same();
    run(["-x", "exit.py"]).dir(&dir).same();
    run(["-W", "error", "warns.py"]).dir(&dir).same();
    run(["-i", "error.py"]).dir(&dir).input("import sys\nprint(sys.last_value)\n1 / 0\n").same();
    run(["-"]).input(looping).same();
    for text in [
        "import sys\nprint(sys.argv, sorted(globals()), __file__)",
        "raise SystemExit(3)",
        "x = = 1",
        "1 / 0",
        "input()",
    ] {
        run(["-", "argument"]).input(&format!("{looping}{text}\n")).same();
        run::<&str>([]).input(&format!("{text}\n")).same();
    }
    std::fs::write(dir.join("latin.py"), b"# coding: latin-1\nfor c in 'a\xe9': print(ascii(c))\n")
        .expect("write a file");
    run(["latin.py"]).dir(&dir).same();
}
