//! What the gRPC server did, by method and status code.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use super::{Histogram, Metrics, Recorded, Series};

/// Calls, durations and what is in flight.
#[derive(Clone, Debug)]
pub struct RpcMetrics {
    total: Family<Answered, Counter>,
    seconds: Family<Method, Histogram>,
    in_flight: Gauge,
    recorded: Recorded<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Method {
    method: String,
}

impl RpcMetrics {
    /// Registers `grpc_server_calls_total`, `…_call_duration_seconds` and `…_calls_in_flight`.
    pub fn new(metrics: &Metrics) -> Self {
        let (total, seconds, in_flight) = (Family::default(), Family::default(), Gauge::default());
        metrics.register("grpc_server_calls", "Calls answered", Family::clone(&total));
        metrics.register("grpc_server_call_duration_seconds", "How long calls took", Family::clone(&seconds));
        metrics.register("grpc_server_calls_in_flight", "Calls being handled", in_flight.clone());
        Self { total, seconds, in_flight, recorded: Recorded::default() }
    }

    /// Counts a call as in flight until [`RpcMetrics::finished`].
    pub fn started(&self) {
        self.in_flight.inc();
    }

    /// Records an answer. `method` is `product.v1.ProductService/GetProduct` of a known service, or `unmatched`;
    /// `code` is the status code's name, `NOT_FOUND`.
    pub fn finished(&self, method: &str, code: &'static str, elapsed: Duration) {
        self.in_flight.dec();
        self.recorded.record(method, code, elapsed, || self.series(method, code));
    }

    fn series(&self, method: &str, code: &'static str) -> Series {
        let method = method.to_owned();
        Series {
            total: self.total.get_or_create_owned(&Answered { method: method.clone(), code }),
            seconds: self.seconds.get_or_create_owned(&Method { method }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_code() {
        let metrics = Metrics::new();
        let rpc = RpcMetrics::new(&metrics);
        rpc.started();
        rpc.finished("product.v1.ProductService/GetProduct", "OK", Duration::from_millis(2));
        let line = r#"grpc_server_calls_total{method="product.v1.ProductService/GetProduct",code="OK"} 1"#;
        assert!(metrics.encode().contains(line));
    }
}
