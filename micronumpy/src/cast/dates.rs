//! Dates and durations in other units, on [`ufuncs::datetime`].

use ufuncs::datetime::{Converter, DatetimeError, ErrorKind, Meta, Unit};

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
