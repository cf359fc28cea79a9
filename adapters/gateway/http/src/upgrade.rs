//! Connections that become web sockets.

use actix_web::{
    HttpRequest,
    http::{
        Version,
        header::{CONNECTION, HeaderName, HeaderValue, UPGRADE},
    },
};
use gateway_application::policy::asks_for_websocket;

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
    pub(crate) fn of(request: &HttpRequest) -> Self {
        if !values(request, &UPGRADE).any(|value| value.trim().eq_ignore_ascii_case("websocket")) {
            return Self::None;
        }
        let (upgrade, connection) = (values(request, &UPGRADE), values(request, &CONNECTION));
        let sound = asks_for_websocket(request.method().as_str(), upgrade, connection);
        // HTTP/1.0 knows no upgrades, whatever the headers say.
        if sound && request.version() == Version::HTTP_11 { Self::WebSocket } else { Self::Malformed }
    }
}

fn values<'a>(request: &'a HttpRequest, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    request.headers().get_all(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_what_opens_a_websocket_is_one() {
        for (upgrade, connection, expected) in [
            ("websocket", "upgrade", Upgrade::WebSocket),
            ("WebSocket", "keep-alive, Upgrade", Upgrade::WebSocket),
            ("websocket", "keep-alive", Upgrade::Malformed),
            ("h2c", "upgrade", Upgrade::None),
        ] {
            let request =
                TestRequest::get().insert_header((UPGRADE, upgrade)).insert_header((CONNECTION, connection));
            assert_eq!(Upgrade::of(&request.to_http_request()), expected, "{upgrade} {connection}");
        }
        assert_eq!(Upgrade::of(&TestRequest::get().to_http_request()), Upgrade::None);
        let old = TestRequest::get().version(Version::HTTP_10);
        let old = old.insert_header((UPGRADE, "websocket")).insert_header((CONNECTION, "upgrade"));
        assert_eq!(Upgrade::of(&old.to_http_request()), Upgrade::Malformed);
    }
}
