//! Dates from ISO 8601 text, in numpy's dialect.
//!
//! A date is cut off at any field, and the last field is the unit. Years have any number of digits and a sign; all other
//! fields have two. `T` or a space stands before the time, which may end with a time zone. Also `NaT`, `today`, `now`.

use super::calendar::days_in_month;
use super::{Casting, Civil, DatetimeError, Meta, NAT, Unit, clock};

/// A parsed date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parsed {
    /// `None` is not-a-time.
    pub date: Option<Civil>,
    /// The unit the text suggests: that of its last field. Generic for not-a-time.
    pub unit: Unit,
    /// A time zone was given, about which numpy warns.
    pub zoned: bool,
}

impl Parsed {
    /// The count in a unit.
    ///
    /// # Errors
    /// The generic unit has no dates.
    pub fn to_ticks(&self, meta: Meta) -> Result<i64, DatetimeError> {
        self.date.map_or(Ok(NAT), |date| date.to_ticks(meta))
    }
}

/// The text with a reading position.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, b: u8) -> bool {
        let found = self.peek() == Some(b);
        self.at += usize::from(found);
        found
    }

    fn digit(&mut self) -> Option<i32> {
        let digit = self.peek().filter(u8::is_ascii_digit)?;
        self.at += 1;
        Some(i32::from(digit - b'0'))
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|b| b == b' ' || (b'\t'..=b'\r').contains(&b)) {
            self.at += 1;
        }
    }

    fn error<T>(&self) -> Result<T, DatetimeError> {
        Err(DatetimeError::Parse { text: self.text.to_owned(), position: self.at })
    }

    fn out_of_range<T>(&self, field: &'static str) -> Result<T, DatetimeError> {
        Err(DatetimeError::OutOfRange { field, text: self.text.to_owned() })
    }

    /// A field of two digits, no less than `low` and no more than `high`.
    fn field(&mut self, low: i32, high: i32, name: &'static str) -> Result<i32, DatetimeError> {
        let start = self.at;
        let value = match (self.digit(), self.digit()) {
            (Some(tens), Some(ones)) => tens * 10 + ones,
            _ => {
                self.at = start;
                return self.error();
            }
        };
        if (low..=high).contains(&value) { Ok(value) } else { self.out_of_range(name) }
    }

    /// Up to six digits of a fraction in millionths, and how many there were.
    fn millionths(&mut self) -> (i32, u32) {
        let (mut value, mut count) = (0, 0);
        while count < 6 {
            let Some(digit) = self.digit() else { break };
            value = value * 10 + digit;
            count += 1;
        }
        (value * 10i32.pow(6 - count), count)
    }

    /// Date and time up to the time zone; the unit is that of the last field.
    fn date(&mut self) -> Result<(Civil, Unit), DatetimeError> {
        let mut c = Civil::EPOCH;
        self.skip_space();
        let negative = self.peek() == Some(b'-');
        if !self.eat(b'-') {
            self.eat(b'+');
        }
        if self.peek().is_none() {
            return self.error();
        }
        // No digits at all is year zero, if only a month follows.
        c.year = 0;
        while let Some(digit) = self.digit() {
            c.year = c.year.wrapping_mul(10).wrapping_add(digit.into());
        }
        if negative {
            c.year = c.year.wrapping_neg();
        }
        if self.peek().is_none() {
            return Ok((c, Unit::Year));
        }
        if !self.eat(b'-') {
            return self.error();
        }
        c.month = self.field(1, 12, "Month")?;
        if self.peek().is_none() {
            return Ok((c, Unit::Month));
        }
        if !self.eat(b'-') {
            return self.error();
        }
        c.day = self.field(1, days_in_month(c.year, c.month), "Day")?;
        if self.peek().is_none() {
            return Ok((c, Unit::Day));
        }
        if !self.eat(b'T') && !self.eat(b' ') {
            return self.error();
        }
        c.hour = self.field(0, 23, "Hours")?;
        if !self.eat(b':') {
            return Ok((c, Unit::Hour));
        }
        c.minute = self.field(0, 59, "Minutes")?;
        if !self.eat(b':') {
            return Ok((c, Unit::Minute));
        }
        c.second = self.field(0, 59, "Seconds")?;
        if !self.eat(b'.') {
            return Ok((c, Unit::Second));
        }
        let parts = [&mut c.micro, &mut c.pico, &mut c.atto];
        let units = [(Unit::Milli, Unit::Micro), (Unit::Nano, Unit::Pico), (Unit::Femto, Unit::Atto)];
        let mut unit = Unit::Milli;
        for (part, (short, long)) in parts.into_iter().zip(units) {
            let count;
            (*part, count) = self.millionths();
            unit = match count {
                // Nothing after a full part: that part's unit stands.
                0 => break,
                1..=3 => short,
                _ => long,
            };
            if count < 6 {
                break;
            }
        }
        Ok((c, unit))
    }

    /// The time zone after a time: minutes east of UTC if there is one.
    fn zone(&mut self) -> Result<Option<i64>, DatetimeError> {
        let mut offset = None;
        if self.eat(b'Z') {
            offset = Some(0);
        } else if matches!(self.peek(), Some(b'+' | b'-')) {
            let west = self.peek() == Some(b'-');
            self.at += 1;
            let mut minutes = i64::from(self.field(0, 23, "Timezone hours offset")?) * 60;
            if self.peek().is_some() {
                self.eat(b':');
                minutes += i64::from(self.field(0, 59, "Timezone minutes offset")?);
            }
            offset = Some(if west { -minutes } else { minutes });
        }
        self.skip_space();
        if self.peek().is_some() { self.error() } else { Ok(offset) }
    }
}

/// Whether the text has a time zone after a time, whatever follows and whatever else is wrong with it: numpy warns of one when it
/// meets it.
pub fn is_zoned(text: &str) -> bool {
    let mut cursor = Cursor { text, at: 0 };
    cursor.date().is_ok_and(|(_, unit)| unit >= Unit::Hour)
        && matches!(cursor.peek(), Some(b'Z' | b'+' | b'-'))
}

/// Parses a date. `unit` is the unit it is wanted in, which `casting` must allow.
///
/// # Errors
/// The text is no date, or has a finer unit than allowed.
pub fn parse(text: &str, unit: Option<Unit>, casting: Casting) -> Result<Parsed, DatetimeError> {
    if text.is_empty() || text.eq_ignore_ascii_case("nat") {
        return Ok(Parsed { date: None, unit: Unit::Generic, zoned: false });
    }
    if unit == Some(Unit::Generic) {
        // Whatever else the text may be.
        return Err(DatetimeError::GenericUnits);
    }
    let parsed = if text.eq_ignore_ascii_case("today") {
        let now = clock::now();
        let day = clock::local(now).unwrap_or_else(|| Civil::from_days(now.div_euclid(86_400)));
        let date = Civil { year: day.year, month: day.month, day: day.day, ..Civil::EPOCH };
        Parsed { date: Some(date), unit: Unit::Day, zoned: false }
    } else if text.eq_ignore_ascii_case("now") {
        Parsed {
            date: Civil::from_ticks(clock::now(), Unit::Second.into()),
            unit: Unit::Second,
            zoned: false,
        }
    } else {
        let mut cursor = Cursor { text, at: 0 };
        let (mut date, unit) = cursor.date()?;
        let mut zoned = false;
        // Dates without a time have no time zone, and end where `date` found the end.
        if unit >= Unit::Hour
            && let Some(offset) = cursor.zone()?
        {
            zoned = true;
            date.add_minutes(-offset);
        }
        Parsed { date: Some(date), unit, zoned }
    };
    match unit {
        Some(unit) if !casting.allows(parsed.unit, unit) => {
            Err(DatetimeError::ParseUnit { text: text.to_owned(), unit, casting })
        }
        _ => Ok(parsed),
    }
}
