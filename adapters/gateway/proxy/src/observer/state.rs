//! Figures that the backends know themselves: read when somebody asks, so that requests pay nothing for them.

use std::{fmt, sync::Arc};

use gateway_application::Upstreams;
use gateway_domain::{Service, balancing::MemberView, fleet::Fleet};
use platform_telemetry::Metrics;
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

/// Registers `gateway_backend_…` and `gateway_breaker_…`, of all that is looked after: backends for HTTP, and those for
/// gRPC, which are another service (`product-grpc`), as a process that does both may do one well and the other not.
pub fn register_state(metrics: &Metrics, http: &Arc<Upstreams>, grpc: Option<&Arc<Upstreams>>) {
    let http: (fn(Service) -> Fleet, _) = (Fleet::Http, Arc::clone(http));
    let grpc = grpc.map(|grpc| (Fleet::Grpc as fn(Service) -> Fleet, Arc::clone(grpc)));
    let upstreams: Vec<_> = [http].into_iter().chain(grpc).collect();
    for (name, help, read) in FIGURES {
        metrics.register(name, help, Figure { upstreams: upstreams.clone(), read });
    }
}

type Read = fn(&MemberView) -> Option<Value>;

const FIGURES: [(&str, &str, Read); 6] = [
    ("gateway_backend_in_flight", "Requests under way at a backend", |view| {
        Some(Value::Count(view.counts.in_flight))
    }),
    ("gateway_backend_waiting", "Requests that wait for a place at a backend", |view| {
        Some(Value::Count(view.counts.waiting))
    }),
    ("gateway_backend_latency_seconds", "Average that follows peaks, as the balancer sees it", |view| {
        Some(Value::Gauge(view.latency.as_secs_f64()))
    }),
    ("gateway_backend_state", "1 for the state a backend is in", |view| {
        Some(Value::State(view.condition.name()))
    }),
    ("gateway_breaker_state", "1 for the state a backend's circuit breaker is in", |view| {
        view.breaker.map(|breaker| Value::State(breaker.state.name()))
    }),
    ("gateway_breaker_trips", "How often a backend's circuit breaker has opened by itself", |view| {
        view.breaker.map(|breaker| Value::Counter(breaker.trips))
    }),
];

enum Value {
    Count(u32),
    Gauge(f64),
    Counter(u64),
    State(&'static str),
}

/// Backends, and what their services are called.
type Named = (fn(Service) -> Fleet, Arc<Upstreams>);

/// One figure of all backends.
struct Figure {
    upstreams: Vec<Named>,
    read: Read,
}

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figure").finish_non_exhaustive()
    }
}

impl Figure {
    fn values(&self) -> impl Iterator<Item = (Vec<(&'static str, String)>, Value)> {
        let fleets = self.upstreams.iter().flat_map(|(fleet, upstreams)| {
            upstreams.views().into_iter().map(move |(service, views)| (fleet(service), views))
        });
        let each = fleets.flat_map(|(fleet, views)| views.into_iter().map(move |view| (fleet, view)));
        each.filter_map(|(fleet, view)| {
            let value = (self.read)(&view)?;
            Some((vec![("service", fleet.name().to_owned()), ("backend", view.id)], value))
        })
    }
}

impl EncodeMetric for Figure {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (mut labels, value) in self.values() {
            if let Value::State(state) = value {
                labels.push(("state", state.to_owned()));
            }
            let mut encoder = encoder.encode_family(&labels)?;
            match value {
                Value::Count(count) => encoder.encode_gauge(&count)?,
                Value::Gauge(value) => encoder.encode_gauge(&value)?,
                Value::Counter(value) => encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)?,
                Value::State(_) => encoder.encode_gauge(&1_u32)?,
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        match self.values().next() {
            Some((_, Value::Counter(_))) => MetricType::Counter,
            _ => MetricType::Gauge,
        }
    }

    fn is_empty(&self) -> bool {
        self.values().next().is_none()
    }
}
