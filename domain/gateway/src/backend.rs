//! One running copy of a service.

use std::{borrow::Cow, fmt, net::SocketAddr, sync::Arc};

use kernel_domain::Violation;

use crate::{ServerName, parameters::Parameters};

/// Where a copy of a service listens, for whom its certificate is, and its share of the requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Backend {
    secure: bool,
    /// The authority; behind the server's name and an `@`, where it has one.
    id: Arc<str>,
    weight: Weight,
}

impl Backend {
    /// Reads `http://host:port` or `https://host:port`, perhaps followed by `;weight=3`. Over TLS the certificate is to be
    /// for the host, or for another name: `https://10.0.0.7:8443;server_name=products.internal`.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let (url, Parameters { weight, server_name }) = Parameters::split(text)?;
        let (secure, authority) =
            split(url).ok_or_else(|| refused(text, "must be like http://host:8080 or https://host"))?;
        let backend =
            Self { secure, id: authority.to_ascii_lowercase().into(), weight: weight.unwrap_or_default() };
        match server_name {
            Some(name) => backend.with_server_name(&name),
            None => Ok(backend),
        }
    }

    /// One that was found at an address. It is spoken to over TLS where there is a name for its certificate.
    pub fn found(address: SocketAddr, server_name: Option<&ServerName>, weight: Weight) -> Self {
        let id = match server_name {
            Some(name) => named(name, &address.to_string()),
            None => address.to_string().into(),
        };
        Self { secure: server_name.is_some(), id, weight }
    }

    /// Whether it is spoken to over TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// What tells it from all others, in lists, paths and figures: `10.0.0.7:8080`, or `products.internal@10.0.0.7:8443`
    /// where its certificate is for a name of its own. Behind one address there may be many names.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The same, to be kept: as the label of a metric, say, without a copy for each request.
    pub fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// Host and port, as in a URL: where connections are made to.
    pub fn authority(&self) -> &str {
        self.id.split_once('@').map_or(&*self.id, |(_, authority)| authority)
    }

    /// The name that its certificate is for; `None` where that is the host of its URL.
    pub fn server_name(&self) -> Option<&str> {
        self.id.split_once('@').map(|(name, _)| name)
    }

    /// Whom requests are addressed to (`Host`, `:authority`): the authority, or that of the URL that would have the
    /// server's name for its host.
    pub fn host(&self) -> Cow<'_, str> {
        let Some(name) = self.server_name() else { return Cow::Borrowed(self.authority()) };
        match host_and_port(self.authority()).1 {
            None | Some("443") => Cow::Borrowed(name),
            Some(port) => Cow::Owned(format!("{name}:{port}")),
        }
    }

    /// The base URL.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// Whether the other one is spoken to at the same place in the same way, whatever their shares.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.secure == other.secure && self.id == other.id
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

    /// The backend at the same place whose certificate is for this name; without TLS there is none.
    pub fn with_server_name(self, name: &ServerName) -> Result<Self, Violation> {
        if !self.secure {
            return Err(ServerName::needs_tls());
        }
        Ok(Self { id: named(name, self.authority()), ..self })
    }
}

/// As it is written in a list, its share aside.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())?;
        match self.server_name() {
            Some(name) => write!(f, ";server_name={name}"),
            None => Ok(()),
        }
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

    pub(crate) fn parse(text: &str) -> Result<Self, Violation> {
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

/// An entry of a list is not as it must be.
pub(crate) fn refused(text: &str, why: &str) -> Violation {
    Violation::new("backend", "invalid_backend", format!("`{text}` {why}"))
}

fn named(name: &ServerName, authority: &str) -> Arc<str> {
    format!("{name}@{authority}").into()
}

/// Scheme and authority of a URL without user, path, query or fragment.
fn split(url: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let secure = scheme.eq_ignore_ascii_case("https");
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = host_and_port(authority);
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let known = secure || scheme.eq_ignore_ascii_case("http");
    (known && is_host(host) && port_fits).then_some((secure, authority))
}

fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
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
    fn a_certificate_may_be_for_another_name_than_the_host() {
        let backend = Backend::parse("https://10.0.0.7:8443;server_name=Products.internal;weight=3").unwrap();
        assert_eq!(
            (backend.authority(), backend.server_name()),
            ("10.0.0.7:8443", Some("products.internal"))
        );
        assert_eq!((backend.id(), backend.weight().get()), ("products.internal@10.0.0.7:8443", 3));
        assert_eq!(backend.url(), "https://10.0.0.7:8443");
        assert_eq!(backend.to_string(), "https://10.0.0.7:8443;server_name=products.internal");
        assert_eq!(Backend::parse(&format!("{backend};weight=3")).as_ref(), Ok(&backend));
        let name = ServerName::parse("products.internal").unwrap();
        let found = Backend::found("10.0.0.7:8443".parse().unwrap(), Some(&name), Weight::new(3).unwrap());
        assert_eq!(found, backend);
        let plain = Backend::found("[::1]:80".parse().unwrap(), None, Weight::default());
        assert_eq!(Ok(plain), Backend::parse("http://[::1]:80"));
    }

    #[test]
    fn the_name_is_part_of_who_it_is() {
        let backend = |text| Backend::parse(text).unwrap();
        let (blue, green) =
            (backend("https://a:1;server_name=blue"), backend("https://a:1;server_name=green"));
        assert!(blue != green && !blue.is_same_place(&green) && blue.id() != green.id());
        assert!(blue.is_same_place(&backend("https://a:1;weight=9;server_name=BLUE")));
        assert!(!blue.is_same_place(&backend("https://a:1")));
    }

    #[test]
    fn requests_are_addressed_to_the_name() {
        for (text, host) in [
            ("https://10.0.0.7:8443", "10.0.0.7:8443"),
            ("https://a:443", "a:443"),
            ("https://10.0.0.7:8443;server_name=products.internal", "products.internal:8443"),
            ("https://10.0.0.7:443;server_name=products.internal", "products.internal"),
            ("https://[::1];server_name=products.internal", "products.internal"),
            ("https://[::1]:8443;server_name=products.internal", "products.internal:8443"),
        ] {
            assert_eq!(Backend::parse(text).unwrap().host(), host, "{text}");
        }
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
            "http://a;server_name=b",
            "https://a;server_name=10.0.0.7",
            "https://a;server_name=b;server_name=b",
            "https://b@a",
        ] {
            assert!(Backend::parse(bad).is_err(), "{bad}");
        }
    }
}
