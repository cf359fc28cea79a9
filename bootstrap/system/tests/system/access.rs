//! Users and what is theirs, all the way through the gateway.

use std::collections::HashMap;

use proto::{
    basket::v1::{AddItemRequest, GetBasketRequest, basket_service_client::BasketServiceClient},
    payment::v1::{GetPaymentRequest, payment_service_client::PaymentServiceClient},
    product::v1::{GetProductRequest, product_service_client::ProductServiceClient},
};
use reqwest::Method;
use serde_json::{Value, json};
use tonic::Code;

use crate::{
    buyer::{Buyer, id, reaches},
    invariants,
    shop::{Reply, Shop},
};

/// A request of somebody's, through the gateway.
async fn ask(shop: &Shop, authorization: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
    shop.call_with(method, path, body, &[("authorization", authorization)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_needs_no_more_than_their_own_token() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 5).await;
    let ada = shop.identity.user("ada");
    let item = json!({ "product_id": product, "quantity": 2 });
    ask(&shop, &ada, Method::POST, "/baskets/ada/items", Some(item)).await.expect(200);
    let order = json!({ "user_id": "ada", "method": "credit_card" });
    let payment = id(&ask(&shop, &ada, Method::POST, "/payments", Some(order)).await.expect(201));
    let path = format!("/payments/{payment}/process");
    let paid = ask(&shop, &ada, Method::POST, &path, Some(json!({}))).await.expect(200);
    assert_eq!(paid["status"], "completed");
    shop.until("ada is notified", || async {
        let page = ask(&shop, &ada, Method::GET, "/notifications?user_id=ada", None).await.expect(200);
        page["items"].as_array().is_some_and(|items| items.len() == 1)
    })
    .await;
    invariants::check(&shop, &HashMap::from([(product, 5)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_what_is_another_s() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 5).await;
    let payment = Buyer::new("ada").pending(&shop, product, 1).await;
    let bob = shop.identity.user("bob");
    let process = format!("/payments/{payment}/process");
    let new = json!({ "name": "Pot", "price": "1.00", "stock_quantity": 1, "category": "kitchen" });
    for (method, path, body, status) in [
        (Method::GET, "/baskets/ada", None, 403),
        (Method::DELETE, "/baskets/ada", None, 403),
        (Method::GET, "/payments?user_id=ada", None, 403),
        (Method::GET, "/users/ada/payments", None, 403),
        (Method::GET, process.trim_end_matches("/process"), None, 404),
        (Method::POST, &process, Some(json!({})), 404),
        (Method::GET, "/notifications?user_id=ada", None, 403),
        (Method::POST, "/products", Some(new), 403),
        (Method::GET, "/payments/stats", None, 403),
    ] {
        let reply = ask(&shop, &bob, method.clone(), path, body.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "bob, {method} {path}: {}", reply.body);
        let reply = ask(&shop, "Bearer forged", method.clone(), path, body).await;
        assert_eq!(reply.status.as_u16(), 401, "forged, {method} {path}: {}", reply.body);
        assert!(reply.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    }
    let own = ask(&shop, &bob, Method::GET, "/payments", None).await.expect(200);
    assert_eq!(own["items"], json!([]));
    reaches(&shop, &payment, "pending").await;
    invariants::check(&shop, &HashMap::from([(product, 5)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_through_the_gateway_is_no_other_door() {
    let shop = Shop::open().await;
    let product = shop.product("10.00", 5).await;
    let payment = Buyer::new("ada").pending(&shop, product, 1).await;
    let (ada, bob) = (shop.identity.user("ada"), shop.identity.user("bob"));
    let (ada, bob) =
        (shop.grpc_as("gateway-service", &ada).await, shop.grpc_as("gateway-service", &bob).await);

    let found = ProductServiceClient::new(bob.clone()).get_product(GetProductRequest { id: product }).await;
    assert_eq!(found.unwrap().into_inner().product.unwrap().id, product);
    let add = AddItemRequest { user_id: "ada".into(), product_id: product, quantity: 1 };
    let refused = BasketServiceClient::new(bob.clone()).add_item(add.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    BasketServiceClient::new(ada.clone()).add_item(add).await.unwrap();
    let get = GetBasketRequest { user_id: "ada".into() };
    let basket =
        BasketServiceClient::new(ada.clone()).get_basket(get).await.unwrap().into_inner().basket.unwrap();
    assert_eq!(basket.items[0].quantity, 2);
    let get = || GetPaymentRequest { id: payment.clone() };
    let hidden = PaymentServiceClient::new(bob).get_payment(get()).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound, "{hidden:?}");
    PaymentServiceClient::new(ada).get_payment(get()).await.unwrap();
}
