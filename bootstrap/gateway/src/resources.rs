//! What is shared by all requests.

use std::sync::Arc;

use gateway_application::{RateQuota, Upstreams};
use gateway_grpc::Channels;
use gateway_proxy::{Pool, UpstreamSeries, register_state};
use gateway_redis::{StoreSeries, StoreSettings};
use kernel_application::BoxError;
use platform_redis::{OpenError, Redis};
use platform_telemetry::{Metrics, component};
use slog::Logger;

use crate::{
    Config,
    certificates::Certificates,
    config::{RateLimit, SharedLimit},
};

/// Connections, backends and figures. Clones share them.
#[derive(Clone)]
pub(crate) struct Resources {
    pub(crate) certificates: Certificates,
    pub(crate) pool: Pool,
    pub(crate) upstreams: Arc<Upstreams>,
    /// Connections for gRPC.
    pub(crate) channels: Channels,
    pub(crate) grpc_upstreams: Arc<Upstreams>,
    pub(crate) metrics: Metrics,
    pub(crate) series: UpstreamSeries,
    /// How many requests clients may send.
    pub(crate) quota: RateQuota,
    /// Where all gateways count together, if they do.
    pub(crate) shared: Option<Shared>,
    pub(crate) logger: Logger,
}

impl Resources {
    /// Waits for nothing: backends may come up later, and so may Redis.
    pub(crate) fn new(config: &Config, logger: &Logger) -> Result<Self, BoxError> {
        let metrics = Metrics::new();
        let upstreams = Arc::new(Upstreams::new(config.services.clone()));
        let grpc_upstreams = Arc::new(Upstreams::for_grpc(config.grpc.services.clone()));
        register_state(&metrics, &upstreams, config.grpc.enabled.then_some(&grpc_upstreams));
        let certificates = Certificates::load(&config.tls)?;
        let pool = Pool::new(config.timeouts, Arc::clone(&certificates.client));
        let channels = Channels::new(config.timeouts.connect, Arc::clone(&certificates.client));
        let series = UpstreamSeries::new(&metrics);
        let shared = Shared::open(&config.rate, &metrics, logger)?;
        let quota = RateQuota::from(config.rate.quota);
        Ok(Self {
            certificates,
            quota,
            pool,
            upstreams,
            channels,
            grpc_upstreams,
            series,
            shared,
            metrics,
            logger: logger.clone(),
        })
    }
}

/// A store of counts, and its figures.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: StoreSettings,
    pub(crate) series: StoreSeries,
}

impl Shared {
    fn open(rate: &RateLimit, metrics: &Metrics, logger: &Logger) -> Result<Option<Self>, OpenError> {
        let Some(SharedLimit { redis: config, timeout }) = &rate.shared else { return Ok(None) };
        let redis = Redis::new(config, "rate limits", "gateway", &component(logger, "redis"))?;
        let store = StoreSettings { redis, key_prefix: config.key_prefix.clone(), timeout: *timeout };
        Ok(Some(Self { store, series: StoreSeries::new(metrics) }))
    }
}
