//! What the HTTP server did, by route template: a path with an id in it would make a series per id.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use super::{Histogram, Metrics, Recorded, Series};

/// Requests, durations and what is in flight.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    total: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    in_flight: Gauge,
    recorded: Recorded<(&'static str, u16)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

impl HttpMetrics {
    /// Registers `http_server_requests_total`, `…_request_duration_seconds` and `…_requests_in_flight`.
    pub fn new(metrics: &Metrics) -> Self {
        let (total, seconds, in_flight) = (Family::default(), Family::default(), Gauge::default());
        metrics.register("http_server_requests", "Requests answered", Family::clone(&total));
        metrics.register(
            "http_server_request_duration_seconds",
            "Time until the answer's head was ready",
            Family::clone(&seconds),
        );
        metrics.register("http_server_requests_in_flight", "Requests being handled", in_flight.clone());
        Self { total, seconds, in_flight, recorded: Recorded::default() }
    }

    /// Counts a request as in flight until [`HttpMetrics::finished`].
    pub fn started(&self) {
        self.in_flight.inc();
    }

    /// Records an answer. `route` is the template, `/products/{id}`, or `unmatched`.
    pub fn finished(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        self.in_flight.dec();
        let method = known(method);
        self.recorded.record(route, (method, status), elapsed, || self.series(method, route, status));
    }

    fn series(&self, method: &'static str, route: &str, status: u16) -> Series {
        let answered = Answered { method, route: route.to_owned(), status: status.into() };
        let route = Route { method, route: route.to_owned() };
        Series {
            total: self.total.get_or_create_owned(&answered),
            seconds: self.seconds.get_or_create_owned(&route),
        }
    }
}

/// Clients may invent methods; a label must not grow with them.
fn known(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_template() {
        let metrics = Metrics::new();
        let http = HttpMetrics::new(&metrics);
        for method in ["GET", "BREW"] {
            http.started();
            http.finished(method, "/products/{id}", 200, Duration::from_millis(2));
        }
        http.started();
        http.finished("GET", "/products/{id}", 404, Duration::from_millis(700));
        http.started();
        let text = metrics.encode();
        for line in [
            r#"http_server_requests_total{method="GET",route="/products/{id}",status="200"} 1"#,
            r#"http_server_requests_total{method="OTHER",route="/products/{id}",status="200"} 1"#,
            r#"http_server_requests_total{method="GET",route="/products/{id}",status="404"} 1"#,
            r#"http_server_request_duration_seconds_count{method="GET",route="/products/{id}"} 2"#,
            r#"http_server_request_duration_seconds_bucket{le="0.5",method="GET",route="/products/{id}"} 1"#,
            "http_server_requests_in_flight 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
