//! What cannot be processed makes way; what may pass is waited for.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use kernel_application::{
    Denied, StoreError,
    messaging::{ConsumeOutcome, Delivery, EventLog, Inbox, OutboundMessage, Position},
};
use kernel_domain::EventId;
use platform_messaging::{EventWorkers, HandleError};
use platform_sqlite::SqliteInbox;
use platform_testkit::{PATIENCE, eventually};

use crate::bench::{Bench, CONSUMER, TOPIC, Worker, event, kind};

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
async fn a_record_that_takes_the_process_down_is_parked_after_five_tries() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let partition = bench.log.partition_of(TOPIC, "a").await.unwrap();
    let inbox = bench.inbox();
    for _ in 0..5 {
        // What a reader does before it handles a record, and then dies.
        let position = inbox.take(CONSUMER, TOPIC, partition, "a", Duration::ZERO).await.unwrap().unwrap();
        let delivery = Delivery {
            consumer: CONSUMER.into(),
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
async fn what_may_pass_and_what_is_a_mistake_of_ours_is_no_poison() {
    assert!(matches!(HandleError::of(StoreError::Conflict("thing")), HandleError::Transient(_)));
    assert!(matches!(HandleError::of(StoreError::Fenced), HandleError::Transient(_)));
    assert!(matches!(HandleError::of(Denied::Forbidden), HandleError::Transient(_)));
    assert!(matches!(HandleError::of(StoreError::AlreadyApplied), HandleError::AlreadyApplied));
}

#[tokio::test]
async fn a_partition_whose_next_record_the_log_has_dropped_halts() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let consumer = bench.consume("a", []);
    bench.until_effects(1).await;
    consumer.stop().await;
    for n in 2..=3 {
        bench.append(&event(n, "a", 2)).await;
    }
    bench.log.purge(Duration::ZERO).await.unwrap();
    bench.append(&event(4, "a", 4)).await;
    // A key of another partition shows that the consumer works.
    let other = other_partition(&bench).await;
    let consumer = bench.consume("a", []);
    bench.append(&event(5, &other, 5)).await;
    bench.until_effects(2).await;
    let partition = bench.log.partition_of(TOPIC, "a").await.unwrap();
    let said = || async { (bench.outcomes.of(partition) == (Some(3), Some(true))).then_some(()) };
    eventually(PATIENCE, said).await.unwrap();
    consumer.stop().await;
    assert_eq!(bench.outcomes.of(partition), (None, None), "whoever reads it says so");
    let effects: Vec<_> = bench.effects().await.into_iter().map(|(_, n)| n).collect();
    assert_eq!(effects, ["1", "5"], "never past what was lost");
    assert!(bench.dead().await.is_empty());
}

async fn other_partition(bench: &Bench) -> String {
    let halted = bench.log.partition_of(TOPIC, "a").await.unwrap();
    for n in 0.. {
        let key = format!("other-{n}");
        if bench.log.partition_of(TOPIC, &key).await.unwrap() != halted {
            return key;
        }
    }
    unreachable!("there are several partitions")
}

/// An inbox that fails right after an attempt was counted, as a store does that comes and goes.
struct Stumbling {
    inner: SqliteInbox,
    failures: Mutex<u32>,
}

#[async_trait]
impl Inbox for Stumbling {
    async fn join(&self, c: &str, o: &str, ttl: Duration) -> Result<u32, StoreError> {
        self.inner.join(c, o, ttl).await
    }

    async fn leave(&self, c: &str, o: &str) -> Result<(), StoreError> {
        self.inner.leave(c, o).await
    }

    async fn begin(&self, c: &str, t: &str, p: u32, start: i64) -> Result<(), StoreError> {
        self.inner.begin(c, t, p, start).await
    }

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
        let attempts = self.inner.attempt(delivery).await?;
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(StoreError::Unavailable { store: "inbox", operation: "read", source: "away".into() });
        }
        Ok(attempts)
    }

    async fn release(&self, c: &str, t: &str, p: u32, epoch: i64) -> Result<(), StoreError> {
        self.inner.release(c, t, p, epoch).await
    }

    async fn seen(&self, consumer: &str, event_id: EventId) -> Result<bool, StoreError> {
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
    let consumer = workers.consumer(CONSUMER, &[TOPIC], Arc::new(bench.handler("a", [])));
    let consumer = Worker::start(|stop| consumer.run(stop));
    bench.until_effects(1).await;
    consumer.stop().await;
    assert!(bench.dead().await.is_empty());
}
