//! Connections that become web sockets.

use gateway_application::policy::asks_for_websocket;
use http::Version;
use platform_http::RequestHead;

/// What a request wants its connection to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upgrade {
    /// Nothing, or something that is not made here.
    None,
    /// A web socket, but not in the way that opens one: the server takes what follows for the tunnel, and it is none.
    Malformed,
    /// A web socket.
    WebSocket,
}

impl Upgrade {
    pub(crate) fn of(head: &RequestHead) -> Self {
        let headers = &head.fields;
        if !headers.texts("upgrade").any(|value| value.trim().eq_ignore_ascii_case("websocket")) {
            return Self::None;
        }
        // One that is no text is one more than there may be.
        let upgrade = headers.iter().filter(|(name, _)| *name == "upgrade").map(|(_, value)| value);
        let upgrade = upgrade.map(|value| std::str::from_utf8(value).unwrap_or_default());
        let connection = headers.texts("connection");
        let sound = asks_for_websocket(head.method.as_str(), upgrade, connection);
        // HTTP/1.0 knows no upgrades, whatever the headers say.
        if sound && head.version == Version::HTTP_11 { Self::WebSocket } else { Self::Malformed }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, uri::PathAndQuery};

    use super::*;

    fn upgrade(version: Version, fields: &[(&str, &str)]) -> Upgrade {
        let fields = fields.iter().copied().collect();
        let head = RequestHead::new(Method::GET, PathAndQuery::from_static("/"), fields);
        Upgrade::of(&RequestHead { version, ..head })
    }

    #[test]
    fn only_what_opens_a_websocket_is_one() {
        for (value, connection, expected) in [
            ("websocket", "upgrade", Upgrade::WebSocket),
            ("WebSocket", "keep-alive, Upgrade", Upgrade::WebSocket),
            ("websocket", "keep-alive", Upgrade::Malformed),
            ("h2c", "upgrade", Upgrade::None),
        ] {
            let fields = [("upgrade", value), ("connection", connection)];
            assert_eq!(upgrade(Version::HTTP_11, &fields), expected, "{value} {connection}");
        }
        assert_eq!(upgrade(Version::HTTP_11, &[]), Upgrade::None);
        let old = upgrade(Version::HTTP_10, &[("upgrade", "websocket"), ("connection", "upgrade")]);
        assert_eq!(old, Upgrade::Malformed);
    }
}
