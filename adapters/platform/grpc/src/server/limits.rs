//! Bounds on what one request may bring.

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::{Code, Status, body::Body};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Fails the body with `RESOURCE_EXHAUSTED` beyond `max` bytes, before they are in memory.
pub(super) fn limit(body: Body, max: usize) -> Body {
    Body::new(Limited::new(body, max).map_err(move |error| {
        if error.is::<LengthLimitError>() { too_large(max) } else { Status::from_error(error) }
    }))
}

fn too_large(max: usize) -> Status {
    let details = ErrorDetails::with_error_info("payload_too_large", "shop", []);
    Status::with_error_details(
        Code::ResourceExhausted,
        format!("request must not exceed {max} bytes"),
        details,
    )
}
