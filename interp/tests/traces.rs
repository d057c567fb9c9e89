//! What compiled loops consist of, as facts in text files next to the programs: of every loop's best form, how often memory
//! is read and written in a turn, how many guards and calls are left, and whether several elements are computed at a time (how
//! many depends on the processor).
//!
//! `UPDATE_TRACES=1` writes the files anew.

mod support;

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;

use support::{Run, fresh_dir, ours, root};

/// An innermost loop of a trace.
#[derive(Default)]
struct Facts {
    loads: usize,
    stores: usize,
    guards: usize,
    calls: usize,
    lanes: usize,
}

/// The innermost loops in the text of a trace.
fn innermost(trace: &[&str]) -> Vec<Facts> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_loop = |line: &str| {
        let line = line.trim_start();
        line.starts_with("loop ") || line.contains(" = loop ")
    };
    let mut all = vec![];
    for (at, head) in trace.iter().enumerate().filter(|(_, line)| is_loop(line)) {
        let body: Vec<&str> =
            trace[at + 1..].iter().copied().take_while(|line| indent(line) > indent(head)).collect();
        if body.iter().any(|line| is_loop(line)) {
            continue;
        }
        let count = |what: &str| body.iter().filter(|line| line.contains(what)).count();
        let lanes = body
            .iter()
            .flat_map(|line| line.split([' ', '.', ',']))
            .filter_map(|word| {
                let (scalar, lanes) = word.split_once('x')?;
                let is_type = scalar.len() < 4 && scalar.starts_with(['f', 'i', 'u', 'b']);
                is_type.then(|| lanes.parse().ok()).flatten()
            })
            .max();
        all.push(Facts {
            loads: count("= load."),
            stores: count("store "),
            guards: count("guard."),
            calls: count("call "),
            lanes: lanes.unwrap_or(1),
        });
    }
    all
}

/// Facts about the loops of a program.
fn facts(name: &str) -> String {
    let program = root().join(format!("interp/tests/traces/{name}.py"));
    let source = fs::read_to_string(&program).expect("a program");
    let log = fresh_dir(&format!("traces-{name}")).join("log");
    let args = [OsString::from(program)];
    let ran = Run::new(ours(), &args).env("MICRONUMPY_LOG", format!("vec:{}", log.display())).ok();
    let log = fs::read_to_string(log).expect("a log");
    let mut found: Vec<(usize, Facts)> = vec![];
    for text in log.split("{vec ").filter(|text| text.contains(&format!("{name}.py:"))) {
        let lines: Vec<&str> = text.lines().collect();
        let line: usize =
            lines[0].split(".py:").nth(1).and_then(|l| l.split(' ').next()?.parse().ok()).expect("a line");
        let best = innermost(&lines).into_iter().min_by_key(|f| (usize::MAX - f.lanes, f.guards));
        let Some(best) = best else { continue };
        // The last recording knows most.
        found.retain(|(other, _)| *other != line);
        found.push((line, best));
    }
    found.sort_by_key(|(line, _)| *line);
    // They all were run.
    assert_eq!(ran.trim().parse(), Ok(found.len()), "loops that were entered");
    let mut out = String::new();
    for (line, f) in found {
        let function = source.lines().take(line).filter_map(|l| l.strip_prefix("def ")).last();
        let function = function.and_then(|f| f.split('(').next()).unwrap_or("module");
        let code = source.lines().nth(line - 1).unwrap_or("").trim();
        writeln!(
            out,
            "{function}: {code} {}, loads {}, stores {}, guards {}, calls {}",
            if f.lanes > 1 { "vectors" } else { "scalars" },
            f.loads,
            f.stores,
            f.guards,
            f.calls
        )
        .expect("a string");
    }
    out
}

fn check(name: &str) {
    let expected = root().join(format!("interp/tests/traces/{name}.txt"));
    let found = facts(name);
    if std::env::var_os("UPDATE_TRACES").is_some() {
        fs::write(&expected, &found).expect("a file of facts");
    }
    assert_eq!(fs::read_to_string(expected).expect("facts"), found);
}

#[test]
fn loops_over_elements() {
    check("elements");
}

#[test]
fn loops_over_rows() {
    check("rows");
}

#[test]
fn loops_with_small_arrays() {
    check("small");
}
