//! Dates in compiled code: between counts of a unit, fields, text and the standard library's objects.

use std::ffi::{c_char, c_int};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use ufuncs::datetime::format::{Precision, Zone, civil_text};
use ufuncs::datetime::{Casting, Civil, Meta, NAT, Unit};

use super::Slot;
use super::given::{self, zero};
use crate::abi::PyArray_DatetimeMetaData;
use crate::ffi::guard;
use crate::objects::scalar::time;

pub static SLOTS: &[Slot] = &[
    Slot(307, NpyDatetime_ConvertDatetime64ToDatetimeStruct as *const ()),
    Slot(308, NpyDatetime_ConvertDatetimeStructToDatetime64 as *const ()),
    Slot(309, NpyDatetime_ConvertPyDateTimeToDatetimeStruct as *const ()),
    Slot(310, NpyDatetime_GetDatetimeISO8601StrLen as *const ()),
    Slot(311, NpyDatetime_MakeISO8601Datetime as *const ()),
    Slot(312, NpyDatetime_ParseISO8601Datetime as *const ()),
];

/// Not-a-time as fields: the year says so. [`Civil`] is `npy_datetimestruct`.
const NOT_A_TIME: Civil = Civil { year: NAT, ..Civil::EPOCH };

const UNIT_ERROR: c_int = -1;
const UNIT_GENERIC: c_int = 14;

fn unit(code: c_int) -> PyResult<Unit> {
    Unit::from_code(code)
        .ok_or_else(|| PyValueError::new_err("NumPy datetime metadata is corrupted with invalid base unit"))
}

fn meta(meta: &PyArray_DatetimeMetaData) -> PyResult<Meta> {
    Ok(Meta::new(unit(meta.base)?, meta.num))
}

fn casting(code: c_int) -> Casting {
    match code {
        0 => Casting::No,
        1 => Casting::Equiv,
        2 => Casting::Safe,
        3 => Casting::SameKind,
        _ => Casting::Unsafe,
    }
}

unsafe extern "C" fn NpyDatetime_ConvertDatetime64ToDatetimeStruct(
    of: *const PyArray_DatetimeMetaData,
    ticks: i64,
    out: *mut Civil,
) -> c_int {
    // SAFETY: the C API's contract, here and below.
    zero(|_| unsafe {
        let meta = meta(&*of)?;
        if ticks != NAT && meta.unit == Unit::Generic {
            return Err(PyValueError::new_err(
                "Cannot convert a NumPy datetime value other than NaT with generic units",
            ));
        }
        *out = Civil::from_ticks(ticks, meta).unwrap_or(NOT_A_TIME);
        Ok(())
    })
}

unsafe extern "C" fn NpyDatetime_ConvertDatetimeStructToDatetime64(
    of: *const PyArray_DatetimeMetaData,
    date: *const Civil,
    out: *mut i64,
) -> c_int {
    // SAFETY: as above.
    zero(|_| unsafe {
        let (meta, date) = (meta(&*of)?, *date);
        *out = if date.year == NAT { NAT } else { date.to_ticks(meta).map_err(time::raise)? };
        Ok(())
    })
}

/// 1: the object is no date.
unsafe extern "C" fn NpyDatetime_ConvertPyDateTimeToDatetimeStruct(
    obj: *mut PyObject,
    out: *mut Civil,
    best: *mut c_int,
    apply_zone: c_int,
) -> c_int {
    // SAFETY: as above.
    guard(|py| unsafe {
        match time::civil_of(&given::object(py, obj), apply_zone != 0)? {
            None => {
                *out = Civil { year: 0, ..Civil::EPOCH };
                Ok(1)
            }
            Some((date, unit)) => {
                *out = date;
                if !best.is_null() {
                    *best = unit as c_int;
                }
                Ok(0)
            }
        }
    })
}

/// Length of text with its final zero, and a zone if it is local.
extern "C" fn NpyDatetime_GetDatetimeISO8601StrLen(local: c_int, base: c_int) -> c_int {
    // The longest year, a sign, and then field by field what the unit shows.
    const YEAR: c_int = 21;
    if base == UNIT_GENERIC {
        return 4;
    }
    let field = |code: c_int, len: c_int| if base >= code { len } else { 0 };
    let date = YEAR + field(Unit::Month as c_int, 3) + field(Unit::Week as c_int, 3);
    let clock =
        field(Unit::Hour as c_int, 3) + field(Unit::Minute as c_int, 3) + field(Unit::Second as c_int, 3);
    let fraction = field(Unit::Milli as c_int, 4)
        + (Unit::Micro as c_int..=Unit::Atto as c_int).map(|code| field(code, 3)).sum::<c_int>();
    let zone = match base >= Unit::Hour as c_int {
        true if local != 0 => 5,
        true => 1,
        false => 0,
    };
    date + clock + fraction + zone + 1
}

unsafe extern "C" fn NpyDatetime_MakeISO8601Datetime(
    date: *const Civil,
    out: *mut c_char,
    size: isize,
    local: c_int,
    utc: c_int,
    base: c_int,
    zone_offset: c_int,
    level: c_int,
) -> c_int {
    // SAFETY: as above: `size` bytes.
    zero(|_| unsafe {
        let date = *date;
        let text = if date.year == NAT || base == UNIT_GENERIC {
            "NaT".to_owned()
        } else {
            let zone = match (local != 0, zone_offset) {
                (true, -1) => Zone::Local,
                (true, minutes) => Zone::Offset(minutes),
                (false, _) if utc != 0 => Zone::Utc,
                (false, _) => Zone::Naive,
            };
            let precision = if base == UNIT_ERROR {
                Precision::Unit(date.lossless_unit())
            } else {
                Precision::Unit(unit(base)?)
            };
            civil_text(date, precision, zone, casting(level)).map_err(time::raise)?
        };
        let room = usize::try_from(size).unwrap_or(0);
        if text.len() > room {
            return Err(pyo3::exceptions::PyRuntimeError::new_err(format!(
                "The string provided for NumPy ISO datetime formatting was too short, with length {size}"
            )));
        }
        std::ptr::copy_nonoverlapping(text.as_ptr(), out.cast(), text.len());
        if text.len() < room {
            *out.add(text.len()) = 0;
        }
        Ok(())
    })
}

unsafe extern "C" fn NpyDatetime_ParseISO8601Datetime(
    text: *const c_char,
    len: isize,
    base: c_int,
    level: c_int,
    out: *mut Civil,
    best: *mut c_int,
    special: *mut u8,
) -> c_int {
    // SAFETY: as above: `len` bytes; places may be null.
    zero(|py| unsafe {
        let bytes = std::slice::from_raw_parts(text.cast::<u8>(), usize::try_from(len).unwrap_or(0));
        let text = std::str::from_utf8(bytes).map_err(|_| PyTypeError::new_err("a date is ASCII text"))?;
        let wanted = if base == UNIT_ERROR { None } else { Some(unit(base)?) };
        let parsed = time::parse_warning(py, text, wanted, casting(level))?;
        *out = parsed.date.unwrap_or(NOT_A_TIME);
        if !best.is_null() {
            *best = parsed.unit as c_int;
        }
        if !special.is_null() {
            let word = text.trim().to_ascii_lowercase();
            *special = u8::from(matches!(word.as_str(), "" | "nat" | "now" | "today"));
        }
        Ok(())
    })
}
