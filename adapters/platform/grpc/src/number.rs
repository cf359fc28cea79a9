//! Counts on the wire: signed there, as protobuf style has it, and never negative here.

use kernel_domain::Violation;

/// The count as the wire has it; one that does not fit, which no store can hold, becomes the greatest.
pub fn write(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads a count; a violation names `field`.
pub fn read(field: &str, count: i64) -> Result<u64, Violation> {
    u64::try_from(count).map_err(|_| Violation::new(field, "out_of_range", "must be 0 or more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_never_negative() {
        assert_eq!(read("version", write(7)), Ok(7));
        assert_eq!(read("version", -1).unwrap_err().code(), "out_of_range");
        assert_eq!(write(u64::MAX), i64::MAX);
    }
}
