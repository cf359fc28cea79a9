//! The event log of both homes, beside what the tools of Apache Kafka get out of its broker.

mod support;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use kernel_application::messaging::{EventLog, OutboundMessage};
use platform_messaging::topics::{PARTITIONS, PAYMENT_EVENTS, STOCK_EVENTS};
use platform_runtime::EventsHome;
use platform_testkit::{
    bench::{self, Bench, BoxError, Class, KafkaConsumer, KafkaProducer, Raw, Subject},
    data_dir, servers,
};
use support::{event, log};
use tokio::task::JoinSet;

/// How many events a relay appends at once: after a quiet moment, and when much waits.
const ROUNDS: [u32; 2] = [500, 2_000];
/// How many records a consumer asks for.
const FETCH: u32 = 500;

fn main() -> ExitCode {
    bench::main("kafka", async |bench| {
        let (folder, brokers) = (data_dir()?, servers::kafka()?);
        let embedded = log(EventsHome::Embedded, folder.path(), &brokers).await?;
        measure(&bench.at("sqlite"), &embedded, None).await?;
        let kafka = log(EventsHome::Kafka, folder.path(), &brokers).await?;
        // On another topic, so that no record without key is read by us.
        let topic = STOCK_EVENTS.to_owned();
        let payloads =
            (0..1_000).map(|n| String::from_utf8(event(&topic, n).payload)).collect::<Result<_, _>>()?;
        let producer = KafkaProducer { brokers: brokers.clone(), topic: topic.clone(), payloads };
        let consumer = KafkaConsumer { brokers, topic };
        measure(&bench, &kafka, Some((&producer, &consumer))).await
    })
}

async fn measure(
    bench: &Bench,
    log: &Arc<dyn EventLog>,
    raw: Option<(&dyn Raw, &dyn Raw)>,
) -> Result<(), BoxError> {
    let events = bench.plan().events;
    append(log, ROUNDS[1], events / 10).await?;
    for size in ROUNDS {
        let subject =
            Subject::new(Class::Stream, "EventLog", format!("append {size} over {PARTITIONS} partitions"));
        bench.once(subject, async || append(log, size, events).await, raw.map(|raw| raw.0)).await?;
    }
    let subject =
        Subject::new(Class::Stream, "EventLog", format!("fetch {FETCH} from {PARTITIONS} partitions"));
    bench.once(subject, async || fetch(log, events).await, raw.map(|raw| raw.1)).await
}

/// Rounds of `size` events, spread evenly; each round waits for all its acknowledgements, as a relay does.
async fn append(log: &Arc<dyn EventLog>, size: u32, events: u32) -> Result<(u64, Duration), BoxError> {
    let share: Vec<OutboundMessage> = (0..size / PARTITIONS).map(|n| event(PAYMENT_EVENTS, n)).collect();
    let share: Arc<[OutboundMessage]> = share.into();
    let (begun, mut done) = (Instant::now(), 0);
    while done < u64::from(events) {
        let mut appends = JoinSet::new();
        for partition in 0..PARTITIONS {
            let (log, share) = (Arc::clone(log), Arc::clone(&share));
            appends.spawn(async move { log.append(PAYMENT_EVENTS, partition, &share).await });
        }
        while let Some(appended) = appends.join_next().await {
            appended??;
        }
        done += share.len() as u64 * u64::from(PARTITIONS);
    }
    Ok((done, begun.elapsed()))
}

/// The last `events` there are, by a reader for each partition.
async fn fetch(log: &Arc<dyn EventLog>, events: u32) -> Result<(u64, Duration), BoxError> {
    let begun = Instant::now();
    let mut readers = JoinSet::new();
    for partition in 0..PARTITIONS {
        let log = Arc::clone(log);
        readers.spawn(async move {
            let bounds = log.bounds(PAYMENT_EVENTS, partition).await?;
            let first = bounds.start.max(bounds.end - i64::from(events / PARTITIONS));
            let mut offset = first;
            while offset < bounds.end {
                let wait = Duration::from_secs(5);
                let records = log.fetch(PAYMENT_EVENTS, partition, offset, FETCH, wait).await?;
                offset = records.last().map_or(offset, |last| last.offset + 1);
            }
            Ok::<_, BoxError>((offset - first).unsigned_abs())
        });
    }
    let mut done = 0;
    while let Some(read) = readers.join_next().await {
        done += read??;
    }
    Ok((done, begun.elapsed()))
}
