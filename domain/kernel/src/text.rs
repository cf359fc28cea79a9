//! Text from outside.

use std::ops::RangeInclusive;

use crate::Violation;

/// Trims `value` and checks its length in characters; control characters other than line breaks and tabs are refused.
pub fn text(field: &'static str, value: &str, length: RangeInclusive<usize>) -> Result<String, Violation> {
    let value = value.trim();
    let count = value.chars().count();
    if !length.contains(&count) {
        let message = format!("must have {} to {} characters", length.start(), length.end());
        return Err(Violation::new(field, "length", message));
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Violation::new(field, "control_character", "must not contain control characters"));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_after_trimming() {
        assert_eq!(text("name", "  äöü ", 1..=3).unwrap(), "äöü");
        assert_eq!(text("name", "   ", 1..=3).unwrap_err().code(), "length");
        assert_eq!(text("name", "abcd", 1..=3).unwrap_err().code(), "length");
    }

    #[test]
    fn refuses_what_stores_cannot_keep() {
        assert_eq!(text("name", "a\0b", 1..=9).unwrap_err().code(), "control_character");
        assert!(text("name", "a\nb", 1..=9).is_ok());
    }
}
