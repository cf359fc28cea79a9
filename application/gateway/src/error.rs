//! How a request can fail at the gateway.

use std::time::Duration;

use gateway_domain::{PathError, Service, limit::Decision};
use kernel_application::{BoxError, Denied, ErrorClass, UseCaseError};

use crate::{BodyError, Stage};

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
    /// The route is not for everybody, and nobody knows who asks: 401.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The caller's token was good when the call began, and has expired since.
    #[error("the token has expired")]
    TokenExpired,
    /// The client has sent too many requests: 429 with the figures.
    #[error("too many requests; try again later")]
    RateLimited(Decision),
    /// No backend is up: 503 with `Retry-After`.
    #[error("no backend of the {service} service is ready")]
    NoBackend {
        /// The service.
        service: Service,
        /// When one may be again.
        retry_after: Option<Duration>,
    },
    /// The breakers of all backends that are up are open: 503 with `Retry-After`.
    #[error("circuit breakers of the {service} service are open")]
    CircuitOpen {
        /// The service.
        service: Service,
        /// When the first one lets a request through.
        retry_after: Option<Duration>,
    },
    /// All backends are at their limit, and so are their queues: 503 with `Retry-After`.
    #[error("all backends of the {0} service are at their limit")]
    Overloaded(Service),
    /// The client's body is longer than allowed: 413.
    #[error("request body is too large")]
    BodyTooLarge,
    /// The client's body broke off: 400, if anybody still listens.
    #[error("request body could not be read")]
    BodyBroken,
    /// The client's body did not arrive in time: 408.
    #[error("request body did not arrive in time")]
    BodySlow,
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
            Self::Path(_) | Self::Target(_) | Self::BodyTooLarge | Self::BodyBroken | Self::BodySlow => {
                ErrorClass::Invalid
            }
            Self::UnknownRoute => ErrorClass::NotFound,
            Self::Denied(denied) => denied.class(),
            Self::TokenExpired => ErrorClass::Unauthenticated,
            Self::RateLimited(_) => ErrorClass::Contended,
            Self::Disabled(_)
            | Self::NoBackend { .. }
            | Self::CircuitOpen { .. }
            | Self::Overloaded(_)
            | Self::Unreachable { .. }
            | Self::BadAnswer { .. } => ErrorClass::Unavailable,
            Self::TimedOut { .. } => ErrorClass::Timeout,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Path(_) => "invalid_path",
            Self::Target(_) => "invalid_target",
            Self::UnknownRoute => "unknown_route",
            Self::Disabled(_) => "service_disabled",
            Self::Denied(denied) => denied.code(),
            Self::TokenExpired => "invalid_token",
            Self::RateLimited(_) => "rate_limited",
            Self::NoBackend { .. } => "no_backend",
            Self::CircuitOpen { .. } => "circuit_open",
            Self::Overloaded(_) => "overloaded",
            Self::BodyTooLarge => "too_large",
            Self::BodyBroken => "body_broken",
            Self::BodySlow => "body_slow",
            Self::Unreachable { .. } => "backend_unreachable",
            Self::BadAnswer { .. } => "bad_backend_answer",
            Self::TimedOut { .. } => "backend_timeout",
        }
    }
}

impl From<BodyError> for GatewayError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::BodyTooLarge,
            BodyError::Slow => Self::BodySlow,
            BodyError::Broken | BodyError::Withdrawn => Self::BodyBroken,
        }
    }
}
