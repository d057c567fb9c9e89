//! `numpy.datetime64` and `numpy.timedelta64`.

use std::hash::{DefaultHasher, Hash, Hasher};

use micronumpy::TypeNum;
use micronumpy::dtype::DatetimeMeta;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString, PyTuple};
use pyo3::{PyTypeInfo, ffi};
use ufuncs::datetime::format::{Precision, Zone, datetime_text, timedelta_text};
use ufuncs::datetime::parse::{Parsed, is_zoned, parse};
use ufuncs::datetime::{Casting, Civil, Converter, DatetimeError, ErrorKind, Meta, NAT, Unit};

use super::text::legacy_mode;
use super::types::typenum_of_subclass;
use super::value::{cell_of, make_time, python_number, typenum_of};
use crate::abi::PyDatetimeScalarObject;
use crate::error::missing;
use crate::ffi::import::cached;
use crate::objects::dtype::{datetime, lossy};
use crate::objects::{Array, Descr};

type Obj<'py> = Bound<'py, PyAny>;

/// The unit of values that have none.
pub const GENERIC: DatetimeMeta = DatetimeMeta { unit: datetime::GENERIC, num: 1 };

/// The unit as the calendar functions know it.
pub fn meta_of(meta: DatetimeMeta) -> Meta {
    Meta::new(Unit::from_code(meta.unit).unwrap_or(Unit::Generic), meta.num)
}

/// A calendar error as an exception.
pub fn raise(err: DatetimeError) -> PyErr {
    let text = err.to_string();
    match err.kind() {
        ErrorKind::Type => PyTypeError::new_err(text),
        ErrorKind::Overflow => PyOverflowError::new_err(text),
        ErrorKind::Value => PyValueError::new_err(text),
    }
}

/// Value and unit of a datetime scalar.
fn parts(obj: &Obj<'_>) -> (i64, DatetimeMeta) {
    // SAFETY: only reached on datetime scalars.
    unsafe {
        let raw: *const PyDatetimeScalarObject = obj.as_ptr().cast();
        ((*raw).obval, DatetimeMeta { unit: (*raw).obmeta.base, num: (*raw).obmeta.num })
    }
}

/// `item()` of a date or a time difference: the standard library's type where it can hold the value.
pub fn to_python<'py>(py: Python<'py>, num: TypeNum, ticks: i64, meta: DatetimeMeta) -> PyResult<Obj<'py>> {
    if ticks == NAT {
        return Ok(py.None().into_bound(py));
    }
    let m = meta_of(meta);
    if num == TypeNum::DATETIME && m.unit == Unit::Generic {
        return Ok(py.None().into_bound(py));
    }
    let plain = || Ok(ticks.into_pyobject(py)?.into_any());
    if m.unit > Unit::Micro {
        return plain();
    }
    if num == TypeNum::TIMEDELTA {
        let micros = match m.unit {
            Unit::Year | Unit::Month => return plain(),
            Unit::Week => 7 * 86_400_000_000i128,
            Unit::Day => 86_400_000_000,
            Unit::Hour => 3_600_000_000,
            Unit::Minute => 60_000_000,
            Unit::Second => 1_000_000,
            Unit::Milli => 1000,
            _ => 1,
        };
        let total = i128::from(ticks) * i128::from(m.num) * micros;
        let days = total.div_euclid(86_400_000_000);
        let rest = total.rem_euclid(86_400_000_000);
        if !(-999_999_999..=999_999_999).contains(&days) {
            return plain();
        }
        return cached(py, "datetime", "timedelta")?.call1((
            days as i64,
            (rest / 1_000_000) as i64,
            (rest % 1_000_000) as i64,
        ));
    }
    match Civil::from_ticks(ticks, m) {
        Some(c) if (1..=9999).contains(&c.year) => {
            if m.unit > Unit::Day {
                cached(py, "datetime", "datetime")?
                    .call1((c.year, c.month, c.day, c.hour, c.minute, c.second, c.micro))
            } else {
                cached(py, "datetime", "date")?.call1((c.year, c.month, c.day))
            }
        }
        _ => plain(),
    }
}

/// The text in a string or bytes object.
fn text_of(obj: &Obj<'_>) -> Option<String> {
    if let Ok(bytes) = obj.cast::<PyBytes>() {
        return Some(String::from_utf8_lossy(bytes.as_bytes()).into_owned());
    }
    obj.is_instance_of::<PyString>().then(|| lossy(obj))
}

/// Python and numpy integers.
fn integer_of<'py>(obj: &Obj<'py>) -> PyResult<Option<i64>> {
    let value = match typenum_of(obj) {
        Some(num) if num.is_integer() => python_number(obj.py(), num, &cell_of(obj, num))?,
        _ if obj.is_instance_of::<PyInt>() => obj.clone(),
        _ => return Ok(None),
    };
    // SAFETY: a live integer.
    let v = unsafe { ffi::PyLong_AsLongLong(value.as_ptr()) };
    if v == -1
        && let Some(err) = PyErr::take(obj.py())
    {
        return Err(err);
    }
    Ok(Some(v))
}

/// What numpy says about time zones.
pub fn warn_zone(py: Python<'_>) -> PyResult<()> {
    let text = c"no explicit representation of timezones available for np.datetime64";
    PyErr::warn(py, &PyUserWarning::type_object(py), text, 1)
}

/// Whether time differences may change between units under `same_kind`.
fn timedelta_allowed(from: Unit, to: Unit) -> bool {
    if from == Unit::Generic || to == Unit::Generic {
        return from == Unit::Generic;
    }
    (from <= Unit::Month) == (to <= Unit::Month)
}

fn refuse_cast(what: &str, from: DatetimeMeta, to: DatetimeMeta) -> PyErr {
    let text = |m: DatetimeMeta| match m.unit {
        datetime::GENERIC => "[generic]".to_string(),
        _ => datetime::brackets(m),
    };
    PyTypeError::new_err(format!(
        "Cannot cast {what} from metadata {} to {} according to the rule 'same_kind'",
        text(from),
        text(to)
    ))
}

/// Another unit for a value of type `num`.
fn rescale(num: TypeNum, what: &str, ticks: i64, from: DatetimeMeta, to: DatetimeMeta) -> PyResult<i64> {
    let (f, t) = (meta_of(from), meta_of(to));
    let allowed = if num == TypeNum::DATETIME {
        Casting::SameKind.allows(f.unit, t.unit)
    } else {
        timedelta_allowed(f.unit, t.unit)
    };
    if !allowed {
        return Err(refuse_cast(what, from, to));
    }
    let converter =
        if num == TypeNum::DATETIME { Converter::datetime(f, t) } else { Converter::timedelta(f, t) };
    Ok(converter.map_err(raise)?.apply(ticks))
}

/// A value with the unit it came in, or the unit that was asked for.
fn convert(num: TypeNum, wanted: Option<DatetimeMeta>, value: &Obj<'_>) -> PyResult<(i64, DatetimeMeta)> {
    let is_date = num == TypeNum::DATETIME;
    if let Some(text) = text_of(value) {
        if is_date {
            return from_text(&text, wanted, value.py());
        }
        if text.is_empty() || text.eq_ignore_ascii_case("nat") {
            return Ok((NAT, wanted.unwrap_or(GENERIC)));
        }
        if let Ok(number) = PyInt::type_object(value.py()).call1((text.as_str(),))
            && let Ok(ticks) = number.extract()
        {
            return Ok((ticks, wanted.unwrap_or(GENERIC)));
        }
        return Err(PyValueError::new_err("Could not convert object to NumPy timedelta"));
    }
    // Dates do not take numpy's integers.
    let is_int = value.is_instance_of::<PyInt>();
    if is_date && is_int && wanted.is_none_or(|m| m.unit == datetime::GENERIC) {
        return Err(PyValueError::new_err(
            "Converting an integer to a NumPy datetime requires a specified unit",
        ));
    }
    if (!is_date || is_int)
        && let Some(ticks) = integer_of(value)?
    {
        return Ok((ticks, wanted.unwrap_or(GENERIC)));
    }
    if typenum_of(value) == Some(num) {
        let (ticks, own) = parts(value);
        let what = if is_date { "NumPy datetime64 scalar" } else { "NumPy timedelta64 scalar" };
        return match wanted {
            None => Ok((ticks, own)),
            Some(meta) => Ok((rescale(num, what, ticks, own, meta)?, meta)),
        };
    }
    if let Some(arr) = Array::cast(value)
        && arr.ndim() == 0
        && arr.dtype().num == num
    {
        // SAFETY: an array of one element.
        let scalar = unsafe { super::to_scalar(&arr.descr(), arr.data(), None)? };
        return convert(num, wanted, &scalar);
    }
    if let Some((ticks, own)) = if is_date { from_date(value)? } else { from_delta(value)? } {
        let what = if is_date { "datetime.datetime object" } else { "datetime.timedelta object" };
        return match wanted {
            None => Ok((ticks, own)),
            Some(meta) => Ok((rescale(num, what, ticks, own, meta)?, meta)),
        };
    }
    if value.is_none() {
        return Ok((NAT, wanted.unwrap_or(GENERIC)));
    }
    let kind = if is_date { "datetime" } else { "timedelta" };
    Err(PyValueError::new_err(format!("Could not convert object to NumPy {kind}")))
}

/// The date that a text is; warns of a time zone in it.
pub fn parse_warning(py: Python<'_>, text: &str, unit: Option<Unit>, casting: Casting) -> PyResult<Parsed> {
    let parsed = parse(text, unit, casting);
    if parsed.as_ref().map_or_else(|_| is_zoned(text), |parsed| parsed.zoned) {
        warn_zone(py)?;
    }
    parsed.map_err(raise)
}

fn from_text(text: &str, wanted: Option<DatetimeMeta>, py: Python<'_>) -> PyResult<(i64, DatetimeMeta)> {
    let unit = wanted.map(|m| meta_of(m).unit).filter(|&u| u != Unit::Generic);
    let parsed = parse_warning(py, text, unit, Casting::SameKind)?;
    let meta = wanted.unwrap_or(DatetimeMeta { unit: parsed.unit as i32, num: 1 });
    Ok((parsed.to_ticks(meta_of(meta)).map_err(raise)?, meta))
}

/// The fields of a `datetime.datetime` or `datetime.date` object and the unit they are given to; `None` for other objects.
/// A time of a zone is moved to UTC if that is asked for.
pub fn civil_of(value: &Obj<'_>, apply_zone: bool) -> PyResult<Option<(Civil, Unit)>> {
    let py = value.py();
    if !value.is_instance(&cached(py, "datetime", "date")?)? {
        return Ok(None);
    }
    let int = |name: &str| -> PyResult<i32> { value.getattr(name)?.extract() };
    let mut civil = Civil {
        year: value.getattr("year")?.extract()?,
        month: int("month")?,
        day: int("day")?,
        ..Civil::EPOCH
    };
    if !value.is_instance(&cached(py, "datetime", "datetime")?)? {
        return Ok(Some((civil, Unit::Day)));
    }
    (civil.hour, civil.minute, civil.second, civil.micro) =
        (int("hour")?, int("minute")?, int("second")?, int("microsecond")?);
    let zone = value.getattr("tzinfo")?;
    if apply_zone && !zone.is_none() {
        warn_zone(py)?;
        let offset = zone.call_method1("utcoffset", (value,))?;
        if !offset.is_none() {
            let seconds: f64 = offset.call_method0("total_seconds")?.extract()?;
            civil.add_minutes(-((seconds / 60.0) as i64));
        }
    }
    Ok(Some((civil, Unit::Micro)))
}

/// `datetime.datetime` and `datetime.date` objects: microseconds or days.
fn from_date(value: &Obj<'_>) -> PyResult<Option<(i64, DatetimeMeta)>> {
    let Some((civil, unit)) = civil_of(value, true)? else { return Ok(None) };
    let meta = DatetimeMeta { unit: unit as i32, num: 1 };
    Ok(Some((civil.to_ticks(meta_of(meta)).map_err(raise)?, meta)))
}

/// `datetime.timedelta` objects: microseconds.
fn from_delta(value: &Obj<'_>) -> PyResult<Option<(i64, DatetimeMeta)>> {
    let py = value.py();
    if !value.is_instance(&cached(py, "datetime", "timedelta")?)? {
        return Ok(None);
    }
    let int = |name: &str| -> PyResult<i64> { value.getattr(name)?.extract() };
    let ticks = int("days")? * 86_400_000_000 + int("seconds")? * 1_000_000 + int("microseconds")?;
    Ok(Some((ticks, DatetimeMeta { unit: Unit::Micro as i32, num: 1 })))
}

/// A Python object as ticks of a unit.
pub fn from_python(num: TypeNum, meta: DatetimeMeta, value: &Obj<'_>) -> PyResult<i64> {
    Ok(convert(num, Some(meta), value)?.0)
}

/// The dtype of dates of the standard library: discovery leaves them objects.
pub fn descr_of_python<'py>(_obj: &Obj<'py>) -> PyResult<Option<Descr<'py>>> {
    Ok(None)
}

/// A unit argument: text, or the tuple of pickles.
pub fn unit_argument(obj: &Obj<'_>) -> PyResult<DatetimeMeta> {
    if obj.is_instance_of::<PyTuple>() {
        return datetime::from_tuple(obj);
    }
    let Some(text) = text_of(obj) else {
        return Err(PyTypeError::new_err("Invalid object for specifying NumPy datetime metadata"));
    };
    if text.starts_with('[') { datetime::parse_brackets(&text) } else { datetime::parse_unit(&text) }
}

/// `numpy.datetime64(value, unit)`
pub fn new<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    let class = cls.as_ptr().cast();
    let num = typenum_of_subclass(class).ok_or_else(|| missing("datetime64.__new__"))?;
    let args = args.cast::<PyTuple>()?;
    if let Some(kwargs) = kwargs
        && let Ok(key) = kwargs.cast::<PyDict>()?.keys().get_item(0)
    {
        return Err(PyTypeError::new_err(format!(
            "'{}' is an invalid keyword argument for this function",
            lossy(&key)
        )));
    }
    if args.len() > 2 {
        return Err(PyTypeError::new_err(format!(
            "function takes at most 2 arguments ({} given)",
            args.len()
        )));
    }
    let wanted = match args.get_item(1) {
        Ok(unit) => Some(unit_argument(&unit)?),
        Err(_) => None,
    };
    let (ticks, meta) = match args.get_item(0) {
        Ok(value) => convert(num, wanted, &value)?,
        Err(_) if num == TypeNum::DATETIME => (NAT, GENERIC),
        Err(_) => (0, GENERIC),
    };
    make_time(cls.py(), class, ticks, meta)
}

/// A date as ISO text.
fn date_text(ticks: i64, meta: DatetimeMeta) -> PyResult<String> {
    let m = meta_of(meta);
    datetime_text(ticks, m, Precision::Unit(m.unit), Zone::Naive, Casting::Unsafe).map_err(raise)
}

/// The unit as constructors take it.
fn unit_text(meta: DatetimeMeta) -> String {
    match meta {
        DatetimeMeta { num: 1, unit } => datetime::unit_name(unit).to_string(),
        DatetimeMeta { num, unit } => format!("{num}{}", datetime::unit_name(unit)),
    }
}

/// `np.datetime64('2000-01-01')`
pub fn repr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let (ticks, meta) = parts(slf);
    let module = if legacy_mode(py)? > 125 { "np" } else { "numpy" };
    let text = if typenum_of(slf) == Some(TypeNum::DATETIME) {
        let date = date_text(ticks, meta)?;
        // The unit shows in the text, except where it does not.
        let obvious = meta.num == 1 && ticks != NAT && !matches!(meta.unit, 5 | datetime::GENERIC);
        if obvious {
            format!("{module}.datetime64('{date}')")
        } else {
            format!("{module}.datetime64('{date}','{}')", unit_text(meta))
        }
    } else {
        let value = if ticks == NAT { "'NaT'".to_string() } else { ticks.to_string() };
        if meta.unit == datetime::GENERIC {
            format!("{module}.timedelta64({value})")
        } else {
            format!("{module}.timedelta64({value},'{}')", unit_text(meta))
        }
    };
    Ok(PyString::new(py, &text).into_any())
}

/// `2000-01-01`, `5 seconds`
pub fn str<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let (ticks, meta) = parts(slf);
    let text = if typenum_of(slf) == Some(TypeNum::DATETIME) {
        date_text(ticks, meta)?
    } else {
        timedelta_text(ticks, meta_of(meta))
    };
    Ok(PyString::new(slf.py(), &text).into_any())
}

/// Equal times hash alike, whatever their units.
pub fn hash(slf: &Obj<'_>) -> PyResult<isize> {
    let (ticks, meta) = parts(slf);
    if ticks == NAT {
        // Not-a-time equals nothing, so it hashes by identity.
        return Ok((slf.as_ptr() as isize) >> 4);
    }
    let m = meta_of(meta);
    let num = typenum_of(slf).ok_or_else(|| missing("hash of this scalar"))?;
    let mut state = DefaultHasher::new();
    if m.unit == Unit::Generic {
        return Err(PyValueError::new_err(if num == TypeNum::DATETIME {
            "Can't hash generic datetime64"
        } else {
            "Can't hash generic timedelta64"
        }));
    }
    // What the standard library can hold hashes as there.
    let py = slf.py();
    if num == TypeNum::DATETIME {
        match Civil::from_ticks(ticks, m) {
            Some(c) if (1..=9999).contains(&c.year) && c.pico == 0 && c.atto == 0 => {
                return cached(py, "datetime", "datetime")?
                    .call1((c.year, c.month, c.day, c.hour, c.minute, c.second, c.micro))?
                    .hash();
            }
            Some(c) => {
                (c.year, c.month, c.day, c.hour, c.minute, c.second, c.micro, c.pico, c.atto)
                    .hash(&mut state);
            }
            None => ticks.hash(&mut state),
        }
    } else {
        // Months, or attoseconds: 63 bits of years times 2^65 attoseconds fit 128 bits only just not, so wrap.
        let count = i128::from(ticks).wrapping_mul(i128::from(m.num));
        let factor: i128 = match m.unit {
            Unit::Year => 12,
            Unit::Month => 1,
            Unit::Week => 7 * 86_400 * 1_000_000_000_000_000_000,
            Unit::Day => 86_400 * 1_000_000_000_000_000_000,
            Unit::Hour => 3600 * 1_000_000_000_000_000_000,
            Unit::Minute => 60 * 1_000_000_000_000_000_000,
            Unit::Second => 1_000_000_000_000_000_000,
            Unit::Milli => 1_000_000_000_000_000,
            Unit::Micro => 1_000_000_000_000,
            Unit::Nano => 1_000_000_000,
            Unit::Pico => 1_000_000,
            Unit::Femto => 1000,
            _ => 1,
        };
        let total = count.wrapping_mul(factor);
        if m.unit <= Unit::Month {
            return (total as i64).into_pyobject(py)?.into_any().hash();
        }
        let micro = 1_000_000_000_000;
        if total % micro == 0 {
            let micros = i64::try_from(total / micro);
            let meta = DatetimeMeta { unit: Unit::Micro as i32, num: 1 };
            if let Ok(micros) = micros {
                let value = to_python(py, TypeNum::TIMEDELTA, micros, meta)?;
                if !value.is_instance_of::<PyInt>() {
                    return value.hash();
                }
            }
        }
        total.hash(&mut state);
    }
    Ok(state.finish() as isize)
}
