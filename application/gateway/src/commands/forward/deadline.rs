//! How long a request may take: the gateway's limit, or less where the client says so.

use std::time::{Duration, Instant};

use kernel_application::CallContext;

use crate::Fields;

/// The time that is left, in whole milliseconds. A client may ask for less than the gateway's limit, and a backend is told
/// what is left for it.
const X_REQUEST_TIMEOUT: &str = "x-request-timeout-ms";

/// The same call with a nearer deadline, where one is asked for. What cannot be read is no wish.
pub(super) fn shortened(ctx: &CallContext, headers: &mut Fields) -> Option<Box<CallContext>> {
    if !headers.contains(X_REQUEST_TIMEOUT) {
        return None;
    }
    let asked = headers.text(X_REQUEST_TIMEOUT).and_then(|asked| asked.parse().ok());
    headers.remove(X_REQUEST_TIMEOUT);
    let asked = asked.map(Duration::from_millis);
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
        let mut headers: Fields = [("X-Request-Timeout-Ms", asked)].into_iter().collect();
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
