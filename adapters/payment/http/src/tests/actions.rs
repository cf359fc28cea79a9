//! Process, cancel, refund.

use payment_application::testing::{ProviderScript, World};
use serde_json::{Value, json};

use super::client::{Answer, get, post, post_nothing, post_with, post_without_type};

async fn pending(world: &World) -> String {
    format!("/payments/{}", world.pending("ada").await.id)
}

async fn refund(world: &World, payment: &str, amount: Value) -> Answer {
    post(world, &format!("{payment}/refund"), json!({"amount": amount})).await
}

#[actix_web::test]
async fn a_payment_is_processed_once() {
    let world = World::default();
    let payment = pending(&world).await;
    let process = format!("{payment}/process");
    let first = post(&world, &process, json!({"payment_token": "tok_success"})).await;
    assert_eq!((first.status, &first.body["status"]), (200, &json!("completed")));
    assert_eq!(post_nothing(&world, &process).await, first, "who comes later gets the same answer");
    assert_eq!(world.provider.captures(), 1);
    assert_eq!(get(&world, &payment).await.body, first.body);
}

#[actix_web::test]
async fn a_decline_is_an_answer_with_its_code() {
    let world = World::default();
    let payment = pending(&world).await;
    world.provider.script(ProviderScript::Decline("card_declined"));
    let answer = post_nothing(&world, &format!("{payment}/process")).await;
    let found = (answer.status, &answer.body["status"], &answer.body["failure_code"]);
    assert_eq!(found, (200, &json!("failed"), &json!("card_declined")));
}

#[actix_web::test]
async fn an_unknown_outcome_is_accepted() {
    let world = World::default();
    let payment = pending(&world).await;
    world.provider.script(ProviderScript::LoseAnswer);
    let answer = post_nothing(&world, &format!("{payment}/process")).await;
    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("processing")));
    let cancel = post_nothing(&world, &format!("{payment}/cancel")).await;
    assert_eq!(cancel.code(), (409, "payment_not_pending"));
}

#[actix_web::test]
async fn only_pending_payments_are_cancelled() {
    let world = World::default();
    let payment = pending(&world).await;
    let cancelled = post_nothing(&world, &format!("{payment}/cancel")).await;
    assert_eq!((cancelled.status, &cancelled.body["status"]), (200, &json!("cancelled")));
    for action in ["cancel", "process"] {
        let refused = post_nothing(&world, &format!("{payment}/{action}")).await;
        assert_eq!(refused.code(), (409, "payment_not_pending"), "{action}");
    }
    let refused = post_nothing(&world, &format!("{payment}/refund")).await;
    assert_eq!(refused.code(), (409, "payment_not_refundable"));
}

#[actix_web::test]
async fn money_comes_back_in_parts_and_never_beyond() {
    let world = World::default();
    let payment = format!("/payments/{}", world.completed("ada").await.id);
    let part = refund(&world, &payment, json!("2.50")).await;
    let found = (part.status, &part.body["status"], &part.body["refunded_amount"]);
    assert_eq!(found, (200, &json!("partially_refunded"), &json!("2.50")));
    let number = post_with(&world, &format!("{payment}/refund"), &[], r#"{"amount": 0.30}"#).await;
    assert_eq!((number.status, &number.body["refunded_amount"]), (200, &json!("2.80")));
    assert_eq!(refund(&world, &payment, json!("7.21")).await.code(), (409, "refund_exceeds_amount"));
    for wrong in [json!("0"), json!("-1"), json!("1.005"), json!("x"), json!(""), json!(1.005), json!(true)] {
        assert_eq!(refund(&world, &payment, wrong.clone()).await.fields(), ["amount"], "{wrong}");
    }
    let rest = post(&world, &format!("{payment}/refund"), json!({"reason": "broken"})).await;
    let found = (rest.status, &rest.body["status"], &rest.body["refunded_amount"]);
    assert_eq!(found, (200, &json!("refunded"), &json!("10.00")));
    assert_eq!(refund(&world, &payment, json!("0.01")).await.code(), (409, "payment_not_refundable"));
}

#[actix_web::test]
async fn a_body_that_cannot_be_read_is_never_an_absent_one() {
    let world = World::default();
    let payment = format!("/payments/{}", world.completed("ada").await.id);
    let path = format!("{payment}/refund");
    let plain = ("content-type", "text/plain");
    assert_eq!(post_with(&world, &path, &[plain], r#"{"amount":"1"}"#).await.status, 415);
    assert_eq!(post_without_type(&world, &path, r#"{"amount":"1"}"#).await.status, 415);
    assert_eq!(post_with(&world, &path, &[plain], "null").await.status, 415);
    assert_eq!(post_with(&world, &path, &[], "{").await.status, 400);
    assert_eq!(post_with(&world, &path, &[], &" ".repeat(300_000)).await.code(), (413, "too_large"));
    assert_eq!(post(&world, &path, json!({"amonut": "1"})).await.fields(), ["amonut"]);
    assert_eq!(post(&world, &path, json!("1")).await.status, 422);
    assert!(world.provider.refunds().is_empty());
    let length = ("content-length", "0");
    assert_eq!(post_with(&world, &path, &[length], "").await.status, 200, "an empty body is no body");
    let process = format!("{}/process", pending(&world).await);
    assert_eq!(post(&world, &process, Value::Null).await.status, 200, "null has no fields");
}

#[actix_web::test]
async fn a_refused_refund_is_a_conflict() {
    let world = World::default();
    let payment = format!("/payments/{}", world.completed("ada").await.id);
    world.provider.script(ProviderScript::Refuse);
    assert_eq!(refund(&world, &payment, Value::Null).await.code(), (409, "refund_refused"));
}

#[actix_web::test]
async fn unknown_payments_are_not_found() {
    let world = World::default();
    for action in ["process", "cancel", "refund"] {
        for id in ["01890a5d-ac96-774b-bcce-b302099a8057", "stats"] {
            let answer = post_nothing(&world, &format!("/payments/{id}/{action}")).await;
            assert_eq!(answer.code(), (404, "payment_not_found"), "{action}");
        }
    }
}
