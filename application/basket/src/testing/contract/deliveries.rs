//! Events and payments: each takes effect once.

#![expect(clippy::unwrap_used, reason = "a test suite")]

use basket_domain::Basket;
use kernel_application::{CallContext, StoreError, testing::context};

use super::{
    StoreUnderTest,
    cases::expect,
    data::{add, at, basket, clear, event, payment, user},
};
use crate::ports::{BasketRepository, PaidOutcome};

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
    let outcome =
        repository.save_paid(&ctx, &user("ada"), payment(1), Some(&mut basket), at(2)).await.unwrap();
    assert_eq!(outcome, PaidOutcome::Settled);
    expect(store, &basket).await;

    let saved = basket.clone();
    add(&mut basket, 2, 1);
    let ctx = delivery(store, 2).await;
    let outcome =
        repository.save_paid(&ctx, &user("ada"), payment(1), Some(&mut basket), at(3)).await.unwrap();
    assert_eq!(outcome, PaidOutcome::Before, "another event of the same payment");
    assert_eq!(basket.version(), saved.version());
    expect(store, &saved).await;

    let ctx = delivery(store, 2).await;
    let again = repository.save_paid(&ctx, &user("ada"), payment(9), Some(&mut basket), at(3)).await;
    assert!(matches!(again, Err(StoreError::AlreadyApplied)), "settled without effect: {again:?}");
    expect(store, &saved).await;
}

/// What comes after the first time: the same without basket, and with one that was made since.
pub(super) async fn a_payment_without_basket_is_remembered(store: &impl StoreUnderTest) {
    let ctx = delivery(store, 1).await;
    assert_eq!(pay(store, &ctx, None).await, PaidOutcome::Settled);
    assert_eq!(pay(store, &context(), None).await, PaidOutcome::Before);
    let ctx = delivery(store, 2).await;
    assert_eq!(pay(store, &ctx, None).await, PaidOutcome::Before, "another event of the same payment");

    let mut later = saved(store, 1, "ada").await;
    let before = later.clone();
    clear(&mut later);
    let ctx = delivery(store, 3).await;
    assert_eq!(pay(store, &ctx, Some(&mut later)).await, PaidOutcome::Before);
    assert_eq!(later.version(), before.version());
    expect(store, &before).await;
}

pub(super) async fn a_payment_outlives_its_basket(store: &impl StoreUnderTest) {
    let mut basket = saved(store, 1, "ada").await;
    clear(&mut basket);
    let ctx = delivery(store, 1).await;
    assert_eq!(pay(store, &ctx, Some(&mut basket)).await, PaidOutcome::Settled);
    assert!(store.repository().delete(&context(), basket.user(), at(2)).await.unwrap());
    let ctx = delivery(store, 1).await;
    let again = store.repository().save_paid(&ctx, basket.user(), payment(1), None, at(2)).await;
    assert!(matches!(again, Err(StoreError::AlreadyApplied)), "the same event: {again:?}");
    let ctx = delivery(store, 2).await;
    assert_eq!(pay(store, &ctx, None).await, PaidOutcome::Before, "another event of the same payment");
}

/// Some found the basket, some did not, and none of them knows of the others.
pub(super) async fn a_payment_is_settled_by_one_of_many(store: &impl StoreUnderTest) {
    let basket = saved(store, 1, "ada").await;
    let payers = (0..8).map(|number| {
        let (repository, mut basket) = (store.repository(), basket.clone());
        clear(&mut basket);
        tokio::spawn(async move {
            let changed = Some(&mut basket).filter(|_| number % 2 == 0);
            settle(&*repository, &context(), changed).await
        })
    });
    let mut outcomes = vec![];
    for payer in payers.collect::<Vec<_>>() {
        outcomes.push(payer.await.unwrap());
    }
    let settled = outcomes.iter().filter(|outcome| **outcome == PaidOutcome::Settled).count();
    assert_eq!((settled, outcomes.len()), (1, 8));
}

pub(super) async fn a_payment_under_a_second_name_leaves_the_first_alone(store: &impl StoreUnderTest) {
    let (mut ada, mut bob) = (saved(store, 1, "ada").await, saved(store, 2, "bob").await);
    clear(&mut ada);
    assert_eq!(pay(store, &context(), Some(&mut ada)).await, PaidOutcome::Settled);
    let untouched = bob.clone();
    clear(&mut bob);
    let repository = store.repository();
    let second = repository.save_paid(&context(), &user("bob"), payment(1), Some(&mut bob), at(2)).await;
    match second.unwrap() {
        PaidOutcome::Settled => expect(store, &bob).await,
        PaidOutcome::Before => expect(store, &untouched).await,
    }
    expect(store, &ada).await;
    assert_eq!(
        pay(store, &context(), None).await,
        PaidOutcome::Before,
        "still remembered as the first user's"
    );
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
    let lost = repository.save_paid(&ctx, &user("ada"), payment(1), Some(&mut stale), at(2)).await;
    assert!(matches!(lost, Err(StoreError::Conflict(_))), "{lost:?}");
    expect(store, &first).await;

    clear(&mut first);
    let outcome =
        repository.save_paid(&ctx, &user("ada"), payment(1), Some(&mut first), at(2)).await.unwrap();
    assert_eq!(outcome, PaidOutcome::Settled, "neither payment nor event was remembered");
    expect(store, &first).await;
}

/// A basket with a line, as it is stored.
async fn saved(store: &impl StoreUnderTest, id: u128, name: &str) -> Basket {
    let mut basket = basket(id, name);
    add(&mut basket, 1, 1);
    store.repository().save(&context(), &mut basket).await.unwrap();
    basket
}

/// Settles the first payment, which is ada's.
async fn pay(store: &impl StoreUnderTest, ctx: &CallContext, basket: Option<&mut Basket>) -> PaidOutcome {
    settle(&*store.repository(), ctx, basket).await
}

async fn settle(
    repository: &dyn BasketRepository,
    ctx: &CallContext,
    basket: Option<&mut Basket>,
) -> PaidOutcome {
    repository.save_paid(ctx, &user("ada"), payment(1), basket, at(2)).await.unwrap()
}

async fn delivery(store: &impl StoreUnderTest, id: u128) -> CallContext {
    context().with_delivery(store.delivery(event(id)).await)
}
