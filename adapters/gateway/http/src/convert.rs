//! actix speaks the vocabulary of `http` 0.2, the application that of 1: names and values are carried over.

use actix_web::http::{Method as ActixMethod, StatusCode as ActixStatus, Uri, header as actix};
use gateway_application::{Fields, GatewayError};
use http::{HeaderName, HeaderValue, Method, StatusCode, uri::PathAndQuery};

pub(crate) fn method(method: &ActixMethod) -> Method {
    // Both sides accept the same tokens, so a method that one has read is never refused by the other.
    Method::from_bytes(method.as_str().as_bytes()).unwrap_or_default()
}

/// Path and query as they were sent.
pub(crate) fn target(uri: &Uri) -> Result<PathAndQuery, GatewayError> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    PathAndQuery::try_from(target).map_err(|error| GatewayError::Target(error.into()))
}

pub(crate) fn status(status: StatusCode) -> ActixStatus {
    ActixStatus::from_u16(status.as_u16()).unwrap_or(ActixStatus::BAD_GATEWAY)
}

/// The headers of a request.
pub(crate) fn request_headers(headers: &actix::HeaderMap) -> Fields {
    let bytes = headers.iter().map(|(_, value)| value.len()).sum();
    let mut fields = Fields::with_capacity(headers.len(), bytes);
    for (name, value) in headers {
        fields.push(name.as_str(), value.as_bytes());
    }
    fields
}

/// Adds the headers of an answer. The length is left out: actix writes it from the body, and only an answer that has none
/// keeps it. So is the backend's name, which would be taken out in the end.
pub(crate) fn add_headers(fields: Fields, keep_length: bool, to: &mut actix::HeaderMap) {
    fields.give(|name, value| {
        if name == "server" || name == "content-length" && !keep_length {
            return;
        }
        if let (Some(name), Ok(value)) = (header_name(name), actix::HeaderValue::from_maybe_shared(value)) {
            to.append(name, value);
        }
    });
}

/// Names that the library does not know and nearly every answer has are found quicker than they are read.
fn header_name(name: &str) -> Option<actix::HeaderName> {
    const LIMIT: actix::HeaderName = actix::HeaderName::from_static("ratelimit-limit");
    const REMAINING: actix::HeaderName = actix::HeaderName::from_static("ratelimit-remaining");
    const RESET: actix::HeaderName = actix::HeaderName::from_static("ratelimit-reset");
    match name {
        "ratelimit-limit" => Some(LIMIT),
        "ratelimit-remaining" => Some(REMAINING),
        "ratelimit-reset" => Some(RESET),
        _ => actix::HeaderName::from_bytes(name.as_bytes()).ok(),
    }
}

pub(crate) fn header(
    name: &HeaderName,
    value: &HeaderValue,
) -> Option<(actix::HeaderName, actix::HeaderValue)> {
    let name = actix::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
    Some((name, actix::HeaderValue::from_bytes(value.as_bytes()).ok()?))
}
