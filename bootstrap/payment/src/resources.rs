//! Everything that takes a wait or may fail to be had: files, the event log, connections to peers and the provider.

use std::sync::Arc;

use kernel_application::{BoxError, HealthCheck, IdGenerator, messaging::EventLog};
use payment_provider::{ProviderClient, ProviderSettings};
use platform_grpc::{ClientMetrics, Peer, PeerSettings};
use platform_messaging::{EventWorkers, topics};
use platform_runtime::{SystemClock, UuidV7Generator};
use platform_sqlite::{Database, SqliteEventLog, SqliteHealth, SqliteInbox, SqliteOutbox};
use platform_telemetry::{MessagingMetrics, Metrics, component};
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

    /// What relay, consumers and housekeeping are made of in this home.
    pub(crate) fn events(&self, metrics: &Metrics, logger: &Logger) -> EventWorkers {
        EventWorkers {
            outbox: Arc::new(SqliteOutbox::new(self.db.clone())),
            inbox: Arc::new(SqliteInbox::new(self.db.clone())),
            log: Arc::clone(&self.log) as Arc<dyn EventLog>,
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7Generator),
            observer: Arc::new(MessagingMetrics::new(metrics)),
            owner: format!("payment-{}", UuidV7Generator.next()),
            logger: logger.clone(),
        }
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
