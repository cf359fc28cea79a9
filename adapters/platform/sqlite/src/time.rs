//! Instants as SQLite keeps them: whole microseconds since 1970.

use kernel_domain::Timestamp;

/// Microseconds since 1970.
pub fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// The instant of a number made by [`micros`]; 1970 for one out of range.
pub fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Now, and `after` later, in microseconds. All users of one file share this machine's clock.
pub(crate) fn now_and(after: std::time::Duration) -> (i64, i64) {
    let now = micros(chrono::Utc::now());
    let after = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
    (now, now.saturating_add(after))
}
