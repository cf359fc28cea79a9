//! Everything that takes a wait or may fail to be had: files, the event log, senders.

use std::sync::Arc;

use kernel_application::{BoxError, HealthCheck};
use notification_channels::{ConfiguredSenders, EmailSender, SlackSender, WebhookSender, http_client};
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
    /// The channels' senders.
    pub(crate) senders: ConfiguredSenders,
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
    /// Opens what is on this machine and prepares the senders; servers and receivers need not be there yet.
    pub(crate) async fn open(config: &Config, metrics: &Metrics, logger: &Logger) -> Result<Self, BoxError> {
        let store = Store::open(config, logger).await?;
        let events = Events::open(&config.events, metrics, logger).await?;
        Ok(Self { store, events, senders: senders(config)? })
    }

    /// What relay, consumers and housekeeping are made of.
    pub(crate) fn workers(&self, metrics: &Metrics, logger: &Logger) -> EventWorkers {
        self.events.workers("notification", self.store.messages(), metrics, logger)
    }

    /// What has to be there for the service to be ready. Channels are not: their messages wait for them.
    pub(crate) fn checks(&self) -> Vec<Arc<dyn HealthCheck>> {
        vec![self.store.check(), self.events.check()]
    }
}

impl Store {
    pub(crate) async fn open(config: &Config, logger: &Logger) -> Result<Self, BoxError> {
        Ok(match config.home.storage {
            StorageHome::Embedded => Self::Embedded(notification_sqlite::open(&config.home.folder()).await?),
            StorageHome::Server => Self::Server(notification_postgres::database(&config.db, logger.clone())?),
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
            Self::Embedded(db) => Arc::new(SqliteHealth::new("notification-store", db)),
            Self::Server(db) => Arc::new(PgHealth::new("notification-store", db)),
        }
    }
}

fn senders(config: &Config) -> Result<ConfiguredSenders, BoxError> {
    let email = config.email.clone().map(EmailSender::new).transpose()?;
    let mut senders = ConfiguredSenders { email, ..ConfiguredSenders::default() };
    if config.slack_webhook_url.is_none() && config.webhook.is_none() {
        return Ok(senders);
    }
    // The client loads the machine's certificates, which not every machine has: only where it is needed.
    let client = http_client()?;
    if let Some(url) = &config.slack_webhook_url {
        senders.slack = Some(SlackSender::new(client.clone(), url.expose())?);
    }
    if let Some(webhook) = &config.webhook {
        senders.webhook = Some(WebhookSender::new(client, &webhook.url, webhook.secret.expose())?);
    }
    Ok(senders)
}
