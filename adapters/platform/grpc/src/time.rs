//! Instants on the wire: `google.protobuf.Timestamp` and the kernel's UTC instant.

use chrono::DateTime;
use kernel_domain::{Timestamp, Violation};
use prost_types::Timestamp as WireTimestamp;

/// The instant as the wire has it.
pub fn write(instant: Timestamp) -> WireTimestamp {
    // A leap second counts beyond 999,999,999 in chrono, which the wire forbids.
    let nanos = instant.timestamp_subsec_nanos().min(999_999_999);
    WireTimestamp { seconds: instant.timestamp(), nanos: i32::try_from(nanos).unwrap_or_default() }
}

/// Reads an instant that must be there; a violation names `field`.
pub fn read(field: &str, instant: Option<&WireTimestamp>) -> Result<Timestamp, Violation> {
    let instant = instant.ok_or_else(|| Violation::new(field, "required", "must be given"))?;
    u32::try_from(instant.nanos)
        .ok()
        .filter(|nanos| *nanos <= 999_999_999)
        .and_then(|nanos| DateTime::from_timestamp(instant.seconds, nanos))
        .ok_or_else(|| Violation::new(field, "invalid_time", "must be a valid point in time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_and_read_are_inverse() {
        for seconds in [0, -1, 1_700_000_000] {
            let instant = DateTime::from_timestamp(seconds, 123_456_000).unwrap();
            assert_eq!(read("created_at", Some(&write(instant))), Ok(instant));
        }
    }

    #[test]
    fn refuses_what_is_no_instant() {
        assert_eq!(read("created_at", None).unwrap_err().code(), "required");
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0)] {
            let wire = WireTimestamp { seconds, nanos };
            assert_eq!(read("created_at", Some(&wire)).unwrap_err().code(), "invalid_time");
        }
    }
}
