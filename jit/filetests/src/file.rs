//! Test files.
//!
//! A file `*.trace` has directives on top, one a line, then traces, each followed by what belongs to it:
//!
//! ```text
//! ; test run
//! ; test opt fold
//! ; what the traces are about
//!
//! trace double(v0: i64) {
//!     v1 = add v0, v0
//!     exit @0(v1)
//! }
//! ; run: double(21) == @0(42)
//! ; expect opt fold:
//! ;     trace double(v0: i64) {
//! ;     ...
//! ```
//!
//! | directive | checks |
//! |---|---|
//! | `test verify` | the trace is well formed, or the mistake is the expected one |
//! | `test cat` | its printed form |
//! | `test opt [pass,...]` | its form after these passes, or the standard ones |
//! | `test vec [bytes]` | its form after the standard passes and the vectoriser, for registers of so many bytes, each value in one |
//! | `test compile name` | the machine code a back end makes, or why it makes none |
//! | `test run` | every `run:` line, in every way of [`crate::variants`] |
//!
//! With `BLESS=1` in the environment the `expect` blocks are written anew, and so is the outcome of a `run:` line that
//! has none. Run lines that have one are never changed. Traces and their closing braces start in the first column.

use jit::ir::{self, Trace};

/// A directive, without `test`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directive {
    pub name: String,
    pub args: String,
}

impl Directive {
    fn title(&self) -> String {
        format!("{} {}", self.name, self.args).trim_end().to_string()
    }
}

/// A trace of a file with what belongs to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Number of its first line.
    pub line: usize,
    /// The lines of the trace, with those of the file in front that are needed to read it.
    pub source: String,
    /// Comments behind it that are neither of the following, and blank lines.
    pub text: Vec<String>,
    /// Run lines, without `; run:`, with their line numbers.
    pub runs: Vec<(usize, String)>,
    /// Title of a directive, and what is expected of it.
    pub expects: Vec<(String, String)>,
}

/// A file taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    pub directives: Vec<Directive>,
    pub head: Vec<String>,
    /// Declarations of functions, for all traces.
    pub externs: Vec<String>,
    pub items: Vec<Item>,
}

const EXPECT_INDENT: &str = ";     ";

impl File {
    /// Takes the text of a file apart.
    ///
    /// # Errors
    /// A line that belongs nowhere.
    pub fn parse(text: &str) -> Result<File, String> {
        let mut file = File { directives: vec![], head: vec![], externs: vec![], items: vec![] };
        let mut lines = text.lines().enumerate().peekable();
        while let Some((n, line)) = lines.next() {
            if let Some(rest) = line.strip_prefix("; test ") {
                let (name, args) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
                file.directives.push(Directive { name: name.into(), args: args.trim().into() });
            }
            if line.starts_with("extern ") {
                file.externs.push(line.into());
            } else if line.starts_with("trace ") {
                let mut source = String::from(line);
                while !source.ends_with("\n}") {
                    let (_, next) = lines.next().ok_or(format!("line {}: the trace has no end", n + 1))?;
                    source.push('\n');
                    source.push_str(next);
                }
                let item = Item { line: n + 1, source, text: vec![], runs: vec![], expects: vec![] };
                file.items.push(item);
            } else if let Some(item) = file.items.last_mut() {
                if let Some(run) = line.strip_prefix("; run: ") {
                    item.runs.push((n + 1, run.into()));
                } else if let Some(title) = line.strip_prefix("; expect ") {
                    let mut body = String::new();
                    while let Some((_, l)) = lines.next_if(|(_, l)| l.starts_with(EXPECT_INDENT) || *l == ";")
                    {
                        body.push_str(l.strip_prefix(EXPECT_INDENT).unwrap_or_default());
                        body.push('\n');
                    }
                    item.expects.push((title.trim_end_matches(':').into(), body));
                } else if line.is_empty() || line.starts_with(';') {
                    item.text.push(line.into());
                } else {
                    return Err(format!("line {}: neither a trace nor a comment", n + 1));
                }
            } else if line.is_empty() || line.starts_with(';') {
                file.head.push(line.into());
            } else {
                return Err(format!("line {}: neither a trace nor a comment", n + 1));
            }
        }
        if file.directives.is_empty() {
            return Err("there is no test directive".into());
        }
        if file.items.is_empty() {
            return Err("there is no trace".into());
        }
        Ok(file)
    }

    /// The trace of an item, as far as it can be read.
    ///
    /// # Errors
    /// That of the parser, with the line counted from the trace's first, so that blessing does not shift it.
    pub fn trace(&self, item: &Item) -> Result<Trace, String> {
        let text = format!("{} {}", self.externs.join(" "), item.source);
        let mut traces = ir::parse(&text).map_err(|e| e.to_string())?;
        traces.pop().ok_or_else(|| "no trace".to_string())
    }

    /// The text of the file.
    pub fn print(&self) -> String {
        let mut out = String::new();
        let mut put = |line: &str| {
            out.push_str(line);
            out.push('\n');
        };
        let mut head = self.head.clone();
        while head.last().is_some_and(String::is_empty) {
            head.pop();
        }
        head.iter().for_each(|l| put(l));
        if !self.externs.is_empty() {
            put("");
            self.externs.iter().for_each(|l| put(l));
        }
        for item in &self.items {
            put("");
            put(&item.source);
            item.runs.iter().for_each(|(_, run)| put(&format!("; run: {run}")));
            for (title, body) in &item.expects {
                put(&format!("; expect {title}:"));
                body.lines().for_each(|l| put(format!("{EXPECT_INDENT}{l}").trim_end()));
            }
            let mut text = item.text.as_slice();
            while text.last().is_some_and(String::is_empty) {
                text = &text[..text.len() - 1];
            }
            while text.first().is_some_and(String::is_empty) {
                text = &text[1..];
            }
            if !text.is_empty() {
                put("");
                text.iter().for_each(|l| put(l));
            }
        }
        out
    }

    /// Replaces what is expected of a directive; without text nothing is.
    pub fn bless(&mut self, item: usize, directive: &Directive, text: &str) {
        let title = directive.title();
        let expects = &mut self.items[item].expects;
        match expects.iter_mut().find(|(t, _)| *t == title) {
            _ if text.is_empty() => expects.retain(|(t, _)| *t != title),
            Some((_, body)) => *body = text.into(),
            None => expects.push((title, text.into())),
        }
    }

    /// What is expected of a directive, nothing if the file does not say.
    pub fn expected(&self, item: usize, directive: &Directive) -> &str {
        let title = directive.title();
        self.items[item].expects.iter().find(|(t, _)| *t == title).map_or("", |(_, body)| body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "; test run
; test opt fold
; About something.

extern test.odd(i64) -> bool

trace t(v0: i64) {
    exit @0(v0)
}
; run: t(1) == @0(1)
; expect opt fold:
;     trace t(v0: i64) {
;
;     }

; About the next one.

trace u() {
    exit @0()
}
";

    #[test]
    fn files_read_back() {
        let mut file = File::parse(TEXT).expect("a file");
        assert_eq!(file.print(), TEXT);
        assert_eq!((file.items.len(), file.items[1].line), (2, 18));
        let opt = file.directives[1].clone();
        assert_eq!(file.expected(0, &opt), "trace t(v0: i64) {\n\n}\n");
        file.bless(1, &opt, "x\n");
        assert_eq!(File::parse(&file.print()).expect("a file").expected(1, &opt), "x\n");
        assert_eq!(file.trace(&file.items[0]).expect("a trace").name, "t");
    }
}
