//! Services die and come back in the middle of things.

use std::{collections::HashMap, sync::Arc};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    buyer::{Buyer, id},
    invariants,
    shop::{SERVICES, Shop},
};

/// A whole checkout that does not mind failures: each step is repeated, with the same key, until it has an answer.
/// Answers the payment, once it has been acknowledged.
async fn stubborn_checkout(shop: &Shop, name: String, product: i64) -> String {
    let gateway = format!("{}/api", shop.http("gateway-service"));
    let insist = async |method: Method, path: String, body: serde_json::Value, key: String| {
        let url = format!("{gateway}{path}");
        shop.wait_for(&format!("{name}: {path}"), || async {
            let reply = shop
                .send(method.clone(), &url, Some(body.clone()), &[("idempotency-key", &key)])
                .await
                .ok()?;
            reply.status.is_success().then_some(reply.body)
        })
        .await
    };
    let item = json!({"quantity": 1, "product_id": product});
    let adding = format!("/baskets/{name}/items");
    let basket = format!("/baskets/{name}");
    shop.until(&format!("{name}: basket"), || async {
        // Adding is no keyed request: look whether an attempt without an answer went through.
        let looked = shop.send(Method::GET, &format!("{gateway}{basket}"), None, &[]).await;
        if looked.is_ok_and(|reply| reply.body["item_count"].as_i64().is_some_and(|count| count > 0)) {
            return true;
        }
        let added = shop.send(Method::POST, &format!("{gateway}{adding}"), Some(item.clone()), &[]).await;
        added.is_ok_and(|reply| reply.status.is_success())
    })
    .await;
    let create = json!({"user_id": name, "method": "credit_card"});
    let payment = id(&insist(Method::POST, "/payments".into(), create, format!("{name}-create")).await);
    insist(Method::POST, format!("/payments/{payment}/process"), json!({}), format!("{name}-process")).await;
    payment
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_killed_and_restarted_in_the_middle() {
    let shop = Arc::new(Shop::open().await);
    let product = shop.product("10.00", 1_000).await;
    let mut acknowledged = Vec::new();
    for (round, service) in SERVICES.into_iter().enumerate() {
        let mut checkouts = JoinSet::new();
        for n in 0..6 {
            let shop = Arc::clone(&shop);
            checkouts
                .spawn(async move { stubborn_checkout(&shop, format!("user-{round}-{n}"), product).await });
        }
        shop.kill(service);
        shop.start(service);
        acknowledged.extend(checkouts.join_all().await);
        shop.ready().await;
    }
    invariants::check(&shop, &HashMap::from([(product, 1_000)])).await;
    for id in &acknowledged {
        let payment = crate::buyer::payment(&shop, id).await;
        assert_eq!(payment["status"], "completed", "{payment}");
        let buyer = Buyer::new(payment["user_id"].as_str().unwrap());
        shop.until("basket cleared", || async { buyer.lines(&shop).await.is_empty() }).await;
        shop.until("notified", || async { buyer.notified(&shop, "payment.completed.v1").await > 0 }).await;
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
