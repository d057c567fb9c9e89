//! What a trace is run with, and what came out, as text.
//!
//! ```text
//! case    = NAME "(" [arg {"," arg}] ")"
//! arg     = literal | buffer ["+" n] | "&" n ["+" n] | "null"
//! buffer  = "[" type ":" [item {"," item}] "]" ["!" n]
//! item    = literal ["x" n] | n ".." n
//! outcome = "@" n "(" [literal {"," literal}] ")" ["calls" "(" [n {"," n}] ")"] ["with" after {"," after}]
//! after   = buffer | "_"
//! ```
//!
//! A buffer is an argument of type `ptr`: memory with these elements. `+ n` points at its byte `n` instead of the first
//! one; `&0` points into the buffer argument 0 came with. `!n` is the class accesses must have there. An outcome lists
//! the buffers afterwards, `_` for one that did not change; without `with` none did. `calls` lists what `test.note` was
//! called with. In an outcome the literal `NaN` stands for every NaN.

use std::fmt::{self, Display, Formatter};

use jit::ir::{Const, MemClass, Scalar, Trace, Ty};
use jit::semantics::is_nan;

/// Memory and what is in it, elements in canonical form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Buffer {
    pub scalar: Scalar,
    pub elems: Vec<u64>,
    pub class: MemClass,
}

impl Buffer {
    pub fn bytes(&self) -> Vec<u8> {
        let size = self.scalar.size();
        self.elems.iter().flat_map(|e| e.to_le_bytes()[..size].to_vec()).collect()
    }
    /// The elements of memory that was this buffer once. A byte for a `bool` is given as it is.
    pub fn read(&self, bytes: &[u8]) -> Vec<u64> {
        let element = |b: &[u8]| {
            let mut all = [0; 8];
            all[..b.len()].copy_from_slice(b);
            let bits = u64::from_le_bytes(all);
            if self.scalar == Scalar::Bool { bits } else { Const::canonical(self.scalar, bits).bits }
        };
        bytes.chunks_exact(self.scalar.size()).map(element).collect()
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arg {
    Scalar(Const),
    /// Byte `offset` of a buffer.
    Pointer {
        buffer: usize,
        offset: i64,
    },
}

/// Arguments of a trace.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Case {
    pub name: String,
    pub args: Vec<Arg>,
    pub buffers: Vec<Buffer>,
}

/// What running a trace led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Of the exit.
    pub key: u64,
    pub values: Vec<Const>,
    /// What `test.note` was called with.
    pub calls: Vec<u64>,
    /// The elements of every buffer.
    pub buffers: Vec<Vec<u64>>,
}

/// Whether two results are the same as far as results are defined: any NaN is as good as another.
pub fn same(s: Scalar, a: u64, b: u64) -> bool {
    a == b || is_nan(s, a) && is_nan(s, b)
}

impl Outcome {
    /// The first difference from what is expected, in words.
    pub fn difference(&self, expected: &Outcome, case: &Case) -> Option<String> {
        if self.key != expected.key {
            return Some(format!("left by @{} instead of @{}", self.key, expected.key));
        }
        for (i, (a, b)) in self.values.iter().zip(&expected.values).enumerate() {
            if !same(a.scalar, a.bits, b.bits) {
                return Some(format!("value {i} is {a} instead of {b}"));
            }
        }
        if self.values.len() != expected.values.len() {
            return Some(format!("{} values instead of {}", self.values.len(), expected.values.len()));
        }
        if self.calls != expected.calls {
            return Some(format!("calls {:?} instead of {:?}", self.calls, expected.calls));
        }
        for (k, buffer) in case.buffers.iter().enumerate() {
            let (a, b) = (&self.buffers[k], &expected.buffers[k]);
            let s = buffer.scalar;
            if let Some(i) = (0..a.len()).find(|&i| !same(s, a[i], b[i])) {
                let (a, b) = (literal(s, a[i]), literal(s, b[i]));
                return Some(format!("element {i} of buffer {k} is {a} instead of {b}"));
            }
        }
        None
    }
}

fn literal(scalar: Scalar, bits: u64) -> String {
    match scalar {
        Scalar::Bool if bits > 1 => format!("{bits:#x}"),
        _ => Const { scalar, bits }.to_string(),
    }
}
/// For outcomes, where one NaN is as good as another.
fn result_literal(scalar: Scalar, bits: u64) -> String {
    if is_nan(scalar, bits) { "NaN".into() } else { literal(scalar, bits) }
}

struct Elements<'a>(Scalar, &'a [u64], fn(Scalar, u64) -> String);

impl Display for Elements<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Elements(scalar, elems, literal) = *self;
        write!(f, "[{scalar}:")?;
        for (i, run) in elems.chunk_by(|a, b| a == b).enumerate() {
            f.write_str(if i > 0 { ", " } else { " " })?;
            let text = literal(scalar, run[0]);
            match run.len() {
                1 => f.write_str(&text)?,
                // Short repetitions read better spelt out.
                n if n <= 3 => f.write_str(&vec![text; n].join(", "))?,
                n => write!(f, "{text} x {n}")?,
            }
        }
        f.write_str("]")
    }
}

impl Display for Case {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        let mut first_use: Vec<Option<usize>> = vec![None; self.buffers.len()];
        for (i, arg) in self.args.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match *arg {
                Arg::Scalar(Const { scalar: Scalar::Ptr, bits: 0 }) => f.write_str("null")?,
                Arg::Scalar(c) => write!(f, "{c}")?,
                Arg::Pointer { buffer, offset } => {
                    match first_use[buffer] {
                        Some(earlier) => write!(f, "&{earlier}")?,
                        None => {
                            first_use[buffer] = Some(i);
                            let b = &self.buffers[buffer];
                            write!(f, "{}", Elements(b.scalar, &b.elems, literal))?;
                            if b.class != MemClass::ANY {
                                write!(f, " !{}", b.class.0)?;
                            }
                        }
                    }
                    if offset != 0 {
                        write!(f, " + {offset}")?;
                    }
                }
            }
        }
        f.write_str(")")
    }
}

impl Outcome {
    pub fn display<'a>(&'a self, case: &'a Case) -> impl Display + 'a {
        fmt::from_fn(move |f| {
            write!(f, "@{}(", self.key)?;
            for (i, c) in self.values.iter().enumerate() {
                write!(f, "{}{}", if i > 0 { ", " } else { "" }, result_literal(c.scalar, c.bits))?;
            }
            f.write_str(")")?;
            if !self.calls.is_empty() {
                write!(
                    f,
                    " calls ({})",
                    self.calls.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
                )?;
            }
            let changed = |k: usize| self.buffers[k] != case.buffers[k].elems;
            if let Some(last) = (0..self.buffers.len()).rfind(|&k| changed(k)) {
                for k in 0..=last {
                    f.write_str(if k == 0 { " with " } else { ", " })?;
                    if changed(k) {
                        write!(f, "{}", Elements(case.buffers[k].scalar, &self.buffers[k], result_literal))?;
                    } else {
                        f.write_str("_")?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// Reads the text forms.
struct Reader<'a>(&'a str);

type Read<T> = Result<T, String>;

impl<'a> Reader<'a> {
    fn skip(&mut self) {
        self.0 = self.0.trim_start();
    }
    fn accept(&mut self, text: &str) -> bool {
        self.skip();
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }
    fn expect(&mut self, text: &str) -> Read<()> {
        if self.accept(text) { Ok(()) } else { Err(format!("expected '{text}' before '{}'", self.0)) }
    }
    /// Everything up to a delimiter; a range keeps its dots.
    fn word(&mut self) -> &'a str {
        self.skip();
        let end = self.0.find(|c: char| c.is_whitespace() || ",()[]:!+@&".contains(c));
        // The sign of an exponent belongs to its number.
        let end = match end {
            Some(at) if self.0[at..].starts_with('+') && self.0[..at].ends_with('e') => {
                let rest = &self.0[at + 1..];
                Some(at + 1 + rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()))
            }
            end => end,
        };
        let (word, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        word
    }
    fn number<T: std::str::FromStr>(&mut self) -> Read<T> {
        let word = self.word();
        word.parse().map_err(|_| format!("'{word}' is not a number that fits here"))
    }
    fn constant(&mut self, s: Scalar) -> Read<Const> {
        let word = self.word();
        Const::parse(s, word).ok_or_else(|| format!("'{word}' is not a literal of type {s}"))
    }
    /// A result: as a constant, and `NaN` is one of `f16` too.
    fn result(&mut self, s: Scalar) -> Read<Const> {
        if s == Scalar::F16 && self.accept("NaN") {
            return Ok(Const { scalar: s, bits: 0x7e00 });
        }
        self.constant(s)
    }
    fn elements(&mut self) -> Read<(Scalar, Vec<u64>)> {
        self.expect("[")?;
        let word = self.word();
        let scalar = match Ty::parse(word) {
            Some(Ty { scalar, lanes: 1 }) if scalar != Scalar::Ptr => scalar,
            _ => return Err(format!("'{word}' is not a type of elements")),
        };
        self.expect(":")?;
        let mut elems = vec![];
        if self.accept("]") {
            return Ok((scalar, elems));
        }
        loop {
            let before = self.0;
            let word = self.word();
            if let Some((first, end)) = word.split_once("..") {
                let bound = |text: &str| text.parse::<i64>().map_err(|_| format!("'{word}' is not a range"));
                for n in bound(first)?..bound(end)? {
                    elems.push(jit::semantics::convert(Scalar::I64, scalar, n as u64));
                }
            } else {
                self.0 = before;
                // Bytes that are neither 0 nor 1 are part of the tests of `bool`.
                let bits = match word.strip_prefix("0x").filter(|_| scalar == Scalar::Bool) {
                    Some(hex) => {
                        self.word();
                        u8::from_str_radix(hex, 16).map_err(|e| e.to_string())?.into()
                    }
                    None => self.result(scalar)?.bits,
                };
                let times = if self.accept("x ") { self.number()? } else { 1 };
                elems.extend(std::iter::repeat_n(bits, times));
            }
            if self.accept("]") {
                return Ok((scalar, elems));
            }
            self.expect(",")?;
        }
    }
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self, usize) -> Read<T>) -> Read<Vec<T>> {
        self.expect("(")?;
        let mut items = vec![];
        if self.accept(")") {
            return Ok(items);
        }
        loop {
            items.push(item(self, items.len())?);
            if self.accept(")") {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }

    fn case(&mut self, tr: &Trace) -> Read<Case> {
        let mut case = Case { name: self.word().to_string(), ..Case::default() };
        if case.name != tr.name {
            return Err(format!("the trace above is {}, not {}", tr.name, case.name));
        }
        let args = self.list(|r, i| {
            let &param = tr.params().get(i).ok_or("more arguments than parameters")?;
            let ty = tr.ty(param);
            if ty != Ty::PTR {
                return Ok(Arg::Scalar(r.constant(ty.scalar)?));
            }
            if r.accept("null") {
                return Ok(Arg::Scalar(Const { scalar: Scalar::Ptr, bits: 0 }));
            }
            let buffer = if r.accept("&") {
                Err(r.number::<usize>()?)
            } else {
                let (scalar, elems) = r.elements()?;
                let class = if r.accept("!") { MemClass(r.number()?) } else { MemClass::ANY };
                case.buffers.push(Buffer { scalar, elems, class });
                Ok(case.buffers.len() - 1)
            };
            let offset = if r.accept("+") { r.number()? } else { 0 };
            match buffer {
                Ok(buffer) => Ok(Arg::Pointer { buffer, offset }),
                // The number of an argument for now, see below.
                Err(arg) => Ok(Arg::Pointer { buffer: usize::MAX - arg, offset }),
            }
        })?;
        for arg in &args {
            case.args.push(match *arg {
                Arg::Pointer { buffer, offset } if buffer >= case.buffers.len() => {
                    match case.args.get(usize::MAX - buffer) {
                        Some(&Arg::Pointer { buffer, .. }) => Arg::Pointer { buffer, offset },
                        _ => return Err(format!("&{} is no buffer before it", usize::MAX - buffer)),
                    }
                }
                ref arg => arg.clone(),
            });
        }
        if case.args.len() != tr.params().len() {
            return Err(format!("{} arguments for {} parameters", case.args.len(), tr.params().len()));
        }
        Ok(case)
    }

    fn outcome(&mut self, tr: &Trace, case: &Case) -> Read<Outcome> {
        self.expect("@")?;
        let key: u64 = self.number()?;
        let snap = tr.snapshots.iter().find(|s| s.key == key).ok_or(format!("there is no exit @{key}"))?;
        let values = self.list(|r, i| {
            let &v = snap.values.get(i).ok_or("more values than the exit has")?;
            r.result(tr.ty(v).scalar)
        })?;
        let calls = if self.accept("calls") { self.list(|r, _| r.number())? } else { vec![] };
        let mut buffers: Vec<Vec<u64>> = case.buffers.iter().map(|b| b.elems.clone()).collect();
        if self.accept("with") {
            for (b, elems) in case.buffers.iter().zip(&mut buffers) {
                if !self.accept("_") {
                    let (scalar, after) = self.elements()?;
                    if scalar != b.scalar || after.len() != elems.len() {
                        return Err("a buffer keeps its type and length".into());
                    }
                    *elems = after;
                }
                if !self.accept(",") {
                    break;
                }
            }
        }
        Ok(Outcome { key, values, calls, buffers })
    }
}

/// A case of a trace, with its outcome if the text goes on with `==`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse(text: &str, tr: &Trace) -> Result<(Case, Option<Outcome>), String> {
    let mut r = Reader(text);
    let case = r.case(tr)?;
    let outcome = if r.accept("==") { Some(r.outcome(tr, &case)?) } else { None };
    r.skip();
    if r.0.is_empty() { Ok((case, outcome)) } else { Err(format!("'{}' follows the end", r.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_read_back() {
        let tr =
            jit::ir::parse("trace t(v0: ptr, v1: f64, v2: ptr, v3: ptr) { exit @4(v1, v1) }").expect("text");
        let text = "t([i8: -1, 2 x 4, 7] !3, -1.5e+20, &0 + 2, null)";
        let (case, none) = parse(text, &tr[0]).expect("a case");
        assert_eq!((case.to_string(), none), (text.replace("e+20", "e20"), None));
        assert_eq!(case.args[2], Arg::Pointer { buffer: 0, offset: 2 });
        let with = "t([f32: 0..3], 1.0, &0, null) == @4(NaN, 0x7ff8000000000001) calls (1, 2) with [f32: 1.0, NaN, 2.0]";
        let (case, outcome) = parse(with, &tr[0]).expect("a case");
        let outcome = outcome.expect("an outcome");
        assert_eq!(case.buffers[0].elems[2], u64::from(2f32.to_bits()));
        assert_eq!(
            format!("{case} == {}", outcome.display(&case)),
            "t([f32: 0.0, 1.0, 2.0], 1.0, &0, null) == @4(NaN, NaN) calls (1, 2) with [f32: 1.0, NaN, 2.0]"
        );
        assert!(parse("t()", &tr[0]).is_err() && parse("u()", &tr[0]).is_err());
    }
}
