//! A log whose events have their effects in two buckets, and servers that lose what they were told last.

use fred::{interfaces::KeysInterface, types::Value};
use kernel_application::{
    StoreError,
    messaging::{Delivery, Inbox, OutboundMessage, Position},
};

use super::{apply, delivery, event_id};
use crate::{Bucket, Redis, RedisInbox, keys::place, outbox};

/// Two buckets, in different slots.
fn buckets() -> (Bucket, Bucket) {
    (Bucket::of("ada"), Bucket::of("bob"))
}

/// Where event number `n` has its effect: they take turns.
pub(super) fn bucket(n: u32) -> Bucket {
    if n.is_multiple_of(2) { buckets().0 } else { buckets().1 }
}

/// Reads the partition from `position` up to event `end` as a consumer does, and answers which were applied now.
pub(super) async fn consume(redis: &Redis, position: Position, end: u32) -> Vec<u32> {
    let mut applied = vec![];
    for n in u32::try_from(position.next_offset).unwrap()..end {
        match apply(redis, &delivery(position.epoch, n), bucket(n)).await {
            Ok(_) => applied.push(n),
            Err(StoreError::AlreadyApplied) => {}
            Err(error) => panic!("event {n}: {error}"),
        }
    }
    applied
}

/// What a shard had of some keys: what it falls back to when a failover loses the writes since.
pub(super) struct Past {
    keys: Vec<(String, Option<Value>)>,
}

impl Past {
    pub(super) async fn of_bucket(redis: &Redis, bucket: Bucket) -> Self {
        Self::of(redis, ["cursor", "inbox", "counter"].map(|name| redis.key(bucket, name))).await
    }

    pub(super) async fn of_messaging(redis: &Redis) -> Self {
        let outbox = outbox::keys(redis);
        let position = [redis.position_key(&place("c", "things", 0)), redis.keys().messaging("inbox")];
        Self::of(redis, position.into_iter().chain(outbox)).await
    }

    async fn of(redis: &Redis, names: impl IntoIterator<Item = String>) -> Self {
        let mut keys = vec![];
        for name in names {
            let dump = redis.client("dump").unwrap().dump(name.clone()).await.unwrap();
            keys.push((name, dump));
        }
        Self { keys }
    }

    pub(super) async fn comes_back(self, redis: &Redis) {
        let client = redis.client("restore").unwrap();
        for (name, dump) in self.keys {
            let () = client.del(name.clone()).await.unwrap();
            if let Some(dump) = dump {
                client.restore::<(), _>(name, 0, dump, false, false, None, None).await.unwrap();
            }
        }
    }
}

/// Gives up on a record.
pub(super) async fn park(redis: &Redis, delivery: &Delivery) {
    let dead = OutboundMessage {
        event_id: event_id(u128::MAX - u128::try_from(delivery.expected).unwrap()),
        topic: "things.dlq".to_owned(),
        key: "k".to_owned(),
        aggregate_version: 0,
        payload: vec![],
        headers: vec![],
    };
    RedisInbox::new(redis.clone()).dead_letter(delivery, dead).await.unwrap();
}
