//! A peer dies under calls over gRPC.

use std::collections::HashMap;

use proto::payment::v1::{
    GetPaymentRequest, PaymentStatus, ProcessPaymentRequest, payment_service_client::PaymentServiceClient,
};
use tokio::task::JoinSet;

use crate::{
    buyer::{Buyer, processing, reaches},
    invariants,
    shop::Shop,
};

#[tokio::test(flavor = "multi_thread")]
async fn product_service_killed_under_grpc_calls() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 100).await;
    let client = PaymentServiceClient::new(shop.grpc("payment-service").await);
    let late = Buyer::new("late").pending(&shop, product, 1).await;
    let (mut payments, mut calls) = (Vec::new(), JoinSet::new());
    for n in 0..6 {
        payments.push(Buyer::new(format!("user-{n}")).pending(&shop, product, 1).await);
    }
    let process = |id: &String, token: Option<&str>| {
        let request = ProcessPaymentRequest { id: id.clone(), payment_token: token.map(str::to_owned) };
        let mut client = client.clone();
        async move { client.process_payment(request).await.map(|reply| reply.into_inner().payment.unwrap()) }
    };
    for id in &payments {
        calls.spawn(process(id, Some("tok_slow")));
    }
    shop.until("all six processing", || async { processing(&shop, "user-").await == 6 }).await;
    shop.kill("product-service");

    let waiting = process(&late, None).await.unwrap();
    assert_eq!(waiting.status(), PaymentStatus::Processing, "nobody could reserve: {waiting:?}");
    shop.start("product-service");
    for answer in calls.join_all().await {
        let payment = answer.unwrap();
        let known = matches!(payment.status(), PaymentStatus::Completed | PaymentStatus::Processing);
        assert!(known, "{payment:?}");
    }
    shop.ready().await;
    payments.push(late);
    for id in payments {
        reaches(&shop, &id, "completed").await;
        let get = client.clone().get_payment(GetPaymentRequest { id: id.clone() }).await.unwrap();
        assert_eq!(get.into_inner().payment.unwrap().status(), PaymentStatus::Completed);
        let again = process(&id, None).await.unwrap();
        assert_eq!(again.status(), PaymentStatus::Completed, "the verdict stays: {again:?}");
    }
    invariants::check(&shop, &HashMap::from([(product, 100)])).await;
}
