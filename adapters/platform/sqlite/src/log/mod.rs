//! The embedded event log: one file shared by all services of a machine.

mod rows;
mod watch;

use std::{ops::Range, path::Path, time::Duration};

use async_trait::async_trait;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use kernel_application::{
    StoreError,
    messaging::{EventLog, LogError, OutboundMessage, Record, partition_for},
};
use shaku::Component;
use tokio::time::{Instant, timeout_at};

use self::watch::Watch;
use crate::{Database, OpenError, purge::bit_by_bit};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../db/platform/sqlite-log");

/// A durable log in SQLite with the semantics of a Kafka topic: partitions, offsets, keys kept in order.
///
/// Readers in other processes learn of new records by watching the file's version.
#[derive(Component)]
#[shaku(interface = EventLog)]
pub struct SqliteEventLog {
    db: Database,
    watch: Watch,
}

impl SqliteEventLog {
    /// Opens or makes the file; `topics` are names with their number of partitions, added where missing.
    pub async fn open(path: &Path, topics: &[(&str, u32)]) -> Result<Self, OpenError> {
        let db = Database::open_with(path, "event log", vec![MIGRATIONS]).await?;
        let topics =
            topics.iter().map(|(name, partitions)| ((*name).to_owned(), *partitions)).collect::<Vec<_>>();
        db.transact("declare topics", move |tx| Ok(rows::declare(tx.conn(), &topics)?))
            .await
            .map_err(|source| OpenError::new("event log", path, source.into()))?;
        let watch = Watch::start(path).map_err(|source| OpenError::new("event log", path, source.into()))?;
        Ok(Self { db, watch })
    }

    /// The file behind the log, for health checks.
    pub const fn database(&self) -> &Database {
        &self.db
    }

    /// Removes records older than `retention`, some at a time so that no append waits long for it, and answers how many.
    pub async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        bit_by_bit(|| self.db.transact("purge log", move |tx| Ok(rows::purge(tx.conn(), retention)?))).await
    }
}

#[async_trait]
impl EventLog for SqliteEventLog {
    async fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        let name = topic.to_owned();
        let count =
            self.db.read("count partitions", move |connection| rows::partitions(connection, &name)).await;
        match count.map_err(unavailable("count partitions"))? {
            0 => Err(LogError::UnknownTopic(topic.to_owned())),
            partitions => Ok(partitions),
        }
    }

    async fn partition_of(&self, topic: &str, key: &str) -> Result<u32, LogError> {
        Ok(partition_for(key.as_bytes(), self.partitions(topic).await?))
    }

    async fn append(
        &self,
        topic: &str,
        partition: u32,
        messages: &[OutboundMessage],
    ) -> Result<(), LogError> {
        let (name, messages) = (topic.to_owned(), messages.to_vec());
        let appended = self
            .db
            .transact("append", move |tx| Ok(rows::append(tx.conn(), &name, partition, &messages)?))
            .await
            .map_err(unavailable("append"))?;
        if appended { Ok(()) } else { Err(LogError::UnknownTopic(topic.to_owned())) }
    }

    async fn fetch(
        &self,
        topic: &str,
        partition: u32,
        offset: i64,
        max: u32,
        wait: Duration,
    ) -> Result<Vec<Record>, LogError> {
        let until = Instant::now() + wait;
        loop {
            let changed = self.watch.changed();
            let name = topic.to_owned();
            let records = self
                .db
                .read("fetch", move |connection| rows::fetch(connection, &name, partition, offset, max))
                .await
                .map_err(unavailable("fetch"))?
                .ok_or_else(|| LogError::OutOfRange { topic: topic.to_owned(), partition, offset })?;
            if !records.is_empty() || timeout_at(until, changed).await.is_err() {
                return Ok(records);
            }
        }
    }

    async fn bounds(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError> {
        let name = topic.to_owned();
        self.db
            .read("read bounds", move |connection| rows::bounds(connection, &name, partition))
            .await
            .map_err(unavailable("read bounds"))?
            .ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))
    }
}

fn unavailable(operation: &'static str) -> impl FnOnce(StoreError) -> LogError {
    move |source| LogError::Unavailable { operation, source: source.into() }
}
