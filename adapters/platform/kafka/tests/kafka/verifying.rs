//! Topics that are missing or wrong, brokers that are away, prefixes that keep systems apart.

use std::time::Duration;

use kernel_application::{
    HealthCheck,
    messaging::{EventLog, LogError},
};
use platform_kafka::{KafkaConfig, KafkaHealth, VerifyError};
use platform_testkit::{PATIENCE, eventually, free_port, servers};
use rskafka::client::ClientBuilder;

use crate::support::{Bench, config, create, message, number, read_all, shared, topic, unique};

/// A configuration whose topics nobody else sees.
fn apart() -> KafkaConfig {
    KafkaConfig { topic_prefix: format!("{}.", unique("verify")), ..shared() }
}

#[tokio::test]
async fn a_missing_topic_is_waited_for() {
    let config = apart();
    let Bench { log, .. } = Bench::new(&config, &[("there", 1), ("late", 2)]);
    create(&servers::kafka().unwrap(), &format!("{}there", config.topic_prefix), 1, 1).await;
    let missing = log.verify().await.unwrap_err();
    assert!(!missing.is_permanent());
    assert!(matches!(&missing, VerifyError::Missing(topics) if topics == &["late"]), "{missing}");
    let health = KafkaHealth::new(log.clone());
    assert_eq!(health.name(), "event-log");
    let words = health.check().await.unwrap_err();
    assert!(words.contains("late") && words.contains("cargo xtask servers topics"), "{words}");

    create(&servers::kafka().unwrap(), &format!("{}late", config.topic_prefix), 2, 1).await;
    assert_eq!(health.check().await, Ok(()), "without a restart");
}

#[tokio::test]
async fn a_topic_with_other_partitions_is_refused() {
    let config = apart();
    let Bench { log, .. } = Bench::new(&config, &[("narrow", 6)]);
    create(&servers::kafka().unwrap(), &format!("{}narrow", config.topic_prefix), 3, 1).await;
    let wrong = log.verify().await.unwrap_err();
    assert!(wrong.is_permanent());
    assert!(wrong.to_string().contains("narrow has 3 partitions, not the 6"), "{wrong}");
    for refused in [
        log.partition_of("narrow", "a").await.map(drop),
        log.append("narrow", 0, &[message(1, "narrow", "a")]).await,
        log.bounds("narrow", 0).await.map(drop),
    ] {
        assert!(matches!(refused, Err(LogError::Unavailable { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_topic_that_goes_is_missed() {
    let (topic, log) = (topic("gone", 1).await, Bench::new(&shared(), &[]).log);
    log.append(&topic, 0, &[message(1, &topic, "a")]).await.unwrap();
    assert_eq!(read_all(&log, &topic, 0).await.len(), 1);
    let client = ClientBuilder::new(shared().brokers).build().await.unwrap();
    client.controller_client().unwrap().delete_topic(&topic, 5_000).await.unwrap();
    let missed = || async {
        let appended = log.append(&topic, 0, &[message(2, &topic, "a")]).await;
        matches!(appended, Err(LogError::UnknownTopic(name)) if name == topic).then_some(())
    };
    eventually(PATIENCE, missed).await.unwrap();
    let fetched = log.fetch(&topic, 0, 0, 1, Duration::ZERO).await;
    assert!(matches!(fetched, Err(LogError::UnknownTopic(_))), "{fetched:?}");
}

#[tokio::test]
async fn prefixes_keep_systems_apart() {
    let (blue, green) = (apart(), apart());
    let mut logs = vec![];
    for (n, config) in [(1, blue), (2, green)] {
        create(&servers::kafka().unwrap(), &format!("{}events", config.topic_prefix), 1, 1).await;
        let log = Bench::new(&config, &[("events", 1)]).log;
        log.append("events", 0, &[message(n, "events", "a")]).await.unwrap();
        logs.push((n, log));
    }
    for (n, log) in logs {
        let records = read_all(&log, "events", 0).await;
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].topic.as_str(), number(&records[0].payload)), ("events", n));
    }
}

#[tokio::test]
async fn a_broker_that_is_away_is_named() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let config = KafkaConfig { request_timeout: Duration::from_millis(300), ..config(&address) };
    let bench = Bench::new(&config, &[("events", 1)]);
    let health = KafkaHealth::new(bench.log.clone());
    let words = health.check().await.unwrap_err();
    assert!(words.contains(&address) && words.contains("refused"), "{words}");
    assert!(!bench.log.verify().await.unwrap_err().is_permanent());
    assert!(bench.count("kafka_retries_total") > 0, "{}", bench.metrics.encode());
}
