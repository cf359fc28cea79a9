//! Whole numbers in JSON, where `3.0` is the integer 3: JSON Schema says so, and some clients write all numbers that way.

use std::fmt;

use serde::{
    Deserializer,
    de::{self, Unexpected, Visitor},
};

/// Reads an `i64`; for `#[serde(deserialize_with = "platform_http::whole_number")]`.
pub fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    deserializer.deserialize_any(WholeNumber)
}

struct WholeNumber;

impl Visitor<'_> for WholeNumber {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    /// Beyond 2^53 a float no longer says which number was sent.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = number.fract() == 0.0 && number.abs() < EXACT;
        let read = if whole { format!("{number:.0}").parse().ok() } else { None };
        read.ok_or_else(|| E::invalid_type(Unexpected::Float(number), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<i64> {
        whole_number(&mut serde_json::Deserializer::from_str(json)).ok()
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        let numbers = [("3", 3), ("-3", -3), ("3.0", 3), ("-3.00", -3), ("3e2", 300), ("-0.0", 0)];
        for (json, number) in numbers {
            assert_eq!(read(json), Some(number), "{json}");
        }
        assert_eq!(read("9223372036854775807"), Some(i64::MAX));
    }

    #[test]
    fn everything_else_is_refused() {
        for json in ["3.5", "1e300", "9223372036854775808", "1e17", "\"3\"", "true", "null", "[3]"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
