//! Reading type strings: `<f8`, `S10`, `M8[ns]`, `float64`. Comma-separated lists and dicts are read elsewhere.

use super::{DatetimeMeta, Dtype, NATIVE, TypeNum, datetime};
use crate::error::{Error, Result};
use crate::object;

/// Names that are not built from a kind and a size.
const NAMES: &[(&str, TypeNum)] = &[
    ("bool", TypeNum::BOOL),
    ("bool_", TypeNum::BOOL),
    ("byte", TypeNum::BYTE),
    ("int8", TypeNum::BYTE),
    ("ubyte", TypeNum::UBYTE),
    ("uint8", TypeNum::UBYTE),
    ("short", TypeNum::SHORT),
    ("int16", TypeNum::SHORT),
    ("ushort", TypeNum::USHORT),
    ("uint16", TypeNum::USHORT),
    ("intc", TypeNum::INT),
    ("int32", TypeNum::INT),
    ("uintc", TypeNum::UINT),
    ("uint32", TypeNum::UINT),
    ("int", TypeNum::LONG),
    ("int_", TypeNum::LONG),
    ("intp", TypeNum::LONG),
    ("long", TypeNum::LONG),
    ("int64", TypeNum::LONG),
    ("uint", TypeNum::ULONG),
    ("uintp", TypeNum::ULONG),
    ("ulong", TypeNum::ULONG),
    ("uint64", TypeNum::ULONG),
    ("longlong", TypeNum::LONGLONG),
    ("ulonglong", TypeNum::ULONGLONG),
    ("half", TypeNum::HALF),
    ("float16", TypeNum::HALF),
    ("single", TypeNum::FLOAT),
    ("float32", TypeNum::FLOAT),
    ("float", TypeNum::DOUBLE),
    ("double", TypeNum::DOUBLE),
    ("float64", TypeNum::DOUBLE),
    ("longdouble", TypeNum::LONGDOUBLE),
    ("float128", TypeNum::LONGDOUBLE),
    ("csingle", TypeNum::CFLOAT),
    ("complex64", TypeNum::CFLOAT),
    ("complex", TypeNum::CDOUBLE),
    ("cdouble", TypeNum::CDOUBLE),
    ("complex128", TypeNum::CDOUBLE),
    ("clongdouble", TypeNum::CLONGDOUBLE),
    ("complex256", TypeNum::CLONGDOUBLE),
    ("object", TypeNum::OBJECT),
    ("object_", TypeNum::OBJECT),
    ("bytes", TypeNum::STRING),
    ("bytes_", TypeNum::STRING),
    ("str", TypeNum::UNICODE),
    ("str_", TypeNum::UNICODE),
    ("unicode", TypeNum::UNICODE),
    ("void", TypeNum::VOID),
    ("datetime64", TypeNum::DATETIME),
    ("timedelta64", TypeNum::TIMEDELTA),
];

/// Aliases numpy 2.0 removed, with an error of their own.
const REMOVED: &[&str] = &["int0", "uint0", "void0", "object0", "str0", "bytes0", "bool8"];

/// The dtype a type string names. Variable-width strings (`T`) come back as their class.
///
/// # Errors
/// `data type 'xyz' not understood`, and errors in datetime units. The deprecated alias `a` warns, which the host may
/// turn into an error.
pub fn parse(text: &str) -> Result<Dtype> {
    let not_understood = || Error::type_(format!("data type {} not understood", py_repr(text)));
    if let Some(dt) = parse_datetime(text)? {
        return Ok(dt);
    }
    let (order, rest) = split_byteorder(text);
    let ordered = |dt: Dtype| if order == b'|' { dt } else { dt.with_byteorder(order) };
    if rest.len() == 1
        // The deprecated alias is a name, which takes no byte order.
        && (rest != "a" || rest.len() == text.len())
        && let Some(dt) = from_code(rest.as_bytes()[0])?
    {
        return Ok(ordered(dt));
    }
    if let Some(dt) = from_kind_and_size(rest)? {
        return Ok(ordered(dt));
    }
    if let Some((_, num)) = NAMES.iter().find(|n| n.0 == text) {
        return Ok(Dtype::builtin(*num));
    }
    if REMOVED.contains(&text) {
        return Err(Error::type_(format!(
            "Alias '{text}' was removed in NumPy 2.0. Use a name without a digit at the end."
        )));
    }
    Err(not_understood())
}

/// Byte order prefix and the rest; `|` when there is none.
fn split_byteorder(text: &str) -> (u8, &str) {
    match text.as_bytes().first() {
        Some(&c @ (b'<' | b'>')) => (c, &text[1..]),
        Some(b'=') => (NATIVE, &text[1..]),
        Some(b'|') => (b'|', &text[1..]),
        _ => (b'|', text),
    }
}

fn parse_datetime(text: &str) -> Result<Option<Dtype>> {
    let (order, rest) = split_byteorder(text);
    for (prefix, num) in [
        ("M8", TypeNum::DATETIME),
        ("m8", TypeNum::TIMEDELTA),
        ("datetime64", TypeNum::DATETIME),
        ("timedelta64", TypeNum::TIMEDELTA),
    ] {
        if let Some(unit) = rest.strip_prefix(prefix) {
            let meta = if unit.is_empty() { DatetimeMeta::GENERIC } else { datetime::parse_metadata(unit)? };
            let dt = Dtype::datetime(num, meta);
            return Ok(Some(if order == b'|' { dt } else { dt.with_byteorder(order) }));
        }
    }
    Ok(None)
}

fn warn_a() -> Result<()> {
    match object::ops() {
        Some(ops) => (ops.warn)(
            "DeprecationWarning",
            "Data type alias 'a' was deprecated in NumPy 2.0. Use the 'S' alias instead.",
        ),
        None => Ok(()),
    }
}

fn from_code(code: u8) -> Result<Option<Dtype>> {
    Ok(Some(match code {
        b'p' | b'n' => Dtype::builtin(TypeNum::LONG),
        b'P' | b'N' => Dtype::builtin(TypeNum::ULONG),
        b'c' => Dtype::string(1),
        b'a' => {
            warn_a()?;
            Dtype::builtin(TypeNum::STRING)
        }
        b'T' => Dtype::builtin(TypeNum::VSTRING),
        c => match TypeNum::from_char(c) {
            Some(num) => Dtype::builtin(num),
            None => return Ok(None),
        },
    }))
}

fn from_kind_and_size(text: &str) -> Result<Option<Dtype>> {
    let Some(kind) = text.bytes().next().filter(u8::is_ascii) else { return Ok(None) };
    let (Some(size), used) = datetime::leading_int(&text[1..]) else { return Ok(None) };
    // Sizes are C ints.
    if used == 0 || 1 + used != text.len() || size < 0 || size > i32::MAX as i64 {
        return Ok(None);
    }
    let size = size as usize;
    let num = match (kind, size) {
        (b'S', _) => return Ok(Some(Dtype::string(size))),
        (b'a', _) => {
            warn_a()?;
            return Ok(Some(Dtype::string(size)));
        }
        (b'U', n) if n <= i32::MAX as usize / 4 => return Ok(Some(Dtype::unicode(size))),
        (b'V', _) => return Ok(Some(Dtype::void(size))),
        (b'b', 1) => TypeNum::BOOL,
        (b'i', 1) => TypeNum::BYTE,
        (b'i', 2) => TypeNum::SHORT,
        (b'i', 4) => TypeNum::INT,
        (b'i', 8) => TypeNum::LONG,
        (b'u', 1) => TypeNum::UBYTE,
        (b'u', 2) => TypeNum::USHORT,
        (b'u', 4) => TypeNum::UINT,
        (b'u', 8) => TypeNum::ULONG,
        (b'f', 2) => TypeNum::HALF,
        (b'f', 4) => TypeNum::FLOAT,
        (b'f', 8) => TypeNum::DOUBLE,
        (b'f', 16) => TypeNum::LONGDOUBLE,
        (b'c', 8) => TypeNum::CFLOAT,
        (b'c', 16) => TypeNum::CDOUBLE,
        (b'c', 32) => TypeNum::CLONGDOUBLE,
        (b'O', 4 | 8) => TypeNum::OBJECT,
        (b'M', 8) => TypeNum::DATETIME,
        (b'm', 8) => TypeNum::TIMEDELTA,
        _ => return Ok(None),
    };
    Ok(Some(Dtype::builtin(num)))
}

/// A string as Python's `repr` shows it.
pub fn py_repr(s: &str) -> String {
    let quote = if s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in s.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// The byte order a `newbyteorder` argument means: `S`wap, `<`, `>`, `=` or `|`. Only the first letter counts.
///
/// # Errors
/// `byteorder not recognized (got 'x')`.
pub fn parse_byteorder(text: &str) -> Result<u8> {
    Ok(match text.bytes().next().map(|c| c.to_ascii_lowercase()) {
        Some(b'>' | b'b') => b'>',
        Some(b'<' | b'l') => b'<',
        Some(b'=' | b'n') => b'=',
        Some(b'|' | b'i') => b'|',
        Some(b's') => b'S',
        _ => return Err(Error::value(format!("byteorder not recognized (got {})", py_repr(text)))),
    })
}
