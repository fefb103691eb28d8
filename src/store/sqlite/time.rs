//! Times as the file has them: milliseconds since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) fn millis(time: SystemTime) -> i64 {
    let signed = |since: Duration| i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => signed(after),
        Err(before) => -signed(before.duration()),
    }
}

pub(super) fn at(millis: i64) -> SystemTime {
    let since = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) };
    time.unwrap_or(UNIX_EPOCH)
}
