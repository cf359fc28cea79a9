//! What a client learns when the gateway has no answer of a backend to pass on: a status with `google.rpc` details.
//!
//! `ErrorInfo.reason` is the code that the HTTP side answers.

use std::{collections::HashMap, time::Duration};

use gateway_application::{GatewayError, commands::call::Refused};
use http::HeaderMap;
use kernel_application::{Denied, ErrorClass, UseCaseError};
use platform_identity::Rejected;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of our reasons in `ErrorInfo`.
const DOMAIN: &str = "shop";
/// When to come back where nobody knows better.
const RETRY_LATER: Duration = Duration::from_secs(1);

/// The status of a call that has failed. Backends' addresses are for the log only.
pub(crate) fn of(error: &GatewayError) -> Status {
    build(code(error), error.code(), message(error), retry_after(error))
}

/// The status for a token that is no good.
pub(crate) fn rejected(rejected: Rejected) -> Status {
    if rejected.is_unavailable() {
        build(Code::Unavailable, "identity_unavailable", rejected.to_string(), Some(RETRY_LATER))
    } else {
        build(Code::Unauthenticated, "invalid_token", rejected.to_string(), None)
    }
}

/// The status for a call that goes no further, whoever would have answered it.
pub(crate) fn refused(reason: Refused) -> Status {
    match reason {
        Refused::UnknownRoute => of(&GatewayError::UnknownRoute),
        Refused::Loop => {
            let message = "the call has come through this gateway already".to_owned();
            build(Code::FailedPrecondition, reason.code(), message, None)
        }
        _ => of(&Denied::Unauthenticated.into()),
    }
}

/// The status for metadata beyond the limit.
pub(crate) fn metadata_too_long(limit: usize) -> Status {
    let message = format!("metadata must not exceed {limit} bytes");
    build(Code::ResourceExhausted, "headers_too_large", message, None)
}

/// The status for one call too many.
pub(crate) fn overloaded() -> Status {
    let message = "the gateway has as many calls as it can take".to_owned();
    build(Code::Unavailable, "overloaded", message, Some(RETRY_LATER))
}

/// A status as the trailers that end an answer.
pub(crate) fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // Fails only for a message that cannot be encoded, and ours can.
    if status.add_header(&mut trailers).is_err() {
        trailers.insert("grpc-status", i32::from(status.code()).into());
    }
    trailers
}

fn build(code: Code, reason: &str, message: String, retry_after: Option<Duration>) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(code, message, details)
}

fn code(error: &GatewayError) -> Code {
    match error {
        GatewayError::UnknownRoute => return Code::Unimplemented,
        GatewayError::RateLimited(_) | GatewayError::BodyTooLarge => return Code::ResourceExhausted,
        GatewayError::BodySlow => return Code::DeadlineExceeded,
        _ => {}
    }
    match error.class() {
        ErrorClass::Invalid => Code::InvalidArgument,
        ErrorClass::Unauthenticated => Code::Unauthenticated,
        ErrorClass::Forbidden => Code::PermissionDenied,
        ErrorClass::NotFound => Code::NotFound,
        ErrorClass::Conflict => Code::FailedPrecondition,
        ErrorClass::Contended | ErrorClass::Stale => Code::Aborted,
        ErrorClass::Unavailable => Code::Unavailable,
        ErrorClass::Timeout => Code::DeadlineExceeded,
        ErrorClass::Internal => Code::Internal,
    }
}

fn message(error: &GatewayError) -> String {
    match error {
        GatewayError::UnknownRoute => "no service has this method".to_owned(),
        GatewayError::BodyTooLarge => "message is too long".to_owned(),
        GatewayError::BodyBroken => "messages could not be read".to_owned(),
        GatewayError::BodySlow => "messages did not arrive in time".to_owned(),
        GatewayError::CircuitOpen { service, .. } => {
            format!("the {service} service has failed too often; try again later")
        }
        GatewayError::Unreachable { service, .. } => format!("the {service} service cannot be reached"),
        GatewayError::BadAnswer { service, .. } => format!("the {service} service gave no valid answer"),
        GatewayError::TimedOut { service, .. } => format!("the {service} service did not answer in time"),
        error => error.to_string(),
    }
}

/// When a repeat may make sense.
fn retry_after(error: &GatewayError) -> Option<Duration> {
    match error {
        GatewayError::RateLimited(decision) => decision.refused,
        GatewayError::NoBackend { retry_after, .. } | GatewayError::CircuitOpen { retry_after, .. } => {
            Some(retry_after.unwrap_or(RETRY_LATER))
        }
        GatewayError::Disabled(_) => None,
        error => (error.class() == ErrorClass::Unavailable).then_some(RETRY_LATER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_what_happened() {
        for (error, code, reason) in [
            (GatewayError::UnknownRoute, Code::Unimplemented, "unknown_route"),
            (GatewayError::BodyTooLarge, Code::ResourceExhausted, "too_large"),
            (GatewayError::BodyBroken, Code::InvalidArgument, "body_broken"),
            (Denied::Unauthenticated.into(), Code::Unauthenticated, "unauthenticated"),
            (GatewayError::TokenExpired, Code::Unauthenticated, "invalid_token"),
            (Denied::Forbidden.into(), Code::PermissionDenied, "forbidden"),
        ] {
            let status = of(&error);
            assert_eq!(status.code(), code);
            let details = status.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, reason);
            assert!(details.retry_info().is_none());
        }
    }

    #[test]
    fn what_is_refused_at_the_edge_has_its_reason() {
        for (reason, code) in [
            (Refused::UnknownRoute, Code::Unimplemented),
            (Refused::Unidentified, Code::Unauthenticated),
            (Refused::Loop, Code::FailedPrecondition),
        ] {
            let status = refused(reason);
            assert_eq!(status.code(), code);
            assert_eq!(status.get_error_details().error_info().unwrap().reason, reason.code());
        }
    }

    #[test]
    fn trailers_carry_the_whole_status() {
        let status = overloaded();
        let read = Status::from_header_map(&trailers(&status)).unwrap();
        assert_eq!((read.code(), read.message()), (Code::Unavailable, status.message()));
        assert_eq!(read.get_error_details().retry_info().unwrap().retry_delay, Some(RETRY_LATER));
    }
}
