//! The order of strings: that of their bytes, which is that of their code points. Missing values that are like NaN go last.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{NaKind, Strings};
use crate::error::{Error, Result};
use crate::object::HostOrder;

/// How elements of one instance compare.
pub(crate) struct StringOrder(pub Arc<Strings>);

impl HostOrder for StringOrder {
    unsafe fn order(&self, a: *const u8, b: *const u8) -> Result<Ordering> {
        let arena = self.0.lock();
        // SAFETY: two elements of the instance, says the caller.
        let (x, y) = unsafe { (arena.load(a), arena.load(b)) };
        order(&self.0, x.as_deref(), y.as_deref())
    }
}

/// The order of two texts, as the instance has it for missing ones.
pub(crate) fn order(s: &Strings, a: Option<&[u8]>, b: Option<&[u8]>) -> Result<Ordering> {
    if a.is_none() || b.is_none() {
        match s.na.as_ref().map(|na| na.kind) {
            Some(NaKind::Nan) if a.is_none() => return Ok(Ordering::Greater),
            Some(NaKind::Nan) => return Ok(Ordering::Less),
            Some(NaKind::Other) => {
                return Err(Error::value("Cannot compare null that is not a nan-like value"));
            }
            Some(NaKind::Text) | None => {}
        }
    }
    let default = s.default_text();
    Ok(a.unwrap_or(default).cmp(b.unwrap_or(default)))
}
