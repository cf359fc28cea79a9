//! What is done to headers on their way through.

use gateway_application::Client;
use gateway_domain::{connection_options, is_hop_by_hop};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, EXPECT, FORWARDED, HOST, VIA},
};
use kernel_application::CallContext;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The name under which this gateway appears in `Via`.
const PSEUDONYM: &str = "1.1 gateway";

/// Makes a client's headers the backend's: who asked, for what, and under which ids.
pub(crate) fn to_backend(headers: &mut HeaderMap, ctx: &CallContext, client: &Client, prefix: &'static str) {
    strip_hop_by_hop(headers);
    // The server in front of this code has answered `Expect` already; `Forwarded` would contradict what is set below.
    for name in [HOST, EXPECT, FORWARDED] {
        headers.remove(name);
    }
    match client.address {
        Some(address) => append(headers, X_FORWARDED_FOR, &address.to_string()),
        None => drop(headers.remove(X_FORWARDED_FOR)),
    }
    set(headers, X_FORWARDED_HOST, client.host.as_deref());
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(if client.secure { "https" } else { "http" }));
    headers.insert(X_FORWARDED_PREFIX, HeaderValue::from_static(prefix));
    append(headers, VIA, PSEUDONYM);
    set(headers, X_REQUEST_ID, Some(ctx.request_id()));
    set(headers, TRACEPARENT, Some(&ctx.trace().to_string()));
}

/// Makes a backend's headers the client's. The request id is this server's own, so the backend's copy is dropped.
pub(crate) fn to_client(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    headers.remove(X_REQUEST_ID);
    append(headers, VIA, PSEUDONYM);
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(connection_options)
        .filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok())
        .collect();
    let fixed: Vec<HeaderName> =
        headers.keys().filter(|name| is_hop_by_hop(name.as_str())).cloned().collect();
    for name in fixed.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Joins all values of a list header and the new one into one line.
fn append(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let known = headers.get_all(&name).iter().filter_map(|value| value.to_str().ok());
    let mut line = String::new();
    for part in known.chain([value]) {
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(part);
    }
    set(headers, name, Some(&line));
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

    fn forwarded(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = map(headers);
        let client =
            Client { address: "10.0.0.7".parse().ok(), secure: false, host: Some("shop.example".into()) };
        to_backend(&mut headers, &context(), &client, "/api");
        headers
    }

    #[test]
    fn connection_headers_and_those_it_names_stay_behind() {
        let headers = forwarded(&[
            ("connection", "close, X-Secret"),
            ("connection", "x-other"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("x-secret", "1"),
            ("x-other", "2"),
            ("x-kept", "3"),
        ]);
        for gone in ["connection", "keep-alive", "te", "x-secret", "x-other"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        assert_eq!(headers["x-kept"], "3");
    }

    #[test]
    fn the_backend_learns_who_asked() {
        let headers = forwarded(&[
            ("host", "shop.example"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-for", "5.6.7.8"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "for=1.2.3.4"),
            ("via", "1.0 cache"),
        ]);
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4, 5.6.7.8, 10.0.0.7");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "shop.example");
        assert_eq!(headers["x-forwarded-prefix"], "/api");
        assert_eq!(headers["via"], "1.0 cache, 1.1 gateway");
        assert!(!headers.contains_key("host") && !headers.contains_key("forwarded"));
    }

    #[test]
    fn ids_are_those_of_the_call() {
        let headers = forwarded(&[("x-request-id", "forged"), ("traceparent", "garbage")]);
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
