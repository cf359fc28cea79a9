//! Headers that concern one connection and must not be forwarded (RFC 9110, 7.6.1).

/// Whether the header, named in lower case, ends at this connection.
pub fn is_hop_by_hop(name: &[u8]) -> bool {
    matches!(
        name,
        b"connection"
            | b"keep-alive"
            | b"proxy-authenticate"
            | b"proxy-authorization"
            | b"proxy-connection"
            | b"te"
            | b"trailer"
            | b"transfer-encoding"
            | b"upgrade"
    )
}

/// The header names that the value of a `Connection` header takes out as well.
pub fn connection_options(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|option| !option.is_empty())
}

/// Whether the header stays behind, in a message with these `Connection` values.
pub fn stays_behind<'a>(name: &str, connection: impl IntoIterator<Item = &'a str>) -> bool {
    let names_it = |value| connection_options(value).any(|option| option.eq_ignore_ascii_case(name));
    let known = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        is_hop_by_hop(name.to_ascii_lowercase().as_bytes())
    } else {
        is_hop_by_hop(name.as_bytes())
    };
    known || connection.into_iter().any(names_it)
}

/// Whether a `TE` header says that trailers are understood: the one thing of it that gRPC needs passed on.
pub fn accepts_trailers(te: &str) -> bool {
    te.split(',').any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

/// Whether a request asks for a web socket, the one thing that a connection can be turned into (RFC 6455, 4.2.1).
///
/// All other upgrades end at this connection, as RFC 9110 lets a server ignore them.
pub fn asks_for_websocket<'a>(
    method: &str,
    upgrade: impl IntoIterator<Item = &'a str>,
    connection: impl IntoIterator<Item = &'a str>,
) -> bool {
    let mut upgrade = upgrade.into_iter();
    let websocket = upgrade.next().is_some_and(|value| value.trim().eq_ignore_ascii_case("websocket"));
    let mut options = connection.into_iter().flat_map(connection_options);
    let only = upgrade.next().is_none();
    method == "GET" && websocket && only && options.any(|option| option.eq_ignore_ascii_case("upgrade"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_headers_stay_behind() {
        assert!(is_hop_by_hop(b"transfer-encoding"));
        assert!(!is_hop_by_hop(b"content-length"));
    }

    #[test]
    fn connection_names_further_ones() {
        assert_eq!(connection_options("close, X-Secret ,,").collect::<Vec<_>>(), ["close", "X-Secret"]);
        let connection = ["close, X-Secret", "x-other"];
        for (name, stays) in [("x-secret", true), ("X-OTHER", true), ("Keep-Alive", true), ("x-kept", false)]
        {
            assert_eq!(stays_behind(name, connection), stays, "{name}");
        }
    }

    #[test]
    fn a_websocket_is_asked_for_in_two_headers() {
        assert!(asks_for_websocket("GET", [" WebSocket"], ["keep-alive, Upgrade"]));
        for (method, upgrade, connection) in [
            ("POST", &["websocket"][..], &["upgrade"][..]),
            ("GET", &["h2c"], &["upgrade"]),
            ("GET", &["websocket, h2c"], &["upgrade"]),
            ("GET", &["websocket", "websocket"], &["upgrade"]),
            ("GET", &["websocket"], &["keep-alive"]),
            ("GET", &[], &["upgrade"]),
        ] {
            let asks = asks_for_websocket(method, upgrade.iter().copied(), connection.iter().copied());
            assert!(!asks, "{method} {upgrade:?} {connection:?}");
        }
    }

    #[test]
    fn trailers_are_found_among_codings() {
        assert!(accepts_trailers("gzip, Trailers") && !accepts_trailers("gzip;q=0.5"));
    }
}
