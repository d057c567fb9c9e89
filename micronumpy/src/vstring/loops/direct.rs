//! Loops that work on bytes as they are stored.

use std::cmp::Ordering;

use smallvec::SmallVec;
use ufuncs::strings::compare::Test;

use super::Call;
use super::missing::{Case, Fate};
use super::shared::step;
use crate::error::{Error, Result};
use crate::vstring::{NaKind, is_missing, order::order, utf8};

type At = SmallVec<[*mut u8; 6]>;

/// Comparisons. A missing value like NaN makes all of them false; another one is equal to itself only, and has no order.
///
/// # Safety
/// As for [`Call::run`].
pub unsafe fn compare<Op: Test>(call: &Call, data: &[*mut u8], n: usize, strides: &[isize]) -> Result<()> {
    let held = call.lock();
    let kind = call.effective().and_then(|s| s.na.as_ref()).map(|na| na.kind);
    let default = call.effective().map_or(&[][..], |s| s.default_text());
    // Equality and inequality treat "less" and "greater" alike.
    let ordered = Op::holds(Ordering::Less) != Op::holds(Ordering::Greater);
    let mut at: At = data.into();
    for _ in 0..n {
        // SAFETY: the caller's promise.
        unsafe {
            let (a, b) = (held.load(0, at[0]), held.load(1, at[1]));
            let missing = a.is_none() || b.is_none();
            *at[2] = u8::from(match kind {
                Some(NaKind::Nan) if missing => false,
                Some(NaKind::Other) if missing && ordered => {
                    return Err(Error::value(format!(
                        "'{}' not supported for null values that are not nan-like or strings.",
                        call.def.ufunc
                    )));
                }
                _ => Op::holds(a.as_deref().unwrap_or(default).cmp(b.as_deref().unwrap_or(default))),
            });
        }
        step(&mut at, strides);
    }
    Ok(())
}

/// `minimum`, `maximum`.
///
/// # Safety
/// As for [`Call::run`].
pub unsafe fn extreme<const MAX: bool>(
    call: &Call,
    data: &[*mut u8],
    n: usize,
    strides: &[isize],
) -> Result<()> {
    let mut held = call.lock();
    let mut at: At = data.into();
    let mut buffer = Vec::new();
    let Some(strings) = call.effective() else { return Ok(()) };
    for _ in 0..n {
        // SAFETY: the caller's promise; the chosen text is copied out before the output changes.
        unsafe {
            let (a, b) = (held.load(0, at[0]), held.load(1, at[1]));
            let less = order(strings, a.as_deref(), b.as_deref())? == Ordering::Less;
            let chosen = if less != MAX { a } else { b };
            buffer.clear();
            let missing = chosen.is_none();
            buffer.extend_from_slice(chosen.as_deref().unwrap_or_default());
            if missing { held.store_missing(2, at[2]) } else { held.store(2, at[2], &buffer)? }
        }
        step(&mut at, strides);
    }
    Ok(())
}

/// # Safety
/// As for [`Call::run`].
pub unsafe fn is_nan(call: &Call, data: &[*mut u8], n: usize, strides: &[isize]) -> Result<()> {
    let nan = call.effective().and_then(|s| s.na.as_ref()).is_some_and(|na| na.kind == NaKind::Nan);
    let mut at: At = data.into();
    for _ in 0..n {
        // SAFETY: the caller's promise.
        unsafe { *at[1] = u8::from(nan && is_missing(at[0])) };
        step(&mut at, strides);
    }
    Ok(())
}

/// # Safety
/// As for [`Call::run`].
pub unsafe fn length(call: &Call, data: &[*mut u8], n: usize, strides: &[isize]) -> Result<()> {
    let held = call.lock();
    let mut at: At = data.into();
    for _ in 0..n {
        // SAFETY: the caller's promise.
        unsafe {
            let text = held.load(0, at[0]);
            if text.is_none() {
                (call.def.missing)(&Case::new(call, 1))?;
            }
            let default = call.effective().map_or(&[][..], |s| s.default_text());
            let len = utf8::count(text.as_deref().unwrap_or(default));
            at[1].cast::<i64>().write_unaligned(len as i64);
        }
        step(&mut at, strides);
    }
    Ok(())
}

/// # Safety
/// As for [`Call::run`].
pub unsafe fn add(call: &Call, data: &[*mut u8], n: usize, strides: &[isize]) -> Result<()> {
    let mut held = call.lock();
    let mut at: At = data.into();
    let mut buffer = Vec::new();
    let default = call.effective().map_or(&[][..], |s| s.default_text());
    for _ in 0..n {
        buffer.clear();
        // SAFETY: the caller's promise; both texts are copied out before the output changes.
        unsafe {
            let (a, b) = (held.load(0, at[0]), held.load(1, at[1]));
            let missing = u32::from(a.is_none()) | u32::from(b.is_none()) << 1;
            let fate = if missing == 0 { Fate::Text } else { (call.def.missing)(&Case::new(call, missing))? };
            buffer.extend_from_slice(a.as_deref().unwrap_or(default));
            buffer.extend_from_slice(b.as_deref().unwrap_or(default));
            match fate {
                Fate::Text => held.store(2, at[2], &buffer)?,
                Fate::Missing | Fate::False => held.store_missing(2, at[2]),
            }
        }
        step(&mut at, strides);
    }
    Ok(())
}

/// `multiply` with the string in operand `TEXT`.
///
/// # Safety
/// As for [`Call::run`].
pub unsafe fn multiply<const TEXT: usize>(
    call: &Call,
    data: &[*mut u8],
    n: usize,
    strides: &[isize],
) -> Result<()> {
    let mut held = call.lock();
    let mut at: At = data.into();
    let mut buffer: Vec<u8> = Vec::new();
    let default = call.effective().map_or(&[][..], |s| s.default_text());
    let overflow = || Error::Overflow("Overflow encountered in string multiply".into());
    for _ in 0..n {
        buffer.clear();
        // SAFETY: the caller's promise; the text is copied out before the output changes.
        unsafe {
            // Less than zero times is more often than there is room for, as it is in numpy.
            let times = at[1 - TEXT].cast::<u64>().read_unaligned();
            let text = held.load(TEXT, at[TEXT]);
            let fate =
                if text.is_some() { Fate::Text } else { (call.def.missing)(&Case::new(call, 1 << TEXT))? };
            let text = text.as_deref().unwrap_or(default);
            if let Fate::Text = fate {
                let total = (text.len() as u64).checked_mul(times).filter(|&t| t <= isize::MAX as u64);
                let total = total.ok_or_else(overflow)? as usize;
                buffer.try_reserve(total).map_err(|_| overflow())?;
                while buffer.len() < total {
                    buffer.extend_from_slice(text);
                }
            }
            match fate {
                Fate::Text => held.store(2, at[2], &buffer)?,
                Fate::Missing | Fate::False => held.store_missing(2, at[2]),
            }
        }
        step(&mut at, strides);
    }
    Ok(())
}
