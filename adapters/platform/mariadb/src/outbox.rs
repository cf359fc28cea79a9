//! The outbox table.

use std::time::Duration;

use async_trait::async_trait;
use diesel::{
    dsl::{AsSelect, auto_type, count_star},
    mysql::Mysql,
    prelude::*,
    result::Error,
};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_application::{
    BoxError, StoreError,
    messaging::{OutboundMessage, Outbox, OutboxStats, StoredMessage},
};
use kernel_domain::EventId;
use shaku::Component;

use crate::{
    Database, FromNow, Prepared,
    error::was_first,
    filled_up,
    purge::purge,
    rows_at_a_time,
    schema::{outbox, relay_lease},
    timestamp,
};

/// The outbox of one context's database.
#[derive(Component)]
#[shaku(interface = Outbox)]
pub struct MariaDbOutbox {
    db: Database,
}

impl MariaDbOutbox {
    /// The outbox of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Outbox for MariaDbOutbox {
    async fn lease(&self, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        let lease = async |connection: &mut AsyncMysqlConnection| {
            let (now, until) = (FromNow::now(), FromNow::after(ttl));
            let free = relay_lease::owner.eq(owner).or(relay_lease::lease_until.lt(now));
            let take = diesel::update(relay_lease::table.find(0).filter(free))
                .set((relay_lease::owner.eq(owner), relay_lease::lease_until.eq(until)));
            let taken = Prepared(take).execute(connection).await?;
            if taken == 1 || held(connection).await? {
                return Ok(taken == 1);
            }
            let first =
                (relay_lease::shard.eq(0), relay_lease::owner.eq(owner), relay_lease::lease_until.eq(until));
            was_first(diesel::insert_into(relay_lease::table).values(first).execute(connection).await)
        };
        self.db.autocommit("lease relay", lease).await
    }

    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<StoredMessage>, StoreError> {
        let pending = async |connection: &mut AsyncMysqlConnection| {
            waiting_after(after, limit.into()).load(connection).await
        };
        self.db.read("read outbox", pending).await?.into_iter().map(Row::into_message).collect()
    }

    async fn mark_published(&self, ids: &[i64]) -> Result<(), StoreError> {
        let mark = async |connection: &mut AsyncMysqlConnection| {
            let mark =
                diesel::update(outbox::table.filter(outbox::id.eq_any(filled_up(ids.iter().copied()))))
                    .set(outbox::published_at.eq(FromNow::now().nullable()));
            Prepared(mark).execute(connection).await
        };
        self.db.autocommit("mark outbox", mark).await.map(drop)
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        purge(&self.db, "purge outbox", ("outbox", "published_at"), retention).await
    }

    async fn stats(&self) -> Result<OutboxStats, StoreError> {
        let (backlog, oldest) = self.db.read("count outbox", figures).await?;
        Ok(OutboxStats { backlog: backlog.unsigned_abs(), oldest: oldest.map(timestamp) })
    }

    async fn wait(&self) {
        self.db.enqueued().await;
    }
}

/// What is not published lies together in an index, in the order of its ids: published rows cost nothing here.
#[auto_type]
pub(crate) fn waiting_after(after: i64, limit: i64) -> _ {
    let row: AsSelect<Row, Mysql> = Row::as_select();
    outbox::table
        .filter(outbox::published_at.is_null())
        .filter(outbox::id.gt(after))
        .order(outbox::id)
        .limit(limit)
        .select(row)
}

/// Two statements: the count reads the index alone, and the first row tells the age.
async fn figures(connection: &mut AsyncMysqlConnection) -> QueryResult<(i64, Option<chrono::NaiveDateTime>)> {
    let waiting = || outbox::table.filter(outbox::published_at.is_null());
    let backlog = waiting().select(count_star()).get_result(connection).await?;
    let oldest = waiting().order(outbox::id).select(outbox::created_at).first(connection).await.optional()?;
    Ok((backlog, oldest))
}

async fn held(connection: &mut AsyncMysqlConnection) -> QueryResult<bool> {
    let found = relay_lease::table.find(0).select(relay_lease::shard).first::<i64>(connection).await;
    Ok(found.optional()?.is_some())
}

/// Their ids ascend in the order of the messages.
pub(crate) async fn insert(
    connection: &mut AsyncMysqlConnection,
    messages: &[OutboundMessage],
) -> QueryResult<()> {
    for some in rows_at_a_time(messages) {
        let rows = some.iter().map(|message| {
            message.check_size().map_err(|oversized| Error::SerializationError(oversized.into()))?;
            let headers = serde_json::to_string(&message.headers);
            Ok((
                outbox::event_id.eq(message.event_id.to_string()),
                outbox::topic.eq(&message.topic),
                outbox::key.eq(&message.key),
                outbox::aggregate_version.eq(message.aggregate_version.cast_signed()),
                outbox::payload.eq(&message.payload),
                outbox::headers.eq(headers.map_err(|error| Error::SerializationError(error.into()))?),
            ))
        });
        let insert = diesel::insert_into(outbox::table).values(rows.collect::<QueryResult<Vec<_>>>()?);
        Prepared(insert).execute(connection).await?;
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(crate) struct Row {
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
        let broken = |operation, source: BoxError| StoreError::Failed { store: "outbox", operation, source };
        let event_id =
            EventId::parse(&self.event_id).map_err(|violation| broken("read event id", violation.into()))?;
        let headers = serde_json::from_str(&self.headers)
            .map_err(|error| broken("read headers", format!("message {}: {error}", self.id).into()))?;
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
