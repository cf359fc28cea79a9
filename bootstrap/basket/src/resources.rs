//! Everything that takes a wait or may fail to be had: files, the event log, the connection to the product service.

use std::sync::Arc;

use basket_sqlite::MIGRATIONS;
use kernel_application::{BoxError, HealthCheck, IdGenerator, messaging::EventLog};
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
    /// The product service.
    pub(crate) product: Arc<Peer>,
}

impl Resources {
    /// Opens the files and prepares the connection; the product service need not be there yet.
    pub(crate) async fn open(config: &Config, metrics: &Metrics, logger: &Logger) -> Result<Self, BoxError> {
        let db = Database::open(&config.data_dir.join("basket.db"), "basket store", MIGRATIONS).await?;
        let log = SqliteEventLog::open(&config.data_dir.join("events.db"), &topics::ALL).await?;
        let product = Peer::new(
            "product-service",
            &config.product_service,
            PeerSettings::default(),
            &component(logger, "clients"),
            ClientMetrics::new(metrics),
        )?;
        Ok(Self { db, log: Arc::new(log), product: Arc::new(product) })
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
            owner: format!("basket-{}", UuidV7Generator.next()),
            logger: logger.clone(),
        }
    }

    /// What has to be there for the service to be ready.
    pub(crate) fn checks(&self) -> Vec<Arc<dyn HealthCheck>> {
        vec![
            Arc::new(SqliteHealth::new("basket-store", self.db.clone())),
            Arc::new(SqliteHealth::new("event-log", self.log.database().clone())),
            Arc::clone(&self.product) as Arc<dyn HealthCheck>,
        ]
    }
}
