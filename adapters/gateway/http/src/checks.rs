//! What is wrong with a request whatever route it is for.

use actix_web::http::StatusCode;
use gateway_application::policy::{PSEUDONYM, Target, TargetError, came_through, check_method};
use http::Version;
use platform_http::{Problem, RequestHead};

/// Why a request goes nowhere.
pub(crate) fn refused(head: &RequestHead) -> Option<Problem> {
    if came_through(head.fields.texts("via"), PSEUDONYM) {
        return Some(Problem::new(StatusCode::LOOP_DETECTED, "loop_detected", LOOPED));
    }
    // The server in front of this code has answered that one already.
    let met = |expected: &[u8]| expected.trim_ascii().eq_ignore_ascii_case(b"100-continue");
    if head.fields.all("expect").any(|value| !met(value)) {
        return Some(Problem::new(StatusCode::EXPECTATION_FAILED, "expectation_failed", EXPECTED));
    }
    // Over HTTP/1 the reader has looked at it.
    if head.version != Version::HTTP_2 {
        return None;
    }
    if let Err(error) = check_method(head.method.as_str().as_bytes()) {
        return Some(Problem::new(StatusCode::BAD_REQUEST, "malformed_request", error.to_string()));
    }
    check_target(head).err().map(target_problem)
}

const LOOPED: &str = "the request has come through this gateway already: it goes round in circles";
const EXPECTED: &str = "the only expectation that can be met is `100-continue`";

/// The problem of a target that can be read in two ways.
pub(crate) fn target_problem(error: TargetError) -> Problem {
    let code = if matches!(error, TargetError::Path(_)) { "invalid_path" } else { "invalid_target" };
    Problem::new(StatusCode::BAD_REQUEST, code, error.to_string())
}

/// In HTTP/2 the host is part of the target, and may be repeated in a header.
fn check_target(head: &RequestHead) -> Result<(), TargetError> {
    let path = head.target.as_str();
    let target = match &head.authority {
        Some(authority) => format!("http://{authority}{path}"),
        None => path.to_owned(),
    };
    let target = Target::parse(&target)?;
    // What is no text is no host.
    let hosts = head.fields.all("host").map(|host| std::str::from_utf8(host).unwrap_or_default());
    let mut hosts: Vec<&str> = hosts.collect();
    if hosts.is_empty() {
        hosts.extend(head.authority.as_deref());
    }
    target.host(hosts).map(drop)
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use http::{Method, Uri};

    use super::*;

    fn refusal(version: Version, uri: &'static str, fields: &[(&str, &str)]) -> Option<(u16, &'static str)> {
        let parts = Uri::from_static(uri).into_parts();
        let fields = fields.iter().copied().collect();
        let head = RequestHead::new(Method::GET, parts.path_and_query.unwrap(), fields);
        let authority = parts.authority.map(|authority| authority.as_str().into());
        let problem = refused(&RequestHead { version, authority, ..head })?;
        Some((problem.status_code().as_u16(), problem.code()))
    }

    #[test]
    fn requests_that_go_in_circles_are_stopped() {
        let looped = Some((508, "loop_detected"));
        assert_eq!(refusal(Version::HTTP_11, "/", &[("via", "1.1 cache"), ("via", "1.1 gateway")]), looped);
        assert_eq!(refusal(Version::HTTP_11, "/", &[("via", "1.1 gateway-2")]), None);
    }

    #[test]
    fn methods_of_http2_are_those_of_http1() {
        let head = |method: &'static str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let target = http::uri::PathAndQuery::from_static("/");
            let head = RequestHead::new(method, target, [("host", "a")].into_iter().collect());
            RequestHead { version: Version::HTTP_2, ..head }
        };
        assert!(refused(&head("PURGE")).is_none());
        for method in ["A|B", "M!", "CONNECT"] {
            let problem = refused(&head(method)).unwrap();
            assert_eq!(
                (problem.status_code().as_u16(), problem.code()),
                (400, "malformed_request"),
                "{method}"
            );
        }
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
