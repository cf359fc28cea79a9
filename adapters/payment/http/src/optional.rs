//! JSON bodies that may be left out.

use std::{
    future::{Future, ready},
    pin::Pin,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use futures_util::StreamExt;
use platform_http::{JsonBody, Problem};
use serde::{Deserialize, de::DeserializeOwned};
use validator::{Validate, ValidationErrors};

/// A body like [`JsonBody`]'s, or the default where there is none at all, or `null`. A body that cannot be read is never taken for
/// an absent one: a refund of some money must not become a refund of all.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate + Default + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if is_absent(request, payload) {
            return Box::pin(ready(Ok(Self(T::default()))));
        }
        if request.headers().contains_key(CONTENT_TYPE) {
            let body = JsonBody::from_request(request, payload);
            return Box::pin(async { body.await.map(Self::from) });
        }
        // Whatever it says, a body without media type is refused: its first bytes are enough to know that there is one.
        let mut body = payload.take();
        let refusal = JsonBody::from_request(request, &mut Payload::None);
        Box::pin(async move {
            match body.next().await {
                None => Ok(Self(T::default())),
                Some(_) => refusal.await.map(Self::from),
            }
        })
    }
}

impl<T: Default> From<JsonBody<Nullable<T>>> for OptionalBody<T> {
    fn from(JsonBody(Nullable(body)): JsonBody<Nullable<T>>) -> Self {
        Self(body.unwrap_or_default())
    }
}

/// What an optional request body is in OpenAPI: the schema, or `null`.
#[derive(Deserialize)]
#[serde(transparent)]
struct Nullable<T>(Option<T>);

impl<T: Validate> Validate for Nullable<T> {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.0.as_ref().map_or(Ok(()), Validate::validate)
    }
}

fn is_absent(request: &HttpRequest, payload: &Payload) -> bool {
    let headers = request.headers();
    let empty = headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0");
    let chunked = headers.contains_key(TRANSFER_ENCODING);
    matches!(payload, Payload::None) || (empty && !chunked)
}
