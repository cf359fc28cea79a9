//! A client's headers, as a backend sees them.

use std::time::Duration;

use gateway_application::{Client, Fields, UpstreamRequest};
use gateway_domain::{
    message::{AddressText, Hop},
    told_to_backend,
};
use http::HeaderValue;
use kernel_application::CallContext;

use super::{VIA_ENTRY, lines::Lines, named::Named};

/// A client's headers as the backend is to see them: who asked, for what, under which ids, and how long it may take.
#[derive(Clone, Copy)]
pub(crate) struct ToBackend<'a> {
    pub(crate) request: &'a UpstreamRequest,
    pub(crate) ctx: &'a CallContext,
    pub(crate) limit: Duration,
    /// Whether the backend is asked for a web socket, as the client has asked this gateway.
    pub(crate) upgrade: bool,
}

impl ToBackend<'_> {
    /// Writes them line by line. The host and what says how long the body is are the connection's.
    pub(crate) fn write(&self, lines: &mut Vec<u8>) {
        let UpstreamRequest { headers: theirs, client, prefix, .. } = self.request;
        let named = Named::by(theirs);
        theirs.write(lines, |name| !is_replaced(name) && !named.stays_behind(name));
        let mut lines = Lines(lines);
        forwarded(&mut lines, theirs, client, prefix);
        lines.begin("via: ").list(theirs.texts("via")).push(VIA_ENTRY.as_bytes()).end();
        lines.begin("x-request-id: ").text(self.ctx.request_id()).end();
        lines.begin("traceparent: ").push(self.ctx.trace().text().as_bytes()).end();
        let left = u64::try_from(told_to_backend(self.limit).as_millis()).unwrap_or(u64::MAX);
        lines.begin("x-request-timeout-ms: ").number(left).end();
        if self.upgrade {
            lines.begin("connection: ").text("upgrade").end();
            lines.begin("upgrade: ").text("websocket").end();
        }
    }
}

/// What a proxy says that is trusted is kept, and added to; what anybody else says of the way it came is replaced.
fn forwarded(lines: &mut Lines<'_>, theirs: &Fields, client: &Client, prefix: &'static str) {
    let believed = client.trusted.then_some(theirs);
    let known = |name| believed?.get(name);
    let before = |name| believed.map(|theirs| theirs.texts(name)).into_iter().flatten();
    let address = client.address.map(AddressText::of);
    if let Some(address) = &address {
        lines.begin("x-forwarded-for: ").list(before("x-forwarded-for")).push(address.as_bytes()).end();
    }
    let host = theirs.get("host").or(client.host.as_ref().map(HeaderValue::as_bytes));
    if let Some(host) = known("x-forwarded-host").or(host) {
        lines.begin("x-forwarded-host: ").push(host).end();
    }
    let proto = if client.secure { "https" } else { "http" };
    let line = lines.begin("forwarded: ").list(before("forwarded"));
    Hop { peer: address.as_ref(), host, proto }.write(line.0);
    line.end();
    lines.begin("x-forwarded-proto: ").push(known("x-forwarded-proto").unwrap_or(proto.as_bytes())).end();
    lines.begin("x-forwarded-prefix: ").push(prefix.as_bytes()).end();
}

/// The server in front of this code has answered `Expect` already; all others are set here or by the connection.
fn is_replaced(name: &[u8]) -> bool {
    matches!(
        name,
        b"host"
            | b"expect"
            | b"content-length"
            | b"forwarded"
            | b"via"
            | b"x-forwarded-for"
            | b"x-forwarded-host"
            | b"x-forwarded-proto"
            | b"x-forwarded-prefix"
            | b"x-request-id"
            | b"x-request-timeout-ms"
            | b"traceparent"
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, Method, uri::PathAndQuery};
    use kernel_application::testing::context;

    use super::*;

    fn forwarded(headers: &[(&str, &str)], trusted: bool) -> HeaderMap {
        let (address, host) = ("10.0.0.7".parse().ok(), Some(HeaderValue::from_static("shop.example")));
        let request = UpstreamRequest {
            method: Method::GET,
            target: PathAndQuery::from_static("/products").into(),
            prefix: "/api",
            headers: headers.iter().copied().collect(),
            client: Client { address, trusted, secure: false, host },
            harmless: true,
        };
        let ctx = context();
        let to_backend =
            ToBackend { request: &request, ctx: &ctx, limit: Duration::from_secs(20), upgrade: false };
        read(|lines| to_backend.write(lines))
    }

    fn read(write: impl FnOnce(&mut Vec<u8>)) -> HeaderMap {
        let mut lines = Vec::new();
        write(&mut lines);
        let mut map = HeaderMap::new();
        for line in String::from_utf8(lines).unwrap().split_terminator("\r\n") {
            let (name, value) = line.split_once(": ").unwrap();
            map.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    const ASKED: [(&str, &str); 8] = [
        ("host", "shop.example"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-for", "5.6.7.8"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "www.example"),
        ("forwarded", "for=1.2.3.4"),
        ("via", "1.0 cache"),
        ("x-request-timeout-ms", "600000"),
    ];

    #[test]
    fn connection_headers_and_those_it_names_stay_behind() {
        let headers = forwarded(
            &[
                ("connection", "close, X-Secret"),
                ("connection", "x-other"),
                ("keep-alive", "timeout=5"),
                ("te", "trailers"),
                ("x-secret", "1"),
                ("x-other", "2"),
                ("x-kept", "3"),
                ("x-kept", "4"),
            ],
            false,
        );
        for gone in ["connection", "keep-alive", "te", "x-secret", "x-other"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        assert_eq!(headers.get_all("x-kept").iter().collect::<Vec<_>>(), ["3", "4"]);
    }

    #[test]
    fn the_backend_learns_who_asked_and_not_what_anybody_says() {
        let headers = forwarded(&ASKED, false);
        assert_eq!(headers["x-forwarded-for"], "10.0.0.7");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "shop.example");
        assert_eq!(headers["x-forwarded-prefix"], "/api");
        assert_eq!(headers["via"], "1.0 cache, 1.1 gateway");
        assert_eq!(headers["x-request-timeout-ms"], "19990");
        assert_eq!(headers["forwarded"], "for=10.0.0.7;host=\"shop.example\";proto=http");
        assert!(!headers.contains_key("host"));
    }

    #[test]
    fn a_proxy_that_is_trusted_is_believed() {
        let headers = forwarded(&ASKED, true);
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4, 5.6.7.8, 10.0.0.7");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "www.example");
        let hop = "for=1.2.3.4, for=10.0.0.7;host=\"shop.example\";proto=http";
        assert_eq!(headers["forwarded"], hop);
        assert_eq!(forwarded(&[], true)["x-forwarded-host"], "shop.example");
    }

    #[test]
    fn ids_are_those_of_the_call() {
        let headers = forwarded(&[("x-request-id", "forged"), ("traceparent", "garbage")], false);
        assert_eq!(headers["x-request-id"], context().request_id());
        assert_eq!(headers["traceparent"], context().trace().to_string().as_str());
    }
}
