//! What every home's messaging adapters have to do: one suite per port.
//!
//! A store's own tests implement a suite's bench and call its `all` with a way to make fresh ones. Each case is
//! public, so that a store that keeps a promise differently can leave one out by name and say why. A new promise of a
//! port comes with a case here.

pub mod event_log;
pub mod idempotency;
pub mod inbox;
pub mod outbox;

use std::time::{Duration, Instant};

use kernel_domain::{EventId, Timestamp};
use uuid::Uuid;

use crate::messaging::OutboundMessage;

/// A lease that no test outlives.
const LONG: Duration = Duration::from_mins(10);
/// A lease that is over in a moment.
const SHORT: Duration = Duration::from_millis(50);
/// A deadline that is never the reason a healthy test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event's id, by number.
fn event_id(n: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(n))
}

/// A message with an id of its own per `n`, whose payload is no text.
fn message(n: u128, topic: &str, key: &str) -> OutboundMessage {
    let mut payload = n.to_string().into_bytes();
    payload.extend([0, 0xff, 0xc0, b'\n']);
    OutboundMessage {
        event_id: event_id(n),
        topic: topic.to_owned(),
        key: key.to_owned(),
        aggregate_version: u64::try_from(n).unwrap_or(u64::MAX),
        payload,
        headers: vec![
            ("traceparent".to_owned(), format!("00-{n:032x}-01")),
            ("note".to_owned(), "für".to_owned()),
        ],
    }
}

/// How long ago `then` was, to the minute: what a store calls now is near what this machine does.
#[expect(
    clippy::disallowed_methods,
    reason = "stores tell the time themselves, so this is compared with the real one"
)]
fn minutes_since(then: Timestamp) -> i64 {
    (chrono::Utc::now() - then).num_minutes()
}

/// Asks until there is an answer: what the store's own clock decides takes as long as it takes.
async fn eventually<T>(mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(Instant::now() < end, "nothing showed within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
