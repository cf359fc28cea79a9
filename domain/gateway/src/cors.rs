//! Which pages may use the API from another origin than its own (CORS, as the Fetch standard has it).
//!
//! Browsers enforce it and nobody else does: it protects users from pages, not the API from clients. [`Cors`] is checked
//! when it is made; what it grants, whoever serves writes into headers.

use std::{net::Ipv6Addr, time::Duration};

use kernel_domain::{Violation, Violations};

use crate::message::is_token;

/// What is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsSettings {
    /// `https://shop.example`, or `*` alone for all.
    pub origins: Vec<String>,
    /// Methods that pages may use.
    pub methods: Vec<String>,
    /// Headers that pages may send.
    pub headers: Vec<String>,
    /// Headers of answers that pages may read.
    pub exposed: Vec<String>,
    /// Whether browsers send cookies and client certificates along.
    pub credentials: bool,
    /// How long a browser remembers what it was granted.
    pub max_age: Duration,
}

/// Grants to pages of other origins. By default there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    origins: Origins,
    methods: String,
    headers: String,
    exposed: String,
    credentials: bool,
    max_age: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Origins {
    #[default]
    None,
    All,
    Listed(Vec<String>),
}

impl Cors {
    /// Checks the settings, and names everything that is wrong with them.
    pub fn new(settings: CorsSettings) -> Result<Self, Violations> {
        let CorsSettings { origins, methods, headers, exposed, credentials, max_age } = settings;
        let mut violations = Violations::default();
        let origins = violations.check(Origins::new(origins)).unwrap_or_default();
        let methods = violations.check(tokens("methods", &methods)).unwrap_or_default();
        let headers = violations.check(tokens("headers", &headers)).unwrap_or_default();
        let exposed = violations.check(tokens("exposed", &exposed)).unwrap_or_default();
        violations.check(origins.bear(credentials));
        let max_age = max_age.as_secs();
        violations.into_result().map(|()| Self { origins, methods, headers, exposed, credentials, max_age })
    }

    /// `Access-Control-Allow-Origin` for a page of `origin`; `None` where it is granted nothing.
    pub fn grant<'a>(&self, origin: &'a str) -> Option<&'a str> {
        match &self.origins {
            Origins::None => None,
            Origins::All => Some("*"),
            Origins::Listed(origins) => origins.iter().any(|listed| listed == origin).then_some(origin),
        }
    }

    /// Whether answers differ by origin, so that caches have to tell them apart.
    pub const fn varies(&self) -> bool {
        matches!(self.origins, Origins::Listed(_))
    }

    /// `Access-Control-Allow-Methods`.
    pub fn methods(&self) -> &str {
        &self.methods
    }

    /// `Access-Control-Allow-Headers`.
    pub fn headers(&self) -> &str {
        &self.headers
    }

    /// `Access-Control-Expose-Headers`.
    pub fn exposed(&self) -> &str {
        &self.exposed
    }

    /// Whether there is to be an `Access-Control-Allow-Credentials`.
    pub const fn credentials(&self) -> bool {
        self.credentials
    }

    /// `Access-Control-Max-Age`, in seconds.
    pub const fn max_age(&self) -> u64 {
        self.max_age
    }
}

impl Origins {
    fn new(origins: Vec<String>) -> Result<Self, Violation> {
        if origins.iter().any(|origin| origin == "*") {
            let alone = origins.len() == 1;
            let rule = "must be `*` alone, or a list of origins";
            return alone.then_some(Self::All).ok_or_else(|| Violation::new("origins", "not_alone", rule));
        }
        match origins.iter().find(|origin| !is_origin(origin)) {
            Some(wrong) => {
                let rule =
                    format!("`{wrong}` must be an origin as browsers write it, like https://shop.example");
                Err(Violation::new("origins", "invalid_origin", rule))
            }
            None if origins.is_empty() => Ok(Self::None),
            None => Ok(Self::Listed(origins)),
        }
    }

    /// Any page could use the cookies of whoever looks at it.
    fn bear(&self, credentials: bool) -> Result<(), Violation> {
        let rule = "must not be true where every origin is allowed: name the origins";
        let unbearable = credentials && *self == Self::All;
        if unbearable { Err(Violation::new("credentials", "every_origin", rule)) } else { Ok(()) }
    }
}

/// As browsers write them: lower case, without a path, and without a port that goes without saying. Any other spelling
/// would match nothing.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let usual = match scheme {
        "http" => "80",
        "https" => "443",
        _ => "",
    };
    let is_port = |port: &str| port.parse().is_ok_and(|port: u16| port > 0) && !port.starts_with('0');
    is_scheme(scheme) && is_host(host) && port.is_none_or(|port| is_port(port) && port != usual)
}

fn is_scheme(text: &str) -> bool {
    let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(legal)
}

fn is_host(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_');
    !text.is_empty() && text.bytes().all(legal)
}

/// Names as one header has them. `*` is none: with credentials it does not mean all, and never `Authorization`.
fn tokens(field: &'static str, names: &[String]) -> Result<String, Violation> {
    match names.iter().find(|name| !is_token(name.as_bytes()) || *name == "*") {
        Some(wrong) => {
            Err(Violation::new(field, "invalid_name", format!("`{wrong}` must be a name, not a pattern")))
        }
        None => Ok(names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(origins: &[&str]) -> CorsSettings {
        CorsSettings {
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            methods: vec!["GET".to_owned(), "POST".to_owned()],
            headers: vec!["authorization".to_owned()],
            exposed: vec!["etag".to_owned()],
            credentials: false,
            max_age: Duration::from_mins(10),
        }
    }

    fn fields(settings: CorsSettings) -> Vec<String> {
        let violations = Cors::new(settings).unwrap_err();
        violations.as_slice().iter().map(|violation| violation.field().to_owned()).collect()
    }

    #[test]
    fn nobody_is_granted_anything_by_default() {
        for cors in [Cors::default(), Cors::new(settings(&[])).unwrap()] {
            assert_eq!(cors.grant("https://shop.example"), None);
            assert!(!cors.varies());
        }
    }

    #[test]
    fn listed_origins_are_granted_and_no_others() {
        let cors = Cors::new(settings(&["https://shop.example", "http://localhost:5173"])).unwrap();
        assert_eq!(cors.grant("https://shop.example"), Some("https://shop.example"));
        assert_eq!(cors.grant("http://localhost:5173"), Some("http://localhost:5173"));
        for other in [
            "null",
            "",
            "http://shop.example",
            "https://shop.example.evil.example",
            "https://evil.example/https://shop.example",
            "https://shop.example:8443",
            "https://SHOP.example",
            "https://www.shop.example",
        ] {
            assert_eq!(cors.grant(other), None, "{other}");
        }
        assert!(cors.varies());
        assert_eq!((cors.methods(), cors.headers(), cors.exposed()), ("GET, POST", "authorization", "etag"));
        assert_eq!((cors.max_age(), cors.credentials()), (600, false));
    }

    #[test]
    fn every_origin_may_be_allowed_but_not_with_credentials() {
        let cors = Cors::new(settings(&["*"])).unwrap();
        assert_eq!(cors.grant("https://shop.example"), Some("*"));
        assert!(!cors.varies());
        assert_eq!(fields(CorsSettings { credentials: true, ..settings(&["*"]) }), ["credentials"]);
        assert!(Cors::new(CorsSettings { credentials: true, ..settings(&["https://a.example"]) }).is_ok());
    }

    #[test]
    fn what_no_browser_writes_is_refused() {
        for origin in [
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/path",
            "https://user@shop.example",
            "https://Shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://shop.example:",
            "https://shop.example:0",
            "https://shop.example:080",
            "https://shop.example:70000",
            "https://*.shop.example",
            "https://[::1",
            "null",
        ] {
            assert_eq!(fields(settings(&[origin])), ["origins"], "{origin}");
        }
        for origin in
            ["https://shop.example:80", "http://[::1]", "http://[::1]:3000", "capacitor://localhost"]
        {
            assert!(Cors::new(settings(&[origin])).is_ok(), "{origin}");
        }
        assert_eq!(fields(settings(&["*", "https://shop.example"])), ["origins"]);
    }

    #[test]
    fn patterns_are_no_names() {
        let wrong = || vec!["*".to_owned()];
        let all = CorsSettings { methods: wrong(), headers: wrong(), exposed: wrong(), ..settings(&["*"]) };
        assert_eq!(fields(all), ["methods", "headers", "exposed"]);
        assert_eq!(fields(CorsSettings { headers: vec!["a b".to_owned()], ..settings(&[]) }), ["headers"]);
    }
}
