//! Headers that concern one connection and must not be forwarded (RFC 9110, 7.6.1).

/// The fields that are hop-by-hop even where `Connection` does not name them; lower case.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether the header, named in lower case, ends at this connection.
pub fn is_hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.contains(&name)
}

/// The header names that the value of a `Connection` header takes out as well.
pub fn connection_options(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|option| !option.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_headers_stay_behind() {
        assert!(is_hop_by_hop("transfer-encoding"));
        assert!(!is_hop_by_hop("content-length"));
    }

    #[test]
    fn connection_names_further_ones() {
        assert_eq!(connection_options("close, X-Secret ,,").collect::<Vec<_>>(), ["close", "X-Secret"]);
    }
}
