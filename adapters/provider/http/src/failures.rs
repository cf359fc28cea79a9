//! Failures that many routes share, for the OpenAPI document.

use platform_http::{Failures, failures};
use utoipa::IntoResponses;

/// Every route needs the ledger.
pub(crate) struct Always;

impl IntoResponses for Always {
    fn responses() -> Failures {
        failures(&[
            (500, "A fault of ours, or `simulated_failure`, which a token asked for"),
            (503, "The ledger is away, or there are too many requests; see `Retry-After`"),
            (504, "Not finished in time"),
        ])
    }
}

/// Routes with parameters.
pub(crate) struct WithParameters;

impl IntoResponses for WithParameters {
    fn responses() -> Failures {
        failures(&[(422, "A parameter breaks a rule; `errors` names each")])
    }
}

/// Routes with a body and a key.
pub(crate) struct WithBody;

impl IntoResponses for WithBody {
    fn responses() -> Failures {
        failures(&[
            (400, "The body is not JSON"),
            (408, "The body did not arrive in time"),
            (413, "The body is too large"),
            (415, "The body is not `application/json`"),
            (422, "A rule is broken, or `idempotency_key_reused`: the key belongs to another request"),
        ])
    }
}
