//! Dates and durations in other units, on [`ufuncs::datetime`].

use ufuncs::datetime::{Converter, DatetimeError, ErrorKind, Meta, NAT, Unit};

use crate::dtype::{DatetimeMeta, Dtype, TypeNum};
use crate::error::{Error, Result};

impl From<DatetimeMeta> for Meta {
    fn from(meta: DatetimeMeta) -> Meta {
        Meta { unit: Unit::from_code(meta.unit).unwrap_or(Unit::Generic), num: meta.num }
    }
}

impl From<DatetimeError> for Error {
    fn from(e: DatetimeError) -> Error {
        let text = e.to_string();
        match e.kind() {
            ErrorKind::Value => Error::Value(text),
            ErrorKind::Type => Error::Type(text),
            ErrorKind::Overflow => Error::Overflow(text),
        }
    }
}

/// The unit of a date's dtype, generic for anything else.
pub(super) fn meta_of(dt: &Dtype) -> Meta {
    dt.datetime_meta().unwrap_or(DatetimeMeta::GENERIC).into()
}

pub(super) fn generic_value() -> Error {
    Error::value("Cannot convert a NumPy datetime value other than NaT with generic units")
}

/// A date without a unit as one in years or months: numpy asks the calendar, which has no answer but for NaT. (Finer units
/// take the count as it is.)
pub(super) fn refuses_generic(src: &Dtype, dst: &Dtype) -> bool {
    src.num == TypeNum::DATETIME
        && dst.num == TypeNum::DATETIME
        && meta_of(src).unit == Unit::Generic
        && meta_of(dst).unit <= Unit::Month
}

/// Copy counts that must all be NaT.
pub(super) unsafe fn run_generic(
    src: *const u8,
    sst: isize,
    dst: *mut u8,
    dst_st: isize,
    n: usize,
) -> Result<()> {
    for i in 0..n as isize {
        // SAFETY: the contract of `transfer`.
        unsafe {
            let v = src.offset(i * sst).cast::<i64>().read_unaligned();
            if v != NAT {
                return Err(generic_value());
            }
            dst.offset(i * dst_st).cast::<i64>().write_unaligned(v);
        }
    }
    Ok(())
}

/// How counts change between two datetime or timedelta dtypes; `None`: the same number means the same.
pub(super) fn plan(src: &Dtype, dst: &Dtype) -> Result<Option<Converter>> {
    // Dates and durations turn into each other by number.
    if src.num != dst.num || src.datetime_meta() == dst.datetime_meta() {
        return Ok(None);
    }
    let (a, b) = (meta_of(src), meta_of(dst));
    let converter =
        if src.num == TypeNum::TIMEDELTA { Converter::timedelta(a, b)? } else { Converter::datetime(a, b)? };
    Ok(if matches!(converter, Converter::Copy) { None } else { Some(converter) })
}
