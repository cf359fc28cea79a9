//! The relay on real files: lost answers, messages that have nowhere to go.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use kernel_application::messaging::{ConsumeOutcome, EventLog, LogError, OutboundMessage, Outbox, Record};
use platform_sqlite::{SqliteEventLog, SqliteOutbox};
use platform_testkit::{PATIENCE, eventually};

use crate::bench::{Bench, event, publish};

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
    let publisher = bench.publisher().await;
    publish(&publisher, [event(1, "a", 1)]).await;
    let log = Arc::new(Flaky { inner: bench.log.clone(), failures: Mutex::new(2) });
    let relay = bench.relay(&publisher, log, "a");
    let consumer = bench.consume("a", []);
    bench.until(ConsumeOutcome::Duplicate, 2).await;
    relay.stop().await;
    consumer.stop().await;
    assert_eq!(bench.effects().await.len(), 1);
}

#[tokio::test]
async fn a_message_without_a_topic_holds_up_nothing_else() {
    let bench = Bench::new().await;
    let publisher = bench.publisher().await;
    let lost = OutboundMessage { topic: "nowhere".into(), ..event(1, "a", 1) };
    publish(&publisher, [lost, event(2, "a", 2)]).await;
    let relay = bench.relay(&publisher, bench.log.clone(), "a");
    let consumer = bench.consume("a", []);
    bench.until_effects(1).await;
    relay.stop().await;
    consumer.stop().await;
    assert_eq!(SqliteOutbox::new(publisher).stats().await.unwrap().backlog, 1, "it waits, and is seen to");
}

#[tokio::test]
async fn a_stopped_relay_lets_another_go_on_at_once() {
    let bench = Bench::new().await;
    let publisher = bench.publisher().await;
    let outbox = SqliteOutbox::new(publisher.clone());
    let relay = bench.relay(&publisher, bench.log.clone(), "a");
    publish(&publisher, [event(1, "a", 1)]).await;
    let emptied = || async { (outbox.stats().await.unwrap().backlog == 0).then_some(()) };
    eventually(PATIENCE, emptied).await.unwrap();
    assert!(!outbox.lease("b", Duration::from_secs(6)).await.unwrap());
    relay.stop().await;
    assert!(outbox.lease("b", Duration::from_secs(6)).await.unwrap());
}
