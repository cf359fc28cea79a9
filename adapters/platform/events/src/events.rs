//! One log, whatever its home.

use std::{sync::Arc, time::Duration};

use kernel_application::{
    BoxError, HealthCheck, IdGenerator, StoreError,
    messaging::{EventLog, Inbox, Outbox},
};
use platform_kafka::{KafkaEventLog, KafkaHealth};
use platform_messaging::{EventWorkers, topics};
use platform_runtime::{EventsHome, SystemClock, UuidV7Generator};
use platform_sqlite::{SqliteEventLog, SqliteHealth};
use platform_telemetry::{MessagingMetrics, Metrics, chain, component};
use slog::{Logger, warn};

use crate::EventsConfig;

const NAME: &str = "event-log";

/// The log between services. Clones share it.
#[derive(Clone)]
pub struct Events(Log);

#[derive(Clone)]
enum Log {
    Embedded(Arc<SqliteEventLog>),
    Kafka(KafkaEventLog),
}

/// The messaging tables of a context's store.
pub struct Store {
    /// What waits to be published.
    pub outbox: Arc<dyn Outbox>,
    /// What was consumed.
    pub inbox: Arc<dyn Inbox>,
}

impl Events {
    /// Opens the log of this machine, or prepares the connection to brokers, which need not be there yet.
    pub async fn open(config: &EventsConfig, metrics: &Metrics, logger: &Logger) -> Result<Self, BoxError> {
        Ok(Self(match config.home {
            EventsHome::Embedded => {
                let file = config.folder.join("events.db");
                Log::Embedded(Arc::new(SqliteEventLog::open(&file, &topics::ALL).await?))
            }
            EventsHome::Kafka => {
                let logger = component(logger, NAME);
                let log = KafkaEventLog::new(&config.kafka, &topics::ALL, metrics, logger.clone())?;
                refuse_wrong_topics(&log, &logger).await?;
                Log::Kafka(log)
            }
        }))
    }

    /// The log as a port.
    pub fn log(&self) -> Arc<dyn EventLog> {
        match self.0.clone() {
            Log::Embedded(log) => log,
            Log::Kafka(log) => Arc::new(log),
        }
    }

    /// Whether the log answers.
    pub fn check(&self) -> Arc<dyn HealthCheck> {
        match self.0.clone() {
            Log::Embedded(log) => Arc::new(SqliteHealth::new(NAME, log.database().clone())),
            Log::Kafka(log) => Arc::new(KafkaHealth::new(log)),
        }
    }

    /// What relay, consumers and housekeeping of a process of `context` are made of.
    pub fn workers(
        &self,
        context: &'static str,
        store: Store,
        metrics: &Metrics,
        logger: &Logger,
    ) -> EventWorkers {
        let Store { outbox, inbox } = store;
        EventWorkers {
            outbox,
            inbox,
            log: self.log(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7Generator),
            observer: Arc::new(MessagingMetrics::new(metrics)),
            owner: format!("{context}-{}", UuidV7Generator.next()),
            logger: logger.clone(),
        }
    }

    /// Removes records older than `retention` from the embedded log and answers how many; brokers do it themselves.
    pub async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        match &self.0 {
            Log::Embedded(log) => log.purge(retention).await,
            Log::Kafka(_) => Ok(0),
        }
    }
}

/// Topics that are missing may still be made and brokers may still come; another number of partitions would break the order
/// of keys, and nothing that comes later mends that.
async fn refuse_wrong_topics(log: &KafkaEventLog, logger: &Logger) -> Result<(), BoxError> {
    // Boxed: whoever opens resources need not carry the depth of these futures in its own.
    match Box::pin(log.verify()).await {
        Err(failure) if failure.is_permanent() => Err(failure.into()),
        Err(failure) => {
            warn!(logger, "event log is not there yet"; "error" => chain(&failure));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
