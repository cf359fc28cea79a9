//! The outbox table.

use std::time::Duration;

use async_trait::async_trait;
use diesel::{
    dsl::{AsSelect, auto_type, count_star, min},
    helper_types,
    pg::Pg,
    prelude::*,
    query_dsl::methods,
    result::Error,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel_application::{
    StoreError,
    messaging::{Header, OutboundMessage, Outbox, OutboxStats, StoredMessage},
};
use kernel_domain::{EventId, Timestamp};
use shaku::Component;

use crate::{
    Database, PgUuid, Prepared,
    purge::purge,
    schema::{outbox, relay_lease as lease},
    time::{after, server_now},
};

pub(crate) const PURGE: &str = "DELETE FROM outbox WHERE ctid = ANY (ARRAY (SELECT ctid FROM outbox \
    WHERE published_at < now() - $1::interval ORDER BY published_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// The outbox of one context's database.
#[derive(Component)]
#[shaku(interface = Outbox)]
pub struct PgOutbox {
    db: Database,
}

impl PgOutbox {
    /// The outbox of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Outbox for PgOutbox {
    async fn lease(&self, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        self.db
            .transact("lease relay", async |tx| {
                let until = (lease::owner.eq(owner), lease::lease_until.eq(after(ttl)));
                let free = lease::owner.eq(owner).or(lease::lease_until.lt(server_now()));
                let take = diesel::insert_into(lease::table)
                    .values((lease::shard.eq(0), until))
                    .on_conflict(lease::shard)
                    .do_update()
                    .set(until);
                Ok(methods::FilterDsl::filter(take, free).execute(tx.conn()).await? == 1)
            })
            .await
    }

    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<StoredMessage>, StoreError> {
        self.db
            .read("read outbox", async |connection| {
                let rows: Vec<Row> = pending(after, limit.into()).load(connection).await?;
                rows.into_iter().map(StoredMessage::try_from).collect()
            })
            .await
    }

    async fn mark_published(&self, ids: &[i64]) -> Result<(), StoreError> {
        self.db
            .transact("mark outbox", async |tx| {
                let mark = diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
                    .set(outbox::published_at.eq(server_now().nullable()));
                Prepared(mark).execute(tx.conn()).await?;
                Ok(())
            })
            .await
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        self.db
            .transact("purge outbox", async |tx| Ok(purge(PURGE, retention).execute(tx.conn()).await? as u64))
            .await
    }

    async fn stats(&self) -> Result<OutboxStats, StoreError> {
        let (backlog, oldest) = self
            .db
            .read("count outbox", async |connection| {
                waiting().get_result::<(i64, Option<Timestamp>)>(connection).await
            })
            .await?;
        Ok(OutboxStats { backlog: backlog.unsigned_abs(), oldest })
    }

    async fn wait(&self) {
        self.db.enqueued().await;
    }
}

pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    message: &OutboundMessage,
) -> QueryResult<usize> {
    message.check_size().map_err(|oversized| Error::SerializationError(oversized.into()))?;
    diesel::insert_into(outbox::table)
        .values((
            outbox::event_id.eq(PgUuid(*message.event_id.as_uuid())),
            outbox::topic.eq(&message.topic),
            outbox::key.eq(&message.key),
            outbox::aggregate_version.eq(message.aggregate_version.cast_signed()),
            outbox::payload.eq(&message.payload),
            outbox::headers.eq(headers_to_text(&message.headers)?),
        ))
        .execute(connection)
        .await
}

#[auto_type(no_type_alias)]
pub(crate) fn pending(after: i64, limit: i64) -> _ {
    let row: AsSelect<Row, Pg> = Row::as_select();
    outbox::table
        .filter(outbox::published_at.is_null().and(outbox::id.gt(after)))
        .order(outbox::id)
        .limit(limit)
        .select(row)
}

#[auto_type(no_type_alias)]
pub(crate) fn waiting() -> _ {
    let oldest: helper_types::min<outbox::created_at> = min(outbox::created_at);
    outbox::table.filter(outbox::published_at.is_null()).select((count_star(), oldest))
}

fn headers_to_text(headers: &[Header]) -> QueryResult<String> {
    serde_json::to_string(headers).map_err(|error| Error::SerializationError(error.into()))
}

/// Headers that cannot be read are an error: without them a message would lose its trace, and a dead letter its reason.
fn headers_from_text(id: i64, text: &str) -> QueryResult<Vec<Header>> {
    let broken = |error| format!("headers of message {id} are broken: {error}");
    serde_json::from_str(text).map_err(|error| Error::DeserializationError(broken(error).into()))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(crate) struct Row {
    id: i64,
    event_id: PgUuid,
    topic: String,
    key: String,
    aggregate_version: i64,
    payload: Vec<u8>,
    headers: String,
}

impl TryFrom<Row> for StoredMessage {
    type Error = Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let message = OutboundMessage {
            event_id: EventId::from_uuid(row.event_id.0),
            topic: row.topic,
            key: row.key,
            aggregate_version: row.aggregate_version.cast_unsigned(),
            payload: row.payload,
            headers: headers_from_text(row.id, &row.headers)?,
        };
        Ok(Self { id: row.id, message })
    }
}
