//! Failures that many routes share, for the OpenAPI document.

use platform_http::{Failures, failures};
use utoipa::IntoResponses;

/// Every route needs the store.
pub(crate) struct Always;

impl IntoResponses for Always {
    fn responses() -> Failures {
        failures(&[
            (500, "A fault of ours"),
            (503, "The store is away, or there are too many requests; see `Retry-After`"),
            (504, "Not finished in time"),
        ])
    }
}

/// Routes with parameters.
pub(crate) struct WithParameters;

impl IntoResponses for WithParameters {
    fn responses() -> Failures {
        failures(&[(422, "`validation_failed`: a parameter or field breaks a rule; `errors` names each")])
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

/// Routes with a product's number in their path.
pub(crate) struct WithProduct;

impl IntoResponses for WithProduct {
    fn responses() -> Failures {
        failures(&[(404, "`product_not_found`")])
    }
}
