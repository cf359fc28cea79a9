//! One spelling for each path.

use std::borrow::Cow;

use crate::{PathError, RequestPath};

/// What becomes of slashes in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slashes {
    /// The path is refused: what one reader merges, another does not.
    #[default]
    Refuse,
    /// They become one.
    Merge,
}

/// Spells a raw path in one way (RFC 3986, 6.2.2): nothing is encoded that need not be, hex digits are capitals.
///
/// `/%61pi/a%2fb` is not what it looks like to a rule that compares text. This leaves nothing to look like: what can be
/// plain is plain, and what would change the path's meaning (dot segments, separators, control characters) is
/// refused as by [`RequestPath::parse`], which takes every answer of this function.
pub fn normalise(path: &str, slashes: Slashes) -> Result<Cow<'_, str>, PathError> {
    let decoded = decode_unreserved(path)?;
    let normal = match slashes {
        Slashes::Merge if decoded.contains("//") => Cow::Owned(merge(&decoded)),
        _ => decoded,
    };
    RequestPath::parse(&normal)?;
    Ok(normal)
}

fn decode_unreserved(path: &str) -> Result<Cow<'_, str>, PathError> {
    let mut parts = path.split('%');
    let plain = parts.next().unwrap_or_default();
    if plain.len() == path.len() {
        return Ok(Cow::Borrowed(path));
    }
    let mut decoded = String::with_capacity(path.len());
    decoded.push_str(plain);
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).ok_or(PathError::MalformedEncoding)?;
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(hex, 16).ok().filter(|_| is_hex).ok_or(PathError::MalformedEncoding)?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            decoded.push(char::from(byte));
        } else {
            decoded.push('%');
            decoded.push_str(&hex.to_ascii_uppercase());
        }
        decoded.push_str(rest);
    }
    Ok(if decoded == path { Cow::Borrowed(path) } else { Cow::Owned(decoded) })
}

fn merge(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{API_PREFIX, RouteTable};

    #[test]
    fn there_is_one_spelling() {
        for (path, normal) in [
            ("/a/b", "/a/b"),
            ("/%61%2D%2e%5f%7E", "/a-._~"),
            ("/%e4%20%2B", "/%E4%20%2B"),
            ("/%2541", "/%2541"),
            ("/a/", "/a/"),
        ] {
            assert_eq!(normalise(path, Slashes::Refuse).as_deref(), Ok(normal), "{path}");
        }
        assert!(matches!(normalise("/a%20b", Slashes::Refuse), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_would_change_the_meaning_is_refused() {
        for (path, error) in [
            ("/a/%2e%2E/b", PathError::DotSegment),
            ("/%2e", PathError::DotSegment),
            ("/a%2Fb", PathError::HiddenSeparator),
            ("/a%5cb", PathError::HiddenSeparator),
            ("/a%0a", PathError::ControlCharacter),
            ("/a#", PathError::NotVisible),
            ("/a%+1", PathError::MalformedEncoding),
            ("/a%4", PathError::MalformedEncoding),
            ("/a%\u{e4}", PathError::MalformedEncoding),
            ("a", PathError::NotAbsolute),
        ] {
            assert_eq!(normalise(path, Slashes::Merge), Err(error), "{path}");
        }
    }

    #[test]
    fn slashes_in_a_row_are_refused_or_merged() {
        assert_eq!(normalise("//a///b//", Slashes::Refuse), Err(PathError::EmptySegment));
        assert_eq!(normalise("//a///b//", Slashes::Merge).as_deref(), Ok("/a/b/"));
        assert_eq!(normalise("/a//../b", Slashes::Merge), Err(PathError::DotSegment));
    }

    /// A path as the most obliging backend reads it: decoded as often as possible, both slashes, dots followed.
    fn obliging(path: &str) -> Vec<String> {
        let mut text = path.to_owned();
        loop {
            let bytes = text.as_bytes();
            let mut decoded = Vec::new();
            let mut index = 0;
            while index < bytes.len() {
                let hex = text.get(index + 1..index + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                match hex {
                    // One that is twice encoded is taken literally by all backends but broken ones.
                    Some(byte) if bytes[index] == b'%' && byte != b'%' => {
                        decoded.push(byte);
                        index += 3;
                    }
                    _ => {
                        decoded.push(bytes[index]);
                        index += 1;
                    }
                }
            }
            let next = String::from_utf8_lossy(&decoded).into_owned();
            if next == text {
                break;
            }
            text = next;
        }
        let mut segments: Vec<String> = Vec::new();
        for segment in text.split(['/', '\\']) {
            match segment {
                "" | "." => {}
                ".." => drop(segments.pop()),
                _ => segments.push(segment.to_owned()),
            }
        }
        segments
    }

    proptest! {
        #[test]
        fn a_second_time_changes_nothing(path in "/[a-z/.%~0-9A-F]{0,20}", merge in any::<bool>()) {
            let slashes = if merge { Slashes::Merge } else { Slashes::Refuse };
            if let Ok(normal) = normalise(&path, slashes) {
                let again = normalise(&normal, slashes);
                prop_assert_eq!(again.as_deref(), Ok(&*normal));
                prop_assert!(RequestPath::parse(&normal).is_ok());
                prop_assert!(normal.len() <= path.len());
            }
        }

        #[test]
        fn no_path_escapes_its_prefix(tail in "([a-z]{1,3}|/|\\\\|\\.|%2[eEfF]|%5[cC]|%252[eEfF]|%00|%[0-9a-f]{2}){0,8}") {
            let path = format!("/api/products{tail}");
            let Ok(normal) = normalise(&path, Slashes::Merge) else { return Ok(()) };
            let Ok(parsed) = RequestPath::parse(&normal) else { return Ok(()) };
            if let Some((route, inner)) = RouteTable::standard().resolve(parsed) {
                prop_assert_eq!(route.template(), "/products/*");
                let segments = obliging(inner);
                prop_assert_eq!(segments.first().map(String::as_str), Some("products"));
                prop_assert_eq!(&format!("{API_PREFIX}{inner}"), &*normal);
            }
        }
    }
}
