//! The inbox tables: members, positions and handled events.

use std::time::Duration;

use async_trait::async_trait;
use diesel::{
    dsl::{auto_type, exists, select},
    prelude::*,
    query_dsl::methods,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel_application::{
    StoreError,
    messaging::{Delivery, Inbox, OutboundMessage, Position},
};
use kernel_domain::{EventId, Timestamp};
use shaku::Component;

use crate::{
    Database, PgUuid, Prepared,
    purge::purge,
    schema::{consumer_member as member, consumer_position as position, inbox},
    time::{after, server_now},
};

pub(crate) const PURGE: &str = "DELETE FROM inbox WHERE ctid = ANY (ARRAY (SELECT ctid FROM inbox \
    WHERE handled_at < now() - $1::interval ORDER BY handled_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// Members that are gone for as long as events are remembered. Removing them is no part of `join`, where members that
/// come back at the same time would wait for each other.
const PURGE_MEMBERS: &str = "DELETE FROM consumer_member WHERE ctid = ANY (ARRAY (SELECT ctid FROM consumer_member \
    WHERE lease_until < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// The inbox of one context's database.
#[derive(Component)]
#[shaku(interface = Inbox)]
pub struct PgInbox {
    db: Database,
}

impl PgInbox {
    /// The inbox of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Inbox for PgInbox {
    async fn join(&self, consumer: &str, owner: &str, ttl: Duration) -> Result<u32, StoreError> {
        self.db
            .transact("join consumer", async |tx| {
                diesel::insert_into(member::table)
                    .values((
                        member::consumer.eq(consumer),
                        member::owner.eq(owner),
                        member::lease_until.eq(after(ttl)),
                    ))
                    .on_conflict((member::consumer, member::owner))
                    .do_update()
                    .set(member::lease_until.eq(after(ttl)))
                    .execute(tx.conn())
                    .await?;
                let alive = member::consumer.eq(consumer).and(member::lease_until.ge(server_now()));
                let alive: i64 = member::table.filter(alive).count().get_result(tx.conn()).await?;
                Ok(u32::try_from(alive).unwrap_or(u32::MAX))
            })
            .await
    }

    async fn leave(&self, consumer: &str, owner: &str) -> Result<(), StoreError> {
        self.db
            .transact("leave consumer", async |tx| {
                diesel::delete(member::table.find((consumer, owner))).execute(tx.conn()).await?;
                Ok(())
            })
            .await
    }

    async fn begin(&self, consumer: &str, topic: &str, partition: u32, start: i64) -> Result<(), StoreError> {
        self.db
            .transact("begin partition", async |tx| {
                diesel::insert_into(position::table)
                    .values((
                        position::consumer.eq(consumer),
                        position::topic.eq(topic),
                        position::partition.eq(i64::from(partition)),
                        position::owner.eq(""),
                        position::epoch.eq(0),
                        position::lease_until.eq(after(Duration::ZERO)),
                        position::next_offset.eq(start),
                        position::attempts.eq(0),
                    ))
                    .on_conflict_do_nothing()
                    .execute(tx.conn())
                    .await?;
                Ok(())
            })
            .await
    }

    async fn take(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Position>, StoreError> {
        let taken = self
            .db
            .transact("take partition", async |tx| {
                let take = diesel::insert_into(position::table)
                    .values((
                        position::consumer.eq(consumer),
                        position::topic.eq(topic),
                        position::partition.eq(i64::from(partition)),
                        position::owner.eq(owner),
                        position::epoch.eq(1),
                        position::lease_until.eq(after(ttl)),
                        position::next_offset.eq(0),
                        position::attempts.eq(0),
                    ))
                    .on_conflict((position::consumer, position::topic, position::partition))
                    .do_update()
                    .set((
                        position::owner.eq(owner),
                        position::epoch.eq(position::epoch + 1),
                        position::lease_until.eq(after(ttl)),
                    ));
                let free = position::owner.eq(owner).or(position::lease_until.lt(server_now()));
                let taken = methods::FilterDsl::filter(take, free)
                    .returning((position::epoch, position::next_offset))
                    .get_result::<(i64, i64)>(tx.conn())
                    .await
                    .optional()?;
                Ok(taken)
            })
            .await?;
        Ok(taken.map(|(epoch, next_offset)| Position { epoch, next_offset }))
    }

    async fn renew(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        epoch: i64,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let key = (consumer, topic, i64::from(partition));
        self.db
            .transact("renew partition", async |tx| {
                let held = position::table.find(key).filter(position::epoch.eq(epoch));
                let renewed = diesel::update(held).set(position::lease_until.eq(after(ttl)));
                Ok(renewed.execute(tx.conn()).await? == 1)
            })
            .await
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<u32, StoreError> {
        self.db
            .transact("count attempt", async |tx| {
                let count = diesel::update(position::table.find(key(delivery)))
                    .filter(position::epoch.eq(delivery.epoch))
                    .filter(position::next_offset.eq(delivery.expected))
                    .set(position::attempts.eq(position::attempts + 1))
                    .returning(position::attempts);
                let attempts = Prepared(count)
                    .get_result::<i64>(tx.conn())
                    .await
                    .optional()?
                    .ok_or(StoreError::Fenced)?;
                Ok(u32::try_from(attempts).unwrap_or(u32::MAX))
            })
            .await
    }

    async fn release(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        epoch: i64,
    ) -> Result<(), StoreError> {
        let key = (consumer, topic, i64::from(partition));
        self.db
            .transact("release partition", async |tx| {
                diesel::update(position::table.find(key).filter(position::epoch.eq(epoch)))
                    .set((
                        position::lease_until.eq(Timestamp::UNIX_EPOCH),
                        position::owner.eq(""),
                        position::attempts.eq(0),
                    ))
                    .execute(tx.conn())
                    .await?;
                Ok(())
            })
            .await
    }

    async fn seen(&self, consumer: &str, event_id: EventId) -> Result<bool, StoreError> {
        self.db
            .read("read inbox", async |connection| {
                seen(consumer, PgUuid(*event_id.as_uuid())).get_result(connection).await
            })
            .await
    }

    async fn advance(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.db.transact("advance position", async |tx| tx.settle(delivery).await.map(drop)).await
    }

    async fn dead_letter(&self, delivery: &Delivery, dead: OutboundMessage) -> Result<(), StoreError> {
        self.db
            .transact("park record", async |tx| {
                if !advance(tx.conn(), delivery).await? {
                    return Err(StoreError::Fenced.into());
                }
                tx.enqueue(&dead).await
            })
            .await
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        self.db
            .transact("purge inbox", async |tx| {
                purge(PURGE_MEMBERS, retention).execute(tx.conn()).await?;
                Ok(purge(PURGE, retention).execute(tx.conn()).await? as u64)
            })
            .await
    }
}

/// Moves the position from `expected` to `next` under `epoch`: `false` where that is no longer ours to do.
pub(crate) async fn advance(connection: &mut AsyncPgConnection, delivery: &Delivery) -> QueryResult<bool> {
    let forward = diesel::update(position::table.find(key(delivery)))
        .filter(position::epoch.eq(delivery.epoch))
        .filter(position::next_offset.eq(delivery.expected))
        .set((position::next_offset.eq(delivery.next), position::attempts.eq(0)));
    Ok(Prepared(forward).execute(connection).await? == 1)
}

/// Remembers the event: `false` where it was there.
pub(crate) async fn remember(connection: &mut AsyncPgConnection, delivery: &Delivery) -> QueryResult<bool> {
    let Some(event_id) = delivery.event_id else { return Ok(true) };
    let inserted = diesel::insert_into(inbox::table)
        .values((inbox::consumer.eq(&delivery.consumer), inbox::event_id.eq(PgUuid(*event_id.as_uuid()))))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(inserted == 1)
}

#[auto_type(no_type_alias)]
pub(crate) fn seen<'a>(consumer: &'a str, event_id: PgUuid) -> _ {
    let key: (&'a str, PgUuid) = (consumer, event_id);
    select(exists(inbox::table.find(key)))
}

fn key(delivery: &Delivery) -> (&str, &str, i64) {
    (&delivery.consumer, &delivery.topic, i64::from(delivery.partition))
}
