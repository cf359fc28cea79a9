//! What the relay published and the consumers handled, and how far behind both are.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use chrono::{DateTime, Utc};
use kernel_application::messaging::{ConsumeOutcome, MessagingObserver, OutboxStats};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use super::Metrics;

/// Outbox and consumer figures. Clones share them.
#[derive(Clone, Debug)]
pub struct MessagingMetrics {
    backlog: Gauge<u64, AtomicU64>,
    oldest: Gauge<f64, AtomicU64>,
    published: Family<Topic, Counter>,
    consumed: Family<Consumed, Counter>,
    lag: Family<Partition, Gauge<u64, AtomicU64>>,
    halted: Family<Partition, Gauge<u64, AtomicU64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Topic {
    topic: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Consumed {
    topic: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Partition {
    topic: Arc<str>,
    partition: u32,
}

impl MessagingMetrics {
    /// Registers `outbox_backlog`, `outbox_oldest_age_seconds`, `events_published_total`, `events_consumed_total`,
    /// `consumer_lag` and `consumer_halted`.
    pub fn new(metrics: &Metrics) -> Self {
        let new = Self {
            backlog: Gauge::default(),
            oldest: Gauge::default(),
            published: Family::default(),
            consumed: Family::default(),
            lag: Family::default(),
            halted: Family::default(),
        };
        metrics.register("outbox_backlog", "Events not yet published", new.backlog.clone());
        metrics.register(
            "outbox_oldest_age_seconds",
            "Age of the oldest event not yet published",
            new.oldest.clone(),
        );
        metrics.register("events_published", "Events published", new.published.clone());
        metrics.register("events_consumed", "Events handled, by outcome", new.consumed.clone());
        metrics.register("consumer_lag", "Records not yet handled", new.lag.clone());
        metrics.register(
            "consumer_halted",
            "1 for a partition that stands still until a person moves its position",
            new.halted.clone(),
        );
        new
    }

    /// How many events wait in the outbox, and how long the oldest has; `None` where none waits.
    pub fn outbox(&self, backlog: u64, oldest: Option<Duration>) {
        self.backlog.set(backlog);
        self.oldest.set(oldest.unwrap_or_default().as_secs_f64());
    }

    /// Counts events published to `topic`.
    pub fn published(&self, topic: &str, count: u64) {
        self.published.get_or_create_owned(&Topic { topic: topic.into() }).inc_by(count);
    }

    /// Counts one record of `topic`; `outcome` such as `applied`, `ignored`, `duplicate`, `retried`, `dead_lettered`.
    pub fn consumed(&self, topic: &str, outcome: &'static str) {
        self.consumed.get_or_create_owned(&Consumed { topic: topic.into(), outcome }).inc();
    }

    /// How many records of a partition are not yet handled.
    pub fn lag(&self, topic: &str, partition: u32, records: u64) {
        self.lag.get_or_create_owned(&Partition { topic: topic.into(), partition }).set(records);
    }

    /// Whether a partition stands still until a person moves its position.
    pub fn halted(&self, topic: &str, partition: u32, halted: bool) {
        self.halted.get_or_create_owned(&Partition { topic: topic.into(), partition }).set(halted.into());
    }

    /// Shows nothing of a partition that another replica reads.
    pub fn given_up(&self, topic: &str, partition: u32) {
        let partition = Partition { topic: topic.into(), partition };
        self.lag.remove(&partition);
        self.halted.remove(&partition);
    }
}

/// What relay and consumers report.
impl MessagingObserver for MessagingMetrics {
    fn outbox(&self, stats: OutboxStats, now: DateTime<Utc>) {
        let age = |oldest: DateTime<Utc>| (now - oldest).to_std().unwrap_or_default();
        self.outbox(stats.backlog, stats.oldest.map(age));
    }

    fn published(&self, topic: &str, count: u64) {
        self.published(topic, count);
    }

    fn consumed(&self, topic: &str, outcome: ConsumeOutcome) {
        self.consumed(topic, outcome.as_str());
    }

    fn lag(&self, topic: &str, partition: u32, records: u64) {
        self.lag(topic, partition, records);
    }

    fn halted(&self, topic: &str, partition: u32, halted: bool) {
        self.halted(topic, partition, halted);
    }

    fn given_up(&self, topic: &str, partition: u32) {
        self.given_up(topic, partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_appear_as_set() {
        let metrics = Metrics::new();
        let messaging = MessagingMetrics::new(&metrics);
        messaging.outbox(3, Some(Duration::from_millis(1500)));
        messaging.published("payment-events", 2);
        messaging.consumed("stock-events", "handled");
        messaging.lag("stock-events", 0, 7);
        messaging.lag("stock-events", 1, 8);
        messaging.halted("stock-events", 0, true);
        messaging.halted("stock-events", 1, true);
        messaging.given_up("stock-events", 1);
        messaging.halted("stock-events", 2, true);
        messaging.halted("stock-events", 2, false);
        let text = metrics.encode();
        for line in [
            "outbox_backlog 3",
            "outbox_oldest_age_seconds 1.5",
            r#"events_published_total{topic="payment-events"} 2"#,
            r#"events_consumed_total{topic="stock-events",outcome="handled"} 1"#,
            r#"consumer_lag{topic="stock-events",partition="0"} 7"#,
            r#"consumer_halted{topic="stock-events",partition="0"} 1"#,
            r#"consumer_halted{topic="stock-events",partition="2"} 0"#,
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains(r#"partition="1""#), "another replica reads it:\n{text}");
    }
}
