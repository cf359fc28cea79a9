//! From outbox to effect on real files: order, duplicates, failures, replicas.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use kernel_application::{
    CallContext, Clock, IdGenerator, StoreError, TraceContext,
    messaging::{
        ConsumeOutcome, Delivery, EventLog, Inbox, LogError, MessagingObserver, OutboundMessage, Outbox,
        OutboxStats, Position, Record,
    },
    testing::ManualClock,
};
use kernel_domain::{EventId, Timestamp};
use platform_messaging::{CloudEvent, EventHandler, EventWorkers, HandleError, Handled, topics};
use platform_sqlite::{Database, SqliteEventLog, SqliteInbox, SqliteOutbox};
use platform_testkit::{PATIENCE, eventually};
use slog::{Discard, Logger, o};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

const TOPIC: &str = topics::STOCK_EVENTS;

struct Ids;

impl IdGenerator for Ids {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Counts what happened to records.
#[derive(Default)]
struct Outcomes(Mutex<HashMap<ConsumeOutcome, u64>>);

impl MessagingObserver for Outcomes {
    fn outbox(&self, _: OutboxStats, _: Timestamp) {}
    fn published(&self, _: &str, _: u64) {}
    fn lag(&self, _: &str, _: u32, _: u64) {}

    fn consumed(&self, _: &str, outcome: ConsumeOutcome) {
        *self.0.lock().unwrap().entry(outcome).or_default() += 1;
    }
}

impl Outcomes {
    fn count(&self, outcome: ConsumeOutcome) -> u64 {
        self.0.lock().unwrap().get(&outcome).copied().unwrap_or_default()
    }
}

/// A context whose effect is a message in its own outbox, so that effect and position share a transaction.
struct Effects {
    db: Database,
    failures: Mutex<VecDeque<HandleError>>,
}

#[async_trait]
impl EventHandler for Effects {
    async fn handle(&self, ctx: &CallContext, event: &CloudEvent) -> Result<Handled, HandleError> {
        if event.kind == "thing.unknown.v9" {
            return Ok(Handled::Ignored);
        }
        if let Some(failure) = self.failures.lock().unwrap().pop_front() {
            return Err(failure);
        }
        let effect = OutboundMessage {
            event_id: EventId::from_uuid(Uuid::now_v7()),
            topic: "effects".into(),
            key: event.subject.clone(),
            aggregate_version: 0,
            payload: event.data.to_string().into_bytes(),
            headers: vec![],
        };
        let written = self.db.write(ctx, "apply", move |tx| tx.enqueue(&effect)).await;
        written.map(|()| Handled::Applied).map_err(HandleError::of)
    }
}

/// One process of the consuming context, and what it shares with its replicas.
struct Bench {
    folder: TempDir,
    log: Arc<SqliteEventLog>,
    db: Database,
    outcomes: Arc<Outcomes>,
}

struct Worker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Worker {
    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

impl Bench {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let log = SqliteEventLog::open(&folder.path().join("events.db"), &topics::ALL).await.unwrap();
        let db =
            Database::open_messaging(&folder.path().join("consumer.db"), "consumer store").await.unwrap();
        Self { folder, log: Arc::new(log), db, outcomes: Arc::default() }
    }

    fn workers(&self, db: &Database, log: Arc<dyn EventLog>, owner: &str) -> EventWorkers {
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

    fn consume(&self, owner: &str, failures: impl IntoIterator<Item = HandleError>) -> Worker {
        let failures = Mutex::new(failures.into_iter().collect());
        let handler = Arc::new(Effects { db: self.db.clone(), failures });
        let consumer = self.workers(&self.db, self.log.clone(), owner).consumer("bench", &[TOPIC], handler);
        let (stop, stopped) = watch::channel(false);
        Worker { stop, task: tokio::spawn(consumer.run(stopped)) }
    }

    fn relay(&self, db: &Database, log: Arc<dyn EventLog>, owner: &str) -> Worker {
        let relay = self.workers(db, log, owner).relay();
        let (stop, stopped) = watch::channel(false);
        Worker { stop, task: tokio::spawn(relay.run(stopped)) }
    }

    async fn append(&self, message: &OutboundMessage) {
        let partition = self.log.partition_of(TOPIC, &message.key).await.unwrap();
        self.log.append(TOPIC, partition, std::slice::from_ref(message)).await.unwrap();
    }

    /// The effects applied, as `(key, payload)`.
    async fn effects(&self) -> Vec<(String, String)> {
        let pending = SqliteOutbox::new(self.db.clone()).pending(10_000).await.unwrap();
        let effects = pending.into_iter().filter(|stored| stored.message.topic == "effects");
        effects
            .map(|stored| (stored.message.key, String::from_utf8(stored.message.payload).unwrap()))
            .collect()
    }

    async fn dead(&self) -> Vec<OutboundMessage> {
        let pending = SqliteOutbox::new(self.db.clone()).pending(10_000).await.unwrap();
        let dead = format!("{TOPIC}.dlq");
        pending.into_iter().map(|stored| stored.message).filter(|message| message.topic == dead).collect()
    }

    async fn until_effects(&self, count: usize) {
        let reached = || async { (self.effects().await.len() >= count).then_some(()) };
        eventually(PATIENCE, reached).await.unwrap();
    }

    async fn until(&self, outcome: ConsumeOutcome, count: u64) {
        let reached = || async { (self.outcomes.count(outcome) >= count).then_some(()) };
        eventually(PATIENCE, reached).await.unwrap();
    }
}

fn event(id: u128, key: &str, n: u64) -> OutboundMessage {
    kind("thing.done.v1", id, key, n)
}

fn kind(kind: &str, id: u128, key: &str, n: u64) -> OutboundMessage {
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

fn transient() -> HandleError {
    HandleError::Transient("store is away".into())
}

#[tokio::test]
async fn every_event_reaches_its_effect_once_and_a_key_keeps_its_order() {
    let bench = Bench::new().await;
    let publisher =
        Database::open_messaging(&bench.folder.path().join("publisher.db"), "publisher store").await.unwrap();
    let consumer = bench.consume("a", []);
    let relay = bench.relay(&publisher, bench.log.clone(), "a");
    let ctx = CallContext::new("test", TraceContext::start(Uuid::from_u128(1)));
    for n in 0..60_u64 {
        let message = event(u128::from(n) + 1, &format!("key-{}", n % 5), n);
        publisher.write(&ctx, "write", move |tx| tx.enqueue(&message)).await.unwrap();
    }
    bench.until_effects(60).await;
    relay.stop().await;
    consumer.stop().await;
    let mut by_key: HashMap<String, Vec<u64>> = HashMap::new();
    for (key, n) in bench.effects().await {
        by_key.entry(key).or_default().push(n.parse().unwrap());
    }
    assert_eq!(by_key.len(), 5);
    for numbers in by_key.values() {
        assert!(numbers.is_sorted() && numbers.len() == 12, "{numbers:?}");
    }
    let outbox = SqliteOutbox::new(publisher);
    assert_eq!(outbox.stats().await.unwrap().backlog, 0, "everything is marked");
}

#[tokio::test]
async fn a_duplicate_has_no_second_effect() {
    let bench = Bench::new().await;
    for n in [1, 1, 2, 1] {
        bench.append(&event(n, "a", 7)).await;
    }
    let consumer = bench.consume("a", []);
    bench.until(ConsumeOutcome::Duplicate, 2).await;
    consumer.stop().await;
    assert_eq!(bench.effects().await.len(), 2);
}

#[tokio::test]
async fn a_transient_failure_is_retried_and_holds_up_its_partition() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    bench.append(&event(2, "a", 2)).await;
    let consumer = bench.consume("a", [transient(), transient()]);
    bench.until_effects(2).await;
    consumer.stop().await;
    assert_eq!(bench.outcomes.count(ConsumeOutcome::Retried), 2);
    let order: Vec<_> = bench.effects().await.into_iter().map(|(_, n)| n).collect();
    assert_eq!(order, ["1", "2"]);
}

#[tokio::test]
async fn what_cannot_be_understood_is_parked_with_its_reason_and_the_rest_goes_on() {
    let bench = Bench::new().await;
    let garbage = OutboundMessage { payload: b"\x00not json".to_vec(), ..event(1, "a", 1) };
    bench.append(&garbage).await;
    bench.append(&event(2, "a", 2)).await;
    bench.append(&kind("thing.unknown.v9", 3, "a", 3)).await;
    bench.append(&event(4, "a", 4)).await;
    let consumer = bench.consume("a", [HandleError::Poison("no such thing".into())]);
    bench.until_effects(1).await;
    consumer.stop().await;
    assert_eq!(bench.effects().await, [("a".to_owned(), "4".to_owned())]);
    let dead = bench.dead().await;
    let reason = |message: &OutboundMessage| {
        message
            .headers
            .iter()
            .find(|(name, _)| name == "dlq-reason")
            .map(|(_, reason)| reason.clone())
            .unwrap()
    };
    assert_eq!(dead.len(), 2);
    assert_eq!((&dead[0].payload, &dead[1].payload), (&garbage.payload, &event(2, "a", 2).payload));
    assert!(reason(&dead[0]).contains("CloudEvents"), "{}", reason(&dead[0]));
    assert_eq!(reason(&dead[1]), "no such thing");
    assert_eq!(bench.outcomes.count(ConsumeOutcome::Ignored), 1);
}

#[tokio::test]
async fn a_parked_event_can_be_replayed() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let consumer = bench.consume("a", [HandleError::Poison("too early".into())]);
    bench.until(ConsumeOutcome::DeadLettered, 1).await;
    bench.append(&event(1, "a", 1)).await;
    bench.until_effects(1).await;
    consumer.stop().await;
}

#[tokio::test]
async fn replicas_share_nothing_and_a_stopped_ones_partitions_are_taken_over() {
    let bench = Bench::new().await;
    let (first, second) = (bench.consume("a", []), bench.consume("b", []));
    for n in 0..30_u64 {
        bench.append(&event(u128::from(n) + 1, &format!("key-{n}"), n)).await;
    }
    bench.until_effects(30).await;
    first.stop().await;
    for n in 30..60_u64 {
        bench.append(&event(u128::from(n) + 1, &format!("key-{n}"), n)).await;
    }
    bench.until_effects(60).await;
    second.stop().await;
    let mut numbers: Vec<u64> = bench.effects().await.into_iter().map(|(_, n)| n.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..60).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
async fn a_killed_replicas_partitions_are_taken_over_when_its_leases_are_over() {
    let bench = Bench::new().await;
    let first = bench.consume("a", []);
    bench.append(&event(1, "a", 1)).await;
    bench.until_effects(1).await;
    first.task.abort();
    let second = bench.consume("b", []);
    bench.append(&event(2, "a", 2)).await;
    bench.until_effects(2).await;
    second.stop().await;
}

/// A log that is away for its first appends.
struct Flaky {
    inner: Arc<SqliteEventLog>,
    failures: Mutex<u32>,
}

#[async_trait]
impl EventLog for Flaky {
    async fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        self.inner.partitions(topic).await
    }

    async fn partition_of(&self, topic: &str, key: &str) -> Result<u32, LogError> {
        self.inner.partition_of(topic, key).await
    }

    async fn append(
        &self,
        topic: &str,
        partition: u32,
        messages: &[OutboundMessage],
    ) -> Result<(), LogError> {
        // The worst time to fail: the messages are there, the answer is not.
        self.inner.append(topic, partition, messages).await?;
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(LogError::Unavailable { operation: "append", source: "timed out".into() });
        }
        Ok(())
    }

    async fn fetch(
        &self,
        topic: &str,
        partition: u32,
        offset: i64,
        max: u32,
        wait: Duration,
    ) -> Result<Vec<Record>, LogError> {
        self.inner.fetch(topic, partition, offset, max, wait).await
    }

    async fn bounds(&self, topic: &str, partition: u32) -> Result<std::ops::Range<i64>, LogError> {
        self.inner.bounds(topic, partition).await
    }
}

#[tokio::test]
async fn a_relay_that_lost_the_answer_publishes_again_and_the_inbox_absorbs_it() {
    let bench = Bench::new().await;
    let publisher =
        Database::open_messaging(&bench.folder.path().join("publisher.db"), "publisher store").await.unwrap();
    let ctx = CallContext::new("test", TraceContext::start(Uuid::from_u128(1)));
    publisher.write(&ctx, "write", |tx| tx.enqueue(&event(1, "a", 1))).await.unwrap();
    let log = Arc::new(Flaky { inner: bench.log.clone(), failures: Mutex::new(2) });
    let relay = bench.relay(&publisher, log, "a");
    let consumer = bench.consume("a", []);
    bench.until(ConsumeOutcome::Duplicate, 2).await;
    relay.stop().await;
    consumer.stop().await;
    assert_eq!(bench.effects().await.len(), 1);
}

#[tokio::test]
async fn a_record_that_takes_the_process_down_is_parked_after_five_tries() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let partition = bench.log.partition_of(TOPIC, "a").await.unwrap();
    let inbox = SqliteInbox::new(bench.db.clone());
    for _ in 0..5 {
        // What a reader does before it handles a record, and then dies.
        let position = inbox.take("bench", TOPIC, partition, "a", Duration::ZERO).await.unwrap().unwrap();
        let delivery = Delivery {
            consumer: "bench".into(),
            topic: TOPIC.into(),
            partition,
            epoch: position.epoch,
            expected: 0,
            next: 1,
            event_id: None,
        };
        inbox.attempt(&delivery).await.unwrap();
    }
    let consumer = bench.consume("b", []);
    bench.until(ConsumeOutcome::DeadLettered, 1).await;
    consumer.stop().await;
    assert_eq!((bench.effects().await.len(), bench.dead().await.len()), (0, 1));
}

#[tokio::test]
async fn a_store_error_that_is_contended_is_no_poison() {
    assert!(matches!(HandleError::of(StoreError::Conflict("thing")), HandleError::Transient(_)));
    assert!(matches!(HandleError::of(StoreError::Fenced), HandleError::Transient(_)));
}

#[tokio::test]
async fn a_new_consumer_begins_where_a_purged_log_begins() {
    let bench = Bench::new().await;
    for n in 1..=3 {
        bench.append(&event(n, "a", 1)).await;
    }
    bench.log.purge(Duration::ZERO).await.unwrap();
    bench.append(&event(4, "a", 4)).await;
    let consumer = bench.consume("a", []);
    bench.until_effects(1).await;
    consumer.stop().await;
    assert_eq!(bench.effects().await, [("a".to_owned(), "4".to_owned())]);
}

#[tokio::test]
async fn a_message_without_a_topic_holds_up_nothing_else() {
    let bench = Bench::new().await;
    let publisher =
        Database::open_messaging(&bench.folder.path().join("publisher.db"), "publisher store").await.unwrap();
    let ctx = CallContext::new("test", TraceContext::start(Uuid::from_u128(1)));
    let lost = OutboundMessage { topic: "nowhere".into(), ..event(1, "a", 1) };
    publisher.write(&ctx, "write", move |tx| tx.enqueue(&lost)).await.unwrap();
    publisher.write(&ctx, "write", |tx| tx.enqueue(&event(2, "a", 2))).await.unwrap();
    let relay = bench.relay(&publisher, bench.log.clone(), "a");
    let consumer = bench.consume("a", []);
    bench.until_effects(1).await;
    relay.stop().await;
    consumer.stop().await;
    assert_eq!(SqliteOutbox::new(publisher).stats().await.unwrap().backlog, 1, "it waits, and is seen to");
}

/// An inbox that fails right after an attempt was counted, as a store does that comes and goes.
struct Stumbling {
    inner: SqliteInbox,
    failures: Mutex<u32>,
}

#[async_trait]
impl Inbox for Stumbling {
    async fn take(
        &self,
        c: &str,
        t: &str,
        p: u32,
        o: &str,
        ttl: Duration,
    ) -> Result<Option<Position>, StoreError> {
        self.inner.take(c, t, p, o, ttl).await
    }

    async fn renew(&self, c: &str, t: &str, p: u32, epoch: i64, ttl: Duration) -> Result<bool, StoreError> {
        self.inner.renew(c, t, p, epoch, ttl).await
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<u32, StoreError> {
        self.inner.attempt(delivery).await
    }

    async fn release(&self, c: &str, t: &str, p: u32, epoch: i64) -> Result<(), StoreError> {
        self.inner.release(c, t, p, epoch).await
    }

    async fn seen(&self, consumer: &str, event_id: EventId) -> Result<bool, StoreError> {
        let stumbles = {
            let mut failures = self.failures.lock().unwrap();
            let stumbles = *failures > 0;
            *failures = failures.saturating_sub(1);
            stumbles
        };
        if stumbles {
            return Err(StoreError::Unavailable { store: "inbox", operation: "read", source: "away".into() });
        }
        self.inner.seen(consumer, event_id).await
    }

    async fn advance(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.inner.advance(delivery).await
    }

    async fn dead_letter(&self, delivery: &Delivery, dead: OutboundMessage) -> Result<(), StoreError> {
        self.inner.dead_letter(delivery, dead).await
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        self.inner.purge(retention).await
    }
}

#[tokio::test]
async fn a_store_that_stumbles_parks_nothing() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let inbox = Stumbling { inner: SqliteInbox::new(bench.db.clone()), failures: Mutex::new(6) };
    let workers = EventWorkers { inbox: Arc::new(inbox), ..bench.workers(&bench.db, bench.log.clone(), "a") };
    let handler = Arc::new(Effects { db: bench.db.clone(), failures: Mutex::default() });
    let consumer = workers.consumer("bench", &[TOPIC], handler);
    let (stop, stopped) = watch::channel(false);
    let consumer = Worker { stop, task: tokio::spawn(consumer.run(stopped)) };
    bench.until_effects(1).await;
    consumer.stop().await;
    assert!(bench.dead().await.is_empty());
}
