//! Dates and durations in other units.
//!
//! Between units of fixed length a count is multiplied and divided (rounding down). Years and months against days go
//! through the calendar for dates and through the average length for durations. Arithmetic wraps, as numpy's does; NaT
//! stays NaT.

use crate::dtype::datetime::{UNIT_DAY, UNIT_MONTH, UNIT_WEEK, UNIT_YEAR, unit_name, units_factor};
use crate::dtype::{DatetimeMeta, Dtype};
use crate::error::{Error, Result};
use ufuncs::elem::NAT;

pub(super) enum DateStep {
    Scale { num: i64, den: i64 },
    Calendar { from: DatetimeMeta, to: DatetimeMeta },
}

/// The step between two datetime or timedelta dtypes; `None`: the same number means the same.
pub(super) fn plan(src: &Dtype, dst: &Dtype) -> Result<Option<DateStep>> {
    let (Some(a), Some(b)) = (src.datetime_meta(), dst.datetime_meta()) else { return Ok(None) };
    // Dates and durations turn into each other by number.
    if src.num != dst.num || a == b {
        return Ok(None);
    }
    let calendar = |m: DatetimeMeta| m.unit <= UNIT_MONTH;
    let is_timedelta = src.num == crate::dtype::TypeNum::TIMEDELTA;
    if !a.is_generic() && !b.is_generic() && !is_timedelta && calendar(a) != calendar(b) {
        check_reachable(a, b)?;
        return Ok(Some(DateStep::Calendar { from: a, to: b }));
    }
    let (num, den) = convert_timedelta_factor(a, b)?;
    Ok((num != den).then_some(DateStep::Scale { num, den }))
}

/// `(num, den)`: a count in `a` times `num / den` is the count in `b`.
///
/// # Errors
/// Units too far apart; a unit into the generic one.
pub fn convert_timedelta_factor(a: DatetimeMeta, b: DatetimeMeta) -> Result<(i64, i64)> {
    if a.is_generic() {
        return Ok((1, 1));
    }
    if b.is_generic() {
        return Err(Error::value(
            "Cannot convert from specific units to generic units in NumPy datetimes or timedeltas",
        ));
    }
    let swap = a.unit > b.unit;
    let (coarse, fine) = if swap { (b.unit, a.unit) } else { (a.unit, b.unit) };
    let overflow = || {
        Error::Overflow(format!(
            "Integer overflow while computing the conversion factor between NumPy datetime units {} and {}",
            unit_name(a.unit),
            unit_name(b.unit)
        ))
    };
    let factor = |from: i32, to: i32| match units_factor(from, to) {
        0 => Err(overflow()),
        f => Ok(f as i64),
    };
    // 400 years have 146097 days.
    let (mut num, mut den) = match (coarse, fine) {
        (c, f) if c == f => (1, 1),
        (UNIT_YEAR, UNIT_MONTH) => (12, 1),
        (UNIT_YEAR | UNIT_MONTH, f) => {
            let months = if coarse == UNIT_YEAR { 1 } else { 12 };
            match f {
                UNIT_WEEK => (146_097, 400 * months * 7),
                f => (146_097i64.wrapping_mul(factor(UNIT_DAY, f)?), 400 * months),
            }
        }
        (c, f) => (factor(c, f)?, 1),
    };
    if swap {
        (num, den) = (den, num);
    }
    num = num.wrapping_mul(a.num as i64);
    den = den.wrapping_mul(b.num as i64);
    let g = gcd(num.unsigned_abs(), den.unsigned_abs()).max(1) as i64;
    if den == 0 {
        return Err(overflow());
    }
    Ok((num / g, den / g))
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn check_reachable(a: DatetimeMeta, b: DatetimeMeta) -> Result<()> {
    let fine = a.unit.max(b.unit);
    if fine > UNIT_DAY && units_factor(UNIT_DAY, fine) == 0 {
        return Err(Error::Overflow(format!(
            "Integer overflow while computing the conversion factor between NumPy datetime units {} and {}",
            unit_name(a.unit),
            unit_name(b.unit)
        )));
    }
    Ok(())
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; `month` in `1..=12`.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years run from March, so that the leap day comes last.
    let y = year as i128 - (month <= 2) as i128;
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (month as i128 + if month > 2 { -3 } else { 9 }) + 2) / 5 + day as i128 - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    (era * 146_097 + doe - 719_468) as i64
}

/// Year, month, day of a day number.
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days as i128 + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    ((yoe + era * 400 + (month <= 2) as i128) as i64, month as i64, day as i64)
}

impl DateStep {
    pub(super) unsafe fn run(
        &self,
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
                let r = if v == NAT { NAT } else { self.convert(v) };
                dst.offset(i * dst_st).cast::<i64>().write_unaligned(r);
            }
        }
        Ok(())
    }
    fn convert(&self, v: i64) -> i64 {
        match *self {
            DateStep::Scale { num, den } => v.wrapping_mul(num).div_euclid(den),
            DateStep::Calendar { from, to } if from.unit <= UNIT_MONTH => {
                let count = v.wrapping_mul(from.num as i64);
                let (year, month) = if from.unit == UNIT_YEAR {
                    (count.wrapping_add(1970), 1)
                } else {
                    (count.div_euclid(12) + 1970, count.rem_euclid(12) + 1)
                };
                let days = days_from_civil(year, month, 1);
                let count = match to.unit {
                    UNIT_WEEK => days.div_euclid(7),
                    u => days.wrapping_mul(units_factor(UNIT_DAY, u) as i64),
                };
                count.div_euclid((to.num as i64).max(1))
            }
            DateStep::Calendar { from, to } => {
                let count = v.wrapping_mul(from.num as i64);
                let days = match from.unit {
                    UNIT_WEEK => count.wrapping_mul(7),
                    u => count.div_euclid((units_factor(UNIT_DAY, u) as i64).max(1)),
                };
                let (year, month, _) = civil_from_days(days);
                let count = if to.unit == UNIT_YEAR { year - 1970 } else { (year - 1970) * 12 + month - 1 };
                count.div_euclid((to.num as i64).max(1))
            }
        }
    }
}
