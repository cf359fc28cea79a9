//! Saving, finding, expiring.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test suite")]

use basket_domain::Basket;
use kernel_application::{StoreError, testing::context};
use kernel_domain::Version;

use super::{
    StoreUnderTest,
    data::{add, at, basket, basket_at, clear, payment, user},
};
use crate::{ports::BasketRepository, views::BasketView};

pub(super) async fn absence(store: &impl StoreUnderTest) {
    let ada = user("ada");
    assert_eq!(store.repository().find(&ada, at(0)).await.unwrap(), None);
    assert_eq!(store.queries().basket(&ada, at(0)).await.unwrap(), None);
    assert!(!store.repository().delete(&context(), &ada, at(0)).await.unwrap());
}

pub(super) async fn what_is_saved_is_found(store: &impl StoreUnderTest) {
    let mut basket = basket(1, "ada");
    let changes: [fn(&mut Basket); 5] =
        [|_| (), |it| add(it, 2, 3), |it| add(it, 1, 1), clear, |it| add(it, 7, 1)];
    for change in changes {
        change(&mut basket);
        let before = basket.version();
        store.repository().save(&context(), &mut basket).await.unwrap();
        assert_eq!(basket.version(), before.next(), "a save makes the next version");
        expect(store, &basket).await;
    }
}

pub(super) async fn a_full_basket_is_kept_whole(store: &impl StoreUnderTest) {
    let mut basket = basket(1, "ada");
    (1..=100).for_each(|id| add(&mut basket, i64::MAX - id, 1_000_000));
    store.repository().save(&context(), &mut basket).await.unwrap();
    expect(store, &basket).await;
}

pub(super) async fn users_do_not_mix(store: &impl StoreUnderTest) {
    let (mut ada, mut bob) = (basket(1, "ada"), basket(2, "Ada"));
    add(&mut ada, 1, 1);
    add(&mut bob, 1, 2);
    store.repository().save(&context(), &mut ada).await.unwrap();
    store.repository().save(&context(), &mut bob).await.unwrap();
    expect(store, &ada).await;
    expect(store, &bob).await;
}

pub(super) async fn only_the_loaded_version_is_replaced(store: &impl StoreUnderTest) {
    let mut first = basket(1, "ada");
    store.repository().save(&context(), &mut first).await.unwrap();
    let mut second = first.clone();
    add(&mut first, 1, 1);
    add(&mut second, 2, 1);
    store.repository().save(&context(), &mut first).await.unwrap();
    conflict(store, &mut second).await;
    assert_eq!(second.version(), Version::new(1), "a failed save is no version");
    expect(store, &first).await;
}

pub(super) async fn one_user_has_one_basket(store: &impl StoreUnderTest) {
    let mut first = basket(1, "ada");
    add(&mut first, 1, 1);
    store.repository().save(&context(), &mut first).await.unwrap();
    conflict(store, &mut basket_at(2, "ada", 23)).await;
    expect(store, &first).await;
}

pub(super) async fn an_expired_basket_is_absent_and_makes_way(store: &impl StoreUnderTest) {
    let mut old = basket(1, "ada");
    add(&mut old, 1, 1);
    store.repository().save(&context(), &mut old).await.unwrap();
    assert!(store.repository().find(old.user(), at(24)).await.unwrap().is_some());
    assert_eq!(store.repository().find(old.user(), at(25)).await.unwrap(), None);
    assert_eq!(store.queries().basket(old.user(), at(25)).await.unwrap(), None);
    assert!(!store.repository().delete(&context(), old.user(), at(25)).await.unwrap());
    let mut new = basket_at(2, "ada", 25);
    store.repository().save(&context(), &mut new).await.unwrap();
    assert_eq!(store.repository().find(new.user(), at(26)).await.unwrap(), Some(new));
    conflict(store, &mut old).await;
}

pub(super) async fn deletion_is_final(store: &impl StoreUnderTest) {
    let mut basket = basket(1, "ada");
    add(&mut basket, 1, 1);
    store.repository().save(&context(), &mut basket).await.unwrap();
    assert!(store.repository().delete(&context(), basket.user(), at(1)).await.unwrap());
    assert_eq!(store.repository().find(basket.user(), at(1)).await.unwrap(), None);
    conflict(store, &mut basket).await;
    let mut next = basket_at(2, "ada", 1);
    store.repository().save(&context(), &mut next).await.unwrap();
    expect(store, &next).await;
}

pub(super) async fn purge_takes_what_expired(store: &impl StoreUnderTest) {
    let (mut old, mut new) = (basket(1, "ada"), basket_at(2, "bob", 1));
    add(&mut old, 1, 1);
    store.repository().save(&context(), &mut old).await.unwrap();
    store.repository().save(&context(), &mut new).await.unwrap();
    store.repository().save_paid(&context(), &user("bob"), payment(1), None, at(1)).await.unwrap();
    assert_eq!(store.repository().purge(at(24)).await.unwrap(), 0);
    assert_eq!(store.repository().purge(at(25)).await.unwrap(), 2);
    assert_eq!(store.repository().purge(at(1 + 90 * 24)).await.unwrap(), 1, "the payment's time is over");
}

/// Every writer loads, adds and saves until it is the fastest.
pub(super) async fn parallel_writers_lose_nothing(store: &impl StoreUnderTest) {
    let writers = (1..=8).map(|id| {
        let repository = store.repository();
        tokio::spawn(async move {
            for _ in 0..5 {
                while !add_one(&*repository, id).await {}
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let basket = store.repository().find(&user("ada"), at(1)).await.unwrap().unwrap();
    assert_eq!((basket.item_count(), basket.version().get()), (40, 40));
}

async fn add_one(repository: &dyn BasketRepository, writer: u32) -> bool {
    let found = repository.find(&user("ada"), at(1)).await.unwrap();
    let mut basket = found.unwrap_or_else(|| basket(writer.into(), "ada"));
    add(&mut basket, writer.into(), 1);
    match repository.save(&context(), &mut basket).await {
        Ok(()) => true,
        Err(StoreError::Conflict(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

pub(super) async fn conflict(store: &impl StoreUnderTest, basket: &mut Basket) {
    let result = store.repository().save(&context(), basket).await;
    assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
}

pub(super) async fn expect(store: &impl StoreUnderTest, basket: &Basket) {
    let now = basket.updated_at();
    assert_eq!(store.repository().find(basket.user(), now).await.unwrap().as_ref(), Some(basket));
    assert_eq!(store.queries().basket(basket.user(), now).await.unwrap(), Some(BasketView::from(basket)));
}
