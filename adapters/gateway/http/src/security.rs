//! Headers that tell browsers what not to do with answers.
//!
//! Where a service has said something of its own answer, that stands; what is about the connection, the gateway alone
//! knows, and it replaces what they say.

use std::{str::FromStr, time::Duration};

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, SERVER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use gateway_application::Fields;
use platform_http::AnswerHeaders;

/// What tells what runs behind the gateway, which is nobody's business.
pub(crate) const CONCEALED: [HeaderName; 2] = [SERVER, HeaderName::from_static("x-powered-by")];

/// What the gateway alone knows, whatever a service says of it.
pub(crate) const REPLACED: HeaderName = STRICT_TRANSPORT_SECURITY;

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
}

/// Completes answers, once nothing of [`REPLACED`] is in them.
#[derive(Clone, Debug)]
pub(crate) struct Completed {
    hsts: Option<Policy>,
    /// What is said of everything but the documents, and of those.
    usual: Fields,
    docs: Fields,
}

impl Completed {
    pub(crate) fn by(headers: SecurityHeaders) -> Self {
        let SecurityHeaders { hsts, content, docs, frames, referrer } = headers;
        let all = |content: &Policy| {
            let mut fields = Fields::default();
            for (name, Policy(value)) in THEIRS.iter().zip([content, &frames, &referrer]) {
                fields.add(name.as_str(), value.as_bytes());
            }
            fields.add(X_CONTENT_TYPE_OPTIONS.as_str(), NOSNIFF.as_bytes());
            fields
        };
        Self { hsts, usual: all(&content), docs: all(&docs) }
    }

    /// Adds to the answer to a request for `docs` or for something else, over a connection that is `secure` or not.
    pub(crate) fn complete(&self, docs: bool, secure: bool, headers: &mut dyn AnswerHeaders) {
        let ours = if docs { &self.docs } else { &self.usual };
        let is_said = |name| headers.first(name).is_some();
        if is_said(&X_CONTENT_TYPE_OPTIONS) || THEIRS.iter().any(is_said) {
            keep_theirs(ours, headers);
        } else {
            headers.append_all(ours);
        }
        if let Some(Policy(hsts)) = self.hsts.as_ref().filter(|_| secure) {
            headers.insert(&STRICT_TRANSPORT_SECURITY, hsts.as_bytes());
        }
    }
}

/// What a service may know better, of its own answer.
static THEIRS: [HeaderName; 3] = [CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS, REFERRER_POLICY];

fn keep_theirs(ours: &Fields, headers: &mut dyn AnswerHeaders) {
    for name in &THEIRS {
        if headers.first(name).is_none() {
            headers.append(name, ours.get(name.as_str()).unwrap_or_default());
        }
    }
    if headers.only(&X_CONTENT_TYPE_OPTIONS) != Some(NOSNIFF.as_bytes()) {
        headers.insert(&X_CONTENT_TYPE_OPTIONS, NOSNIFF.as_bytes());
    }
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

    fn completed(docs: bool, secure: bool, theirs: &[(HeaderName, &'static str)]) -> Fields {
        let mut map: Fields = theirs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        for name in CONCEALED.iter().chain([&REPLACED]) {
            map.discard(name);
        }
        Completed::by(headers()).complete(docs, secure, &mut map);
        map
    }

    fn values<'a>(map: &'a Fields, name: &HeaderName) -> Vec<&'a str> {
        map.texts(name.as_str()).collect()
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
            assert_eq!(values(&map, &name), [value]);
        }
        assert_eq!(values(&completed(true, false, &[]), &CONTENT_SECURITY_POLICY), ["default-src 'self'"]);
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
        assert_eq!(values(&map, &CONTENT_SECURITY_POLICY), ["sandbox"]);
        assert_eq!(values(&map, &X_FRAME_OPTIONS), ["SAMEORIGIN"]);
        assert_eq!(values(&map, &X_CONTENT_TYPE_OPTIONS), ["nosniff"]);
        assert_eq!(values(&map, &STRICT_TRANSPORT_SECURITY), ["max-age=60; includeSubDomains"]);
        assert!(!map.contains("server") && !map.contains("x-powered-by"));
    }

    #[test]
    fn types_are_not_guessed_whatever_a_service_says() {
        let said: [&[&str]; 4] = [&[], &["nosniff"], &["guess"], &["nosniff", "guess"]];
        for values in said {
            let theirs: Vec<_> = values.iter().map(|value| (X_CONTENT_TYPE_OPTIONS, *value)).collect();
            let map = completed(false, false, &theirs);
            assert_eq!(self::values(&map, &X_CONTENT_TYPE_OPTIONS), ["nosniff"], "{values:?}");
        }
    }

    #[test]
    fn only_what_came_over_tls_is_held_to_it() {
        assert!(
            !completed(false, false, &[(STRICT_TRANSPORT_SECURITY, "max-age=1")])
                .contains("strict-transport-security")
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
