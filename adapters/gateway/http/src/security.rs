//! Headers that tell browsers what not to do with answers.
//!
//! Where a service has said something of its own answer, that stands; what is about the connection, the gateway alone
//! knows, and it replaces what they say.

use std::{str::FromStr, time::Duration};

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, SERVER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// Whether it tells what runs behind the gateway, which is nobody's business.
pub(crate) fn conceals(name: &HeaderName) -> bool {
    *name == SERVER || name.as_str() == "x-powered-by"
}

const NOSNIFF: &str = "nosniff";

/// What answers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityHeaders {
    /// `Strict-Transport-Security`, for answers over TLS.
    pub hsts: Option<Policy>,
    /// `Content-Security-Policy` of everything but the documents.
    pub content: Policy,
    /// `Content-Security-Policy` of the documents, a page with scripts and styles.
    pub docs: Policy,
    /// `X-Frame-Options`.
    pub frames: Policy,
    /// `Referrer-Policy`.
    pub referrer: Policy,
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(HeaderValue);

/// The text cannot stand in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPolicy;

impl FromStr for Policy {
    type Err = InvalidPolicy;

    fn from_str(text: &str) -> Result<Self, InvalidPolicy> {
        let visible =
            text.trim() == text && !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        HeaderValue::from_str(text).ok().filter(|_| visible).map(Self).ok_or(InvalidPolicy)
    }
}

impl SecurityHeaders {
    /// `Strict-Transport-Security` for so long, of this host or of all below it too; `None` for no time.
    pub fn hsts(max_age: Duration, subdomains: bool) -> Option<Policy> {
        let more = if subdomains { "; includeSubDomains" } else { "" };
        let policy = || format!("max-age={}{more}", max_age.as_secs()).parse().ok();
        if max_age.is_zero() { None } else { policy() }
    }

    /// Adds to the answer to a request for `docs` or for something else, over a connection that is `secure` or not, once
    /// nothing of [`REPLACED`](Self::REPLACED) is in it.
    pub(crate) fn complete(&self, docs: bool, secure: bool, headers: &mut HeaderMap) {
        let content = if docs { &self.docs } else { &self.content };
        let theirs = [
            (CONTENT_SECURITY_POLICY, content),
            (X_FRAME_OPTIONS, &self.frames),
            (REFERRER_POLICY, &self.referrer),
        ];
        for (name, Policy(value)) in theirs {
            if !headers.contains_key(&name) {
                headers.append(name, value.clone());
            }
        }
        // The server has said so of its answers already, and of others' those who are careful.
        if headers.get_all(X_CONTENT_TYPE_OPTIONS).map(HeaderValue::as_bytes).ne([NOSNIFF.as_bytes()]) {
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static(NOSNIFF));
        }
        if let Some(Policy(hsts)) = self.hsts.as_ref().filter(|_| secure) {
            headers.insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
    }

    /// What the gateway alone knows, whatever a service says of it.
    pub(crate) const REPLACED: HeaderName = STRICT_TRANSPORT_SECURITY;
}

#[cfg(test)]
mod tests {
    use super::*;

    const X_POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");

    fn policy(text: &str) -> Policy {
        text.parse().unwrap()
    }

    fn headers() -> SecurityHeaders {
        SecurityHeaders {
            hsts: SecurityHeaders::hsts(Duration::from_mins(1), true),
            content: policy("default-src 'none'"),
            docs: policy("default-src 'self'"),
            frames: policy("DENY"),
            referrer: policy("no-referrer"),
        }
    }

    fn completed(docs: bool, secure: bool, theirs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in theirs {
            map.append(name.clone(), HeaderValue::from_static(value));
        }
        map.retain(|name, _| !conceals(name) && *name != SecurityHeaders::REPLACED);
        headers().complete(docs, secure, &mut map);
        map
    }

    fn values(map: &HeaderMap, name: HeaderName) -> Vec<&str> {
        map.get_all(name).map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn every_answer_has_them_and_documents_their_own() {
        let map = completed(false, false, &[]);
        for (name, value) in [
            (CONTENT_SECURITY_POLICY, "default-src 'none'"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            assert_eq!(values(&map, name), [value]);
        }
        assert_eq!(values(&completed(true, false, &[]), CONTENT_SECURITY_POLICY), ["default-src 'self'"]);
    }

    #[test]
    fn a_service_s_word_on_its_own_answer_stands_and_nothing_is_there_twice() {
        let theirs = [
            (CONTENT_SECURITY_POLICY, "sandbox"),
            (X_FRAME_OPTIONS, "SAMEORIGIN"),
            (X_CONTENT_TYPE_OPTIONS, "none"),
            (STRICT_TRANSPORT_SECURITY, "max-age=1"),
            (SERVER, "nginx/1.2.3"),
            (X_POWERED_BY, "PHP"),
        ];
        let map = completed(false, true, &theirs);
        assert_eq!(values(&map, CONTENT_SECURITY_POLICY), ["sandbox"]);
        assert_eq!(values(&map, X_FRAME_OPTIONS), ["SAMEORIGIN"]);
        assert_eq!(values(&map, X_CONTENT_TYPE_OPTIONS), ["nosniff"]);
        assert_eq!(values(&map, STRICT_TRANSPORT_SECURITY), ["max-age=60; includeSubDomains"]);
        assert!(!map.contains_key(SERVER) && !map.contains_key(X_POWERED_BY));
    }

    #[test]
    fn types_are_not_guessed_whatever_a_service_says() {
        let said: [&[&str]; 4] = [&[], &["nosniff"], &["guess"], &["nosniff", "guess"]];
        for values in said {
            let theirs: Vec<_> = values.iter().map(|value| (X_CONTENT_TYPE_OPTIONS, *value)).collect();
            let map = completed(false, false, &theirs);
            assert_eq!(self::values(&map, X_CONTENT_TYPE_OPTIONS), ["nosniff"], "{values:?}");
        }
    }

    #[test]
    fn only_what_came_over_tls_is_held_to_it() {
        assert!(
            !completed(false, false, &[(STRICT_TRANSPORT_SECURITY, "max-age=1")])
                .contains_key(STRICT_TRANSPORT_SECURITY)
        );
        assert_eq!(SecurityHeaders::hsts(Duration::ZERO, true), None);
        assert_eq!(SecurityHeaders::hsts(Duration::from_secs(9), false), Some(policy("max-age=9")));
    }

    #[test]
    fn policies_are_text() {
        for bad in ["", " DENY", "DENY\r\nx: y", "DENY\n", "dény", "a\tb"] {
            assert_eq!(bad.parse::<Policy>(), Err(InvalidPolicy), "{bad:?}");
        }
    }
}
