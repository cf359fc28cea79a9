//! What is done to metadata on its way through.

use std::time::Duration;

use gateway_domain::{
    claims_identity, format_grpc_timeout,
    message::{appended, stays_behind},
    told_to_backend,
};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, TE, VIA},
};
use kernel_application::CallContext;

use crate::Client;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// How this gateway appears in `Via`: the protocol it was asked in, and its pseudonym.
const VIA_ENTRY: &str = "2 gateway";
/// A status that a peer did not send, or nobody can read.
const UNKNOWN: u16 = 2;

/// What those before this gateway say of the way that a call has come.
pub(super) fn ways(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all(X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect()
}

/// Makes a client's metadata the backend's: who calls, under which ids. The time that is left is set for each attempt.
pub(super) fn to_backend(headers: &mut HeaderMap, ctx: &CallContext, client: &Client) {
    let before = |headers: &HeaderMap, name: HeaderName| {
        let value = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        value.filter(|_| client.trusted).map(str::to_owned).collect::<Vec<_>>()
    };
    let ways = before(headers, X_FORWARDED_FOR);
    let known = [X_FORWARDED_HOST, X_FORWARDED_PROTO].map(|name| before(headers, name).pop());
    let via = {
        let known = headers.get_all(VIA).iter().filter_map(|line| line.to_str().ok());
        appended(known, VIA_ENTRY)
    };
    remove(headers, |name| claims_identity(name.as_str().as_bytes()));
    remove_connection(headers);
    for replaced in REPLACED {
        headers.remove(replaced);
    }
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if let Some(address) = client.address {
        let address = address.to_string();
        set(headers, X_FORWARDED_FOR, Some(&appended(ways.iter().map(String::as_str), &address)));
    }
    let [host, proto] = known;
    set(headers, X_FORWARDED_HOST, host.as_deref().or(host_text(client)));
    set(headers, X_FORWARDED_PROTO, proto.as_deref().or(Some(if client.secure { "https" } else { "http" })));
    set(headers, VIA, Some(&via));
    set(headers, X_REQUEST_ID, Some(ctx.request_id()));
    set(headers, TRACEPARENT, Some(&ctx.trace().to_string()));
}

fn host_text(client: &Client) -> Option<&str> {
    client.host.as_ref()?.to_str().ok()
}

/// Tells a backend what is left for it; nothing, where there is no limit.
pub(super) fn set_timeout(headers: &mut HeaderMap, limit: Option<Duration>) {
    let left = limit.map(told_to_backend);
    set(headers, GRPC_TIMEOUT, left.map(format_grpc_timeout).as_deref());
}

/// Makes a backend's metadata the client's. The request id is this server's own, so the backend's copy is dropped.
pub(super) fn to_client(headers: &mut HeaderMap) {
    remove_connection(headers);
    for replaced in [CONTENT_LENGTH, X_REQUEST_ID, TRACEPARENT] {
        headers.remove(replaced);
    }
}

/// The status in trailers, or in a head that is the whole answer.
pub(super) fn status(headers: &HeaderMap) -> u16 {
    let status = headers.get(GRPC_STATUS).and_then(|status| status.to_str().ok()?.parse().ok());
    status.unwrap_or(UNKNOWN)
}

/// `Forwarded` would contradict what is set here, and the length is that of another encoding where a browser calls.
const REPLACED: [HeaderName; 13] = [
    HOST,
    EXPECT,
    CONTENT_LENGTH,
    FORWARDED,
    VIA,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PREFIX,
    X_FORWARDED_PROTO,
    X_REQUEST_ID,
    X_REQUEST_TIMEOUT,
    TRACEPARENT,
    GRPC_TIMEOUT,
];

fn remove_connection(headers: &mut HeaderMap) {
    let connection: Vec<String> =
        headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok().map(str::to_owned)).collect();
    remove(headers, |name| stays_behind(name.as_str(), connection.iter().map(String::as_str)));
}

/// Nearly always there are one or two, so that nothing is gained by collecting them.
fn remove(headers: &mut HeaderMap, leaves: impl Fn(&HeaderName) -> bool) {
    while let Some(name) = headers.keys().find(|name| leaves(name)).cloned() {
        headers.remove(name);
    }
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

    fn sent(pairs: &[(&'static str, &'static str)], trusted: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let (address, host) = ("10.0.0.7".parse().ok(), Some(HeaderValue::from_static("shop.example")));
        to_backend(&mut headers, &context(), &Client { address, trusted, secure: true, host });
        headers
    }

    const ASKED: [(&str, &str); 13] = [
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "www.example"),
        ("forwarded", "for=1.2.3.4"),
        ("via", "1.1 cache"),
        ("grpc-timeout", "99H"),
        ("x-request-id", "forged"),
        ("connection", "x-secret"),
        ("x-secret", "1"),
        ("x-user-id", "root"),
        ("te", "trailers, deflate"),
        ("authorization", "Bearer a"),
        ("grpc-encoding", "gzip"),
    ];

    #[test]
    fn the_backend_learns_who_calls_and_not_what_anybody_says() {
        let headers = sent(&ASKED, false);
        for (name, value) in [
            ("x-forwarded-for", "10.0.0.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
            ("via", "1.1 cache, 2 gateway"),
            ("x-request-id", context().request_id()),
            ("te", "trailers"),
            ("authorization", "Bearer a"),
            ("grpc-encoding", "gzip"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        for gone in ["forwarded", "connection", "x-secret", "x-user-id", "grpc-timeout"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn a_gateway_knows_what_it_has_passed_on() {
        assert!(gateway_domain::message::came_through([VIA_ENTRY], gateway_domain::message::PSEUDONYM));
    }

    #[test]
    fn a_proxy_that_is_trusted_is_believed() {
        let headers = sent(&ASKED, true);
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4, 10.0.0.7");
        assert_eq!(
            (&headers["x-forwarded-proto"], &headers["x-forwarded-host"]),
            (&"http".parse().unwrap(), &"www.example".parse().unwrap())
        );
    }

    #[test]
    fn the_backend_is_told_a_little_less_than_there_is() {
        let mut headers = sent(&ASKED, false);
        set_timeout(&mut headers, Some(Duration::from_millis(250)));
        assert_eq!(headers["grpc-timeout"], "240000u");
        set_timeout(&mut headers, Some(Duration::from_millis(3)));
        assert_eq!(headers["grpc-timeout"], "1000000n");
        set_timeout(&mut headers, None);
        assert!(!headers.contains_key("grpc-timeout"));
    }

    #[test]
    fn a_status_that_nobody_can_read_is_unknown() {
        let mut trailers = HeaderMap::new();
        assert_eq!(status(&trailers), 2);
        for (text, expected) in [("0", 0), ("14", 14), ("fine", 2)] {
            trailers.insert("grpc-status", HeaderValue::from_static(text));
            assert_eq!(status(&trailers), expected);
        }
    }
}
