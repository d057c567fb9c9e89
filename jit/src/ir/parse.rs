//! Reads the text of traces.
//!
//! ```text
//! file    = { extern | trace }
//! extern  = "extern" NAME "(" [ty {"," ty}] ")" ["->" ty] {"reads" | "writes" | "raises"}
//! trace   = "trace" NAME "(" [v ":" ty {"," v ":" ty}] ")" ["status"] ["ahead"] block
//! block   = "{" { [vs "="] inst } "}"
//! inst    = "const." ty literal            | op v {"," v}             | "fma" v "," v "," v
//!         | cond v "," v                   | "select" v "," v "," v   | "convert." ty v
//!         | "bitcast." ty v                | "splat." n v             | "iota." ty
//!         | "lane." n v                    | "reduce." op v           | "load." ty access
//!         | "store" v "," access           | "lea" addr               | "call" NAME "(" vs ")"
//!         | "guard." bool v "else" snap    | "exit" snap              | "break" v "(" vs ")"
//!         | "yield" "(" vs ")"             | "if" v block "else" block
//!         | "loop" [v "in" v ".." v ["step" n]] ["carry" "(" v "=" v {"," v "=" v} ")"] block
//! addr    = v "[" v "*" (n | v) ["+" n] "]"  |  v "[" n "]"
//! access  = addr ["by" (n | v)] ["!" n]
//! snap    = "@" n "(" vs ")"
//! ```
//!
//! A literal is a number in Rust's notation, `true`, `false`, `inf`, `NaN`, or `0x` and the bits. `;` starts a comment
//! that ends with its line. Values get numbers in order of appearance, whatever they are called in the text.

use std::collections::HashMap;
use std::fmt;

use super::builder::Builder;
use super::op::{Binary, Cond, Overflow, Unary};
use super::trace::*;
use super::ty::{Scalar, Ty};

/// Why a text is not a trace, and in which line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    pub line: usize,
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

type Result<T> = std::result::Result<T, ParseError>;

/// All traces of a text.
///
/// # Errors
/// The first place that does not follow the grammar or uses an unknown name.
pub fn parse(text: &str) -> Result<Vec<Trace>> {
    let mut p =
        Parser { tokens: lex(text)?, at: 0, externs: vec![], names: HashMap::new(), calls: HashMap::new() };
    let mut traces = vec![];
    while let Some(token) = p.peek() {
        match token {
            "extern" => p.declaration()?,
            "trace" => traces.push(p.trace()?),
            other => return Err(p.error(format!("expected a trace, found '{other}'"))),
        }
    }
    Ok(traces)
}

impl Const {
    /// The constant a literal of this type names.
    pub fn parse(scalar: Scalar, text: &str) -> Option<Const> {
        let bits = if let Some(hex) = text.strip_prefix("0x") {
            u64::from_str_radix(hex, 16).ok()?
        } else {
            match scalar {
                Scalar::Bool => u64::from(text.parse::<bool>().ok()?),
                Scalar::F64 => text.parse::<f64>().ok()?.to_bits(),
                Scalar::F32 => u64::from(text.parse::<f32>().ok()?.to_bits()),
                Scalar::F16 | Scalar::Ptr => return None,
                s if s.is_signed() => text.parse::<i64>().ok()? as u64,
                _ => text.parse::<u64>().ok()?,
            }
        };
        (Const::canonical(scalar, bits).bits == bits).then_some(Const { scalar, bits })
    }
}

struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Words keep dots, so that `load.f64` and `1.5` are one token; `..` stands alone.
fn lex(text: &str) -> Result<Vec<Token<'_>>> {
    let mut tokens = vec![];
    for (n, full) in text.lines().enumerate() {
        let (line, src) = (n + 1, full.split(';').next().unwrap_or_default());
        let bytes = src.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            let start = i;
            let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            match bytes[i] {
                b if b.is_ascii_whitespace() => {
                    i += 1;
                    continue;
                }
                b'.' if bytes.get(i + 1) == Some(&b'.') => i += 2,
                b'-' if bytes.get(i + 1) == Some(&b'>') => i += 2,
                b if word(b) || b == b'-' => {
                    i += 1;
                    while i < bytes.len() {
                        let inside = word(bytes[i])
                            || (bytes[i] == b'.' && bytes.get(i + 1) != Some(&b'.'))
                            // The exponent of a decimal number.
                            || (matches!(bytes[i], b'-' | b'+')
                                && bytes[i - 1] == b'e'
                                && bytes[start..i].iter().any(u8::is_ascii_digit)
                                && bytes[start..i - 1].iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-')));
                        if !inside {
                            break;
                        }
                        i += 1;
                    }
                }
                b if b.is_ascii_punctuation() => i += 1,
                _ => return Err(ParseError { line, message: "a character that is not ASCII".into() }),
            }
            tokens.push(Token { text: &src[start..i], line });
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    externs: Vec<CallDescr>,
    /// Values of the current trace by the names they have in the text.
    names: HashMap<&'a str, Value>,
    calls: HashMap<&'a str, CallId>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).map(|t| t.text)
    }
    fn error(&self, message: impl Into<String>) -> ParseError {
        let line = self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |t| t.line);
        ParseError { line, message: message.into() }
    }
    fn next(&mut self) -> Result<&'a str> {
        let text = self.peek().ok_or_else(|| self.error("the text ends early"))?;
        self.at += 1;
        Ok(text)
    }
    fn accept(&mut self, text: &str) -> bool {
        let found = self.peek() == Some(text);
        self.at += usize::from(found);
        found
    }
    fn expect(&mut self, text: &str) -> Result<()> {
        match self.peek() {
            Some(t) if t == text => {
                self.at += 1;
                Ok(())
            }
            Some(t) => Err(self.error(format!("expected '{text}', found '{t}'"))),
            None => Err(self.error(format!("expected '{text}', found the end"))),
        }
    }
    /// An error about the token read last.
    fn reject<T>(&mut self, what: &str) -> Result<T> {
        self.at -= 1;
        let text = self.peek().unwrap_or_default();
        Err(self.error(format!("{what}: '{text}'")))
    }
    fn scalar(&mut self) -> Result<Scalar> {
        let text = self.next()?;
        match Ty::parse(text) {
            Some(ty) if !ty.is_vector() => Ok(ty.scalar),
            _ => self.reject("not a scalar type"),
        }
    }
    fn ty(&mut self) -> Result<Ty> {
        let text = self.next()?;
        match Ty::parse(text) {
            Some(ty) => Ok(ty),
            None => self.reject("not a type"),
        }
    }
    fn number<T: std::str::FromStr>(&mut self) -> Result<T> {
        let text = self.next()?;
        match text.parse() {
            Ok(n) => Ok(n),
            Err(_) => self.reject("not a number that fits here"),
        }
    }
    fn value(&mut self) -> Result<Value> {
        let text = self.next()?;
        match self.names.get(text) {
            Some(&v) => Ok(v),
            None => self.reject("no value of this name is defined here"),
        }
    }
    fn bind(&mut self, name: &'a str, v: Value) -> Result<()> {
        match self.names.insert(name, v) {
            None => Ok(()),
            Some(_) => Err(self.error(format!("'{name}' is defined twice"))),
        }
    }
    /// Something between commas up to a closing parenthesis; the opening one is read here too.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect("(")?;
        let mut items = vec![];
        if self.accept(")") {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.accept(")") {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }
    fn values(&mut self) -> Result<Vec<Value>> {
        self.list(Self::value)
    }

    fn declaration(&mut self) -> Result<()> {
        self.expect("extern")?;
        let name = self.next()?.to_string();
        let params = self.list(Self::scalar)?;
        let result = if self.accept("->") { Some(self.scalar()?) } else { None };
        let mut effects = Effects::PURE;
        loop {
            if self.accept("reads") {
                effects.reads = true;
            } else if self.accept("writes") {
                effects.writes = true;
            } else if self.accept("raises") {
                effects.raises = true;
            } else {
                break;
            }
        }
        self.externs.push(CallDescr { name, params, result, effects, addr: 0, tile: 0 });
        Ok(())
    }

    fn trace(&mut self) -> Result<Trace> {
        self.expect("trace")?;
        let mut b = Builder::new(self.next()?);
        self.names.clear();
        self.calls.clear();
        let params = self.list(|p| {
            let name = p.next()?;
            p.expect(":")?;
            Ok((name, p.ty()?))
        })?;
        for (name, ty) in params {
            let v = b.param(ty);
            self.bind(name, v)?;
        }
        if self.accept("status") {
            b.observe_status();
        }
        if self.accept("ahead") {
            b.read_ahead();
        }
        self.expect("{")?;
        while !self.accept("}") {
            self.inst(&mut b)?;
        }
        Ok(b.finish())
    }

    fn stride(&mut self) -> Result<Stride> {
        match self.peek().and_then(|t| t.parse().ok()) {
            Some(n) => {
                self.at += 1;
                Ok(Stride::Const(n))
            }
            None => Ok(Stride::Value(self.value()?)),
        }
    }
    fn addr(&mut self) -> Result<Addr> {
        let base = self.value()?;
        self.expect("[")?;
        let mut addr = Addr { base, index: None, disp: 0 };
        match self.peek().and_then(|t| t.parse().ok()) {
            Some(disp) => {
                self.at += 1;
                addr.disp = disp;
            }
            None => {
                let index = self.value()?;
                self.expect("*")?;
                addr.index = Some((index, self.stride()?));
                if self.accept("+") {
                    addr.disp = self.number()?;
                }
            }
        }
        self.expect("]")?;
        Ok(addr)
    }
    fn access(&mut self) -> Result<Access> {
        let addr = self.addr()?;
        let lane_stride = if self.accept("by") { Some(self.stride()?) } else { None };
        let class = if self.accept("!") { MemClass(self.number()?) } else { MemClass::ANY };
        Ok(Access { addr, class, lane_stride })
    }
    fn snap(&mut self) -> Result<(u64, Vec<Value>)> {
        self.expect("@")?;
        Ok((self.number()?, self.values()?))
    }
    fn literal(&mut self, scalar: Scalar) -> Result<Const> {
        let text = self.next()?;
        match Const::parse(scalar, text) {
            Some(c) => Ok(c),
            None => self.reject("not a constant of this type"),
        }
    }

    fn inst(&mut self, b: &mut Builder) -> Result<()> {
        // Names before `=`.
        let start = self.at;
        let mut targets = vec![];
        loop {
            targets.push(self.next()?);
            if !self.accept(",") {
                break;
            }
        }
        if !self.accept("=") {
            self.at = start;
            targets.clear();
        }
        let results = self.operation(b)?;
        if results.len() != targets.len() {
            return Err(self.error(format!("{} names for {} results", targets.len(), results.len())));
        }
        targets.into_iter().zip(results).try_for_each(|(name, v)| self.bind(name, v))
    }

    fn pair(&mut self) -> Result<(Value, Value)> {
        let a = self.value()?;
        self.expect(",")?;
        Ok((a, self.value()?))
    }
    fn triple(&mut self) -> Result<(Value, Value, Value)> {
        let (a, b) = self.pair()?;
        self.expect(",")?;
        Ok((a, b, self.value()?))
    }

    /// Reads one operation; gives its results.
    fn operation(&mut self, b: &mut Builder) -> Result<Vec<Value>> {
        let text = self.next()?;
        let one = |v: Value| Ok(vec![v]);
        if let Some(op) = Unary::parse(text) {
            let a = self.value()?;
            return one(b.unary(op, a));
        }
        if let Some(op) = Binary::parse(text) {
            let (x, y) = self.pair()?;
            return one(b.binary(op, x, y));
        }
        if let Some(op) = Overflow::parse(text) {
            let (x, y) = self.pair()?;
            return one(b.overflow(op, x, y));
        }
        if let Some(cond) = Cond::parse(text) {
            let (x, y) = self.pair()?;
            return one(b.compare(cond, x, y));
        }
        let (head, suffix) = text.split_once('.').unwrap_or((text, ""));
        let ty = Ty::parse(suffix);
        let scalar = ty.filter(|ty| !ty.is_vector()).map(|ty| ty.scalar);
        match (head, ty, scalar) {
            ("const", _, Some(s)) => {
                let c = self.literal(s)?;
                one(b.constant(c))
            }
            ("convert", _, Some(s)) => {
                let a = self.value()?;
                one(b.convert(a, s))
            }
            ("bitcast", _, Some(s)) => {
                let a = self.value()?;
                one(b.bitcast(a, s))
            }
            ("iota", Some(ty), _) => one(b.iota(ty)),
            ("load", Some(ty), _) => {
                let access = self.access()?;
                one(b.load(ty, access))
            }
            ("splat" | "lane", ..) => {
                let Ok(n) = suffix.parse() else { return self.reject("not a number of lanes") };
                let a = self.value()?;
                one(if head == "splat" { b.splat(a, n) } else { b.lane(a, n) })
            }
            ("reduce", ..) => {
                let Some(op) = Binary::parse(suffix) else {
                    return self.reject("not an operation to reduce by");
                };
                let a = self.value()?;
                one(b.reduce(op, a))
            }
            ("fma", ..) => {
                let (x, y, z) = self.triple()?;
                one(b.fma(x, y, z))
            }
            ("select", ..) => {
                let (m, x, y) = self.triple()?;
                one(b.select(m, x, y))
            }
            ("store", ..) => {
                let v = self.value()?;
                self.expect(",")?;
                let access = self.access()?;
                b.store(access, v);
                Ok(vec![])
            }
            ("lea", ..) => {
                let addr = self.addr()?;
                one(b.lea(addr))
            }
            ("call", ..) => {
                let name = self.next()?;
                let id = match self.calls.get(name) {
                    Some(&id) => id,
                    None => match self.externs.iter().find(|d| d.name == name) {
                        Some(descr) => {
                            let id = b.declare(descr.clone());
                            self.calls.insert(name, id);
                            id
                        }
                        None => return self.reject("no such extern"),
                    },
                };
                let args = self.values()?;
                Ok(b.call(id, args).into_iter().collect())
            }
            ("guard", ..) => {
                let expected = match suffix {
                    "true" => true,
                    "false" => false,
                    _ => return self.reject("a guard is .true or .false"),
                };
                let cond = self.value()?;
                self.expect("else")?;
                let (key, values) = self.snap()?;
                b.guard(cond, expected, key, values);
                Ok(vec![])
            }
            ("exit", ..) => {
                let (key, values) = self.snap()?;
                b.exit(key, values);
                Ok(vec![])
            }
            ("break", ..) => {
                let cond = self.value()?;
                let results = self.values()?;
                b.break_if(cond, results);
                Ok(vec![])
            }
            ("loop", ..) => self.loop_(b),
            ("if", ..) => {
                let cond = self.value()?;
                b.begin_if(cond);
                let results = self.block(b)?;
                b.begin_else(results);
                self.expect("else")?;
                let results = self.block(b)?;
                Ok(b.end_if(results))
            }
            _ => self.reject("not an operation"),
        }
    }

    fn loop_(&mut self, b: &mut Builder) -> Result<Vec<Value>> {
        let (mut counter, mut range) = (None, None);
        if !matches!(self.peek(), Some("carry" | "{")) {
            counter = Some(self.next()?);
            self.expect("in")?;
            let start = self.value()?;
            self.expect("..")?;
            let end = self.value()?;
            let step = if self.accept("step") { self.number()? } else { 1 };
            range = Some(Range { start, end, step });
        }
        let mut carried = vec![];
        if self.accept("carry") {
            carried = self.list(|p| {
                let name = p.next()?;
                p.expect("=")?;
                Ok((name, p.value()?))
            })?;
        }
        let (v, params) = b.begin_loop(range, carried.iter().map(|c| c.1).collect());
        if let (Some(name), Some(v)) = (counter, v) {
            self.bind(name, v)?;
        }
        for ((name, _), v) in carried.iter().zip(params) {
            self.bind(name, v)?;
        }
        let next = self.block(b)?;
        Ok(b.end_loop(next))
    }

    /// `{ ... yield (...) }`; the yield is given back, since the builder makes it when it closes the region.
    fn block(&mut self, b: &mut Builder) -> Result<Vec<Value>> {
        self.expect("{")?;
        loop {
            if self.accept("yield") {
                let values = self.values()?;
                self.expect("}")?;
                return Ok(values);
            }
            self.inst(b)?;
        }
    }
}
