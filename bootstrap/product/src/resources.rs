//! Everything that takes a wait or may fail to be had: the context's file and the event log.

use std::{path::Path, sync::Arc};

use kernel_application::{BoxError, HealthCheck, IdGenerator, messaging::EventLog};
use platform_messaging::{EventWorkers, topics};
use platform_runtime::{SystemClock, UuidV7Generator};
use platform_sqlite::{Database, SqliteEventLog, SqliteHealth, SqliteInbox, SqliteOutbox};
use platform_telemetry::{MessagingMetrics, Metrics};
use slog::Logger;

/// What the service holds on to.
#[derive(Clone)]
pub(crate) struct Resources {
    /// The context's file.
    pub(crate) db: Database,
    /// The event log of this machine.
    pub(crate) log: Arc<SqliteEventLog>,
}

impl Resources {
    /// Opens the files in `data_dir`, made or migrated as needed.
    pub(crate) async fn open(data_dir: &Path) -> Result<Self, BoxError> {
        let db = product_sqlite::open(data_dir).await?;
        let log = SqliteEventLog::open(&data_dir.join("events.db"), &topics::ALL).await?;
        Ok(Self { db, log: Arc::new(log) })
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
            owner: format!("product-{}", UuidV7Generator.next()),
            logger: logger.clone(),
        }
    }

    /// What has to be there for the service to be ready.
    pub(crate) fn checks(&self) -> Vec<Arc<dyn HealthCheck>> {
        vec![
            Arc::new(SqliteHealth::new("product-store", self.db.clone())),
            Arc::new(SqliteHealth::new("event-log", self.log.database().clone())),
        ]
    }
}
