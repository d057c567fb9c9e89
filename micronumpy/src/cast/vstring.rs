//! Casts to and from variable-width strings.
//!
//! Text is read and written as for fixed-width strings (see the sibling `text`), by whole strings of UTF-8. What a missing
//! value becomes depends on the other side: text gets the name of the object that stands for it, numbers refuse it, dates
//! have a missing value of their own.
//!
//! An arena is only held while an element is read or written: conversions may call the host.

use std::sync::Arc;

use ufuncs::datetime::{Casting as CastRule, Unit, format};
use ufuncs::elem::NAT;

use super::text::{
    complex_text, float_text, int_text, parse_complex, parse_date, parse_float, parse_int, parse_longdouble,
    store_float,
};
use super::transfer::host;
use super::{Casting, dates};
use crate::dtype::{Body, Dtype, TypeNum, typestr::py_repr};
use crate::error::{Error, Result};
use crate::vstring::{Locked, NaKind, Strings, utf8};

/// A cast with variable-width strings on at least one side; objects are cast by the host.
pub(super) enum StringStep {
    Copy(Arc<Strings>, Arc<Strings>),
    To(Arc<Strings>, Dtype),
    From(Dtype, Arc<Strings>),
}

/// The level of a cast between two instances: values are lost where one knows missing ones and the other does not.
pub(super) fn level(from: &Dtype, to: &Dtype) -> Casting {
    match (from.as_strings(), to.as_strings()) {
        (Some(a), Some(b)) if a.na.is_some() && b.na.is_none() => Casting::Unsafe,
        _ => Casting::No,
    }
}

pub(super) fn plan(src: &Dtype, dst: &Dtype) -> Result<StringStep> {
    let instance =
        |d: &Dtype| d.as_strings().cloned().ok_or_else(|| Error::type_("a string dtype without an instance"));
    Ok(match (src.num, dst.num) {
        (TypeNum::VSTRING, TypeNum::VSTRING) => StringStep::Copy(instance(src)?, instance(dst)?),
        (TypeNum::VSTRING, _) => {
            if matches!(dst.body, Body::Struct(_) | Body::Subarray(..)) {
                return Err(Error::type_("Casting from StringDType to a structured dtype is not supported."));
            }
            StringStep::To(instance(src)?, dst.clone())
        }
        _ => StringStep::From(src.clone(), instance(dst)?),
    })
}

impl StringStep {
    pub(super) unsafe fn run(
        &self,
        src: *const u8,
        sst: isize,
        dst: *mut u8,
        dst_st: isize,
        n: usize,
    ) -> Result<()> {
        let mut buffer = Vec::new();
        // SAFETY: the contract of `transfer`, for elements of the instances of the step.
        unsafe {
            if let StringStep::Copy(from, to) = self {
                return copy(from, to, src, sst, dst, dst_st, n);
            }
            for i in 0..n as isize {
                let (s, d) = (src.offset(i * sst), dst.offset(i * dst_st));
                match self {
                    StringStep::To(from, dt) => {
                        buffer.clear();
                        let found = match from.lock().load(s) {
                            Some(text) => {
                                buffer.extend_from_slice(&text);
                                true
                            }
                            None => false,
                        };
                        write(from, found.then_some(&buffer[..]), dt, d)?;
                    }
                    StringStep::From(dt, to) => {
                        buffer.clear();
                        if read(dt, s, to, &mut buffer)? {
                            to.lock().store(d, &buffer)?;
                        } else {
                            to.lock().store_missing(d);
                        }
                    }
                    StringStep::Copy(..) => {}
                }
            }
        }
        Ok(())
    }
}

unsafe fn copy(
    from: &Arc<Strings>,
    to: &Arc<Strings>,
    src: *const u8,
    sst: isize,
    dst: *mut u8,
    dst_st: isize,
    n: usize,
) -> Result<()> {
    let mut held = Locked::new(&[Some(from), Some(to)]);
    let lossy = from.na.as_ref().filter(|_| to.na.is_none());
    let shared = Arc::ptr_eq(from, to);
    let mut buffer = Vec::new();
    for i in 0..n as isize {
        // SAFETY: elements of the two instances; a text is copied out of an arena before the arena changes.
        unsafe {
            let (s, d) = (src.offset(i * sst), dst.offset(i * dst_st));
            if std::ptr::eq(s, d) && shared {
                continue;
            }
            buffer.clear();
            let missing = match held.load(0, s) {
                Some(text) => {
                    buffer.extend_from_slice(&text);
                    false
                }
                None => true,
            };
            match (missing, lossy) {
                (false, _) => held.store(1, d, &buffer)?,
                (true, Some(na)) => held.store(1, d, &na.name)?,
                (true, None) => held.store_missing(1, d),
            }
        }
    }
    Ok(())
}

/// The text of an element where every string will do.
fn nullable<'a>(from: &'a Strings, text: Option<&'a [u8]>) -> &'a [u8] {
    text.unwrap_or_else(|| match &from.na {
        Some(na) => &na.name,
        None => &[],
    })
}

/// Store a string (`None`: missing) as an element of another dtype.
unsafe fn write(from: &Strings, text: Option<&[u8]>, dt: &Dtype, d: *mut u8) -> Result<()> {
    let num = dt.num;
    // SAFETY: one native element of `dt`, at any address.
    unsafe {
        match num {
            TypeNum::STRING => {
                let text = nullable(from, text);
                if let Some(bad) = text.iter().position(|b| !b.is_ascii()) {
                    // The host's error is about the first character that has no place in bytes, and about that alone.
                    let more = text[bad + 1..].iter().take_while(|&&b| b & 0xc0 == 0x80).count();
                    return through_host(&text[..=bad + more], dt, d);
                }
                padded(text, d, dt.itemsize);
            }
            TypeNum::VOID => padded(nullable(from, text), d, dt.itemsize),
            TypeNum::UNICODE => {
                let mut points = Vec::new();
                utf8::decode(nullable(from, text), &mut points);
                for k in 0..dt.itemsize / 4 {
                    d.cast::<u32>().add(k).write_unaligned(points.get(k).copied().unwrap_or(0));
                }
            }
            TypeNum::BOOL => {
                // A missing value that is a string counts as true when that string is empty: numpy has it so.
                *d = u8::from(match (text, from.na.as_ref().map(|na| na.kind)) {
                    (Some(text), _) => !text.is_empty(),
                    (None, Some(NaKind::Nan)) => true,
                    (None, Some(NaKind::Other)) => false,
                    (None, _) => from.default_text().is_empty(),
                });
            }
            TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                let text = match text {
                    None if from.has_true_na() => &[],
                    text => text.unwrap_or(from.default_text()),
                };
                let value = if text.is_empty() || text.eq_ignore_ascii_case(b"nat") {
                    NAT
                } else if num == TypeNum::DATETIME {
                    // Without a unit the text's own one is tried first.
                    let meta = dates::meta_of(dt);
                    let unit = (meta.unit != Unit::Generic).then_some(meta.unit);
                    parse_date(&String::from_utf8_lossy(text), unit, meta)?
                } else {
                    match integer(text, &Dtype::builtin(TypeNum::LONG), d)? {
                        None => return Ok(()),
                        Some(v) => fit(v, i64::MIN.into(), i64::MAX.into())? as i64,
                    }
                };
                d.cast::<i64>().write_unaligned(value);
            }
            _ => {
                let Some(text) = text else {
                    return match &from.na {
                        Some(_) => Err(Error::value(
                            "Arrays with missing data cannot be converted to a non-nullable type",
                        )),
                        None => number(&[], dt, d),
                    };
                };
                return number(text, dt, d);
            }
        }
    }
    Ok(())
}

/// Text as a number.
unsafe fn number(text: &[u8], dt: &Dtype, d: *mut u8) -> Result<()> {
    let num = dt.num;
    // SAFETY: one native element of `dt`, at any address.
    unsafe {
        if num.is_integer() {
            let Some(v) = integer(text, dt, d)? else { return Ok(()) };
            let v = if num.is_signed() {
                fit(v, i64::MIN.into(), i64::MAX.into())?
            } else if v.is_some_and(|v| v < 0) {
                return Err(Error::Overflow("can't convert negative int to unsigned".into()));
            } else {
                fit(v, 0, u64::MAX.into())?
            };
            let bits = 8 * num.size() as u32;
            let (lo, hi) = if num.is_signed() {
                (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
            } else {
                (0, (1i128 << bits) - 1)
            };
            if v < lo || v > hi {
                return Err(Error::Overflow(format!("Integer {v} is out of bounds for {}", c_name(num))));
            }
            // The value fits, so its low bytes are the value.
            let bytes = v.to_ne_bytes();
            let low = if cfg!(target_endian = "little") { 0 } else { 16 - num.size() };
            bytes.as_ptr().add(low).copy_to_nonoverlapping(d, num.size());
            return Ok(());
        }
        let ascii = std::str::from_utf8(text).ok().filter(|s| s.is_ascii());
        if num == TypeNum::LONGDOUBLE {
            let shown = String::from_utf8_lossy(text);
            let v = ascii.filter(|s| !s.ends_with(char::is_whitespace)).map(parse_longdouble);
            let Some(Ok(v)) = v else {
                return Err(Error::value(format!("invalid literal for long double: {shown} (Success)")));
            };
            d.cast::<ufuncs::elem::LongDouble>().write_unaligned(v);
            return Ok(());
        }
        let Some(ascii) = ascii else { return through_host(text, dt, d) };
        if num.is_complex() {
            let Some((re, im)) = parse_complex(ascii) else {
                return Err(Error::value("complex() arg is a malformed string"));
            };
            let part = num.real_part();
            store_float(part, re, d);
            store_float(part, im, d.add(part.size()));
        } else {
            let Some(v) = parse_float(ascii) else {
                return Err(Error::value(format!("could not convert string to float: {}", py_repr(ascii))));
            };
            store_float(num, v, d);
        }
    }
    Ok(())
}

/// Text as an integer: `Some(None)` when it is too large for any type, `None` when the host has stored it.
unsafe fn integer(text: &[u8], dt: &Dtype, d: *mut u8) -> Result<Option<Option<i128>>> {
    let Some(ascii) = std::str::from_utf8(text).ok().filter(|s| s.is_ascii()) else {
        // SAFETY: the caller's promise.
        return unsafe { through_host(text, dt, d) }.map(|()| None);
    };
    match parse_int(ascii) {
        Some(v) => Ok(Some(v)),
        None => Err(Error::value(format!("invalid literal for int() with base 10: {}", py_repr(ascii)))),
    }
}

fn fit(v: Option<i128>, lo: i128, hi: i128) -> Result<i128> {
    v.filter(|&v| v >= lo && v <= hi).ok_or_else(|| Error::Overflow("int too big to convert".into()))
}

/// A type as C spells it.
fn c_name(num: TypeNum) -> &'static str {
    match num {
        TypeNum::BYTE => "byte",
        TypeNum::UBYTE => "unsigned byte",
        TypeNum::SHORT => "short",
        TypeNum::USHORT => "unsigned short",
        TypeNum::INT => "int",
        TypeNum::UINT => "unsigned int",
        TypeNum::LONG => "long",
        TypeNum::ULONG => "unsigned long",
        TypeNum::LONGLONG => "long long",
        _ => "unsigned long long",
    }
}

/// Digits of other scripts, and errors about characters: the host's string is stored as Python would.
unsafe fn through_host(text: &[u8], dt: &Dtype, d: *mut u8) -> Result<()> {
    let ops = host()?;
    let obj = (ops.text)(text)?;
    // SAFETY: one element; the reference is given back.
    unsafe {
        let done = (ops.set)(dt, d, obj);
        (ops.decref)(obj);
        done
    }
}

unsafe fn padded(text: &[u8], d: *mut u8, size: usize) {
    let n = text.len().min(size);
    // SAFETY: `size` bytes at `d`.
    unsafe {
        text.as_ptr().copy_to_nonoverlapping(d, n);
        d.add(n).write_bytes(0, size - n);
    }
}

/// The element as text, appended to `out`; false for a missing value.
unsafe fn read(dt: &Dtype, s: *const u8, to: &Strings, out: &mut Vec<u8>) -> Result<bool> {
    let num = dt.num;
    let nan_is_missing = to.na.as_ref().is_some_and(|na| na.is_float_nan);
    // SAFETY: one native element of `dt`, at any address.
    unsafe {
        match num {
            TypeNum::UNICODE => {
                let n = dt.itemsize / 4;
                let at = |k: usize| s.cast::<u32>().add(k).read_unaligned();
                let used = (0..n).rev().find(|&k| at(k) != 0).map_or(0, |k| k + 1);
                let points: Vec<u32> = (0..used).map(at).collect();
                if !utf8::encode(&points, out) {
                    return Err(Error::type_("Invalid unicode code point found"));
                }
            }
            TypeNum::STRING | TypeNum::VOID => {
                let bytes = std::slice::from_raw_parts(s, dt.itemsize);
                let used = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
                if std::str::from_utf8(&bytes[..used]).is_err() {
                    if num == TypeNum::VOID {
                        return Err(Error::type_("Invalid UTF-8 bytes found, cannot convert to UTF-8"));
                    }
                    // The host knows the words for what is wrong.
                    let ops = host()?;
                    (ops.decref)((ops.text)(&bytes[..used])?);
                }
                out.extend_from_slice(&bytes[..used]);
            }
            TypeNum::BOOL => match *s {
                0 => out.extend_from_slice(b"False"),
                1 => out.extend_from_slice(b"True"),
                _ => return Err(Error::Runtime("invalid value encountered in bool to string cast".into())),
            },
            TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                let v = s.cast::<i64>().read_unaligned();
                if v == NAT {
                    if to.na.is_some() {
                        return Ok(false);
                    }
                    out.extend_from_slice(b"NaT");
                } else if num == TypeNum::TIMEDELTA {
                    out.extend_from_slice(v.to_string().as_bytes());
                } else {
                    let meta = dates::meta_of(dt);
                    if meta.unit == Unit::Generic {
                        return Err(dates::generic_value());
                    }
                    let precision = format::Precision::Unit(meta.unit);
                    let text =
                        format::datetime_text(v, meta, precision, format::Zone::Naive, CastRule::Unsafe)?;
                    out.extend_from_slice(text.as_bytes());
                }
            }
            TypeNum::DOUBLE if nan_is_missing && s.cast::<f64>().read_unaligned().is_nan() => {
                return Ok(false);
            }
            n if n.is_integer() => out.extend_from_slice(int_text(n, s).as_bytes()),
            n if n.is_float() => out.extend_from_slice(float_text(n, s).as_bytes()),
            n if n.is_complex() => out.extend_from_slice(complex_text(n, s).as_bytes()),
            n => return Err(Error::missing(format!("casting {n:?} to variable-width strings"))),
        }
    }
    Ok(true)
}
