//! actix speaks the vocabulary of `http` 0.2, the application that of 1: names and values are carried over.

use actix_web::http::{Method as ActixMethod, StatusCode as ActixStatus, header as actix};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_LENGTH};

pub(crate) fn method(method: &ActixMethod) -> Method {
    // Both sides accept the same tokens, so a method that one has read is never refused by the other.
    Method::from_bytes(method.as_str().as_bytes()).unwrap_or_default()
}

pub(crate) fn status(status: StatusCode) -> ActixStatus {
    ActixStatus::from_u16(status.as_u16()).unwrap_or(ActixStatus::BAD_GATEWAY)
}

/// All values are in one piece of memory, which copies of them share.
pub(crate) fn request_headers(headers: &actix::HeaderMap) -> HeaderMap {
    let mut converted = HeaderMap::with_capacity(headers.len());
    let mut memory = BytesMut::with_capacity(headers.iter().map(|(_, value)| value.len()).sum());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_maybe_shared(copied(&mut memory, value.as_bytes()));
        if let (Ok(name), Ok(value)) = (name, value) {
            converted.append(name, value);
        }
    }
    converted
}

/// The length is left out: actix writes it from the body, and only an answer that has none keeps it.
pub(crate) fn response_headers(
    headers: &HeaderMap,
    keep_length: bool,
) -> impl Iterator<Item = (actix::HeaderName, actix::HeaderValue)> {
    let mut memory = BytesMut::with_capacity(headers.values().map(HeaderValue::len).sum());
    headers.iter().filter(move |(name, _)| keep_length || *name != CONTENT_LENGTH).filter_map(
        move |(name, value)| {
            let name = actix::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
            let value = copied(&mut memory, value.as_bytes());
            Some((name, actix::HeaderValue::from_maybe_shared(value).ok()?))
        },
    )
}

fn copied(memory: &mut BytesMut, value: &[u8]) -> Bytes {
    memory.extend_from_slice(value);
    memory.split().freeze()
}

pub(crate) fn header(
    name: &HeaderName,
    value: &HeaderValue,
) -> Option<(actix::HeaderName, actix::HeaderValue)> {
    let name = actix::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
    Some((name, actix::HeaderValue::from_bytes(value.as_bytes()).ok()?))
}
