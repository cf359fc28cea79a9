//! The outbox, in the messaging slot.

use std::time::Duration;

use async_trait::async_trait;
use fred::{bytes::Bytes, types::Value};
use kernel_application::{
    BoxError, StoreError,
    messaging::{OutboundMessage, Outbox, OutboxStats, PURGE_LIMIT, StoredMessage},
};
use kernel_domain::{EventId, Timestamp};
use serde::{Deserialize, Serialize};
use shaku::Component;

use crate::{Redis, Script, inbox::micros, script::script};

static LEASE: Script = script!("lease");
static PENDING: Script = script!("pending");
static MARK: Script = script!("mark");
static PURGE: Script = script!("purge_outbox");
static STATS: Script = script!("stats");
static PUBLISH: Script = script!("enqueue", "publish");

/// The outbox of one context's Redis.
///
/// It has nothing but dead letters, which leave with the move of a position: no script reaches from a bucket to here, so a
/// context whose aggregates record events needs another home.
#[derive(Component)]
#[shaku(interface = Outbox)]
pub struct RedisOutbox {
    redis: Redis,
}

impl RedisOutbox {
    /// The outbox of `redis`.
    pub const fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Puts messages that belong to no change of data into the outbox, all or none.
    pub async fn enqueue(&self, messages: Vec<OutboundMessage>) -> Result<(), StoreError> {
        let args: Vec<_> = messages
            .into_iter()
            .map(|message| head_and_payload(&self.redis, message))
            .collect::<Result<_, _>>()?;
        let args = args.into_iter().flatten().collect();
        let () = self.redis.eval("write outbox", &PUBLISH, keys(&self.redis).into(), args).await?;
        self.redis.enqueued().notify_one();
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        self.redis.keys().messaging(name)
    }
}

#[async_trait]
impl Outbox for RedisOutbox {
    async fn lease(&self, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        let args = vec![owner.into(), micros(ttl).into()];
        self.redis.eval("lease relay", &LEASE, vec![self.key("relay")], args).await
    }

    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<StoredMessage>, StoreError> {
        let keys = vec![self.key(WAITING), self.key(HEADS), self.key(PAYLOADS)];
        let args = vec![after.into(), i64::from(limit).into()];
        let rows: Vec<Bytes> = self.redis.eval("read outbox", &PENDING, keys, args).await?;
        let message = |row: &[Bytes]| {
            stored(row).map_err(|source| StoreError::Failed {
                store: self.redis.store(),
                operation: "read outbox",
                source,
            })
        };
        rows.chunks(3).map(message).collect()
    }

    async fn mark_published(&self, ids: &[i64]) -> Result<(), StoreError> {
        let keys = vec![self.key(WAITING), self.key(PUBLISHED)];
        let args = ids.iter().map(|id| Value::from(*id)).collect();
        self.redis.eval("mark outbox", &MARK, keys, args).await
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        let keys = vec![self.key(PUBLISHED), self.key(HEADS), self.key(PAYLOADS)];
        let args = vec![micros(retention).into(), i64::from(PURGE_LIMIT).into()];
        self.redis.eval("purge outbox", &PURGE, keys, args).await
    }

    async fn stats(&self) -> Result<OutboxStats, StoreError> {
        let (backlog, first): (u64, String) =
            self.redis.eval("count outbox", &STATS, vec![self.key(WAITING)], vec![]).await?;
        // An id is the time it was given at.
        let oldest = first.parse().ok().and_then(Timestamp::from_timestamp_micros);
        Ok(OutboxStats { backlog, oldest })
    }

    async fn wait(&self) {
        self.redis.enqueued().notified().await;
    }
}

const WAITING: &str = "outbox:pending";
const PUBLISHED: &str = "outbox:published";
const HEADS: &str = "outbox:heads";
const PAYLOADS: &str = "outbox:payloads";

/// The keys of `enqueue.lua`.
pub(crate) fn keys(redis: &Redis) -> [String; 4] {
    ["outbox:last-id", WAITING, HEADS, PAYLOADS].map(|name| redis.keys().messaging(name))
}

/// What `enqueue.lua` is told of a message: its head and its payload.
pub(crate) fn head_and_payload(redis: &Redis, message: OutboundMessage) -> Result<[Value; 2], StoreError> {
    let fail =
        |source: BoxError| StoreError::Failed { store: redis.store(), operation: "write outbox", source };
    message.check_size().map_err(|oversized| fail(oversized.into()))?;
    let head = Head {
        event_id: message.event_id.to_string(),
        topic: message.topic,
        key: message.key,
        aggregate_version: message.aggregate_version,
        headers: message.headers,
    };
    let head = serde_json::to_string(&head).map_err(|error| fail(error.into()))?;
    Ok([head.into(), Value::Bytes(message.payload.into())])
}

/// All of a message but its payload. Unknown fields are passed over, so that replicas of two releases get on.
#[derive(Serialize, Deserialize)]
struct Head {
    event_id: String,
    topic: String,
    key: String,
    aggregate_version: u64,
    headers: Vec<(String, String)>,
}

fn stored(row: &[Bytes]) -> Result<StoredMessage, BoxError> {
    let [id, head, payload] = row else { return Err("a message is not whole".into()) };
    let head: Head = serde_json::from_slice(head)?;
    let message = OutboundMessage {
        event_id: EventId::parse(&head.event_id)?,
        topic: head.topic,
        key: head.key,
        aggregate_version: head.aggregate_version,
        payload: payload.to_vec(),
        headers: head.headers,
    };
    Ok(StoredMessage { id: std::str::from_utf8(id)?.parse()?, message })
}
