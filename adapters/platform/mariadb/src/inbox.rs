//! The inbox tables: positions and handled events.

use std::time::Duration;

use async_trait::async_trait;
use diesel::{dsl::exists, prelude::*};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_application::{
    StoreError,
    messaging::{Delivery, Inbox, OutboundMessage, Position},
};
use kernel_domain::EventId;
use shaku::Component;

use crate::{
    Database, FromNow, Prepared, Tx, WriteError,
    error::was_first,
    purge::purge,
    schema::{consumer_member as member, consumer_position as position, inbox},
};

/// The inbox of one context's database.
#[derive(Component)]
#[shaku(interface = Inbox)]
pub struct MariaDbInbox {
    db: Database,
}

impl MariaDbInbox {
    /// The inbox of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Inbox for MariaDbInbox {
    async fn join(&self, consumer: &str, owner: &str, ttl: Duration) -> Result<u32, StoreError> {
        let join = async |connection: &mut AsyncMysqlConnection| {
            heartbeat(connection, consumer, owner, ttl).await?;
            let all = || member::table.filter(member::consumer.eq(consumer));
            let gone = all().filter(member::lease_until.lt(FromNow::now()));
            diesel::delete(gone).execute(connection).await?;
            let alive: i64 = all().count().get_result(connection).await?;
            Ok(u32::try_from(alive).unwrap_or(u32::MAX))
        };
        self.db.autocommit("join consumer", join).await
    }

    async fn leave(&self, consumer: &str, owner: &str) -> Result<(), StoreError> {
        let leave = async |connection: &mut AsyncMysqlConnection| {
            diesel::delete(member::table.find((consumer, owner))).execute(connection).await
        };
        self.db.autocommit("leave consumer", leave).await.map(drop)
    }

    async fn begin(&self, consumer: &str, topic: &str, partition: u32, start: i64) -> Result<(), StoreError> {
        let begin = async |connection: &mut AsyncMysqlConnection| {
            let key = (consumer, topic, i64::from(partition));
            let first = Position { epoch: 0, next_offset: start };
            insert_first(connection, key, "", Duration::ZERO, first).await
        };
        self.db.autocommit("begin partition", begin).await.map(drop)
    }

    async fn take(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Position>, StoreError> {
        let key = (consumer, topic, i64::from(partition));
        self.db.transact("take partition", async |tx| Ok(take(tx.conn(), key, owner, ttl).await?)).await
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
        let renew = async |connection: &mut AsyncMysqlConnection| {
            let held = position::table.find(key).filter(position::epoch.eq(epoch));
            let renew = diesel::update(held).set(position::lease_until.eq(FromNow::after(ttl)));
            Ok(Prepared(renew).execute(connection).await? == 1)
        };
        self.db.autocommit("renew partition", renew).await
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<u32, StoreError> {
        let count = async |tx: &mut Tx| {
            let count = diesel::update(position::table.find(key(delivery)))
                .filter(position::epoch.eq(delivery.epoch).and(position::next_offset.eq(delivery.expected)))
                .set(position::attempts.eq(position::attempts + 1));
            if Prepared(count).execute(tx.conn()).await? == 0 {
                return Err(StoreError::Fenced.into());
            }
            let count = position::table.find(key(delivery)).select(position::attempts);
            let attempts: i64 = count.first(tx.conn()).await?;
            Ok(u32::try_from(attempts).unwrap_or(u32::MAX))
        };
        self.db.transact("count attempt", count).await
    }

    async fn release(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        epoch: i64,
    ) -> Result<(), StoreError> {
        let key = (consumer, topic, i64::from(partition));
        let release = async |connection: &mut AsyncMysqlConnection| {
            let long_ago = FromNow::before(Duration::from_hours(24));
            let release = diesel::update(position::table.find(key).filter(position::epoch.eq(epoch))).set((
                position::lease_until.eq(long_ago),
                position::owner.eq(""),
                position::attempts.eq(0),
            ));
            Prepared(release).execute(connection).await
        };
        self.db.autocommit("release partition", release).await.map(drop)
    }

    async fn seen(&self, consumer: &str, event_id: EventId) -> Result<bool, StoreError> {
        let event_id = event_id.to_string();
        let seen = async |connection: &mut AsyncMysqlConnection| {
            let row = inbox::table.find((consumer, &event_id));
            diesel::select(exists(row)).get_result(connection).await
        };
        self.db.read("read inbox", seen).await
    }

    async fn advance(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.db.transact("advance position", async |tx| tx.settle(delivery).await.map(drop)).await
    }

    async fn dead_letter(&self, delivery: &Delivery, dead: OutboundMessage) -> Result<(), StoreError> {
        let park = async |tx: &mut Tx| {
            // The event is not remembered: it was not applied, and a replay must not be taken for a duplicate.
            if !advance(tx.conn(), delivery).await? {
                return Err(WriteError::from(StoreError::Fenced));
            }
            tx.enqueue(&dead).await
        };
        self.db.transact("park record", park).await
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        purge(&self.db, "purge inbox", ("inbox", "handled_at"), retention).await
    }
}

type Key<'a> = (&'a str, &'a str, i64);

async fn heartbeat(
    connection: &mut AsyncMysqlConnection,
    consumer: &str,
    owner: &str,
    ttl: Duration,
) -> QueryResult<()> {
    let until = member::lease_until.eq(FromNow::after(ttl));
    let renew = diesel::update(member::table.find((consumer, owner))).set(until);
    if Prepared(renew).execute(connection).await? == 0 {
        let first = (member::consumer.eq(consumer), member::owner.eq(owner), until);
        was_first(diesel::insert_into(member::table).values(first).execute(connection).await)?;
    }
    Ok(())
}

/// An update cannot give back what it wrote here, so the row is read afterwards: in the same transaction, which holds
/// its lock.
async fn take(
    connection: &mut AsyncMysqlConnection,
    key: Key<'_>,
    owner: &str,
    ttl: Duration,
) -> QueryResult<Option<Position>> {
    let free = position::owner.eq(owner).or(position::lease_until.lt(FromNow::now()));
    let take = diesel::update(position::table.find(key).filter(free)).set((
        position::owner.eq(owner),
        position::epoch.eq(position::epoch + 1),
        position::lease_until.eq(FromNow::after(ttl)),
    ));
    let taken = Prepared(take).execute(connection).await?;
    let row = position::table.find(key).select((position::epoch, position::next_offset));
    let row = row.first::<(i64, i64)>(connection).await.optional()?;
    Ok(match row {
        Some((epoch, next_offset)) => (taken == 1).then_some(Position { epoch, next_offset }),
        None if take_first(connection, key, owner, ttl).await? => Some(Position { epoch: 1, next_offset: 0 }),
        None => None,
    })
}

async fn take_first(
    connection: &mut AsyncMysqlConnection,
    key: Key<'_>,
    owner: &str,
    ttl: Duration,
) -> QueryResult<bool> {
    insert_first(connection, key, owner, ttl, Position { epoch: 1, next_offset: 0 }).await
}

/// `false` where there was a row.
async fn insert_first(
    connection: &mut AsyncMysqlConnection,
    (consumer, topic, partition): Key<'_>,
    owner: &str,
    ttl: Duration,
    Position { epoch, next_offset }: Position,
) -> QueryResult<bool> {
    let first = diesel::insert_into(position::table)
        .values((
            position::consumer.eq(consumer),
            position::topic.eq(topic),
            position::partition.eq(partition),
            position::owner.eq(owner),
            position::epoch.eq(epoch),
            position::lease_until.eq(FromNow::after(ttl)),
            position::next_offset.eq(next_offset),
            position::attempts.eq(0),
        ))
        .execute(connection)
        .await;
    was_first(first)
}

/// Moves the position from `expected` to `next` under `epoch`: `false` where that is no longer ours to do.
pub(crate) async fn advance(connection: &mut AsyncMysqlConnection, delivery: &Delivery) -> QueryResult<bool> {
    let forward = diesel::update(position::table.find(key(delivery)))
        .filter(position::epoch.eq(delivery.epoch).and(position::next_offset.eq(delivery.expected)))
        .set((position::next_offset.eq(delivery.next), position::attempts.eq(0)));
    Ok(Prepared(forward).execute(connection).await? == 1)
}

/// Remembers the event: `false` where it was there.
pub(crate) async fn remember(
    connection: &mut AsyncMysqlConnection,
    delivery: &Delivery,
) -> QueryResult<bool> {
    let Some(event_id) = delivery.event_id else { return Ok(true) };
    let handled = (inbox::consumer.eq(&delivery.consumer), inbox::event_id.eq(event_id.to_string()));
    was_first(diesel::insert_into(inbox::table).values(handled).execute(connection).await)
}

fn key(delivery: &Delivery) -> Key<'_> {
    (&delivery.consumer, &delivery.topic, i64::from(delivery.partition))
}
