//! What the next hop is told of the time that is left.

use std::time::Duration;

/// What it takes to bring an answer back.
const WAY_BACK: Duration = Duration::from_millis(10);

/// What a backend is told to be left, of what there is: less, so that its answer can still be passed on. Never nothing,
/// which some take for no limit.
pub fn told_to_backend(left: Duration) -> Duration {
    left.saturating_sub(WAY_BACK).max(Duration::from_millis(1))
}

/// Reads a `grpc-timeout` header: at most eight digits and a unit, `250m`.
pub fn parse_grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Writes a `grpc-timeout` header, rounded down, in the finest unit that eight digits suffice for.
pub fn format_grpc_timeout(timeout: Duration) -> String {
    const MOST: u128 = 99_999_999;
    let nanos = timeout.as_nanos();
    let units = [(1, "n"), (1_000, "u"), (1_000_000, "m"), (1_000_000_000, "S"), (60_000_000_000, "M")];
    match units.into_iter().find(|(size, _)| nanos / size <= MOST) {
        Some((size, unit)) => format!("{}{unit}", nanos / size),
        None => format!("{}H", (nanos / 3_600_000_000_000).min(MOST)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_backend_is_told_a_little_less_and_never_nothing() {
        assert_eq!(told_to_backend(MS * 250), MS * 240);
        assert_eq!(told_to_backend(MS * 10), MS);
        assert_eq!(told_to_backend(Duration::ZERO), MS);
    }

    #[test]
    fn timeouts_are_read() {
        for (text, timeout) in [
            ("1H", Some(Duration::from_hours(1))),
            ("2M", Some(Duration::from_mins(2))),
            ("3S", Some(Duration::from_secs(3))),
            ("250m", Some(MS * 250)),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("0u", Some(Duration::ZERO)),
            ("", None),
            ("m", None),
            ("1", None),
            ("1s", None),
            ("-1S", None),
            ("+1S", None),
            ("123456789n", None),
            ("1ä", None),
        ] {
            assert_eq!(parse_grpc_timeout(text), timeout, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_a_little_rounded_down(nanos in any::<u64>()) {
            let timeout = Duration::from_nanos(nanos);
            let read = parse_grpc_timeout(&format_grpc_timeout(timeout)).unwrap();
            prop_assert!(read <= timeout && timeout.abs_diff(read) <= timeout / 1_000_000);
        }
    }
}
