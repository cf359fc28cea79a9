//! The path of a request, refused where two readers could understand it differently.
//!
//! What the gateway routes by one reading and a backend serves by another is a way around every rule between them.
//! So nothing is normalised here: an ambiguous path is refused, all others pass unchanged, byte for byte.

/// A path that means the same to everybody who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPath<'a>(&'a str);

impl<'a> RequestPath<'a> {
    /// Checks a raw path: still percent-encoded, without query.
    pub fn parse(path: &'a str) -> Result<Self, PathError> {
        if !is_plain(path.as_bytes()) {
            check(path)?;
        }
        Ok(Self(path))
    }

    /// The path as it was sent.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// The parts between the slashes; a trailing slash makes an empty last one.
    pub fn segments(self) -> impl Iterator<Item = &'a str> {
        self.0.split('/').skip(1)
    }
}

/// Why a path was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not start with a slash.
    #[error("path must start with a slash")]
    NotAbsolute,
    /// It has `.` or `..` as a segment, plain or encoded.
    #[error("path must not contain `.` or `..` segments")]
    DotSegment,
    /// It has two slashes in a row.
    #[error("path must not contain empty segments")]
    EmptySegment,
    /// It has a backslash, or an encoded slash or backslash.
    #[error("path must not contain encoded slashes or backslashes")]
    HiddenSeparator,
    /// It has a control character, plain or encoded, NUL among them.
    #[error("path must not contain control characters")]
    ControlCharacter,
    /// It has a byte that must be percent-encoded.
    #[error("path must consist of visible ASCII characters, without `#`")]
    NotVisible,
    /// A percent sign is not followed by two hex digits.
    #[error("path has a malformed percent-encoding")]
    MalformedEncoding,
}

/// Whether a path, with or without its query, is as nearly all are: nothing in it takes a closer look. What is not plain
/// may be good all the same.
pub(crate) fn is_plain(path: &[u8]) -> bool {
    let Some((b'/', mut rest)) = path.split_first() else { return false };
    loop {
        if matches!(rest.first(), Some(b'/' | b'.')) {
            return false;
        }
        let end = rest.iter().position(|byte| !PLAIN[usize::from(*byte)]);
        match end.and_then(|end| rest[end..].split_first()) {
            None => return true,
            Some((b'/', segments)) => rest = segments,
            Some(_) => return false,
        }
    }
}

/// What segments and queries consist of, most of them. A look into a table instead of a dozen comparisons.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte < 0x7f {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'$' | b'&'..=b'.' | b':' | b';' | b'=' | b'?' | b'@' | b'_' | b'~');
        byte += 1;
    }
    table
};

fn check(path: &str) -> Result<(), PathError> {
    let Some(relative) = path.strip_prefix('/') else {
        return Err(PathError::NotAbsolute);
    };
    check_bytes(path.as_bytes())?;
    let mut segments = relative.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if segment.is_empty() && !last {
            return Err(PathError::EmptySegment);
        }
        if is_dot_segment(segment) {
            return Err(PathError::DotSegment);
        }
    }
    Ok(())
}

fn check_bytes(path: &[u8]) -> Result<(), PathError> {
    let mut rest = path;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match *byte {
            b'%' => {
                let &[high, low, ref after @ ..] = tail else { return Err(PathError::MalformedEncoding) };
                check_encoded(hex_pair(high, low).ok_or(PathError::MalformedEncoding)?)?;
                rest = after;
            }
            b'\\' => return Err(PathError::HiddenSeparator),
            0..=0x1f | 0x7f => return Err(PathError::ControlCharacter),
            b'#' | b' ' | 0x80.. => return Err(PathError::NotVisible),
            _ => {}
        }
    }
    Ok(())
}

const fn check_encoded(byte: u8) -> Result<(), PathError> {
    match byte {
        b'/' | b'\\' => Err(PathError::HiddenSeparator),
        0..=0x1f | 0x7f => Err(PathError::ControlCharacter),
        _ => Ok(()),
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Whether the segment is one or two dots, each plain or as `%2e`.
fn is_dot_segment(segment: &str) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while !rest.is_empty() {
        rest = if let Some(after) = rest.strip_prefix('.') {
            after
        } else if rest.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("%2e")) {
            &rest[3..]
        } else {
            return false;
        };
        dots += 1;
    }
    matches!(dots, 1 | 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_paths_pass_unchanged() {
        for good in
            ["/", "/api/products", "/api/products/", "/a/%41%c3%a4", "/a/...", "/a/.hidden", "/a/b;c=d,e@f+g"]
        {
            assert_eq!(RequestPath::parse(good).map(RequestPath::as_str), Ok(good));
        }
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        use PathError::*;
        for (bad, error) in [
            ("", NotAbsolute),
            ("api", NotAbsolute),
            ("/a/../b", DotSegment),
            ("/a/..", DotSegment),
            ("/./a", DotSegment),
            ("/a/%2e%2E/b", DotSegment),
            ("/a/.%2e", DotSegment),
            ("//a", EmptySegment),
            ("/a//b", EmptySegment),
            ("/a%2fb", HiddenSeparator),
            ("/a%5Cb", HiddenSeparator),
            ("/a\\b", HiddenSeparator),
            ("/a%00", ControlCharacter),
            ("/a\0", ControlCharacter),
            ("/a%0d%0a", ControlCharacter),
            ("/a#b", NotVisible),
            ("/ä", NotVisible),
            ("/a%", MalformedEncoding),
            ("/a%4", MalformedEncoding),
            ("/a%zz", MalformedEncoding),
        ] {
            assert_eq!(RequestPath::parse(bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn a_trailing_slash_is_an_empty_last_segment() {
        let path = RequestPath::parse("/api/products/").unwrap();
        assert_eq!(path.segments().collect::<Vec<_>>(), ["api", "products", ""]);
    }

    #[test]
    fn usual_paths_take_no_closer_look() {
        for plain in
            ["/", "/api/products", "/api/products/", "/a/b.c?d=e&f=g", "/users/ada@example.org/payments"]
        {
            assert!(is_plain(plain.as_bytes()), "{plain}");
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_needed_no_closer_look(text in "/?([a-z]{0,2}[/.?%2E#\\\\<\"ä]?|[ -~]){0,8}") {
            if is_plain(text.as_bytes()) {
                prop_assert_eq!(check(&text), Ok(()));
            }
        }

        #[test]
        fn any_text_is_refused_or_harmless(text in "[/.%2eE5cCfF0\\\\a#ä-]{0,24}") {
            if let Ok(path) = RequestPath::parse(&text) {
                prop_assert_eq!(path.as_str(), &text);
                prop_assert!(!path.segments().any(|segment| segment == "." || segment == ".."));
                let lower = text.to_ascii_lowercase();
                prop_assert!(!lower.contains("%2f") && !lower.contains("%5c") && !lower.contains("%00"));
            }
        }
    }
}
