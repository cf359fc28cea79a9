//! [`ProductRepository`](crate::ports::ProductRepository): round trips, versions, parallel writers, removal.

use kernel_application::{StoreError, testing::context};
use product_domain::Product;
use tokio::task::JoinSet;

use super::{add, assert_balanced, at, details, id, stock_of};
use crate::testing::StoreUnderTest;

/// Runs every case on a store of its own.
pub async fn products<S: StoreUnderTest>(make: impl AsyncFn() -> S) {
    absence_is_no_error(&make().await).await;
    what_was_added_is_found(&make().await).await;
    what_was_saved_is_found(&make().await).await;
    a_stale_save_changes_nothing(&make().await).await;
    one_of_many_writers_wins(&make().await).await;
    a_removed_product_is_gone_and_its_number_too(&make().await).await;
    a_stale_removal_changes_nothing(&make().await).await;
}

async fn absence_is_no_error(store: &impl StoreUnderTest) {
    assert_eq!(store.products().find(id(1)).await.unwrap(), None);
    assert_eq!(store.products().find(id(i64::MAX)).await.unwrap(), None);
}

async fn what_was_added_is_found(store: &impl StoreUnderTest) {
    let (first, second) = (add(store, 5).await, add(store, 0).await);
    assert_ne!(first.id(), second.id());
    assert_eq!((first.version().get(), first.movements()), (1, &[][..]));
    assert_eq!(store.products().find(first.id()).await.unwrap(), Some(first));
    assert_balanced(store).await;
}

async fn what_was_saved_is_found(store: &impl StoreUnderTest) {
    let mut lamp = add(store, 5).await;
    let mut changed = details("Lämpchen \u{1F4A1}", 1, "garden");
    changed.image_url = None;
    lamp.revise(changed, stock_of(1_000_000_000), at(60)).unwrap();
    store.products().save(&context(), &mut lamp).await.unwrap();
    assert_eq!((lamp.version().get(), lamp.movements()), (2, &[][..]));
    assert_eq!(store.products().find(lamp.id()).await.unwrap(), Some(lamp));
    assert_balanced(store).await;
}

async fn a_stale_save_changes_nothing(store: &impl StoreUnderTest) {
    let mut mine = add(store, 5).await;
    let mut theirs = mine.clone();
    revise(&mut theirs, 7);
    store.products().save(&context(), &mut theirs).await.unwrap();
    revise(&mut mine, 9);
    let lost = store.products().save(&context(), &mut mine).await;
    assert!(matches!(lost, Err(StoreError::Conflict(_))), "{lost:?}");
    assert_eq!(store.products().find(mine.id()).await.unwrap(), Some(theirs));
    assert_balanced(store).await;
}

async fn one_of_many_writers_wins(store: &impl StoreUnderTest) {
    let lamp = add(store, 5).await;
    let mut writers = JoinSet::new();
    for stock in 10..30 {
        let (products, mut copy) = (store.products(), lamp.clone());
        revise(&mut copy, stock);
        writers.spawn(async move { products.save(&context(), &mut copy).await });
    }
    let results = writers.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::Conflict(_)))));
    assert_eq!(store.products().find(lamp.id()).await.unwrap().unwrap().version().get(), 2);
    assert_balanced(store).await;
}

async fn a_removed_product_is_gone_and_its_number_too(store: &impl StoreUnderTest) {
    let mut lamp = add(store, 5).await;
    let number = lamp.id();
    lamp.remove(at(1)).unwrap();
    store.products().remove(&context(), lamp).await.unwrap();
    assert_eq!(store.products().find(number).await.unwrap(), None);
    assert_ne!(add(store, 5).await.id(), number);
    assert_balanced(store).await;
}

async fn a_stale_removal_changes_nothing(store: &impl StoreUnderTest) {
    let mut mine = add(store, 5).await;
    let mut theirs = mine.clone();
    revise(&mut theirs, 7);
    store.products().save(&context(), &mut theirs).await.unwrap();
    mine.remove(at(1)).unwrap();
    let lost = store.products().remove(&context(), mine).await;
    assert!(matches!(lost, Err(StoreError::Conflict(_))), "{lost:?}");
    assert_eq!(store.products().find(theirs.id()).await.unwrap(), Some(theirs));
    assert_balanced(store).await;
}

fn revise(product: &mut Product, stock: i64) {
    let details = product.details().clone();
    product.revise(details, stock_of(stock), at(1)).unwrap();
}
