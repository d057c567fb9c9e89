//! The system's clock and time zone.

use super::Civil;

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(d) => d.as_secs() as i64,
        Err(e) => -(e.duration().as_secs() as i64),
    }
}

/// The local civil time, to the second, of a time in UTC; `None` if the system does not know.
pub(super) fn local(seconds: i64) -> Option<Civil> {
    let time = libc::time_t::try_from(seconds).ok()?;
    // SAFETY: a `tm` is plain data; `localtime_r` fills it or returns null.
    let tm = unsafe {
        let mut tm: libc::tm = core::mem::zeroed();
        if libc::localtime_r(&time, &mut tm).is_null() {
            return None;
        }
        tm
    };
    Some(Civil {
        year: i64::from(tm.tm_year) + 1900,
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
        ..Civil::EPOCH
    })
}
