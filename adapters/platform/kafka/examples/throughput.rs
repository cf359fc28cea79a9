//! What the log carries, in events a second: `cargo run --release -p platform-kafka --example throughput`.
//!
//! Takes `host:port` of a broker, or the one the tests use, and measures on a topic of its own with six partitions: a round
//! of a relay that appends to one partition after the other, and to all at once; readers of one partition and of all.

use std::{error::Error, time::Duration};

use kernel_application::messaging::{EventLog, OutboundMessage};
use kernel_domain::EventId;
use platform_kafka::{KafkaConfig, KafkaEventLog, SecurityProtocol};
use platform_telemetry::{Metrics, silent};
use platform_testkit::servers;
use rskafka::client::ClientBuilder;
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const PARTITIONS: u32 = 6;
/// Events of each measurement.
const EVENTS: u32 = 60_000;

#[tokio::main]
async fn main() -> Outcome {
    let broker = std::env::args().nth(1).map_or_else(servers::kafka, Ok)?;
    let topic = format!("throughput-{}", Uuid::now_v7());
    let client = ClientBuilder::new(vec![broker.clone()]).build().await?;
    client.controller_client()?.create_topic(&topic, 6, 1, 5_000).await?;
    let log = KafkaEventLog::new(&config(broker), &[(&topic, PARTITIONS)], &Metrics::new(), silent())?;
    append(&log, &topic, PARTITIONS * 100, false).await?;
    for round in [500, 2_000] {
        for at_once in [false, true] {
            let rate = append(&log, &topic, round, at_once).await?;
            println!(
                "append {round} a round over {PARTITIONS} partitions, at once: {at_once}: {rate} events/s"
            );
        }
    }
    for max in [100, 500] {
        println!("fetch {max} at a time, one partition: {} events/s", fetch(&log, &topic, max, 1).await?);
        println!(
            "fetch {max} at a time, all partitions: {} events/s",
            fetch(&log, &topic, max, PARTITIONS).await?
        );
    }
    client.controller_client()?.delete_topic(&topic, 5_000).await?;
    Ok(())
}

fn config(broker: String) -> KafkaConfig {
    KafkaConfig {
        brokers: vec![broker],
        client_id: "throughput".to_owned(),
        topic_prefix: String::new(),
        security: SecurityProtocol::Plaintext,
        sasl: None,
        ca_cert: None,
        request_timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(3),
    }
}

/// Rounds of `size` events, spread evenly; each round waits for all its acknowledgements, as a relay does.
async fn append(log: &KafkaEventLog, topic: &str, size: u32, at_once: bool) -> Outcome<u128> {
    let batch: Vec<_> = (0..size / PARTITIONS).map(|n| event(topic, n)).collect();
    let rounds = EVENTS / size;
    let started = Instant::now();
    for _ in 0..rounds {
        let mut appends = JoinSet::new();
        for partition in 0..PARTITIONS {
            let (log, topic, batch) = (log.clone(), topic.to_owned(), batch.clone());
            appends.spawn(async move { log.append(&topic, partition, &batch).await });
            if !at_once {
                appends.join_next().await.transpose()?.transpose()?;
            }
        }
        while let Some(appended) = appends.join_next().await {
            appended??;
        }
    }
    Ok(rate(u128::from(rounds * (size / PARTITIONS) * PARTITIONS), started))
}

/// Everything there is in the first `partitions`, by a reader for each.
async fn fetch(log: &KafkaEventLog, topic: &str, max: u32, partitions: u32) -> Outcome<u128> {
    let started = Instant::now();
    let mut readers = JoinSet::new();
    for partition in 0..partitions {
        let (log, topic) = (log.clone(), topic.to_owned());
        readers.spawn(async move {
            let bounds = log.bounds(&topic, partition).await?;
            let mut offset = bounds.start;
            while offset < bounds.end {
                let records = log.fetch(&topic, partition, offset, max, Duration::from_secs(5)).await?;
                offset = records.last().map_or(offset, |last| last.offset + 1);
            }
            Outcome::Ok(u128::try_from(bounds.end - bounds.start)?)
        });
    }
    let mut events = 0;
    while let Some(read) = readers.join_next().await {
        events += read??;
    }
    Ok(rate(events, started))
}

fn rate(events: u128, started: Instant) -> u128 {
    events * 1_000_000 / started.elapsed().as_micros().max(1)
}

/// An event of about 600 bytes, as little alike as real ones are.
fn event(topic: &str, n: u32) -> OutboundMessage {
    let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
    let payload = format!(
        r#"{{"specversion":"1.0","id":"{id}","type":"payment.completed.v1","source":"/payment","subject":"{other}","time":"2026-01-01T00:00:00.{n:06}Z","datacontenttype":"application/json","data":{{"payment_id":"{other}","user_id":"user-{n}","amount":"{n}.90","currency":"USD","items":[{{"product_id":{n},"quantity":2,"name":"Coffee grinder","price":"12.90"}},{{"product_id":{},"quantity":1,"name":"Tea pot, blue","price":"22.10"}}]}}}}"#,
        n.wrapping_mul(2_654_435_761),
    );
    OutboundMessage {
        event_id: EventId::from_uuid(id),
        topic: topic.to_owned(),
        key: other.to_string(),
        aggregate_version: 1,
        payload: payload.into_bytes(),
        headers: vec![("traceparent".to_owned(), format!("00-{}-00f067aa0ba902b7-01", id.simple()))],
    }
}
