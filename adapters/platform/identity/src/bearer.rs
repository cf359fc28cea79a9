//! The token in an `Authorization` header.

use std::str;

use crate::Rejected;

/// The longest token, in bytes. Ours have some 300; those of large issuers, with many claims, some 2,000.
pub(crate) const MAX_LENGTH: usize = 8 * 1024;

const SCHEME: &str = "bearer ";

/// What [`Authenticator::authenticate`](crate::Authenticator::authenticate) is handed, out of all values that a call has
/// for the header: `None` where it has none. What is sent twice, or is no text, is no token, and will be refused as one.
pub fn authorization<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<&'a str> {
    let mut values = values.into_iter();
    let first = values.next()?;
    let only = values.next().is_none().then_some(first);
    Some(only.and_then(|value| str::from_utf8(value).ok()).unwrap_or_default())
}

/// What follows `Bearer`; the scheme is in any case, as RFC 9110 has it. Whether that is a token shows later.
pub(crate) fn token(authorization: &str) -> Result<&str, Rejected> {
    let (scheme, token) =
        authorization.trim_start().split_at_checked(SCHEME.len()).ok_or(Rejected::NotBearer)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case(SCHEME) || token.is_empty() {
        return Err(Rejected::NotBearer);
    }
    if token.len() > MAX_LENGTH { Err(Rejected::TooLong) } else { Ok(token) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_value_is_handed_on_and_anything_else_is_no_token() {
        let read = |values: &[&'static [u8]]| authorization(values.iter().copied());
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[b"Bearer a.b.c"]), Some("Bearer a.b.c"));
        for none in [&[b"Bearer a.b.c".as_slice(), b"Bearer a.b.c"][..], &[b"Bearer \xff"]] {
            assert_eq!(read(none).map(token), Some(Err(Rejected::NotBearer)));
        }
    }

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

    proptest! {
        #[test]
        fn a_token_is_what_follows_the_first_space(
            header in "[ \t\u{a0}]{0,2}(bearer|Bearer|B\u{e9}arer|BEAREr|bear)?[ \t\u{a0}.]{0,3}[a.\u{e4} ]{0,3}",
        ) {
            let parts = header.trim().split_once(' ').map(|(scheme, token)| (scheme, token.trim_start()));
            let good = parts.filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty());
            prop_assert_eq!(token(&header), good.map(|(_, token)| token).ok_or(Rejected::NotBearer));
        }
    }

    #[test]
    fn tokens_have_a_greatest_length() {
        let header = |length: usize| format!("Bearer {}", "a".repeat(length));
        assert!(token(&header(MAX_LENGTH)).is_ok());
        assert_eq!(token(&header(MAX_LENGTH + 1)), Err(Rejected::TooLong));
    }
}
