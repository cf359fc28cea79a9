//! Failures that many routes share, for the OpenAPI document.

use platform_http::{Failures, failures};
use utoipa::IntoResponses;

/// Every route reads parameters and needs the store.
pub(crate) struct Always;

impl IntoResponses for Always {
    fn responses() -> Failures {
        failures(&[
            (422, "A field or parameter breaks a rule; `errors` names each"),
            (500, "A fault of ours"),
            (503, "The store or another service is away, or there are too many requests; see `Retry-After`"),
            (504, "Not finished in time"),
        ])
    }
}

/// Routes for a payment's user, besides [`Always`]; somebody else's payment is answered as if there were none.
pub(crate) struct ForItsUser;

impl IntoResponses for ForItsUser {
    fn responses() -> Failures {
        failures(&[
            UNAUTHENTICATED,
            (404, "`payment_not_found`: there is no such payment, or it is another user's"),
        ])
    }
}

/// Routes that name a user, besides [`Always`].
pub(crate) struct ForTheUser;

impl IntoResponses for ForTheUser {
    fn responses() -> Failures {
        failures(&[UNAUTHENTICATED, (403, "`forbidden`: the token is another user's")])
    }
}

/// Routes for administrators, besides [`Always`].
pub(crate) struct ForAdministrators;

impl IntoResponses for ForAdministrators {
    fn responses() -> Failures {
        failures(&[UNAUTHENTICATED, (403, "`forbidden`: the token has not the role `admin`")])
    }
}

const UNAUTHENTICATED: (u16, &str) =
    (401, "`unauthenticated`: a token is needed; `invalid_token`: the one that was sent does not hold");

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

/// Routes with an idempotency key: the last of a status wins, so they name this one before [`Always`].
pub(crate) struct WithKey;

impl IntoResponses for WithKey {
    fn responses() -> Failures {
        failures(&[(
            422,
            "A field, parameter or header breaks a rule; `errors` names each; `idempotency_key_reused`: the key \
             belongs to another request",
        )])
    }
}
