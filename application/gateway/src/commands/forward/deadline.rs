//! How long a request may take: the gateway's limit, or less where the client says so.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName};
use kernel_application::CallContext;

/// The time that is left, in whole milliseconds. A client may ask for less than the gateway's limit, and a backend is told
/// what is left for it.
const X_REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// The same call with a nearer deadline, where one is asked for. What cannot be read is no wish.
pub(super) fn shortened(ctx: &CallContext, headers: &mut HeaderMap) -> Option<Box<CallContext>> {
    let asked = headers.remove(X_REQUEST_TIMEOUT);
    let asked = asked.and_then(|asked| asked.to_str().ok()?.parse().ok()).map(Duration::from_millis);
    let asked = asked.filter(|asked| ctx.remaining().is_none_or(|remaining| *asked < remaining));
    let deadline = Instant::now().checked_add(asked?)?;
    Some(Box::new(ctx.clone().with_deadline(deadline)))
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::context;

    use super::*;

    fn remaining(limit: u64, asked: &'static str) -> Duration {
        let ctx = context().with_deadline(Instant::now() + Duration::from_secs(limit));
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_TIMEOUT, asked.parse().unwrap());
        let shortened = shortened(&ctx, &mut headers);
        let remaining = shortened.as_deref().unwrap_or(&ctx).remaining().unwrap();
        assert!(headers.is_empty(), "the backend gets its own");
        remaining
    }

    #[test]
    fn a_client_can_ask_for_less_but_not_for_more() {
        let second = Duration::from_secs(1);
        assert!(remaining(60, "1000") <= second);
        for asked in ["600000", "soon", "-1", "99999999999999999999"] {
            assert!(remaining(60, asked) > second * 30, "{asked}");
        }
    }
}
