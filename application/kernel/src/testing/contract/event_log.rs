//! What every event log has to do.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{task::JoinSet, time::timeout};

use super::{PATIENCE, message, minutes_since};
use crate::messaging::{EventLog, LogError, MAX_PAYLOAD, OutboundMessage, Record, partition_for};

/// A log, and a way to add topics to it.
#[async_trait]
pub trait EventLogBench: Send + Sync + 'static {
    /// The log.
    fn log(&self) -> Arc<dyn EventLog>;

    /// Makes a new, empty topic and answers its name.
    async fn topic(&self, partitions: u32) -> String;
}

/// Runs the suite. One bench serves all cases, each with topics of its own.
pub async fn all(bench: &impl EventLogBench) {
    an_unknown_topic_is_named(bench).await;
    a_key_has_one_partition(bench).await;
    keeps_order_and_counts_offsets(bench).await;
    carries_bytes_unchanged(bench).await;
    takes_a_large_batch_whole(bench).await;
    parallel_appends_lose_nothing(bench).await;
    a_reader_at_the_end_waits(bench).await;
    an_append_wakes_the_reader(bench).await;
    nothing_is_read_past_the_end(bench).await;
}

/// A position that the log has not come to yet is an error, not a wait: it was lost or belongs to another log.
pub async fn nothing_is_read_past_the_end(bench: &impl EventLogBench) {
    let (log, topic) = (bench.log(), bench.topic(1).await);
    log.append(&topic, 0, &[message(1, &topic, "a")]).await.unwrap();
    assert!(log.fetch(&topic, 0, 1, 10, Duration::ZERO).await.unwrap().is_empty(), "1 comes next");
    let past = log.fetch(&topic, 0, 2, 10, Duration::ZERO).await;
    assert!(matches!(past, Err(LogError::OutOfRange { offset: 2, .. })), "{past:?}");
}

/// A topic or partition that does not exist is an error, not an empty one.
pub async fn an_unknown_topic_is_named(bench: &impl EventLogBench) {
    const NAME: &str = "no-such-topic-anywhere";
    let log = bench.log();
    let unknown = |error: &LogError| matches!(error, LogError::UnknownTopic(topic) if topic == NAME);
    assert!(log.partitions(NAME).await.is_err_and(|error| unknown(&error)));
    assert!(log.partition_of(NAME, "a").await.is_err_and(|error| unknown(&error)));
    assert!(log.bounds(NAME, 0).await.is_err_and(|error| unknown(&error)));
    assert!(log.append(NAME, 0, &[message(1, NAME, "a")]).await.is_err_and(|error| unknown(&error)));
    let topic = bench.topic(2).await;
    assert!(log.append(&topic, 2, &[message(1, &topic, "a")]).await.is_err(), "there are 0 and 1");
}

/// The partition of a key is the one Java's client gives, again and again.
pub async fn a_key_has_one_partition(bench: &impl EventLogBench) {
    let (log, topic) = (bench.log(), bench.topic(6).await);
    assert_eq!(log.partitions(&topic).await.unwrap(), 6);
    for key in ["", "1", "a", "0197-6d5e", "schlüssel"] {
        for _ in 0..2 {
            assert_eq!(
                log.partition_of(&topic, key).await.unwrap(),
                partition_for(key.as_bytes(), 6),
                "{key}"
            );
        }
    }
}

/// Partitions have their own order and offsets, from 0 on without a gap; a fetch begins and ends where it is told.
pub async fn keeps_order_and_counts_offsets(bench: &impl EventLogBench) {
    let (log, topic) = (bench.log(), bench.topic(2).await);
    let all: Vec<_> = (1..=6).map(|n| message(n, &topic, "a")).collect();
    assert_eq!(bounds(bench, &topic).await, 0..0);
    log.append(&topic, 0, &all[..3]).await.unwrap();
    log.append(&topic, 1, &[message(7, &topic, "b")]).await.unwrap();
    log.append(&topic, 0, &all[3..]).await.unwrap();
    assert_eq!(bounds(bench, &topic).await, 0..6);
    assert_eq!(log.bounds(&topic, 1).await.unwrap(), 0..1);

    let records = read(bench, &topic, 0..6, 4).await;
    assert_eq!(payloads(&records), all.iter().map(|message| &message.payload).collect::<Vec<_>>());
    assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert!(records.iter().all(|record| record.topic == topic && record.partition == 0));

    let middle = log.fetch(&topic, 0, 2, 3, Duration::ZERO).await.unwrap();
    assert!(middle.len() <= 3);
    assert_eq!(middle[0], records[2]);
}

/// Key, payload and headers are what they were, byte by byte; the time is that of the append.
pub async fn carries_bytes_unchanged(bench: &impl EventLogBench) {
    let (log, topic) = (bench.log(), bench.topic(1).await);
    let odd = OutboundMessage {
        payload: (0..=u8::MAX).chain(0..=u8::MAX).collect(),
        headers: vec![
            ("a-empty".into(), String::new()),
            ("b-reason".into(), "größer als „3“\n\t\"quoted\"".into()),
            ("traceparent".into(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        ],
        ..message(1, &topic, "schlüssel/1")
    };
    let large =
        OutboundMessage { payload: vec![0xc3; MAX_PAYLOAD], headers: vec![], ..message(2, &topic, "") };
    log.append(&topic, 0, &[odd.clone(), large.clone()]).await.unwrap();
    let records = read(bench, &topic, 0..2, 10).await;
    for (record, message) in records.into_iter().zip([odd, large]) {
        let mut headers = record.headers;
        headers.sort();
        assert_eq!((record.key, headers), (message.key, message.headers));
        assert!(record.payload == message.payload, "the payload of {} bytes differs", message.payload.len());
        let age = minutes_since(record.appended_at);
        assert!(age.abs() < 5, "appended just now, not {age} minutes ago");
    }
}

/// One append may hold what a relay reads at once.
pub async fn takes_a_large_batch_whole(bench: &impl EventLogBench) {
    let (log, topic) = (bench.log(), bench.topic(1).await);
    let all: Vec<_> = (0..2_000).map(|n| message(n, &topic, "a")).collect();
    log.append(&topic, 0, &all).await.unwrap();
    log.append(&topic, 0, &[]).await.unwrap();
    assert_eq!(bounds(bench, &topic).await, 0..2_000);
    let records = read(bench, &topic, 0..2_000, 300).await;
    assert_eq!(payloads(&records), all.iter().map(|message| &message.payload).collect::<Vec<_>>());
}

/// Appends at the same time are all there, each writer's in its order.
pub async fn parallel_appends_lose_nothing(bench: &impl EventLogBench) {
    const WRITERS: u128 = 8;
    const EACH: u128 = 10;
    let topic = bench.topic(1).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (log, topic) = (bench.log(), topic.clone());
        writers.spawn(async move {
            for n in 0..EACH {
                log.append(&topic, 0, &[message(n, &topic, &writer.to_string())]).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let end = i64::try_from(WRITERS * EACH).unwrap();
    assert_eq!(bounds(bench, &topic).await, 0..end);
    let mut by_key = BTreeMap::<_, Vec<_>>::new();
    for record in read(bench, &topic, 0..end, 100).await {
        by_key.entry(record.key).or_default().push(record.payload);
    }
    let expected: Vec<_> = (0..EACH).map(|n| message(n, &topic, "").payload).collect();
    assert_eq!(by_key.len() as u128, WRITERS);
    assert!(by_key.values().all(|of_key| *of_key == expected));
}

/// A fetch at the end of the log comes back empty when its wait is over.
pub async fn a_reader_at_the_end_waits(bench: &impl EventLogBench) {
    let (log, topic) = (bench.log(), bench.topic(1).await);
    log.append(&topic, 0, &[message(1, &topic, "a")]).await.unwrap();
    for (offset, wait) in [(1, Duration::ZERO), (1, Duration::from_millis(100))] {
        let fetched = timeout(PATIENCE, log.fetch(&topic, 0, offset, 10, wait)).await.unwrap().unwrap();
        assert_eq!(fetched, []);
    }
}

/// A fetch that waits at the end sees what is appended, in the same partition, before its wait is over.
pub async fn an_append_wakes_the_reader(bench: &impl EventLogBench) {
    let (log, topic) = (bench.log(), bench.topic(2).await);
    let waiting = tokio::spawn({
        let (log, topic) = (Arc::clone(&log), topic.clone());
        async move { log.fetch(&topic, 0, 0, 10, PATIENCE * 2).await.unwrap() }
    });
    tokio::task::yield_now().await;
    log.append(&topic, 1, &[message(1, &topic, "b")]).await.unwrap();
    log.append(&topic, 0, &[message(2, &topic, "a")]).await.unwrap();
    let records = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(payloads(&records), [&message(2, &topic, "a").payload]);
}

/// All records of partition 0 in `range`, fetched `max` at a time.
async fn read(bench: &impl EventLogBench, topic: &str, range: Range<i64>, max: u32) -> Vec<Record> {
    let (log, mut records, mut offset) = (bench.log(), vec![], range.start);
    while offset < range.end {
        let fetched = log.fetch(topic, 0, offset, max, PATIENCE).await.unwrap();
        assert!(fetched.len() <= max as usize, "{} instead of {max}", fetched.len());
        offset = fetched.last().unwrap().offset + 1;
        records.extend(fetched);
    }
    records
}

async fn bounds(bench: &impl EventLogBench, topic: &str) -> Range<i64> {
    bench.log().bounds(topic, 0).await.unwrap()
}

fn payloads(records: &[Record]) -> Vec<&Vec<u8>> {
    records.iter().map(|record| &record.payload).collect()
}
