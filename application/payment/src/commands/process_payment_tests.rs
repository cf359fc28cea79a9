//! Processing on fakes.

use chrono::TimeDelta;
use kernel_application::{Answered, IdempotencyKey, Idempotent, Keyed, UseCaseError};

use super::*;
use crate::{
    PaymentAnswer,
    commands::CancelPayment,
    testing::{ProviderScript, World},
};

fn process(id: &str) -> ProcessPayment {
    ProcessPayment { id: id.to_owned(), payment_token: None }
}

#[tokio::test]
async fn captures_and_records_one_verdict() {
    let world = World::default();
    let view = world.completed("ada").await;
    assert_eq!((view.status, world.provider.captures()), (PaymentStatus::Completed, 1));
    assert_eq!(world.payments.events().len(), 1);
    assert!(view.provider_id.is_some() && view.processed_at.is_some());
}

#[tokio::test]
async fn again_gives_the_same_answer_and_charges_nothing() {
    let world = World::default();
    let first = world.completed("ada").await;
    let again = world.run(&world.process(), process(&first.id)).await.unwrap();
    assert_eq!((again, world.provider.captures()), (first, 1));
}

#[tokio::test]
async fn fifty_at_once_charge_once() {
    let world = std::sync::Arc::new(World::default());
    let id = world.pending("ada").await.id;
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (world, id) = (Arc::clone(&world), id.clone());
            tokio::spawn(async move { world.run(&world.process(), process(&id)).await.unwrap().status })
        })
        .collect();
    for call in calls {
        let status = call.await.unwrap();
        assert!(matches!(status, PaymentStatus::Completed | PaymentStatus::Processing), "{status}");
    }
    assert_eq!((world.provider.captures(), world.payments.events().len()), (1, 1));
}

#[tokio::test]
async fn a_decline_fails_and_releases() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    world.provider.script(ProviderScript::Decline("card_declined"));
    let view = world.run(&world.process(), process(&id)).await.unwrap();
    assert_eq!((view.status, view.failure_code.as_deref()), (PaymentStatus::Failed, Some("card_declined")));
    assert!(world.products.reserved().is_empty());
}

#[tokio::test]
async fn cancelled_and_expired_ones_are_refused() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    world.run(&world.cancel(), CancelPayment { id: id.clone() }).await.unwrap();
    assert_eq!(world.run(&world.process(), process(&id)).await.unwrap_err().code(), "payment_not_pending");

    let id = world.pending("bob").await.id;
    world.clock.advance(TimeDelta::minutes(30));
    assert_eq!(world.run(&world.process(), process(&id)).await.unwrap_err().code(), "payment_expired");
    assert_eq!(world.run(&world.process(), process("nope")).await.unwrap_err().code(), "payment_not_found");
    assert_eq!(world.provider.captures(), 0);
}

#[tokio::test]
async fn an_overlong_token_is_refused_before_anything_happens() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    let command = ProcessPayment { id: id.clone(), payment_token: Some("x".repeat(65)) };
    let error = world.run(&world.process(), command).await.unwrap_err();
    assert_eq!(error.violations()[0].field(), "payment_token");
    assert!(world.run(&world.process(), process(&id)).await.is_ok());
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    let handler =
        Idempotent::<ProcessPayment, PaymentAnswer>::new(Arc::new(world.process()), world.payments.clone());
    let keyed = |id: &str, key: &str| {
        let key = IdempotencyKey { principal: "p".into(), route: "process_payment", key: key.into() };
        Keyed { key: Some(key), command: process(id) }
    };
    let ctx = world.context();
    let Answered { result, replayed } = handler.handle(&ctx, keyed(&id, "k1")).await.unwrap();
    let first = result.unwrap();
    assert!(!replayed && first.status == PaymentStatus::Completed);
    let Answered { result, replayed } = handler.handle(&ctx, keyed(&id, "k1")).await.unwrap();
    assert!(replayed && result.unwrap() == first);
    let mismatch = handler.handle(&ctx, keyed("another", "k1")).await.unwrap_err();
    assert_eq!(mismatch.code(), "idempotency_key_reused");

    let cancelled = world.pending("bob").await.id;
    world.run(&world.cancel(), CancelPayment { id: cancelled.clone() }).await.unwrap();
    for replay in [false, true] {
        let Answered { result, replayed } = handler.handle(&ctx, keyed(&cancelled, "k2")).await.unwrap();
        assert_eq!((result.unwrap_err().code(), replayed), ("payment_not_pending", replay));
    }
}
