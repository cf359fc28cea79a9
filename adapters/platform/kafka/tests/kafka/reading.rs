//! What a reader meets at the ends of a log, and records that do not show.

use std::time::{Duration, Instant};

use kernel_application::messaging::{EventLog, LogError};
use platform_testkit::{PATIENCE, servers};
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord, Producer},
};
use rskafka::client::{ClientBuilder, partition::UnknownTopicHandling};
use tokio::{task::JoinSet, time::timeout};

use crate::support::{Bench, message, number, shared, topic, unique};

#[tokio::test]
async fn an_offset_outside_of_the_log_is_an_error() {
    let (topic, log) = (topic("bounds", 1).await, Bench::new(&shared(), &[]).log);
    let messages: Vec<_> = (0..5).map(|n| message(n, &topic, "a")).collect();
    log.append(&topic, 0, &messages).await.unwrap();
    let client = ClientBuilder::new(vec![servers::kafka().unwrap()]).build().await.unwrap();
    let partition = client.partition_client(topic.as_str(), 0, UnknownTopicHandling::Error).await.unwrap();
    partition.delete_records(3, 5_000).await.unwrap();
    assert_eq!(log.bounds(&topic, 0).await.unwrap(), 3..5);
    for outside in [0, 2, 6] {
        let error = log.fetch(&topic, 0, outside, 10, Duration::from_secs(1)).await.unwrap_err();
        assert!(matches!(error, LogError::OutOfRange { offset, .. } if offset == outside), "{error}");
    }
    let kept = log.fetch(&topic, 0, 3, 10, Duration::ZERO).await.unwrap();
    assert_eq!(kept.iter().map(|record| record.offset).collect::<Vec<_>>(), [3, 4]);
}

#[tokio::test]
async fn a_batch_is_read_in_parts_and_from_the_middle() {
    let (topic, log) = (topic("parts", 1).await, Bench::new(&shared(), &[]).log);
    let messages: Vec<_> = (0..1_000).map(|n| message(n, &topic, "a")).collect();
    log.append(&topic, 0, &messages).await.unwrap();
    let mut offset = 0;
    for max in [1, 99, 400, 500] {
        let records = log.fetch(&topic, 0, offset, max, Duration::ZERO).await.unwrap();
        assert_eq!(records.len(), max as usize);
        assert!(records.iter().all(|record| i64::from(number(&record.payload)) == record.offset));
        offset += i64::from(max);
    }
    for back in [500, 2, 999] {
        let records = log.fetch(&topic, 0, back, 1, Duration::ZERO).await.unwrap();
        assert_eq!(records[0].offset, back);
    }
}

/// The end of a transaction is a record that no reader gets: it must neither spin nor stop there.
#[tokio::test]
async fn the_mark_of_a_transaction_does_not_stop_a_reader() {
    let (topic, bench) = (topic("marks", 1).await, Bench::new(&shared(), &[]));
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", servers::kafka().unwrap())
        .set("transactional.id", unique("tx"))
        .create()
        .unwrap();
    let patience = Duration::from_secs(30);
    let producer = tokio::task::spawn_blocking(move || {
        producer.init_transactions(patience).unwrap();
        producer.begin_transaction().unwrap();
        producer
    });
    let producer = producer.await.unwrap();
    let foreign = message(1, &topic, "a");
    let record = FutureRecord::to(&topic).key("a").payload(&foreign.payload).partition(0);
    producer.send(record, patience).await.unwrap();
    tokio::task::spawn_blocking(move || producer.commit_transaction(patience).unwrap()).await.unwrap();

    let log = &bench.log;
    let first = log.fetch(&topic, 0, 0, 10, Duration::from_secs(5)).await.unwrap();
    assert_eq!(first.iter().map(|record| record.offset).collect::<Vec<_>>(), [0]);
    let (started, wait) = (Instant::now(), Duration::from_millis(300));
    assert_eq!(log.fetch(&topic, 0, 1, 10, wait).await.unwrap(), []);
    assert!(started.elapsed() >= wait, "it waits, it does not spin");
    log.append(&topic, 0, &[message(2, &topic, "a")]).await.unwrap();
    let next = log.fetch(&topic, 0, 1, 10, Duration::from_secs(5)).await.unwrap();
    assert_eq!(next.iter().map(|record| record.offset).collect::<Vec<_>>(), [2]);
}

/// A long poll keeps its connection busy, but nobody else's.
#[tokio::test]
async fn waiting_readers_delay_nobody() {
    const PARTITIONS: u32 = 6;
    let (topic, log) = (topic("waiting", PARTITIONS).await, Bench::new(&shared(), &[]).log);
    let mut readers = JoinSet::new();
    for partition in 0..PARTITIONS {
        let (log, topic) = (log.clone(), topic.clone());
        readers.spawn(async move { log.fetch(&topic, partition, 0, 10, PATIENCE).await.unwrap() });
    }
    // Those who share a connection with a reader would wait as long as it does.
    let work = async {
        for partition in (0..PARTITIONS).rev() {
            assert_eq!(log.bounds(&topic, partition).await.unwrap(), 0..0);
            log.append(&topic, partition, &[message(partition, &topic, "a")]).await.unwrap();
        }
        readers.join_all().await
    };
    let read = timeout(PATIENCE / 2, work).await.unwrap();
    let mut numbers: Vec<_> = read.iter().flatten().map(|record| number(&record.payload)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..PARTITIONS).collect::<Vec<_>>());
}
