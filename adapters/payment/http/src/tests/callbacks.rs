//! The provider's word.

use actix_web::test::TestRequest;
use kernel_application::{Caller, testing::context};
use payment_application::testing::{ProviderScript, World};
use serde_json::{Value, json};

use super::client::{Answer, get, post, post_nothing, post_with, send_as, signature};

const PATH: &str = "/provider-callbacks";
const HEADER: &str = "x-provider-signature";

fn callback(payment: &str) -> Value {
    json!({"event_id": "evt_1", "key": format!("{payment}-1"), "charge_id": "ch_1", "status": "captured",
        "sequence": 1})
}

/// As the provider sends it, which has no token.
async fn send(world: &World, body: &str) -> Answer {
    let signed = TestRequest::post().uri(PATH).insert_header((HEADER, signature(world, body)));
    send_as(world, context().by(Caller::Anonymous), signed.set_payload(body.to_owned())).await
}

#[actix_web::test]
async fn a_callback_makes_us_ask_and_finishes_the_payment() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    world.provider.script(ProviderScript::LoseAnswer);
    assert_eq!(post_nothing(&world, &format!("/payments/{id}/process")).await.status, 202);
    for _ in 0..2 {
        let answer = send(&world, &callback(&id).to_string()).await;
        assert_eq!((answer.status, answer.body), (204, Value::Null));
    }
    let payment = get(&world, &format!("/payments/{id}")).await;
    assert_eq!(payment.body["status"], "completed");
    assert_eq!(world.provider.captures(), 1);
}

#[actix_web::test]
async fn without_a_right_signature_nothing_is_read() {
    let world = World::default();
    let body = callback(&world.pending("ada").await.id).to_string();
    assert_eq!(post(&world, PATH, callback("x")).await.code(), (401, "invalid_signature"));
    let right = signature(&world, &body);
    let other = body.replace("evt_1", "evt_2");
    assert_eq!(post_with(&world, PATH, &[(HEADER, &right)], &other).await.code(), (401, "invalid_signature"));
    for wrong in ["", "t=1", "t=1,v1=00", &right.replace("v1=", "v1=00")] {
        let answer = post_with(&world, PATH, &[(HEADER, wrong)], &body).await;
        assert_eq!(answer.code(), (401, "invalid_signature"), "{wrong}");
    }
    assert_eq!(post_with(&world, PATH, &[(HEADER, &right)], &body).await.status, 204);
}

#[actix_web::test]
async fn a_recorded_callback_cannot_be_used_later() {
    let world = World::default();
    let body = callback(&world.pending("ada").await.id).to_string();
    let recorded = signature(&world, &body);
    world.clock.advance(chrono::TimeDelta::seconds(301));
    assert_eq!(
        post_with(&world, PATH, &[(HEADER, &recorded)], &body).await.code(),
        (401, "invalid_signature")
    );
}

#[actix_web::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::default();
    assert_eq!(send(&world, "{").await.code(), (400, "malformed_json"));
    assert_eq!(send(&world, "{}").await.fields(), ["body"]);
    assert_eq!(send(&world, &callback("x").to_string()).await.fields(), ["key"]);
    let nameless = json!({"event_id": "", "key": callback("x")["key"]});
    assert_eq!(send(&world, &nameless.to_string()).await.fields(), ["event_id"]);
    let unknown = callback("01890a5d-ac96-774b-bcce-b302099a8057").to_string();
    assert_eq!(send(&world, &unknown).await.code(), (404, "payment_not_found"));
}
