//! Against real servers: those that tests share, and some that a test starts to stop or to spoil them.

/// Each case on one server and on a cluster.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_one_server() {
                super::$case($crate::tests::single().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_a_cluster() {
                super::$case($crate::tests::cluster().await).await;
            }
        }
    )+};
}

mod chance;
mod contracts;
mod failover;
mod health;
mod losses;
mod outage;
mod past;
mod retention;
mod rows;
mod server;
mod tls;

use std::sync::LazyLock;

use fred::interfaces::KeysInterface;
use kernel_application::{
    CallContext, StoreError,
    messaging::{Delivery, Inbox, Position},
    testing::context,
};
use kernel_domain::EventId;
use platform_testkit::servers;
use uuid::Uuid;

use crate::{Bucket, Change, Redis, RedisInbox, Script, testing};

/// Adds one to the bucket's counter, unless it is told not to.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::change(
        "local function change(keys, args)
           if args[1] == 'in vain' then return 'conflict' end
           redis.call('INCR', keys[1])
           return 'counted'
         end
        ",
    )
});

const LONG: std::time::Duration = std::time::Duration::from_mins(10);

async fn single() -> Redis {
    testing::single(&servers::redis().unwrap()).await.unwrap()
}

async fn cluster() -> Redis {
    testing::cluster(&servers::redis_cluster().unwrap()).await.unwrap()
}

fn count_change(redis: &Redis, bucket: Bucket, how: &str) -> Change<'static> {
    Change {
        operation: "count",
        aggregate: "counter",
        script: &COUNT,
        bucket,
        keys: vec![redis.key(bucket, "counter")],
        args: vec![how.to_owned()],
    }
}

async fn count(redis: &Redis, ctx: &CallContext, bucket: Bucket, how: &str) -> Result<String, StoreError> {
    redis.write(ctx, count_change(redis, bucket, how)).await
}

/// Counts in `bucket` on behalf of `delivery`.
async fn apply(redis: &Redis, delivery: &Delivery, bucket: Bucket) -> Result<String, StoreError> {
    count(redis, &context().with_delivery(delivery.clone()), bucket, "").await
}

async fn counted(redis: &Redis, bucket: Bucket) -> u64 {
    let client = redis.client("read counter").unwrap();
    client.get::<Option<u64>, _>(redis.key(bucket, "counter")).await.unwrap().unwrap_or(0)
}

async fn take(redis: &Redis) -> Position {
    RedisInbox::new(redis.clone()).take("c", "things", 0, "me", LONG).await.unwrap().unwrap()
}

async fn seen(redis: &Redis, event: u128) -> bool {
    RedisInbox::new(redis.clone()).seen("c", event_id(event)).await.unwrap()
}

fn event_id(n: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(n))
}

/// Event number `n`, at offset `n`.
fn delivery(epoch: i64, n: u32) -> Delivery {
    Delivery {
        consumer: "c".to_owned(),
        topic: "things".to_owned(),
        partition: 0,
        epoch,
        expected: n.into(),
        next: i64::from(n) + 1,
        event_id: Some(event_id(n.into())),
    }
}
