//! Checkout cut off at each of its steps, and brought to an end.

use chrono::TimeDelta;
use kernel_application::{ErrorClass, UseCaseError};
use kernel_domain::PaymentId;
use payment_domain::{PaymentEvent, PaymentStatus};

use super::*;
use crate::{
    commands::{HandleCallback, ProcessPayment, RecoverPayment},
    testing::{ProviderScript, World, item, product_id, usd},
};

async fn begin(world: &World) -> PaymentId {
    let id = world.pending("ada").await.id;
    let _ = world
        .run(&world.process(), ProcessPayment { id: id.clone(), payment_token: Some("tok".into()) })
        .await;
    PaymentId::parse(&id).unwrap()
}

async fn recover(world: &World, id: PaymentId, after: TimeDelta) -> PaymentStatus {
    world.clock.advance(after);
    world.run(&world.recover(), RecoverPayment { id }).await.unwrap();
    status(world, id).await
}

async fn status(world: &World, id: PaymentId) -> PaymentStatus {
    world.payments.find(id, None).await.unwrap().unwrap().status()
}

#[tokio::test]
async fn products_that_are_away_leave_it_processing_until_they_come_back() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    world.products.set_away(true);
    let view =
        world.run(&world.process(), ProcessPayment { id: id.clone(), payment_token: None }).await.unwrap();
    assert_eq!(view.status, PaymentStatus::Processing);
    let id = PaymentId::parse(&id).unwrap();
    assert_eq!(recover(&world, id, TimeDelta::seconds(2)).await, PaymentStatus::Processing);
    world.products.set_away(false);
    assert_eq!(recover(&world, id, TimeDelta::seconds(2)).await, PaymentStatus::Completed);
}

#[tokio::test]
async fn out_of_stock_fails_without_a_charge() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    world.products.put(product_id(1), usd(1_000), 0);
    let view = world.run(&world.process(), ProcessPayment { id, payment_token: None }).await.unwrap();
    assert_eq!(
        (view.status, view.failure_code.as_deref()),
        (PaymentStatus::Failed, Some("insufficient_stock"))
    );
    assert_eq!(world.provider.captures(), 0);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_unknown_and_found_out() {
    for script in [ProviderScript::LoseAnswer, ProviderScript::LoseRequest] {
        let world = World::default();
        world.provider.script(script);
        let id = begin(&world).await;
        assert_eq!(status(&world, id).await, PaymentStatus::Processing);
        assert_eq!(recover(&world, id, TimeDelta::seconds(1)).await, PaymentStatus::Processing, "too early");
        assert_eq!(recover(&world, id, TimeDelta::seconds(1)).await, PaymentStatus::Completed);
        assert_eq!((world.provider.captures(), world.payments.events().len()), (1, 1));
    }
}

#[tokio::test]
async fn a_store_that_fails_anywhere_leaves_what_the_worker_finishes() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    let mut payment = world.payments.find(PaymentId::parse(&id).unwrap(), None).await.unwrap().unwrap();
    payment.begin(None, world.clock.now()).unwrap();
    world.payments.save(&world.context(), &mut payment).await.unwrap();
    world.payments.break_saves(true);
    let checkout = world.process().checkout;
    checkout.advance(&world.context(), payment.clone()).await.unwrap_err();
    world.payments.break_saves(false);
    assert_eq!(recover(&world, payment.id(), Payment::STEP_LEASE).await, PaymentStatus::Completed);
    assert_eq!(world.provider.captures(), 1);
}

#[tokio::test]
async fn a_release_that_fails_is_done_later() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    let id = PaymentId::parse(&id).unwrap();
    let mut payment = world.payments.find(id, None).await.unwrap().unwrap();
    payment.begin(None, world.clock.now()).unwrap();
    payment.submit(world.clock.now()).unwrap();
    let failure = Failure { code: "card_declined".into(), reason: "no".into() };
    payment.decline(failure, world.clock.now()).unwrap();
    world.payments.save(&world.context(), &mut payment).await.unwrap();
    world.products.set_away(true);
    assert_eq!(recover(&world, id, Payment::STEP_LEASE).await, PaymentStatus::Processing);
    world.products.set_away(false);
    assert_eq!(recover(&world, id, TimeDelta::seconds(2)).await, PaymentStatus::Failed);
    assert!(world.products.reserved().is_empty());
}

#[tokio::test]
async fn a_callback_ends_the_waiting() {
    let world = World::default();
    world.provider.script(ProviderScript::LoseAnswer);
    let id = begin(&world).await;
    let callback = HandleCallback { event_id: "evt_1".into(), payment_id: id.to_string() };
    for _ in 0..2 {
        world.run(&world.callback(), callback.clone()).await.unwrap();
    }
    assert_eq!(status(&world, id).await, PaymentStatus::Completed);
    assert_eq!(world.payments.events().len(), 1);
}

#[tokio::test]
async fn a_charge_that_comes_late_is_given_back_once() {
    let world = World::default();
    world.provider.script(ProviderScript::Decline("card_declined"));
    let id = begin(&world).await;
    assert_eq!(status(&world, id).await, PaymentStatus::Failed);
    world.provider.capture_late(&charge_key(id));
    for event in ["evt_1", "evt_2"] {
        let callback = HandleCallback { event_id: event.into(), payment_id: id.to_string() };
        world.run(&world.callback(), callback).await.unwrap();
    }
    assert_eq!(
        (status(&world, id).await, world.provider.refunds()),
        (PaymentStatus::Failed, vec![usd(1_000)])
    );
    assert!(!world.payments.events().iter().any(|(_, event)| matches!(event, PaymentEvent::Refunded(_))));
}

#[tokio::test]
async fn a_callback_that_cannot_be_followed_up_is_not_forgotten() {
    let world = World::default();
    world.provider.script(ProviderScript::Decline("card_declined"));
    let id = begin(&world).await;
    world.provider.capture_late(&charge_key(id));
    world.provider.script(ProviderScript::LoseRequest);
    let callback = HandleCallback { event_id: "evt_1".into(), payment_id: id.to_string() };
    let error = world.run(&world.callback(), callback.clone()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable);
    world.run(&world.callback(), callback).await.unwrap();
    assert_eq!(world.provider.refunds(), [usd(1_000)]);
}

#[tokio::test]
async fn a_callback_during_the_release_comes_again() {
    let world = World::default();
    let id = PaymentId::parse(&world.pending("ada").await.id).unwrap();
    let mut payment = world.payments.find(id, None).await.unwrap().unwrap();
    payment.begin(None, world.clock.now()).unwrap();
    payment.submit(world.clock.now()).unwrap();
    let failure = Failure { code: "card_declined".into(), reason: "no".into() };
    payment.decline(failure, world.clock.now()).unwrap();
    world.payments.save(&world.context(), &mut payment).await.unwrap();
    world.provider.capture_late(&charge_key(id));
    let callback = HandleCallback { event_id: "evt_1".into(), payment_id: id.to_string() };
    let error = world.run(&world.callback(), callback.clone()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Contended);
    assert_eq!(recover(&world, id, Payment::STEP_LEASE).await, PaymentStatus::Failed);
    world.run(&world.callback(), callback).await.unwrap();
    assert_eq!(world.provider.refunds(), [usd(1_000)]);
}

#[tokio::test]
async fn quotes_expire() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    let id = PaymentId::parse(&world.pending("ada").await.id).unwrap();
    assert_eq!(recover(&world, id, TimeDelta::minutes(29)).await, PaymentStatus::Pending);
    assert_eq!(recover(&world, id, TimeDelta::minutes(1)).await, PaymentStatus::Expired);
}
