//! Where a request's body ends (RFC 9112, 6.3), refused where two readers could disagree.
//!
//! A request that ends earlier for a backend than for the gateway leaves a second request behind, which the gateway has
//! never seen. So one statement is allowed, in one spelling.

/// The version of a request's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `HTTP/1.0`.
    Http10,
    /// `HTTP/1.1`.
    Http11,
}

/// How a request's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// There is none.
    Empty,
    /// So many bytes.
    Known(u64),
    /// In chunks.
    Chunked,
}

/// Reads the length from the headers, in the order they came, as they were sent.
pub fn body_length<'a>(
    version: Version,
    headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<BodyLength, FramingError> {
    let mut statements = Statements::new(version);
    for (name, value) in headers {
        statements.read(name, value)?;
    }
    statements.body_length()
}

/// What the headers so far say of the length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statements {
    version: Version,
    length: Option<u64>,
    chunked: bool,
}

impl Statements {
    pub(super) const fn new(version: Version) -> Self {
        Self { version, length: None, chunked: false }
    }

    pub(super) fn read(&mut self, name: &[u8], value: &[u8]) -> Result<(), FramingError> {
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.replace(parse_length(trim(value))?).is_some() {
                return Err(FramingError::RepeatedLength);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            check_encoding(self.version, trim(value), self.chunked)?;
            self.chunked = true;
        }
        Ok(())
    }

    /// The same for an answer, whose length may be said twice: nobody reads it in another way.
    pub(super) fn read_answer(&mut self, name: &[u8], value: &[u8]) -> Result<(), FramingError> {
        let before = self.length;
        match self.read(name, value) {
            Err(FramingError::RepeatedLength) if self.length == before => Ok(()),
            read => read,
        }
    }

    pub(super) const fn is_any(self) -> bool {
        self.length.is_some() || self.chunked
    }

    pub(super) const fn body_length(self) -> Result<BodyLength, FramingError> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(FramingError::TwoLengths),
            (None, true) => Ok(BodyLength::Chunked),
            (None | Some(0), false) => Ok(BodyLength::Empty),
            (Some(length), false) => Ok(BodyLength::Known(length)),
        }
    }
}

/// Reads the line before a chunk, without its line break. Extensions are refused: nobody uses them, and they have
/// been read in two ways.
pub fn chunk_size(line: &[u8]) -> Result<u64, FramingError> {
    if line.contains(&b';') {
        return Err(FramingError::ChunkExtension);
    }
    // Sixteen hex digits are what 64 bits hold.
    if !(1..=16).contains(&line.len()) {
        return Err(FramingError::MalformedChunk);
    }
    line.iter().try_fold(0, |size: u64, byte| {
        let digit = char::from(*byte).to_digit(16).ok_or(FramingError::MalformedChunk)?;
        Ok(size << 4 | u64::from(digit))
    })
}

fn check_encoding(version: Version, value: &[u8], repeated: bool) -> Result<(), FramingError> {
    if version == Version::Http10 {
        return Err(FramingError::EncodingInHttp10);
    }
    if repeated || !value.eq_ignore_ascii_case(b"chunked") {
        return Err(FramingError::UnknownEncoding);
    }
    Ok(())
}

/// Digits and nothing else: no sign, no list, no space.
fn parse_length(value: &[u8]) -> Result<u64, FramingError> {
    let append = |length: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    };
    let length = value.iter().try_fold(0, append).filter(|_| !value.is_empty());
    length.ok_or(FramingError::MalformedLength)
}

/// Without the white space around it that belongs to no value.
pub(super) fn trim(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

/// Why nobody can say where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// It has `Content-Length` and `Transfer-Encoding`.
    #[error("content-length and transfer-encoding exclude each other")]
    TwoLengths,
    /// It has several `Content-Length`, be they the same.
    #[error("content-length must not be repeated")]
    RepeatedLength,
    /// `Content-Length` is no number of bytes.
    #[error("content-length must be a number")]
    MalformedLength,
    /// `Transfer-Encoding` is other than `chunked`, once.
    #[error("transfer-encoding must be `chunked`")]
    UnknownEncoding,
    /// `Transfer-Encoding` does not exist in HTTP/1.0.
    #[error("transfer-encoding is not allowed in HTTP/1.0")]
    EncodingInHttp10,
    /// A chunk does not begin with its size, or does not end where that says.
    #[error("chunk is malformed")]
    MalformedChunk,
    /// A chunk has an extension.
    #[error("chunk extensions are not allowed")]
    ChunkExtension,
    /// What follows the last chunk is no header fields, or too many of them.
    #[error("trailers are malformed or too long")]
    MalformedTrailer,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn length(headers: &[(&str, &str)]) -> Result<BodyLength, FramingError> {
        body_length(Version::Http11, headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    #[test]
    fn one_statement_is_read() {
        for (headers, expected) in [
            (&[][..], BodyLength::Empty),
            (&[("host", "a")], BodyLength::Empty),
            (&[("Content-Length", "0")], BodyLength::Empty),
            (&[("content-length", " 42\t")], BodyLength::Known(42)),
            (&[("Transfer-Encoding", "Chunked")], BodyLength::Chunked),
        ] {
            assert_eq!(length(headers), Ok(expected), "{headers:?}");
        }
    }

    #[test]
    fn two_statements_and_strange_spellings_are_refused() {
        use FramingError::*;
        for (headers, expected) in [
            (&[("content-length", "1"), ("transfer-encoding", "chunked")][..], TwoLengths),
            (&[("transfer-encoding", "chunked"), ("content-length", "1")], TwoLengths),
            (&[("content-length", "1"), ("Content-Length", "1")], RepeatedLength),
            (&[("content-length", "1, 1")], MalformedLength),
            (&[("content-length", "+1")], MalformedLength),
            (&[("content-length", "-1")], MalformedLength),
            (&[("content-length", "0x1")], MalformedLength),
            (&[("content-length", "1 2")], MalformedLength),
            (&[("content-length", "")], MalformedLength),
            (&[("content-length", "18446744073709551616")], MalformedLength),
            (&[("content-length", "1\u{b}")], MalformedLength),
            (&[("transfer-encoding", "gzip, chunked")], UnknownEncoding),
            (&[("transfer-encoding", "chunked, identity")], UnknownEncoding),
            (&[("transfer-encoding", "\u{b}chunked")], UnknownEncoding),
            (&[("transfer-encoding", "xchunked")], UnknownEncoding),
            (&[("transfer-encoding", "identity")], UnknownEncoding),
            (&[("transfer-encoding", "")], UnknownEncoding),
            (&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], UnknownEncoding),
        ] {
            assert_eq!(length(headers), Err(expected), "{headers:?}");
        }
        let old = body_length(Version::Http10, [(&b"transfer-encoding"[..], &b"chunked"[..])]);
        assert_eq!(old, Err(EncodingInHttp10));
    }

    #[test]
    fn chunk_sizes_are_plain_hex() {
        use FramingError::{ChunkExtension, MalformedChunk};
        for (line, expected) in [
            ("0", Ok(0)),
            ("1aF", Ok(0x1af)),
            ("ffffffffffffffff", Ok(u64::MAX)),
            ("10000000000000000", Err(MalformedChunk)),
            ("", Err(MalformedChunk)),
            (" 1", Err(MalformedChunk)),
            ("1 ", Err(MalformedChunk)),
            ("0x1", Err(MalformedChunk)),
            ("-1", Err(MalformedChunk)),
            ("1;a=b", Err(ChunkExtension)),
            (";", Err(ChunkExtension)),
        ] {
            assert_eq!(chunk_size(line.as_bytes()), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn chunk_sizes_are_read_back(size in any::<u64>()) {
            prop_assert_eq!(chunk_size(format!("{size:x}").as_bytes()), Ok(size));
        }

        #[test]
        fn lengths_are_read_as_numbers_are(digits in "[0-9]{0,24}|[0-9]{0,3}[+ x-]?[0-9]{0,3}") {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let expected = digits.parse().ok().filter(|_| plain).ok_or(FramingError::MalformedLength);
            prop_assert_eq!(parse_length(digits.as_bytes()), expected);
        }

        #[test]
        fn any_bytes_are_read_without_harm(value in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Ok(BodyLength::Known(length)) = body_length(Version::Http11, [(&b"content-length"[..], &value[..])]) {
                let text = String::from_utf8(value).unwrap();
                prop_assert_eq!(text.trim_matches([' ', '\t']).trim_start_matches('0'), length.to_string());
            }
        }
    }
}
