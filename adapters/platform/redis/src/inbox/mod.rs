//! The inbox port: members, leases, positions and the memory of handled events. [`crate::settle`] says how they work
//! together.

mod renew;
mod take;

use std::time::Duration;

use async_trait::async_trait;
use fred::{interfaces::SortedSetsInterface, types::Value};
use futures_util::future::join_all;
use kernel_application::{
    StoreError,
    messaging::{Delivery, Inbox, OutboundMessage, PURGE_LIMIT, Position},
};
use kernel_domain::EventId;
use shaku::Component;

use crate::{
    Bucket, Redis, Script,
    keys::{member, place, place_of},
    outbox::{self, head_and_payload},
    script::script,
    settle::{handled_in, move_args},
};

static JOIN: Script = script!("join");
static ATTEMPT: Script = script!("attempt");
static PARK: Script = script!("move", "enqueue", "park");
static PURGE: Script = script!("purge_inbox");

/// The inbox of one context's Redis.
#[derive(Component)]
#[shaku(interface = Inbox)]
pub struct RedisInbox {
    redis: Redis,
}

impl RedisInbox {
    /// The inbox of `redis`.
    pub const fn new(redis: Redis) -> Self {
        Self { redis }
    }

    fn members_key(&self, consumer: &str) -> String {
        self.redis.keys().messaging(&format!("members:{consumer}"))
    }

    /// Forgets old events of an inbox whose scores are in `unit` microseconds times `factor`.
    async fn forget(
        &self,
        key: String,
        retention: Duration,
        (unit, factor): (i64, i64),
    ) -> Result<u64, StoreError> {
        let args = vec![micros(retention).into(), i64::from(PURGE_LIMIT).into(), unit.into(), factor.into()];
        self.redis.eval("purge inbox", &PURGE, vec![key], args).await
    }
}

#[async_trait]
impl Inbox for RedisInbox {
    async fn join(&self, consumer: &str, owner: &str, ttl: Duration) -> Result<u32, StoreError> {
        let args = vec![owner.into(), micros(ttl).into()];
        self.redis.eval("join consumer", &JOIN, vec![self.members_key(consumer)], args).await
    }

    async fn leave(&self, consumer: &str, owner: &str) -> Result<(), StoreError> {
        const OPERATION: &str = "leave consumer";
        let left = self.redis.client(OPERATION)?.zrem(self.members_key(consumer), owner).await;
        left.map_err(|error| self.redis.failure(OPERATION, error))
    }

    async fn begin(&self, consumer: &str, topic: &str, partition: u32, start: i64) -> Result<(), StoreError> {
        take::begin(&self.redis, &place(consumer, topic, partition), start).await
    }

    async fn take(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Position>, StoreError> {
        take::take(&self.redis, &place(consumer, topic, partition), owner, ttl).await
    }

    async fn renew(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        epoch: i64,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        renew::renew(&self.redis, &place(consumer, topic, partition), epoch, ttl).await
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<u32, StoreError> {
        let args = vec![delivery.epoch.into(), delivery.expected.into()];
        let keys = vec![self.redis.position_key(&place_of(delivery))];
        let attempts: Option<u32> = self.redis.eval("count attempt", &ATTEMPT, keys, args).await?;
        attempts.ok_or(StoreError::Fenced)
    }

    async fn release(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
        epoch: i64,
    ) -> Result<(), StoreError> {
        self.redis.release(&place(consumer, topic, partition), epoch).await
    }

    async fn seen(&self, consumer: &str, event_id: EventId) -> Result<bool, StoreError> {
        const OPERATION: &str = "read inbox";
        let event = member(consumer, Some(event_id));
        let key = self.redis.keys().messaging("inbox");
        let score = self.redis.client(OPERATION)?.zscore(key, event.clone()).await;
        let score: Option<String> = score.map_err(|error| self.redis.failure(OPERATION, error))?;
        match score.as_deref().and_then(handled_in) {
            None => Ok(false),
            Some(None) => Ok(true),
            // The bucket has the last word: a failover may have taken the effect back.
            Some(Some(bucket)) => self.redis.remembers(bucket, &event).await,
        }
    }

    async fn advance(&self, delivery: &Delivery) -> Result<(), StoreError> {
        if self.redis.advance(delivery, None).await? { Ok(()) } else { Err(StoreError::Fenced) }
    }

    async fn dead_letter(&self, delivery: &Delivery, dead: OutboundMessage) -> Result<(), StoreError> {
        let mut keys = self.redis.move_keys(delivery);
        keys.extend(outbox::keys(&self.redis));
        // The event is not remembered: it was not applied, and a replay must not be taken for a duplicate.
        let mut args: Vec<Value> = move_args(delivery, String::new(), None);
        args.extend(head_and_payload(&self.redis, dead)?);
        if self.redis.eval("park record", &PARK, keys, args).await? {
            self.redis.enqueued().notify_one();
            Ok(())
        } else {
            Err(StoreError::Fenced)
        }
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        let key = self.redis.keys().messaging("inbox");
        let forgotten = self.forget(key, retention, (1_000, 512)).await?;
        if forgotten < PURGE_LIMIT.into() {
            // Each event is in the messaging slot, too, where it was counted: buckets are cleared with the last lot.
            let buckets =
                Bucket::all().map(|bucket| self.forget(self.redis.key(bucket, "inbox"), retention, (1, 1)));
            join_all(buckets).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        Ok(forgotten)
    }
}

/// A time in the unit of the scripts.
pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
