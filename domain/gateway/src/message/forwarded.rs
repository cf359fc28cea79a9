//! What a backend is told of the way that a request has come.

use std::{fmt, net::IpAddr};

use super::AddressText;

/// The name under which this gateway appears in `Via`.
pub const PSEUDONYM: &str = "gateway";

/// This hop, as an element of the `Forwarded` header (RFC 7239).
#[derive(Clone, Copy, Debug)]
pub struct Hop<'a> {
    /// The other end of the connection; `None` where it is not known.
    pub peer: Option<IpAddr>,
    /// The authority that was asked for.
    pub host: Option<&'a str>,
    /// `http` or `https`.
    pub proto: &'a str,
}

/// `for=192.0.2.1;host="shop.example:8080";proto=https`. What could break out of its place is left out.
impl fmt::Display for Hop<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Ok(());
        self.pieces(|piece| written = written.and_then(|()| f.write_str(piece)));
        written
    }
}

impl Hop<'_> {
    /// Gives the text piece by piece.
    pub fn pieces(&self, mut take: impl FnMut(&str)) {
        match self.peer {
            Some(address @ IpAddr::V4(_)) => {
                take("for=");
                take(AddressText::of(address).as_str());
            }
            Some(address @ IpAddr::V6(_)) => {
                take("for=\"[");
                take(AddressText::of(address).as_str());
                take("]\"");
            }
            None => take("for=unknown"),
        }
        if let Some(host) = self.host.filter(|host| is_quotable(host)) {
            take(";host=\"");
            take(host);
            take("\"");
        }
        take(";proto=");
        take(self.proto);
    }
}

/// An authority has none of these; a header that has is not repeated.
fn is_quotable(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

/// All values of a list header and one more, as one line. Give the old ones only where their writer is trusted.
pub fn appended<'a>(known: impl IntoIterator<Item = &'a str>, value: &'a str) -> String {
    let known = known.into_iter().map(str::trim).filter(|line| !line.is_empty());
    known.chain([value]).collect::<Vec<_>>().join(", ")
}

/// Whether a message has come through a gateway of this name already: then it goes round in circles.
///
/// `via` are the values of `Via`, line by line: `1.1 gateway (a comment), 2 other`.
pub fn came_through<'a>(via: impl IntoIterator<Item = &'a str>, pseudonym: &str) -> bool {
    let received_by = |entry: &'a str| entry.split_ascii_whitespace().nth(1);
    let mut names = via.into_iter().flat_map(|line| line.split(',')).filter_map(received_by);
    names.any(|name| name.eq_ignore_ascii_case(pseudonym))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(peer: Option<&str>, host: Option<&str>) -> String {
        Hop { peer: peer.map(|peer| peer.parse().unwrap()), host, proto: "https" }.to_string()
    }

    #[test]
    fn an_element_is_quoted_where_it_must_be() {
        assert_eq!(
            element(Some("192.0.2.1"), Some("shop.example:8080")),
            "for=192.0.2.1;host=\"shop.example:8080\";proto=https"
        );
        assert_eq!(element(Some("2001:db8::1"), None), "for=\"[2001:db8::1]\";proto=https");
        for bad in ["a\"b", "a\\", "a\r\nb", "a b", "ä"] {
            assert_eq!(element(None, Some(bad)), "for=unknown;proto=https", "{bad}");
        }
    }

    #[test]
    fn lists_become_one_line() {
        assert_eq!(appended(["1.2.3.4", "", " 5.6.7.8 "], "10.0.0.7"), "1.2.3.4, 5.6.7.8, 10.0.0.7");
        assert_eq!(appended([], "1.1 gateway"), "1.1 gateway");
    }

    #[test]
    fn circles_are_seen() {
        assert!(came_through(["1.0 cache, 2 Gateway (x)"], "gateway"));
        assert!(!came_through(["1.1 gateway-2", "gateway", "1.1"], "gateway"));
    }
}
