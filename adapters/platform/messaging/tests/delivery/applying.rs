//! Each event has its effect once, in the order of its key.

use std::{collections::HashMap, future, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel_application::{
    CallContext,
    messaging::{ConsumeOutcome, EventLog, LogError, OutboundMessage, Outbox, Record},
};
use platform_messaging::{CloudEvent, EventHandler, HandleError, Handled};
use platform_sqlite::{SqliteEventLog, SqliteOutbox};
use platform_testkit::PATIENCE;
use tokio::{sync::Notify, time::timeout};

use crate::bench::{Bench, CONSUMER, Effects, TOPIC, Worker, event, poison, publish, transient};

#[tokio::test]
async fn every_event_reaches_its_effect_once_and_a_key_keeps_its_order() {
    let bench = Bench::new().await;
    let publisher = bench.publisher().await;
    let consumer = bench.consume("a", []);
    let relay = bench.relay(&publisher, bench.log.clone(), "a");
    publish(&publisher, (0..60).map(|n| event(u128::from(n) + 1, &format!("key-{}", n % 5), n))).await;
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
async fn a_duplicate_that_the_handler_refuses_is_not_parked() {
    let bench = Bench::new().await;
    bench.append(&event(1, "a", 1)).await;
    let consumer = bench.consume("a", []);
    bench.until_effects(1).await;
    consumer.stop().await;
    // Such as a decrease whose reservation its first delivery has used up.
    let consumer = bench.consume("a", [poison()]);
    bench.append(&event(1, "a", 1)).await;
    bench.until(ConsumeOutcome::Duplicate, 1).await;
    consumer.stop().await;
    assert_eq!((bench.effects().await.len(), bench.dead().await.len()), (1, 0));
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

/// Writes the effect and then loses the answer, as a connection does that breaks after the commit.
struct Forgetful(Effects);

#[async_trait]
impl EventHandler for Forgetful {
    async fn handle(&self, ctx: &CallContext, event: &CloudEvent) -> Result<Handled, HandleError> {
        self.0.handle(ctx, event).await?;
        Err(transient())
    }
}

#[tokio::test]
async fn an_effect_whose_answer_was_lost_is_not_repeated() {
    let bench = Bench::new().await;
    for n in 1..=3 {
        bench.append(&event(n, "a", 1)).await;
    }
    let workers = bench.workers(&bench.db, bench.log.clone(), "a");
    let consumer = workers.consumer(CONSUMER, &[TOPIC], Arc::new(Forgetful(bench.handler("a", []))));
    let consumer = Worker::start(|stop| consumer.run(stop));
    bench.until_effects(3).await;
    consumer.stop().await;
    assert_eq!(bench.effects().await.len(), 3);
    assert!(bench.dead().await.is_empty());
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

/// A log that a reader comes to and never hears of again.
struct Silent {
    inner: Arc<SqliteEventLog>,
    asked: Notify,
}

#[async_trait]
impl EventLog for Silent {
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
        self.inner.append(topic, partition, messages).await
    }

    async fn fetch(
        &self,
        topic: &str,
        partition: u32,
        offset: i64,
        _: u32,
        _: Duration,
    ) -> Result<Vec<Record>, LogError> {
        if partition == self.inner.partition_of(topic, "a").await? {
            assert_eq!(offset, 3, "where the log begins");
            self.asked.notify_one();
        }
        future::pending().await
    }

    async fn bounds(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError> {
        self.inner.bounds(topic, partition).await
    }
}

#[tokio::test]
async fn whoever_follows_a_first_owner_that_died_begins_where_the_log_begins() {
    let bench = Bench::new().await;
    for n in 1..=3 {
        bench.append(&event(n, "a", 1)).await;
    }
    bench.log.purge(Duration::ZERO).await.unwrap();
    bench.append(&event(4, "a", 4)).await;
    let log = Arc::new(Silent { inner: bench.log.clone(), asked: Notify::new() });
    let first = bench.consume_from("a", log.clone());
    timeout(PATIENCE, log.asked.notified()).await.unwrap();
    // It has taken the partition and moved nothing yet.
    first.task.abort();
    let second = bench.consume("b", []);
    bench.until_effects(1).await;
    second.stop().await;
    assert_eq!(bench.effects().await, [("a".to_owned(), "4".to_owned())]);
}
