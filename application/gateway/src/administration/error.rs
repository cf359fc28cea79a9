//! Why a change, or a question, is refused.

use gateway_domain::fleet::{Fleet, Refusal};
use kernel_application::{BoxError, Denied, ErrorClass, StoreError, UseCaseError};
use kernel_domain::{Violation, Violations};

/// How an operator's request can fail.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no service with this name: 404.
    #[error("there is no service `{0}`")]
    UnknownService(String),
    /// The request breaks rules: 422.
    #[error("one or more fields are invalid")]
    Invalid(Violations),
    /// The service is switched off, so it has no backends at work: 409.
    #[error("the {0} service is switched off")]
    Disabled(Fleet),
    /// Breakers are switched off: 409.
    #[error("circuit breakers are switched off")]
    NoBreaker,
    /// The backends are such that the change makes no sense: 404 or 409.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The version is not the current one: 412.
    #[error("somebody else has changed the gateway meanwhile; read it again")]
    Stale,
    /// The change could not be kept, and so was not made: 503.
    #[error("change was not made, because it could not be kept")]
    NotKept(#[source] StoreError),
    /// The change broke off: 500.
    #[error("change broke off")]
    Aborted(#[source] BoxError),
}

impl UseCaseError for AdministrationError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Denied(denied) => denied.class(),
            Self::UnknownService(_) | Self::Refused(Refusal::Unknown) => ErrorClass::NotFound,
            Self::Invalid(_) => ErrorClass::Invalid,
            Self::Disabled(_)
            | Self::NoBreaker
            | Self::Refused(Refusal::Exists | Refusal::Last | Refusal::TooMany) => ErrorClass::Conflict,
            Self::Stale => ErrorClass::Stale,
            Self::NotKept(_) => ErrorClass::Unavailable,
            Self::Aborted(_) => ErrorClass::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::UnknownService(_) => "unknown_service",
            Self::Invalid(_) => "validation_failed",
            Self::Disabled(_) => "service_disabled",
            Self::NoBreaker => "no_breaker",
            Self::Refused(Refusal::Unknown) => "unknown_backend",
            Self::Refused(Refusal::Exists) => "backend_exists",
            Self::Refused(Refusal::Last) => "last_backend",
            Self::Refused(Refusal::TooMany) => "too_many_backends",
            Self::Stale => "stale",
            Self::NotKept(_) => "not_kept",
            Self::Aborted(_) => "aborted",
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Invalid(violations) => violations.as_slice(),
            _ => &[],
        }
    }
}

impl From<Violations> for AdministrationError {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}
