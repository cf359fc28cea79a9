//! Requests as they come over HTTP/1: read by the domain's rules, which say what has only one reading.

use actix_web::http::StatusCode;
use gateway_application::{
    Fields,
    policy::{
        BodyLength, Part as Scanned, RequestHead as ScannedHead, ScanError, Scanner, Version as Spoken,
    },
};
use http::{
    Method, Version,
    uri::{PathAndQuery, Uri},
};
use platform_http::{Follows, Part, Problem, Refused, RequestHead, RequestReader};

use crate::{Limits, checks::target_problem};

/// A request line and what separates fields, beyond the names and values that [`Limits::headers`] counts.
const BESIDE_HEADERS: usize = 8 * 1024 + 512;
/// As many fields as most requests have.
const USUAL: usize = 16;

/// Makes a reader for each connection.
pub fn reader(limits: Limits) -> impl Fn() -> Reader + Send + Sync + 'static {
    let longest = limits.headers.saturating_add(BESIDE_HEADERS);
    move || Reader { scanner: Scanner::new(longest), fields: Fields::default() }
}

/// Reads one connection.
#[derive(Debug)]
pub struct Reader {
    scanner: Scanner,
    /// Those of a head that has begun.
    fields: Fields,
}

impl RequestReader for Reader {
    fn read(&mut self, come: &[u8]) -> Result<Option<(usize, Part)>, Refused> {
        let Self { scanner, fields } = self;
        if fields.is_empty() && !scanner.is_within_request() {
            *fields = Fields::with_capacity(USUAL, come.len());
        }
        match scanner.next(come, &mut |name, value| fields.push(name, value)) {
            Ok(None) => Ok(None),
            Ok(Some((length, Scanned::Head(head)))) => {
                let follows = follows(&head);
                let head = request(&head, come, std::mem::take(fields)).ok_or_else(unreadable)?;
                Ok(Some((length, Part::Head(Box::new(head), follows))))
            }
            Ok(Some((length, Scanned::Data))) => Ok(Some((length, Part::Data))),
            Ok(Some((length, Scanned::Between))) => Ok(Some((length, Part::Between))),
            Err(_) if scanner.is_within_request() => Err(Refused::Body),
            Err((_, error)) => Err(Refused::Request(problem(error))),
        }
    }

    fn is_within_request(&self) -> bool {
        self.scanner.is_within_request()
    }

    fn open_tunnel(&mut self) {
        self.scanner.open_tunnel();
    }
}

const fn follows(head: &ScannedHead) -> Follows {
    match head.body {
        BodyLength::Empty if head.upgrades => Follows::Tunnel,
        BodyLength::Empty => Follows::Nothing,
        BodyLength::Known(_) | BodyLength::Chunked => Follows::Body,
    }
}

fn request(head: &ScannedHead, come: &[u8], fields: Fields) -> Option<RequestHead> {
    let method = Method::from_bytes(come.get(head.method.clone())?).ok()?;
    let target = target(come.get(head.target.clone())?)?;
    let version = match head.version {
        Spoken::Http10 => Version::HTTP_10,
        Spoken::Http11 => Version::HTTP_11,
    };
    Some(RequestHead { version, ..RequestHead::new(method, target, fields) })
}

/// Path and query, byte for byte. Of a whole URL nothing else is needed: its host is that of the field.
fn target(target: &[u8]) -> Option<PathAndQuery> {
    if target.starts_with(b"/") {
        return PathAndQuery::try_from(target).ok();
    }
    let parts = Uri::try_from(target).ok()?.into_parts();
    Some(parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")))
}

/// What the domain lets pass and the library does not take: nothing that is known of.
fn unreadable() -> Refused {
    let problem = Problem::new(StatusCode::BAD_REQUEST, "malformed_request", "request line is malformed");
    Refused::Request(problem)
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

    fn connection() -> Reader {
        reader(Limits { body: 0, headers: 100, reading: std::time::Duration::ZERO })()
    }

    fn read(bytes: &str) -> Result<Option<(usize, Part)>, Refused> {
        connection().read(bytes.as_bytes())
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
            let Err(Refused::Request(problem)) = read(bytes) else { panic!("{bytes:?} was not refused") };
            assert_eq!((problem.status_code().as_u16(), problem.code()), (status, code), "{bytes:?}");
        }
    }

    #[test]
    fn a_head_is_read_once_it_is_whole_whatever_pieces_it_comes_in() {
        let text = "GET /a?b=%20 HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-A:  one \r\nx-a: two\r\n\r\n";
        let expected = [("host", "a"), ("x-empty", ""), ("x-a", "one"), ("x-a", "two")].into_iter().collect();
        for cut in 0..text.len() {
            let mut reader = connection();
            assert!(matches!(reader.read(&text.as_bytes()[..cut]), Ok(None)), "{cut}");
            let Ok(Some((length, Part::Head(head, follows)))) = reader.read(text.as_bytes()) else {
                panic!("cut at {cut}")
            };
            assert_eq!((length, follows, &head.fields), (text.len(), Follows::Nothing, &expected));
            assert_eq!((head.method.as_str(), head.target.as_str()), ("GET", "/a?b=%20"));
        }
    }

    #[test]
    fn a_request_has_nothing_of_the_one_before() {
        let (one, two) = (
            "GET /1 HTTP/1.1\r\nhost: a\r\nx: 1\r\n\r\n",
            "PURGE http://a:1/?q HTTP/1.0\r\nhost: a:1\r\n\r\n",
        );
        let (mut reader, both) = (connection(), [one, two].concat());
        let Ok(Some((length, Part::Head(..)))) = reader.read(both.as_bytes()) else { panic!("a head") };
        assert_eq!(length, one.len());
        let Ok(Some((_, Part::Head(head, _)))) = reader.read(&both.as_bytes()[length..]) else {
            panic!("a head")
        };
        assert_eq!(head.fields, [("host", "a:1")].into_iter().collect());
        assert_eq!((head.method.as_str(), head.target.as_str()), ("PURGE", "/?q"));
        assert_eq!(head.version, Version::HTTP_10);
        let whole = "GET http://a HTTP/1.1\r\nhost: a\r\n\r\n";
        let Ok(Some((_, Part::Head(head, _)))) = reader.read(whole.as_bytes()) else { panic!("a head") };
        assert_eq!(head.target.as_str(), "/");
    }

    #[test]
    fn what_follows_a_head_is_told_apart() {
        for (fields, expected) in [
            ("", Follows::Nothing),
            ("content-length: 0\r\n", Follows::Nothing),
            ("content-length: 1\r\n", Follows::Body),
            ("transfer-encoding: chunked\r\n", Follows::Body),
            ("upgrade: websocket\r\n", Follows::Tunnel),
        ] {
            let Ok(Some((_, Part::Head(_, follows)))) =
                read(&format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n"))
            else {
                panic!("{fields}")
            };
            assert_eq!(follows, expected, "{fields}");
        }
    }

    #[test]
    fn what_is_wrong_behind_a_head_breaks_the_request_off() {
        let mut reader = connection();
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(matches!(reader.read(head.as_bytes()), Ok(Some((_, Part::Head(_, Follows::Body))))));
        assert!(matches!(reader.read(b"1;x\r\n"), Err(Refused::Body)));
    }
}
