//! One running copy of a service.

use std::{fmt, sync::Arc};

use kernel_domain::Violation;

/// Where a copy of a service listens, and its share of the requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Backend {
    secure: bool,
    authority: Arc<str>,
    weight: Weight,
}

impl Backend {
    /// Reads `http://host:port` or `https://host:port`, optionally followed by `;weight=3`.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let mut parts = text.split(';').map(str::trim);
        let url = parts.next().unwrap_or_default();
        let mut weight = None;
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("weight", value)) if weight.is_none() => weight = Some(Weight::parse(value)?),
                _ => return Err(refused(text, "has a parameter other than one `weight`")),
            }
        }
        let (secure, authority) =
            split(url).ok_or_else(|| refused(text, "must be like http://host:8080 or https://host"))?;
        Ok(Self {
            secure,
            authority: authority.to_ascii_lowercase().into(),
            weight: weight.unwrap_or_default(),
        })
    }

    /// Whether it is spoken to over TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host and port, as in a URL.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The same, to be kept: as the label of a metric, say, without a copy for each request.
    pub fn shared_authority(&self) -> Arc<str> {
        Arc::clone(&self.authority)
    }

    /// Whether the other one is spoken to at the same place in the same way, whatever their shares.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.secure == other.secure && self.authority == other.authority
    }

    /// Its share, relative to the other backends'.
    pub const fn weight(&self) -> Weight {
        self.weight
    }

    /// The same backend, with another share.
    #[must_use]
    pub fn with_weight(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }
}

/// The base URL.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }
}

/// 1 to 1,000 shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u16);

impl Weight {
    const MAX: u16 = 1_000;

    /// Checks the range.
    pub fn new(shares: u16) -> Result<Self, Violation> {
        match shares {
            1..=Self::MAX => Ok(Self(shares)),
            _ => Err(Self::out_of_range(&shares)),
        }
    }

    fn parse(text: &str) -> Result<Self, Violation> {
        text.parse().map_err(|_| Self::out_of_range(&text)).and_then(Self::new)
    }

    fn out_of_range(given: &dyn fmt::Display) -> Violation {
        Violation::new("weight", "out_of_range", format!("`{given}` must be 1 to 1000"))
    }

    /// The number of shares.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

fn refused(text: &str, why: &str) -> Violation {
    Violation::new("backend", "invalid_backend", format!("`{text}` {why}"))
}

/// Scheme and authority of a URL without user, path, query or fragment.
fn split(url: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let secure = scheme.eq_ignore_ascii_case("https");
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let known = secure || scheme.eq_ignore_ascii_case("http");
    (known && is_host(host) && port_fits).then_some((secure, authority))
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_with_and_without_weight_are_read() {
        let read = |text: &str| Backend::parse(text).map(|b| (b.authority().to_owned(), b.weight().get()));
        assert_eq!(read("http://a:8080;weight=3").unwrap(), ("a:8080".to_owned(), 3));
        assert_eq!(read("http://B.example/ ").unwrap(), ("b.example".to_owned(), 1));
        assert_eq!(read("http://[::1]:9").unwrap(), ("[::1]:9".to_owned(), 1));
        let backend = Backend::parse("http://a:8080").unwrap().with_weight(Weight::new(7).unwrap());
        assert_eq!((backend.to_string().as_str(), backend.weight().get()), ("http://a:8080", 7));
    }

    #[test]
    fn a_place_is_an_authority_and_a_way_to_speak() {
        let backend = |text| Backend::parse(text).unwrap();
        let plain = backend("http://a:8080");
        assert!(plain.is_same_place(&backend("http://A:8080;weight=3")));
        assert!(!plain.is_same_place(&backend("https://a:8080")));
        assert!(!plain.is_same_place(&backend("http://a:8081")));
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for bad in [
            "",
            "a:8080",
            "http://",
            "http://a:0",
            "http://a:99999",
            "http://a:+1",
            "http://a/path",
            "http://user@a",
            "http://a?q",
            "http://[::zz]",
            "http://a:",
            "http://a b",
            "http://a;weight=1;weight=2",
            "http://a;wight=1",
            "http://a;weight=1001",
        ] {
            assert!(Backend::parse(bad).is_err(), "{bad}");
        }
    }
}
