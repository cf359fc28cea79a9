//! The syntax of values.

use std::{fmt::Display, str::FromStr, time::Duration};

pub(super) const DURATION: &str = "a time such as 500ms, 30s, 1m or 24h";
pub(super) const URL: &str = "a URL such as http://localhost:8090";
pub(super) const ADDRESS: &str = "host:port, such as localhost:50050";

/// Numbers a variable can hold.
pub trait Number: Copy + Display + FromStr + PartialOrd {
    /// The least one.
    const MIN: Self;
    /// The greatest one.
    const MAX: Self;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Number for $number {
            const MIN: Self = <$number>::MIN;
            const MAX: Self = <$number>::MAX;
        }
    )*};
}

numbers!(u16 u32 u64 i64 usize);

/// Reads `500ms`, `30s`, `1m`, `24h`; a bare number is seconds.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let unit = text.get(digits.len()..)?;
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

pub(super) fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| !host.is_empty()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or(text);
    let host_and_port = rest.trim_end_matches('/').rsplit_once(':');
    host_and_port
        .is_some_and(|(host, port)| !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, millis) in
            [("500ms", 500), ("30s", 30_000), ("1m", 60_000), ("24h", 86_400_000), ("60", 60_000)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "s", "1d", "-1s", "1.5s", "1 s", "99999999999999999999h", "1é"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn urls_and_addresses_are_told_apart() {
        assert!(is_url("https://hooks.example.org/a?b=c") && !is_url("localhost:80") && !is_url("http://"));
        assert!(is_address("localhost:50050") && is_address("http://[::1]:1") && !is_address("localhost"));
    }
}
