//! What is done to headers on their way through.

use std::time::Duration;

use bytes::BytesMut;
use gateway_application::{Client, UpstreamRequest};
use gateway_domain::{
    connection_options, is_hop_by_hop,
    message::{AddressText, Hop},
    told_to_backend,
};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, FORWARDED, UPGRADE, VIA},
};
use kernel_application::CallContext;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The headers that are added, so that the map does not grow; the host among them.
const ADDED: usize = 12;
/// As long as what is written of an ordinary request, so that the buffer does not grow either.
const WRITTEN: usize = 256;
/// How this gateway appears in `Via`: the protocol it was asked in, and its pseudonym.
const VIA_ENTRY: &str = "1.1 gateway";

/// A client's headers as the backend is to see them: who asked, for what, under which ids, and how long it may take.
pub(crate) fn to_backend(request: &UpstreamRequest, ctx: &CallContext, limit: Duration) -> HeaderMap {
    let UpstreamRequest { headers: theirs, client, prefix, .. } = request;
    let mut headers = HeaderMap::with_capacity(theirs.len() + ADDED);
    let named = Named::by(theirs);
    for (name, value) in theirs {
        if !is_replaced(name) && !named.stays_behind(name) {
            headers.append(name, value.clone());
        }
    }
    let mut pen = Pen(BytesMut::with_capacity(WRITTEN));
    forwarded(&mut headers, &mut pen, theirs, client, prefix);
    headers.insert(VIA, via(&mut pen, theirs));
    set(&mut headers, X_REQUEST_ID, pen.text(ctx.request_id()));
    set(&mut headers, TRACEPARENT, pen.text(ctx.trace().text().as_str()));
    let left = u64::try_from(told_to_backend(limit).as_millis()).unwrap_or(u64::MAX);
    headers.insert(X_REQUEST_TIMEOUT, left.into());
    headers
}

/// Makes a backend's headers the client's. The request id is this server's own, so the backend's copy is dropped.
pub(crate) fn to_client(headers: &mut HeaderMap) {
    let named = Named::by(headers);
    let leaves = |name: &&HeaderName| named.stays_behind(name);
    // Mostly there is one.
    while let Some(name) = headers.keys().find(leaves).cloned() {
        headers.remove(name);
    }
    headers.remove(X_REQUEST_ID);
    let via = via(&mut Pen(BytesMut::new()), headers);
    headers.insert(VIA, via);
}

/// Asks the backend for a web socket, as the client has asked this gateway.
pub(crate) fn upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// What a proxy says that is trusted is kept, and added to; what anybody else says of the way it came is replaced.
fn forwarded(
    headers: &mut HeaderMap,
    pen: &mut Pen,
    theirs: &HeaderMap,
    client: &Client,
    prefix: &'static str,
) {
    let believed = client.trusted.then_some(theirs);
    let known = |name: &HeaderName| believed?.get(name).cloned();
    let before = |name: &HeaderName| believed.map(|theirs| values(theirs, name)).into_iter().flatten();
    if let Some(address) = client.address {
        pen.list(before(&X_FORWARDED_FOR));
        set(headers, X_FORWARDED_FOR, pen.text(AddressText::of(address).as_str()));
    }
    set(headers, X_FORWARDED_HOST, known(&X_FORWARDED_HOST).or_else(|| client.host.clone()));
    let host = client.host.as_ref().and_then(|host| host.to_str().ok());
    let proto = if client.secure { "https" } else { "http" };
    pen.list(before(&FORWARDED));
    Hop { peer: client.address, host, proto }.pieces(|piece| pen.push(piece));
    set(headers, FORWARDED, pen.value());
    let proto = HeaderValue::from_static(proto);
    headers.insert(X_FORWARDED_PROTO, known(&X_FORWARDED_PROTO).unwrap_or(proto));
    headers.insert(X_FORWARDED_PREFIX, HeaderValue::from_static(prefix));
}

/// The ways that a message has come, and this gateway's.
fn via(pen: &mut Pen, theirs: &HeaderMap) -> HeaderValue {
    let entry = HeaderValue::from_static(VIA_ENTRY);
    if !theirs.contains_key(VIA) {
        return entry;
    }
    pen.list(values(theirs, &VIA));
    pen.text(VIA_ENTRY).unwrap_or(entry)
}

/// The server in front of this code has answered `Expect` already; all others are set here or by the connection.
fn is_replaced(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "host"
            | "expect"
            | "forwarded"
            | "via"
            | "x-forwarded-for"
            | "x-forwarded-host"
            | "x-forwarded-proto"
            | "x-forwarded-prefix"
            | "x-request-id"
            | "x-request-timeout-ms"
            | "traceparent"
    )
}

/// The headers that `Connection` names, read once. Nearly always there are none, and nothing is allocated.
struct Named(Vec<String>);

impl Named {
    fn by(headers: &HeaderMap) -> Self {
        let options = values(headers, &CONNECTION).flat_map(connection_options);
        let names = options.filter(|option| !is_hop_by_hop(option) && *option != "close");
        Self(names.map(str::to_ascii_lowercase).collect())
    }

    /// Names in a map are lower case already.
    fn stays_behind(&self, name: &HeaderName) -> bool {
        is_hop_by_hop(name.as_str()) || self.0.iter().any(|named| named == name.as_str())
    }
}

/// Writes values one behind the other into one piece of memory, which they share.
struct Pen(BytesMut);

impl Pen {
    fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Begins a list with all values that there are.
    fn list<'a>(&mut self, known: impl Iterator<Item = &'a str>) {
        for line in known.map(str::trim).filter(|line| !line.is_empty()) {
            self.push(line);
            self.push(", ");
        }
    }

    /// Ends what was begun with the text.
    fn text(&mut self, text: &str) -> Option<HeaderValue> {
        self.push(text);
        self.value()
    }

    /// What was written since the last value; `None` where it cannot stand in a header.
    fn value(&mut self) -> Option<HeaderValue> {
        HeaderValue::from_maybe_shared(self.0.split().freeze()).ok()
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

/// Replaces all values of the header, or removes them where there is none.
fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => drop(headers.insert(name, value)),
        None => drop(headers.remove(name)),
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, uri::PathAndQuery};
    use kernel_application::testing::context;

    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers.iter().map(pair) {
            map.append(name, value);
        }
        map
    }

    fn forwarded(headers: &[(&'static str, &'static str)], trusted: bool) -> HeaderMap {
        let (address, host) = ("10.0.0.7".parse().ok(), Some(HeaderValue::from_static("shop.example")));
        let request = UpstreamRequest {
            method: Method::GET,
            target: PathAndQuery::from_static("/products"),
            prefix: "/api",
            headers: map(headers),
            client: Client { address, trusted, secure: false, host },
            harmless: true,
        };
        to_backend(&request, &context(), Duration::from_secs(20))
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
    fn loops_are_found_by_the_name_that_is_left() {
        assert!(gateway_domain::message::came_through([VIA_ENTRY], gateway_domain::message::PSEUDONYM));
    }

    #[test]
    fn ids_are_those_of_the_call() {
        let headers = forwarded(&[("x-request-id", "forged"), ("traceparent", "garbage")], false);
        assert_eq!(headers["x-request-id"], context().request_id());
        assert_eq!(headers["traceparent"], context().trace().to_string().as_str());
    }

    #[test]
    fn answers_lose_connection_headers_only() {
        let mut headers = map(&[
            ("connection", "x-internal"),
            ("x-internal", "1"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("etag", "\"1\""),
            ("x-request-id", "r1"),
        ]);
        to_client(&mut headers);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "etag", "via"]);
    }
}
