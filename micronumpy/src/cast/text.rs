//! Casts to and from fixed-width strings.
//!
//! Reading follows Python's `int()`, `float()` and `complex()`, which is what numpy calls. ASCII input is read here;
//! anything else goes through the host, and so do characters that `S` cannot hold, because the host raises the right
//! error.

use ufuncs::datetime::{Casting as CastRule, Meta, Unit, format, parse};
use ufuncs::elem::{LongDouble, NAT, f16, float16};
use ufuncs::{float_format, fpstatus};

use super::dates;
use super::transfer::roundtrip;
use crate::dtype::{Dtype, TypeNum, strings::natural_length, typestr::py_repr};
use crate::error::{Error, Result};

pub(super) struct TextStep {
    kind: Kind,
    src: Dtype,
    dst: Dtype,
}

enum Kind {
    BytesToChars,
    CharsToBytes,
    ToBool,
    ToInt,
    ToFloat,
    ToComplex,
    ToTimedelta,
    ToDate,
    FromBool,
    FromInt,
    FromFloat,
    FromComplex,
    FromTimedelta,
    FromDate,
}

/// Both dtypes native; one of them a string.
pub(super) fn plan(src: &Dtype, dst: &Dtype) -> Result<TextStep> {
    use TypeNum as T;
    let is_text = |d: &Dtype| matches!(d.num, T::STRING | T::UNICODE);
    let kind = match (src.num, dst.num) {
        (T::STRING, T::UNICODE) => Kind::BytesToChars,
        (T::UNICODE, T::STRING) => Kind::CharsToBytes,
        (_, n) if is_text(src) => match n {
            T::DATETIME => Kind::ToDate,
            T::TIMEDELTA => Kind::ToTimedelta,
            n if n.is_bool() => Kind::ToBool,
            n if n.is_integer() => Kind::ToInt,
            n if n.is_float() => Kind::ToFloat,
            n if n.is_complex() => Kind::ToComplex,
            _ => return Err(Error::missing(format!("casting text to {n:?}"))),
        },
        (n, _) => match n {
            T::DATETIME => Kind::FromDate,
            T::TIMEDELTA => Kind::FromTimedelta,
            n if n.is_bool() => Kind::FromBool,
            n if n.is_integer() => Kind::FromInt,
            n if n.is_float() => Kind::FromFloat,
            n if n.is_complex() => Kind::FromComplex,
            _ => return Err(Error::missing(format!("casting {n:?} to text"))),
        },
    };
    Ok(TextStep { kind, src: src.clone(), dst: dst.clone() })
}

impl TextStep {
    pub(super) unsafe fn run(
        &self,
        src: *const u8,
        sst: isize,
        dst: *mut u8,
        dst_st: isize,
        n: usize,
    ) -> Result<()> {
        for i in 0..n as isize {
            // SAFETY: the contract of `transfer`.
            unsafe { self.one(src.offset(i * sst), dst.offset(i * dst_st))? };
        }
        Ok(())
    }

    unsafe fn one(&self, s: *const u8, d: *mut u8) -> Result<()> {
        // SAFETY: one element of `self.src` and one of `self.dst`.
        unsafe {
            match self.kind {
                Kind::BytesToChars => return self.bytes_to_chars(s, d),
                Kind::CharsToBytes => return self.chars_to_bytes(s, d),
                Kind::ToBool => {
                    *d = (0..self.src.itemsize).any(|k| *s.add(k) != 0) as u8;
                    return Ok(());
                }
                Kind::FromBool => self.write(d, if *s != 0 { "True" } else { "False" }),
                Kind::FromInt => self.write(d, &int_text(self.src.num, s)),
                Kind::FromFloat => self.write(d, &float_text(self.src.num, s)),
                Kind::FromComplex => self.write(d, &complex_text(self.src.num, s)),
                Kind::FromTimedelta => self.write(d, &self.timedelta_text(s)),
                Kind::FromDate => return self.write_date(s, d),
                _ => {
                    let Some(text) = self.read(s) else {
                        return if matches!(self.kind, Kind::ToFloat | Kind::ToComplex)
                            && self.dst.num.real_part() == TypeNum::LONGDOUBLE
                        {
                            Err(Error::value("invalid literal for long double: <not ASCII>"))
                        } else {
                            roundtrip(&self.src, &self.dst, s, d)
                        };
                    };
                    match self.kind {
                        Kind::ToInt => return self.to_int(&text, d),
                        Kind::ToFloat => return self.to_float(&text, d),
                        Kind::ToComplex => return self.to_complex(&text, d),
                        Kind::ToTimedelta => {
                            let v = parse_timedelta(&text)?;
                            d.cast::<i64>().write_unaligned(v);
                        }
                        _ => {
                            let meta = dates::meta_of(&self.dst);
                            let v = parse_date(&text, Some(meta.unit), meta)?;
                            d.cast::<i64>().write_unaligned(v);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The element as ASCII text without trailing NULs; `None` when it is not ASCII.
    unsafe fn read(&self, s: *const u8) -> Option<String> {
        // SAFETY: one element of `self.src`.
        unsafe { read_ascii(&self.src, s) }
    }

    /// Store ASCII text, cut or padded with NULs.
    unsafe fn write(&self, d: *mut u8, text: &str) {
        // SAFETY: one element of `self.dst`.
        unsafe { write_text(&self.dst, d, text) }
    }

    unsafe fn bytes_to_chars(&self, s: *const u8, d: *mut u8) -> Result<()> {
        // SAFETY: one element on each side.
        unsafe {
            let (from, to) = (self.src.itemsize, self.dst.itemsize / 4);
            if (0..from).any(|k| *s.add(k) >= 0x80) {
                return roundtrip(&self.src, &self.dst, s, d);
            }
            for k in 0..to {
                let c = if k < from { *s.add(k) as u32 } else { 0 };
                d.cast::<u32>().add(k).write_unaligned(c);
            }
        }
        Ok(())
    }

    unsafe fn chars_to_bytes(&self, s: *const u8, d: *mut u8) -> Result<()> {
        // SAFETY: one element on each side.
        unsafe {
            let (from, to) = (self.src.itemsize / 4, self.dst.itemsize);
            let at = |k: usize| s.cast::<u32>().add(k).read_unaligned();
            if (0..from).any(|k| at(k) >= 0x80) {
                return roundtrip(&self.src, &self.dst, s, d);
            }
            for k in 0..to {
                *d.add(k) = if k < from { at(k) as u8 } else { 0 };
            }
        }
        Ok(())
    }

    unsafe fn to_int(&self, text: &str, d: *mut u8) -> Result<()> {
        let num = self.dst.num;
        let Some(value) = parse_int(text) else {
            return Err(Error::value(format!(
                "invalid literal for int() with base 10: {}",
                self.literal(text, false)
            )));
        };
        let too_large = || {
            Err(Error::Overflow(
                if matches!(num, TypeNum::LONGLONG | TypeNum::ULONGLONG) {
                    "int too big to convert"
                } else {
                    "Python int too large to convert to C long"
                }
                .into(),
            ))
        };
        let wide = num == TypeNum::UINT || (num.is_unsigned() && num.size() == 8);
        let limit = if wide { u64::MAX as i128 } else { i64::MAX as i128 };
        let Some(v) = value.filter(|&v| v >= i64::MIN as i128 && v <= limit) else { return too_large() };
        let bits = 8 * num.size() as u32;
        let (lo, hi) = if num.is_signed() {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1i128 << bits) - 1)
        };
        if v < lo || v > hi {
            let name = format!("{}int{bits}", if num.is_unsigned() { "u" } else { "" });
            return Err(Error::Overflow(format!("Python integer {v} out of bounds for {name}")));
        }
        // SAFETY: one element; the value fits, so its low bytes are the value.
        unsafe {
            match num.size() {
                1 => *d = v as u8,
                2 => d.cast::<u16>().write_unaligned(v as u16),
                4 => d.cast::<u32>().write_unaligned(v as u32),
                _ => d.cast::<u64>().write_unaligned(v as u64),
            }
        }
        Ok(())
    }

    unsafe fn to_float(&self, text: &str, d: *mut u8) -> Result<()> {
        if self.dst.num == TypeNum::LONGDOUBLE {
            let v = parse_longdouble(text)?;
            // SAFETY: one element.
            unsafe { d.cast::<LongDouble>().write_unaligned(v) };
            return Ok(());
        }
        let Some(v) = parse_float(text) else {
            return Err(Error::value(format!(
                "could not convert string to float: {}",
                self.literal(text, true)
            )));
        };
        // SAFETY: one element.
        unsafe { store_float(self.dst.num, v, d) };
        Ok(())
    }

    unsafe fn to_complex(&self, text: &str, d: *mut u8) -> Result<()> {
        let Some((re, im)) = parse_complex(text) else {
            return Err(Error::value("complex() arg is a malformed string"));
        };
        let part = self.dst.num.real_part();
        // SAFETY: one element, two parts.
        unsafe {
            store_float(part, re, d);
            store_float(part, im, d.add(part.size()));
        }
        Ok(())
    }

    /// The offending string as the error of Python's constructor shows it.
    fn literal(&self, text: &str, wrap_bytes: bool) -> String {
        let repr = py_repr(text);
        match (self.src.num, wrap_bytes) {
            (TypeNum::STRING, false) => format!("b{repr}"),
            (TypeNum::STRING, true) => format!("np.bytes_(b{repr})"),
            _ => format!("np.str_({repr})"),
        }
    }

    unsafe fn timedelta_text(&self, s: *const u8) -> String {
        // SAFETY: one element.
        let v = unsafe { s.cast::<i64>().read_unaligned() };
        // numpy goes through a string of the length it reserves for a duration.
        let mut text = format::timedelta_text(v, dates::meta_of(&self.src));
        text.truncate(natural_length(&self.src));
        text
    }

    unsafe fn write_date(&self, s: *const u8, d: *mut u8) -> Result<()> {
        // SAFETY: one element.
        let v = unsafe { s.cast::<i64>().read_unaligned() };
        let meta = dates::meta_of(&self.src);
        if meta.unit == Unit::Generic && v != NAT {
            return Err(dates::generic_value());
        }
        let precision = format::Precision::Unit(meta.unit);
        let text = format::datetime_text(v, meta, precision, format::Zone::Naive, CastRule::Unsafe)?;
        let room = if self.dst.num == TypeNum::UNICODE { self.dst.itemsize / 4 } else { self.dst.itemsize };
        if text.len() > room {
            return Err(Error::Runtime(format!(
                "The string provided for NumPy ISO datetime formatting was too short, with length {room}"
            )));
        }
        // SAFETY: one element.
        unsafe { self.write(d, &text) };
        Ok(())
    }
}

/// An `S` or `U` element as ASCII text without trailing NULs; `None` when it is not ASCII.
pub(super) unsafe fn read_ascii(dt: &Dtype, s: *const u8) -> Option<String> {
    // SAFETY: one native element of `dt`.
    unsafe {
        let mut out = Vec::new();
        if dt.num == TypeNum::UNICODE {
            for k in 0..dt.itemsize / 4 {
                let c = s.cast::<u32>().add(k).read_unaligned();
                out.push(u8::try_from(c).ok().filter(u8::is_ascii)?);
            }
        } else {
            for k in 0..dt.itemsize {
                out.push(Some(*s.add(k)).filter(u8::is_ascii)?);
            }
        }
        while out.last() == Some(&0) {
            out.pop();
        }
        String::from_utf8(out).ok()
    }
}

/// Store ASCII text in an `S` or `U` element, cut or padded with NULs.
pub(super) unsafe fn write_text(dt: &Dtype, d: *mut u8, text: &str) {
    let mut bytes = text.bytes();
    // SAFETY: one native element of `dt`.
    unsafe {
        if dt.num == TypeNum::UNICODE {
            for k in 0..dt.itemsize / 4 {
                d.cast::<u32>().add(k).write_unaligned(bytes.next().unwrap_or(0) as u32);
            }
        } else {
            for k in 0..dt.itemsize {
                *d.add(k) = bytes.next().unwrap_or(0);
            }
        }
    }
}

pub(super) unsafe fn int_text(num: TypeNum, s: *const u8) -> String {
    // SAFETY: one element.
    unsafe {
        match (num.size(), num.is_signed()) {
            (1, true) => s.cast::<i8>().read().to_string(),
            (1, false) => s.read().to_string(),
            (2, true) => s.cast::<i16>().read_unaligned().to_string(),
            (2, false) => s.cast::<u16>().read_unaligned().to_string(),
            (4, true) => s.cast::<i32>().read_unaligned().to_string(),
            (4, false) => s.cast::<u32>().read_unaligned().to_string(),
            (_, true) => s.cast::<i64>().read_unaligned().to_string(),
            (_, false) => s.cast::<u64>().read_unaligned().to_string(),
        }
    }
}

pub(super) unsafe fn float_text(num: TypeNum, s: *const u8) -> String {
    // SAFETY: one element.
    unsafe {
        match num {
            TypeNum::HALF => {
                float_format::scalar_str(f16::from_bits(s.cast::<u16>().read_unaligned()), false)
            }
            TypeNum::FLOAT => float_format::scalar_str(s.cast::<f32>().read_unaligned(), false),
            TypeNum::DOUBLE => float_format::scalar_str(s.cast::<f64>().read_unaligned(), false),
            _ => float_format::scalar_str(s.cast::<LongDouble>().read_unaligned(), false),
        }
    }
}

pub(super) unsafe fn complex_text(num: TypeNum, s: *const u8) -> String {
    macro_rules! text {
        ($t:ty) => {{
            let p = s.cast::<$t>();
            float_format::complex_str(p.read_unaligned(), p.add(1).read_unaligned(), false)
        }};
    }
    // SAFETY: one element, two parts.
    unsafe {
        match num {
            TypeNum::CFLOAT => text!(f32),
            TypeNum::CDOUBLE => text!(f64),
            _ => text!(LongDouble),
        }
    }
}

/// Store a value read as `f64`, as numpy narrows it; overflow raises its flag.
pub(super) unsafe fn store_float(num: TypeNum, v: f64, d: *mut u8) {
    // SAFETY: one element.
    unsafe {
        match num {
            TypeNum::HALF => {
                let h = float16::from_f64(v);
                if h.is_infinite() && v.is_finite() {
                    fpstatus::raise(fpstatus::OVERFLOW);
                }
                d.cast::<u16>().write_unaligned(h.to_bits());
            }
            TypeNum::FLOAT => {
                let f = v as f32;
                if f.is_infinite() && v.is_finite() {
                    fpstatus::raise(fpstatus::OVERFLOW);
                }
                d.cast::<f32>().write_unaligned(f);
            }
            TypeNum::DOUBLE => d.cast::<f64>().write_unaligned(v),
            _ => d.cast::<LongDouble>().write_unaligned(LongDouble::from(v)),
        }
    }
}

/// Underscores are allowed between digits only.
fn strip_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_string());
    }
    let b = text.as_bytes();
    let digit = |i: Option<usize>| i.and_then(|i| b.get(i)).is_some_and(u8::is_ascii_digit);
    for (i, &c) in b.iter().enumerate() {
        if c == b'_' && !(digit(i.checked_sub(1)) && digit(Some(i + 1))) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

fn trim(text: &str) -> &str {
    // Python also strips the four separators below space.
    text.trim_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '\x0b' | '\x1c'..='\x1f'))
}

/// Python's `int(text)`: `None` when malformed, `Some(None)` when it does not fit 127 bits.
pub(super) fn parse_int(text: &str) -> Option<Option<i128>> {
    let text = strip_underscores(trim(text))?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().ok())
}

/// Python's `float(text)`.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    parse_plain_float(&strip_underscores(trim(text))?)
}

fn parse_plain_float(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// C's `strtold`, leading blanks allowed.
pub(super) fn parse_longdouble(text: &str) -> Result<LongDouble> {
    let fail = || Err(Error::value(format!("invalid literal for long double: {text}")));
    let blanks = text.len() - text.trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
    let rest = &text[blanks..];
    if rest.is_empty() {
        return fail();
    }
    let (v, used) = LongDouble::parse_prefix(rest.as_bytes());
    if used != rest.len() { fail() } else { Ok(v) }
}

/// Python's `complex(text)`.
pub(super) fn parse_complex(text: &str) -> Option<(f64, f64)> {
    let mut t = trim(text);
    if let Some(inner) = t.strip_prefix('(') {
        t = trim(inner.strip_suffix(')')?);
    }
    let t = strip_underscores(t)?;
    if let Some(re) = parse_plain_float(&t) {
        return Some((re, 0.0));
    }
    let t = t.strip_suffix(['j', 'J'])?;
    let imaginary = |s: &str| match s {
        "" | "+" => Some(1.0),
        "-" => Some(-1.0),
        s => parse_plain_float(s),
    };
    // The sign that starts the imaginary part is the last one not behind an exponent's `e`.
    let b = t.as_bytes();
    let split = (1..b.len()).rev().find(|&i| {
        matches!(b[i], b'+' | b'-')
            && !(matches!(b[i - 1], b'e' | b'E') && i >= 2 && (b[i - 2].is_ascii_digit() || b[i - 2] == b'.'))
    });
    match split {
        Some(i) => Some((parse_plain_float(&t[..i])?, imaginary(&t[i..])?)),
        None => Some((0.0, imaginary(t)?)),
    }
}

fn parse_timedelta(text: &str) -> Result<i64> {
    let fail = || Error::value("Could not convert object to NumPy timedelta");
    if text.is_empty() || text.eq_ignore_ascii_case("nat") {
        return Ok(NAT);
    }
    text.parse().map_err(|_| fail())
}

pub(super) fn parse_date(text: &str, unit: Option<Unit>, meta: Meta) -> Result<i64> {
    let parsed = parse::parse(text, unit, CastRule::SameKind);
    let zoned = parsed.as_ref().map_or_else(|_| parse::is_zoned(text), |parsed| parsed.zoned);
    if zoned && let Some(ops) = crate::object::ops() {
        (ops.warn)("UserWarning", "no explicit representation of timezones available for np.datetime64")?;
    }
    Ok(parsed?.to_ticks(meta)?)
}
