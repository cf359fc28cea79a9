//! Three real brokers, one of which is killed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use kernel_application::messaging::{EventLog, Record};
use platform_kafka::KafkaEventLog;
use platform_testkit::{PATIENCE, eventually};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use crate::support::{Bench, brokers::Brokers, config, create, first_occurrences, message};

const TOPIC: &str = "events";
const BATCH: u32 = 20;

/// What a producer has had acknowledged, and whether it should stop.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicU32,
    stop: AtomicBool,
}

impl Progress {
    async fn reaches(&self, count: u32) {
        let reached = || async { (self.acknowledged.load(Ordering::SeqCst) >= count).then_some(()) };
        eventually(PATIENCE, reached).await.unwrap();
    }
}

/// Appends batch after batch, each until it is acknowledged, as a relay does.
async fn produce(log: KafkaEventLog, progress: Arc<Progress>) {
    while !progress.stop.load(Ordering::SeqCst) {
        let next = progress.acknowledged.load(Ordering::SeqCst);
        let batch: Vec<_> = (next..next + BATCH).map(|n| message(n, TOPIC, "a")).collect();
        if log.append(TOPIC, 0, &batch).await.is_ok() {
            progress.acknowledged.store(next + BATCH, Ordering::SeqCst);
        }
    }
}

/// Reads until everything acknowledged has been seen and the producer has stopped.
async fn consume(log: KafkaEventLog, progress: Arc<Progress>) -> Vec<Record> {
    let (mut records, mut offset) = (Vec::<Record>::new(), 0);
    loop {
        let stopped = progress.stop.load(Ordering::SeqCst);
        let fetched = log.fetch(TOPIC, 0, offset, 100, Duration::from_millis(500)).await.unwrap_or_default();
        if stopped
            && fetched.is_empty()
            && log.bounds(TOPIC, 0).await.is_ok_and(|bounds| bounds.end <= offset)
        {
            return records;
        }
        offset = fetched.last().map_or(offset, |last| last.offset + 1);
        records.extend(fetched);
    }
}

fn leader(brokers: &str) -> usize {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let metadata = consumer.fetch_metadata(Some(TOPIC), PATIENCE).unwrap();
    usize::try_from(metadata.topics()[0].partitions()[0].leader()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_a_leader_loses_nothing_acknowledged() {
    let mut brokers = Brokers::start(3, "", &[]).await;
    create(&brokers.addresses(), TOPIC, 1, 3).await;
    let log = Bench::new(&config(&brokers.addresses()), &[(TOPIC, 1)]).log;
    log.verify().await.unwrap();
    let progress = Arc::new(Progress::default());
    let producing = tokio::spawn(produce(log.clone(), Arc::clone(&progress)));
    let consuming = tokio::spawn(consume(log.clone(), Arc::clone(&progress)));

    progress.reaches(500).await;
    let leader = leader(&brokers.addresses());
    let before = progress.acknowledged.load(Ordering::SeqCst);
    brokers.kill(leader);
    let killed = Instant::now();
    progress.reaches(before + 500).await;
    let outage = killed.elapsed();
    progress.stop.store(true, Ordering::SeqCst);
    producing.await.unwrap();
    let records = consuming.await.unwrap();

    let acknowledged = progress.acknowledged.load(Ordering::SeqCst);
    let seen = first_occurrences(&records);
    assert!(records.iter().zip(0..).all(|(record, offset)| record.offset == offset), "offsets without gaps");
    assert!(seen.len() >= acknowledged as usize, "{} of {acknowledged}", seen.len());
    assert!(seen.iter().zip(0..).all(|(n, expected)| *n == expected), "in order");
    assert!(outage < Duration::from_secs(15), "went on after {outage:?}");
    log.verify().await.unwrap();
}
