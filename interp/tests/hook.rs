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

/// At the end of the process CPython ends other threads by an unwinding that must not meet ours.
#[test]
fn threads_that_never_end() {
    check("ending.py");
}

/// Counts the entries in a code object, or in the one that a function runs and `__code__` doesn't show.
const ENTRIES: &str = "
import gc, types
def entries(code):
    if isinstance(code, types.FunctionType):
        code = next(o for o in gc.get_referents(code) if isinstance(o, types.CodeType))
    return sum(type(c).__name__ == 'builtin_function_or_method' and c.__name__ == 'format' for c in code.co_consts)
";

#[test]
fn code_of_functions_is_what_cpython_compiled() {
    let dir = fresh_dir("code_of_functions");
    let text = "
def f(n):
    # Two functions of one name on one line, and one that an entry adds.
    a, b = (lambda: [i for i in range(n)]), (lambda: n)
    def inner():
        nonlocal n
        for i in range(3):
            n += i
        return n
    for i in range(n): n += inner()
    return a, b, inner
class C:
    def method(self):
        while self.i: self.i -= 1
";
    std::fs::write(dir.join("m.py"), text).expect("write a file");
    let code = format!(
        "{ENTRIES}
import marshal, sys, m
plain = next(c for c in compile(open('m.py').read(), m.__file__, 'exec').co_consts if isinstance(c, types.CodeType))
print(m.f.__code__ == plain, marshal.loads(marshal.dumps(m.f.__code__)) == plain, m.f.__code__ is m.f.__code__)
frames = []
def tracer(frame, *_):
    frames.append(frame.f_code)
sys.settrace(tracer)
a, b, inner = m.f(2)
sys.settrace(None)
print(frames[0] == m.f.__code__, m.f.__code__ in frames, m.f.__code__ in set(frames), frames[0] != inner.__code__)
print([g.__code__ in plain.co_consts for g in (a, b, inner)], entries(m.f), entries(inner), inner())
print('builtin' in repr(m.C.method.__code__.co_consts), m.C().method.__code__ is m.C.method.__code__, entries(m.C.method))
m.f.__code__ = m.f.__code__.replace(co_name='g')
print(entries(m.f), m.f.__code__.co_name, len(m.f(2)))
try:
    m.f.__code__ = 1
except TypeError as error:
    print(error)
try:
    del m.f.__code__
except TypeError as error:
    print(error)
print(types.FunctionType.__code__, types.FunctionType(inner.__code__, {{}}, closure=inner.__closure__)())
"
    );
    let printed = run_code(&code).dir(&dir).ok();
    let plainly = run_code(&code).env("MICRONUMPY_VM", "off").dir(&dir).ok();
    assert_eq!(printed.replace(" 1 1 ", " 0 0 ").replace("True 1\n", "True 0\n"), plainly);
    assert!(printed.starts_with("True True True\nTrue True True True\n[True, True, True] 1 1 "), "{printed}");
}

#[test]
fn loops_have_entries() {
    let code = format!(
        "{ENTRIES}
import sys
def f(n):
    for i in range(n):
        while i:
            i -= 1
print(entries(f), entries(sys._getframe().f_code))
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
print(entries(f), f(3), entries(g), g(3))
"#
    );
    assert_eq!(run_code(&changed).dir(&dir).ok(), "1 2 0 1\n");
    // Cells of a notebook may await, which these do not.
    let cell = format!(
        r#"{ENTRIES}
import ast, sys
text = "for i in range(2): pass\nprint(entries(sys._getframe().f_code))"
code = compile(ast.parse(text), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
exec(code, {{"entries": entries, "sys": sys}})
"#
    );
    assert_eq!(run_code(&cell).ok(), "1\n");
    // Not in the standard library, unless all are wanted.
    let code = format!("{ENTRIES}\nimport textwrap; print(entries(textwrap.dedent) > 0)");
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
