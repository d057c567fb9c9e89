//! What operations make of missing values, and the words they refuse them with.

use super::Call;
use crate::error::{Error, Result};
use crate::vstring::NaKind;

/// An element with missing values among its inputs.
pub struct Case {
    /// Of the missing value; `None` when the dtype knows none.
    pub kind: Option<NaKind>,
    /// Whether an input other than the first is missing.
    pub beyond_first: bool,
    pub ufunc: &'static str,
}

/// What becomes of such an element.
pub enum Fate {
    /// Missing values read as the string that stands for them.
    Text,
    /// The result is missing.
    Missing,
    /// The result is false, or zero.
    False,
}

pub type Rule = fn(&Case) -> Result<Fate>;

impl Case {
    pub fn new(call: &Call, missing: u32) -> Case {
        let kind = call.effective().and_then(|s| s.na.as_ref()).map(|na| na.kind);
        Case { kind, beyond_first: missing & !1 != 0, ufunc: call.def.ufunc }
    }
    /// Missing values like NaN have this fate, other ones are refused.
    fn or(&self, nan: Fate, refused: impl FnOnce() -> Error) -> Result<Fate> {
        match self.kind {
            None | Some(NaKind::Text) => Ok(Fate::Text),
            Some(NaKind::Nan) => Ok(nan),
            Some(NaKind::Other) => Err(refused()),
        }
    }
    /// Missing values are refused unless they are strings.
    fn only_text(&self, refused: impl FnOnce() -> Error) -> Result<Fate> {
        match self.kind {
            None | Some(NaKind::Text) => Ok(Fate::Text),
            Some(NaKind::Nan | NaKind::Other) => Err(refused()),
        }
    }
}

/// For loops that look at missing values themselves.
pub fn text(_: &Case) -> Result<Fate> {
    Ok(Fate::Text)
}

pub fn add(c: &Case) -> Result<Fate> {
    c.or(Fate::Missing, || Error::value("Cannot add null that is not a nan-like value"))
}

pub fn multiply(c: &Case) -> Result<Fate> {
    c.or(Fate::Missing, || Error::type_("Cannot multiply null that is not a nan-like value"))
}

pub fn length(c: &Case) -> Result<Fate> {
    c.only_text(|| Error::value("The length of a null string is undefined"))
}

pub fn test(c: &Case) -> Result<Fate> {
    c.or(Fate::False, || {
        Error::value(format!("Cannot use the {} function with a null that is not a nan-like value", c.ufunc))
    })
}

pub fn search(c: &Case) -> Result<Fate> {
    c.only_text(|| Error::value(format!("'{}' not supported for null values that are not strings.", c.ufunc)))
}

pub fn affix(c: &Case) -> Result<Fate> {
    c.or(Fate::False, || {
        Error::value(format!("'{}' not supported for null values that are not nan-like or strings.", c.ufunc))
    })
}

pub fn strip(c: &Case) -> Result<Fate> {
    if c.beyond_first && c.kind == Some(NaKind::Nan) {
        return Err(Error::value(format!(
            "Cannot use a null string that is not a string as the {} delimiter",
            c.ufunc
        )));
    }
    c.or(Fate::Missing, || Error::value("Can only strip null values that are strings or NaN-like values"))
}

pub fn replace(c: &Case) -> Result<Fate> {
    if c.beyond_first {
        return c.only_text(|| {
            Error::value(
                "Null values are not supported as search patterns or replacement strings for replace",
            )
        });
    }
    c.or(Fate::Missing, || {
        Error::value("Only string or NaN-like null strings can be used as search strings for replace")
    })
}

pub fn expandtabs(c: &Case) -> Result<Fate> {
    c.only_text(|| Error::value("Null values are not supported arguments for expandtabs"))
}

pub fn pad(c: &Case) -> Result<Fate> {
    c.or(Fate::Missing, || Error::value(format!("Cannot {} null that is not a nan-like value", c.ufunc)))
}

pub fn zfill(c: &Case) -> Result<Fate> {
    c.or(Fate::Missing, || Error::type_("Cannot zfill null string that is not a nan-like value"))
}

pub fn partition(c: &Case) -> Result<Fate> {
    c.only_text(|| Error::value(format!("Null values are not supported in {}", c.ufunc)))
}

pub fn slice(_: &Case) -> Result<Fate> {
    Err(Error::type_("Cannot slice null string"))
}
