//! A backend's headers, as a client gets them.

use std::mem;

use gateway_application::Fields;
use gateway_domain::is_hop_by_hop;

use super::{VIA_ENTRY, lines::Lines, named::named_by};

/// Headers that this gateway adds to an answer, so that there is room for them.
const ADDED: usize = 12;
/// How long their values are, mostly.
const ADDED_BYTES: usize = 384;

/// Makes a backend's headers the client's, one by one as they come.
pub(crate) struct FromBackend {
    headers: Fields,
    named: Vec<String>,
    websocket: bool,
    /// Whether its length has been said.
    length: bool,
}

impl FromBackend {
    /// For so many headers, in a head that is so many bytes long.
    pub(crate) fn with_capacity(fields: usize, bytes: usize) -> Self {
        let headers = Fields::with_capacity(fields + ADDED, bytes + ADDED_BYTES);
        Self { headers, named: Vec::new(), websocket: false, length: false }
    }

    /// Takes the next header. The request id is this server's own, so the backend's copy is dropped, and a length that is
    /// said twice is one.
    pub(crate) fn take(&mut self, name: &[u8], value: &[u8]) {
        let Self { headers, named, websocket, length } = self;
        headers.push_if(name, value, |name| match name {
            b"connection" => {
                named.extend(named_by(value));
                false
            }
            b"upgrade" => {
                *websocket |= value.trim_ascii().eq_ignore_ascii_case(b"websocket");
                false
            }
            b"content-length" => !mem::replace(length, true),
            name => name != b"x-request-id" && !is_hop_by_hop(name),
        });
    }

    /// Whether there is an upgrade, and it is to a web socket.
    pub(crate) const fn is_websocket(&self) -> bool {
        self.websocket
    }

    pub(crate) fn headers(self) -> Fields {
        let Self { mut headers, named, .. } = self;
        if !named.is_empty() {
            headers.retain(|name| !named.iter().any(|named| named.as_bytes() == name));
        }
        if headers.contains("via") {
            let mut line = Vec::new();
            Lines(&mut line).list(headers.texts("via")).text(VIA_ENTRY);
            headers.set("via", &line);
        } else {
            headers.add("via", VIA_ENTRY.as_bytes());
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(headers: &[(&str, &str)]) -> Fields {
        let mut kept = FromBackend::with_capacity(headers.len(), 0);
        for (name, value) in headers {
            kept.take(name.as_bytes(), value.as_bytes());
        }
        kept.headers()
    }

    #[test]
    fn answers_tell_the_way_they_have_come() {
        let headers = passed_on(&[("Via", "1.0 cache"), ("via", "1.1 other")]);
        assert_eq!(headers.texts("via").collect::<Vec<_>>(), ["1.0 cache, 1.1 other, 1.1 gateway"]);
    }

    #[test]
    fn a_length_is_passed_on_once() {
        let headers = passed_on(&[("Content-Length", "3"), ("content-length", "3")]);
        assert_eq!(headers.texts("content-length").collect::<Vec<_>>(), ["3"]);
    }

    #[test]
    fn answers_lose_connection_headers_only() {
        let headers = passed_on(&[
            ("X-Internal", "1"),
            ("Connection", "X-Internal, close"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "3"),
            ("ETag", "\"1\""),
            ("X-Request-Id", "r1"),
        ]);
        let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["content-length", "etag", "via"]);
    }
}
