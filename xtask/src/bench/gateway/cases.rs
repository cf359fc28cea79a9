//! What is asked of every proxy.

use crate::failure::{Failure, Outcome};

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    name: &'static str,
    /// Open connections.
    pub(super) connections: u32,
    pub(super) protocol: Protocol,
    /// Below the backend's root.
    pub(super) path: &'static str,
}

/// What clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Tls,
    /// HTTP/2 over TLS.
    Http2,
}

/// A product as the shop shows it.
pub(super) const SMALL: &str = "/products/7";
/// One mebibyte.
pub(super) const LARGE: &str = "/products/8";

const CASES: [Case; 8] = [
    Case::new("small-32", 32, Protocol::Http1, SMALL),
    Case::new("small-256", 256, Protocol::Http1, SMALL),
    Case::new("small-2000", 2_000, Protocol::Http1, SMALL),
    Case::new("large-32", 32, Protocol::Http1, LARGE),
    Case::new("tls-32", 32, Protocol::Tls, SMALL),
    Case::new("tls-256", 256, Protocol::Tls, SMALL),
    Case::new("h2-32", 32, Protocol::Http2, SMALL),
    Case::new("h2-256", 256, Protocol::Http2, SMALL),
];

impl Case {
    const fn new(name: &'static str, connections: u32, protocol: Protocol, path: &'static str) -> Self {
        Self { name, connections, protocol, path }
    }

    pub(super) const fn name(self) -> &'static str {
        self.name
    }
}

/// All cases, or those named.
pub(super) fn chosen(names: &[String]) -> Outcome<Vec<Case>> {
    if names.is_empty() {
        return Ok(CASES.to_vec());
    }
    let known = || CASES.map(|case| case.name).join(", ");
    let find = |name: &String| {
        let found = CASES.into_iter().find(|case| case.name == name);
        found.ok_or_else(|| Failure::new(format!("there is no case `{name}`; there are {}", known())))
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap().len(), CASES.len());
        assert_eq!(chosen(&["tls-256".to_owned()]).unwrap()[0].protocol, Protocol::Tls);
        assert!(chosen(&["tls".to_owned()]).unwrap_err().to_string().contains("small-2000"));
    }
}
