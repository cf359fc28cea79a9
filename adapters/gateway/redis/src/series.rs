//! What is seen of the store.

use std::time::Duration;

use gateway_domain::limit::Mode;
use platform_telemetry::Metrics;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};

/// From what a store on the same machine takes to what nobody waits for.
const BUCKETS: [f64; 9] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];

/// The registered figures. Clones share them.
#[derive(Clone, Debug)]
pub struct StoreSeries {
    shared: Gauge,
    failures: Counter,
    seconds: Histogram,
}

impl StoreSeries {
    /// Registers `gateway_rate_limit_…`. The store is taken to be there.
    pub fn new(metrics: &Metrics) -> Self {
        let series =
            Self { shared: Gauge::default(), failures: Counter::default(), seconds: Histogram::new(BUCKETS) };
        let Self { shared, failures, seconds } = series.clone();
        let help = "1 while limits are decided in the store, 0 while each gateway decides by itself";
        metrics.register("gateway_rate_limit_shared", help, shared);
        let help = "Requests that the store was asked about in vain";
        metrics.register("gateway_rate_limit_store_failures", help, failures);
        let help = "Time of the store's decisions";
        metrics.register("gateway_rate_limit_store_duration_seconds", help, seconds);
        series.changed(Mode::Shared);
        series
    }

    pub(crate) fn changed(&self, mode: Mode) {
        self.shared.set(i64::from(mode == Mode::Shared));
    }

    pub(crate) fn answered(&self, elapsed: Duration) {
        self.seconds.observe(elapsed.as_secs_f64());
    }

    pub(crate) fn failed(&self) {
        self.failures.inc();
    }
}
