//! Requests as they come over a stream.

use std::net::SocketAddr;

use actix_http::{Payload, Request as AppRequest};
use actix_web::{
    error::PayloadError,
    http::header::{COOKIE, HeaderMap, HeaderValue},
    web::Bytes,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use h2::RecvStream;
use http::{Method, Version, uri::PathAndQuery};
use http_02::{request::Parts, uri::Authority};
use kernel_application::Fields;

use super::super::lane::Request;
use crate::{BodyBroken, RequestHead};

/// A request, as whoever is to answer it wants it.
pub(super) enum Incoming {
    Application(AppRequest),
    Passage(Request),
}

pub(super) fn incoming(
    passes: impl Fn(&str) -> bool,
    request: http_02::Request<RecvStream>,
    peer: Option<SocketAddr>,
) -> Incoming {
    let (parts, body) = request.into_parts();
    if passes(parts.uri.path())
        && let Some(head) = head(&parts)
    {
        let body = pieces(body).map(|pieces| pieces.map(|piece| piece.map_err(|_| BodyBroken)).boxed());
        return Incoming::Passage(Request { head: Box::new(head), body, peer });
    }
    Incoming::Application(to_application(parts, body, peer))
}

/// Both sides accept the same methods and targets: what one has read is never refused by the other.
fn head(parts: &Parts) -> Option<RequestHead> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let bytes = parts.headers.values().map(HeaderValue::len).sum();
    let mut fields = Fields::with_capacity(parts.headers.len(), bytes);
    for (name, value) in &parts.headers {
        if name != COOKIE {
            fields.push(name.as_str(), value.as_bytes());
        }
    }
    if let Some(cookies) = cookies(parts.headers.get_all(COOKIE).iter()) {
        fields.push(COOKIE.as_str(), &cookies);
    }
    Some(RequestHead {
        method: Method::from_bytes(parts.method.as_str().as_bytes()).ok()?,
        target: PathAndQuery::try_from(target).ok()?,
        authority: parts.uri.authority().map(Authority::as_str).map(Box::from),
        version: Version::HTTP_2,
        fields,
    })
}

fn to_application(parts: Parts, body: RecvStream, peer: Option<SocketAddr>) -> AppRequest {
    let mut request = AppRequest::with_payload(payload(body));
    let head = request.head_mut();
    head.method = parts.method;
    head.uri = parts.uri;
    head.version = parts.version;
    head.headers = parts.headers.into();
    head.peer_addr = peer;
    join_cookies(&mut head.headers);
    request
}

fn payload(body: RecvStream) -> Payload {
    let Some(pieces) = pieces(body) else { return Payload::None };
    Payload::Stream { payload: Box::pin(pieces.map(|piece| piece.map_err(PayloadError::Http2Payload))) }
}

/// A client may split its cookies over several fields, which nobody outside of HTTP/2 expects (RFC 9113, 8.2.3).
fn cookies<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = values.map(HeaderValue::as_bytes).collect();
    (!values.is_empty()).then(|| values.join(&b"; "[..]))
}

fn join_cookies(headers: &mut HeaderMap) {
    let joined = cookies(headers.get_all(COOKIE)).and_then(|joined| HeaderValue::from_bytes(&joined).ok());
    if let Some(joined) = joined {
        headers.insert(COOKIE, joined);
    }
}

/// The client may send more when what is here was taken.
fn pieces(body: RecvStream) -> Option<BoxStream<'static, Result<Bytes, h2::Error>>> {
    if body.is_end_stream() {
        return None;
    }
    let pieces = stream::unfold(body, |mut body| async {
        let piece = body.data().await?;
        let taken = piece.and_then(|piece| {
            body.flow_control().release_capacity(piece.len())?;
            Ok(piece)
        });
        Some((taken, body))
    });
    Some(pieces.boxed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_become_one_field() {
        let request = http_02::Request::builder().uri("https://shop.example/a?b").header("cookie", "a=1");
        let (parts, ()) = request.header("x", "y").header("cookie", "b=2").body(()).unwrap().into_parts();
        let head = head(&parts).unwrap();
        assert_eq!(head.fields, [("x", "y"), ("cookie", "a=1; b=2")].into_iter().collect());
        assert_eq!((head.target.as_str(), head.authority.as_deref()), ("/a?b", Some("shop.example")));
        let mut headers = HeaderMap::from(parts.headers);
        join_cookies(&mut headers);
        assert_eq!(headers.get_all(COOKIE).collect::<Vec<_>>(), ["a=1; b=2"]);
    }
}
