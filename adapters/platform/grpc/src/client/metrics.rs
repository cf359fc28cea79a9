//! What calls to peers cost and how they end.

use std::time::Duration;

use platform_telemetry::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use tonic::Code;

use super::Call;
use crate::status::code_name;

const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 3.0];

/// `grpc_client_calls_total{peer,method,code}` (attempts), `grpc_client_call_duration_seconds{peer,method}` and
/// `grpc_client_breaker_open{peer}`.
#[derive(Clone, Debug)]
pub struct ClientMetrics {
    calls: Family<Outcome, Counter>,
    durations: Family<Attempt, Histogram, fn() -> Histogram>,
    breakers: Family<PeerName, Gauge>,
}

impl ClientMetrics {
    /// Registers the three families.
    pub fn new(metrics: &Metrics) -> Self {
        let durations: fn() -> Histogram = || Histogram::new(BUCKETS);
        let new = Self {
            calls: Family::default(),
            durations: Family::new_with_constructor(durations),
            breakers: Family::default(),
        };
        metrics.register("grpc_client_calls", "Calls to peers, per attempt", Family::clone(&new.calls));
        metrics.register(
            "grpc_client_call_duration_seconds",
            "How long calls to peers took, per attempt",
            Family::clone(&new.durations),
        );
        metrics.register(
            "grpc_client_breaker_open",
            "Whether calls to the peer are held back",
            Family::clone(&new.breakers),
        );
        new
    }

    pub(super) fn record(&self, peer: &'static str, call: Call, code: Code, elapsed: Duration) {
        let method = call.method();
        self.calls.get_or_create(&Outcome { peer, method, code: code_name(code) }).inc();
        self.durations.get_or_create(&Attempt { peer, method }).observe(elapsed.as_secs_f64());
    }

    pub(super) fn breaker(&self, peer: &'static str, open: bool) {
        self.breakers.get_or_create(&PeerName { peer }).set(i64::from(open));
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    peer: &'static str,
    method: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    peer: &'static str,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeerName {
    peer: &'static str,
}
