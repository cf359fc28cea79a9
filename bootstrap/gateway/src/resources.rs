//! What is shared by all requests.

use std::sync::Arc;

use gateway_application::Upstreams;
use gateway_proxy::{Pool, UpstreamSeries, register_state};
use platform_telemetry::Metrics;
use slog::Logger;

use crate::Config;

/// Connections, backends and figures. Clones share them.
#[derive(Clone)]
pub(crate) struct Resources {
    pub(crate) pool: Pool,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) metrics: Metrics,
    pub(crate) series: UpstreamSeries,
    pub(crate) logger: Logger,
}

impl Resources {
    /// Connects to nothing yet: backends may come up later.
    pub(crate) fn new(config: &Config, logger: &Logger) -> Self {
        let metrics = Metrics::new();
        let upstreams = Arc::new(Upstreams::new(config.services.clone()));
        register_state(&metrics, &upstreams);
        let (pool, series) = (Pool::new(config.timeouts), UpstreamSeries::new(&metrics));
        Self { pool, upstreams, series, metrics, logger: logger.clone() }
    }
}
