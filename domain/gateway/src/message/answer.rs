//! Where an answer's body ends (RFC 9112, 6.3), refused where two readers could disagree.

use super::{BodyLength, FramingError, Version, framing::Statements};

/// How an answer's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerLength {
    /// As the headers say.
    Stated(BodyLength),
    /// It goes on until the connection ends.
    UntilClose,
}

/// The first line of an answer, and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Whether the request was `HEAD`.
    pub head: bool,
    /// The status.
    pub status: u16,
    /// The version.
    pub version: Version,
}

/// What the headers of an answer say of its connection and its end, read in the order they came.
#[derive(Clone, Copy, Debug)]
pub struct AnswerReader {
    answered: Answered,
    statements: Statements,
    closes: bool,
    persists: bool,
}

impl AnswerReader {
    /// Before the first header.
    pub const fn new(answered: Answered) -> Self {
        let statements = Statements::new(answered.version);
        Self { answered, statements, closes: false, persists: false }
    }

    /// Reads the next header. A length that is repeated with the same value is one length.
    pub fn read(&mut self, name: &[u8], value: &[u8]) -> Result<(), FramingError> {
        if name.len() == 10 && name.eq_ignore_ascii_case(b"connection") {
            for option in value.split(|byte| *byte == b',').map(super::framing::trim) {
                self.closes |= option.eq_ignore_ascii_case(b"close");
                self.persists |= option.eq_ignore_ascii_case(b"keep-alive");
            }
            return Ok(());
        }
        // Names are told apart by their length first: most fields are none of these.
        match name.len() {
            14 | 17 => self.statements.read_answer(name, value),
            _ => Ok(()),
        }
    }

    /// Where the body ends.
    pub const fn length(&self) -> Result<AnswerLength, FramingError> {
        let stated = match self.statements.body_length() {
            Ok(stated) => stated,
            Err(error) => return Err(error),
        };
        let Answered { head, status, .. } = self.answered;
        if head || matches!(status, 100..=199 | 204 | 304) {
            return Ok(AnswerLength::Stated(BodyLength::Empty));
        }
        Ok(if self.statements.is_any() { AnswerLength::Stated(stated) } else { AnswerLength::UntilClose })
    }

    /// Whether the backend leaves the connection open after it.
    pub fn persists(&self) -> bool {
        !self.closes && (self.answered.version == Version::Http11 || self.persists)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OK: Answered = Answered { head: false, status: 200, version: Version::Http11 };

    fn reader(answered: Answered, headers: &[(&str, &str)]) -> Result<AnswerReader, FramingError> {
        let mut reader = AnswerReader::new(answered);
        for (name, value) in headers {
            reader.read(name.as_bytes(), value.as_bytes())?;
        }
        Ok(reader)
    }

    fn length(answered: Answered, headers: &[(&str, &str)]) -> Result<AnswerLength, FramingError> {
        reader(answered, headers)?.length()
    }

    #[test]
    fn the_end_is_where_the_headers_say() {
        for (headers, expected) in [
            (&[][..], AnswerLength::UntilClose),
            (&[("Content-Length", "0")], AnswerLength::Stated(BodyLength::Empty)),
            (&[("content-length", " 42")], AnswerLength::Stated(BodyLength::Known(42))),
            (&[("content-length", "7"), ("content-length", "7")], AnswerLength::Stated(BodyLength::Known(7))),
            (&[("Transfer-Encoding", "Chunked")], AnswerLength::Stated(BodyLength::Chunked)),
        ] {
            assert_eq!(length(OK, headers), Ok(expected), "{headers:?}");
        }
    }

    #[test]
    fn some_answers_have_no_body_whatever_they_say() {
        let stated = [("content-length", "42")];
        for answered in
            [Answered { head: true, ..OK }, Answered { status: 204, ..OK }, Answered { status: 304, ..OK }]
        {
            let none = Ok(AnswerLength::Stated(BodyLength::Empty));
            assert_eq!(length(answered, &stated), none, "{answered:?}");
            assert_eq!(length(answered, &[]), none, "{answered:?}");
            assert_eq!(length(answered, &[("transfer-encoding", "chunked")]), none, "{answered:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        use FramingError::*;
        for (headers, expected) in [
            (&[("content-length", "1"), ("transfer-encoding", "chunked")][..], TwoLengths),
            (&[("content-length", "1"), ("content-length", "2")], RepeatedLength),
            (&[("content-length", "1, 1")], MalformedLength),
            (&[("content-length", "-1")], MalformedLength),
            (&[("content-length", "")], MalformedLength),
            (&[("transfer-encoding", "gzip, chunked")], UnknownEncoding),
            (&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], UnknownEncoding),
        ] {
            assert_eq!(length(OK, headers), Err(expected), "{headers:?}");
        }
        let old = Answered { version: Version::Http10, ..OK };
        assert_eq!(length(old, &[("transfer-encoding", "chunked")]), Err(EncodingInHttp10));
    }

    #[test]
    fn a_connection_persists_unless_the_backend_says_otherwise() {
        let old = Answered { version: Version::Http10, ..OK };
        for (answered, connection, persists) in [
            (OK, None, true),
            (OK, Some("x, Close"), false),
            (OK, Some("closed"), true),
            (old, None, false),
            (old, Some("Keep-Alive"), true),
            (old, Some("keep-alive, close"), false),
        ] {
            let headers: Vec<_> = connection.map(|value| ("Connection", value)).into_iter().collect();
            assert_eq!(
                reader(answered, &headers).unwrap().persists(),
                persists,
                "{answered:?} {connection:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(
            value in proptest::collection::vec(any::<u8>(), 0..20),
            status in 100_u16..600,
            head: bool,
        ) {
            let mut reader = AnswerReader::new(Answered { head, status, version: Version::Http11 });
            if reader.read(b"content-length", &value).is_ok()
                && let Ok(AnswerLength::Stated(BodyLength::Known(length))) = reader.length()
            {
                let text = String::from_utf8(value).unwrap();
                prop_assert_eq!(text.trim_matches([' ', '\t']).trim_start_matches('0'), length.to_string());
            }
        }
    }
}
