//! The registry and the metric families of the platform.

mod http;
mod messaging;
mod process;
mod rpc;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    encoding::text,
    metrics::{family::Family, histogram::Histogram},
    registry::{Metric, Registry},
};

pub use self::{http::HttpMetrics, messaging::MessagingMetrics, rpc::RpcMetrics};

/// The process's registry. Clones share it.
#[derive(Clone)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Metrics {
    /// The media type of [`Metrics::encode`].
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// A registry with the figures of the process: memory, CPU time, open files, start time.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process));
        Self(Arc::new(Mutex::new(registry)))
    }

    /// Adds a metric. `name` carries its unit; counters get `_total` by themselves. A name is registered once.
    pub fn register(&self, name: &'static str, help: &'static str, metric: impl Metric) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).register(name, help, metric);
    }

    /// All metrics as OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let registry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a `String` cannot fail; a metric that fails to encode shows as a document without `# EOF`.
        let _ = text::encode(&mut text, &registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Histograms of seconds, one per label set.
pub(crate) type Durations<L> = Family<L, Histogram>;

/// Buckets from half a millisecond, what a cached read takes, to the 30 seconds a request may take at most.
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

pub(crate) fn durations<L: Clone + std::hash::Hash + Eq>() -> Durations<L> {
    Family::new_with_constructor(|| Histogram::new(BUCKETS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_is_a_whole_document() {
        let text = Metrics::new().encode();
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
