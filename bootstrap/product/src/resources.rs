//! Everything that takes a wait or may fail to be had: the store of the service's home and the event log.

use std::sync::Arc;

use kernel_application::{BoxError, HealthCheck};
use platform_events::{Events, Store as MessageStore};
use platform_messaging::EventWorkers;
use platform_postgres::{PgHealth, PgInbox, PgOutbox};
use platform_runtime::StorageHome;
use platform_sqlite::{SqliteHealth, SqliteInbox, SqliteOutbox};
use platform_telemetry::Metrics;
use slog::Logger;

use crate::Config;

/// What the service holds on to.
pub(crate) struct Resources {
    /// The context's store.
    pub(crate) store: Store,
    /// The log between services.
    pub(crate) events: Events,
}

/// The context's store, one arm per home.
#[derive(Clone)]
pub(crate) enum Store {
    /// A file.
    Embedded(platform_sqlite::Database),
    /// PostgreSQL.
    Server(platform_postgres::Database),
}

impl Resources {
    /// Opens what is on this machine; servers need not be there yet.
    pub(crate) async fn open(config: &Config, metrics: &Metrics, logger: &Logger) -> Result<Self, BoxError> {
        let store = Store::open(config, logger).await?;
        Ok(Self { store, events: Events::open(&config.events, metrics, logger).await? })
    }

    /// What relay, consumers and housekeeping are made of.
    pub(crate) fn workers(&self, metrics: &Metrics, logger: &Logger) -> EventWorkers {
        self.events.workers("product", self.store.messages(), metrics, logger)
    }

    /// What has to be there for the service to be ready.
    pub(crate) fn checks(&self) -> Vec<Arc<dyn HealthCheck>> {
        vec![self.store.check(), self.events.check()]
    }
}

impl Store {
    pub(crate) async fn open(config: &Config, logger: &Logger) -> Result<Self, BoxError> {
        Ok(match config.home.storage {
            StorageHome::Embedded => Self::Embedded(product_sqlite::open(&config.home.folder()).await?),
            StorageHome::Server => Self::Server(product_postgres::database(&config.db, logger.clone())?),
        })
    }

    /// Brings the schema up to date. Opening an embedded store has done it already.
    pub(crate) async fn migrate(&self) -> Result<(), BoxError> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Server(db) => Ok(db.migrate().await?),
        }
    }

    fn messages(&self) -> MessageStore {
        match self.clone() {
            Self::Embedded(db) => MessageStore {
                outbox: Arc::new(SqliteOutbox::new(db.clone())),
                inbox: Arc::new(SqliteInbox::new(db)),
            },
            Self::Server(db) => MessageStore {
                outbox: Arc::new(PgOutbox::new(db.clone())),
                inbox: Arc::new(PgInbox::new(db)),
            },
        }
    }

    fn check(&self) -> Arc<dyn HealthCheck> {
        match self.clone() {
            Self::Embedded(db) => Arc::new(SqliteHealth::new("product-store", db)),
            Self::Server(db) => Arc::new(PgHealth::new("product-store", db)),
        }
    }
}
