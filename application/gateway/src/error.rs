//! How a request can fail at the gateway.

use gateway_domain::{PathError, Service};
use kernel_application::{BoxError, ErrorClass, UseCaseError};

use crate::Stage;

/// Why a request was not answered by a backend.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The path can be read in two ways: 400.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Path and query together are no request target: 400.
    #[error("path and query are not a valid request target")]
    Target(#[source] BoxError),
    /// No service has this path: 404.
    #[error("no service answers this path")]
    UnknownRoute,
    /// The service is switched off: 503.
    #[error("{0} service is switched off")]
    Disabled(Service),
    /// The client's body is longer than allowed: 413.
    #[error("request body is too large")]
    BodyTooLarge,
    /// The client's body broke off: 400, if anybody still listens.
    #[error("request body could not be read")]
    BodyBroken,
    /// The backend could not be reached: 502.
    #[error("{service} backend {backend} cannot be reached")]
    Unreachable {
        /// The service.
        service: Service,
        /// The backend's base URL.
        backend: String,
        /// The transport's error.
        #[source]
        source: BoxError,
    },
    /// The backend broke the connection, or did not answer in HTTP: 502.
    #[error("{service} backend {backend} gave no valid answer")]
    BadAnswer {
        /// The service.
        service: Service,
        /// The backend's base URL.
        backend: String,
        /// The transport's error.
        #[source]
        source: BoxError,
    },
    /// The backend was too slow: 504.
    #[error("{service} backend {backend} timed out ({stage})")]
    TimedOut {
        /// The service.
        service: Service,
        /// The backend's base URL.
        backend: String,
        /// What took too long.
        stage: Stage,
    },
}

impl UseCaseError for GatewayError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Path(_) | Self::Target(_) | Self::BodyTooLarge | Self::BodyBroken => ErrorClass::Invalid,
            Self::UnknownRoute => ErrorClass::NotFound,
            Self::Disabled(_) | Self::Unreachable { .. } | Self::BadAnswer { .. } => ErrorClass::Unavailable,
            Self::TimedOut { .. } => ErrorClass::Timeout,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Path(_) => "invalid_path",
            Self::Target(_) => "invalid_target",
            Self::UnknownRoute => "unknown_route",
            Self::Disabled(_) => "service_disabled",
            Self::BodyTooLarge => "too_large",
            Self::BodyBroken => "body_broken",
            Self::Unreachable { .. } => "backend_unreachable",
            Self::BadAnswer { .. } => "bad_backend_answer",
            Self::TimedOut { .. } => "backend_timeout",
        }
    }
}
