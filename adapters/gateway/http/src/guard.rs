//! What is done around every request, whoever answers it: CORS and security headers.

use std::sync::Arc;

use actix_web::{
    dev::ServiceRequest,
    http::header::{HeaderMap, HeaderName, X_FORWARDED_PROTO},
};
use gateway_application::policy::{Cors, TrustedProxies};
use platform_http::{Around, Begun, Instead, is_encrypted};

use crate::{
    cors::{self, Grant},
    security::{self, SecurityHeaders},
};

/// Protects users of browsers. Clones share the settings.
#[derive(Clone, Debug)]
pub struct BrowserGuard(Arc<Settings>);

#[derive(Debug)]
struct Settings {
    cors: Cors,
    headers: Option<SecurityHeaders>,
    proxies: TrustedProxies,
}

impl BrowserGuard {
    /// `headers` are `None` where somebody else adds them; `proxies` may say that a request came over TLS.
    pub fn new(cors: Cors, headers: Option<SecurityHeaders>, proxies: TrustedProxies) -> Self {
        Self(Arc::new(Settings { cors, headers, proxies }))
    }
}

impl Around for BrowserGuard {
    fn begin(&self, request: &ServiceRequest) -> Begun {
        let settings = Arc::clone(&self.0);
        let grant = Grant::of(&settings.cors, request);
        let answer = grant.preflight().map(|response| Instead { route: "preflight", response });
        let (docs, secure) = (is_docs(request.path()), settings.is_secure(request));
        let complete = Box::new(move |headers: &mut HeaderMap| {
            settings.remove(headers);
            grant.complete(&settings.cors, headers);
            if let Some(security) = &settings.headers {
                security.complete(docs, secure, headers);
            }
        });
        Begun { answer, complete }
    }
}

impl Settings {
    /// Takes out what no service's word stands for. What the gateway says itself is added where nothing of it is left.
    fn remove(&self, headers: &mut HeaderMap) {
        // Few answers have any, and their names are looked at sooner than each of ours is looked for.
        while let Some(name) = headers.keys().find(|name| self.removes(name)).cloned() {
            headers.remove(name);
        }
    }

    fn removes(&self, name: &HeaderName) -> bool {
        cors::replaces(name)
            || security::conceals(name)
            || self.headers.is_some() && *name == SecurityHeaders::REPLACED
    }

    /// Whether the client spoke TLS, with us or with a proxy in front of us.
    fn is_secure(&self, request: &ServiceRequest) -> bool {
        is_encrypted(request.request()) || self.was_secure(request)
    }

    fn was_secure(&self, request: &ServiceRequest) -> bool {
        if !request.peer_addr().is_some_and(|peer| self.proxies.contains(peer.ip())) {
            return false;
        }
        let mut values = request.headers().get_all(X_FORWARDED_PROTO);
        let (Some(proto), None) = (values.next(), values.next()) else { return false };
        proto.as_bytes().eq_ignore_ascii_case(b"https")
    }
}

fn is_docs(path: &str) -> bool {
    path.strip_prefix("/docs").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use actix_web::{
        http::header::{self, HeaderValue, STRICT_TRANSPORT_SECURITY},
        test::TestRequest,
    };

    use super::*;

    fn guard(headers: bool) -> BrowserGuard {
        let policy = |text: &str| text.parse().unwrap();
        let headers = headers.then(|| SecurityHeaders {
            hsts: Some(policy("max-age=1")),
            content: policy("a"),
            docs: policy("b"),
            frames: policy("c"),
            referrer: policy("d"),
        });
        BrowserGuard::new(Cors::default(), headers, TrustedProxies::parse("10.0.0.0/8").unwrap())
    }

    fn completed(
        guard: &BrowserGuard,
        request: TestRequest,
        theirs: &[(&'static str, &'static str)],
    ) -> HeaderMap {
        let begun = guard.begin(&request.to_srv_request());
        assert!(begun.answer.is_none());
        let mut headers = HeaderMap::new();
        for (name, value) in theirs {
            headers.append(header::HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        (begun.complete)(&mut headers);
        headers
    }

    fn is_held_to_tls(peer: &str, proto: &[&str]) -> bool {
        let request = TestRequest::default().peer_addr(peer.parse().unwrap());
        let request =
            proto.iter().fold(request, |request, proto| request.append_header(("x-forwarded-proto", *proto)));
        completed(&guard(true), request, &[]).contains_key(STRICT_TRANSPORT_SECURITY)
    }

    #[test]
    fn nobody_learns_what_runs_behind_whether_headers_are_added_or_not() {
        for given in [true, false] {
            let theirs = [
                ("server", "nginx/1.2.3"),
                ("server", "again"),
                ("x-powered-by", "PHP"),
                ("access-control-allow-origin", "*"),
                ("strict-transport-security", "max-age=7"),
                ("x-frame-options", "SAMEORIGIN"),
                ("etag", "\"3\""),
            ];
            let headers = completed(&guard(given), TestRequest::default(), &theirs);
            for name in ["server", "x-powered-by", "access-control-allow-origin"] {
                assert!(!headers.contains_key(name), "{name} ({given})");
            }
            assert_eq!(headers.get("etag").unwrap(), "\"3\"");
            assert_eq!(headers.get("x-frame-options").unwrap(), "SAMEORIGIN");
            // Without headers of the gateway somebody in front of it adds them, and knows of services that do.
            assert_eq!(headers.contains_key(STRICT_TRANSPORT_SECURITY), !given);
            assert_eq!(headers.contains_key("referrer-policy"), given);
        }
    }

    #[test]
    fn a_proxy_s_word_on_tls_counts_where_it_is_trusted() {
        assert!(is_held_to_tls("10.0.0.1:1", &["https"]));
        assert!(is_held_to_tls("10.0.0.1:1", &["HTTPS"]));
        for (peer, proto) in [
            ("10.0.0.1:1", &["http"][..]),
            ("10.0.0.1:1", &[]),
            ("10.0.0.1:1", &["http", "https"]),
            ("8.8.8.8:1", &["https"]),
        ] {
            assert!(!is_held_to_tls(peer, proto), "{peer} {proto:?}");
        }
    }

    #[test]
    fn documents_are_told_by_their_path() {
        assert!(is_docs("/docs") && is_docs("/docs/index.html"));
        assert!(!is_docs("/docsX") && !is_docs("/api/docs/"));
    }
}
