//! Operations that look at strings: lengths, character classes, searching.

use core::ffi::c_int;

use super::compare::Char;
use super::row::{Operands, ValueOp};
use super::search;
use super::unicode::Database;
use crate::abi::{STRING_TOO_LONG, SUBSTRING_NOT_FOUND};

/// `str_len`
pub struct Length;

impl ValueOp for Length {
    const INPUTS: usize = 1;
    type Out = i64;
    fn apply<C: Char>(row: &impl Operands<C>) -> Result<i64, c_int> {
        Ok(row.text(0).len() as i64)
    }
}

macro_rules! all_characters {
    ($($(#[$doc:meta])* $name:ident: |$db:ident, $c:ident| $test:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;
        impl ValueOp for $name {
            const INPUTS: usize = 1;
            type Out = bool;
            fn apply<C: Char>(row: &impl Operands<C>) -> Result<bool, c_int> {
                let $db = C::database();
                let s = row.text(0);
                Ok(!s.is_empty() && s.iter().all(|c| { let $c = c.code(); $test }))
            }
        }
    )*};
}

all_characters! {
    IsAlpha: |db, c| (db.is_alphabetic)(c);
    IsDigit: |db, c| (db.is_digit)(c);
    IsSpace: |db, c| (db.is_space)(c);
    IsDecimal: |db, c| (db.is_decimal)(c);
    IsNumeric: |db, c| (db.is_numeric)(c);
    IsAlnum: |db, c| {
        (db.is_alphabetic)(c) || (db.is_decimal)(c) || (db.is_digit)(c) || (db.is_numeric)(c)
    };
}

/// Some character is of the wanted case and none of another.
fn has_one_case<C: Char>(
    s: &[C],
    wanted: impl Fn(&Database, u32) -> bool,
    other: fn(&Database) -> Test,
) -> bool {
    let db = C::database();
    let other = other(db);
    let mut cased = false;
    for c in s.iter().map(|c| c.code()) {
        if other(c) || (db.is_title)(c) {
            return false;
        }
        cased |= wanted(db, c);
    }
    cased
}

type Test = fn(u32) -> bool;

pub struct IsLower;

impl ValueOp for IsLower {
    const INPUTS: usize = 1;
    type Out = bool;
    fn apply<C: Char>(row: &impl Operands<C>) -> Result<bool, c_int> {
        Ok(has_one_case(row.text(0), |db, c| (db.is_lower)(c), |db| db.is_upper))
    }
}

pub struct IsUpper;

impl ValueOp for IsUpper {
    const INPUTS: usize = 1;
    type Out = bool;
    fn apply<C: Char>(row: &impl Operands<C>) -> Result<bool, c_int> {
        Ok(has_one_case(row.text(0), |db, c| (db.is_upper)(c), |db| db.is_lower))
    }
}

/// Capitals exactly where words begin.
pub struct IsTitle;

impl ValueOp for IsTitle {
    const INPUTS: usize = 1;
    type Out = bool;
    fn apply<C: Char>(row: &impl Operands<C>) -> Result<bool, c_int> {
        let db = C::database();
        let (mut cased, mut inside) = (false, false);
        for c in row.text(0).iter().map(|c| c.code()) {
            let capital = (db.is_upper)(c) || (db.is_title)(c);
            if !capital && !(db.is_lower)(c) {
                inside = false;
                continue;
            }
            if capital == inside {
                return Ok(false);
            }
            cased = true;
            inside = true;
        }
        Ok(cased)
    }
}

/// The part of a string that operands 2 and 3 bound as in a slice, and where it starts. `None` when the bounds cross.
fn window<C: Char>(row: &impl Operands<C>) -> Option<(&[C], usize)> {
    let s = row.text(0);
    let n = s.len() as i64;
    let from_end = |i: i64| if i < 0 { i.saturating_add(n).max(0) } else { i };
    let (start, end) = (from_end(row.int(2)), from_end(row.int(3)).min(n));
    if start > end {
        return None;
    }
    Some((&s[start as usize..end as usize], start as usize))
}

fn found<C: Char>(row: &impl Operands<C>, search: fn(&[C], &[C]) -> Option<usize>) -> Option<i64> {
    let (s, start) = window(row)?;
    search(s, row.text(1)).map(|i| (start + i) as i64)
}

macro_rules! searches {
    ($($name:ident $out:ty: |$row:ident| $value:expr;)*) => {$(
        pub struct $name;
        impl ValueOp for $name {
            const INPUTS: usize = 4;
            type Out = $out;
            fn apply<C: Char>($row: &impl Operands<C>) -> Result<$out, c_int> {
                $value
            }
        }
    )*};
}

searches! {
    Find i64: |row| Ok(found(row, search::find).unwrap_or(-1));
    RFind i64: |row| Ok(found(row, search::rfind).unwrap_or(-1));
    Index i64: |row| found(row, search::find).ok_or(SUBSTRING_NOT_FOUND);
    RIndex i64: |row| found(row, search::rfind).ok_or(SUBSTRING_NOT_FOUND);
    Count i64: |row| Ok(window(row).map_or(0, |(s, _)| search::count(s, row.text(1), usize::MAX) as i64));
    StartsWith bool: |row| Ok(window(row).is_some_and(|(s, _)| s.starts_with(row.text(1))));
    EndsWith bool: |row| Ok(window(row).is_some_and(|(s, _)| s.ends_with(row.text(1))));
}

/// `_expandtabs_length`: an upper bound of what `_expandtabs` writes.
pub struct ExpandedLength;

impl ValueOp for ExpandedLength {
    const INPUTS: usize = 2;
    type Out = i64;
    fn apply<C: Char>(row: &impl Operands<C>) -> Result<i64, c_int> {
        let tab = row.int(1);
        let (mut length, mut column) = (0i64, 0i64);
        for c in row.text(0).iter().map(|c| c.code()) {
            if c == u32::from(b'\t') {
                if tab > 0 {
                    let step = tab - column % tab;
                    column = column.checked_add(step).ok_or(STRING_TOO_LONG)?;
                    length = length.checked_add(step).ok_or(STRING_TOO_LONG)?;
                }
            } else {
                // numpy counts bytes here, so results for U are wider than they have to be.
                length = length.checked_add(C::SIZE as i64).ok_or(STRING_TOO_LONG)?;
                column = column.checked_add(1).ok_or(STRING_TOO_LONG)?;
                if c == u32::from(b'\n') || c == u32::from(b'\r') {
                    column = 0;
                }
            }
            if length > i64::from(i32::MAX) {
                return Err(STRING_TOO_LONG);
            }
        }
        Ok(length)
    }
}
