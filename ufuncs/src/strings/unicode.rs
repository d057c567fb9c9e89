//! What kind of character a code point is.
//!
//! The answer depends on a version of Unicode. A host that has a database of its own installs it ([`install`]), so that
//! `np.strings.isalpha` and the host's `isalpha` never disagree; without one, the tables of this crate answer.

use std::sync::OnceLock;

use super::ranges;

/// The questions, as functions of a code point. Values that are no code point are asked, too.
#[derive(Clone, Copy)]
pub struct Database {
    pub is_alphabetic: fn(u32) -> bool,
    pub is_decimal: fn(u32) -> bool,
    pub is_digit: fn(u32) -> bool,
    pub is_numeric: fn(u32) -> bool,
    pub is_space: fn(u32) -> bool,
    pub is_lower: fn(u32) -> bool,
    pub is_upper: fn(u32) -> bool,
    pub is_title: fn(u32) -> bool,
}

static INSTALLED: OnceLock<Database> = OnceLock::new();

/// Answer from this database from now on. The first one stays.
pub fn install(database: Database) {
    let _ = INSTALLED.set(database);
}

/// The database in use.
pub fn database() -> &'static Database {
    INSTALLED.get().unwrap_or(&BUILTIN)
}

fn within(table: &[(u32, u32)], c: u32) -> bool {
    let i = table.partition_point(|r| r.1 < c);
    table.get(i).is_some_and(|r| r.0 <= c)
}

/// The tables of this crate.
pub static BUILTIN: Database = Database {
    is_alphabetic: |c| within(ranges::ALPHABETIC, c),
    is_decimal: |c| within(ranges::DECIMAL, c),
    is_digit: |c| within(ranges::DECIMAL, c) || within(ranges::DIGIT, c),
    is_numeric: |c| within(ranges::DECIMAL, c) || within(ranges::DIGIT, c) || within(ranges::NUMERIC, c),
    is_space: |c| within(ranges::SPACE, c),
    is_lower: |c| char::from_u32(c).is_some_and(char::is_lowercase),
    is_upper: |c| char::from_u32(c).is_some_and(char::is_uppercase),
    is_title: |c| within(ranges::TITLE, c),
};

/// Bytes: ASCII has kinds, the other half has none.
pub static ASCII: Database = Database {
    is_alphabetic: |c| ascii(c).is_some_and(|c| c.is_ascii_alphabetic()),
    is_decimal: |c| ascii(c).is_some_and(|c| c.is_ascii_digit()),
    is_digit: |c| ascii(c).is_some_and(|c| c.is_ascii_digit()),
    is_numeric: |c| ascii(c).is_some_and(|c| c.is_ascii_digit()),
    is_space: |c| matches!(c, 0x09..=0x0D | 0x20),
    is_lower: |c| ascii(c).is_some_and(|c| c.is_ascii_lowercase()),
    is_upper: |c| ascii(c).is_some_and(|c| c.is_ascii_uppercase()),
    is_title: |_| false,
};

fn ascii(c: u32) -> Option<u8> {
    u8::try_from(c).ok()
}
