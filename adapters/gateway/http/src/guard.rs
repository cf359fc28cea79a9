//! What is done around every request, whoever answers it: CORS and security headers.

use std::sync::Arc;

use actix_web::http::header::{HeaderName, X_FORWARDED_PROTO};
use gateway_application::policy::{Cors, TrustedProxies};
use platform_http::{AnswerHeaders, Around, Asked, Begun, Instead};

use crate::{
    cors::{self, Grant},
    security::{self, Completed, SecurityHeaders},
};

/// Protects users of browsers. Clones share the settings.
#[derive(Clone, Debug)]
pub struct BrowserGuard(Arc<Settings>);

#[derive(Debug)]
struct Settings {
    cors: Cors,
    headers: Option<Completed>,
    proxies: TrustedProxies,
    /// What no service's word stands for. What the gateway says itself is added where nothing of it is left.
    removed: Vec<HeaderName>,
}

impl BrowserGuard {
    /// `headers` are `None` where somebody else adds them; `proxies` may say that a request came over TLS.
    pub fn new(cors: Cors, headers: Option<SecurityHeaders>, proxies: TrustedProxies) -> Self {
        let mut removed = [&security::CONCEALED[..], &cors::REPLACED].concat();
        removed.extend(headers.is_some().then_some(security::REPLACED));
        let headers = headers.map(Completed::by);
        Self(Arc::new(Settings { cors, headers, proxies, removed }))
    }
}

impl Around for BrowserGuard {
    fn begin(&self, asked: Asked<'_>) -> Begun {
        let settings = Arc::clone(&self.0);
        let grant = Grant::of(&settings.cors, asked);
        let answer = grant.preflight().map(|answer| Instead { route: "preflight", answer });
        let (docs, secure) = (is_docs(asked.path), settings.is_secure(asked));
        let complete = Box::new(move |headers: &mut dyn AnswerHeaders| {
            for name in &settings.removed {
                headers.discard(name);
            }
            grant.complete(&settings.cors, headers);
            if let Some(security) = &settings.headers {
                security.complete(docs, secure, headers);
            }
        });
        Begun { answer, complete }
    }
}

impl Settings {
    /// Whether the client spoke TLS, with us or with a proxy in front of us.
    fn is_secure(&self, asked: Asked<'_>) -> bool {
        asked.encrypted || self.was_secure(asked)
    }

    fn was_secure(&self, asked: Asked<'_>) -> bool {
        if !asked.peer.is_some_and(|peer| self.proxies.contains(peer.ip())) {
            return false;
        }
        asked.headers.only(&X_FORWARDED_PROTO).is_some_and(|proto| proto.eq_ignore_ascii_case(b"https"))
    }
}

fn is_docs(path: &str) -> bool {
    path.strip_prefix("/docs").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use gateway_application::Fields;

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

    fn completed(guard: &BrowserGuard, peer: &str, asked: &Fields, theirs: &[(&str, &str)]) -> Fields {
        let peer = Some(peer.parse().unwrap());
        let (method, path) = ("GET", "/");
        let begun =
            guard.begin(Asked { method, path, headers: asked, authority: None, peer, encrypted: false });
        assert!(begun.answer.is_none());
        let mut headers = theirs.iter().copied().collect();
        (begun.complete)(&mut headers);
        headers
    }

    fn is_held_to_tls(peer: &str, proto: &[&str]) -> bool {
        let asked = proto.iter().map(|proto| ("x-forwarded-proto", *proto)).collect();
        completed(&guard(true), peer, &asked, &[]).contains("strict-transport-security")
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
            let headers = completed(&guard(given), "8.8.8.8:1", &Fields::default(), &theirs);
            for name in ["server", "x-powered-by", "access-control-allow-origin"] {
                assert!(!headers.contains(name), "{name} ({given})");
            }
            assert_eq!(headers.text("etag"), Some("\"3\""));
            assert_eq!(headers.text("x-frame-options"), Some("SAMEORIGIN"));
            // Without headers of the gateway somebody in front of it adds them, and knows of services that do.
            assert_eq!(headers.contains("strict-transport-security"), !given);
            assert_eq!(headers.contains("referrer-policy"), given);
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
