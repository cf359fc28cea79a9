//! The look at HTTP/1 connections before the parser: which errors of the domain become which answers.

use actix_web::http::StatusCode;
use gateway_application::policy::{ScanError, Scanned, Scanner};
use platform_http::{Looked, Problem, Refused, Screen};

use crate::{Limits, checks::target_problem};

/// A request line and what separates fields, beyond the names and values that [`Limits::headers`] counts.
const BESIDE_HEADERS: usize = 8 * 1024 + 512;

/// Makes a screen for each connection.
pub fn screen(limits: Limits) -> impl Fn() -> Box<dyn Screen> + Send + Sync + 'static {
    let longest = limits.headers.saturating_add(BESIDE_HEADERS);
    move || Box::new(RequestScreen(Scanner::new(longest)))
}

struct RequestScreen(Scanner);

impl Screen for RequestScreen {
    fn look(&mut self, waiting: &[u8]) -> Looked {
        let Scanned { passed, refused } = self.0.scan(waiting);
        let refused = refused.map(|error| {
            if self.0.is_within_request() { Refused::Body } else { Refused::Request(problem(error)) }
        });
        Looked { passed, refused }
    }

    fn open_tunnel(&mut self) {
        self.0.open_tunnel();
    }
}

fn problem(error: ScanError) -> Problem {
    let (status, code) = match error {
        ScanError::Target(error) => return target_problem(error),
        ScanError::HeadTooLong | ScanError::TooManyFields => {
            (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large")
        }
        ScanError::TargetTooLong => (StatusCode::URI_TOO_LONG, "target_too_long"),
        ScanError::LengthRequired => (StatusCode::LENGTH_REQUIRED, "length_required"),
        ScanError::Head(_)
        | ScanError::Chunks(_)
        | ScanError::Method
        | ScanError::Connect
        | ScanError::TunnelWithBody
        | ScanError::BeforeTunnel => (StatusCode::BAD_REQUEST, "malformed_request"),
    };
    Problem::new(status, code, error.to_string())
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;

    use super::*;

    fn look(bytes: &str) -> Looked {
        let limits = Limits { body: 0, headers: 100, reading: std::time::Duration::ZERO };
        screen(limits)().look(bytes.as_bytes())
    }

    #[test]
    fn each_refusal_has_its_status() {
        let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(8 * 1024));
        let longer = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(9 * 1024));
        for (bytes, status, code) in [
            ("GET / HTTP/1.1\n", 400, "malformed_request"),
            ("GET / HTTP/1.1\r\n\r\n", 400, "invalid_target"),
            ("GET /.. HTTP/1.1\r\nhost: a\r\n\r\n", 400, "invalid_path"),
            ("POST / HTTP/1.0\r\n\r\n", 411, "length_required"),
            (&*long, 414, "target_too_long"),
            (&*longer, 431, "headers_too_large"),
        ] {
            let Looked { passed: 0, refused: Some(Refused::Request(problem)) } = look(bytes) else {
                panic!("{bytes:?} was not refused")
            };
            assert_eq!((problem.status_code().as_u16(), problem.code()), (status, code), "{bytes:?}");
        }
    }

    #[test]
    fn what_follows_a_head_breaks_the_request_off() {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let looked = look(&format!("{head}1;x\r\n"));
        assert!(matches!(looked, Looked { refused: Some(Refused::Body), .. }), "{looked:?}");
        assert_eq!(looked.passed, head.len() + 1);
    }
}
