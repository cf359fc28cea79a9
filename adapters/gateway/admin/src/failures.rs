//! Failures that many routes share, for the OpenAPI document. Those of a caller without a token or the role are added by
//! the server.

use platform_http::{Failures, failures};
use utoipa::IntoResponses;

/// Every route.
pub(crate) struct Always;

impl IntoResponses for Always {
    fn responses() -> Failures {
        failures(&[
            (500, "A fault of ours"),
            (503, "Too many requests, or the change could not be kept (`not_kept`), and so was not made"),
            (504, "Not finished in time"),
        ])
    }
}

/// Routes of a service.
pub(crate) struct OfService;

impl IntoResponses for OfService {
    fn responses() -> Failures {
        failures(&[
            (404, "`unknown_service`, or `unknown_backend` where the path names one"),
            (422, "`validation_failed`: a parameter or field breaks a rule; `errors` names each"),
        ])
    }
}

/// Routes that change something.
pub(crate) struct Changing;

impl IntoResponses for Changing {
    fn responses() -> Failures {
        failures(&[
            (
                409,
                "`service_disabled`, `backend_exists`, `last_backend`, `too_many_backends` or `no_breaker`",
            ),
            (412, "`stale`: `If-Match` is not the current version"),
            (422, "`validation_failed`: a parameter or field breaks a rule; `errors` names each"),
        ])
    }
}

/// Routes with a body.
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
