//! What browsers are told: which pages may use the API, and what not to do with its answers.

use std::{convert::Infallible, str::FromStr};

use gateway_application::policy::{Cors, CorsSettings};
use gateway_http::{Policy, SecurityHeaders};
use platform_runtime::Settings;

/// An answer of the API is data, and nothing in it is ever run or shown.
const CONTENT: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The page that shows the documents brings its scripts along, and styles in its elements.
const DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ALLOWED: &str = "Authorization,Content-Type,Idempotency-Key,If-Match,Last-Event-ID,X-Request-Id,\
                       X-Request-Timeout-Ms,traceparent,X-Grpc-Web,X-User-Agent,Grpc-Timeout";
const EXPOSED: &str = "ETag,Idempotency-Replayed,Location,RateLimit-Limit,RateLimit-Remaining,RateLimit-Reset,\
                       Retry-After,WWW-Authenticate,X-Request-Id,Grpc-Status,Grpc-Message,Grpc-Status-Details-Bin";

const REFERRERS: [&str; 8] = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];

/// Grants to pages, and headers; `None` where somebody else adds them.
#[derive(Clone, Debug)]
pub struct Browsers {
    /// Which pages may use the API.
    pub cors: Cors,
    /// What answers say.
    pub headers: Option<SecurityHeaders>,
}

pub(super) fn declare(settings: &mut Settings) -> Browsers {
    Browsers { cors: cors(settings), headers: security(settings) }
}

fn cors(settings: &mut Settings) -> Cors {
    let about = "origins whose pages may use the API, such as https://shop.example; none where it is not set";
    let origins = names(settings, "CORS_ALLOWED_ORIGINS", "", about);
    let methods =
        names(settings, "CORS_ALLOWED_METHODS", "GET,HEAD,POST,PUT,DELETE", "methods that pages may use");
    let headers = names(settings, "CORS_ALLOWED_HEADERS", ALLOWED, "headers that pages may send");
    let exposed = names(settings, "CORS_EXPOSED_HEADERS", EXPOSED, "headers of answers that pages may read");
    let about = "whether browsers send cookies along; tokens need no such thing";
    let credentials = settings.flag("CORS_ALLOW_CREDENTIALS", false, about);
    let about = "how long a browser remembers what pages may do";
    let max_age = settings.duration("CORS_MAX_AGE", "10m", about);
    match Cors::new(CorsSettings { origins, methods, headers, exposed, credentials, max_age }) {
        Ok(cors) => cors,
        Err(violations) => {
            for violation in violations.as_slice() {
                settings.refuse(variable(violation.field()), violation.message());
            }
            Cors::default()
        }
    }
}

fn variable(field: &str) -> &'static str {
    match field {
        "methods" => "CORS_ALLOWED_METHODS",
        "headers" => "CORS_ALLOWED_HEADERS",
        "exposed" => "CORS_EXPOSED_HEADERS",
        "credentials" => "CORS_ALLOW_CREDENTIALS",
        _ => "CORS_ALLOWED_ORIGINS",
    }
}

fn security(settings: &mut Settings) -> Option<SecurityHeaders> {
    let about = "whether answers carry security headers; otherwise somebody in front has to add them";
    let enabled = settings.flag("SECURITY_HEADERS_ENABLED", true, about);
    let about = "how long browsers are to use TLS only, once they have; 0s to say nothing of it";
    let max_age = settings.duration("HSTS_MAX_AGE", "8760h", about);
    let about = "whether that holds for all hosts below this one, too";
    let subdomains = settings.flag("HSTS_INCLUDE_SUBDOMAINS", false, about);
    let content =
        policy(settings, "CONTENT_SECURITY_POLICY", CONTENT, "the policy of all answers but the documents");
    let docs = policy(settings, "DOCS_CONTENT_SECURITY_POLICY", DOCS, "the policy of the documents");
    let about = "who may show an answer in a frame";
    let frames =
        settings.choice("FRAME_OPTIONS", "DENY", &["DENY", "SAMEORIGIN"].map(|name| (name, name)), about);
    let about = "what of an address is told to others";
    let referrer =
        settings.choice("REFERRER_POLICY", "no-referrer", &REFERRERS.map(|name| (name, name)), about);
    let read = |name: Option<&str>| name?.parse::<Policy>().ok();
    let headers = SecurityHeaders {
        hsts: SecurityHeaders::hsts(max_age, subdomains),
        content: content?,
        docs: docs?,
        frames: read(frames)?,
        referrer: read(referrer)?,
    };
    enabled.then_some(headers)
}

fn policy(settings: &mut Settings, name: &'static str, default: &str, about: &'static str) -> Option<Policy> {
    settings.parsed(name, default, "a policy in one line of visible ASCII characters", about)
}

fn names(settings: &mut Settings, name: &'static str, default: &str, about: &'static str) -> Vec<String> {
    let rule = "names, separated by commas";
    settings.parsed::<Names>(name, default, rule, about).map(|Names(names)| names).unwrap_or_default()
}

/// Names with commas between; there may be none. What they have to look like is checked with all others.
struct Names(Vec<String>);

impl FromStr for Names {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Browsers, Vec<String>> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let browsers = declare(&mut settings);
        settings.finish().map(|()| browsers).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn by_default_no_page_may_and_answers_are_strict() {
        let Browsers { cors, headers } = read(&[]).unwrap();
        assert_eq!(cors.grant("https://shop.example"), None);
        let headers = headers.unwrap();
        assert_eq!(headers.content, CONTENT.parse().unwrap());
        assert_eq!(headers.hsts, Some("max-age=31536000".parse().unwrap()));
        assert!(read(&[("SECURITY_HEADERS_ENABLED", "false")]).unwrap().headers.is_none());
        assert!(read(&[("HSTS_MAX_AGE", "0s")]).unwrap().headers.unwrap().hsts.is_none());
    }

    #[test]
    fn origins_are_a_list() {
        let cors = read(&[("CORS_ALLOWED_ORIGINS", "https://a.example, https://b.example,")]).unwrap().cors;
        assert!(cors.grant("https://a.example").is_some() && cors.grant("https://b.example").is_some());
        assert_eq!(cors.methods(), "GET, HEAD, POST, PUT, DELETE");
    }

    #[test]
    fn everything_wrong_is_named() {
        let wrong = [
            ("CORS_ALLOWED_ORIGINS", "shop.example"),
            ("CORS_ALLOWED_METHODS", "*"),
            ("CORS_ALLOWED_HEADERS", "a b"),
            ("CORS_EXPOSED_HEADERS", "*"),
            ("CORS_MAX_AGE", "long"),
            ("CONTENT_SECURITY_POLICY", "a\nb"),
            ("FRAME_OPTIONS", "ALLOW"),
            ("REFERRER_POLICY", "never"),
        ];
        let problems = read(&wrong).unwrap_err();
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
        for (name, _) in wrong {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
        let open = [("CORS_ALLOWED_ORIGINS", "*"), ("CORS_ALLOW_CREDENTIALS", "true")];
        assert!(read(&open).unwrap_err()[0].starts_with("CORS_ALLOW_CREDENTIALS"));
    }
}
