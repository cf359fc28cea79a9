//! Failures that many routes share, for the OpenAPI document.

use platform_http::{Failures, failures};
use utoipa::IntoResponses;

/// Every route checks its path and needs the store.
pub(crate) struct Always;

impl IntoResponses for Always {
    fn responses() -> Failures {
        failures(&[
            (422, "A field or path parameter breaks a rule; `errors` names each"),
            (500, "A fault of ours"),
            (
                503,
                "The store or the product service is away, or there are too many requests; see `Retry-After`",
            ),
            (504, "Not finished in time"),
        ])
    }
}

/// Routes with a body, besides [`Always`].
pub(crate) struct WithBody;

impl IntoResponses for WithBody {
    fn responses() -> Failures {
        failures(&[
            (400, "The body is not JSON"),
            (408, "The body did not arrive in time"),
            (413, "The body is too large"),
            (415, "The body is not `application/json`"),
        ])
    }
}
