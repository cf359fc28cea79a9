//! What a request asks for: path, query, and the host.

use crate::{PathError, RequestPath};

/// A request target in origin-form (`/a?b`) or absolute-form (`http://host/a?b`), checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    authority: Option<&'a str>,
    path: RequestPath<'a>,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads the target as it stands in the request line.
    pub fn parse(target: &'a str) -> Result<Self, TargetError> {
        let (authority, rest) = split_authority(target)?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        if query.is_some_and(|query| !query.bytes().all(is_query_byte)) {
            return Err(TargetError::Query);
        }
        // `http://host` asks for the root; `http://host?query` does too, but no client writes it.
        let path = if path.is_empty() && authority.is_some() && query.is_none() { "/" } else { path };
        let checked = RequestPath::parse(path)?;
        if path.bytes().any(|byte| matches!(byte, b'<' | b'>' | b'`')) {
            return Err(TargetError::Unencoded);
        }
        Ok(Self { authority, path: checked, query })
    }

    /// The host that the request is for: the one that the target names and the one in the `Host` header must be the same.
    ///
    /// `hosts` are the values of all `Host` headers, of which there must be one.
    pub fn host<'h>(&self, hosts: impl IntoIterator<Item = &'h str>) -> Result<&'h str, TargetError> {
        // No other white space: what a backend would still see behind a host is no host.
        let mut hosts = hosts.into_iter().map(|host| host.trim_matches([' ', '\t']));
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(TargetError::Hosts) };
        if !is_authority(host.as_bytes()) {
            return Err(TargetError::Hosts);
        }
        match self.authority {
            Some(authority) if !is_same_host(authority, host) => Err(TargetError::OtherHost),
            _ => Ok(host),
        }
    }

    /// The path.
    pub const fn path(&self) -> RequestPath<'a> {
        self.path
    }

    /// The query, without the question mark.
    pub const fn query(&self) -> Option<&'a str> {
        self.query
    }
}

fn split_authority(target: &str) -> Result<(Option<&str>, &str), TargetError> {
    if target.starts_with('/') {
        return Ok((None, target));
    }
    let (scheme, rest) = target.split_once("://").ok_or(TargetError::Form)?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(TargetError::Form);
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if is_authority(authority.as_bytes()) { Ok((Some(authority), path)) } else { Err(TargetError::Hosts) }
}

const fn is_query_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>')
}

/// Host and perhaps port; no user, nothing encoded.
pub(super) fn is_authority(text: &[u8]) -> bool {
    match host_length(text).map(|end| text.split_at(end)) {
        None | Some(([], _)) => false,
        Some((_, [])) => true,
        Some((_, [b':', port @ ..])) => is_port(port),
        Some(_) => false,
    }
}

/// Where what can only be a host ends; `None` where it is in brackets and no address.
fn host_length(text: &[u8]) -> Option<usize> {
    if text.first() == Some(&b'[') {
        let length = text.iter().position(|byte| *byte == b']')? + 1;
        let address = std::str::from_utf8(&text[1..length - 1]).ok()?;
        return address.parse::<std::net::Ipv6Addr>().is_ok().then_some(length);
    }
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    Some(text.iter().position(|byte| !is_host(byte)).unwrap_or(text.len()))
}

/// Up to five digits, of a number that 16 bits hold.
fn is_port(text: &[u8]) -> bool {
    let append = |port: u16, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u16::from(byte - b'0'))?;
        port.checked_mul(10)?.checked_add(digit)
    };
    (1..=5).contains(&text.len()) && text.iter().try_fold(0, append).is_some()
}

/// The ports must be written alike: which one is the default depends on a scheme that nobody here relies on.
fn is_same_host(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Why a target was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is neither a path nor a URL: `*`, `host:port`, or another scheme.
    #[error("request target must be a path or an http URL")]
    Form,
    /// Its path can be read in two ways.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Its path has a character that must be encoded, and that libraries for URLs refuse.
    #[error("path must not contain `<`, `>` or backticks")]
    Unencoded,
    /// Its query has a character that must be encoded.
    #[error("query must consist of visible ASCII characters, without `#`, `<`, `>` and quotes")]
    Query,
    /// There is no valid host, or more than one.
    #[error("request must have one valid host")]
    Hosts,
    /// The target names another host than the header.
    #[error("request target and host header name different hosts")]
    OtherHost,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::path::is_plain;

    fn parse(target: &str) -> Result<(&str, Option<&str>), TargetError> {
        Target::parse(target).map(|target| (target.path().as_str(), target.query()))
    }

    #[test]
    fn both_forms_are_read() {
        for (target, path, query) in [
            ("/", "/", None),
            ("/a/b?", "/a/b", Some("")),
            ("/a?b=c?d/../e", "/a", Some("b=c?d/../e")),
            ("http://a", "/", None),
            ("HTTP://a:80/b?c", "/b", Some("c")),
            ("https://[::1]/b", "/b", None),
        ] {
            assert_eq!(parse(target), Ok((path, query)), "{target}");
        }
    }

    #[test]
    fn others_are_refused() {
        use TargetError::*;
        for (target, error) in [
            ("", Form),
            ("*", Form),
            ("a", Form),
            ("a:443", Form),
            ("ftp://a/", Form),
            ("http:/a", Form),
            ("http:///b", Hosts),
            ("http://user@a/b", Hosts),
            ("http://a:x/b", Hosts),
            ("http://a%2eb/", Hosts),
            ("http://a#b", Path(PathError::NotAbsolute)),
            ("http://a?b", Path(PathError::NotAbsolute)),
            ("/a#b", Path(PathError::NotVisible)),
            ("/a<b", Unencoded),
            ("/a`", Unencoded),
            ("/a?b#c", Query),
            ("/a?\"", Query),
            ("/a?b<c", Query),
            ("/a?b c", Query),
            ("/a?b\r", Query),
            ("/a?ä", Query),
            ("/a/../b", Path(PathError::DotSegment)),
            ("http://a/%2e%2e/b", Path(PathError::DotSegment)),
            ("http://a//b", Path(PathError::EmptySegment)),
        ] {
            assert_eq!(parse(target), Err(error), "{target}");
        }
    }

    /// The same, split at its last colon.
    fn is_split_authority(text: &str) -> bool {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
            }
        };
        let is_port = |port: &str| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.len() <= 5 && port.parse::<u16>().is_ok()
        };
        is_host && port.is_none_or(is_port)
    }

    proptest! {
        #[test]
        fn an_authority_is_a_host_and_perhaps_a_port(
            text in "(\\[[:0-9a-f]{0,4}\\]?|[a-z0-9._-]{0,3})[]@/ ä]?(:[0-9]{0,6}[]:+x]?)?",
        ) {
            prop_assert_eq!(is_authority(text.as_bytes()), is_split_authority(&text), "{}", text);
        }

        #[test]
        fn what_is_plain_is_a_path(target in "/?([a-z]{0,2}[/.?%2E#\\\\<\"ä]?|[ -~]){0,8}") {
            if is_plain(target.as_bytes()) {
                let parsed = Target::parse(&target).map(|target| target.authority);
                prop_assert_eq!(parsed, Ok(None), "{}", target);
            }
        }
    }

    #[test]
    fn there_is_one_host() {
        use TargetError::{Hosts, OtherHost};
        for (target, hosts, expected) in [
            ("/", &["a:8080"][..], Ok("a:8080")),
            ("http://A.example/", &["a.EXAMPLE"], Ok("a.EXAMPLE")),
            ("http://a/", &["b"], Err(OtherHost)),
            ("http://a:80/", &["a"], Err(OtherHost)),
            ("/", &[], Err(Hosts)),
            ("/", &["a", "a"], Err(Hosts)),
            ("/", &[""], Err(Hosts)),
            ("/", &["a, b"], Err(Hosts)),
            ("/", &["a@b"], Err(Hosts)),
            ("/", &["a/b"], Err(Hosts)),
            ("/", &["[::1]:9"], Ok("[::1]:9")),
            ("/", &["a:65535"], Ok("a:65535")),
            ("/", &["a:65536"], Err(Hosts)),
            ("/", &["a:000080"], Err(Hosts)),
            ("/", &[" a\t"], Ok("a")),
            ("/", &["a\u{a0}"], Err(Hosts)),
            ("/", &["a\u{85}"], Err(Hosts)),
        ] {
            assert_eq!(
                Target::parse(target).unwrap().host(hosts.iter().copied()),
                expected,
                "{target} {hosts:?}"
            );
        }
    }
}
