//! Dates and durations as text.

use std::fmt::Write;

use super::{Casting, Civil, DatetimeError, Meta, NAT, Unit, clock};

/// The clock a date is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Zone {
    /// UTC without saying so.
    Naive,
    /// UTC, marked `Z`.
    Utc,
    /// The system's time zone.
    Local,
    /// Minutes east of UTC.
    Offset(i32),
}

/// The unit to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precision {
    Unit(Unit),
    /// As fine as the date needs: days, minutes, or finer.
    Auto,
}

/// A count as ISO 8601 text.
///
/// # Errors
/// Under `casting`, `precision` may not drop what the unit of the count can hold, and a date without time has no local form.
pub fn datetime_text(
    ticks: i64,
    meta: Meta,
    precision: Precision,
    zone: Zone,
    casting: Casting,
) -> Result<String, DatetimeError> {
    if let Precision::Unit(to) = precision
        && !casting.allows(meta.unit, to)
    {
        return Err(DatetimeError::FormatUnit { from: meta.unit, to, casting });
    }
    if meta.unit == Unit::Generic && ticks != NAT {
        return Err(DatetimeError::NoUnit);
    }
    let Some(date) = Civil::from_ticks(ticks, meta) else { return Ok("NaT".to_owned()) };
    civil_text(date, precision, zone, casting)
}

/// A civil date (in UTC) as ISO 8601 text.
///
/// # Errors
/// As for [`datetime_text`].
pub fn civil_text(
    date: Civil,
    precision: Precision,
    zone: Zone,
    casting: Casting,
) -> Result<String, DatetimeError> {
    // No system can be trusted to know the time zones of other years.
    let zone = if zone == Zone::Local && !(1970..10_000).contains(&date.year) { Zone::Naive } else { zone };
    let local = matches!(zone, Zone::Local | Zone::Offset(_));
    let unit = match precision {
        Precision::Unit(Unit::Generic) | Precision::Auto => {
            let unit = date.lossless_unit();
            // Hours alone are hard to recognise as a time.
            if unit == Unit::Hour || unit < Unit::Minute && local {
                Unit::Minute
            } else {
                unit.max(Unit::Day)
            }
        }
        // A week is written as its first day.
        Precision::Unit(Unit::Week) => Unit::Day,
        Precision::Unit(unit) => unit,
    };

    if casting != Casting::Unsafe && unit <= Unit::Day && local {
        return Err(DatetimeError::FormatLocal);
    }
    let (date, offset) = match zone {
        Zone::Naive | Zone::Utc => (date, 0),
        Zone::Offset(minutes) => {
            let mut moved = date;
            moved.add_minutes(minutes.into());
            (moved, i64::from(minutes))
        }
        Zone::Local => in_local_time(date),
    };

    // The time zone may have brought finer fields.
    let data = date.lossless_unit();
    if casting < Casting::SameKind && unit < data {
        return Err(DatetimeError::FormatPrecision { data, to: unit });
    }

    let mut out = String::with_capacity(32);
    // Writing to a string cannot fail.
    let _ = write!(out, "{:04}", date.year);
    let fields = [
        (Unit::Month, '-', date.month),
        (Unit::Day, '-', date.day),
        (Unit::Hour, 'T', date.hour),
        (Unit::Minute, ':', date.minute),
        (Unit::Second, ':', date.second),
    ];
    for (field, separator, value) in fields {
        if unit >= field {
            let _ = write!(out, "{separator}{value:02}");
        }
    }
    if unit >= Unit::Milli {
        let _ = write!(out, ".{:06}{:06}{:06}", date.micro, date.pico, date.atto);
        // Three digits per unit.
        let digits = 3 * (unit as usize - Unit::Second as usize);
        out.truncate(out.len() - (18 - digits));
    }
    if unit >= Unit::Hour {
        match zone {
            Zone::Naive => {}
            Zone::Utc => out.push('Z'),
            Zone::Local | Zone::Offset(_) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let _ = write!(out, "{sign}{:02}{:02}", offset.abs() / 60, offset.abs() % 60);
            }
        }
    }
    Ok(out)
}

/// The same instant on the local clock, and how many minutes it is ahead.
fn in_local_time(date: Civil) -> (Civil, i64) {
    let minutes = |c: &Civil| (c.days() * 24 + i64::from(c.hour)) * 60 + i64::from(c.minute);
    let seconds = minutes(&date) * 60 + i64::from(date.second);
    let Some(local) = clock::local(seconds) else { return (date, 0) };
    let offset = minutes(&local) - minutes(&date);
    let mut moved = date;
    moved.add_minutes(offset);
    (moved, offset)
}

/// A duration as `str` shows it: `125 seconds`.
pub fn timedelta_text(ticks: i64, meta: Meta) -> String {
    if ticks == NAT {
        return "NaT".to_owned();
    }
    format!("{} {}", ticks.wrapping_mul(i64::from(meta.num)), meta.unit.plural())
}
