//! gRPC-Web: what browsers can speak of gRPC, translated at the edge, so that behind it there is only gRPC.
//!
//! A browser cannot read trailers, so they are the last message of the body, marked as such; and in the text form the
//! whole body is base64, for browsers that cannot read bytes as they come.

mod answer;
mod text;

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE},
};
use tonic::body::Body;

use self::{answer::WebAnswer, text::TextBody};

const GRPC: &str = "application/grpc";
const WEB: &str = "application/grpc-web";
const TEXT: &str = "application/grpc-web-text";

/// How a client speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// gRPC.
    Grpc,
    /// gRPC-Web.
    Web {
        /// How messages are encoded, with a plus before it: `+proto`, or nothing.
        suffix: String,
        /// Whether the request is text.
        asks_in_text: bool,
        /// Whether the answer is to be.
        reads_text: bool,
    },
}

/// What is no call at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Calls are made with `POST`.
    Method,
    /// The body is neither gRPC nor gRPC-Web.
    Kind,
    /// gRPC itself needs HTTP/2.
    Version,
}

impl Dialect {
    pub(crate) fn of<B>(request: &Request<B>) -> Result<Self, Refusal> {
        if request.method() != Method::POST {
            return Err(Refusal::Method);
        }
        let kind = media_type(request.headers(), CONTENT_TYPE).ok_or(Refusal::Kind)?;
        let is = |kind: &str, base: &str| {
            kind.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('+')).map(str::to_owned)
        };
        if is(kind, GRPC).is_some() {
            return if request.version() == Version::HTTP_2 { Ok(Self::Grpc) } else { Err(Refusal::Version) };
        }
        let (asks_in_text, suffix) = match (is(kind, TEXT), is(kind, WEB)) {
            (Some(suffix), _) => (true, suffix),
            (None, Some(suffix)) => (false, suffix),
            (None, None) => return Err(Refusal::Kind),
        };
        let accepted = media_type(request.headers(), ACCEPT).filter(|accepted| accepted.starts_with(WEB));
        let reads_text = accepted.map_or(asks_in_text, |accepted| is(accepted, TEXT).is_some());
        Ok(Self::Web { suffix, asks_in_text, reads_text })
    }

    /// The request as gRPC has it.
    pub(crate) fn read(&self, request: Request<Body>) -> Request<Body> {
        let Self::Web { suffix, asks_in_text, .. } = self else { return request };
        let (mut head, body) = request.into_parts();
        head.headers.remove(CONTENT_LENGTH);
        head.headers.remove(ACCEPT);
        set_kind(&mut head.headers, GRPC, suffix);
        let body = if *asks_in_text { Body::new(TextBody::new(body)) } else { body };
        Request::from_parts(head, body)
    }

    /// The answer as the client has it.
    pub(crate) fn write(&self, response: Response<Body>) -> Response<Body> {
        let Self::Web { suffix, reads_text, .. } = self else { return response };
        let (mut head, body) = response.into_parts();
        set_kind(&mut head.headers, if *reads_text { TEXT } else { WEB }, suffix);
        Response::from_parts(head, Body::new(WebAnswer::new(body, *reads_text)))
    }
}

impl Refusal {
    /// Who does not speak gRPC would not understand a status.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Kind => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        };
        if self == Self::Method {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

/// The first media type of a header, without its parameters.
fn media_type(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()?.split([';', ',']).next().map(str::trim)
}

fn set_kind(headers: &mut HeaderMap, base: &str, suffix: &str) {
    // The suffix was part of a header before.
    if let Ok(kind) = HeaderValue::try_from(format!("{base}{suffix}")) {
        headers.insert(CONTENT_TYPE, kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: Version, kind: &str, accept: &str) -> Result<Dialect, Refusal> {
        let request = Request::post("/").version(version).header(CONTENT_TYPE, kind).header(ACCEPT, accept);
        Dialect::of(&request.body(()).unwrap())
    }

    fn web(suffix: &str, asks_in_text: bool, reads_text: bool) -> Dialect {
        Dialect::Web { suffix: suffix.to_owned(), asks_in_text, reads_text }
    }

    #[test]
    fn dialects_are_told_by_their_media_types() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        for (version, kind, accept, expected) in [
            (two, "application/grpc", "", Ok(Dialect::Grpc)),
            (two, "application/grpc+proto", "*/*", Ok(Dialect::Grpc)),
            (one, "application/grpc", "", Err(Refusal::Version)),
            (one, "application/grpc-web", "*/*", Ok(web("", false, false))),
            (two, "application/grpc-web+proto; charset=utf-8", "", Ok(web("+proto", false, false))),
            (one, "application/grpc-web-text", "", Ok(web("", true, true))),
            (
                one,
                "application/grpc-web-text+proto",
                "application/grpc-web+proto",
                Ok(web("+proto", true, false)),
            ),
            (one, "application/grpc-web+proto", "application/grpc-web-text", Ok(web("+proto", false, true))),
            (two, "application/json", "", Err(Refusal::Kind)),
            (two, "application/grpcx", "", Err(Refusal::Kind)),
            (two, "application/grpc-websocket", "", Err(Refusal::Kind)),
        ] {
            assert_eq!(of(version, kind, accept), expected, "{kind} {accept}");
        }
        let get = Request::get("/").header(CONTENT_TYPE, "application/grpc").body(()).unwrap();
        assert_eq!(Dialect::of(&get), Err(Refusal::Method));
    }
}
