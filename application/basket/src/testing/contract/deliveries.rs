//! Events and payments: each takes effect once.

#![expect(clippy::unwrap_used, reason = "a test suite")]

use kernel_application::{CallContext, StoreError, testing::context};

use super::{
    StoreUnderTest,
    cases::expect,
    data::{add, at, basket, clear, event, payment},
};
use crate::ports::PaidOutcome;

pub(super) async fn an_event_has_one_effect(store: &impl StoreUnderTest) {
    let mut basket = basket(1, "ada");
    let ctx = delivery(store, 1).await;
    store.repository().save(&ctx, &mut basket).await.unwrap();
    let saved = basket.clone();
    add(&mut basket, 1, 1);
    let ctx = delivery(store, 1).await;
    let again = store.repository().save(&ctx, &mut basket).await;
    assert!(matches!(again, Err(StoreError::AlreadyApplied)), "{again:?}");
    expect(store, &saved).await;
}

pub(super) async fn a_payment_takes_its_lines_once(store: &impl StoreUnderTest) {
    let repository = store.repository();
    let mut basket = basket(1, "ada");
    add(&mut basket, 1, 1);
    repository.save(&context(), &mut basket).await.unwrap();
    clear(&mut basket);
    let ctx = delivery(store, 1).await;
    let outcome = repository.save_paid(&ctx, payment(1), Some(&mut basket), at(2)).await.unwrap();
    assert_eq!(outcome, PaidOutcome::Settled);
    expect(store, &basket).await;

    let saved = basket.clone();
    add(&mut basket, 2, 1);
    let ctx = delivery(store, 2).await;
    let outcome = repository.save_paid(&ctx, payment(1), Some(&mut basket), at(3)).await.unwrap();
    assert_eq!(outcome, PaidOutcome::Before, "another event of the same payment");
    assert_eq!(basket.version(), saved.version());
    expect(store, &saved).await;

    let ctx = delivery(store, 2).await;
    let again = repository.save_paid(&ctx, payment(9), Some(&mut basket), at(3)).await;
    assert!(matches!(again, Err(StoreError::AlreadyApplied)), "settled without effect: {again:?}");
    expect(store, &saved).await;
}

pub(super) async fn a_payment_without_basket_is_remembered(store: &impl StoreUnderTest) {
    let repository = store.repository();
    let ctx = delivery(store, 1).await;
    let outcome = repository.save_paid(&ctx, payment(1), None, at(0)).await.unwrap();
    assert_eq!(outcome, PaidOutcome::Settled);
    let outcome = repository.save_paid(&context(), payment(1), None, at(0)).await.unwrap();
    assert_eq!(outcome, PaidOutcome::Before);
}

pub(super) async fn a_conflict_leaves_nothing_behind(store: &impl StoreUnderTest) {
    let repository = store.repository();
    let mut first = basket(1, "ada");
    repository.save(&context(), &mut first).await.unwrap();
    let mut stale = first.clone();
    add(&mut first, 1, 1);
    repository.save(&context(), &mut first).await.unwrap();
    add(&mut stale, 2, 1);
    let ctx = delivery(store, 1).await;
    let lost = repository.save_paid(&ctx, payment(1), Some(&mut stale), at(2)).await;
    assert!(matches!(lost, Err(StoreError::Conflict(_))), "{lost:?}");
    expect(store, &first).await;

    clear(&mut first);
    let outcome = repository.save_paid(&ctx, payment(1), Some(&mut first), at(2)).await.unwrap();
    assert_eq!(outcome, PaidOutcome::Settled, "neither payment nor event was remembered");
    expect(store, &first).await;
}

async fn delivery(store: &impl StoreUnderTest, id: u128) -> CallContext {
    context().with_delivery(store.delivery(event(id)).await)
}
