//! Refunds on fakes.

use chrono::TimeDelta;
use kernel_application::{Claim, IdempotencyKey, UseCaseError};
use payment_domain::PaymentStatus;

use super::*;
use crate::{
    commands::RecoverPayment,
    testing::{ProviderScript, World, usd},
};

fn refund(id: &str, minor: Option<i64>) -> RefundPayment {
    RefundPayment { id: id.to_owned(), amount: minor.map(usd), reason: Some("broken".into()) }
}

#[tokio::test]
async fn parts_add_up_to_the_whole() {
    let world = World::default();
    let id = world.completed("ada").await.id;
    let view = world.run(&world.refund(), refund(&id, Some(400))).await.unwrap();
    assert_eq!((view.status, view.refunded_amount), (PaymentStatus::PartiallyRefunded, usd(400)));
    let error = world.run(&world.refund(), refund(&id, Some(601))).await.unwrap_err();
    assert_eq!(error.code(), "refund_exceeds_amount");
    let view = world.run(&world.refund(), refund(&id, None)).await.unwrap();
    assert_eq!((view.status, view.refunded_amount), (PaymentStatus::Refunded, usd(1_000)));
    let error = world.run(&world.refund(), refund(&id, Some(1))).await.unwrap_err();
    assert_eq!(error.code(), "payment_not_refundable");
}

#[tokio::test]
async fn amounts_must_be_above_zero_and_in_the_payments_currency() {
    let world = World::default();
    let id = world.completed("ada").await.id;
    for minor in [0, -5] {
        let error = world.run(&world.refund(), refund(&id, Some(minor))).await.unwrap_err();
        assert_eq!(error.violations()[0].field(), "amount");
    }
    let euro = Money::from_minor(1, "EUR".parse().unwrap());
    let command = RefundPayment { amount: Some(euro), ..refund(&id, None) };
    assert_eq!(world.run(&world.refund(), command).await.unwrap_err().violations()[0].field(), "amount");
}

#[tokio::test]
async fn many_at_once_never_exceed_the_amount() {
    let world = std::sync::Arc::new(World::default());
    let id = world.completed("ada").await.id;
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let (world, id) = (Arc::clone(&world), id.clone());
            tokio::spawn(async move { world.run(&world.refund(), refund(&id, Some(300))).await.is_ok() })
        })
        .collect();
    let mut done = 0;
    for call in calls {
        done += u32::from(call.await.unwrap());
    }
    assert_eq!((done, world.provider.refunds().len()), (3, 3));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_paid_once() {
    let world = World::default();
    let id = world.completed("ada").await.id;
    world.provider.script(ProviderScript::LoseAnswer);
    let view = world.run(&world.refund(), refund(&id, None)).await.unwrap();
    assert_eq!(view.status, PaymentStatus::Completed, "not yet known");
    world.clock.advance(TimeDelta::seconds(2));
    let payment = kernel_domain::PaymentId::parse(&id).unwrap();
    world.run(&world.recover(), RecoverPayment { id: payment }).await.unwrap();
    let payment = world.payments.find(payment, None).await.unwrap().unwrap();
    assert_eq!((payment.status(), world.provider.refunds()), (PaymentStatus::Refunded, vec![usd(1_000)]));
}

#[tokio::test]
async fn a_refused_refund_can_be_asked_for_again() {
    let world = World::default();
    let id = world.completed("ada").await.id;
    world.provider.script(ProviderScript::Refuse);
    assert_eq!(world.run(&world.refund(), refund(&id, None)).await.unwrap_err().code(), "refund_refused");
    assert!(world.run(&world.refund(), refund(&id, None)).await.is_ok());
}

#[tokio::test]
async fn a_request_repeated_after_a_crash_finds_its_refund() {
    let world = World::default();
    let id = world.completed("ada").await.id;
    let key = IdempotencyKey { principal: "p".into(), route: "refund_payment", key: "k".into() };
    let ctx = world.context().with_claim(Claim { key, token: "lost".into() });
    // The save of the verdict fails because this claim is not held, just as if the process had died before it.
    world.refund().handle(&ctx, refund(&id, Some(100))).await.unwrap_err();
    world.refund().handle(&ctx, refund(&id, Some(100))).await.unwrap_err();
    let payment = kernel_domain::PaymentId::parse(&id).unwrap();
    let payment = world.payments.find(payment, None).await.unwrap().unwrap();
    assert_eq!((payment.refunds().len(), world.provider.refunds().len()), (1, 1));
    world.clock.advance(crate::KEY_RETENTION);
    world.refund().handle(&ctx, refund(&id, Some(100))).await.unwrap_err();
    assert_eq!(world.provider.refunds().len(), 2, "a key used again after its time is a new one");
}
