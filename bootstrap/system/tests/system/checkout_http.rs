//! A checkout, a decline and a refund over HTTP through the gateway.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::json;

use crate::{
    buyer::{Buyer, id, payment, process},
    invariants,
    shop::Shop,
};

#[tokio::test(flavor = "multi_thread")]
async fn checkout_decline_and_refund() {
    let shop = Shop::open().await;
    let product = shop.product("129.90", 5).await;
    let ada = Buyer::new("ada@example.org");

    let basket = ada.add(&shop, product, 2).await.expect(200);
    assert_eq!((&basket["total"], &basket["item_count"]), (&json!("259.80"), &json!(2)));
    let created = ada.pay(&shop).await;
    let payment_id = id(&created.body);
    let location = created.headers["location"].to_str().unwrap().to_owned();
    let created = created.expect(201);
    assert!(location.ends_with(&payment_id), "{location}");
    assert_eq!((&created["status"], &created["amount"]), (&json!("pending"), &json!("259.80")));
    assert_eq!(ada.pay(&shop).await.code(), "payment_in_progress");

    let paid = process(&shop, &payment_id, None).await.expect(200);
    assert_eq!(paid["status"], "completed");
    shop.until("stock decreased", || async { shop.stock(product).await == (3, 3) }).await;
    shop.until("basket cleared", || async { ada.lines(&shop).await.is_empty() }).await;
    shop.until("notified", || async { ada.notified(&shop, "payment.completed.v1").await >= 1 }).await;

    let bob = Buyer::new("bob");
    let declined = bob.pending(&shop, product, 1).await;
    let failed = process(&shop, &declined, Some("tok_declined")).await.expect(200);
    assert_eq!((&failed["status"], &failed["failure_code"]), (&json!("failed"), &json!("card_declined")));
    shop.until("reservation released", || async { shop.stock(product).await == (3, 3) }).await;
    shop.until("told of the failure", || async { bob.notified(&shop, "payment.failed.v1").await >= 1 }).await;
    assert_eq!(bob.lines(&shop).await, [product], "a failed payment leaves the basket alone");

    let refund = |amount: Option<&str>| json!({"amount": amount, "reason": "broken"});
    let path = format!("/payments/{payment_id}/refund");
    let part = shop.post(&path, refund(Some("59.80"))).await.expect(200);
    assert_eq!((&part["status"], &part["refunded_amount"]), (&json!("partially_refunded"), &json!("59.80")));
    assert_eq!(shop.post(&path, refund(Some("200.01"))).await.code(), "refund_exceeds_amount");
    let rest = shop.post(&path, json!({})).await.expect(200);
    assert_eq!((&rest["status"], &rest["refunded_amount"]), (&json!("refunded"), &json!("259.80")));
    shop.until("stock returned", || async { shop.stock(product).await == (5, 5) }).await;
    shop.until("told of both", || async { ada.notified(&shop, "payment.refunded.v1").await >= 2 }).await;
    invariants::check(&shop, &HashMap::from([(product, 5)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_between_basket_and_payment_is_noticed() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 5).await;
    let ada = Buyer::new("ada");
    assert_eq!(ada.pay(&shop).await.code(), "basket_empty");
    ada.add(&shop, product, 1).await.expect(200);

    let mut changed = shop.get(&format!("/products/{product}")).await.expect(200);
    for field in ["id", "available_quantity", "created_at", "updated_at", "version"] {
        changed.as_object_mut().unwrap().remove(field);
    }
    changed["price"] = json!("11.00");
    shop.call(Method::PUT, &format!("/products/{product}"), Some(changed)).await.expect(200);
    let refused = ada.pay(&shop).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "price_changed"));

    let other = "01890a5d-ac96-774b-bcce-b302099a8057";
    let body = json!({"user_id": "ada", "method": "paypal", "basket_id": other});
    assert_eq!(shop.post("/payments", body).await.code(), "basket_changed");

    shop.call(Method::DELETE, "/baskets/ada", None).await.expect(204);
    let payment_id = ada.pending(&shop, product, 1).await;
    shop.post(&format!("/payments/{payment_id}/cancel"), json!({})).await.expect(200);
    assert_eq!(process(&shop, &payment_id, None).await.code(), "payment_not_pending");
    assert_eq!(payment(&shop, &payment_id).await["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_while_a_payment_is_processing_stays() {
    let shop = Shop::open().await;
    let (paid, added) = (shop.product("10.00", 5).await, shop.product("7.50", 5).await);
    let ada = Buyer::new("ada");
    let payment_id = ada.pending(&shop, paid, 1).await;
    let processing = async { process(&shop, &payment_id, Some("tok_slow")).await.expect(200) };
    let adding = async {
        shop.until("processing", || async { payment(&shop, &payment_id).await["status"] == "processing" })
            .await;
        ada.add(&shop, added, 2).await.expect(200);
        ada.add(&shop, paid, 2).await.expect(200);
        let cancel = shop.post(&format!("/payments/{payment_id}/cancel"), json!({})).await;
        assert_eq!((cancel.status.as_u16(), cancel.code()), (409, "payment_not_pending"));
    };
    let (verdict, ()) = tokio::join!(processing, adding);
    assert_eq!(verdict["status"], "completed");
    shop.until("only the paid unit left", || async {
        let basket = ada.basket(&shop).await.body;
        let quantity = |product: i64| {
            let items = basket["items"].as_array().cloned().unwrap_or_default();
            items.iter().find(|item| item["product_id"] == product).and_then(|item| item["quantity"].as_i64())
        };
        (quantity(paid), quantity(added)) == (Some(2), Some(2))
    })
    .await;
}
