//! What is wrong with a request whatever route it is for.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode, Version,
        header::{HOST, HeaderName},
        uri::Authority,
    },
};
use gateway_application::{
    Fields,
    policy::{PSEUDONYM, Target, TargetError, came_through},
};
use platform_http::Problem;

/// Why a request goes nowhere.
pub(crate) fn refused(request: &HttpRequest, headers: &Fields) -> Option<Problem> {
    if came_through(headers.texts("via"), PSEUDONYM) {
        return Some(Problem::new(StatusCode::LOOP_DETECTED, "loop_detected", LOOPED));
    }
    // The server in front of this code has answered that one already.
    let met = |expected: &[u8]| expected.trim_ascii().eq_ignore_ascii_case(b"100-continue");
    if headers.iter().any(|(name, value)| name == "expect" && !met(value)) {
        return Some(Problem::new(StatusCode::EXPECTATION_FAILED, "expectation_failed", EXPECTED));
    }
    // Over HTTP/1 the screen has looked at it.
    let error = (request.version() == Version::HTTP_2).then(|| check_target(request).err());
    error.flatten().map(target_problem)
}

const LOOPED: &str = "the request has come through this gateway already: it goes round in circles";
const EXPECTED: &str = "the only expectation that can be met is `100-continue`";

/// The problem of a target that can be read in two ways.
pub(crate) fn target_problem(error: TargetError) -> Problem {
    let code = if matches!(error, TargetError::Path(_)) { "invalid_path" } else { "invalid_target" };
    Problem::new(StatusCode::BAD_REQUEST, code, error.to_string())
}

/// In HTTP/2 the host is part of the target, and may be repeated in a header.
fn check_target(request: &HttpRequest) -> Result<(), TargetError> {
    let target = request.uri().to_string();
    let target = Target::parse(&target)?;
    let mut hosts: Vec<&str> = values(request, &HOST).collect();
    if hosts.is_empty() {
        hosts.extend(request.uri().authority().map(Authority::as_str));
    }
    target.host(hosts).map(drop)
}

/// What is no text is none of the values that are looked for.
fn values<'a>(request: &'a HttpRequest, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    request.headers().get_all(name).map(|value| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use actix_web::{ResponseError, test::TestRequest};

    use super::*;
    use crate::convert;

    fn refusal(
        version: Version,
        uri: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Option<(u16, &'static str)> {
        let mut request = TestRequest::default().version(version).uri(uri);
        for header in headers {
            request = request.append_header(*header);
        }
        let request = request.to_http_request();
        let problem = refused(&request, &convert::request_headers(request.headers()))?;
        Some((problem.status_code().as_u16(), problem.code()))
    }

    #[test]
    fn requests_that_go_in_circles_are_stopped() {
        let looped = Some((508, "loop_detected"));
        assert_eq!(refusal(Version::HTTP_11, "/", &[("via", "1.1 cache"), ("via", "1.1 gateway")]), looped);
        assert_eq!(refusal(Version::HTTP_11, "/", &[("via", "1.1 gateway-2")]), None);
    }

    #[test]
    fn there_is_one_expectation() {
        assert_eq!(refusal(Version::HTTP_11, "/", &[("expect", "100-Continue")]), None);
        for other in ["200-ok", "100-continue, tea", ""] {
            assert_eq!(
                refusal(Version::HTTP_11, "/", &[("expect", other)]),
                Some((417, "expectation_failed"))
            );
        }
    }

    #[test]
    fn the_host_of_http2_is_said_once_or_twice_alike() {
        assert_eq!(refusal(Version::HTTP_2, "http://a/b", &[]), None);
        assert_eq!(refusal(Version::HTTP_2, "http://a/b", &[("host", "A")]), None);
        assert_eq!(refusal(Version::HTTP_2, "/b", &[("host", "a")]), None);
        let bad = Some((400, "invalid_target"));
        assert_eq!(refusal(Version::HTTP_2, "http://a/b", &[("host", "c")]), bad);
        assert_eq!(refusal(Version::HTTP_2, "http://u@a/b", &[]), bad);
        assert_eq!(refusal(Version::HTTP_2, "/b", &[]), bad);
        assert_eq!(refusal(Version::HTTP_2, "http://a/b/../c", &[]), Some((400, "invalid_path")));
    }
}
