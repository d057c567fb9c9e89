//! Units of datetime types: the `[3D]` part of `M8[3D]`, read and written.

use micronumpy::TypeNum;
use micronumpy::dtype::DatetimeMeta;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// No unit: the dtype takes over whatever it meets.
pub const GENERIC: i32 = 14;

/// Unit names by unit number; 3 was business days and is gone.
const UNITS: [&str; 15] =
    ["Y", "M", "W", "", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic"];

/// The name of a unit.
pub fn unit_name(unit: i32) -> &'static str {
    UNITS.get(unit as usize).copied().unwrap_or("generic")
}

/// The unit of this name.
pub fn unit_of(name: &[u8]) -> Option<i32> {
    if name == "μs".as_bytes() || name == "µs".as_bytes() {
        return Some(9);
    }
    UNITS.iter().position(|u| !u.is_empty() && u.as_bytes() == name).map(|i| i as i32)
}

/// The type and unit a name like `datetime64[s]` or `m8` stands for; `None` when it names no datetime type at all.
pub fn parse_typestr(text: &str) -> Option<PyResult<(TypeNum, DatetimeMeta)>> {
    let (num, rest) = [
        ("M8", TypeNum::DATETIME),
        ("m8", TypeNum::TIMEDELTA),
        ("datetime64", TypeNum::DATETIME),
        ("timedelta64", TypeNum::TIMEDELTA),
    ]
    .iter()
    .find_map(|&(prefix, num)| Some((num, text.strip_prefix(prefix)?)))?;
    Some(parse_brackets(rest).map(|meta| (num, meta)))
}

fn bad(text: &str, at: usize) -> PyErr {
    PyTypeError::new_err(if at == 0 {
        format!("Invalid datetime metadata string \"{text}\"")
    } else {
        format!("Invalid datetime metadata string \"{text}\" at position {at}")
    })
}

/// `[3D]`, `[D/24]`, or nothing at all.
pub fn parse_brackets(text: &str) -> PyResult<DatetimeMeta> {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Ok(DatetimeMeta { unit: GENERIC, num: 1 });
    }
    if bytes.len() < 3 || bytes[0] != b'[' {
        return Err(bad(text, 0));
    }
    let Some(end) = bytes.iter().position(|&c| c == b']') else { return Err(bad(text, bytes.len())) };
    let meta = parse_extended(text, 1, end)?;
    if end + 1 != bytes.len() {
        return Err(bad(text, end + 1));
    }
    Ok(meta)
}

/// A unit without brackets, as `3D`.
pub fn parse_unit(text: &str) -> PyResult<DatetimeMeta> {
    parse_extended(text, 0, text.len())
}

/// C's `strtol`: the number and the position behind it; `None` when there are no digits.
pub(super) fn strtol(bytes: &[u8], mut at: usize) -> Option<(i64, usize)> {
    while bytes.get(at).is_some_and(|c| c.is_ascii_whitespace() || *c == 0x0b) {
        at += 1;
    }
    let negative = match bytes.get(at) {
        Some(b'-') => {
            at += 1;
            true
        }
        Some(b'+') => {
            at += 1;
            false
        }
        _ => false,
    };
    let start = at;
    let mut value: i64 = 0;
    while let Some(digit) = bytes.get(at).filter(|c| c.is_ascii_digit()) {
        value = value.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
        at += 1;
    }
    (at > start).then_some((if negative { -value } else { value }, at))
}

fn parse_extended(text: &str, start: usize, end: usize) -> PyResult<DatetimeMeta> {
    let bytes = &text.as_bytes()[..end];
    let (num, at) = strtol(bytes, start).unwrap_or((1, start));
    let Ok(num) = i32::try_from(num) else { return Err(bad(text, start)) };
    if num < 0 {
        return Err(bad(text, start));
    }
    let slash = bytes[at..].iter().position(|&c| c == b'/').map_or(end, |i| at + i);
    if slash == at {
        return Err(bad(text, at));
    }
    let Some(unit) = unit_of(&bytes[at..slash]) else {
        return Err(PyTypeError::new_err(if start == 0 {
            format!("Invalid datetime unit \"{text}\" in metadata")
        } else {
            format!("Invalid datetime unit in metadata string \"{text}\"")
        }));
    };
    let meta = DatetimeMeta { unit, num };
    if slash == end {
        return Ok(meta);
    }
    match strtol(bytes, slash + 1) {
        Some((den, behind)) if behind == end => divide(meta, den, text),
        _ => Err(bad(text, slash + 1)),
    }
}

/// What a unit divides into: how many of which finer unit.
fn finer(unit: i32) -> &'static [(i64, i32)] {
    match unit {
        0 => &[(12, 1), (52, 2), (365, 4)],
        1 => &[(4, 2), (30, 4), (720, 5)],
        2 => &[(7, 4), (168, 5), (10080, 6), (604800, 7)],
        4 => &[(24, 5), (1440, 6), (86400, 7)],
        5 => &[(60, 6), (3600, 7)],
        6 => &[(60, 7), (60000, 8)],
        7 => &[(1000, 8), (1_000_000, 9)],
        8 => &[(1000, 9), (1_000_000, 10)],
        9 => &[(1000, 10), (1_000_000, 11)],
        10 => &[(1000, 11), (1_000_000, 12)],
        11 => &[(1000, 12), (1_000_000, 13)],
        12 => &[(1000, 13)],
        _ => &[],
    }
}

/// `[D/24]` is `[h]`.
fn divide(meta: DatetimeMeta, den: i64, text: &str) -> PyResult<DatetimeMeta> {
    if den == 1 {
        return Ok(meta);
    }
    let found = if den > 0 { finer(meta.unit).iter().find(|(n, _)| n % den == 0) } else { None };
    found
        .and_then(|&(n, unit)| {
            let num = i32::try_from(i64::from(meta.num) * (n / den)).ok()?;
            Some(DatetimeMeta { unit, num })
        })
        .ok_or_else(|| {
            PyValueError::new_err(format!(
                "divisor ({den}) is not a multiple of a lower-unit in datetime metadata \"{text}\""
            ))
        })
}

/// `[3D]`; nothing for generic units.
pub fn brackets(meta: DatetimeMeta) -> String {
    match (meta.unit, meta.num) {
        (GENERIC, _) => String::new(),
        (unit, 1) => format!("[{}]", unit_name(unit)),
        (unit, num) => format!("[{num}{}]", unit_name(unit)),
    }
}

/// The tuple pickles hold: `(b's', 3, 1, 1)`.
pub fn to_tuple<'py>(py: Python<'py>, meta: DatetimeMeta) -> PyResult<Bound<'py, PyAny>> {
    let name = pyo3::types::PyBytes::new(py, unit_name(meta.unit).as_bytes());
    Ok((name, meta.num, 1, 1).into_pyobject(py)?.into_any())
}

/// Read such a tuple; older pickles have other lengths: `(unit, num)`, `(unit, num, event)`, `(unit, num, den, event)`.
pub fn from_tuple(tuple: &Bound<'_, PyAny>) -> PyResult<DatetimeMeta> {
    let Ok(tuple) = tuple.cast::<pyo3::types::PyTuple>() else {
        return Err(PyTypeError::new_err(format!(
            "Require tuple for tuple to NumPy datetime metadata conversion, not {}",
            tuple.repr()?
        )));
    };
    let n = tuple.len();
    if !(2..=4).contains(&n) {
        return Err(PyTypeError::new_err(
            "Require tuple of size 2 to 4 for tuple to NumPy datetime metadata conversion",
        ));
    }
    let name = tuple.get_item(0)?;
    let name: Vec<u8> = match name.extract::<String>() {
        Ok(s) => s.into_bytes(),
        Err(_) => name.extract()?,
    };
    let Some(unit) = unit_of(&name) else {
        return Err(PyTypeError::new_err(format!(
            "Invalid datetime unit \"{}\" in metadata",
            String::from_utf8_lossy(&name)
        )));
    };
    let meta = DatetimeMeta { unit, num: tuple.get_item(1)?.extract()? };
    if meta.num <= 0 {
        return Err(PyTypeError::new_err(format!(
            "Invalid tuple values for tuple to NumPy datetime metadata conversion: {}",
            tuple.repr()?
        )));
    }
    if n == 4 { divide(meta, tuple.get_item(2)?.extract()?, "") } else { Ok(meta) }
}
