//! What a client learns when the gateway has no answer of a backend to pass on.

use actix_web::http::StatusCode;
use gateway_application::GatewayError;
use kernel_application::UseCaseError;
use platform_http::Problem;

/// The problem of a failed request. Backends' addresses are for the log only.
pub(crate) fn problem(error: &GatewayError) -> Problem {
    let (status, detail) = match error {
        GatewayError::Path(_) | GatewayError::Target(_) | GatewayError::BodyBroken => {
            (StatusCode::BAD_REQUEST, error.to_string())
        }
        GatewayError::UnknownRoute => (StatusCode::NOT_FOUND, error.to_string()),
        GatewayError::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        GatewayError::Disabled(_) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
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
    Problem::new(status, error.code(), detail)
}
