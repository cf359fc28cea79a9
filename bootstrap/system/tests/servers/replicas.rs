//! Two processes of every service share the work, and one goes on with all of it when the other dies.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    home::Home,
    invariants,
    shop::{Replica, Shop},
    stubborn::{self, Acknowledged, Wish},
};

/// Consumers of events.
const CONSUMERS: [&str; 3] = ["product-service", "basket-service", "notification-service"];
/// Until the partitions of a killed replica are read by the other one.
const TAKEN_OVER: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_the_work_and_one_takes_over() {
    // The sandbox stays alone: it stands in for one provider.
    let shop = Arc::new(Shop::closed(Home::new().await, 2));
    shop.start_all().await;
    let wish = Wish { product: shop.product("10.00", 1_000).await, later: shop.product("3.00", 1_000).await };
    for door in [1, 0] {
        shop.door.store(door, Ordering::Relaxed);
        checkouts(&shop, &format!("door-{door}"), wish, 20).await;
    }
    let initial = HashMap::from([(wish.product, 1_000), (wish.later, 1_000)]);
    invariants::check(&shop, &initial).await;
    for service in CONSUMERS {
        for number in [0, 1] {
            let applied = applied(&shop, (service, number)).await;
            assert!(applied > 0, "replica {number} of {service} had nothing to do");
        }
    }

    for service in CONSUMERS.into_iter().chain(["payment-service"]) {
        shop.kill_replica((service, 1));
    }
    let killed = Instant::now();
    let second = checkouts(&shop, "second", wish, 20).await;
    invariants::check(&shop, &initial).await;
    stubborn::baskets_hold(&shop, &second, wish).await;
    let took = killed.elapsed();
    assert!(took < TAKEN_OVER, "the effects of 20 checkouts were complete after {took:?}");
}

async fn checkouts(shop: &Arc<Shop>, names: &str, wish: Wish, count: usize) -> Vec<Acknowledged> {
    let mut buyers = JoinSet::new();
    for n in 0..count {
        let (shop, name) = (Arc::clone(shop), format!("{names}-{n}"));
        buyers.spawn(async move { stubborn::checkout(&shop, &name, wish, None).await });
    }
    buyers.join_all().await
}

/// How many events a replica has applied.
async fn applied(shop: &Shop, replica: Replica) -> u64 {
    let url = format!("{}/metrics", shop.http_of(replica));
    let metrics = shop.client.get(url).send().await.unwrap().text().await.unwrap();
    let counted = metrics
        .lines()
        .filter(|line| line.starts_with("events_consumed_total") && line.contains(r#"outcome="applied""#));
    counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
