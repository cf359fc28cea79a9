//! Header fields, whether they lie in the server's map or in [`Fields`], for those who look at requests and complete answers
//! of both kinds.

use std::net::SocketAddr;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use kernel_application::Fields;

/// A request, as far as it is looked at before anybody answers it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// The header fields.
    pub headers: &'a dyn Headers,
    /// The host as a part of the target, in HTTP/2.
    pub authority: Option<&'a str>,
    /// The other end of the connection.
    pub peer: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
}

/// The header fields of a message.
pub trait Headers {
    /// The values of the first two fields of the name.
    fn two(&self, name: &HeaderName) -> (Option<&[u8]>, Option<&[u8]>);

    /// Shows the values of all fields of the name, in order.
    fn each(&self, name: &HeaderName, see: &mut dyn FnMut(&[u8]));

    /// All fields.
    fn to_fields(&self) -> Fields;

    /// The value of the first field of the name.
    fn first(&self, name: &HeaderName) -> Option<&[u8]> {
        self.two(name).0
    }

    /// The value of the only field of the name; `None` where there are more.
    fn only(&self, name: &HeaderName) -> Option<&[u8]> {
        let (first, second) = self.two(name);
        first.filter(|_| second.is_none())
    }

    /// The value of the first field of the name, where it is visible ASCII.
    fn text(&self, name: &HeaderName) -> Option<&str> {
        let text = std::str::from_utf8(self.first(name)?).ok()?;
        text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')).then_some(text)
    }
}

/// The header fields of an answer that is not complete yet. What no value can be is left out.
pub trait AnswerHeaders: Headers {
    /// Makes this the only field of its name.
    fn insert(&mut self, name: &HeaderName, value: &[u8]);

    /// Adds a field behind all others.
    fn append(&mut self, name: &HeaderName, value: &[u8]);

    /// Adds all of them.
    fn append_all(&mut self, fields: &Fields);

    /// Takes out all fields of the name.
    fn discard(&mut self, name: &HeaderName);
}

impl Headers for HeaderMap {
    fn two(&self, name: &HeaderName) -> (Option<&[u8]>, Option<&[u8]>) {
        let mut values = self.get_all(name).map(HeaderValue::as_bytes);
        (values.next(), values.next())
    }

    fn each(&self, name: &HeaderName, see: &mut dyn FnMut(&[u8])) {
        self.get_all(name).for_each(|value| see(value.as_bytes()));
    }

    fn to_fields(&self) -> Fields {
        let bytes = self.iter().map(|(_, value)| value.len()).sum();
        let mut fields = Fields::with_capacity(self.len(), bytes);
        for (name, value) in self {
            fields.add(name.as_str(), value.as_bytes());
        }
        fields
    }
}

impl AnswerHeaders for HeaderMap {
    fn insert(&mut self, name: &HeaderName, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.insert(name.clone(), value);
        }
    }

    fn append(&mut self, name: &HeaderName, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.append(name.clone(), value);
        }
    }

    fn append_all(&mut self, fields: &Fields) {
        for (name, value) in fields.iter() {
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                AnswerHeaders::append(self, &name, value);
            }
        }
    }

    fn discard(&mut self, name: &HeaderName) {
        self.remove(name);
    }
}

impl Headers for Fields {
    fn first(&self, name: &HeaderName) -> Option<&[u8]> {
        self.get(name.as_str())
    }

    fn two(&self, name: &HeaderName) -> (Option<&[u8]>, Option<&[u8]>) {
        let mut values = self.all(name.as_str());
        (values.next(), values.next())
    }

    fn each(&self, name: &HeaderName, see: &mut dyn FnMut(&[u8])) {
        self.all(name.as_str()).for_each(see);
    }

    fn to_fields(&self) -> Fields {
        self.clone()
    }
}

impl AnswerHeaders for Fields {
    fn insert(&mut self, name: &HeaderName, value: &[u8]) {
        if is_value(value) {
            self.set(name.as_str(), value);
        }
    }

    fn append(&mut self, name: &HeaderName, value: &[u8]) {
        if is_value(value) {
            self.add(name.as_str(), value);
        }
    }

    fn append_all(&mut self, fields: &Fields) {
        self.add_all(fields);
    }

    fn discard(&mut self, name: &HeaderName) {
        self.remove(name.as_str());
    }
}

/// As the library has it: no value ends its line.
fn is_value(value: &[u8]) -> bool {
    // Without a way out in the middle: so it is done in blocks.
    value.iter().fold(true, |sound, byte| sound & matches!(byte, b'\t' | b' '..=b'~' | 128..))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCEPT, ETAG, HOST};

    use super::*;

    fn filled(headers: &mut dyn AnswerHeaders) -> Fields {
        headers.append(&HOST, b"a");
        headers.append(&ACCEPT, b"b");
        headers.append_all(&[("accept", "c")].into_iter().collect());
        headers.insert(&HOST, b"d");
        headers.append(&ETAG, b"e");
        headers.discard(&ETAG);
        // What would be two lines is none.
        headers.append(&ETAG, b"e\r\nx: y");
        headers.insert(&HOST, b"\0");
        assert_eq!((headers.first(&ACCEPT), headers.text(&ETAG)), (Some(&b"b"[..]), None));
        assert_eq!((headers.only(&ACCEPT), headers.only(&HOST)), (None, Some(&b"d"[..])));
        let mut seen = Vec::new();
        headers.each(&ACCEPT, &mut |value| seen.push(value.to_vec()));
        assert_eq!(seen, [b"b", b"c"]);
        headers.to_fields()
    }

    #[test]
    fn both_kinds_do_the_same() {
        let expected = [("accept", "b"), ("accept", "c"), ("host", "d")];
        let expected: Fields = expected.into_iter().collect();
        assert_eq!(filled(&mut Fields::default()), expected);
        let map = filled(&mut HeaderMap::new());
        let sorted = |fields: &Fields| {
            let mut all: Vec<_> =
                fields.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&map), sorted(&expected));
    }

    #[test]
    fn only_what_can_be_seen_is_text() {
        let mut fields = Fields::default();
        fields.push("host", b"\xff");
        assert_eq!((fields.first(&HOST), Headers::text(&fields, &HOST)), (Some(&b"\xff"[..]), None));
    }
}
