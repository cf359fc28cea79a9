//! Whom a backend's certificate is for, where that is not the host of its URL.

use std::fmt;

use kernel_domain::Violation;

/// A name of DNS, in lower case and without a dot at its end; never an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerName(String);

impl ServerName {
    /// Checks the name. What is let through is a name to every TLS library, too.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let mut labels = text.split('.');
        let no_address =
            labels.next_back().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()));
        let no_hyphens = |label: &str| !label.starts_with('-') && !label.ends_with('-');
        if no_address && !text.ends_with('.') && is_dns_name(text) && text.split('.').all(no_hyphens) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        let rule = format!("`{text}` must be a name such as products.internal, and no address");
        Err(Violation::new("server_name", "invalid_server_name", rule))
    }

    /// What is wrong where there is a name and nobody shows a certificate.
    pub(crate) fn needs_tls() -> Violation {
        Violation::new("server_name", "needs_tls", "`server_name` is for what is asked over TLS")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether DNS can have the name: at most 253 characters, labels of at most 63, perhaps a dot at the end.
pub(crate) fn is_dns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= 253
        && name.split('.').all(|label| (1..=63).contains(&label.len()) && label.bytes().all(legal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_lower_case() {
        for (text, name) in [
            ("products.internal", "products.internal"),
            ("Products", "products"),
            ("10-0-0-7.products_blue.svc", "10-0-0-7.products_blue.svc"),
        ] {
            assert_eq!(ServerName::parse(text).unwrap().as_str(), name);
        }
    }

    #[test]
    fn addresses_and_what_is_no_name_are_refused() {
        let long = "a.".repeat(127);
        for bad in [
            "",
            "10.0.0.7",
            "[::1]",
            "::1",
            "0x1f",
            "products.0x1f",
            "products.7",
            "products.internal.",
            "products..internal",
            ".internal",
            "-a.internal",
            "a-.internal",
            "a.internal-",
            "*.internal",
            "a@b.internal",
            "a/b",
            "a:8443",
            "a b",
            "münchen.internal",
            &format!("{}.internal", "a".repeat(64)),
            &format!("{long}internal"),
        ] {
            let refused = ServerName::parse(bad).unwrap_err();
            assert_eq!((refused.field(), refused.code()), ("server_name", "invalid_server_name"), "{bad}");
        }
    }
}
