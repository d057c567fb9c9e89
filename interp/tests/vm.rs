//! Regions written by hand, entered from Python functions that are spliced by hand.

use std::ffi::CString;
use std::sync::{Arc, Once};

use interp::bytecode::{BinaryOp, Boundary, Code, CompareOp, Loop, Object, Op, Outer, Position, Region};
use interp::embed::entry;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Runs a check in the one interpreter of this process, with nothing being compiled.
fn with_python(check: impl FnOnce(Python<'_>)) {
    static START: Once = Once::new();
    START.call_once(|| {
        // SAFETY: the tests of this file all begin here, and nothing else reads the environment yet.
        unsafe { std::env::set_var("MICRONUMPY_JIT", "off") };
        Python::initialize();
        Python::attach(|py| entry::install(py).expect("the VM is ready"));
    });
    Python::attach(check);
}

/// Where a piece of text stands.
fn position(source: &str, line: u32, text: &str) -> Position {
    let row = source.lines().nth(line as usize - 1).expect("the line");
    let column = row.find(text).expect("the text") as u32;
    Position { line, end_line: line, column, end_column: column + text.len() as u32 }
}

/// A region with one loop from its instructions, each with its place.
struct Sketch<'a> {
    names: &'a [&'a str],
    locals: usize,
    ops: Vec<(Op, Position)>,
    boundary: Boundary,
}

fn code(py: Python<'_>, sketch: Sketch<'_>) -> Arc<Code> {
    let Sketch { names, locals, ops, boundary } = sketch;
    let head = ops.iter().position(|(op, _)| matches!(op, Op::Loop { .. })).expect("a loop");
    let back = ops.iter().rposition(|(op, _)| matches!(op, Op::Back { .. })).expect("a way back");
    let new = Loop {
        head: head as u32,
        end: back as u32 + 1,
        parent: None,
        iter: boundary.outer.and_then(|o| o.iter),
        turns: Default::default(),
        state: Default::default(),
    };
    let string = |name: &&str| Object::new(PyString::intern(py, name).into_any().unbind());
    Arc::new(Code {
        label: "test".to_owned(),
        region: Region::Loop,
        at: (0..ops.len() as u32).collect(),
        profile: ops.iter().map(|_| Default::default()).collect(),
        positions: ops.iter().map(|(_, at)| *at).collect(),
        ops: ops.into_iter().map(|(op, _)| op).collect(),
        consts: Vec::new(),
        names: names.iter().map(string).collect(),
        loops: vec![new],
        handlers: vec![],
        handled: vec![],
        functions: vec![],
        registers: locals + 4,
        locals,
        boundary,
    })
}

/// A namespace in which `source` has been run, with the entry of a region under the names of the protocol.
fn namespace<'py>(py: Python<'py>, source: &str, code: Arc<Code>) -> Bound<'py, PyDict> {
    let entry = entry::new_entry(py, code).expect("an entry");
    let names = PyDict::new(py);
    let objects = [
        ("ENTER", entry.enter),
        ("TAKE", entry.take),
        ("DONE", entry.done),
        ("RETURNED", entry.returned),
        ("RESUME", entry.resume),
    ];
    for (name, object) in objects {
        names.set_item(name, object).expect("a name");
    }
    let source = CString::new(source).expect("no zero bytes");
    py.run(&source, Some(&names), None).expect("the source runs");
    names
}

fn eval(names: &Bound<'_, PyDict>, expression: &str) -> String {
    let py = names.py();
    let expression = CString::new(expression).expect("no zero bytes");
    match py.eval(&expression, Some(names), None) {
        Ok(value) => value.repr().expect("a repr").to_string(),
        Err(error) => error.to_string(),
    }
}

const SUM: &str = "
import traceback
def f(n, s):
    if ENTER(n, [s]): i, s = TAKE()
    elif DONE(): pass
    else:
        for i in RESUME() or range(n):
            s = s + i
    return s
def entered(n, s): return ENTER(n, [s]) and TAKE()
class Bad:
    def __add__(self, other): return self.nothing if other == 2 else self
def error():
    try: f(5, Bad())
    except AttributeError: return traceback.format_exc()
";

fn sum(py: Python<'_>) -> Arc<Code> {
    let at = |text| position(SUM, 7, text);
    let (range, add) = (at("range(n)"), position(SUM, 8, "s + i"));
    let (n, i, s, t) = (0, 1, 2, 3);
    let ops = vec![
        (Op::LoadGlobal { dst: t, name: 0 }, range),
        (Op::Move { dst: t + 1, src: n }, range),
        (Op::Call { dst: t, first: t, positional: 1, keywords: Op::NO_KEYWORDS }, range),
        (Op::GetIter { dst: t, src: t }, range),
        (Op::Loop { index: 0 }, range),
        (Op::Next { dst: i, iter: t, done: 8 }, range),
        (Op::Binary { op: BinaryOp::Add, dst: s, a: s, b: i }, add),
        (Op::Back { index: 0 }, range),
        (Op::End, range),
    ];
    let boundary = Boundary {
        inputs: vec![n],
        rebound: vec![s],
        outputs: vec![(i, 1), (s, 2)],
        outer: Some(Outer { index: 0, iter: Some(t) }),
        ..Boundary::default()
    };
    code(py, Sketch { names: &["range", "i", "s"], locals: 3, ops, boundary })
}

#[test]
fn a_loop_runs_and_hands_its_values_back() {
    with_python(|py| {
        let names = namespace(py, SUM, sum(py));
        assert_eq!(eval(&names, "entered(10, 0)"), "(9, 45)");
        assert_eq!(eval(&names, "f(10, 0.5)"), "45.5");
        assert_eq!(eval(&names, "f(5000, 2**80)"), "1208925819614629187203676");
    });
}

/// The target of a loop without turns stays unbound: nothing to take.
#[test]
fn an_output_may_stay_unbound() {
    with_python(|py| {
        let names = namespace(py, SUM, sum(py));
        assert_eq!(eval(&names, "entered(0, 1)"), "False");
        assert_eq!(eval(&names, "f(0, 1)"), "1");
    });
}

#[test]
fn an_error_has_one_entry_at_its_place() {
    with_python(|py| {
        let names = namespace(py, SUM, sum(py));
        let text: String = names.get_item("error").unwrap().unwrap().call0().unwrap().extract().unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert_eq!(lines[2], "File \"<string>\", line 8, in f", "{text}");
        assert_eq!(eval(&names, "f(3, [])"), r#"TypeError: can only concatenate list (not "int") to list"#);
    });
}

#[test]
fn an_entry_checks_what_it_is_given() {
    with_python(|py| {
        let names = namespace(py, SUM, sum(py));
        assert_eq!(eval(&names, "ENTER()"), "SystemError: test: wrong arguments of an entry");
        assert_eq!(eval(&names, "ENTER(1, [])"), "SystemError: test: wrong arguments of an entry");
        assert_eq!(eval(&names, "TAKE()"), "SystemError: a region without a result");
        assert_eq!(eval(&names, "(pickle := __import__('pickle')).loads(pickle.dumps(ENTER))(1, [2])"), "''");
    });
}

/// Somebody who follows events gets them all: the region is not entered, or left at its next turn.
#[test]
fn tracers_are_noticed() {
    with_python(|py| {
        let source = format!(
            "{SUM}
import sys
def traced(n, s):
    seen = []
    def trace(frame, event, arg):
        if frame.f_code.co_name == 'f': seen.append(frame.f_lineno)
        return trace
    sys.settrace(trace)
    try: total = f(n, s)
    finally: sys.settrace(None)
    return total, seen.count(8)
class Late:
    def __init__(self, n): self.n, self.lines = n, 0
    def trace(self, frame, event, arg):
        self.lines += event == 'line' and frame.f_lineno == 8
        return self.trace
    def __add__(self, other):
        if other == 2:
            sys.settrace(self.trace)
            sys._getframe(1).f_trace = self.trace
        return self
def late(n):
    late = Late(n)
    try: f(n, late)
    finally: sys.settrace(None)
    return late.lines
"
        );
        let names = namespace(py, &source, sum(py));
        assert_eq!(eval(&names, "traced(4, 0)"), "(6, 4)");
        assert_eq!(eval(&names, "late(10)"), "7");
        assert_eq!(eval(&names, "entered(10, 0)"), "(9, 45)");
    });
}

const COUNT: &str = "
i = 0
if not ENTER():
    while i < 10:
        i = i + step
";

/// At module level names are globals, and errors name them.
#[test]
fn module_code_works_on_the_dict() {
    with_python(|py| {
        let at = |line, text| position(COUNT, line, text);
        let ops = vec![
            (Op::Loop { index: 0 }, at(4, "while i < 10:")),
            (Op::LoadGlobal { dst: 0, name: 0 }, at(4, "i < 10")),
            (Op::LoadGlobal { dst: 1, name: 2 }, at(4, "i < 10")),
            (Op::Compare { op: CompareOp::Lt, dst: 0, a: 0, b: 1 }, at(4, "i < 10")),
            (Op::JumpIf { cond: 0, expected: false, to: 10 }, at(4, "i < 10")),
            (Op::LoadGlobal { dst: 0, name: 0 }, at(5, "i + step")),
            (Op::LoadGlobal { dst: 1, name: 1 }, at(5, "step")),
            (Op::InPlace { op: BinaryOp::Add, dst: 0, a: 0, b: 1 }, at(5, "i + step")),
            (Op::StoreGlobal { name: 0, src: 0 }, at(5, "i = i + step")),
            (Op::Back { index: 0 }, at(4, "while i < 10:")),
            (Op::End, at(4, "while i < 10:")),
        ];
        let boundary =
            Boundary { module: true, outer: Some(Outer { index: 0, iter: None }), ..Boundary::default() };
        let sketch = Sketch { names: &["i", "step", "limit"], locals: 0, ops, boundary };
        let names = namespace(py, "step, limit, i = 3, 10, 0", code(py, sketch));
        let source = CString::new(COUNT).unwrap();
        py.run(&source, Some(&names), None).unwrap();
        assert_eq!(eval(&names, "i"), "12");
        names.del_item("step").unwrap();
        let error = py.run(&source, Some(&names), None).unwrap_err();
        assert_eq!(error.to_string(), "NameError: name 'step' is not defined");
        assert_eq!(error.value(py).getattr("name").unwrap().to_string(), "step");
        let line: u32 = error.traceback(py).unwrap().getattr("tb_lineno").unwrap().extract().unwrap();
        assert_eq!(line, 5);
    });
}

/// The front end can't make the VM leave its tables.
#[test]
fn code_is_checked_when_its_entry_is_made() {
    with_python(|py| {
        let at = Position::default();
        let ops = vec![
            (Op::Loop { index: 0 }, at),
            (Op::Move { dst: 0, src: 9 }, at),
            (Op::Back { index: 0 }, at),
            (Op::End, at),
        ];
        let sketch = Sketch { names: &[], locals: 1, ops, boundary: Boundary::default() };
        let error = entry::new_entry(py, code(py, sketch)).err().expect("refused");
        assert_eq!(error.to_string(), "SystemError: test: 1: move r0 = r9: no such register");
    });
}
