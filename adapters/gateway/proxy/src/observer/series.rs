//! Figures that are counted as things happen.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use gateway_application::{AttemptObservation, Change, Decider};
use gateway_domain::{Backend, Outcome, Service, fleet::Fleet};
use platform_telemetry::Metrics;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
};

use crate::per_thread::PerThread;

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
    known: Arc<PerThread<HashMap<Place, Known, RandomState>>>,
}

/// Where the names of route and backend are in memory: they stay there, the one for ever, the other as long as a [`Known`]
/// holds it.
type Place = (usize, usize);

/// Beyond that, they are forgotten and found again: backends come and go.
const MOST_KNOWN: usize = 4_096;

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
    protocol: &'static str,
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
            known: Arc::default(),
        };
        let Self { requests, errors, retries, seconds, turned_away, limited, calls, changes, .. } =
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
        let place = (attempt.route.as_ptr().addr(), attempt.backend.id().as_ptr().addr());
        self.known.with(|known| {
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            known.entry(place).or_insert_with(|| self.target(attempt)).count(self, attempt);
        });
    }

    fn target(&self, attempt: &AttemptObservation<'_>) -> Known {
        let backend = Authority(attempt.backend.shared_id());
        let target = Target { service: attempt.service.name(), route: attempt.route, backend };
        let seconds = self.seconds.get_or_create_owned(&target);
        Known { target, seconds, classes: [const { None }; CLASSES.len()] }
    }

    pub(super) fn turned_away(&self, service: Service, route: &'static str, reason: &'static str) {
        let labels = TurnedAway { service: service.name(), route, reason };
        self.turned_away.get_or_create_owned(&labels).inc();
    }

    pub(super) fn limited(&self, service: Service, route: &'static str, decider: Decider) {
        let labels = Limited { service: service.name(), route, decided: decider.name() };
        self.limited.get_or_create_owned(&labels).inc();
    }

    pub(super) fn called(&self, service: &'static str, method: &'static str, code: &'static str) {
        self.calls.get_or_create_owned(&Called { service, method, code }).inc();
    }

    pub(super) fn changed(&self, fleet: Fleet, backend: &Backend, change: &Change<'_>) {
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
        let backend = Authority(backend.shared_id());
        let (service, protocol) = (fleet.service().name(), fleet.protocol());
        self.changes.get_or_create_owned(&Changed { service, protocol, backend, change }).inc();
    }
}

/// The series of one route and backend, found once by each thread that counts.
struct Known {
    target: Target,
    seconds: Histogram,
    classes: [Option<Counter>; CLASSES.len()],
}

impl Known {
    fn count(&mut self, series: &UpstreamSeries, attempt: &AttemptObservation<'_>) {
        let class = class(attempt.outcome);
        let target = &self.target;
        let requests = self.classes[class as usize].get_or_insert_with(|| {
            let Target { service, route, backend } = target.clone();
            let answered = Answered { service, route, backend, status: CLASSES[class as usize] };
            series.requests.get_or_create_owned(&answered)
        });
        requests.inc();
        self.seconds.observe(attempt.elapsed.as_secs_f64());
        // Rare enough to be looked up.
        if matches!(class, Class::ServerError | Class::None) {
            series.errors.get_or_create_owned(target).inc();
        }
        if attempt.number > 1 {
            series.retries.get_or_create_owned(target).inc();
        }
    }
}

/// How attempts end, as indices of [`CLASSES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
    None,
    Cancelled,
}

const CLASSES: [&str; 7] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none", "cancelled"];

/// A request that ended for the client's sake says nothing of the backend, and is no error of its.
const fn class(outcome: Outcome) -> Class {
    match outcome {
        Outcome::Answered(..200) => Class::Informational,
        Outcome::Answered(200..300) => Class::Success,
        Outcome::Answered(300..400) => Class::Redirection,
        Outcome::Answered(400..500) => Class::ClientError,
        Outcome::Answered(_) | Outcome::Faulted => Class::ServerError,
        Outcome::NotConnected | Outcome::TimedOut | Outcome::Broken => Class::None,
        Outcome::Cancelled => Class::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn attempts_are_counted_by_route_backend_and_class() {
        let metrics = Metrics::new();
        let series = UpstreamSeries::new(&metrics);
        let backends = ["http://a:1", "http://b:1"].map(|url| Backend::parse(url).unwrap());
        let attempted = |backend: &Backend, route, outcome, number| {
            let (service, elapsed) = (Service::Product, Duration::from_millis(2));
            series.attempted(&AttemptObservation { service, route, backend, outcome, number, elapsed });
        };
        for _ in 0..3 {
            attempted(&backends[0], "/products", Outcome::Answered(200), 1);
        }
        attempted(&backends[0], "/products/*", Outcome::Broken, 1);
        attempted(&backends[1], "/products/*", Outcome::Answered(503), 2);
        let text = metrics.encode();
        let labels = |route, backend| format!(r#"{{service="product",route="{route}",backend="{backend}""#);
        let (list, one, other) =
            (labels("/products", "a:1"), labels("/products/*", "a:1"), labels("/products/*", "b:1"));
        for line in [
            format!(r#"gateway_upstream_requests_total{list},status="2xx"}} 3"#),
            format!(r#"gateway_upstream_requests_total{one},status="none"}} 1"#),
            format!(r#"gateway_upstream_requests_total{other},status="5xx"}} 1"#),
            format!("gateway_upstream_errors_total{one}}} 1"),
            format!("gateway_upstream_errors_total{other}}} 1"),
            format!("gateway_upstream_retries_total{other}}} 1"),
            format!("gateway_upstream_duration_seconds_count{list}}} 3"),
        ] {
            assert!(text.lines().any(|written| written == line), "{line}\n{text}");
        }
        assert!(!text.contains(&format!("gateway_upstream_errors_total{list}")), "{text}");
    }

    /// A process may be well for the one and not for the other.
    #[test]
    fn news_of_http_and_of_grpc_are_told_apart() {
        let metrics = Metrics::new();
        let series = UpstreamSeries::new(&metrics);
        let backend = Backend::parse("http://a:1").unwrap();
        series.changed(Fleet::Http(Service::Product), &backend, &Change::Up);
        series.changed(Fleet::Grpc(Service::Product), &backend, &Change::Down { problem: "refused" });
        let text = metrics.encode();
        for (protocol, change) in [("http", "up"), ("grpc", "down")] {
            let labels =
                format!(r#"service="product",protocol="{protocol}",backend="a:1",change="{change}""#);
            assert!(text.contains(&format!("gateway_backend_changes_total{{{labels}}} 1")), "{text}");
        }
    }
}
