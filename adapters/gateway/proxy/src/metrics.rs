//! Counts forwarded requests by service and backend.

use gateway_application::{ForwardObservation, ForwardObserver};
use platform_telemetry::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
};
use shaku::Component;

/// From half a millisecond, a cached read, to the 30 seconds that a request may take at most.
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Implements the port with the process's metrics.
#[derive(Component)]
#[shaku(interface = ForwardObserver)]
pub struct UpstreamMetrics {
    /// The registered series.
    series: UpstreamSeries,
}

/// The series. Clones share them; a registry takes them once.
#[derive(Clone)]
pub struct UpstreamSeries {
    requests: Family<Answered, Counter>,
    errors: Family<Target, Counter>,
    seconds: Family<Target, Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    service: &'static str,
    backend: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Target {
    service: &'static str,
    backend: String,
}

impl UpstreamSeries {
    /// Registers `gateway_upstream_requests_total`, `…_errors_total` and `…_duration_seconds`.
    pub fn new(metrics: &Metrics) -> Self {
        let series = Self {
            requests: Family::default(),
            errors: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        };
        metrics.register(
            "gateway_upstream_requests",
            "Requests sent to backends, by class of their status; `none` where there was no answer",
            series.requests.clone(),
        );
        metrics.register(
            "gateway_upstream_errors",
            "Requests that a backend did not answer, or answered with 5xx",
            series.errors.clone(),
        );
        metrics.register(
            "gateway_upstream_duration_seconds",
            "Time until the head of the backend's answer",
            series.seconds.clone(),
        );
        series
    }
}

impl UpstreamMetrics {
    /// Counts into `series`, for use without a module.
    pub const fn new(series: UpstreamSeries) -> Self {
        Self { series }
    }
}

impl ForwardObserver for UpstreamMetrics {
    fn observe(&self, observation: &ForwardObservation<'_>) {
        let service = observation.service.name();
        let backend = observation.backend.authority().to_owned();
        let status = class(observation.status);
        let target = Target { service, backend: backend.clone() };
        self.series.requests.get_or_create_owned(&Answered { service, backend, status }).inc();
        self.series.seconds.get_or_create_owned(&target).observe(observation.elapsed.as_secs_f64());
        if matches!(status, "5xx" | "none") {
            self.series.errors.get_or_create_owned(&target).inc();
        }
    }
}

fn class(status: Option<http::StatusCode>) -> &'static str {
    match status.map(|status| status.as_u16() / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(_) => "5xx",
        None => "none",
    }
}
