//! The head of an answer.

use std::mem::{self, MaybeUninit};

use bytes::{Bytes, BytesMut};
use gateway_application::Fields;
use gateway_domain::message::{AnswerLength, AnswerReader, Answered, Version};
use http::StatusCode;
use httparse::{ParserConfig, Status};

use super::WireError;
use crate::headers::FromBackend;

/// Longer ones are refused, together with those that came before them for the same request.
const LONGEST: usize = 64 * 1024;
/// As many heads may only say that another one will come.
const MOST_INTERIM: usize = 32;
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
    fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// Reads the head of an answer out of what came before, which is in `memory`, and what is new: `None` where it has not come
/// to its end, and then all of it is in `memory`; otherwise also what has come behind it.
///
/// `head` tells whether the request was `HEAD`.
pub(crate) fn read_on(
    memory: &mut BytesMut,
    new: &[u8],
    head: bool,
) -> Result<Option<(Head, Bytes)>, WireError> {
    if memory.is_empty() {
        // Nearly always all of it comes at once.
        if let Some((head, length)) = last(new, head)? {
            return Ok(Some((head, Bytes::copy_from_slice(&new[length..]))));
        }
        memory.extend_from_slice(new);
    } else {
        memory.extend_from_slice(new);
        // Without the end of a line there is none of a head.
        if new.contains(&b'\n')
            && let Some((head, length)) = last(memory, head)?
        {
            return Ok(Some((head, mem::take(memory).freeze().split_off(length))));
        }
    }
    if memory.len() > LONGEST { Err(WireError::LongHead) } else { Ok(None) }
}

/// The head in `text` and where it ends, behind those that only say that another one will come.
fn last(text: &[u8], is_head: bool) -> Result<Option<(Head, usize)>, WireError> {
    let mut start = 0;
    for _ in 0..=MOST_INTERIM {
        let Some((head, length)) = read(&text[start..], is_head)? else { return Ok(None) };
        start += length;
        if !head.is_interim() {
            return Ok(Some((head, start)));
        }
    }
    Err(WireError::LongHead)
}

/// Reads a head from the beginning of `text`: `None` where it has not come to its end, otherwise its length too.
fn read(text: &[u8], head: bool) -> Result<Option<(Head, usize)>, WireError> {
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
        kept.take(field.name.as_bytes(), field.value);
    }
    let websocket = kept.is_websocket();
    let body = reader.length()?;
    let head = Head {
        status,
        length: body,
        persists: reader.persists()
            && body != AnswerLength::UntilClose
            && status != StatusCode::SWITCHING_PROTOCOLS,
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
    fn an_answer_without_an_end_takes_its_connection_with_it() {
        let (head, _) = head("HTTP/1.1 200 OK\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.length, head.persists), (AnswerLength::UntilClose, false));
    }

    /// What comes of a head that arrives byte by byte.
    fn trickled(text: &str) -> Result<Option<(Head, Bytes)>, WireError> {
        let mut memory = BytesMut::new();
        for byte in text.as_bytes() {
            let read = read_on(&mut memory, &[*byte], false)?;
            if read.is_some() {
                return Ok(read);
            }
        }
        Ok(None)
    }

    #[test]
    fn what_comes_before_an_answer_is_bounded() {
        let interim = "HTTP/1.1 102 Processing\r\n\r\n";
        let last = "HTTP/1.1 200 OK\r\n\r\n";
        let (head, _) = trickled(&(interim.repeat(MOST_INTERIM) + last)).unwrap().unwrap();
        assert_eq!(head.status, StatusCode::OK);
        let more = interim.repeat(MOST_INTERIM + 1) + last;
        assert!(matches!(trickled(&more), Err(WireError::LongHead)));
        assert!(matches!(read_on(&mut BytesMut::new(), more.as_bytes(), false), Err(WireError::LongHead)));
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(LONGEST));
        assert!(matches!(trickled(&long), Err(WireError::LongHead)));
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
