//! Who calls: found out once per request, before its route is asked.

use actix_web::http::header::{self, HeaderMap};
use kernel_application::Caller;
use platform_identity::{Authenticator, Rejected};

/// The caller whom the request's token proves.
///
/// A token that is no good is refused also where none is needed: who sends it means to be somebody, and would get an
/// answer for nobody.
pub(super) async fn identify(authenticator: &Authenticator, headers: &HeaderMap) -> Result<Caller, Rejected> {
    authenticator.authenticate(authorization(headers)).await
}

/// What is sent twice, or is no text, is no token either, and is refused as one.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let first = values.next()?;
    Some(first.to_str().ok().filter(|_| values.next().is_none()).unwrap_or_default())
}

/// Whether a path is one of operations, which probes, scrapers and browsers ask without a token.
pub(super) fn asks_nobody(path: &str) -> bool {
    let below =
        |root| path.strip_prefix(root).is_some_and(|rest: &str| rest.is_empty() || rest.starts_with('/'));
    path == "/metrics" || path == "/openapi.json" || below("/health") || below("/docs")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn one_value_is_handed_on_and_anything_else_is_no_token() {
        let read = |values: &[&[u8]]| {
            let mut request = TestRequest::default();
            for value in values {
                let value = header::HeaderValue::from_bytes(value).unwrap();
                request = request.append_header((header::AUTHORIZATION, value));
            }
            authorization(request.to_http_request().headers()).map(str::to_owned)
        };
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[b"Bearer a.b.c"]).as_deref(), Some("Bearer a.b.c"));
        assert_eq!(read(&[b"Bearer a.b.c", b"Bearer a.b.c"]).as_deref(), Some(""));
        assert_eq!(read(&[b"Bearer \xff"]).as_deref(), Some(""));
    }

    #[test]
    fn only_operations_ask_nobody() {
        for open in ["/health", "/health/ready", "/metrics", "/openapi.json", "/docs", "/docs/", "/docs/a.js"]
        {
            assert!(asks_nobody(open), "{open}");
        }
        for asked in
            ["/", "/healthy", "/metrics/", "/documents", "/openapi.jsonx", "/things/health", "//health"]
        {
            assert!(!asks_nobody(asked), "{asked}");
        }
    }
}
