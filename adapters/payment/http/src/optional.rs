//! JSON bodies that may be left out.

use std::{future::Future, pin::Pin};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, http::StatusCode, web::Bytes};
use platform_http::{JsonBody, Problem};
use serde::de::DeserializeOwned;
use validator::Validate;

/// A body like [`JsonBody`]'s, or the default where there is none at all; `null`, which an optional body in OpenAPI may
/// be, is an object without fields. A body that cannot be read is never taken for an absent one: a refund of some money
/// must not become a refund of all.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate + Default + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), Bytes::from_request(request, payload));
        Box::pin(async move {
            let body = body.await.map_err(|error| unread(&error))?;
            let body = match body.trim_ascii() {
                b"" => return Ok(Self(T::default())),
                b"null" => Bytes::from_static(b"{}"),
                _ => body,
            };
            let JsonBody(body) = JsonBody::from_request(&request, &mut Payload::from(body)).await?;
            Ok(Self(body))
        })
    }
}

/// Why a body's bytes did not come.
fn unread(error: &Error) -> Problem {
    match error.as_response_error().status_code() {
        status @ StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "too_large", "the body is too large"),
        _ => Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "the body did not arrive in one piece"),
    }
}
