//! What is done to headers on their way through.

use std::time::Duration;

use gateway_application::Client;
use gateway_domain::{
    connection_options, is_hop_by_hop,
    message::{Hop, appended},
};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, EXPECT, FORWARDED, HOST, UPGRADE, VIA},
};
use kernel_application::CallContext;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The headers that are added, so that the map does not grow.
const ADDED: usize = 11;
/// How this gateway appears in `Via`: the protocol it was asked in, and its pseudonym.
const VIA_ENTRY: &str = "1.1 gateway";
/// What it takes to bring an answer back: the backend is told so much less than there is left.
const WAY_BACK: Duration = Duration::from_millis(10);

/// A client's headers as the backend is to see them: who asked, for what, under which ids, and how long it may take.
pub(crate) fn to_backend(
    theirs: &HeaderMap,
    ctx: &CallContext,
    client: &Client,
    prefix: &'static str,
    limit: Duration,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(theirs.len() + ADDED);
    for (name, value) in theirs {
        if !is_replaced(name) && !stays_behind(name, theirs) {
            headers.append(name, value.clone());
        }
    }
    forwarded(&mut headers, theirs, client, prefix);
    set(&mut headers, VIA, Some(&appended(values(theirs, &VIA), VIA_ENTRY)));
    set(&mut headers, X_REQUEST_ID, Some(ctx.request_id()));
    set(&mut headers, TRACEPARENT, Some(&ctx.trace().to_string()));
    let left = limit.saturating_sub(WAY_BACK).as_millis().max(1);
    headers.insert(X_REQUEST_TIMEOUT, u64::try_from(left).unwrap_or(u64::MAX).into());
    headers
}

/// Makes a backend's headers the client's. The request id is this server's own, so the backend's copy is dropped.
pub(crate) fn to_client(headers: &mut HeaderMap) {
    let leaving: Vec<HeaderName> =
        headers.keys().filter(|name| stays_behind(name, headers)).cloned().collect();
    for name in leaving {
        headers.remove(name);
    }
    headers.remove(X_REQUEST_ID);
    let via = appended(values(headers, &VIA), VIA_ENTRY);
    set(headers, VIA, Some(&via));
}

/// Asks the backend for a web socket, as the client has asked this gateway.
pub(crate) fn upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// What a proxy says that is trusted is kept, and added to; what anybody else says of the way it came is replaced.
fn forwarded(headers: &mut HeaderMap, theirs: &HeaderMap, client: &Client, prefix: &'static str) {
    let known = |name: &HeaderName| theirs.get(name).filter(|_| client.trusted).cloned();
    if let Some(address) = client.address {
        let address = address.to_string();
        let before = values(theirs, &X_FORWARDED_FOR).filter(|_| client.trusted);
        set(headers, X_FORWARDED_FOR, Some(&appended(before, &address)));
    }
    match known(&X_FORWARDED_HOST) {
        Some(host) => drop(headers.insert(X_FORWARDED_HOST, host)),
        None => set(headers, X_FORWARDED_HOST, client.host.as_deref()),
    }
    let proto = if client.secure { "https" } else { "http" };
    let hop = Hop { peer: client.address, host: client.host.as_deref(), proto }.to_element();
    let before = values(theirs, &FORWARDED).filter(|_| client.trusted);
    set(headers, FORWARDED, Some(&appended(before, &hop)));
    let proto = HeaderValue::from_static(proto);
    headers.insert(X_FORWARDED_PROTO, known(&X_FORWARDED_PROTO).unwrap_or(proto));
    headers.insert(X_FORWARDED_PREFIX, HeaderValue::from_static(prefix));
}

/// The server in front of this code has answered `Expect` already; all others are set here.
fn is_replaced(name: &HeaderName) -> bool {
    const REPLACED: [HeaderName; 11] = [
        HOST,
        EXPECT,
        FORWARDED,
        VIA,
        X_FORWARDED_FOR,
        X_FORWARDED_HOST,
        X_FORWARDED_PROTO,
        X_FORWARDED_PREFIX,
        X_REQUEST_ID,
        X_REQUEST_TIMEOUT,
        TRACEPARENT,
    ];
    REPLACED.contains(name)
}

/// Names in a map are lower case already.
fn stays_behind(name: &HeaderName, headers: &HeaderMap) -> bool {
    let names_it = |value| connection_options(value).any(|option| option.eq_ignore_ascii_case(name.as_str()));
    is_hop_by_hop(name.as_str()) || values(headers, &CONNECTION).any(names_it)
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

/// Replaces all values of the header; without one, or where the text cannot stand in a header, it is removed.
fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    match value.and_then(|value| HeaderValue::from_str(value).ok()) {
        Some(value) => drop(headers.insert(name, value)),
        None => drop(headers.remove(name)),
    }
}

#[cfg(test)]
mod tests {
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
        let (address, host) = ("10.0.0.7".parse().ok(), Some("shop.example".into()));
        let client = Client { address, trusted, secure: false, host };
        to_backend(&map(headers), &context(), &client, "/api", Duration::from_secs(20))
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
