//! The head of an answer.

use std::mem::MaybeUninit;

use gateway_application::Fields;
use gateway_domain::message::{AnswerLength, AnswerReader, Answered, Version};
use http::StatusCode;
use httparse::{ParserConfig, Status};

use super::WireError;
use crate::headers::FromBackend;

/// Longer ones are refused.
pub(crate) const LONGEST: usize = 64 * 1024;
/// As many fields as the head of an answer may have.
const MOST_FIELDS: usize = 100;

/// The head of an answer, with the headers that are the client's.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: Fields,
    /// Where what follows it ends.
    pub(crate) length: AnswerLength,
    /// Whether the connection can be used again after it.
    pub(crate) persists: bool,
    /// Whether the backend agrees to a web socket, where the status says that it switches to something.
    pub(crate) websocket: bool,
}

impl Head {
    /// Whether it only says that another one will come.
    pub(crate) fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// Whether there could be a whole head, where `new` is what has come since it was not.
pub(crate) fn may_end(new: &[u8]) -> bool {
    new.contains(&b'\n')
}

/// Reads a head from the beginning of `text`: `None` where it has not come to its end, otherwise its length too.
///
/// `head` tells whether the request was `HEAD`.
pub(crate) fn read(text: &[u8], head: bool) -> Result<Option<(Head, usize)>, WireError> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut answer = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut answer, text, &mut fields);
    let Status::Complete(length) = parsed? else { return Ok(None) };
    let (Some(code), Some(version)) = (answer.code, answer.version) else { return Ok(None) };
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    let status = StatusCode::from_u16(code).map_err(|_| httparse::Error::Status)?;
    let mut reader = AnswerReader::new(Answered { head, status: code, version });
    let mut kept = FromBackend::with_capacity(answer.headers.len(), length);
    for field in &*answer.headers {
        reader.read(field.name.as_bytes(), field.value)?;
        kept.take(field.name, field.value);
    }
    let websocket = kept.is_websocket();
    let head = Head {
        status,
        length: reader.length()?,
        persists: reader.persists() && status != StatusCode::SWITCHING_PROTOCOLS,
        websocket,
        headers: kept.headers(),
    };
    Ok(Some((head, length)))
}

#[cfg(test)]
mod tests {
    use gateway_domain::message::{BodyLength, FramingError};
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Result<Option<(Head, usize)>, WireError> {
        read(text.as_bytes(), false)
    }

    #[test]
    fn a_head_is_read_to_its_empty_line() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: \"1\"\r\nX-A: 1\r\nx-a: 2\r\n\r\nabc";
        let (head, length) = head(text).unwrap().unwrap();
        assert_eq!((head.status, length), (StatusCode::OK, text.len() - 3));
        assert_eq!(head.length, AnswerLength::Stated(BodyLength::Known(3)));
        assert!(head.persists && !head.websocket);
        assert_eq!(head.headers.text("etag"), Some("\"1\""));
        assert_eq!(head.headers.texts("x-a").collect::<Vec<_>>(), ["1", "2"]);
        for end in 0..length {
            assert!(read(&text.as_bytes()[..end], false).unwrap().is_none(), "{end}");
        }
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for text in [
            "220 mail.example ESMTP\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: \0\r\n\r\n",
            "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
        ] {
            assert!(matches!(head(text), Err(WireError::MalformedHead(_))), "{text:?}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MOST_FIELDS + 1));
        assert!(matches!(read(many.as_bytes(), false), Err(WireError::MalformedHead(_))));
        let two = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(matches!(head(two), Err(WireError::Framing(FramingError::TwoLengths))));
    }

    #[test]
    fn a_web_socket_takes_its_connection_with_it() {
        let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\n";
        let (head, _) = head(text).unwrap().unwrap();
        assert!(head.websocket && !head.persists && !head.headers.contains("upgrade"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), head: bool) {
            let text = [&b"HTTP/1.1 200 OK\r\n"[..], &bytes].concat();
            if let Ok(Some((_, length))) = read(&text, head) {
                prop_assert!(length <= text.len());
            }
        }
    }
}
