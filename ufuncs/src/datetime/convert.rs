//! Changing the unit of dates and durations.
//!
//! Most units are fixed multiples of each other: multiply, divide, round down. Years and months are so only among
//! themselves. Dates cross that line through the calendar, durations through the average length of a Gregorian year.

use core::ffi::{c_int, c_void};

use super::{Civil, DatetimeError, Meta, NAT, Unit};
use crate::abi::LoopContext;

/// How to convert counts of one unit to counts of another. Not-a-time stays not-a-time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Converter {
    Copy,
    /// `count * num / den`, rounded down; the product wraps around.
    Linear {
        num: i64,
        den: i64,
    },
    /// Through the civil date.
    Calendar {
        from: Meta,
        to: Meta,
    },
}

/// Days in 400 Gregorian years.
const DAYS_400_YEARS: u64 = 146_097;

/// The factor from one unit to another as a reduced fraction; among years and months against the rest an average.
///
/// # Errors
/// When it is too large, or `to` is generic and `from` is not.
pub fn conversion_factor(from: Meta, to: Meta) -> Result<(i64, i64), DatetimeError> {
    if from.unit == Unit::Generic {
        return Ok((1, 1));
    }
    if to.unit == Unit::Generic {
        return Err(DatetimeError::ToGeneric);
    }
    let (coarse, fine) = (from.unit.min(to.unit), from.unit.max(to.unit));
    let overflow = || DatetimeError::FactorOverflow(coarse, fine);
    // Unsigned: from months to nanoseconds only the reduced fraction fits a signed integer.
    let (mut num, mut den): (u64, u64) = match (coarse, fine) {
        (a, b) if a == b => (1, 1),
        (Unit::Year, Unit::Month) => (12, 1),
        (Unit::Year | Unit::Month, _) => {
            let parts = if coarse == Unit::Year { 400 } else { 4800 };
            if fine == Unit::Week {
                (DAYS_400_YEARS, parts * 7)
            } else {
                (DAYS_400_YEARS.wrapping_mul(Unit::Day.factor(fine).ok_or_else(overflow)?), parts)
            }
        }
        _ => (coarse.factor(fine).ok_or_else(overflow)?, 1),
    };
    if from.unit > to.unit {
        (num, den) = (den, num);
    }
    num = num.wrapping_mul(i64::from(from.num) as u64);
    den = den.wrapping_mul(to.divisor() as u64);
    let common = gcd(num, den);
    Ok(((num / common) as i64, (den / common) as i64))
}

/// At least 1, so that it can be divided by.
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl Converter {
    /// For durations.
    ///
    /// # Errors
    /// Those of [`conversion_factor`].
    pub fn timedelta(from: Meta, to: Meta) -> Result<Converter, DatetimeError> {
        Ok(match conversion_factor(from, to)? {
            (1, 1) => Converter::Copy,
            (num, den) => Converter::Linear { num, den },
        })
    }

    /// For dates.
    ///
    /// # Errors
    /// Those of [`conversion_factor`].
    pub fn datetime(from: Meta, to: Meta) -> Result<Converter, DatetimeError> {
        let linear = Converter::timedelta(from, to)?;
        let by_calendar = |m: Meta| m.unit <= Unit::Month;
        // Also between years and months, where it makes a difference only to counts that are out of range.
        Ok(match linear {
            Converter::Linear { .. } if by_calendar(from) || by_calendar(to) => {
                Converter::Calendar { from, to }
            }
            Converter::Copy if by_calendar(from) != by_calendar(to) && from.unit != Unit::Generic => {
                Converter::Calendar { from, to }
            }
            linear => linear,
        })
    }

    /// Converts one count.
    #[inline]
    pub fn apply(&self, count: i64) -> i64 {
        if count == NAT {
            return NAT;
        }
        match *self {
            Converter::Copy => count,
            Converter::Linear { num, den } => {
                let product = count.wrapping_mul(num);
                // Down, not towards zero. What decides is the sign of the count: a product that wrapped around has
                // numpy's rounding.
                let low = if count < 0 { product.wrapping_sub(den.wrapping_sub(1)) } else { product };
                if den == 0 { NAT } else { low.wrapping_div(den) }
            }
            Converter::Calendar { from, to } => {
                Civil::from_ticks(count, from).map_or(NAT, |civil| civil.to_ticks(to).unwrap_or(NAT))
            }
        }
    }

    /// Converts `n` counts at byte strides, at any alignment.
    ///
    /// # Safety
    /// `n` readable, respectively writable counts.
    pub unsafe fn run(&self, src: *const u8, src_stride: isize, dst: *mut u8, dst_stride: isize, n: usize) {
        for i in 0..n as isize {
            // SAFETY: the caller's promise.
            unsafe {
                let count = (src.offset(i * src_stride) as *const i64).read_unaligned();
                (dst.offset(i * dst_stride) as *mut i64).write_unaligned(self.apply(count));
            }
        }
    }
}

/// The cast loop of a [`Converter`], which `aux` points to.
///
/// # Safety
/// The loop contract, and `aux` is a `*const Converter`.
pub unsafe extern "C" fn convert_loop(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        (*(aux as *const Converter)).run(*data, *strides, *data.add(1), *strides.add(1), *dims as usize);
    }
    0
}
