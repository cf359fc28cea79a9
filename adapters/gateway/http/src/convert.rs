//! actix speaks the vocabulary of `http` 0.2, the application that of 1: names and values are carried over.

use actix_web::http::{Method as ActixMethod, StatusCode as ActixStatus, Uri, header as actix};
use bytes::{Bytes, BytesMut};
use gateway_application::GatewayError;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{self as ours, CONTENT_LENGTH},
    uri::PathAndQuery,
};

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

/// Names that nearly every request has, which are found quicker than they are read.
static ASKED: [(actix::HeaderName, HeaderName); 12] = [
    (actix::HOST, ours::HOST),
    (actix::AUTHORIZATION, ours::AUTHORIZATION),
    (actix::USER_AGENT, ours::USER_AGENT),
    (actix::ACCEPT, ours::ACCEPT),
    (actix::ACCEPT_ENCODING, ours::ACCEPT_ENCODING),
    (actix::ACCEPT_LANGUAGE, ours::ACCEPT_LANGUAGE),
    (actix::CONNECTION, ours::CONNECTION),
    (actix::CONTENT_TYPE, ours::CONTENT_TYPE),
    (actix::CONTENT_LENGTH, ours::CONTENT_LENGTH),
    (actix::COOKIE, ours::COOKIE),
    (actix::ORIGIN, ours::ORIGIN),
    (actix::REFERER, ours::REFERER),
];

/// The same for answers.
static ANSWERED: [(HeaderName, actix::HeaderName); 10] = [
    (ours::CONTENT_TYPE, actix::CONTENT_TYPE),
    (ours::DATE, actix::DATE),
    (ours::VIA, actix::VIA),
    (ours::SERVER, actix::SERVER),
    (HeaderName::from_static("ratelimit-limit"), actix::HeaderName::from_static("ratelimit-limit")),
    (HeaderName::from_static("ratelimit-remaining"), actix::HeaderName::from_static("ratelimit-remaining")),
    (HeaderName::from_static("ratelimit-reset"), actix::HeaderName::from_static("ratelimit-reset")),
    (ours::CACHE_CONTROL, actix::CACHE_CONTROL),
    (ours::ETAG, actix::ETAG),
    (ours::VARY, actix::VARY),
];

/// All values are in one piece of memory, which copies of them share.
pub(crate) fn request_headers(headers: &actix::HeaderMap) -> HeaderMap {
    let mut converted = HeaderMap::with_capacity(headers.len());
    let mut memory = BytesMut::with_capacity(headers.iter().map(|(_, value)| value.len()).sum());
    for (name, value) in headers {
        let known = ASKED.iter().find(|(theirs, _)| theirs == name);
        let name = match known {
            Some((_, ours)) => Ok(ours.clone()),
            None => HeaderName::from_bytes(name.as_str().as_bytes()),
        };
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
            let known = ANSWERED.iter().find(|(ours, _)| ours == name);
            let name = match known {
                Some((_, theirs)) => theirs.clone(),
                None => actix::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?,
            };
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
