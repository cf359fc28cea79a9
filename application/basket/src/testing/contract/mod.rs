//! What every store of baskets must do. The fake and each real store run the very same suite.

mod cases;
mod data;
mod deliveries;

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::messaging::Delivery;
use kernel_domain::EventId;

use crate::ports::{BasketQueries, BasketRepository};

/// One empty store, with whatever keeps it alive.
#[async_trait]
pub trait StoreUnderTest: Send + Sync {
    /// The writing side.
    fn repository(&self) -> Arc<dyn BasketRepository>;

    /// The reading side.
    fn queries(&self) -> Arc<dyn BasketQueries>;

    /// The delivery of `event` as the record the store's inbox expects next; taking another one is a new record.
    async fn delivery(&self, event: EventId) -> Delivery;
}

/// Runs the suite, each case on a store of its own from `make`.
///
/// # Panics
/// When the store breaks the contract; the message names the case.
pub async fn store_contract<S: StoreUnderTest>(make: impl AsyncFn() -> S) {
    cases::absence(&make().await).await;
    cases::what_is_saved_is_found(&make().await).await;
    cases::a_full_basket_is_kept_whole(&make().await).await;
    cases::users_do_not_mix(&make().await).await;
    cases::only_the_loaded_version_is_replaced(&make().await).await;
    cases::one_user_has_one_basket(&make().await).await;
    cases::an_expired_basket_is_absent_and_makes_way(&make().await).await;
    cases::deletion_is_final(&make().await).await;
    cases::purge_takes_what_expired(&make().await).await;
    cases::parallel_writers_lose_nothing(&make().await).await;
    deliveries::an_event_has_one_effect(&make().await).await;
    deliveries::a_payment_takes_its_lines_once(&make().await).await;
    deliveries::a_payment_without_basket_is_remembered(&make().await).await;
    deliveries::a_payment_outlives_its_basket(&make().await).await;
    deliveries::a_payment_is_settled_by_one_of_many(&make().await).await;
    deliveries::a_payment_under_a_second_name_leaves_the_first_alone(&make().await).await;
    deliveries::a_conflict_leaves_nothing_behind(&make().await).await;
}
