//! Carries out the directives of a test file.

use jit::ir::{Trace, verify};

use crate::case;
use crate::externs;
use crate::file::{Directive, File};
use crate::variants;

/// Back ends that must take every trace of a `test run`.
pub const TOTAL: &[&str] = &["reference", "cranelift"];

/// Tests a file. With `bless`, expected texts are written instead of compared; gives the new text if it differs.
///
/// # Errors
/// All that is wrong with it, a line or more for each.
pub fn test(text: &str, bless: bool) -> Result<Option<String>, String> {
    let mut file = File::parse(text)?;
    let mut errors = vec![];
    for directive in file.directives.clone() {
        for item in 0..file.items.len() {
            let result = match directive.name.as_str() {
                "run" => run(&mut file, item, bless),
                _ => compare(&mut file, item, &directive, bless),
            };
            if let Err(e) = result {
                errors.push(format!("line {}: {e}", file.items[item].line));
            }
        }
    }
    let runs = file.directives.iter().any(|d| d.name == "run");
    if let Some(item) = file.items.iter().find(|i| runs == i.runs.is_empty()) {
        let what = if runs { "no run line" } else { "run lines, but no test of them" };
        errors.push(format!("line {}: there is {what}", item.line));
    }
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    let new = file.print();
    Ok((bless && new != text).then_some(new))
}

/// A directive that makes text of a trace.
fn compare(file: &mut File, item: usize, directive: &Directive, bless: bool) -> Result<(), String> {
    let text = output(file, item, directive)?;
    if bless {
        file.bless(item, directive, &text);
        return Ok(());
    }
    let expected = file.expected(item, directive);
    if text.trim_end() == expected.trim_end() {
        return Ok(());
    }
    Err(format!("test {} {}\n--- expected\n{expected}--- found\n{text}", directive.name, directive.args))
}

fn output(file: &File, item: usize, directive: &Directive) -> Result<String, String> {
    let read = file.trace(&file.items[item]);
    if directive.name == "verify" {
        // That is is well formed is expected silently.
        let checked = read.and_then(|tr| verify(&tr).map_err(|e| e.to_string()));
        return Ok(checked.err().map_or(String::new(), |e| e + "\n"));
    }
    let mut tr: Trace = read?;
    verify(&tr).map_err(|e| e.to_string())?;
    let args = directive.args.as_str();
    match directive.name.as_str() {
        "cat" => {}
        "opt" if args.is_empty() => jit::opt::optimise(&mut tr),
        "opt" => {
            let passes: Option<Vec<_>> = args.split(',').map(|name| jit::opt::by_name(name.trim())).collect();
            let passes = passes.ok_or_else(|| format!("there is no pass among these: {args}"))?;
            jit::opt::run(&passes, &mut tr);
        }
        "vec" => {
            let vector_bytes = if args.is_empty() { Ok(16) } else { args.parse() };
            let vector_bytes = vector_bytes.map_err(|_| format!("not a number of bytes: {args}"))?;
            jit::opt::optimise(&mut tr);
            jit::vec::vectorise(&mut tr, jit::vec::Target { vector_bytes, unroll: 1 });
        }
        "compile" => {
            externs::link(&mut tr)?;
            return variants::listing(&tr, args);
        }
        other => return Err(format!("there is no test {other}")),
    }
    verify(&tr).map_err(|e| format!("{e}, after {}\n{tr}", directive.name))?;
    Ok(tr.to_string())
}

fn run(file: &mut File, item: usize, bless: bool) -> Result<(), String> {
    let mut tr = file.trace(&file.items[item])?;
    let (mut cases, mut expected) = (vec![], vec![]);
    for (line, text) in &file.items[item].runs {
        let (case, outcome) = case::parse(text, &tr).map_err(|e| format!("line {line}: {e}"))?;
        cases.push(case);
        expected.push(outcome);
    }
    for ((case, outcome), (line, text)) in cases.iter().zip(expected).zip(&mut file.items[item].runs) {
        let found = variants::expected(&mut tr, case).map_err(|e| format!("line {line}: {e}"))?;
        match outcome {
            Some(outcome) => {
                if let Some(difference) = found.difference(&outcome, case) {
                    return Err(format!("line {line}: reference: {difference}"));
                }
            }
            None if bless => text.push_str(&format!(" == {}", found.display(case))),
            None => return Err(format!("line {line}: the outcome is missing: {}", found.display(case))),
        }
    }
    let (_, declined) = variants::check(&tr, &cases).map_err(|e| e.to_string())?;
    match declined.iter().find(|d| TOTAL.contains(&d.backend)) {
        Some(d) => Err(format!("{} declined it: {}", d.backend, d.why)),
        None => Ok(()),
    }
}
