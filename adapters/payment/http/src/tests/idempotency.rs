//! The same key, the same answer.

use payment_application::testing::{ProviderScript, World, item};

use super::client::{get, post_with};

const CREATION: &str = r#"{"user_id":"ada","method":"paypal"}"#;

#[actix_web::test]
async fn a_repeated_creation_gets_the_first_answer() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    let key = [("idempotency-key", "k-1")];
    let first = post_with(&world, "/payments", &key, CREATION).await;
    assert_eq!((first.status, first.replayed.clone()), (201, None));
    let again = post_with(&world, "/payments", &key, CREATION).await;
    assert_eq!(again.replayed.as_deref(), Some("true"));
    assert_eq!((again.status, &again.location, &again.body), (201, &first.location, &first.body));
    assert_eq!(get(&world, "/payments").await.body["items"].as_array().unwrap().len(), 1);
    let other = post_with(&world, "/payments", &key, r#"{"user_id":"bob","method":"paypal"}"#).await;
    assert_eq!((other.code(), other.replayed.as_deref()), ((422, "idempotency_key_reused"), None));
}

#[actix_web::test]
async fn an_answer_under_way_is_not_kept_and_harmless_to_ask_for_again() {
    let world = World::default();
    let process = format!("/payments/{}/process", world.pending("ada").await.id);
    world.provider.script(ProviderScript::LoseAnswer);
    let key = [("idempotency-key", "k-2")];
    let first = post_with(&world, &process, &key, "{}").await;
    let again = post_with(&world, &process, &key, "{}").await;
    assert_eq!((first.status, again.status, &again.body), (202, 202, &first.body));
    assert_eq!(again.replayed, None, "202 is no answer yet");
    assert_eq!(world.provider.captures(), 1);
}

#[actix_web::test]
async fn a_refund_under_way_is_accepted_and_not_asked_for_twice() {
    let world = World::default();
    let refund = format!("/payments/{}/refund", world.completed("ada").await.id);
    world.provider.script(ProviderScript::LoseAnswer);
    let key = [("idempotency-key", "k-6")];
    for expected in [202, 200] {
        if expected == 200 {
            let other = post_with(&world, &refund, &key, r#"{"amount":"5.00"}"#).await;
            assert_eq!(other.code(), (422, "idempotency_key_reused"));
        }
        let answer = post_with(&world, &refund, &key, r#"{"amount":"4.00"}"#).await;
        assert_eq!(answer.status, expected, "{answer:?}");
    }
    assert_eq!(world.provider.refunds().len(), 1);
}

#[actix_web::test]
async fn a_repeated_refund_gives_money_back_once() {
    let world = World::default();
    let refund = format!("/payments/{}/refund", world.completed("ada").await.id);
    let key = [("idempotency-key", "k-3")];
    let first = post_with(&world, &refund, &key, r#"{"amount":"4.00"}"#).await;
    let again = post_with(&world, &refund, &key, r#"{"amount":"4.00"}"#).await;
    assert_eq!((first.status, again.status, &again.body), (200, 200, &first.body));
    assert_eq!(world.provider.refunds().len(), 1);
    let other = post_with(&world, &refund, &key, r#"{"amount":"5.00"}"#).await;
    assert_eq!(other.code(), (422, "idempotency_key_reused"));
}

#[actix_web::test]
async fn a_rejection_is_given_again_too() {
    let world = World::default();
    let key = [("idempotency-key", "k-4")];
    let first = post_with(&world, "/payments", &key, CREATION).await;
    assert_eq!((first.code(), first.replayed.as_deref()), ((409, "basket_empty"), None));
    world.fill_basket("ada", &[item(1, 1)]);
    let again = post_with(&world, "/payments", &key, CREATION).await;
    assert_eq!((again.code(), again.replayed.as_deref()), ((409, "basket_empty"), Some("true")));
    assert_eq!(again.body["detail"], first.body["detail"]);
}

#[actix_web::test]
async fn what_was_invalid_or_unlucky_may_be_sent_again() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    let key = [("idempotency-key", "k-5")];
    let invalid = post_with(&world, "/payments", &key, r#"{"user_id":"ada","method":"cash"}"#).await;
    assert_eq!(invalid.status, 422);
    world.products.set_away(true);
    assert_eq!(post_with(&world, "/payments", &key, CREATION).await.status, 503);
    world.products.set_away(false);
    let answer = post_with(&world, "/payments", &key, CREATION).await;
    assert_eq!((answer.status, answer.replayed), (201, None));
}

#[actix_web::test]
async fn illegal_keys_are_named() {
    let world = World::default();
    for key in ["", "a b", &"k".repeat(256)] {
        let answer = post_with(&world, "/payments", &[("idempotency-key", key)], CREATION).await;
        assert_eq!(answer.fields(), ["Idempotency-Key"]);
    }
}
