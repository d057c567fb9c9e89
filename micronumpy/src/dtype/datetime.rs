//! Units of `datetime64` and `timedelta64`: names, how many of one make another, common divisors.
//!
//! A unit is a multiple (`num`) of a base (`unit`, ORDER UNIT, ABI). Years and months have no fixed length in days, so
//! factors between them and the rest exist for dates only, through the calendar.

use super::DatetimeMeta;
use crate::error::{Error, Result};

pub const UNIT_YEAR: i32 = 0;
pub const UNIT_MONTH: i32 = 1;
pub const UNIT_WEEK: i32 = 2;
pub const UNIT_DAY: i32 = 4;
pub const UNIT_SECOND: i32 = 7;
pub const UNIT_ATTOSECOND: i32 = 13;
pub const UNIT_GENERIC: i32 = 14;

const NAMES: [(i32, &str); 14] = [
    (0, "Y"),
    (1, "M"),
    (2, "W"),
    (4, "D"),
    (5, "h"),
    (6, "m"),
    (7, "s"),
    (8, "ms"),
    (9, "us"),
    (10, "ns"),
    (11, "ps"),
    (12, "fs"),
    (13, "as"),
    (14, "generic"),
];

impl DatetimeMeta {
    pub const GENERIC: DatetimeMeta = DatetimeMeta { unit: UNIT_GENERIC, num: 1 };

    pub fn is_generic(self) -> bool {
        self.unit == UNIT_GENERIC
    }
    /// `[25s]`, `[D]`, and nothing for the generic unit.
    pub fn text(self) -> String {
        match (self.unit, self.num) {
            (UNIT_GENERIC, _) => String::new(),
            (u, 1) => format!("[{}]", unit_name(u)),
            (u, n) => format!("[{n}{}]", unit_name(u)),
        }
    }
    /// `[25s]`, `[generic]`: for error messages.
    pub fn error_text(self) -> String {
        if self.is_generic() { "[generic]".into() } else { self.text() }
    }
}

/// The name of a base unit.
pub fn unit_name(unit: i32) -> &'static str {
    NAMES.iter().find(|u| u.0 == unit).map_or("?", |u| u.1)
}

/// The base unit with this name (`μs` is an alias of `us`).
pub fn unit_from_name(name: &str) -> Option<i32> {
    let name = if name == "μs" { "us" } else { name };
    NAMES.iter().find(|u| u.1 == name).map(|u| u.0)
}

/// C's `strtol` in base ten: value and bytes used. `None` for the value when it does not fit.
pub(super) fn leading_int(s: &str) -> (Option<i64>, usize) {
    let skipped = s.len() - s.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']).len();
    let rest = &s[skipped..];
    let signed = rest.starts_with(['+', '-']) as usize;
    let digits = rest[signed..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return (Some(0), 0);
    }
    (rest[..signed + digits].parse().ok(), skipped + signed + digits)
}

/// The unit in a string such as `[25s]` or `[D/4]`.
///
/// # Errors
/// `TypeError` and `ValueError` as numpy words them.
pub fn parse_metadata(text: &str) -> Result<DatetimeMeta> {
    let bad = |at: usize| {
        let place = if at == 0 { String::new() } else { format!(" at position {at}") };
        Err(Error::type_(format!("Invalid datetime metadata string \"{text}\"{place}")))
    };
    if text.len() < 3 {
        return bad(0);
    }
    if !text.starts_with('[') {
        return bad(1);
    }
    let mut at = 1;
    let (num, used) = leading_int(&text[at..]);
    let num = match num {
        _ if used == 0 => 1,
        Some(n) => match i32::try_from(n) {
            Ok(n) if n >= 0 => n,
            _ => return bad(at),
        },
        None => return bad(at),
    };
    at += used;
    let end = text[at..].find([']', '/']).map_or(text.len(), |i| at + i);
    if end == at {
        return bad(at);
    }
    let Some(unit) = unit_from_name(&text[at..end]) else {
        return Err(Error::type_(format!("Invalid datetime unit in metadata string \"{text}\"")));
    };
    let mut meta = DatetimeMeta { unit, num };
    at = end;
    let mut divisor = 1;
    if text[at..].starts_with('/') {
        at += 1;
        let (den, used) = leading_int(&text[at..]);
        if used == 0 {
            return bad(at);
        }
        divisor = den.unwrap_or(i64::MAX);
        at += used;
    }
    if !text[at..].starts_with(']') {
        return bad(at);
    }
    if at + 1 != text.len() {
        return bad(at + 1);
    }
    if divisor != 1 {
        meta = apply_divisor(meta, divisor, Some(text))?;
    }
    Ok(meta)
}

/// `unit / divisor` as a multiple of a smaller unit.
///
/// # Errors
/// When no smaller unit fits.
pub fn apply_divisor(meta: DatetimeMeta, divisor: i64, text: Option<&str>) -> Result<DatetimeMeta> {
    if meta.is_generic() {
        return Err(Error::value("Can't use 'den' divisor with generic units"));
    }
    let candidates: &[(i64, i32)] = match meta.unit {
        0 => &[(12, 1), (52, 2), (365, 4)],
        1 => &[(4, 2), (30, 4), (720, 5)],
        2 => &[(7, 4), (168, 5), (10080, 6)],
        4 => &[(24, 5), (1440, 6), (86400, 7)],
        5 => &[(60, 6), (3600, 7)],
        6 => &[(60, 7), (60_000, 8)],
        7 => &[(1000, 8), (1_000_000, 9)],
        8 => &[(1000, 9), (1_000_000, 10)],
        9 => &[(1000, 10), (1_000_000, 11)],
        10 => &[(1000, 11), (1_000_000, 12)],
        11 => &[(1000, 12), (1_000_000, 13)],
        12 => &[(1000, 13)],
        _ => &[],
    };
    for &(count, unit) in candidates {
        if divisor > 0 && count % divisor == 0 {
            let num = (meta.num as i64 * (count / divisor)) as i32;
            return Ok(DatetimeMeta { unit, num });
        }
    }
    Err(Error::value(match text {
        Some(t) => {
            format!("divisor ({divisor}) is not a multiple of a lower-unit in datetime metadata \"{t}\"")
        }
        None => format!("divisor ({divisor}) is not a multiple of a lower-unit"),
    }))
}

/// How many of each unit make one of the unit before it.
fn step(unit: i32) -> u64 {
    match unit {
        UNIT_YEAR => 12,
        UNIT_WEEK => 7,
        UNIT_DAY => 24,
        5 | 6 => 60,
        7..=12 => 1000,
        _ => 1,
    }
}

/// How many `fine` make one `coarse` (`coarse` is the larger unit). 0 when that is not a number below 2^56, which is
/// where numpy gives up. Years and months against days are not this function's business.
pub(crate) fn units_factor(coarse: i32, fine: i32) -> u64 {
    let mut factor: u64 = 1;
    let mut unit = coarse;
    while unit < fine {
        factor = match factor.checked_mul(step(unit)) {
            Some(f) if f >> 56 == 0 => f,
            _ => return 0,
        };
        // 3 was business days once and is a hole now.
        unit += if unit == UNIT_WEEK { 2 } else { 1 };
    }
    factor
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Whether a count of `from` is a whole number of `to`.
pub fn divides(from: DatetimeMeta, to: DatetimeMeta, is_timedelta: bool) -> bool {
    if from.is_generic() || to.is_generic() {
        // The generic unit divides into anything, nothing divides into it.
        return from.is_generic();
    }
    let (mut a, mut b) = (from.num as i64 as u64, to.num as i64 as u64);
    if from.unit != to.unit {
        let calendar = |u: i32| u <= UNIT_MONTH;
        if calendar(from.unit) != calendar(to.unit) {
            return !is_timedelta;
        }
        let (coarse, fine) = (from.unit.min(to.unit), from.unit.max(to.unit));
        let factor = units_factor(coarse, fine);
        if factor == 0 {
            return false;
        }
        let scaled = if from.unit == coarse { &mut a } else { &mut b };
        match scaled.checked_mul(factor) {
            // Where the factor gives up, the product does too.
            Some(n) if n >> 56 == 0 => *scaled = n,
            _ => return false,
        }
    }
    b != 0 && a % b == 0
}

/// The largest unit both are whole multiples of: what two dates are promoted to.
///
/// # Errors
/// Years or months against days for timedeltas (`strict`), overflow.
pub fn common_divisor(
    a: DatetimeMeta,
    b: DatetimeMeta,
    strict_a: bool,
    strict_b: bool,
) -> Result<DatetimeMeta> {
    if a.is_generic() {
        return Ok(b);
    }
    if b.is_generic() {
        return Ok(a);
    }
    let (mut n1, mut n2) = (a.num.max(0) as u64, b.num.max(0) as u64);
    let calendar = |u: i32| u <= UNIT_MONTH;
    let incompatible = || {
        Err(Error::type_(format!(
            "Cannot get a common metadata divisor for Numpy datetime metadata {} and {} because they have \
             incompatible nonlinear base time units.",
            a.error_text(),
            b.error_text()
        )))
    };
    let unit = if a.unit == b.unit {
        a.unit
    } else if calendar(a.unit) && calendar(b.unit) {
        if a.unit == UNIT_YEAR {
            n1 *= 12
        } else {
            n2 *= 12
        }
        UNIT_MONTH
    } else if calendar(a.unit) || calendar(b.unit) {
        let strict = if calendar(a.unit) { strict_a } else { strict_b };
        if strict {
            return incompatible();
        }
        // There is no factor. The common unit of dates comes out as if years and months were weeks.
        let as_week =
            |m: DatetimeMeta| if calendar(m.unit) { DatetimeMeta { unit: UNIT_WEEK, ..m } } else { m };
        return common_divisor(as_week(a), as_week(b), strict_a, strict_b).map_err(|_| overflow(a, b));
    } else {
        let unit = a.unit.max(b.unit);
        if a.unit < b.unit {
            n1 = scale_or_overflow(n1, a.unit, unit, a, b)?;
        } else {
            n2 = scale_or_overflow(n2, b.unit, unit, a, b)?;
        }
        unit
    };
    let num = gcd(n1, n2);
    match i32::try_from(num) {
        Ok(num) if num > 0 => Ok(DatetimeMeta { unit, num }),
        _ => Err(overflow(a, b)),
    }
}

fn overflow(a: DatetimeMeta, b: DatetimeMeta) -> Error {
    Error::Overflow(format!(
        "Integer overflow getting a common metadata divisor for NumPy datetime metadata {} and {}.",
        a.error_text(),
        b.error_text()
    ))
}

fn scale_or_overflow(n: u64, coarse: i32, fine: i32, a: DatetimeMeta, b: DatetimeMeta) -> Result<u64> {
    match units_factor(coarse, fine) {
        0 => Err(overflow(a, b)),
        f => n.checked_mul(f).ok_or_else(|| overflow(a, b)),
    }
}

/// Characters numpy reserves for a date in this unit as ISO 8601 text, with a time zone.
pub fn iso8601_length(unit: i32) -> usize {
    match unit {
        UNIT_GENERIC => 4,
        0 => 22,
        1 => 25,
        2 | 4 => 28,
        5 => 32,
        6 => 35,
        7 => 38,
        u => 42 + 3 * (u as usize).saturating_sub(8),
    }
}
