//! Stores and brokers that are away, come late, and die in the middle of things.

use std::{collections::HashMap, sync::Arc};

use reqwest::Method;
use tokio::task::JoinSet;

use crate::{
    buyer::{Buyer, processing},
    home::Home,
    invariants, outages,
    own::OwnServers,
    shop::Shop,
    stubborn::{self, Wish},
};

/// Services with a store and events.
const SERVICES: [&str; 4] = ["product-service", "basket-service", "payment-service", "notification-service"];

#[tokio::test(flavor = "multi_thread")]
async fn services_start_before_their_servers() {
    let servers = OwnServers::up().await;
    let home = Home::on(&servers).await;
    for server in OwnServers::ALL {
        servers.stop(server).await;
    }
    let shop = Shop::closed(home, 1);
    for replica in shop.replicas() {
        shop.start_replica(replica);
    }
    for service in SERVICES {
        let store = service.replace("-service", "-store");
        shop.until(&format!("{service} says what it waits for"), || async {
            let reply = ready(&shop, service).await.unwrap_or_default();
            reply.contains(&store) && reply.contains("event-log")
        })
        .await;
    }
    for server in OwnServers::ALL {
        servers.start(server).await;
    }
    shop.ready().await;
    let product = shop.product("10.00", 10).await;
    Buyer::new("ada").buy(&shop, product, 2).await;
    invariants::check(&shop, &HashMap::from([(product, 10)])).await;
}

/// What a service that is not ready says of it; `None` where it does not answer, or is ready.
async fn ready(shop: &Shop, service: &str) -> Option<String> {
    let url = format!("{}/health/ready", shop.http(service));
    let reply = shop.send(Method::GET, &url, None, &[]).await.ok()?;
    (reply.status == 503).then(|| reply.body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_killed_and_started_in_the_middle() {
    let servers = OwnServers::up().await;
    let shop = Arc::new(Shop::open_in(Home::on(&servers).await).await);
    let wish = Wish { product: shop.product("10.00", 1_000).await, later: shop.product("3.00", 1_000).await };
    let mut acknowledged = Vec::new();
    for server in OwnServers::ALL {
        let mut checkouts = JoinSet::new();
        for n in 0..6 {
            let shop = Arc::clone(&shop);
            // The slow ones are being charged while the server dies, the others are anywhere.
            let token = (n % 2 == 0).then_some("tok_slow");
            let name = format!("{server}-{n}");
            checkouts.spawn(async move { stubborn::checkout(&shop, &name, wish, token).await });
        }
        let users = format!("{server}-");
        shop.until(&format!("{users}… processing"), || async { processing(&shop, &users).await > 0 }).await;
        servers.kill(server).await;
        servers.start(server).await;
        acknowledged.extend(checkouts.join_all().await);
        // By itself: no process of the shop is started again.
        shop.ready().await;
    }
    invariants::check(&shop, &HashMap::from([(wish.product, 1_000), (wish.later, 1_000)])).await;
    stubborn::baskets_hold(&shop, &acknowledged, wish).await;
    outages::same_answers(&shop, &acknowledged).await;
}
