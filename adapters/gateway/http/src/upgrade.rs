//! Connections that become web sockets.

use actix_web::{HttpRequest, http::Version};
use gateway_application::{Fields, policy::asks_for_websocket};

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
    pub(crate) fn of(request: &HttpRequest, headers: &Fields) -> Self {
        if !headers.texts("upgrade").any(|value| value.trim().eq_ignore_ascii_case("websocket")) {
            return Self::None;
        }
        // One that is no text is one more than there may be.
        let upgrade = headers.iter().filter(|(name, _)| *name == "upgrade").map(|(_, value)| value);
        let upgrade = upgrade.map(|value| std::str::from_utf8(value).unwrap_or_default());
        let connection = headers.texts("connection");
        let sound = asks_for_websocket(request.method().as_str(), upgrade, connection);
        // HTTP/1.0 knows no upgrades, whatever the headers say.
        if sound && request.version() == Version::HTTP_11 { Self::WebSocket } else { Self::Malformed }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        http::header::{CONNECTION, UPGRADE},
        test::TestRequest,
    };

    use super::*;
    use crate::convert;

    fn upgrade(request: TestRequest) -> Upgrade {
        let request = request.to_http_request();
        Upgrade::of(&request, &convert::request_headers(request.headers()))
    }

    #[test]
    fn only_what_opens_a_websocket_is_one() {
        for (value, connection, expected) in [
            ("websocket", "upgrade", Upgrade::WebSocket),
            ("WebSocket", "keep-alive, Upgrade", Upgrade::WebSocket),
            ("websocket", "keep-alive", Upgrade::Malformed),
            ("h2c", "upgrade", Upgrade::None),
        ] {
            let request =
                TestRequest::get().insert_header((UPGRADE, value)).insert_header((CONNECTION, connection));
            assert_eq!(upgrade(request), expected, "{value} {connection}");
        }
        assert_eq!(upgrade(TestRequest::get()), Upgrade::None);
        let old = TestRequest::get().version(Version::HTTP_10);
        let old = old.insert_header((UPGRADE, "websocket")).insert_header((CONNECTION, "upgrade"));
        assert_eq!(upgrade(old), Upgrade::Malformed);
    }
}
