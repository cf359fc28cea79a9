//! Many at once.

use std::{collections::HashMap, sync::Arc};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    buyer::{Buyer, id, process, reaches},
    invariants,
    shop::{Reply, Shop},
};

async fn at_once<F: Future<Output = Reply> + Send + 'static>(calls: impl Iterator<Item = F>) -> Vec<Reply> {
    calls.collect::<JoinSet<_>>().join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_buyers_of_ten_units() {
    let shop = Arc::new(Shop::open().await);
    let product = shop.product("10.00", 10).await;
    let mut payments = JoinSet::new();
    for n in 0..200 {
        let shop = Arc::clone(&shop);
        payments.spawn(async move { Buyer::new(format!("buyer-{n}")).pending(&shop, product, 1).await });
    }
    let payments = payments.join_all().await;
    let processed = at_once(payments.clone().into_iter().map(|id| {
        let shop = Arc::clone(&shop);
        async move { process(&shop, &id, None).await }
    }));
    for reply in processed.await {
        assert!(matches!(reply.status.as_u16(), 200 | 202), "{reply:?}");
    }
    invariants::check(&shop, &HashMap::from([(product, 10)])).await;
    let mut verdicts: HashMap<String, u32> = HashMap::new();
    for id in payments {
        let payment = crate::buyer::payment(&shop, &id).await;
        let verdict = payment["failure_code"].as_str().or(payment["status"].as_str()).unwrap();
        *verdicts.entry(verdict.to_owned()).or_default() += 1;
    }
    assert_eq!(
        verdicts,
        HashMap::from([("completed".to_owned(), 10), ("insufficient_stock".to_owned(), 190)])
    );
    assert_eq!(shop.stock(product).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_process_call_fifty_times() {
    let shop = Arc::new(Shop::open().await);
    let product = shop.product("10.00", 100).await;
    let payment = Buyer::new("ada").pending(&shop, product, 3).await;
    let replies = at_once((0..50).map(|_| {
        let (shop, payment) = (Arc::clone(&shop), payment.clone());
        async move { process(&shop, &payment, None).await }
    }));
    for reply in replies.await {
        assert!(matches!(reply.status.as_u16(), 200 | 202 | 409), "{reply:?}");
    }
    reaches(&shop, &payment, "completed").await;
    invariants::check(&shop, &HashMap::from([(product, 100)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_fifty_times() {
    let shop = Arc::new(Shop::open().await);
    let product = shop.product("10.00", 100).await;
    let ada = Buyer::new("ada");
    ada.add(&shop, product, 2).await.expect(200);
    let keyed = |path: String, body: serde_json::Value, key: &'static str| {
        let shop = Arc::clone(&shop);
        move |_| {
            let (shop, path, body) = (Arc::clone(&shop), path.clone(), body.clone());
            async move { shop.call_with(Method::POST, &path, Some(body), &[("idempotency-key", key)]).await }
        }
    };
    let create = json!({"user_id": "ada", "method": "stripe"});
    let created = at_once((0..50).map(keyed("/payments".into(), create.clone(), "create-1"))).await;
    let mut ids: Vec<_> =
        created.iter().filter(|reply| reply.status == 201).map(|reply| id(&reply.body)).collect();
    for reply in &created {
        assert!(matches!(reply.status.as_u16(), 201 | 409), "{reply:?}");
        assert!(reply.status == 201 || reply.code() == "idempotency_key_in_use", "{reply:?}");
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1, "one payment was created");
    let payment = ids.remove(0);

    let again = keyed("/payments".into(), create, "create-1")(0).await;
    assert_eq!(
        (again.status.as_u16(), &again.headers["idempotency-replayed"]),
        (201, &"true".parse().unwrap())
    );
    let other = json!({"user_id": "bob", "method": "stripe"});
    let reused = keyed("/payments".into(), other, "create-1")(0).await;
    assert_eq!((reused.status.as_u16(), reused.code()), (422, "idempotency_key_reused"));

    process(&shop, &payment, None).await.expect(200);
    let refund = keyed(format!("/payments/{payment}/refund"), json!({"amount": "1.00"}), "refund-1");
    let refunds = at_once((0..50).map(&refund)).await;
    assert!(refunds.iter().any(|reply| reply.status == 200), "{refunds:?}");
    let first = refund(0).await.expect(200);
    assert_eq!(first["refunded_amount"], "1.00");
    for reply in refunds.iter().filter(|reply| reply.status == 200) {
        assert_eq!(reply.body, first);
    }
    let now = crate::buyer::payment(&shop, &payment).await;
    assert_eq!(now["refunded_amount"], "1.00", "refunded once");
    invariants::check(&shop, &HashMap::from([(product, 100)])).await;
}
