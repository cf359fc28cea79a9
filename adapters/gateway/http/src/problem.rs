//! What a client learns when the gateway has no answer of a backend to pass on.

use std::time::Duration;

use actix_web::http::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};
use gateway_application::{GatewayError, rate_limit_headers};
use kernel_application::UseCaseError;
use platform_http::Problem;

/// The problem of a failed request. Backends' addresses are for the log only.
pub(crate) fn problem(error: &GatewayError) -> Problem {
    let (status, detail) = match error {
        GatewayError::Denied(denied) => return Problem::of(denied),
        GatewayError::Path(_) | GatewayError::Target(_) | GatewayError::BodyBroken => {
            (StatusCode::BAD_REQUEST, error.to_string())
        }
        GatewayError::TokenExpired => (StatusCode::UNAUTHORIZED, error.to_string()),
        GatewayError::UnknownRoute => (StatusCode::NOT_FOUND, error.to_string()),
        GatewayError::BodySlow => (StatusCode::REQUEST_TIMEOUT, error.to_string()),
        GatewayError::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, error.to_string()),
        GatewayError::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        GatewayError::Disabled(_) | GatewayError::NoBackend { .. } | GatewayError::Overloaded(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
        }
        GatewayError::CircuitOpen { service, .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the {service} service has failed too often; try again later"),
        ),
        GatewayError::Unreachable { service, .. } => {
            (StatusCode::BAD_GATEWAY, format!("the {service} service cannot be reached"))
        }
        GatewayError::BadAnswer { service, .. } => {
            (StatusCode::BAD_GATEWAY, format!("the {service} service gave no valid answer"))
        }
        GatewayError::TimedOut { service, .. } => {
            (StatusCode::GATEWAY_TIMEOUT, format!("the {service} service did not answer in time"))
        }
    };
    let mut problem = Problem::new(status, error.code(), detail);
    if let GatewayError::RateLimited(decision) = error {
        for (name, value) in rate_limit_headers(decision) {
            let name = HeaderName::from_bytes(name.as_str().as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                problem = problem.with_header(name, value);
            }
        }
    }
    match retry_after(error) {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}

/// When a repeat may make sense, where that is known. Rounded up, so that nobody comes back too early.
fn retry_after(error: &GatewayError) -> Option<u32> {
    let time: Duration = match error {
        GatewayError::RateLimited(decision) => decision.refused?,
        GatewayError::NoBackend { retry_after, .. } | GatewayError::CircuitOpen { retry_after, .. } => {
            (*retry_after)?
        }
        _ => return None,
    };
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1);
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}
