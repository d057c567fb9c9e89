//! Civil dates and counts of units since 1970-01-01T00:00.

use super::{DatetimeError, Meta, NAT, Unit};

/// A date and time of day. Fractions of a second are split in three, as in numpy's C struct.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Civil {
    pub year: i64,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub micro: i32,
    /// Picoseconds beyond the microsecond.
    pub pico: i32,
    /// Attoseconds beyond the picosecond.
    pub atto: i32,
}

impl Civil {
    pub const EPOCH: Civil =
        Civil { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, micro: 0, pico: 0, atto: 0 };

    /// Midnight of a day counted from 1970-01-01.
    pub fn from_days(days: i64) -> Civil {
        // Years that start in March put the leap day at the end; 400 of them are one cycle. Counting from 2000-03-01
        // wraps around for dates no calendar reaches, as it does in numpy.
        const CYCLE: i64 = 146_097;
        let days = days.wrapping_sub(11_017);
        let (cycle, day) = (days.div_euclid(CYCLE), days.rem_euclid(CYCLE));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (month, year_carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        Civil {
            year: 2000 + 400 * cycle + year + year_carry,
            month: month as i32,
            day: (day - (153 * ((month + 9) % 12) + 2) / 5 + 1) as i32,
            ..Civil::EPOCH
        }
    }

    /// Days from 1970-01-01. They wrap around, and as in numpy the leap days of a year beyond the calendar are rounded
    /// towards zero from whichever side the wrapped days are on.
    pub fn days(&self) -> i64 {
        let year = self.year.wrapping_sub(1970);
        let days = year.wrapping_mul(365);
        // The leap years nearest to 1970 that divide by 4, 100 and 400 are 1968, 1900 and 1600 before, 1972 and 2000 after.
        let leap_days = if days >= 0 {
            year.wrapping_add(1) / 4 - year.wrapping_add(69) / 100 + year.wrapping_add(369) / 400
        } else {
            year.wrapping_sub(2) / 4 - year.wrapping_sub(30) / 100 + year.wrapping_sub(30) / 400
        };
        const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let leap = self.month > 2 && days_in_month(self.year, 2) == 29;
        let before = BEFORE.get(self.month.wrapping_sub(1) as usize).copied().unwrap_or_default();
        let in_year = before + i64::from(leap) + i64::from(self.day) - 1;
        days.wrapping_add(leap_days).wrapping_add(in_year)
    }

    /// Adds minutes, carrying into the larger fields.
    pub fn add_minutes(&mut self, minutes: i64) {
        let total = i64::from(self.hour) * 60 + i64::from(self.minute) + minutes;
        let (days, rest) = (total.div_euclid(24 * 60), total.rem_euclid(24 * 60));
        (self.hour, self.minute) = ((rest / 60) as i32, (rest % 60) as i32);
        if days != 0 {
            let date = Civil::from_days(self.days().wrapping_add(days));
            (self.year, self.month, self.day) = (date.year, date.month, date.day);
        }
    }

    /// The count in a unit: rounded down, and wrapped around if the unit is too fine for the date.
    ///
    /// # Errors
    /// The generic unit has no dates.
    pub fn to_ticks(&self, meta: Meta) -> Result<i64, DatetimeError> {
        let step =
            |count: i64, factor: i64, field: i32| count.wrapping_mul(factor).wrapping_add(i64::from(field));
        let days = self.days();
        let count = match meta.unit {
            Unit::Generic => return Err(DatetimeError::GenericUnits),
            Unit::Year => self.year.wrapping_sub(1970),
            Unit::Month => step(self.year.wrapping_sub(1970), 12, self.month - 1),
            Unit::Week => days.div_euclid(7),
            Unit::Day => days,
            unit => {
                let hours = step(days, 24, self.hour);
                let minutes = step(hours, 60, self.minute);
                let seconds = step(minutes, 60, self.second);
                let micros = step(seconds, 1_000_000, self.micro);
                let picos = step(micros, 1_000_000, self.pico);
                match unit {
                    Unit::Hour => hours,
                    Unit::Minute => minutes,
                    Unit::Second => seconds,
                    Unit::Milli => step(seconds, 1000, self.micro / 1000),
                    Unit::Micro => micros,
                    Unit::Nano => step(micros, 1000, self.pico / 1000),
                    Unit::Pico => picos,
                    Unit::Femto => step(picos, 1000, self.atto / 1000),
                    _ => step(picos, 1_000_000, self.atto),
                }
            }
        };
        Ok(if meta.num == 1 { count } else { count.div_euclid(meta.divisor()) })
    }

    /// The date of a count; `None` for not-a-time (and for counts of the generic unit, which are no dates).
    pub fn from_ticks(ticks: i64, meta: Meta) -> Option<Civil> {
        if ticks == NAT || meta.unit == Unit::Generic {
            return None;
        }
        let count = ticks.wrapping_mul(i64::from(meta.num));
        Some(match meta.unit {
            Unit::Year => Civil { year: count.wrapping_add(1970), ..Civil::EPOCH },
            Unit::Month => Civil {
                year: 1970 + count.div_euclid(12),
                month: count.rem_euclid(12) as i32 + 1,
                ..Civil::EPOCH
            },
            Unit::Week => Civil::from_days(count.wrapping_mul(7)),
            Unit::Day => Civil::from_days(count),
            unit => {
                // The fields from the finest up; `rest` counts what is coarser.
                let mut rest = count;
                let mut take = |modulus: i64| {
                    let field = rest.rem_euclid(modulus) as i32;
                    rest = rest.div_euclid(modulus);
                    field
                };
                let atto = match unit {
                    Unit::Atto => take(1_000_000),
                    Unit::Femto => take(1000) * 1000,
                    _ => 0,
                };
                let pico = match unit {
                    u if u >= Unit::Pico => take(1_000_000),
                    Unit::Nano => take(1000) * 1000,
                    _ => 0,
                };
                let micro = match unit {
                    u if u >= Unit::Micro => take(1_000_000),
                    Unit::Milli => take(1000) * 1000,
                    _ => 0,
                };
                let second = if unit >= Unit::Second { take(60) } else { 0 };
                let minute = if unit >= Unit::Minute { take(60) } else { 0 };
                let hour = take(24);
                Civil { hour, minute, second, micro, pico, atto, ..Civil::from_days(rest) }
            }
        })
    }

    /// The coarsest unit, from years on, that represents the date without loss.
    pub fn lossless_unit(&self) -> Unit {
        if self.atto % 1000 != 0 {
            Unit::Atto
        } else if self.atto != 0 {
            Unit::Femto
        } else if self.pico % 1000 != 0 {
            Unit::Pico
        } else if self.pico != 0 {
            Unit::Nano
        } else if self.micro % 1000 != 0 {
            Unit::Micro
        } else if self.micro != 0 {
            Unit::Milli
        } else if self.second != 0 {
            Unit::Second
        } else if self.minute != 0 {
            Unit::Minute
        } else if self.hour != 0 {
            Unit::Hour
        } else if self.day != 1 {
            Unit::Day
        } else if self.month != 1 {
            Unit::Month
        } else {
            Unit::Year
        }
    }
}

/// The number of days of a month (1 to 12) of a year.
pub fn days_in_month(year: i64, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
