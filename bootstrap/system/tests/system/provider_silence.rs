//! A provider that takes calls and does not answer them.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    buyer::Buyer,
    invariants::{self, Account, ledger},
    shop::{Reply, Shop},
};

/// A refund under a key, straight to the payment service: the gateway may hold a service back that is not ready.
async fn refund(shop: &Shop, payment: &str, body: &Value, key: &str) -> Reply {
    let url = format!("{}/payments/{payment}/refund", shop.http("payment-service"));
    shop.send(Method::POST, &url, Some(body.clone()), &[("idempotency-key", key)]).await.unwrap()
}

/// Waits until as much is refunded.
async fn refunded(shop: &Shop, payment: &str, amount: &str) -> Value {
    let url = format!("{}/payments/{payment}", shop.http("payment-service"));
    shop.wait_for(&format!("{amount} refunded"), || async {
        let payment = shop.send(Method::GET, &url, None, &[]).await.unwrap().expect(200);
        (payment["refunded_amount"] == amount).then_some(payment)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_without_an_answer_is_carried_out_once() {
    let shop = Shop::open().await;
    let product = shop.product("20.00", 10).await;
    let payment = Buyer::new("ada").buy(&shop, product, 2).await;
    let part = json!({"amount": "15.00", "reason": "scratched"});

    shop.pause("provider-service");
    let first = refund(&shop, &payment, &part, "refund-1").await;
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(
        (&first.body["status"], &first.body["refunded_amount"]),
        (&json!("completed"), &json!("0.00"))
    );
    let again = refund(&shop, &payment, &part, "refund-1").await;
    assert_eq!((again.status, &again.body["refunded_amount"]), (first.status, &json!("0.00")), "{again:?}");
    shop.resume("provider-service");
    let now = refunded(&shop, &payment, "15.00").await;
    assert_eq!(now["status"], "partially_refunded", "{now}");
    let told = refund(&shop, &payment, &part, "refund-1").await;
    assert_eq!((told.status.as_u16(), &told.body["refunded_amount"]), (200, &json!("15.00")), "{told:?}");
    let again = refund(&shop, &payment, &part, "refund-1").await;
    assert_eq!((again.status, &again.body), (told.status, &told.body), "from now on the key's answer");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = refund(&shop, &payment, &json!({"amount": "16.00"}), "refund-1").await;
    assert_eq!((other.status.as_u16(), other.code()), (422, "idempotency_key_reused"), "{other:?}");

    shop.pause("provider-service");
    let rest = refund(&shop, &payment, &json!({}), "refund-2").await;
    assert_eq!((rest.status.as_u16(), &rest.body["status"]), (202, &json!("partially_refunded")), "{rest:?}");
    let beyond = refund(&shop, &payment, &json!({"amount": "0.01"}), "refund-3").await;
    assert_eq!(
        (beyond.status.as_u16(), beyond.code()),
        (409, "refund_exceeds_amount"),
        "the rest is promised"
    );
    shop.resume("provider-service");
    let now = refunded(&shop, &payment, "40.00").await;
    assert_eq!(now["status"], "refunded", "{now}");

    let expected = Account { balance: 0, captures: 1, refunds: 2 };
    assert_eq!(ledger(&shop).await[&payment], expected);
    invariants::check(&shop, &HashMap::from([(product, 10)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_refund_is_pending_takes_no_other_refund() {
    let shop = Shop::open().await;
    let product = shop.product("20.00", 10).await;
    let payment = Buyer::new("ada").buy(&shop, product, 2).await;
    shop.pause("provider-service");
    let first = refund(&shop, &payment, &json!({"amount": "15.00"}), "refund-1").await;
    assert_eq!(first.status, 202, "{first:?}");
    let other = refund(&shop, &payment, &json!({"amount": "16.00"}), "refund-1").await;
    assert_eq!((other.status.as_u16(), other.code()), (422, "idempotency_key_reused"), "{other:?}");
    shop.resume("provider-service");
    refunded(&shop, &payment, "15.00").await;
    invariants::check(&shop, &HashMap::from([(product, 10)])).await;
}
