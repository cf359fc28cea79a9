//! A trace does not end where the log begins; who calls is the system itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kernel_application::{
    CallContext, Caller, IdGenerator, TraceContext,
    messaging::{ConsumeOutcome, EventLog, MessagingObserver, OutboundMessage, OutboxStats},
    testing::{ManualClock, SequenceIds},
};
use kernel_domain::{EventId, Timestamp};
use platform_messaging::{CloudEvent, EventHandler, EventWorkers, HandleError, Handled, topics};
use platform_sqlite::{Database, SqliteEventLog, SqliteInbox, SqliteOutbox};
use platform_testkit::{PATIENCE, eventually};
use slog::{Discard, Logger, o};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

/// Keeps the context of every call.
#[derive(Default)]
struct Calls(Mutex<Vec<CallContext>>);

#[async_trait]
impl EventHandler for Calls {
    async fn handle(&self, ctx: &CallContext, _: &CloudEvent) -> Result<Handled, HandleError> {
        self.0.lock().unwrap().push(ctx.clone());
        Ok(Handled::Ignored)
    }
}

struct Nobody;

impl MessagingObserver for Nobody {
    fn outbox(&self, _: OutboxStats, _: Timestamp) {}
    fn published(&self, _: &str, _: u64) {}
    fn lag(&self, _: &str, _: u32, _: u64) {}
    fn consumed(&self, _: &str, _: ConsumeOutcome) {}
}

fn message(trace: TraceContext) -> OutboundMessage {
    let event_id = EventId::from_uuid(Uuid::from_u128(7));
    let event = CloudEvent {
        id: event_id,
        kind: "thing.done.v1".into(),
        source: "/things".into(),
        subject: "a".into(),
        time: Timestamp::UNIX_EPOCH,
        trace: Some(trace),
        data: 1.into(),
    };
    OutboundMessage {
        event_id,
        topic: topics::STOCK_EVENTS.into(),
        key: "a".into(),
        aggregate_version: 1,
        payload: event.encode(),
        headers: vec![],
    }
}

#[tokio::test]
async fn a_handler_goes_on_in_the_trace_of_the_event_and_is_trusted() {
    let folder = TempDir::new().unwrap();
    let log = Arc::new(SqliteEventLog::open(&folder.path().join("events.db"), &topics::ALL).await.unwrap());
    let db = Database::open_messaging(&folder.path().join("consumer.db"), "consumer store").await.unwrap();
    let sent = TraceContext::start(Uuid::from_u128(42));
    let partition = log.partition_of(topics::STOCK_EVENTS, "a").await.unwrap();
    log.append(topics::STOCK_EVENTS, partition, &[message(sent)]).await.unwrap();
    let calls = Arc::new(Calls::default());
    let workers = EventWorkers {
        outbox: Arc::new(SqliteOutbox::new(db.clone())),
        inbox: Arc::new(SqliteInbox::new(db)),
        log,
        clock: Arc::new(ManualClock::default()),
        ids: Arc::new(SequenceIds::default()) as Arc<dyn IdGenerator>,
        observer: Arc::new(Nobody),
        owner: "a".into(),
        logger: Logger::root(Discard, o!()),
    };
    let consumer = workers.consumer("bench", &[topics::STOCK_EVENTS], calls.clone());
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(consumer.run(stopped));
    let handled = || async { calls.0.lock().unwrap().first().cloned() };
    let received = eventually(PATIENCE, handled).await.unwrap();
    stop.send_replace(true);
    worker.await.unwrap();
    assert_eq!(received.trace().trace_id(), sent.trace_id());
    assert_ne!(received.trace().to_string(), sent.to_string(), "a span of its own");
    assert_eq!(received.caller(), &Caller::Trusted, "nobody but the system hands events on");
}
