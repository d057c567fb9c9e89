//! Dates and durations as numpy has them: a 64-bit count of some unit, the proleptic Gregorian calendar, UTC without leap
//! seconds.
//!
//! [`calendar`] turns counts into civil dates and back, [`convert`] changes units, [`parse`] and [`format`] are ISO 8601
//! text, [`busday`] counts business days. Counts wrap around on overflow where numpy's do; nothing here panics.

pub mod busday;
pub mod calendar;
mod clock;
pub mod convert;
pub mod format;
pub mod parse;

use core::fmt;

pub use crate::elem::NAT;
pub use calendar::Civil;
pub use convert::Converter;

/// A base unit. ORDER UNIT: numbers are ABI, and finer units compare greater. 3 was business days once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(i32)]
pub enum Unit {
    Year = 0,
    Month = 1,
    Week = 2,
    Day = 4,
    Hour = 5,
    Minute = 6,
    Second = 7,
    Milli = 8,
    Micro = 9,
    Nano = 10,
    Pico = 11,
    Femto = 12,
    Atto = 13,
    Generic = 14,
}

impl Unit {
    const ALL: [Unit; 14] = [
        Unit::Year,
        Unit::Month,
        Unit::Week,
        Unit::Day,
        Unit::Hour,
        Unit::Minute,
        Unit::Second,
        Unit::Milli,
        Unit::Micro,
        Unit::Nano,
        Unit::Pico,
        Unit::Femto,
        Unit::Atto,
        Unit::Generic,
    ];

    /// The unit with this number.
    pub fn from_code(code: i32) -> Option<Unit> {
        Unit::ALL.into_iter().find(|&u| u as i32 == code)
    }

    /// The name in dtypes: `ms`, `generic`.
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Year => "Y",
            Unit::Month => "M",
            Unit::Week => "W",
            Unit::Day => "D",
            Unit::Hour => "h",
            Unit::Minute => "m",
            Unit::Second => "s",
            Unit::Milli => "ms",
            Unit::Micro => "us",
            Unit::Nano => "ns",
            Unit::Pico => "ps",
            Unit::Femto => "fs",
            Unit::Atto => "as",
            Unit::Generic => "generic",
        }
    }

    /// The name in the text of a duration.
    pub const fn plural(self) -> &'static str {
        match self {
            Unit::Year => "years",
            Unit::Month => "months",
            Unit::Week => "weeks",
            Unit::Day => "days",
            Unit::Hour => "hours",
            Unit::Minute => "minutes",
            Unit::Second => "seconds",
            Unit::Milli => "milliseconds",
            Unit::Micro => "microseconds",
            Unit::Nano => "nanoseconds",
            Unit::Pico => "picoseconds",
            Unit::Femto => "femtoseconds",
            Unit::Atto => "attoseconds",
            Unit::Generic => "generic time units",
        }
    }

    /// How many of the next finer unit make one.
    const fn step(self) -> (u64, Unit) {
        match self {
            Unit::Year => (12, Unit::Month),
            // Months have no fixed length; nobody asks.
            Unit::Month => (1, Unit::Week),
            Unit::Week => (7, Unit::Day),
            Unit::Day => (24, Unit::Hour),
            Unit::Hour => (60, Unit::Minute),
            Unit::Minute => (60, Unit::Second),
            Unit::Second => (1000, Unit::Milli),
            Unit::Milli => (1000, Unit::Micro),
            Unit::Micro => (1000, Unit::Nano),
            Unit::Nano => (1000, Unit::Pico),
            Unit::Pico => (1000, Unit::Femto),
            Unit::Femto => (1000, Unit::Atto),
            Unit::Atto | Unit::Generic => (1, Unit::Generic),
        }
    }

    /// How many `fine` make one of `self`; `None` from 2^56 on, which is where numpy gives up.
    fn factor(self, fine: Unit) -> Option<u64> {
        let (mut factor, mut unit) = (1u64, self);
        while unit < fine {
            let (count, next) = unit.step();
            factor = factor.checked_mul(count).filter(|f| f >> 56 == 0)?;
            unit = next;
        }
        Some(factor)
    }
}

/// The unit of a dtype: a multiple of a base unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Meta {
    pub unit: Unit,
    pub num: i32,
}

impl Meta {
    pub const GENERIC: Meta = Meta { unit: Unit::Generic, num: 1 };

    pub const fn new(unit: Unit, num: i32) -> Meta {
        Meta { unit, num }
    }

    /// The multiple as something that can be divided by: a dtype may say `[0D]`.
    fn divisor(self) -> i64 {
        if self.num == 0 { 1 } else { self.num.into() }
    }
}

impl From<Unit> for Meta {
    fn from(unit: Unit) -> Meta {
        Meta { unit, num: 1 }
    }
}

/// Which changes of unit a cast may make.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Casting {
    No,
    Equiv,
    Safe,
    SameKind,
    Unsafe,
}

impl Casting {
    pub const fn name(self) -> &'static str {
        match self {
            Casting::No => "no",
            Casting::Equiv => "equiv",
            Casting::Safe => "safe",
            Casting::SameKind => "same_kind",
            Casting::Unsafe => "unsafe",
        }
    }

    /// Whether dates may go from one base unit to another.
    pub fn allows(self, from: Unit, to: Unit) -> bool {
        let generic = from == Unit::Generic || to == Unit::Generic;
        match self {
            Casting::Unsafe => true,
            Casting::SameKind => !generic || from == Unit::Generic,
            Casting::Safe if generic => from == Unit::Generic,
            Casting::Safe => from <= to,
            Casting::No | Casting::Equiv => from == to,
        }
    }
}

/// What can go wrong with dates. `Display` is numpy's text.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DatetimeError {
    Parse {
        text: String,
        position: usize,
    },
    OutOfRange {
        field: &'static str,
        text: String,
    },
    ParseUnit {
        text: String,
        unit: Unit,
        casting: Casting,
    },
    GenericUnits,
    /// A count other than NaT cannot be told as a date without a unit.
    NoUnit,
    ToGeneric,
    FactorOverflow(Unit, Unit),
    FormatUnit {
        from: Unit,
        to: Unit,
        casting: Casting,
    },
    FormatPrecision {
        data: Unit,
        to: Unit,
    },
    FormatLocal,
    WeekmaskText(String),
    WeekmaskLength,
    WeekmaskEmpty,
    Roll(String),
    NotBusinessDay,
    OffsetNat,
    CountNat,
}

/// The exception a [`DatetimeError`] stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    Value,
    Type,
    Overflow,
}

impl DatetimeError {
    pub fn kind(&self) -> ErrorKind {
        match self {
            DatetimeError::FactorOverflow(..) => ErrorKind::Overflow,
            DatetimeError::ParseUnit { .. }
            | DatetimeError::FormatUnit { .. }
            | DatetimeError::FormatPrecision { .. }
            | DatetimeError::FormatLocal => ErrorKind::Type,
            _ => ErrorKind::Value,
        }
    }
}

/// What an error tells of a text: up to the first NUL, as it is shown where texts end there.
fn shown(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

impl fmt::Display for DatetimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatetimeError::Parse { text, position } => {
                write!(f, "Error parsing datetime string \"{}\" at position {position}", shown(text))
            }
            DatetimeError::OutOfRange { field, text } => {
                write!(f, "{field} out of range in datetime string \"{}\"", shown(text))
            }
            DatetimeError::ParseUnit { text, unit, casting } => write!(
                f,
                "Cannot parse \"{}\" as unit '{}' using casting rule '{}'",
                shown(text),
                unit.name(),
                casting.name()
            ),
            DatetimeError::GenericUnits => {
                f.write_str("Cannot create a NumPy datetime other than NaT with generic units")
            }
            DatetimeError::NoUnit => {
                f.write_str("Cannot convert a NumPy datetime value other than NaT with generic units")
            }
            DatetimeError::ToGeneric => f.write_str(
                "Cannot convert from specific units to generic units in NumPy datetimes or timedeltas",
            ),
            DatetimeError::FactorOverflow(coarse, fine) => write!(
                f,
                "Integer overflow while computing the conversion factor between NumPy datetime units {} and {}",
                coarse.name(),
                fine.name()
            ),
            DatetimeError::FormatUnit { from, to, casting } => write!(
                f,
                "Cannot create a datetime string as units '{}' from a NumPy datetime with units '{}' according to \
                 the rule '{}'",
                to.name(),
                from.name(),
                casting.name()
            ),
            DatetimeError::FormatPrecision { data, to } => write!(
                f,
                "Cannot create a string with unit precision '{}' from the NumPy datetime, which has data at unit \
                 precision '{}', requires 'unsafe' or 'same_kind' casting",
                to.name(),
                data.name()
            ),
            DatetimeError::FormatLocal => f.write_str(
                "Cannot create a local timezone-based date string from a NumPy datetime without forcing 'unsafe' \
                 casting",
            ),
            DatetimeError::WeekmaskText(text) => {
                write!(f, "Invalid business day weekmask string \"{text}\"")
            }
            DatetimeError::WeekmaskLength => f.write_str("A business day weekmask array must have length 7"),
            DatetimeError::WeekmaskEmpty => {
                f.write_str("the business day weekmask must have at least one valid business day")
            }
            DatetimeError::Roll(text) => write!(f, "Invalid business day roll parameter \"{text}\""),
            DatetimeError::NotBusinessDay => f.write_str("Non-business day date in busday_offset"),
            DatetimeError::OffsetNat => f.write_str("NaT input in busday_offset"),
            DatetimeError::CountNat => {
                f.write_str("Cannot compute a business day count with a NaT (not-a-time) date")
            }
        }
    }
}

impl std::error::Error for DatetimeError {}

#[cfg(test)]
mod tests;
