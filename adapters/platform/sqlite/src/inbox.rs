//! The inbox tables: positions and handled events.

use std::time::Duration;

use async_trait::async_trait;
use diesel::{SqliteConnection, dsl::exists, prelude::*};
use kernel_application::{
    StoreError,
    messaging::{Delivery, Inbox, OutboundMessage, Position},
};
use kernel_domain::EventId;
use shaku::Component;

use crate::{
    Database, WriteError,
    purge::purge,
    schema::{consumer_member as member, consumer_position as position, inbox},
    time::now_and,
};

const PURGE: &str = "DELETE FROM inbox WHERE (consumer, event_id) IN \
    (SELECT consumer, event_id FROM inbox WHERE handled_at < ? ORDER BY handled_at LIMIT ?)";

/// The inbox of one context's file.
#[derive(Component)]
#[shaku(interface = Inbox)]
pub struct SqliteInbox {
    db: Database,
}

impl SqliteInbox {
    /// The inbox of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Inbox for SqliteInbox {
    async fn join(&self, consumer: &str, owner: &str, ttl: Duration) -> Result<u32, StoreError> {
        let (consumer, owner) = (consumer.to_owned(), owner.to_owned());
        self.db
            .transact("join consumer", move |tx| {
                let (now, until) = now_and(ttl);
                diesel::replace_into(member::table)
                    .values((
                        member::consumer.eq(&consumer),
                        member::owner.eq(owner),
                        member::lease_until.eq(until),
                    ))
                    .execute(tx.conn())?;
                let all = || member::table.filter(member::consumer.eq(&consumer));
                diesel::delete(all().filter(member::lease_until.lt(now))).execute(tx.conn())?;
                let alive: i64 = all().count().get_result(tx.conn())?;
                Ok(u32::try_from(alive).unwrap_or(u32::MAX))
            })
            .await
    }

    async fn leave(&self, consumer: &str, owner: &str) -> Result<(), StoreError> {
        let key = (consumer.to_owned(), owner.to_owned());
        self.db
            .transact("leave consumer", move |tx| {
                diesel::delete(member::table.find(key)).execute(tx.conn())?;
                Ok(())
            })
            .await
    }

    async fn begin(&self, consumer: &str, topic: &str, partition: u32, start: i64) -> Result<(), StoreError> {
        let (consumer, topic) = (consumer.to_owned(), topic.to_owned());
        self.db
            .transact("begin partition", move |tx| {
                insert_position(tx.conn(), &consumer, &topic, partition, start)?;
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
        let (consumer, topic, owner) = (consumer.to_owned(), topic.to_owned(), owner.to_owned());
        self.db
            .transact("take partition", move |tx| {
                let (now, until) = now_and(ttl);
                insert_position(tx.conn(), &consumer, &topic, partition, 0)?;
                let free = position::table
                    .find((consumer, topic, i64::from(partition)))
                    .filter(position::owner.eq(&owner).or(position::lease_until.lt(now)));
                let taken = diesel::update(free)
                    .set((
                        position::owner.eq(&owner),
                        position::epoch.eq(position::epoch + 1),
                        position::lease_until.eq(until),
                    ))
                    .returning((position::epoch, position::next_offset))
                    .get_result::<(i64, i64)>(tx.conn())
                    .optional()?;
                Ok(taken.map(|(epoch, next_offset)| Position { epoch, next_offset }))
            })
            .await
    }

    async fn renew(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        epoch: i64,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let key = (consumer.to_owned(), topic.to_owned(), i64::from(partition));
        self.db
            .transact("renew partition", move |tx| {
                let (_, until) = now_and(ttl);
                let held = position::table.find(key).filter(position::epoch.eq(epoch));
                Ok(diesel::update(held).set(position::lease_until.eq(until)).execute(tx.conn())? == 1)
            })
            .await
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<u32, StoreError> {
        let delivery = delivery.clone();
        self.db
            .transact("count attempt", move |tx| {
                let attempts = diesel::update(position::table.find(key(&delivery)))
                    .filter(
                        position::epoch.eq(delivery.epoch).and(position::next_offset.eq(delivery.expected)),
                    )
                    .set(position::attempts.eq(position::attempts + 1))
                    .returning(position::attempts)
                    .get_result::<i64>(tx.conn())
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
        let key = (consumer.to_owned(), topic.to_owned(), i64::from(partition));
        self.db
            .transact("release partition", move |tx| {
                diesel::update(position::table.find(key).filter(position::epoch.eq(epoch)))
                    .set((position::lease_until.eq(0), position::owner.eq(""), position::attempts.eq(0)))
                    .execute(tx.conn())?;
                Ok(())
            })
            .await
    }

    async fn seen(&self, consumer: &str, event_id: EventId) -> Result<bool, StoreError> {
        let key = (consumer.to_owned(), event_id.to_string());
        self.db
            .read("read inbox", move |connection| {
                diesel::select(exists(inbox::table.find(key))).get_result(connection)
            })
            .await
    }

    async fn advance(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let delivery = delivery.clone();
        self.db.transact("advance position", move |tx| settle_move(tx.conn(), &delivery)).await
    }

    async fn dead_letter(&self, delivery: &Delivery, dead: OutboundMessage) -> Result<(), StoreError> {
        let delivery = delivery.clone();
        self.db
            .transact("park record", move |tx| {
                // The event is not remembered: it was not applied, and a replay must not be taken for a duplicate.
                if !advance(tx.conn(), &delivery)? {
                    return Err(StoreError::Fenced.into());
                }
                tx.enqueue(&dead)
            })
            .await
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        self.db.transact("purge inbox", move |tx| Ok(purge(tx.conn(), PURGE, retention)?)).await
    }
}

/// Moves the position from `expected` to `next` under `epoch`: `false` where that is no longer ours to do.
pub(crate) fn advance(connection: &mut SqliteConnection, delivery: &Delivery) -> QueryResult<bool> {
    let moved = diesel::update(position::table.find(key(delivery)))
        .filter(position::epoch.eq(delivery.epoch).and(position::next_offset.eq(delivery.expected)))
        .set((position::next_offset.eq(delivery.next), position::attempts.eq(0)))
        .execute(connection)?;
    Ok(moved == 1)
}

/// Remembers the event: `false` where it was there.
pub(crate) fn remember(connection: &mut SqliteConnection, delivery: &Delivery) -> QueryResult<bool> {
    let Some(event_id) = delivery.event_id else { return Ok(true) };
    let (now, _) = now_and(Duration::ZERO);
    let inserted = diesel::insert_or_ignore_into(inbox::table)
        .values((
            inbox::consumer.eq(&delivery.consumer),
            inbox::event_id.eq(event_id.to_string()),
            inbox::handled_at.eq(now),
        ))
        .execute(connection)?;
    Ok(inserted == 1)
}

fn settle_move(connection: &mut SqliteConnection, delivery: &Delivery) -> Result<(), WriteError> {
    if !advance(connection, delivery)? {
        return Err(StoreError::Fenced.into());
    }
    remember(connection, delivery)?;
    Ok(())
}

fn key(delivery: &Delivery) -> (&str, &str, i64) {
    (&delivery.consumer, &delivery.topic, i64::from(delivery.partition))
}

fn insert_position(
    connection: &mut SqliteConnection,
    consumer: &str,
    topic: &str,
    partition: u32,
    start: i64,
) -> QueryResult<usize> {
    diesel::insert_or_ignore_into(position::table)
        .values((
            position::consumer.eq(consumer),
            position::topic.eq(topic),
            position::partition.eq(i64::from(partition)),
            position::owner.eq(""),
            position::epoch.eq(0),
            position::lease_until.eq(0),
            position::next_offset.eq(start),
            position::attempts.eq(0),
        ))
        .execute(connection)
}
