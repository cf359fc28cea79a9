//! Application errors as gRPC statuses with `google.rpc` details, and back.
//!
//! `ErrorInfo.reason` carries the application's own code, the one that the HTTP API answers. A new [`ErrorClass`] needs an
//! arm in both directions; the compiler names them.

use std::{collections::HashMap, time::Duration};

use kernel_application::{ErrorClass, UseCaseError};
use kernel_domain::Violation;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// The code of a request that an adapter refuses before it reaches a handler.
pub const INVALID_REQUEST: &str = "validation_failed";

/// The domain of our reasons in `ErrorInfo`.
const DOMAIN: &str = "shop";
/// When to come back after `UNAVAILABLE`.
const RETRY_LATER: Duration = Duration::from_secs(1);
/// When to come back after losing a race.
const RETRY_SOON: Duration = Duration::from_millis(50);

/// The status for an application error; the text of failures of ours stays inside.
pub fn status(error: &dyn UseCaseError) -> Status {
    build(error.class(), error.code(), &error.to_string(), error.violations())
}

/// `INVALID_ARGUMENT` for input that breaks rules which the adapter checks.
pub fn invalid(violations: &[Violation]) -> Status {
    build(ErrorClass::Invalid, INVALID_REQUEST, "request is not valid", violations)
}

pub(crate) fn build(class: ErrorClass, code: &str, message: &str, violations: &[Violation]) -> Status {
    let mut details = ErrorDetails::with_error_info(code, DOMAIN, HashMap::new());
    match class {
        ErrorClass::Invalid => {
            details.set_bad_request(violations.iter().map(field_violation).collect::<Vec<_>>());
        }
        ErrorClass::Conflict | ErrorClass::Stale => {
            details.add_precondition_failure_violation(code, "", message);
        }
        ErrorClass::Contended => {
            details.set_retry_info(Some(RETRY_SOON));
        }
        ErrorClass::Unavailable => {
            details.set_retry_info(Some(RETRY_LATER));
        }
        ErrorClass::Unauthenticated
        | ErrorClass::Forbidden
        | ErrorClass::NotFound
        | ErrorClass::Timeout
        | ErrorClass::Internal => {}
    }
    Status::with_error_details(grpc_code(class), public_message(class, message), details)
}

/// What a peer's failing status says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of failure.
    pub class: ErrorClass,
    /// The peer's own code (`ErrorInfo.reason`), empty where it sent none.
    pub code: String,
    /// The peer's words.
    pub message: String,
    /// The fields it refused.
    pub fields: Vec<FieldFault>,
    /// When it wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// One field that a peer refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The field's name.
    pub field: String,
    /// The rule's code.
    pub code: String,
    /// The rule in words.
    pub message: String,
}

impl From<&Status> for Fault {
    fn from(status: &Status) -> Self {
        let details = status.get_error_details();
        let reason =
            details.error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason.clone());
        let fields = details.bad_request().map(|bad| bad.field_violations.iter().map(field_fault).collect());
        Self {
            class: error_class(status, details.precondition_failure().is_some()),
            code: reason.unwrap_or_default(),
            message: status.message().to_owned(),
            fields: fields.unwrap_or_default(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

/// The code's name in metrics and logs: `NOT_FOUND`.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

const fn grpc_code(class: ErrorClass) -> Code {
    match class {
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

fn error_class(status: &Status, precondition: bool) -> ErrorClass {
    match status.code() {
        _ if is_timeout_of_ours(status) => ErrorClass::Timeout,
        // A status with a source was made on this side, by a connection that broke.
        _ if std::error::Error::source(status).is_some() => ErrorClass::Unavailable,
        Code::InvalidArgument | Code::OutOfRange | Code::ResourceExhausted => ErrorClass::Invalid,
        Code::Unauthenticated => ErrorClass::Unauthenticated,
        Code::PermissionDenied => ErrorClass::Forbidden,
        Code::NotFound => ErrorClass::NotFound,
        Code::FailedPrecondition | Code::AlreadyExists => ErrorClass::Conflict,
        Code::Aborted if precondition => ErrorClass::Stale,
        Code::Aborted => ErrorClass::Contended,
        Code::Unavailable => ErrorClass::Unavailable,
        Code::DeadlineExceeded => ErrorClass::Timeout,
        _ => ErrorClass::Internal,
    }
}

fn is_timeout_of_ours(status: &Status) -> bool {
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        source = error.source();
    }
    false
}

fn public_message(class: ErrorClass, message: &str) -> &str {
    match class {
        ErrorClass::Unavailable => "service is unavailable for the moment",
        ErrorClass::Timeout => "deadline exceeded",
        ErrorClass::Internal => "internal error",
        _ => message,
    }
}

fn field_violation(violation: &Violation) -> FieldViolation {
    let mut field = FieldViolation::new(violation.field(), violation.message());
    violation.code().clone_into(&mut field.reason);
    field
}

fn field_fault(violation: &FieldViolation) -> FieldFault {
    FieldFault {
        field: violation.field.clone(),
        code: violation.reason.clone(),
        message: violation.description.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("SELECT failed at 10.0.0.1")]
    struct Failure(ErrorClass);

    impl UseCaseError for Failure {
        fn class(&self) -> ErrorClass {
            self.0
        }

        fn code(&self) -> &'static str {
            "some_code"
        }
    }

    #[test]
    fn classes_survive_the_way_there_and_back() {
        let all = [
            (ErrorClass::Invalid, Code::InvalidArgument),
            (ErrorClass::Unauthenticated, Code::Unauthenticated),
            (ErrorClass::Forbidden, Code::PermissionDenied),
            (ErrorClass::NotFound, Code::NotFound),
            (ErrorClass::Conflict, Code::FailedPrecondition),
            (ErrorClass::Contended, Code::Aborted),
            (ErrorClass::Stale, Code::Aborted),
            (ErrorClass::Unavailable, Code::Unavailable),
            (ErrorClass::Timeout, Code::DeadlineExceeded),
            (ErrorClass::Internal, Code::Internal),
        ];
        for (class, code) in all {
            let status = status(&Failure(class));
            assert_eq!(status.code(), code);
            let fault = Fault::from(&status);
            assert_eq!((fault.class, fault.code.as_str()), (class, "some_code"));
        }
    }

    #[test]
    fn failures_of_ours_tell_no_internals() {
        for class in [ErrorClass::Unavailable, ErrorClass::Timeout, ErrorClass::Internal] {
            let status = status(&Failure(class));
            let details = String::from_utf8_lossy(status.details()).into_owned();
            assert!(!status.message().contains("SELECT") && !details.contains("SELECT"), "{class:?}");
        }
    }

    #[test]
    fn refusals_name_every_field() {
        let status =
            invalid(&[Violation::new("name", "length", "is too long"), Violation::new("q", "x", "y")]);
        let fault = Fault::from(&status);
        assert_eq!(fault.code, INVALID_REQUEST);
        assert_eq!(fault.fields.len(), 2);
        let FieldFault { field, code, message } = &fault.fields[0];
        assert_eq!((field.as_str(), code.as_str(), message.as_str()), ("name", "length", "is too long"));
    }

    #[test]
    fn unavailable_says_when_to_come_back() {
        let fault = Fault::from(&status(&Failure(ErrorClass::Unavailable)));
        assert_eq!(fault.retry_after, Some(RETRY_LATER));
    }

    #[test]
    fn a_stranger_s_status_is_understood() {
        let fault = Fault::from(&Status::not_found("gone"));
        assert_eq!((fault.class, fault.code.as_str()), (ErrorClass::NotFound, ""));
    }
}
