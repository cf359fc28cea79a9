//! Everything that takes a wait or may fail to be had: files, the event log, senders.

use std::sync::Arc;

use kernel_application::{BoxError, HealthCheck, IdGenerator, messaging::EventLog};
use notification_channels::{ConfiguredSenders, EmailSender, SlackSender, WebhookSender, http_client};
use platform_messaging::{EventWorkers, topics};
use platform_runtime::{SystemClock, UuidV7Generator};
use platform_sqlite::{Database, SqliteEventLog, SqliteHealth, SqliteInbox, SqliteOutbox};
use platform_telemetry::{MessagingMetrics, Metrics};
use slog::Logger;

use crate::Config;

/// What the service holds on to.
#[derive(Clone)]
pub(crate) struct Resources {
    /// The context's file.
    pub(crate) db: Database,
    /// The event log of this machine.
    pub(crate) log: Arc<SqliteEventLog>,
    /// The channels' senders.
    pub(crate) senders: ConfiguredSenders,
}

impl Resources {
    /// Opens the files and prepares the senders; those they send to need not be there yet.
    pub(crate) async fn open(config: &Config) -> Result<Self, BoxError> {
        let db = notification_sqlite::open(&config.data_dir).await?;
        let log = SqliteEventLog::open(&config.data_dir.join("events.db"), &topics::ALL).await?;
        Ok(Self { db, log: Arc::new(log), senders: senders(config)? })
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
            owner: format!("notification-{}", UuidV7Generator.next()),
            logger: logger.clone(),
        }
    }

    /// What has to be there for the service to be ready. Channels are not: their messages wait for them.
    pub(crate) fn checks(&self) -> Vec<Arc<dyn HealthCheck>> {
        vec![
            Arc::new(SqliteHealth::new("notification-store", self.db.clone())),
            Arc::new(SqliteHealth::new("event-log", self.log.database().clone())),
        ]
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
