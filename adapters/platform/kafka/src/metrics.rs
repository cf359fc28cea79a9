//! What talking to Kafka costs and how it fails.

use std::time::Duration;

use platform_telemetry::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
};

/// Buckets from a millisecond, a broker next door, to the five seconds a request may take.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// `kafka_client_rebuilds_total`, `kafka_errors_total{operation,kind}`, `kafka_retries_total{operation}` and
/// `kafka_produce_duration_seconds`.
#[derive(Clone, Debug)]
pub(crate) struct KafkaMetrics {
    rebuilds: Counter,
    errors: Family<Failed, Counter>,
    retries: Family<Operation, Counter>,
    produce: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    operation: &'static str,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

impl KafkaMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let new = Self {
            rebuilds: Counter::default(),
            errors: Family::default(),
            retries: Family::default(),
            produce: Histogram::new(BUCKETS),
        };
        metrics.register(
            "kafka_client_rebuilds",
            "Clients dropped after a failure, with all they knew of the cluster",
            new.rebuilds.clone(),
        );
        metrics.register(
            "kafka_errors",
            "Calls to Kafka that failed, per attempt",
            Family::clone(&new.errors),
        );
        metrics.register("kafka_retries", "Calls to Kafka that were repeated", Family::clone(&new.retries));
        metrics.register(
            "kafka_produce_duration_seconds",
            "How long brokers took to acknowledge a request",
            new.produce.clone(),
        );
        new
    }

    pub(crate) fn rebuilt(&self) {
        self.rebuilds.inc();
    }

    pub(crate) fn failed(&self, operation: &'static str, kind: &'static str) {
        self.errors.get_or_create_owned(&Failed { operation, kind }).inc();
    }

    pub(crate) fn retried(&self, operation: &'static str) {
        self.retries.get_or_create_owned(&Operation { operation }).inc();
    }

    pub(crate) fn produced(&self, elapsed: Duration) {
        self.produce.observe(elapsed.as_secs_f64());
    }
}
