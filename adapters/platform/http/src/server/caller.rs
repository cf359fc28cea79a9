//! Who calls: found out once per request, before its route is asked.

use actix_web::http::header::AUTHORIZATION;
use kernel_application::Caller;
use platform_identity::{Authenticator, Rejected, authorization};

use crate::Headers;

/// The caller whom the request's token proves.
///
/// A token that is no good is refused also where none is needed: who sends it means to be somebody, and would get an
/// answer for nobody.
pub(super) async fn identify(
    authenticator: &Authenticator,
    headers: &dyn Headers,
) -> Result<Caller, Rejected> {
    let (first, second) = headers.two(&AUTHORIZATION);
    authenticator.authenticate(authorization(first.into_iter().chain(second))).await
}

/// Whether a path is one of operations, which probes, scrapers and browsers ask without a token.
pub(super) fn asks_nobody(path: &str) -> bool {
    let below =
        |root| path.strip_prefix(root).is_some_and(|rest: &str| rest.is_empty() || rest.starts_with('/'));
    path == "/metrics" || path == "/openapi.json" || below("/health") || below("/docs")
}

#[cfg(test)]
mod tests {
    use super::*;

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
