//! The call context of an incoming call, read from its metadata.

use std::time::{Duration, Instant};

use http::HeaderMap;
use kernel_application::{CallContext, TraceContext};
use kernel_domain::Violation;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::invalid;

pub(crate) const REQUEST_ID: &str = "x-request-id";
pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const AUTHORIZATION: &str = "authorization";
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The context that the server made for this call; where the service runs without our server, one from its metadata.
pub fn call_context<T>(request: &Request<T>) -> CallContext {
    let made = request.extensions().get::<CallContext>().cloned();
    made.unwrap_or_else(|| from_headers(request.metadata().as_ref(), None))
}

/// The client's `idempotency-key`, 1 to 255 visible ASCII characters.
pub fn idempotency_key<T>(request: &Request<T>) -> Result<Option<String>, Status> {
    let Some(value) = request.metadata().get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    let violation =
        || Violation::new(IDEMPOTENCY_KEY, "invalid_key", "must be 1 to 255 visible ASCII characters");
    key.map(|key| Some(key.to_owned())).ok_or_else(|| invalid(&[violation()]))
}

/// Takes over or makes request id and trace; the deadline is the caller's, but at most `limit` away.
pub(crate) fn from_headers(headers: &HeaderMap, limit: Option<Duration>) -> CallContext {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let request_id = match text(REQUEST_ID).filter(|id| is_request_id(id)) {
        Some(id) => id.to_owned(),
        None => Uuid::now_v7().to_string(),
    };
    let trace = text(TRACEPARENT)
        .and_then(TraceContext::parse)
        .unwrap_or_else(|| TraceContext::start(Uuid::now_v7()));
    let context = CallContext::new(request_id, trace);
    let timeout = text(GRPC_TIMEOUT).and_then(parse_timeout).into_iter().chain(limit).min();
    match timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
        Some(deadline) => context.with_deadline(deadline),
        None => context,
    }
}

fn is_request_id(id: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(legal)
}

/// One to eight digits and a unit, as the gRPC specification has it.
fn parse_timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn takes_over_what_is_valid() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let ctx = from_headers(&headers(&[(REQUEST_ID, "req-1"), (TRACEPARENT, trace)]), None);
        assert_eq!(ctx.request_id(), "req-1");
        assert_eq!(ctx.trace().to_string(), trace);
        assert_eq!(ctx.remaining(), None);
    }

    #[test]
    fn makes_what_is_missing_or_malformed() {
        for bad in ["", "a b", "a\"b", &"x".repeat(129)] {
            let ctx = from_headers(&headers(&[(REQUEST_ID, bad), (TRACEPARENT, "nonsense")]), None);
            assert_eq!(Uuid::parse_str(ctx.request_id()).unwrap().get_version_num(), 7, "{bad}");
        }
    }

    #[test]
    fn the_nearer_deadline_counts() {
        let limit = Some(Duration::from_secs(10));
        let remaining =
            |timeout| from_headers(&headers(&[(GRPC_TIMEOUT, timeout)]), limit).remaining().unwrap();
        assert!(remaining("2S") <= Duration::from_secs(2));
        assert!(remaining("2M") > Duration::from_secs(9));
        assert!(remaining("2M") <= Duration::from_secs(10));
        assert!(remaining("x") > Duration::from_secs(9));
    }

    #[test]
    fn timeouts_follow_the_specification() {
        assert_eq!(parse_timeout("1H"), Some(Duration::from_hours(1)));
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for bad in ["", "S", "-1S", "1", "1s", "123456789S", "1.5S", "1ß"] {
            assert_eq!(parse_timeout(bad), None, "{bad}");
        }
    }

    #[test]
    fn idempotency_keys_are_checked() {
        let keyed = |key: &str| {
            let mut request = Request::new(());
            request.metadata_mut().insert(IDEMPOTENCY_KEY, key.parse().unwrap());
            idempotency_key(&request)
        };
        assert_eq!(idempotency_key(&Request::new(())).unwrap(), None);
        assert_eq!(keyed("k-1").unwrap().as_deref(), Some("k-1"));
        for bad in ["", "a b", &"k".repeat(256)] {
            assert_eq!(keyed(bad).unwrap_err().code(), tonic::Code::InvalidArgument);
        }
    }
}
