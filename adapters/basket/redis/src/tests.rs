use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use basket_application::{
    ports::{BasketQueries, BasketRepository},
    testing::{StoreUnderTest, store_contract},
};
use basket_domain::{Basket, Offer, Stamp};
use chrono::TimeDelta;
use kernel_application::{
    messaging::{Delivery, Inbox},
    testing::context,
};
use kernel_domain::{BasketId, Currency, EventId, Money, ProductId, Quantity, Timestamp, UserId};
use platform_redis::{Bucket, Redis, RedisInbox, Script, testing};
use platform_testkit::servers;
use uuid::Uuid;

use crate::{RedisBasketQueries, RedisBasketRepository};

struct Store {
    redis: Redis,
}

#[async_trait]
impl StoreUnderTest for Store {
    fn repository(&self) -> Arc<dyn BasketRepository> {
        Arc::new(RedisBasketRepository::new(self.redis.clone()))
    }

    fn queries(&self) -> Arc<dyn BasketQueries> {
        Arc::new(RedisBasketQueries::new(self.redis.clone()))
    }

    async fn delivery(&self, event: EventId) -> Delivery {
        let (consumer, topic) = ("basket", "basket-events");
        let inbox = RedisInbox::new(self.redis.clone());
        let held = inbox.take(consumer, topic, 0, "test", Duration::from_mins(1)).await.unwrap().unwrap();
        Delivery {
            consumer: consumer.to_owned(),
            topic: topic.to_owned(),
            partition: 0,
            epoch: held.epoch,
            expected: held.next_offset,
            next: held.next_offset + 1,
            event_id: Some(event),
        }
    }
}

async fn single() -> Store {
    Store { redis: testing::single(&servers::redis().unwrap()).await.unwrap() }
}

async fn cluster() -> Store {
    Store { redis: testing::cluster(&servers::redis_cluster().unwrap()).await.unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_of_stores_on_one_server() {
    store_contract(single).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_of_stores_on_a_cluster() {
    store_contract(cluster).await;
}

/// The suite's clock stands still long ago, so a key has to live by how long its basket does, not by when it expires.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_by_itself_when_its_basket_has_expired() {
    static TIME_TO_LIVE: Script = Script::new("return redis.call('PTTL', KEYS[1])");
    let store = cluster().await;
    let mut basket = basket("ada", 30);
    store.repository().save(&context(), &mut basket).await.unwrap();
    let key = store.redis.key(Bucket::of("ada"), "basket:ada");
    let left: i64 = store.redis.run("read expiry", &TIME_TO_LIVE, vec![key], vec![]).await.unwrap();
    assert!((30 * 60_000..=31 * 60_000).contains(&left), "{left} ms for a life of 30 minutes");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_expired_baskets_of_a_bucket_go_lot_by_lot() {
    let store = single().await;
    let bucket = Bucket::of("ada");
    let users: Vec<_> =
        (0..).map(|n| format!("user-{n}")).filter(|user| Bucket::of(user) == bucket).take(1_100).collect();
    for user in &users {
        store.repository().save(&context(), &mut basket(user, 30)).await.unwrap();
    }
    let at = |minutes| Timestamp::UNIX_EPOCH + TimeDelta::minutes(minutes);
    assert_eq!(store.repository().purge(at(29)).await.unwrap(), 0);
    assert_eq!(store.repository().purge(at(30)).await.unwrap(), 1_100);
    let user = UserId::new(users[0].clone()).unwrap();
    assert_eq!(store.repository().find(&user, at(0)).await.unwrap(), None, "gone, not only hidden");
}

fn stamp(minutes: i64) -> Stamp {
    Stamp::new(Timestamp::UNIX_EPOCH, TimeDelta::minutes(minutes))
}

fn basket(user: &str, minutes: i64) -> Basket {
    let id = BasketId::from_uuid(Uuid::now_v7());
    let mut basket = Basket::open(id, UserId::new(user).unwrap(), Currency::USD, stamp(minutes));
    let offer = Offer {
        product: ProductId::new(1).unwrap(),
        name: "Tea".to_owned(),
        price: Money::from_minor(499, Currency::USD),
        category: "Drinks".to_owned(),
        available: 10,
    };
    let _ = basket.add(&offer, Quantity::new(2).unwrap(), stamp(minutes)).unwrap();
    basket
}
