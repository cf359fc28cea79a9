//! Everything that takes a wait or may fail to be had: files, the event log, connections to peers and the provider.

use std::sync::Arc;

use kernel_application::{BoxError, HealthCheck};
use payment_provider::{ProviderClient, ProviderSettings};
use platform_grpc::{ClientMetrics, Peer, PeerSettings};
use platform_messaging::topics;
use platform_sqlite::{Database, SqliteEventLog, SqliteHealth};
use platform_telemetry::{Metrics, component};
use slog::Logger;

use crate::Config;

/// What the service holds on to.
#[derive(Clone)]
pub(crate) struct Resources {
    /// The context's file.
    pub(crate) db: Database,
    /// The event log of this machine.
    pub(crate) log: Arc<SqliteEventLog>,
    /// The basket service.
    pub(crate) basket: Arc<Peer>,
    /// The product service.
    pub(crate) product: Arc<Peer>,
    /// The payment provider.
    pub(crate) provider: Arc<ProviderClient>,
}

impl Resources {
    /// Opens the files and prepares the connections; nobody on the other side need be there yet.
    pub(crate) async fn open(config: &Config, metrics: &Metrics, logger: &Logger) -> Result<Self, BoxError> {
        let db = payment_sqlite::open(&config.data_dir).await?;
        let log = SqliteEventLog::open(&config.data_dir.join("events.db"), &topics::ALL).await?;
        let logger = component(logger, "clients");
        let client_metrics = ClientMetrics::new(metrics);
        let peer = |name, address: &str| {
            Peer::new(name, address, PeerSettings::default(), &logger, client_metrics.clone()).map(Arc::new)
        };
        let settings = ProviderSettings {
            callback_url: config.callback_url.clone(),
            ..ProviderSettings::new(&config.provider_url)
        };
        let provider = ProviderClient::new(settings, &logger)?;
        Ok(Self {
            db,
            log: Arc::new(log),
            basket: peer("basket-service", &config.basket_service)?,
            product: peer("product-service", &config.product_service)?,
            provider: Arc::new(provider),
        })
    }

    /// What has to be there for the service to be ready.
    pub(crate) fn checks(&self) -> Vec<Arc<dyn HealthCheck>> {
        vec![
            Arc::new(SqliteHealth::new("payment-store", self.db.clone())),
            Arc::new(SqliteHealth::new("event-log", self.log.database().clone())),
            Arc::clone(&self.basket) as Arc<dyn HealthCheck>,
            Arc::clone(&self.product) as Arc<dyn HealthCheck>,
            Arc::clone(&self.provider) as Arc<dyn HealthCheck>,
        ]
    }
}
