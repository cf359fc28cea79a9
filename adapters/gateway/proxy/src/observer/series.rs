//! Figures that are counted as things happen.

use std::sync::Arc;

use gateway_application::{AttemptObservation, Change, Decider};
use gateway_domain::{Backend, Outcome, Service};
use platform_telemetry::Metrics;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
};

/// From half a millisecond, a cached read, to the 30 seconds that a request may take at most.
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The series. Clones share them; a registry takes them once.
#[derive(Clone)]
pub struct UpstreamSeries {
    requests: Family<Answered, Counter>,
    errors: Family<Target, Counter>,
    retries: Family<Target, Counter>,
    seconds: Family<Target, Histogram>,
    turned_away: Family<TurnedAway, Counter>,
    limited: Family<Limited, Counter>,
    calls: Family<Called, Counter>,
    changes: Family<Changed, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    service: &'static str,
    route: &'static str,
    backend: Authority,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Target {
    service: &'static str,
    route: &'static str,
    backend: Authority,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TurnedAway {
    service: &'static str,
    route: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limited {
    service: &'static str,
    route: &'static str,
    decided: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    service: &'static str,
    method: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Changed {
    service: &'static str,
    backend: Authority,
    change: &'static str,
}

/// Shared with the backend, so that counting copies no text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Authority(Arc<str>);

impl EncodeLabelValue for Authority {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        EncodeLabelValue::encode(&self.0.as_ref(), encoder)
    }
}

impl UpstreamSeries {
    /// Registers `gateway_upstream_…`, `gateway_turned_away_total`, `gateway_rate_limited_total`,
    /// `gateway_calls_total` and `gateway_backend_changes_total`.
    pub fn new(metrics: &Metrics) -> Self {
        let series = Self {
            requests: Family::default(),
            errors: Family::default(),
            retries: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            turned_away: Family::default(),
            limited: Family::default(),
            calls: Family::default(),
            changes: Family::default(),
        };
        let Self { requests, errors, retries, seconds, turned_away, limited, calls, changes } =
            series.clone();
        let help = "Requests sent to backends, by class of their status; `none` where there was no answer";
        metrics.register("gateway_upstream_requests", help, requests);
        let help = "Requests that a backend did not answer, or answered with 5xx";
        metrics.register("gateway_upstream_errors", help, errors);
        let help = "Requests sent to a backend after another one had failed";
        metrics.register("gateway_upstream_retries", help, retries);
        let help = "Time until the head of the backend's answer";
        metrics.register("gateway_upstream_duration_seconds", help, seconds);
        let help = "Requests that no backend was asked for, by reason";
        metrics.register("gateway_turned_away", help, turned_away);
        let help =
            "Requests of clients that ask too often, by who counted them: this gateway or the shared store";
        metrics.register("gateway_rate_limited", help, limited);
        let help = "gRPC calls, by their status, or in lower case by the reason why the gateway has none";
        metrics.register("gateway_calls", help, calls);
        let help = "What backends were found to be";
        metrics.register("gateway_backend_changes", help, changes);
        series
    }

    pub(super) fn attempted(&self, attempt: &AttemptObservation<'_>) {
        let AttemptObservation { service, route, backend, outcome, number, elapsed } = attempt;
        let (service, backend) = (service.name(), Authority(backend.shared_authority()));
        let status = class(*outcome);
        let target = Target { service, route, backend: backend.clone() };
        self.requests.get_or_create_owned(&Answered { service, route, backend, status }).inc();
        self.seconds.get_or_create_owned(&target).observe(elapsed.as_secs_f64());
        if matches!(status, "5xx" | "none") {
            self.errors.get_or_create_owned(&target).inc();
        }
        if *number > 1 {
            self.retries.get_or_create_owned(&target).inc();
        }
    }

    pub(super) fn turned_away(&self, service: Service, route: &'static str, reason: &'static str) {
        let labels = TurnedAway { service: service.name(), route, reason };
        self.turned_away.get_or_create_owned(&labels).inc();
    }

    pub(super) fn limited(&self, service: Service, route: &'static str, decider: Decider) {
        let labels = Limited { service: service.name(), route, decided: decider.name() };
        self.limited.get_or_create_owned(&labels).inc();
    }

    pub(super) fn called(&self, service: Service, method: &'static str, code: &'static str) {
        self.calls.get_or_create_owned(&Called { service: service.name(), method, code }).inc();
    }

    pub(super) fn changed(&self, service: Service, backend: &Backend, change: &Change<'_>) {
        let change = match change {
            Change::Up => "up",
            Change::Down { .. } => "down",
            Change::Ejected(_) => "ejected",
            Change::Breaker(state) => match state {
                gateway_domain::breaker::State::Closed => "breaker_closed",
                gateway_domain::breaker::State::HalfOpen => "breaker_half_open",
                gateway_domain::breaker::State::Open => "breaker_open",
                gateway_domain::breaker::State::ForcedOpen => "breaker_forced_open",
            },
        };
        let backend = Authority(backend.shared_authority());
        self.changes.get_or_create_owned(&Changed { service: service.name(), backend, change }).inc();
    }
}

/// A request that ended for the client's sake says nothing of the backend, and is no error of its.
const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered(..200) => "1xx",
        Outcome::Answered(200..300) => "2xx",
        Outcome::Answered(300..400) => "3xx",
        Outcome::Answered(400..500) => "4xx",
        Outcome::Answered(_) | Outcome::Faulted => "5xx",
        Outcome::NotConnected | Outcome::TimedOut | Outcome::Broken => "none",
        Outcome::Cancelled => "cancelled",
    }
}
