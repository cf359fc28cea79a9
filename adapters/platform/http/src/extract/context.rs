//! The call context of a request: id, trace, deadline.

use std::{
    future::{Ready, ready},
    ops::Deref,
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::HeaderName};
use kernel_application::{CallContext, Text, TraceContext};
use tokio::sync::watch;
use uuid::{NoContext, Timestamp, Uuid};

use crate::{Headers, Problem};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// How long the caller is going to wait, in whole milliseconds.
const REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// How long a request may take where the server was not told otherwise.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The [`CallContext`] of this request, made by the server's middleware.
#[derive(Clone, Debug)]
pub struct Ctx(pub CallContext);

impl Deref for Ctx {
    type Target = CallContext;

    fn deref(&self) -> &CallContext {
        &self.0
    }
}

impl FromRequest for Ctx {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let made = extensions.get::<Rc<CallContext>>().map(Rc::as_ref);
        // A route's own test has no server around it, and may bring a context.
        let made = made.or_else(|| extensions.get::<CallContext>()).cloned();
        ready(Ok(Self(made.unwrap_or_else(|| open(request.headers(), Instant::now(), REQUEST_TIMEOUT)))))
    }
}

/// Makes the context: ids are taken over where they are sound, made otherwise, all from one fresh one. The deadline is
/// the server's, or the caller's where that comes first.
pub(crate) fn open(headers: &dyn Headers, start: Instant, timeout: Duration) -> CallContext {
    let request_id = headers.text(&REQUEST_ID).filter(|id| sound(id));
    let fresh = fresh_id();
    let request_id = request_id.map_or_else(|| Text::from(fresh).as_str().to_owned(), str::to_owned);
    let parent = headers.text(&TRACEPARENT).and_then(TraceContext::parse);
    let trace = parent.map_or_else(|| TraceContext::start(fresh), |parent| parent.child(fresh));
    let context = CallContext::new(request_id, trace);
    match start.checked_add(patience(headers).map_or(timeout, |asked| asked.min(timeout))) {
        Some(deadline) => context.with_deadline(deadline),
        None => context,
    }
}

/// A `UUIDv7`. Those of one millisecond are in no order, which `Uuid::now_v7` has from a lock of the whole process.
fn fresh_id() -> Uuid {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, now.as_secs(), now.subsec_nanos()))
}

/// Nothing where the caller does not say, or says no number.
fn patience(headers: &dyn Headers) -> Option<Duration> {
    let milliseconds = headers.text(&REQUEST_TIMEOUT_MS)?.parse().ok()?;
    Some(Duration::from_millis(milliseconds))
}

fn sound(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Turns `true` when the server stops: endless answers (server-sent events) end then.
#[derive(Clone, Debug)]
pub struct Stopping(pub watch::Receiver<bool>);

impl FromRequest for Stopping {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Without a server around it, as in a route's own test, nothing ever stops.
        let running = || Self(watch::channel(false).1);
        ready(Ok(request.app_data::<Self>().cloned().unwrap_or_else(running)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use actix_web::test::TestRequest;

    use super::*;

    fn context(name: &'static str, value: &str) -> CallContext {
        let request = TestRequest::default().insert_header((name, value)).to_http_request();
        open(request.headers(), Instant::now(), REQUEST_TIMEOUT)
    }

    #[test]
    fn sound_ids_are_taken_over() {
        assert_eq!(context("x-request-id", "abc-1").request_id(), "abc-1");
        for bad in ["", "two words", "ä", &"x".repeat(129)] {
            let made = context("x-request-id", bad).request_id().to_owned();
            assert!(Uuid::try_parse(&made).is_ok(), "{bad} became {made}");
        }
    }

    #[test]
    fn fresh_ids_tell_the_time_and_are_never_the_same() {
        let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let earliest = now();
        let ids: HashSet<Uuid> = (0..10_000).map(|_| fresh_id()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            let (seconds, _) = id.get_timestamp().unwrap().to_unix();
            assert!(id.get_version_num() == 7 && (earliest..=now()).contains(&seconds), "{id}");
        }
    }

    #[test]
    fn the_earlier_deadline_holds() {
        let remaining = |value: &str| context("x-request-timeout-ms", value).remaining().unwrap();
        assert!(remaining("1500") <= Duration::from_millis(1_500));
        for longer_or_none in ["", "soon", "-1", "86400000"] {
            let left = remaining(longer_or_none);
            assert!(left > REQUEST_TIMEOUT / 2 && left <= REQUEST_TIMEOUT, "{longer_or_none}: {left:?}");
        }
    }

    #[test]
    fn a_trace_goes_on_or_starts() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let child = context("traceparent", parent);
        assert_eq!(child.trace().trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(child.trace().to_string(), parent);
        assert!(TraceContext::parse(&context("traceparent", "garbage").trace().to_string()).is_some());
    }
}
