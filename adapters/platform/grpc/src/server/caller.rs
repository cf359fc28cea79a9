//! Who calls: found out once per call, from its metadata.

use http::HeaderMap;
use kernel_application::{Caller, ErrorClass};
use platform_identity::{Authenticator, Rejected};
use tonic::Status;

use crate::{context::AUTHORIZATION, status::build};

/// The caller whom the call's token proves. A token that is no good is refused also where none is needed: who sends it
/// means to be somebody, and would get an answer for nobody.
pub(super) async fn identify(
    authenticator: &Authenticator,
    metadata: &HeaderMap,
) -> Result<Caller, Rejected> {
    authenticator.authenticate(authorization(metadata)).await
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

/// What is sent twice, or is no text, is no token either, and is refused as one.
fn authorization(metadata: &HeaderMap) -> Option<&str> {
    let mut values = metadata.get_all(AUTHORIZATION).iter();
    let first = values.next()?;
    Some(first.to_str().ok().filter(|_| values.next().is_none()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn one_value_is_handed_on_and_anything_else_is_no_token() {
        let read = |values: &[&[u8]]| {
            let mut metadata = HeaderMap::new();
            for value in values {
                metadata.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
            }
            authorization(&metadata).map(str::to_owned)
        };
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[b"Bearer a.b.c"]).as_deref(), Some("Bearer a.b.c"));
        assert_eq!(read(&[b"Bearer a.b.c", b"Bearer a.b.c"]).as_deref(), Some(""));
        assert_eq!(read(&[b"Bearer \xff"]).as_deref(), Some(""));
    }
}
