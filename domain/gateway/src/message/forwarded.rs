//! What a backend is told of the way that a request has come.

use super::AddressText;

/// The name under which this gateway appears in `Via`.
pub const PSEUDONYM: &str = "gateway";

/// This hop, as an element of the `Forwarded` header (RFC 7239).
#[derive(Clone, Copy, Debug)]
pub struct Hop<'a> {
    /// The other end of the connection; `None` where it is not known.
    pub peer: Option<&'a AddressText>,
    /// The authority that was asked for.
    pub host: Option<&'a [u8]>,
    /// `http` or `https`.
    pub proto: &'static str,
}

impl Hop<'_> {
    /// Writes `for=192.0.2.1;host="shop.example:8080";proto=https`. What could break out of its place is left out.
    pub fn write(&self, to: &mut Vec<u8>) {
        let (opens, peer, closes): (&[u8], &[u8], &[u8]) = match self.peer {
            Some(address) if address.is_version_6() => (b"for=\"[", address.as_bytes(), b"]\""),
            Some(address) => (b"for=", address.as_bytes(), b""),
            None => (b"for=unknown", b"", b""),
        };
        let host = self.host.filter(|host| is_quotable(host));
        let (before, after): (&[u8], &[u8]) = if host.is_some() { (b";host=\"", b"\"") } else { (b"", b"") };
        let host = host.unwrap_or_default();
        for piece in [opens, peer, closes, before, host, after, b";proto=", self.proto.as_bytes()] {
            to.extend_from_slice(piece);
        }
    }
}

/// An authority has none of these; a header that has is not repeated.
fn is_quotable(host: &[u8]) -> bool {
    host.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
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
        let peer = peer.map(|peer| AddressText::of(peer.parse().unwrap()));
        let mut written = Vec::new();
        Hop { peer: peer.as_ref(), host: host.map(str::as_bytes), proto: "https" }.write(&mut written);
        String::from_utf8(written).unwrap()
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
