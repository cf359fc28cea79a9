//! Services die and come back in the middle of things.

use std::{collections::HashMap, sync::Arc};

use reqwest::Method;
use tokio::task::JoinSet;

use crate::{
    buyer::{Buyer, processing},
    invariants,
    shop::{SERVICES, Shop},
    stubborn::{self, Acknowledged, Wish},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_service_killed_and_restarted_in_the_middle() {
    let shop = Arc::new(Shop::open().await);
    let wish = Wish { product: shop.product("10.00", 1_000).await, later: shop.product("3.00", 1_000).await };
    let mut acknowledged = Vec::new();
    for (round, service) in SERVICES.into_iter().enumerate() {
        let mut checkouts = JoinSet::new();
        for n in 0..6 {
            let shop = Arc::clone(&shop);
            // The slow ones are being charged while the service dies, the others are anywhere.
            let token = (n % 2 == 0).then_some("tok_slow");
            let name = format!("user-{round}-{n}");
            checkouts.spawn(async move { stubborn::checkout(&shop, &name, wish, token).await });
        }
        let users = format!("user-{round}-");
        shop.until(&format!("{users}… processing"), || async { processing(&shop, &users).await > 0 }).await;
        shop.kill(service);
        shop.start(service);
        acknowledged.extend(checkouts.join_all().await);
        shop.ready().await;
    }
    let initial = HashMap::from([(wish.product, 1_000), (wish.later, 1_000)]);
    invariants::check(&shop, &initial).await;
    same_answers(&shop, &acknowledged).await;
    invariants::check(&shop, &initial).await;
    for Acknowledged { payment, .. } in &acknowledged {
        let payment = crate::buyer::payment(&shop, payment).await;
        assert_eq!(payment["status"], "completed", "{payment}");
    }
    stubborn::baskets_hold(&shop, &acknowledged, wish).await;
}

/// A key answers what it answered before all the crashes. A 202 was none: it promised one, which is there by now.
pub(crate) async fn same_answers(shop: &Shop, acknowledged: &[Acknowledged]) {
    for (request, first) in acknowledged.iter().flat_map(|checkout| &checkout.answers) {
        let promised = first.status == 202;
        let first = if promised { request.insist(shop).await } else { first.clone() };
        assert_ne!(first.status, 202, "{}: {first:?}", request.path);
        let again = request.insist(shop).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{}", request.path);
        let replayed = again.headers.get("idempotency-replayed");
        assert_eq!(replayed.unwrap_or_else(|| panic!("{}: {again:?}", request.path)), "true");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survives_and_a_stop_is_in_good_order() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 10).await;
    let ada = Buyer::new("ada");
    let payment = ada.buy(&shop, product, 2).await;
    shop.until("stock decreased", || async { shop.stock(product).await == (8, 8) }).await;
    ada.add(&shop, product, 1).await.expect(200);
    for service in SERVICES {
        assert_eq!(shop.terminate(service), Some(0), "{service}:\n{}", shop.log(service));
    }
    for service in SERVICES {
        shop.start(service);
    }
    shop.ready().await;
    assert_eq!(shop.stock(product).await, (8, 8));
    shop.until("one unit in the basket", || async { ada.basket(&shop).await.body["item_count"] == 1 }).await;
    assert_eq!(crate::buyer::payment(&shop, &payment).await["status"], "completed");
    assert!(ada.notified(&shop, "payment.completed.v1").await >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_away_is_named_and_waited_for() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 10).await;
    shop.kill("product-service");
    let basket = format!("{}/health/ready", shop.http("basket-service"));
    shop.until("basket not ready", || async {
        let reply = shop.send(Method::GET, &basket, None, &[]).await.unwrap();
        reply.status == 503 && reply.body.to_string().contains("product-service")
    })
    .await;
    let added = Buyer::new("ada").add(&shop, product, 1).await;
    assert_eq!(added.status, 503, "{added:?}");
    assert!(added.headers.contains_key("retry-after"));
    shop.start("product-service");
    shop.ready().await;
    Buyer::new("ada").add(&shop, product, 1).await.expect(200);
}
