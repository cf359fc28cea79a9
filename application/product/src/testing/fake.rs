//! All ports of the context over one map, with the transactions and the version checks of a real store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use kernel_application::{CallContext, StoreError, messaging::Delivery};
use kernel_domain::{Currency, EventId, MoneyError, PaymentId, ProductId, Timestamp};
use product_domain::{
    Goods, NewProduct, Product, Reservation, ReservationLines, ReservationOutcome, Sale, SalesTotal,
    StockChange, StockError, StockMovement,
};

use super::Books;
use crate::ports::{Failure, ProductRepository, SalesLedger, StockRepository};

/// A store that forgets everything when it is dropped.
#[derive(Default)]
pub struct InMemoryStore(Mutex<State>);

#[derive(Clone, Default)]
pub(super) struct State {
    numbers: i64,
    pub(super) products: Goods,
    reservations: BTreeMap<PaymentId, Reservation>,
    movements: Vec<StockMovement>,
    pub(super) sales: BTreeMap<ProductId, SalesTotal>,
    next_offset: i64,
    applied: BTreeSet<EventId>,
}

impl InMemoryStore {
    pub(super) fn read<T>(&self, query: impl FnOnce(&State) -> T) -> T {
        query(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One transaction: settles the delivery first, keeps nothing where `change` fails.
    fn write<T, E: From<StoreError>>(
        &self,
        ctx: &CallContext,
        change: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = state.clone();
        if let Some(delivery) = ctx.delivery()
            && !next.settle(delivery)?
        {
            *state = next;
            return Err(StoreError::AlreadyApplied.into());
        }
        let value = change(&mut next)?;
        *state = next;
        Ok(value)
    }

    /// `event`, as the next record of the only partition there is.
    pub fn next_delivery(&self, event: EventId) -> Delivery {
        let expected = self.read(|state| state.next_offset);
        Delivery {
            consumer: "product".into(),
            topic: "stock-events".into(),
            partition: 0,
            epoch: 1,
            expected,
            next: expected + 1,
            event_id: Some(event),
        }
    }

    /// Every product's books, by id.
    pub fn audit_now(&self) -> Vec<Books> {
        self.read(|state| {
            let moved = state.movements.iter().map(|movement| movement.product);
            let ids: BTreeSet<_> = state.products.keys().copied().chain(moved).collect();
            ids.into_iter().map(|id| state.books(id)).collect()
        })
    }
}

impl State {
    fn settle(&mut self, delivery: &Delivery) -> Result<bool, StoreError> {
        if delivery.expected != self.next_offset {
            return Err(StoreError::Fenced);
        }
        self.next_offset = delivery.next;
        Ok(delivery.event_id.is_none_or(|event| self.applied.insert(event)))
    }

    fn keep(&mut self, mut product: Product) -> Product {
        self.movements.extend_from_slice(product.movements());
        product.saved();
        self.products.insert(product.id(), product.clone());
        product
    }

    fn keep_changed(&mut self, goods: Goods) {
        for (id, product) in goods {
            if self.products.get(&id) != Some(&product) {
                self.keep(product);
            }
        }
    }

    fn goods(&self, products: impl IntoIterator<Item = ProductId>) -> Goods {
        let found = products.into_iter().filter_map(|id| self.products.get_key_value(&id));
        found.map(|(id, product)| (*id, product.clone())).collect()
    }

    fn check_version(&self, product: &Product) -> Result<(), StoreError> {
        match self.products.get(&product.id()) {
            Some(kept) if kept.version() == product.version() => Ok(()),
            _ => Err(StoreError::Conflict("product")),
        }
    }

    fn books(&self, id: ProductId) -> Books {
        let level = self.products.get(&id).map(Product::level);
        let held = self.reservations.values().filter_map(|reservation| match reservation {
            Reservation::Answered(it) if it.held.contains(&id) => it.lines.units(id),
            _ => None,
        });
        let moved = self.movements.iter().filter(|movement| movement.product == id);
        Books {
            product: id.get(),
            on_hand: level.map_or(0, |level| level.on_hand().get().into()),
            reserved: level.map_or(0, |level| level.reserved().get().into()),
            moved: moved.map(|movement| movement.units).sum(),
            held: held.map(|units| i64::from(units.get())).sum(),
        }
    }
}

#[async_trait]
impl ProductRepository for InMemoryStore {
    async fn find(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        Ok(self.read(|state| state.products.get(&id).cloned()))
    }

    async fn add(&self, ctx: &CallContext, product: NewProduct) -> Result<Product, StoreError> {
        self.write(ctx, |state| {
            state.numbers += 1;
            let id = ProductId::new(state.numbers).unwrap();
            Ok(state.keep(product.numbered(id)))
        })
    }

    async fn save(&self, ctx: &CallContext, product: &mut Product) -> Result<(), StoreError> {
        *product = self.write(ctx, |state| {
            state.check_version(product)?;
            Ok::<_, StoreError>(state.keep(product.clone()))
        })?;
        Ok(())
    }

    async fn remove(&self, ctx: &CallContext, product: Product) -> Result<(), StoreError> {
        self.write(ctx, |state| {
            state.check_version(&product)?;
            let product = state.keep(product);
            state.products.remove(&product.id());
            Ok(())
        })
    }
}

#[async_trait]
impl StockRepository for InMemoryStore {
    async fn reserve(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        lines: ReservationLines,
        at: Timestamp,
    ) -> Result<ReservationOutcome, Failure<StockError>> {
        self.write(ctx, |state| {
            if let Some(kept) = state.reservations.get(&payment) {
                return kept.repeat(&lines).cloned().map_err(Failure::Refused);
            }
            let mut goods = state.goods(lines.products());
            let reservation = Reservation::place(payment, lines.clone(), &mut goods, at);
            let outcome = reservation.repeat(&lines).cloned().map_err(Failure::Refused)?;
            state.keep_changed(goods);
            state.reservations.insert(payment, reservation);
            Ok(outcome)
        })
    }

    async fn release(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        at: Timestamp,
    ) -> Result<(), Failure<StockError>> {
        self.write(ctx, |state| {
            let kept = state.reservations.get(&payment).cloned();
            let mut reservation = kept.unwrap_or(Reservation::ReleasedFirst(payment));
            let mut goods = state.goods(reservation.held());
            reservation.release(&mut goods, at).map_err(Failure::Refused)?;
            state.keep_changed(goods);
            state.reservations.insert(payment, reservation);
            Ok(())
        })
    }

    async fn apply(
        &self,
        ctx: &CallContext,
        change: StockChange,
        at: Timestamp,
    ) -> Result<(), Failure<StockError>> {
        self.write(ctx, |state| {
            let mut goods = state.goods([change.product]);
            let reservation = state.reservations.get_mut(&change.payment);
            let product = goods.get_mut(&change.product);
            change.apply(product, reservation, at).map_err(Failure::Refused)?;
            state.keep_changed(goods);
            Ok(())
        })
    }
}

#[async_trait]
impl SalesLedger for InMemoryStore {
    async fn record(&self, ctx: &CallContext, sale: Sale) -> Result<(), Failure<MoneyError>> {
        self.write(ctx, |state| {
            for (product, sold) in sale.iter() {
                let total = state.sales.entry(product).or_insert(SalesTotal::none(Currency::USD));
                *total = total.checked_add(sold).map_err(Failure::Refused)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        ports::ProductQueries,
        testing::{StoreUnderTest, contract},
    };

    struct Fake(Arc<InMemoryStore>);

    #[async_trait]
    impl StoreUnderTest for Fake {
        fn products(&self) -> Arc<dyn ProductRepository> {
            self.0.clone()
        }

        fn stock(&self) -> Arc<dyn StockRepository> {
            self.0.clone()
        }

        fn sales(&self) -> Arc<dyn SalesLedger> {
            self.0.clone()
        }

        fn queries(&self) -> Arc<dyn ProductQueries> {
            self.0.clone()
        }

        async fn delivery(&self, event: EventId) -> Delivery {
            self.0.next_delivery(event)
        }

        async fn audit(&self) -> Vec<Books> {
            self.0.audit_now()
        }
    }

    async fn fresh() -> Fake {
        Fake(Arc::default())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_products() {
        contract::products(fresh).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_stock() {
        contract::stock(fresh).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn settles_deliveries() {
        contract::deliveries(fresh).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_sales() {
        contract::sales(fresh).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn answers_queries() {
        contract::queries(fresh).await;
    }
}
