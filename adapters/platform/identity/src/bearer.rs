//! The token in an `Authorization` header.

use crate::Rejected;

/// The longest token, in bytes. Ours have some 300; those of large issuers, with many claims, some 2,000.
pub(crate) const MAX_LENGTH: usize = 8 * 1024;

const SCHEME: &str = "bearer";

/// What follows `Bearer`; the scheme is in any case, as RFC 9110 has it. Whether that is a token shows later.
pub(crate) fn token(authorization: &str) -> Result<&str, Rejected> {
    let (scheme, token) = authorization.trim().split_once(' ').ok_or(Rejected::NotBearer)?;
    let token = token.trim_start();
    if !scheme.eq_ignore_ascii_case(SCHEME) || token.is_empty() {
        return Err(Rejected::NotBearer);
    }
    if token.len() > MAX_LENGTH { Err(Rejected::TooLong) } else { Ok(token) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_in_any_case() {
        for header in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            assert_eq!(token(header), Ok("a.b.c"), "{header:?}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for header in ["", "Bearer", "Bearer ", "Basic YTpi", "a.b.c", "Bearera.b.c", "Béarer a"] {
            assert_eq!(token(header), Err(Rejected::NotBearer), "{header:?}");
        }
    }

    #[test]
    fn tokens_have_a_greatest_length() {
        let header = |length: usize| format!("Bearer {}", "a".repeat(length));
        assert!(token(&header(MAX_LENGTH)).is_ok());
        assert_eq!(token(&header(MAX_LENGTH + 1)), Err(Rejected::TooLong));
    }
}
