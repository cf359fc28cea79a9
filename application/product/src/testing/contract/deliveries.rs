//! An event is used up in the transaction of its effect, once, and stays usable where the effect is refused.

use kernel_application::{CallContext, StoreError, messaging::Delivery, testing::context};
use kernel_domain::{EventId, ProductId};
use product_domain::{StockChange, StockError, StockOperation};
use uuid::Uuid;

use super::{add, assert_balanced, at, level, payment, units};
use crate::{ports::Failure, testing::StoreUnderTest};

/// Runs every case on a store of its own.
pub async fn deliveries<S: StoreUnderTest>(make: impl AsyncFn() -> S) {
    an_event_is_applied_once(&make().await).await;
    a_lost_position_changes_nothing(&make().await).await;
    a_refusal_leaves_the_event_unsettled(&make().await).await;
}

async fn increase(
    store: &impl StoreUnderTest,
    ctx: &CallContext,
    product: ProductId,
    n: i64,
) -> Result<(), Failure<StockError>> {
    let operation = StockOperation::Increase;
    let change = StockChange { product, quantity: units(n), operation, payment: payment(1) };
    store.stock().apply(ctx, change, at(1)).await
}

fn event(number: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(number))
}

fn on_behalf_of(delivery: &Delivery) -> CallContext {
    context().with_delivery(delivery.clone())
}

async fn an_event_is_applied_once(store: &impl StoreUnderTest) {
    let lamp = add(store, 5).await.id();
    let first = store.delivery(event(1)).await;
    increase(store, &on_behalf_of(&first), lamp, 1).await.unwrap();
    let published_again = store.delivery(event(1)).await;
    let again = increase(store, &on_behalf_of(&published_again), lamp, 1).await;
    assert!(matches!(again, Err(Failure::Store(StoreError::AlreadyApplied))), "{again:?}");
    assert_eq!(level(store, lamp).await, (6, 0));
    let another = store.delivery(event(2)).await;
    increase(store, &on_behalf_of(&another), lamp, 1).await.unwrap();
    assert_eq!(level(store, lamp).await, (7, 0));
    assert_balanced(store).await;
}

async fn a_lost_position_changes_nothing(store: &impl StoreUnderTest) {
    let lamp = add(store, 5).await.id();
    let mine = store.delivery(event(1)).await;
    increase(store, &on_behalf_of(&mine), lamp, 1).await.unwrap();
    let late = Delivery { event_id: Some(event(2)), ..mine };
    let lost = increase(store, &on_behalf_of(&late), lamp, 1).await;
    assert!(matches!(lost, Err(Failure::Store(StoreError::Fenced))), "{lost:?}");
    assert_eq!(level(store, lamp).await, (6, 0));
    assert_balanced(store).await;
}

async fn a_refusal_leaves_the_event_unsettled(store: &impl StoreUnderTest) {
    let lamp = add(store, 1_000_000_000).await.id();
    let delivery = store.delivery(event(1)).await;
    let refused = increase(store, &on_behalf_of(&delivery), lamp, 1).await;
    assert!(matches!(refused, Err(Failure::Refused(_))), "{refused:?}");
    let free = add(store, 5).await.id();
    increase(store, &on_behalf_of(&delivery), free, 1).await.unwrap();
    assert_eq!((level(store, lamp).await, level(store, free).await), ((1_000_000_000, 0), (6, 0)));
    assert_balanced(store).await;
}
