//! Against librdkafka's mock cluster, which moves leaders, drops connections, answers late and answers with errors.
//!
//! Whatever it does: an acknowledged message is in the log, and messages of a partition are in order where they
//! appear first.

use std::time::Duration;

use kernel_application::{
    HealthCheck,
    messaging::{EventLog, LogError},
};
use platform_kafka::{KafkaConfig, KafkaEventLog, KafkaHealth};
use platform_testkit::{PATIENCE, eventually};
use rdkafka::{
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use rskafka::client::ClientBuilder;
use tokio::time::{Instant, timeout};

use crate::support::{Bench, config, first_occurrences, message, read_all};

const TOPIC: &str = "events";

/// Three brokers, of which number 1 leads the topic's only partition.
struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
    bench: Bench,
}

impl Mock {
    fn new() -> Self {
        Self::with(Duration::from_secs(10))
    }

    fn with(request_timeout: Duration) -> Self {
        let cluster = MockCluster::new(3).unwrap();
        cluster.create_topic(TOPIC, 1, 3).unwrap();
        cluster.partition_leader(TOPIC, 0, Some(1)).unwrap();
        let config = KafkaConfig { request_timeout, ..config(&cluster.bootstrap_servers()) };
        Self { cluster, bench: Bench::new(&config, &[(TOPIC, 1)]) }
    }

    fn log(&self) -> &KafkaEventLog {
        &self.bench.log
    }

    async fn append(&self, from: u32, to: u32) -> Result<(), LogError> {
        append(self.log(), from, to).await
    }

    /// All messages below `end` are there, in order.
    async fn holds(&self, end: u32) {
        let records = read_all(self.log(), TOPIC, 0).await;
        assert_eq!(first_occurrences(&records), (0..end).collect::<Vec<_>>());
    }

    /// Waits until a call has failed at least once more than `before`.
    async fn fails(&self, before: u64) {
        let failed = || async { (self.bench.count("kafka_errors_total") > before).then_some(()) };
        eventually(PATIENCE, failed).await.unwrap();
    }
}

async fn append(log: &KafkaEventLog, from: u32, to: u32) -> Result<(), LogError> {
    let messages: Vec<_> = (from..to).map(|n| message(n, TOPIC, "a")).collect();
    log.append(TOPIC, 0, &messages).await
}

#[tokio::test]
async fn a_leader_that_moves_is_followed() {
    let mock = Mock::new();
    for (n, leader) in [1, 2, 3, 1].into_iter().enumerate() {
        mock.cluster.partition_leader(TOPIC, 0, Some(leader)).unwrap();
        let n = u32::try_from(n).unwrap() * 10;
        mock.append(n, n + 10).await.unwrap();
        mock.holds(n + 10).await;
    }
    assert!(mock.bench.count("kafka_client_rebuilds_total") >= 3, "what was known of the cluster is dropped");
}

#[tokio::test]
async fn a_partition_without_leader_is_waited_for() {
    let mock = Mock::new();
    mock.append(0, 10).await.unwrap();
    mock.cluster.partition_leader(TOPIC, 0, None).unwrap();
    let log = mock.log().clone();
    let appending = tokio::spawn(async move { append(&log, 10, 20).await });
    mock.fails(2).await;
    assert!(!appending.is_finished());
    mock.cluster.partition_leader(TOPIC, 0, Some(2)).unwrap();
    appending.await.unwrap().unwrap();
    mock.holds(20).await;
}

#[tokio::test]
async fn errors_that_pass_are_outlasted() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_UNKNOWN,
    };
    let codes = [
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_UNKNOWN,
        RD_KAFKA_RESP_ERR__TRANSPORT,
    ];
    let mock = Mock::new();
    mock.cluster.request_errors(RDKafkaApiKey::Produce, &codes);
    mock.append(0, 10).await.unwrap();
    assert_eq!(mock.bench.count(r#"kafka_retries_total{operation="append"}"#), codes.len() as u64);
    for key in [RDKafkaApiKey::Fetch, RDKafkaApiKey::ListOffsets, RDKafkaApiKey::ApiVersion] {
        mock.cluster.request_errors(key, &codes[3..]);
        mock.cluster.partition_leader(TOPIC, 0, Some(2)).unwrap();
        mock.holds(10).await;
        mock.cluster.clear_request_errors(key);
        mock.cluster.partition_leader(TOPIC, 0, Some(1)).unwrap();
    }
}

#[tokio::test]
async fn order_survives_errors_between_batches() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
    };
    let mock = Mock::new();
    let errors: Vec<_> = (0..60)
        .map(|n| match n % 5 {
            1 => RD_KAFKA_RESP_ERR__TRANSPORT,
            3 => RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            _ => RD_KAFKA_RESP_ERR_NO_ERROR,
        })
        .collect();
    mock.cluster.request_errors(RDKafkaApiKey::Produce, &errors);
    for n in 0..30 {
        mock.append(n * 20, (n + 1) * 20).await.unwrap();
    }
    mock.holds(600).await;
}

#[tokio::test]
async fn an_error_that_stays_is_reported_at_once() {
    let mock = Mock::new();
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    mock.cluster.request_errors(RDKafkaApiKey::Produce, &[refused]);
    let error = mock.append(0, 1).await.unwrap_err();
    assert!(matches!(error, LogError::Unavailable { operation: "append", .. }), "{error}");
    let one = r#"kafka_errors_total{operation="append",kind="not_authorized"}"#;
    assert_eq!((mock.bench.count(one), mock.bench.count("kafka_retries_total")), (1, 0));
}

/// A topic may allow smaller batches than usual.
#[tokio::test]
async fn a_batch_that_is_too_large_is_halved() {
    let mock = Mock::new();
    let large = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    mock.cluster.request_errors(RDKafkaApiKey::Produce, &[large, large]);
    mock.append(0, 100).await.unwrap();
    mock.holds(100).await;
    mock.cluster.request_errors(RDKafkaApiKey::Produce, &[large]);
    assert!(mock.append(100, 101).await.is_err(), "one message cannot be halved");
}

#[tokio::test]
async fn brokers_that_come_back_are_used_again() {
    let mock = Mock::with(Duration::from_millis(700));
    mock.append(0, 10).await.unwrap();
    let health = KafkaHealth::new(mock.log().clone());
    assert_eq!(health.check().await, Ok(()));
    mock.cluster.broker_down(-1).unwrap();
    assert!(mock.append(10, 20).await.is_err());
    assert!(mock.log().fetch(TOPIC, 0, 10, 1, Duration::from_millis(50)).await.is_err());
    let words = health.check().await.unwrap_err();
    assert!(words.contains("topics cannot be verified") && words.contains("127.0.0.1"), "{words}");
    mock.cluster.broker_up(-1).unwrap();
    eventually(PATIENCE, || async { mock.append(10, 20).await.ok() }).await.unwrap();
    assert_eq!(health.check().await, Ok(()));
    mock.holds(20).await;
}

/// One broker of three is away and another leads: the one that is away delays nobody.
#[tokio::test]
async fn a_broker_that_is_away_is_passed_by() {
    let mock = Mock::new();
    mock.append(0, 10).await.unwrap();
    mock.cluster.broker_down(1).unwrap();
    mock.cluster.partition_leader(TOPIC, 0, Some(3)).unwrap();
    timeout(Duration::from_secs(5), mock.append(10, 20)).await.unwrap().unwrap();
    mock.holds(20).await;
}

/// A broker that takes longer than we wait for has the records, but nobody knows: they are appended again.
#[tokio::test]
async fn a_slow_broker_is_given_up_in_time() {
    let patience = Duration::from_millis(400);
    let mock = Mock::with(patience);
    mock.append(0, 10).await.unwrap();
    mock.cluster.broker_round_trip_time(-1, Duration::from_mins(1)).unwrap();
    for _ in 0..2 {
        let started = Instant::now();
        assert!(mock.append(10, 20).await.is_err());
        assert!(mock.log().fetch(TOPIC, 0, 10, 1, Duration::ZERO).await.is_err());
        assert!(mock.log().bounds(TOPIC, 0).await.is_err());
        assert!(started.elapsed() < 10 * patience, "{:?}", started.elapsed());
    }
    mock.cluster.broker_round_trip_time(-1, Duration::ZERO).unwrap();
    eventually(PATIENCE, || async { mock.append(10, 20).await.ok() }).await.unwrap();
    mock.append(20, 30).await.unwrap();
    mock.holds(30).await;
}

/// The mock cluster creates whatever it is asked for by name, as brokers do by default.
#[tokio::test]
async fn looking_for_a_topic_does_not_create_it() {
    let mock = Mock::new();
    let missing = |outcome: Result<(), LogError>| {
        assert!(matches!(&outcome, Err(LogError::UnknownTopic(topic)) if topic == "never"), "{outcome:?}");
    };
    missing(mock.log().append("never", 0, &[message(0, "never", "a")]).await);
    missing(mock.log().fetch("never", 0, 0, 1, Duration::ZERO).await.map(drop));
    missing(mock.log().partitions("never").await.map(drop));
    mock.append(0, 1).await.unwrap();
    let brokers = mock.cluster.bootstrap_servers().split(',').map(str::to_owned).collect();
    let client = ClientBuilder::new(brokers).build().await.unwrap();
    let topics = client.list_topics().await.unwrap();
    assert_eq!(topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), [TOPIC]);
}
