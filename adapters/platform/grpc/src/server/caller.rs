//! Who calls: found out once per call, from its metadata.

use http::{HeaderMap, HeaderValue};
use kernel_application::{Caller, ErrorClass};
use platform_identity::{Authenticator, Rejected, authorization};
use tonic::Status;

use crate::{context::AUTHORIZATION, status::build};

/// The caller whom the call's token proves. A token that is no good is refused also where none is needed: who sends it
/// means to be somebody, and would get an answer for nobody.
pub(super) async fn identify(
    authenticator: &Authenticator,
    metadata: &HeaderMap,
) -> Result<Caller, Rejected> {
    let values = metadata.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    authenticator.authenticate(authorization(values)).await
}

/// `UNAUTHENTICATED` for a token that is no good, `UNAVAILABLE` where nobody can tell for the moment.
pub(super) fn refusal(rejected: Rejected) -> Status {
    let (class, code) = if rejected.is_unavailable() {
        (ErrorClass::Unavailable, "identity_unavailable")
    } else {
        (ErrorClass::Unauthenticated, "invalid_token")
    };
    build(class, code, &rejected.to_string(), &[])
}
