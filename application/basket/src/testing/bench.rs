//! All use cases on fakes.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel_application::{
    CallContext, IdGenerator, Observation, UseCaseObserver,
    testing::{ManualClock, SequenceIds, context},
};
use kernel_domain::Currency;

use super::{FakeCatalog, InMemoryBaskets};
use crate::{
    BasketError, BasketUseCases, Terms,
    commands::{
        AddItem, AddItemHandler, ClearItems, ClearItemsHandler, CreateBasket, CreateBasketHandler,
        CreatedBasket, DeleteBasket, DeleteBasketHandler, RemoveExpired, RemoveExpiredHandler, RemoveItem,
        RemoveItemHandler, RemovePaidItems, RemovePaidItemsHandler, UpdateItem, UpdateItemHandler,
    },
    ports::{BasketTerms, PaidOutcome},
    queries::{GetBasket, GetBasketHandler},
    views::BasketView,
};

/// The handlers on an in-memory store and catalogue, with a clock the test moves; baskets live 24 hours.
pub struct Bench {
    /// The store.
    pub baskets: Arc<InMemoryBaskets>,
    /// The catalogue.
    pub catalog: Arc<FakeCatalog>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// What inbound adapters call.
    pub use_cases: BasketUseCases,
}

impl Default for Bench {
    fn default() -> Self {
        Self::on(Arc::default(), Arc::default(), Arc::default())
    }
}

impl Bench {
    /// A catalogue with one product; `price` is a decimal.
    pub fn with_product(id: i64, price: &str, available: u64) -> Self {
        let bench = Self::default();
        bench.catalog.put(id, price, available);
        bench
    }

    fn on(baskets: Arc<InMemoryBaskets>, catalog: Arc<FakeCatalog>, clock: Arc<ManualClock>) -> Self {
        let use_cases = use_cases(&baskets, &catalog, &clock);
        Self { baskets, catalog, clock, use_cases }
    }

    /// What inbound adapters call in a service: each use case asks first who calls.
    pub fn guarded(&self) -> BasketUseCases {
        let observer: Arc<dyn UseCaseObserver> = Arc::new(Unobserved);
        self.use_cases.clone().observed(&observer)
    }

    /// Calls [`GetBasket`].
    pub async fn get(&self, user: &str) -> Result<BasketView, BasketError> {
        let query = GetBasket { user_id: user.to_owned() };
        self.use_cases.get_basket.handle(&context(), query).await
    }

    /// Calls [`CreateBasket`].
    pub async fn create(&self, user: &str) -> Result<CreatedBasket, BasketError> {
        let command = CreateBasket { user_id: user.to_owned() };
        self.use_cases.create_basket.handle(&context(), command).await
    }

    /// Calls [`DeleteBasket`].
    pub async fn delete(&self, user: &str) -> Result<(), BasketError> {
        let command = DeleteBasket { user_id: user.to_owned() };
        self.use_cases.delete_basket.handle(&context(), command).await
    }

    /// Calls [`AddItem`].
    pub async fn add(&self, user: &str, product_id: i64, quantity: i64) -> Result<BasketView, BasketError> {
        let command = AddItem { user_id: user.to_owned(), product_id, quantity };
        self.use_cases.add_item.handle(&context(), command).await
    }

    /// Calls [`UpdateItem`].
    pub async fn update(
        &self,
        user: &str,
        product_id: i64,
        quantity: i64,
    ) -> Result<BasketView, BasketError> {
        let command = UpdateItem { user_id: user.to_owned(), product_id, quantity };
        self.use_cases.update_item.handle(&context(), command).await
    }

    /// Calls [`RemoveItem`].
    pub async fn remove(&self, user: &str, product_id: i64) -> Result<BasketView, BasketError> {
        let command = RemoveItem { user_id: user.to_owned(), product_id };
        self.use_cases.remove_item.handle(&context(), command).await
    }

    /// Calls [`ClearItems`].
    pub async fn clear(&self, user: &str) -> Result<BasketView, BasketError> {
        let command = ClearItems { user_id: user.to_owned() };
        self.use_cases.clear_items.handle(&context(), command).await
    }

    /// Calls [`RemovePaidItems`].
    pub async fn remove_paid(&self, command: RemovePaidItems) -> Result<PaidOutcome, BasketError> {
        self.use_cases.remove_paid_items.handle(&context(), command).await
    }

    /// Calls [`RemoveExpired`].
    pub async fn remove_expired(&self) -> Result<u64, BasketError> {
        self.use_cases.remove_expired.handle(&context(), RemoveExpired).await
    }
}

struct Unobserved;

impl UseCaseObserver for Unobserved {
    fn observe(&self, _: &CallContext, _: &Observation<'_>) {}
}

fn terms() -> Arc<dyn BasketTerms> {
    Arc::new(Terms::new(TimeDelta::hours(24), Currency::USD))
}

fn use_cases(
    baskets: &Arc<InMemoryBaskets>,
    catalog: &Arc<FakeCatalog>,
    clock: &Arc<ManualClock>,
) -> BasketUseCases {
    let ids: Arc<dyn IdGenerator> = Arc::new(SequenceIds::default());
    let create = CreateBasketHandler {
        baskets: baskets.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        terms: terms(),
    };
    let add = AddItemHandler {
        baskets: baskets.clone(),
        catalog: catalog.clone(),
        clock: clock.clone(),
        ids,
        terms: terms(),
    };
    let update = UpdateItemHandler {
        baskets: baskets.clone(),
        catalog: catalog.clone(),
        clock: clock.clone(),
        terms: terms(),
    };
    let remove = RemoveItemHandler { baskets: baskets.clone(), clock: clock.clone(), terms: terms() };
    let clear = ClearItemsHandler { baskets: baskets.clone(), clock: clock.clone(), terms: terms() };
    let remove_paid =
        RemovePaidItemsHandler { baskets: baskets.clone(), clock: clock.clone(), terms: terms() };
    BasketUseCases {
        create_basket: Arc::new(create),
        delete_basket: Arc::new(DeleteBasketHandler { baskets: baskets.clone(), clock: clock.clone() }),
        add_item: Arc::new(add),
        update_item: Arc::new(update),
        remove_item: Arc::new(remove),
        clear_items: Arc::new(clear),
        remove_paid_items: Arc::new(remove_paid),
        remove_expired: Arc::new(RemoveExpiredHandler { baskets: baskets.clone(), clock: clock.clone() }),
        get_basket: Arc::new(GetBasketHandler { baskets: baskets.clone(), clock: clock.clone() }),
    }
}
