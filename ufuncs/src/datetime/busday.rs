//! Business days: a mask of weekdays and a sorted list of holidays.
//!
//! Days are counted from 1970-01-01, a Thursday.

use std::str::FromStr;

use super::{Civil, DatetimeError, NAT};

/// Which days of the week are business days, Monday first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weekmask([bool; 7]);

impl Default for Weekmask {
    /// Monday to Friday.
    fn default() -> Weekmask {
        Weekmask([true, true, true, true, true, false, false])
    }
}

impl Weekmask {
    /// From one flag per day.
    ///
    /// # Errors
    /// Unless there are seven.
    pub fn new(days: &[bool]) -> Result<Weekmask, DatetimeError> {
        days.try_into().map(Weekmask).map_err(|_| DatetimeError::WeekmaskLength)
    }

    pub fn days(&self) -> [bool; 7] {
        self.0
    }

    fn per_week(&self) -> i64 {
        self.0.iter().filter(|&&b| b).count() as i64
    }
}

impl FromStr for Weekmask {
    type Err = DatetimeError;

    /// `1111100`, or names such as `Mon Tue`, with or without space between them.
    fn from_str(text: &str) -> Result<Weekmask, DatetimeError> {
        const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let bad = || DatetimeError::WeekmaskText(text.to_owned());
        if text.len() == 7 && text.bytes().all(|b| matches!(b, b'0' | b'1')) {
            let mut days = [false; 7];
            for (day, b) in days.iter_mut().zip(text.bytes()) {
                *day = b == b'1';
            }
            return Ok(Weekmask(days));
        }
        let mut days = [false; 7];
        let mut rest = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
        while !rest.is_empty() {
            let day = NAMES.iter().position(|name| rest.starts_with(name)).ok_or_else(bad)?;
            days[day] = true;
            rest = rest[3..].trim_start_matches(|c: char| c.is_ascii_whitespace());
        }
        Ok(Weekmask(days))
    }
}

/// What to do with a date that is no business day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Roll {
    Following,
    Preceding,
    /// Forward unless that leaves the month.
    ModifiedFollowing,
    /// Backward unless that leaves the month.
    ModifiedPreceding,
    Nat,
    Raise,
}

impl FromStr for Roll {
    type Err = DatetimeError;

    fn from_str(text: &str) -> Result<Roll, DatetimeError> {
        Ok(match text {
            "following" | "forward" => Roll::Following,
            "preceding" | "backward" => Roll::Preceding,
            "modifiedfollowing" => Roll::ModifiedFollowing,
            "modifiedpreceding" => Roll::ModifiedPreceding,
            "nat" => Roll::Nat,
            "raise" => Roll::Raise,
            _ => return Err(DatetimeError::Roll(text.to_owned())),
        })
    }
}

/// A calendar of business days.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BusinessCalendar {
    mask: Weekmask,
    /// Sorted, without repetition, all on days of the mask.
    holidays: Vec<i64>,
}

/// Monday is 0.
fn weekday(day: i64) -> usize {
    // 1970-01-05 was a Monday.
    day.wrapping_sub(4).rem_euclid(7) as usize
}

impl BusinessCalendar {
    /// A calendar with holidays in any order; those that change nothing are dropped.
    pub fn new(mask: Weekmask, mut holidays: Vec<i64>) -> BusinessCalendar {
        holidays.retain(|&day| day != NAT && mask.0[weekday(day)]);
        holidays.sort_unstable();
        holidays.dedup();
        BusinessCalendar { mask, holidays }
    }

    pub fn mask(&self) -> Weekmask {
        self.mask
    }

    pub fn holidays(&self) -> &[i64] {
        &self.holidays
    }

    /// Whether a day is a business day; not-a-time is none.
    pub fn is_business_day(&self, day: i64) -> bool {
        day != NAT && self.mask.0[weekday(day)] && self.holidays.binary_search(&day).is_err()
    }

    /// The number of holidays before a day.
    fn holidays_before(&self, day: i64) -> usize {
        self.holidays.partition_point(|&h| h < day)
    }

    fn require_days(&self) -> Result<(), DatetimeError> {
        if self.mask.per_week() == 0 { Err(DatetimeError::WeekmaskEmpty) } else { Ok(()) }
    }

    fn step_to_business_day(&self, mut day: i64, step: i64) -> i64 {
        while !self.is_business_day(day) {
            // The ends of time are reached only by counting years of holidays; stop there.
            match day.checked_add(step) {
                Some(next) if next != NAT => day = next,
                _ => break,
            }
        }
        day
    }

    /// Moves a day to a business day.
    ///
    /// # Errors
    /// [`Roll::Raise`] does not move; a mask without days has nowhere to go.
    pub fn roll(&self, day: i64, roll: Roll) -> Result<i64, DatetimeError> {
        self.require_days()?;
        if day == NAT {
            return if roll == Roll::Raise { Err(DatetimeError::OffsetNat) } else { Ok(NAT) };
        }
        if self.is_business_day(day) {
            return Ok(day);
        }
        let (step, stay_in_month) = match roll {
            Roll::Following => (1, false),
            Roll::Preceding => (-1, false),
            Roll::ModifiedFollowing => (1, true),
            Roll::ModifiedPreceding => (-1, true),
            Roll::Nat => return Ok(NAT),
            Roll::Raise => return Err(DatetimeError::NotBusinessDay),
        };
        let moved = self.step_to_business_day(day, step);
        if stay_in_month && Civil::from_days(moved).month != Civil::from_days(day).month {
            return Ok(self.step_to_business_day(day, -step));
        }
        Ok(moved)
    }

    /// Rolls a day, then moves it by so many business days.
    ///
    /// # Errors
    /// Those of [`BusinessCalendar::roll`].
    pub fn offset(&self, day: i64, offset: i64, roll: Roll) -> Result<i64, DatetimeError> {
        let mut day = self.roll(day, roll)?;
        if day == NAT {
            return Ok(NAT);
        }
        let per_week = self.mask.per_week();
        // Whole weeks first, without holidays; then each holiday passed costs one business day more.
        let mut left = offset;
        let start = day;
        day = day.wrapping_add((left / per_week).wrapping_mul(7));
        left %= per_week;
        if offset > 0 {
            let mut passed = self.holidays_before(start.saturating_add(1));
            let mut upto = self.holidays_before(day.saturating_add(1)).max(passed);
            left += (upto - passed) as i64;
            while left > 0 {
                day = day.wrapping_add(1);
                if self.mask.0[weekday(day)] {
                    left -= 1;
                    passed = upto;
                    upto = self.holidays_before(day.saturating_add(1)).max(passed);
                    left += (upto - passed) as i64;
                }
            }
        } else if offset < 0 {
            let mut passed = self.holidays_before(start);
            let mut downto = self.holidays_before(day).min(passed);
            left -= (passed - downto) as i64;
            while left < 0 {
                day = day.wrapping_sub(1);
                if self.mask.0[weekday(day)] {
                    left += 1;
                    passed = downto;
                    downto = self.holidays_before(day).min(passed);
                    left -= (passed - downto) as i64;
                }
            }
        }
        Ok(day)
    }

    /// The number of business days from `begin` up to but not including `end`; negative, and from after `end` up to and
    /// including `begin`, if `end` is earlier.
    ///
    /// # Errors
    /// Not-a-time cannot be counted from or to; a mask without days counts nothing.
    pub fn count(&self, begin: i64, end: i64) -> Result<i64, DatetimeError> {
        self.require_days()?;
        if begin == NAT || end == NAT {
            return Err(DatetimeError::CountNat);
        }
        if begin == end {
            return Ok(0);
        }
        let (from, to, sign) =
            if begin < end { (begin, end, 1) } else { (end.wrapping_add(1), begin.wrapping_add(1), -1) };
        let span = to.wrapping_sub(from);
        let holidays = (self.holidays_before(to) as i64) - self.holidays_before(from) as i64;
        let mut count = (span / 7).wrapping_mul(self.mask.per_week()).wrapping_sub(holidays);
        let first = weekday(from);
        for i in 0..(span % 7).max(0) as usize {
            count += i64::from(self.mask.0[(first + i) % 7]);
        }
        Ok(sign * count)
    }
}
