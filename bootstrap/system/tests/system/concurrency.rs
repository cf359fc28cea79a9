//! Many at once.

use std::{collections::HashMap, sync::Arc};

use proto::payment::v1::{
    CreatePaymentRequest, PaymentMethod, PaymentStatus, ProcessPaymentRequest,
    payment_service_client::PaymentServiceClient,
};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;
use tonic::{Code, Request};

use crate::{
    buyer::{Buyer, id, process, reaches},
    invariants,
    shop::{Connection, Shop},
};

async fn at_once<T, F>(calls: impl Iterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    calls.collect::<JoinSet<_>>().join_all().await
}

async fn grpc(shop: &Shop) -> PaymentServiceClient<Connection> {
    PaymentServiceClient::new(shop.grpc("payment-service").await)
}

/// Pays the user's basket with Stripe, under a key.
fn creation(user_id: &str, key: &str) -> Request<CreatePaymentRequest> {
    let mut request = Request::new(CreatePaymentRequest {
        user_id: user_id.into(),
        method: PaymentMethod::Stripe.into(),
        ..CreatePaymentRequest::default()
    });
    request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
    request
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
    let over_http = at_once((0..25).map(|_| {
        let (shop, payment) = (Arc::clone(&shop), payment.clone());
        async move { process(&shop, &payment, None).await }
    }));
    let client = grpc(&shop).await;
    let over_grpc = at_once((0..25).map(|_| {
        let (mut client, id) = (client.clone(), payment.clone());
        async move { client.process_payment(ProcessPaymentRequest { id, payment_token: None }).await }
    }));
    let (over_http, over_grpc) = tokio::join!(over_http, over_grpc);
    for reply in over_http {
        assert!(matches!(reply.status.as_u16(), 200 | 202 | 409), "{reply:?}");
    }
    for reply in over_grpc {
        match reply.map(|reply| reply.into_inner().payment.unwrap().status()) {
            Ok(PaymentStatus::Completed | PaymentStatus::Processing) => {}
            Err(status) if matches!(status.code(), Code::Aborted | Code::FailedPrecondition) => {}
            other => panic!("{other:?}"),
        }
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
    let over_http = at_once((0..30).map(keyed("/payments".into(), create.clone(), "create-1")));
    let client = grpc(&shop).await;
    let over_grpc = at_once((0..20).map(|_| {
        let mut client = client.clone();
        async move { client.create_payment(creation("ada", "create-1")).await }
    }));
    let (created, over_grpc) = tokio::join!(over_http, over_grpc);
    let mut ids: Vec<_> =
        created.iter().filter(|reply| reply.status == 201).map(|reply| id(&reply.body)).collect();
    for reply in &created {
        assert!(matches!(reply.status.as_u16(), 201 | 409), "{reply:?}");
        assert!(reply.status == 201 || reply.code() == "idempotency_key_in_use", "{reply:?}");
    }
    for reply in over_grpc {
        match reply {
            Ok(reply) => ids.push(reply.into_inner().payment.unwrap().id),
            Err(status) => assert_eq!(status.code(), Code::Aborted, "{status:?}"),
        }
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
    let again = client.clone().create_payment(creation("ada", "create-1")).await.unwrap();
    assert_eq!(again.metadata().get("idempotency-replayed").unwrap(), "true");
    assert_eq!(again.into_inner().payment.unwrap().id, payment, "both protocols share their keys");
    let reused = client.clone().create_payment(creation("bob", "create-1")).await.unwrap_err();
    assert_eq!(reused.code(), Code::InvalidArgument, "{reused:?}");
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
