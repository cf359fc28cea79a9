//! Headers with a meaning for use cases: versions and idempotency keys.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{self, ETag, EntityTag},
    },
};

use crate::Problem;

/// The `ETag` of a version: `"3"`.
pub fn etag(version: u64) -> ETag {
    ETag(EntityTag::new_strong(version.to_string()))
}

/// `If-Match`: the version the client saw. `None` where it sent none, or `*`: any version will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<u64>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(single(request, "If-Match").and_then(|value| value.map_or(Ok(Self(None)), if_match)))
    }
}

fn if_match(value: &str) -> Result<IfMatch, Problem> {
    if value == "*" {
        return Ok(IfMatch(None));
    }
    let tag = value.strip_prefix("W/").unwrap_or(value);
    let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    let Some(tag) = tag else {
        return Err(Problem::field("If-Match", "invalid_etag", "must be one quoted ETag, or *"));
    };
    match tag.parse() {
        Ok(version) => Ok(IfMatch(Some(version))),
        // Well-formed, but never handed out by us: it cannot be the current one.
        Err(_) => {
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, "stale", "the ETag is not the current one"))
        }
    }
}

/// `Idempotency-Key`: 1 to 255 visible ASCII characters; `None` where the client sent none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKeyHeader(pub Option<String>);

impl FromRequest for IdempotencyKeyHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let legal =
            |key: &str| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        ready(match single(request, KEY) {
            Ok(None) => Ok(Self(None)),
            Ok(Some(key)) if legal(key) => Ok(Self(Some(key.to_owned()))),
            Ok(Some(_)) => Err(Problem::field(KEY, "invalid_idempotency_key", KEY_RULE)),
            Err(problem) => Err(problem),
        })
    }
}

const KEY: &str = "Idempotency-Key";
const KEY_RULE: &str = "must be 1 to 255 visible ASCII characters";

/// The header's value, where it is there once.
fn single<'a>(request: &'a HttpRequest, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let mut values = request.headers().get_all(name);
    let (first, second) = (values.next(), values.next());
    match (first.map(header::HeaderValue::to_str), second) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value.trim())),
        (Some(Err(_)), _) => Err(Problem::field(name, "invalid_header", "must be visible ASCII characters")),
        (_, Some(_)) => Err(Problem::field(name, "repeated_header", "must be sent once")),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{ResponseError, test::TestRequest};

    use super::*;

    fn read<T: FromRequest<Future = Ready<Result<T, Problem>>>>(
        headers: &[(&'static str, &str)],
    ) -> Result<T, u16> {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.append_header(*header);
        }
        let result = T::from_request(&request.to_http_request(), &mut Payload::None).into_inner();
        result.map_err(|problem| problem.status_code().as_u16())
    }

    #[test]
    fn versions_come_from_etags() {
        assert_eq!(read(&[]), Ok(IfMatch(None)));
        for (value, version) in [("\"3\"", Some(3)), ("W/\"7\"", Some(7)), ("*", None)] {
            assert_eq!(read(&[("if-match", value)]), Ok(IfMatch(version)), "{value}");
        }
        assert_eq!(read::<IfMatch>(&[("if-match", "\"abc\"")]), Err(412));
        for bad in ["3", "\"3", "", "\"3\", \"4\""] {
            assert_eq!(read::<IfMatch>(&[("if-match", bad)]), Err(422), "{bad}");
        }
    }

    #[test]
    fn a_version_becomes_an_etag() {
        assert_eq!(etag(3).0.to_string(), "\"3\"");
    }

    #[test]
    fn keys_are_visible_ascii() {
        assert_eq!(read(&[]), Ok(IdempotencyKeyHeader(None)));
        assert_eq!(read(&[("idempotency-key", "k-1")]), Ok(IdempotencyKeyHeader(Some("k-1".into()))));
        for bad in ["", "a b", "ä", &"x".repeat(256)] {
            assert_eq!(read::<IdempotencyKeyHeader>(&[("idempotency-key", bad)]), Err(422), "{bad}");
        }
        assert_eq!(
            read::<IdempotencyKeyHeader>(&[("idempotency-key", "a"), ("idempotency-key", "b")]),
            Err(422)
        );
    }
}
