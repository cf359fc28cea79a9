//! What users, strangers and nobody are answered.

use actix_web::test::TestRequest;
use kernel_application::{
    CallContext, Caller,
    testing::{context, context_of},
};
use payment_application::testing::{World, item};
use serde_json::json;

use super::client::{Answer, get, send_as};

fn nobody() -> CallContext {
    context().by(Caller::Anonymous)
}

/// Every request that names a payment by its id.
fn by_id(id: &str) -> Vec<TestRequest> {
    let action = |name: &str| TestRequest::post().uri(&format!("/payments/{id}/{name}"));
    let actions =
        ["process", "cancel", "refund"].map(|name| action(name).insert_header(("idempotency-key", "k")));
    let read = TestRequest::get().uri(&format!("/payments/{id}"));
    actions.into_iter().chain([read]).collect()
}

/// Every request that names Ada, and the one that is for administrators.
fn named() -> Vec<TestRequest> {
    let body = json!({"user_id": "ada", "method": "paypal"});
    let mut requests = vec![TestRequest::post().uri("/payments").set_json(body)];
    let paths = ["/payments?user_id=ada", "/users/ada/payments", "/payments/stats"];
    requests.extend(paths.map(|path| TestRequest::get().uri(path)));
    requests
}

fn users(page: &Answer) -> Vec<&str> {
    assert_eq!(page.status, 200, "{page:?}");
    let items = page.body["items"].as_array().unwrap();
    items.iter().map(|payment| payment["user_id"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_stranger_finds_nothing_and_changes_nothing() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    let before = get(&world, &format!("/payments/{id}")).await;
    for request in by_id(&id) {
        let answer = send_as(&world, context_of("bob"), request).await;
        assert_eq!((answer.code(), answer.replayed.as_deref()), ((404, "payment_not_found"), None));
        assert!(!answer.body.to_string().contains("ada"), "{answer:?}");
    }
    for request in named() {
        assert_eq!(send_as(&world, context_of("bob"), request).await.code(), (403, "forbidden"));
    }
    assert_eq!(get(&world, &format!("/payments/{id}")).await, before);
}

#[actix_web::test]
async fn nobody_is_asked_for_a_token() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    let requests = by_id(&id).into_iter().chain(named()).chain([TestRequest::get().uri("/payments")]);
    for request in requests {
        assert_eq!(send_as(&world, nobody(), request).await.code(), (401, "unauthenticated"));
    }
}

#[actix_web::test]
async fn a_list_is_the_callers_own() {
    let world = World::default();
    world.pending("ada").await;
    world.pending("bob").await;
    for path in ["/payments", "/payments?user_id=bob", "/users/bob/payments"] {
        let page = send_as(&world, context_of("bob"), TestRequest::get().uri(path)).await;
        assert_eq!(users(&page), ["bob"], "{path}");
    }
    assert_eq!(users(&get(&world, "/payments").await), ["bob", "ada"]);
}

#[actix_web::test]
async fn two_users_with_the_same_key_get_answers_of_their_own() {
    let world = World::default();
    for name in ["ada", "bob"] {
        world.fill_basket(name, &[item(1, 1)]);
        let body = json!({"user_id": name, "method": "paypal"});
        let request = TestRequest::post().uri("/payments").insert_header(("idempotency-key", "k"));
        let made = send_as(&world, context_of(name), request.set_json(body)).await;
        assert_eq!((made.status, made.replayed), (201, None));
        assert_eq!(made.body["user_id"], name);
    }
}
