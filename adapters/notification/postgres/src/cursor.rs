//! Cursors: a row's number, in lower-case hex.

use kernel_application::InvalidCursor;

/// What fits into a row's number for sure.
const MOST_DIGITS: usize = 15;

pub(crate) fn cursor(seq: i64) -> String {
    format!("{seq:x}")
}

pub(crate) fn seq(cursor: &str) -> Result<i64, InvalidCursor> {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if cursor.len() <= MOST_DIGITS && cursor.bytes().all(digit) {
        i64::from_str_radix(cursor, 16).map_err(|_| InvalidCursor)
    } else {
        Err(InvalidCursor)
    }
}
