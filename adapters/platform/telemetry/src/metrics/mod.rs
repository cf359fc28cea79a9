//! The registry and the metric families of the platform.

mod histogram;
mod http;
mod messaging;
mod process;
mod rpc;
mod series;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    encoding::text,
    registry::{Metric, Registry},
};

pub(crate) use self::{
    histogram::Histogram,
    series::{Recorded, Series},
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_is_a_whole_document() {
        let text = Metrics::new().encode();
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
