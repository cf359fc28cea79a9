//! A backend's body on its way to the client.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use gateway_application::{BodyStream, UpstreamResponse};
use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};

/// Passes pieces on as they come, under the length that the backend announced.
pub(crate) struct ForwardedBody {
    size: BodySize,
    stream: BodyStream,
}

impl ForwardedBody {
    /// The body of the answer to a request with `method`.
    pub(crate) fn new(method: &Method, response: UpstreamResponse) -> Self {
        Self { size: size(method, response.status, &response.headers), stream: response.body }
    }
}

/// An answer to `HEAD` announces a length without sending as much; 204 and 304 have no body at all.
fn size(method: &Method, status: StatusCode, headers: &HeaderMap) -> BodySize {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return BodySize::None;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    match length {
        Some(length) => BodySize::Sized(length),
        None if method == Method::HEAD => BodySize::None,
        None => BodySize::Stream,
    }
}

impl MessageBody for ForwardedBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.stream.as_mut().poll_next(cx).map_err(|error| error as Self::Error)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_size_follows_method_status_and_announced_length() {
        let mut known = HeaderMap::new();
        known.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
        let unknown = HeaderMap::new();
        for (method, status, headers, expected) in [
            (Method::GET, StatusCode::OK, &known, BodySize::Sized(7)),
            (Method::GET, StatusCode::OK, &unknown, BodySize::Stream),
            (Method::HEAD, StatusCode::OK, &known, BodySize::Sized(7)),
            (Method::HEAD, StatusCode::OK, &unknown, BodySize::None),
            (Method::GET, StatusCode::NOT_MODIFIED, &known, BodySize::None),
            (Method::DELETE, StatusCode::NO_CONTENT, &unknown, BodySize::None),
        ] {
            assert_eq!(size(&method, status, headers), expected, "{method} {status}");
        }
    }
}
