//! Making and reading payments.

use actix_web::test::TestRequest;
use payment_application::testing::{World, item, usd};
use serde_json::{Value, json};

use super::client::{Answer, get, post, post_with, send};

fn ids(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn creation(user: &str) -> Value {
    json!({"user_id": user, "method": "credit_card"})
}

#[actix_web::test]
async fn a_payment_is_made_of_the_basket() {
    let world = World::default();
    let basket = world.fill_basket("ada", &[item(1, 2)]).to_string();
    let body = json!({"user_id": "ada", "method": "paypal", "basket_id": basket, "provider": "sandbox",
        "currency": "USD", "description": "a gift", "metadata": {"order": "7"}});
    let made = post(&world, "/payments", body).await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!((made.status, made.location.clone()), (201, Some(format!("/payments/{id}"))));
    let line = json!({"product_id": 1, "name": "product 1", "price": "10.00", "quantity": 2, "subtotal": "20.00",
        "category": "things"});
    let expected = json!({
        "id": id, "user_id": "ada", "basket_id": basket, "amount": "20.00", "refunded_amount": "0.00",
        "currency": "USD", "status": "pending", "method": "paypal", "provider": "sandbox", "provider_id": null,
        "description": "a gift", "metadata": {"order": "7"}, "items": [line], "failure_code": null,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "processed_at": null,
        "expires_at": "2026-01-01T00:30:00Z"});
    assert_eq!(made.body, expected);
    assert_eq!(get(&world, &format!("/payments/{id}")).await.body, expected);
}

#[actix_web::test]
async fn no_client_sets_a_status() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 2)]);
    let with_status = json!({"user_id": "ada", "method": "stripe", "status": "completed"});
    assert_eq!(post(&world, "/payments", with_status).await.status, 422);
    let made = post(&world, "/payments", creation("ada")).await.body;
    let path = format!("/payments/{}", made["id"].as_str().unwrap());
    for request in [TestRequest::put(), TestRequest::patch()] {
        let answer = send(&world, request.uri(&path).set_json(json!({"status": "completed"}))).await;
        assert!([404, 405].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(get(&world, &path).await.body, made);
}

#[actix_web::test]
async fn what_the_basket_forbids_is_a_conflict() {
    let world = World::default();
    assert_eq!(post(&world, "/payments", creation("ada")).await.code(), (409, "basket_empty"));
    world.fill_basket("ada", &[item(1, 2)]);
    let other =
        json!({"user_id": "ada", "method": "stripe", "basket_id": "01890a5d-ac96-774b-bcce-b302099a8057"});
    assert_eq!(post(&world, "/payments", other).await.code(), (409, "basket_changed"));
    assert_eq!(post(&world, "/payments", creation("ada")).await.status, 201);
    assert_eq!(post(&world, "/payments", creation("ada")).await.code(), (409, "payment_in_progress"));
    world.fill_basket("bob", &[item(2, 1)]);
    world.products.put(item(2, 1).product_id(), usd(999), 10);
    assert_eq!(post(&world, "/payments", creation("bob")).await.code(), (409, "price_changed"));
    world.products.put(item(2, 1).product_id(), usd(1_000), 0);
    assert_eq!(post(&world, "/payments", creation("bob")).await.code(), (409, "product_unavailable"));
    world.products.set_away(true);
    assert_eq!(post(&world, "/payments", creation("bob")).await.code(), (503, "service_unavailable"));
}

#[actix_web::test]
async fn wrong_fields_are_named_all_at_once() {
    let world = World::default();
    let with = |field: &str, value: Value| {
        let mut body = creation("ada");
        body[field] = value;
        body
    };
    for (body, field) in [
        (json!({"user_id": "ada"}), "method"),
        (json!({"method": "paypal"}), "user_id"),
        (with("user_id", json!("a b")), "user_id"),
        (with("user_id", json!(7)), "user_id"),
        (with("method", json!("cash")), "method"),
        (with("basket_id", json!("7")), "basket_id"),
        (with("currency", json!("usd")), "currency"),
        (with("description", json!("  ")), "description"),
        (with("provider", json!("x".repeat(51))), "provider"),
        (with("metadata", json!({"": "no name"})), "metadata"),
        (with("amount", json!("0.01")), "amount"),
        (with("status", json!("completed")), "status"),
    ] {
        assert_eq!(post(&world, "/payments", body.clone()).await.fields(), [field], "{body}");
    }
    let many = json!({"user_id": "", "method": "", "currency": "", "provider": "\u{0}"});
    let fields = post(&world, "/payments", many).await;
    assert_eq!(fields.fields(), ["user_id", "method", "provider", "currency"]);
    assert_eq!(post_with(&world, "/payments", &[], "{").await.code(), (400, "malformed_json"));
    let text = post_with(&world, "/payments", &[("content-type", "text/plain")], "{}").await;
    assert_eq!(text.code(), (415, "unsupported_media_type"));
}

#[actix_web::test]
async fn unknown_payments_are_not_found() {
    let world = World::default();
    for id in ["01890a5d-ac96-774b-bcce-b302099a8057", "7"] {
        assert_eq!(get(&world, &format!("/payments/{id}")).await.code(), (404, "payment_not_found"));
    }
}

#[actix_web::test]
async fn lists_are_filtered_and_paged() {
    let world = World::default();
    let (ada, bob) = (world.pending("ada").await.id, world.completed("bob").await.id);
    let page = get(&world, "/payments?limit=1").await;
    assert_eq!(ids(&page), [bob.as_str()]);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let next = get(&world, &format!("/payments?limit=1&cursor={cursor}")).await;
    assert_eq!((ids(&next), &next.body["next_cursor"]), (vec![ada.as_str()], &Value::Null));
    for (path, id) in [
        ("/payments?status=completed", &bob),
        ("/payments?user_id=ada&status=pending", &ada),
        ("/users/ada/payments", &ada),
        ("/users/bob/payments?limit=100", &bob),
    ] {
        assert_eq!(ids(&get(&world, path).await), [id.as_str()], "{path}");
    }
    assert!(ids(&get(&world, "/users/eve/payments").await).is_empty());
    for (path, field) in [
        ("/payments?status=paid", "status"),
        ("/payments?limit=0", "limit"),
        ("/payments?limit=x", "limit"),
        ("/payments?cursor=x", "cursor"),
        ("/payments?user_id=a+b", "user_id"),
        ("/users/a%20b/payments", "user_id"),
        ("/users/ada/payments?limit=101", "limit"),
    ] {
        assert_eq!(get(&world, path).await.fields(), [field], "{path}");
    }
}

#[actix_web::test]
async fn stats_are_no_payment() {
    let world = World::default();
    world.pending("ada").await;
    world.completed("bob").await;
    let stats = get(&world, "/payments/stats").await;
    assert_eq!(stats.status, 200);
    let money = (&stats.body["captured"], &stats.body["refunded"], &stats.body["currency"]);
    assert_eq!(money, (&json!("10.00"), &json!("0.00"), &json!("USD")));
    let counts = stats.body["by_status"].as_array().unwrap();
    assert_eq!(counts.len(), 8);
    for found in counts {
        let expected = i32::from(["pending", "completed"].contains(&found["status"].as_str().unwrap()));
        assert_eq!(found["count"], expected, "{found}");
    }
}
