//! Logs, topics and messages for tests.

pub(crate) mod brokers;

use std::{collections::BTreeSet, time::Duration};

use kernel_application::messaging::{EventLog, OutboundMessage, Record};
use kernel_domain::EventId;
use platform_kafka::{KafkaConfig, KafkaEventLog, SecurityProtocol};
use platform_telemetry::{Metrics, silent};
use platform_testkit::{PATIENCE, eventually, servers};
use rskafka::client::ClientBuilder;
use uuid::Uuid;

/// A log and its figures.
pub(crate) struct Bench {
    pub(crate) log: KafkaEventLog,
    pub(crate) metrics: Metrics,
}

impl Bench {
    pub(crate) fn new(config: &KafkaConfig, topics: &[(&str, u32)]) -> Self {
        let metrics = Metrics::new();
        let log = KafkaEventLog::new(config, topics, &metrics, silent()).unwrap();
        Self { log, metrics }
    }

    /// A counter's value, all labels together.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let text = self.metrics.encode();
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    }
}

/// The broker all tests share.
pub(crate) fn shared() -> KafkaConfig {
    config(&servers::kafka().unwrap())
}

/// Brokers without protection.
pub(crate) fn config(brokers: &str) -> KafkaConfig {
    KafkaConfig {
        brokers: brokers.split(',').map(str::to_owned).collect(),
        client_id: "test".to_owned(),
        topic_prefix: String::new(),
        security: SecurityProtocol::Plaintext,
        sasl: None,
        ca_cert: None,
        request_timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(3),
    }
}

/// A name nobody else has.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}-{}", Uuid::now_v7())
}

/// Makes a topic that every broker knows of.
pub(crate) async fn create(brokers: &str, topic: &str, partitions: u32, replication: i16) {
    let brokers = brokers.split(',').map(str::to_owned).collect();
    let client = ClientBuilder::new(brokers).build().await.unwrap();
    let partitions = i32::try_from(partitions).unwrap();
    client.controller_client().unwrap().create_topic(topic, partitions, replication, 10_000).await.unwrap();
    let there = || async {
        let topics = client.list_topics().await.unwrap();
        topics.into_iter().find(|found| found.name == topic && !found.partitions.is_empty())
    };
    eventually(PATIENCE, there).await.unwrap();
}

/// A topic of its own on the shared broker.
pub(crate) async fn topic(name: &str, partitions: u32) -> String {
    let name = unique(name);
    create(&servers::kafka().unwrap(), &name, partitions, 1).await;
    name
}

/// A message of ordinary size; `n` can be read back by [`number`].
pub(crate) fn message(n: u32, topic: &str, key: &str) -> OutboundMessage {
    let filler = format!("{n:08x}").repeat(64);
    OutboundMessage {
        event_id: EventId::from_uuid(Uuid::from_u128(n.into())),
        topic: topic.to_owned(),
        key: key.to_owned(),
        aggregate_version: n.into(),
        payload: format!(r#"{{"n":{n:010},"filler":"{filler}"}}"#).into_bytes(),
        headers: vec![("traceparent".to_owned(), format!("00-{n:032x}-00f067aa0ba902b7-01"))],
    }
}

/// The number of a message.
pub(crate) fn number(payload: &[u8]) -> u32 {
    std::str::from_utf8(&payload[5..15]).unwrap().parse().unwrap()
}

/// All records of a partition from `offset` to its present end.
pub(crate) async fn read_all(log: &impl EventLog, topic: &str, partition: u32) -> Vec<Record> {
    let bounds = log.bounds(topic, partition).await.unwrap();
    let (mut records, mut offset) = (Vec::new(), bounds.start);
    while offset < bounds.end {
        let fetched = log.fetch(topic, partition, offset, 500, Duration::from_secs(5)).await.unwrap();
        offset = fetched.last().unwrap().offset + 1;
        records.extend(fetched);
    }
    records
}

/// The numbers of `records`, each where it appears first.
pub(crate) fn first_occurrences(records: &[Record]) -> Vec<u32> {
    let mut seen = BTreeSet::new();
    records.iter().map(|record| number(&record.payload)).filter(|n| seen.insert(*n)).collect()
}
