//! Processes of one consuming context, with the log and the files they share.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use kernel_application::{
    CallContext, Clock, IdGenerator, StoreError,
    messaging::{
        ConsumeOutcome, Delivery, EventLog, FIRST, Inbox, MessagingObserver, OutboundMessage, Outbox,
        OutboxStats,
    },
    testing::{ManualClock, context},
};
use kernel_domain::{EventId, Timestamp};
use platform_messaging::{CloudEvent, Consumer, EventHandler, EventWorkers, HandleError, Handled, topics};
use platform_sqlite::{Database, SqliteEventLog, SqliteInbox, SqliteOutbox};
use platform_testkit::{PATIENCE, eventually};
use slog::{Discard, Logger, o};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

pub(crate) const TOPIC: &str = topics::STOCK_EVENTS;
/// The consumer's name.
pub(crate) const CONSUMER: &str = "bench";

struct Ids;

impl IdGenerator for Ids {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Counts what happened to records, and what partitions are said to be.
#[derive(Default)]
pub(crate) struct Outcomes {
    counts: Mutex<HashMap<ConsumeOutcome, u64>>,
    lags: Mutex<HashMap<u32, u64>>,
    halts: Mutex<HashMap<u32, bool>>,
}

impl MessagingObserver for Outcomes {
    fn outbox(&self, _: OutboxStats, _: Timestamp) {}
    fn published(&self, _: &str, _: u64) {}

    fn lag(&self, _: &str, partition: u32, records: u64) {
        self.lags.lock().unwrap().insert(partition, records);
    }

    fn consumed(&self, _: &str, outcome: ConsumeOutcome) {
        *self.counts.lock().unwrap().entry(outcome).or_default() += 1;
    }

    fn halted(&self, _: &str, partition: u32, halted: bool) {
        self.halts.lock().unwrap().insert(partition, halted);
    }

    fn given_up(&self, _: &str, partition: u32) {
        self.lags.lock().unwrap().remove(&partition);
        self.halts.lock().unwrap().remove(&partition);
    }
}

impl Outcomes {
    pub(crate) fn count(&self, outcome: ConsumeOutcome) -> u64 {
        self.counts.lock().unwrap().get(&outcome).copied().unwrap_or_default()
    }

    /// The lag of a partition, and whether it is halted; `None` for what was not said.
    pub(crate) fn of(&self, partition: u32) -> (Option<u64>, Option<bool>) {
        let lag = self.lags.lock().unwrap().get(&partition).copied();
        (lag, self.halts.lock().unwrap().get(&partition).copied())
    }
}

/// A context whose effect is a message in its own outbox, so that effect and position share a transaction.
pub(crate) struct Effects {
    pub(crate) owner: String,
    pub(crate) db: Database,
    /// How the next tries end, before they write anything.
    pub(crate) failures: Mutex<VecDeque<HandleError>>,
    /// Who applied what, over all processes.
    pub(crate) applied: Applied,
}

pub(crate) type Applied = Arc<Mutex<Vec<(String, Delivery)>>>;

#[async_trait]
impl EventHandler for Effects {
    async fn handle(&self, ctx: &CallContext, event: &CloudEvent) -> Result<Handled, HandleError> {
        if event.kind == "thing.unknown.v9" {
            return Ok(Handled::Ignored);
        }
        if let Some(failure) = self.failures.lock().unwrap().pop_front() {
            return Err(failure);
        }
        self.write(ctx, event).await.map_err(HandleError::of)?;
        self.applied.lock().unwrap().push((self.owner.clone(), ctx.delivery().unwrap().clone()));
        Ok(Handled::Applied)
    }
}

impl Effects {
    pub(crate) async fn write(&self, ctx: &CallContext, event: &CloudEvent) -> Result<(), StoreError> {
        let effect = OutboundMessage {
            event_id: EventId::from_uuid(Uuid::now_v7()),
            topic: "effects".into(),
            key: event.subject.clone(),
            aggregate_version: 0,
            payload: event.data.to_string().into_bytes(),
            headers: vec![],
        };
        self.db.write(ctx, "apply", move |tx| tx.enqueue(&effect)).await
    }
}

pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) log: Arc<SqliteEventLog>,
    pub(crate) db: Database,
    pub(crate) outcomes: Arc<Outcomes>,
    pub(crate) applied: Applied,
}

/// A worker that runs until it is stopped, or killed by aborting its task.
pub(crate) struct Worker {
    stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<()>,
}

impl Worker {
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        run: impl FnOnce(watch::Receiver<bool>) -> F,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(run(stopped)) }
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let log = SqliteEventLog::open(&folder.path().join("events.db"), &topics::ALL).await.unwrap();
        let db =
            Database::open_messaging(&folder.path().join("consumer.db"), "consumer store").await.unwrap();
        Self { folder, log: Arc::new(log), db, outcomes: Arc::default(), applied: Arc::default() }
    }

    /// The file of a context that publishes.
    pub(crate) async fn publisher(&self) -> Database {
        let path = self.folder.path().join("publisher.db");
        Database::open_messaging(&path, "publisher store").await.unwrap()
    }

    pub(crate) fn workers(&self, db: &Database, log: Arc<dyn EventLog>, owner: &str) -> EventWorkers {
        EventWorkers {
            outbox: Arc::new(SqliteOutbox::new(db.clone())),
            inbox: Arc::new(SqliteInbox::new(db.clone())),
            log,
            clock: Arc::new(ManualClock::default()) as Arc<dyn Clock>,
            ids: Arc::new(Ids),
            observer: Arc::clone(&self.outcomes) as Arc<dyn MessagingObserver>,
            owner: owner.into(),
            logger: Logger::root(Discard, o!()),
        }
    }

    /// A process whose first tries end in `failures`.
    pub(crate) fn consume(&self, owner: &str, failures: impl IntoIterator<Item = HandleError>) -> Worker {
        self.start(CONSUMER, owner, self.log.clone(), failures)
    }

    /// A process of another consumer.
    pub(crate) fn consume_as(
        &self,
        name: &'static str,
        failures: impl IntoIterator<Item = HandleError>,
    ) -> Worker {
        self.start(name, "a", self.log.clone(), failures)
    }

    /// A process that reads from `log`.
    pub(crate) fn consume_from(&self, owner: &str, log: Arc<dyn EventLog>) -> Worker {
        self.start(CONSUMER, owner, log, [])
    }

    fn start(
        &self,
        name: &'static str,
        owner: &str,
        log: Arc<dyn EventLog>,
        failures: impl IntoIterator<Item = HandleError>,
    ) -> Worker {
        let handler = Arc::new(self.handler(owner, failures));
        let consumer = self.workers(&self.db, log, owner).consumer(name, &[TOPIC], handler);
        Worker::start(|stop| consumer.run(stop))
    }

    pub(crate) fn consumer_of(&self, owner: &str, topics: &[&'static str]) -> Consumer {
        let handler = self.handler(owner, []);
        self.workers(&self.db, self.log.clone(), owner).consumer(CONSUMER, topics, Arc::new(handler))
    }

    pub(crate) fn handler(&self, owner: &str, failures: impl IntoIterator<Item = HandleError>) -> Effects {
        Effects {
            owner: owner.to_owned(),
            db: self.db.clone(),
            failures: Mutex::new(failures.into_iter().collect()),
            applied: Arc::clone(&self.applied),
        }
    }

    pub(crate) fn relay(&self, db: &Database, log: Arc<dyn EventLog>, owner: &str) -> Worker {
        let relay = self.workers(db, log, owner).relay();
        Worker::start(|stop| relay.run(stop))
    }

    pub(crate) fn inbox(&self) -> Arc<dyn Inbox> {
        Arc::new(SqliteInbox::new(self.db.clone()))
    }

    pub(crate) async fn append(&self, message: &OutboundMessage) {
        let topic = &message.topic;
        let partition = self.log.partition_of(topic, &message.key).await.unwrap();
        self.log.append(topic, partition, std::slice::from_ref(message)).await.unwrap();
    }

    async fn outbox(&self, topic: &str) -> Vec<OutboundMessage> {
        let pending = SqliteOutbox::new(self.db.clone()).pending(FIRST, 10_000).await.unwrap();
        pending.into_iter().map(|stored| stored.message).filter(|message| message.topic == topic).collect()
    }

    /// The effects applied, as `(key, payload)`.
    pub(crate) async fn effects(&self) -> Vec<(String, String)> {
        let effects = self.outbox("effects").await.into_iter();
        effects.map(|message| (message.key, String::from_utf8(message.payload).unwrap())).collect()
    }

    pub(crate) async fn dead(&self) -> Vec<OutboundMessage> {
        self.outbox(&topics::dead_letters_of(TOPIC)).await
    }

    pub(crate) async fn until_effects(&self, count: usize) {
        let reached = || async { (self.effects().await.len() >= count).then_some(()) };
        eventually(PATIENCE, reached).await.unwrap();
    }

    pub(crate) async fn until(&self, outcome: ConsumeOutcome, count: u64) {
        let reached = || async { (self.outcomes.count(outcome) >= count).then_some(()) };
        eventually(PATIENCE, reached).await.unwrap();
    }
}

/// Commits messages to an outbox, one transaction each.
pub(crate) async fn publish(db: &Database, messages: impl IntoIterator<Item = OutboundMessage>) {
    for message in messages {
        db.write(&context(), "write", move |tx| tx.enqueue(&message)).await.unwrap();
    }
}

pub(crate) fn event(id: u128, key: &str, n: u64) -> OutboundMessage {
    kind("thing.done.v1", id, key, n)
}

pub(crate) fn kind(kind: &str, id: u128, key: &str, n: u64) -> OutboundMessage {
    let event_id = EventId::from_uuid(Uuid::from_u128(id));
    let event = CloudEvent {
        id: event_id,
        kind: kind.into(),
        source: "/things".into(),
        subject: key.into(),
        time: Timestamp::UNIX_EPOCH,
        trace: None,
        data: n.into(),
    };
    OutboundMessage {
        event_id,
        topic: TOPIC.into(),
        key: key.into(),
        aggregate_version: n,
        payload: event.encode(),
        headers: vec![],
    }
}

pub(crate) fn transient() -> HandleError {
    HandleError::Transient("store is away".into())
}

pub(crate) fn poison() -> HandleError {
    HandleError::Poison("too early".into())
}
