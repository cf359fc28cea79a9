//! What is shared by all requests.

use std::sync::Arc;

use gateway_application::Upstreams;
use gateway_proxy::{Pool, UpstreamSeries};
use platform_telemetry::Metrics;

use crate::Config;

/// Connections, backends and figures. Clones share them.
#[derive(Clone)]
pub(crate) struct Resources {
    pub(crate) pool: Pool,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) metrics: Metrics,
    pub(crate) series: UpstreamSeries,
}

impl Resources {
    /// Connects to nothing yet: backends may come up later.
    pub(crate) fn new(config: &Config) -> Self {
        let metrics = Metrics::new();
        Self {
            pool: Pool::new(config.timeouts),
            upstreams: Arc::new(Upstreams::new(config.services.clone())),
            series: UpstreamSeries::new(&metrics),
            metrics,
        }
    }
}
