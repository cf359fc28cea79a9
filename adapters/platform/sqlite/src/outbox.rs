//! The outbox table.

use std::time::Duration;

use async_trait::async_trait;
use diesel::{SqliteConnection, prelude::*, result::Error};
use kernel_application::{
    BoxError, StoreError,
    messaging::{Header, OutboundMessage, Outbox, OutboxStats, StoredMessage},
};
use kernel_domain::EventId;
use shaku::Component;

use crate::{
    Database,
    purge::purge,
    schema::{outbox, relay_lease},
    time::{now_and, timestamp},
};

const PURGE: &str = "DELETE FROM outbox WHERE id IN \
    (SELECT id FROM outbox WHERE published_at < ? ORDER BY published_at LIMIT ?)";

/// The outbox of one context's file.
#[derive(Component)]
#[shaku(interface = Outbox)]
pub struct SqliteOutbox {
    db: Database,
}

impl SqliteOutbox {
    /// The outbox of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Outbox for SqliteOutbox {
    async fn lease(&self, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        let owner = owner.to_owned();
        self.db
            .transact("lease relay", move |tx| {
                let (now, until) = now_and(ttl);
                diesel::insert_or_ignore_into(relay_lease::table)
                    .values((
                        relay_lease::shard.eq(0),
                        relay_lease::owner.eq(""),
                        relay_lease::lease_until.eq(0),
                    ))
                    .execute(tx.conn())?;
                let free = relay_lease::owner.eq(&owner).or(relay_lease::lease_until.lt(now));
                let taken = diesel::update(relay_lease::table.find(0).filter(free))
                    .set((relay_lease::owner.eq(&owner), relay_lease::lease_until.eq(until)))
                    .execute(tx.conn())?;
                Ok(taken == 1)
            })
            .await
    }

    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<StoredMessage>, StoreError> {
        self.db
            .read("read outbox", move |connection| {
                outbox::table
                    .filter(outbox::published_at.is_null().and(outbox::id.gt(after)))
                    .order(outbox::id)
                    .limit(limit.into())
                    .select(Row::as_select())
                    .load(connection)
            })
            .await?
            .into_iter()
            .map(Row::into_message)
            .collect()
    }

    async fn mark_published(&self, ids: &[i64]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        self.db
            .transact("mark outbox", move |tx| {
                let (now, _) = now_and(Duration::ZERO);
                diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
                    .set(outbox::published_at.eq(now))
                    .execute(tx.conn())?;
                Ok(())
            })
            .await
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        self.db.transact("purge outbox", move |tx| Ok(purge(tx.conn(), PURGE, retention)?)).await
    }

    async fn stats(&self) -> Result<OutboxStats, StoreError> {
        let waiting = |connection: &mut SqliteConnection| {
            outbox::table
                .filter(outbox::published_at.is_null())
                .select((diesel::dsl::count_star(), diesel::dsl::min(outbox::created_at)))
                .first::<(i64, Option<i64>)>(connection)
        };
        let (backlog, oldest) = self.db.read("count outbox", waiting).await?;
        Ok(OutboxStats { backlog: backlog.unsigned_abs(), oldest: oldest.map(timestamp) })
    }

    async fn wait(&self) {
        self.db.enqueued().await;
    }
}

pub(crate) fn insert(
    connection: &mut SqliteConnection,
    message: &OutboundMessage,
    now: i64,
) -> QueryResult<usize> {
    diesel::insert_into(outbox::table)
        .values((
            outbox::event_id.eq(message.event_id.to_string()),
            outbox::topic.eq(&message.topic),
            outbox::key.eq(&message.key),
            outbox::aggregate_version.eq(message.aggregate_version.cast_signed()),
            outbox::payload.eq(&message.payload),
            outbox::headers.eq(headers_to_text(&message.headers)?),
            outbox::created_at.eq(now),
        ))
        .execute(connection)
}

/// Headers as a column keeps them, here and in the log: JSON.
pub(crate) fn headers_to_text(headers: &[Header]) -> QueryResult<String> {
    serde_json::to_string(headers).map_err(|source| Error::SerializationError(source.into()))
}

/// What [`headers_to_text`] made. A row that cannot be read is an error: without its headers a message would lose its
/// trace, and a dead letter its reason and its owner.
pub(crate) fn headers_from_text(text: &str) -> Result<Vec<Header>, serde_json::Error> {
    serde_json::from_str(text)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct Row {
    id: i64,
    event_id: String,
    topic: String,
    key: String,
    aggregate_version: i64,
    payload: Vec<u8>,
    headers: String,
}

impl Row {
    fn into_message(self) -> Result<StoredMessage, StoreError> {
        let fail = |what: &str, source: BoxError| StoreError::Failed {
            store: "outbox",
            operation: "read message",
            source: format!("{what} of message {} is broken: {source}", self.id).into(),
        };
        let event_id = EventId::parse(&self.event_id).map_err(|source| fail("event id", source.into()))?;
        let headers = headers_from_text(&self.headers).map_err(|source| fail("header", source.into()))?;
        let message = OutboundMessage {
            event_id,
            topic: self.topic,
            key: self.key,
            aggregate_version: self.aggregate_version.cast_unsigned(),
            payload: self.payload,
            headers,
        };
        Ok(StoredMessage { id: self.id, message })
    }
}
