//! The declaration that operators use against the one that services use.

use std::collections::BTreeMap;

use platform_messaging::topics;
use serde::Deserialize;

#[derive(Deserialize)]
struct Declaration {
    defaults: Defaults,
    topics: Vec<Topic>,
}

#[derive(Deserialize)]
struct Defaults {
    replication: u16,
    min_insync_replicas: u16,
    retention_ms: u64,
    config: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Topic {
    name: String,
    partitions: u32,
    retention_ms: Option<u64>,
}

fn declaration() -> Declaration {
    toml::from_str(include_str!("../../../../../ops/kafka/topics.toml")).unwrap()
}

#[test]
fn both_name_the_same_topics() {
    let declared = declaration().topics;
    let declared: Vec<_> = declared.iter().map(|topic| (topic.name.as_str(), topic.partitions)).collect();
    assert_eq!(declared, topics::ALL);
}

#[test]
fn one_broker_may_be_lost() {
    let defaults = declaration().defaults;
    assert!(defaults.min_insync_replicas >= 2, "an acknowledged record is on two disks");
    assert!(defaults.replication > defaults.min_insync_replicas, "one broker less stops nothing");
}

/// Kafka removes a segment once its youngest record is old enough: the oldest in it is older by what the segment spans.
#[test]
fn consumers_remember_longer_than_the_log_keeps() {
    const INBOX_RETENTION_MS: u64 = 8 * 24 * 3_600_000;
    let Defaults { retention_ms, config, .. } = declaration().defaults;
    let segment_ms: u64 = config["segment.ms"].parse().unwrap();
    assert!(retention_ms + segment_ms < INBOX_RETENTION_MS);
    assert_eq!(config["cleanup.policy"], "delete", "compaction would remove events");
}

#[test]
fn dead_letters_wait_longer() {
    let Declaration { defaults, topics } = declaration();
    for topic in [topics::PAYMENT_EVENTS, topics::STOCK_EVENTS, topics::BASKET_EVENTS] {
        let name = topics::dead_letters_of(topic);
        let retention_ms = topics.iter().find(|topic| topic.name == name).unwrap().retention_ms.unwrap();
        assert!(retention_ms > defaults.retention_ms, "{name}");
    }
}
