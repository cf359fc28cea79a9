//! Baskets in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use basket_domain::Basket;
use kernel_application::{CallContext, StoreError};
use kernel_domain::{EventId, PaymentId, Timestamp, UserId, Version};

use crate::{
    ports::{BasketQueries, BasketRepository, PAID_RETENTION, PaidOutcome},
    views::BasketView,
};

/// A store that forgets everything at the end of the test, and fails when told to.
#[derive(Default)]
pub struct InMemoryBaskets(Mutex<State>);

#[derive(Default)]
struct State {
    baskets: HashMap<UserId, Basket>,
    paid: HashMap<PaymentId, Timestamp>,
    events: HashSet<EventId>,
    failing: bool,
    conflicts: u32,
}

impl InMemoryBaskets {
    /// Makes every operation fail as if the store were away, or work again.
    pub fn fail(&self, failing: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failing = failing;
    }

    /// Makes the next `saves` saves fail as if somebody else had been faster.
    pub fn conflict(&self, saves: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).conflicts = saves;
    }

    fn open(&self, operation: &'static str) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failing {
            let source = "switched off by the test".into();
            return Err(StoreError::Unavailable { store: "basket store", operation, source });
        }
        Ok(state)
    }
}

impl State {
    fn live(&self, user: &UserId, now: Timestamp) -> Option<&Basket> {
        self.baskets.get(user).filter(|basket| !basket.is_expired(now))
    }

    fn settle(&mut self, ctx: &CallContext) -> Result<(), StoreError> {
        match ctx.delivery().and_then(|delivery| delivery.event_id) {
            Some(event) if !self.events.insert(event) => Err(StoreError::AlreadyApplied),
            _ => Ok(()),
        }
    }

    fn check(&mut self, basket: &Basket) -> Result<(), StoreError> {
        if self.conflicts > 0 {
            self.conflicts -= 1;
            return Err(StoreError::Conflict("basket"));
        }
        let fits = match self.baskets.get(basket.user()) {
            Some(stored) if basket.version() == Version::NEW => stored.is_expired(basket.created_at()),
            Some(stored) => stored.id() == basket.id() && stored.version() == basket.version(),
            None => basket.version() == Version::NEW,
        };
        if fits { Ok(()) } else { Err(StoreError::Conflict("basket")) }
    }

    fn write(&mut self, basket: &mut Basket) {
        basket.mark_saved();
        self.baskets.insert(basket.user().clone(), basket.clone());
    }
}

#[async_trait]
impl BasketRepository for InMemoryBaskets {
    async fn find(&self, user: &UserId, now: Timestamp) -> Result<Option<Basket>, StoreError> {
        Ok(self.open("find basket")?.live(user, now).cloned())
    }

    async fn save(&self, ctx: &CallContext, basket: &mut Basket) -> Result<(), StoreError> {
        let mut state = self.open("save basket")?;
        state.check(basket)?;
        state.settle(ctx)?;
        state.write(basket);
        Ok(())
    }

    async fn save_paid(
        &self,
        ctx: &CallContext,
        _: &UserId,
        payment: PaymentId,
        basket: Option<&mut Basket>,
        now: Timestamp,
    ) -> Result<PaidOutcome, StoreError> {
        let mut state = self.open("remove paid lines")?;
        if state.paid.contains_key(&payment) {
            state.settle(ctx)?;
            return Ok(PaidOutcome::Before);
        }
        if let Some(basket) = &basket {
            state.check(basket)?;
        }
        state.settle(ctx)?;
        state.paid.insert(payment, now);
        if let Some(basket) = basket {
            state.write(basket);
        }
        Ok(PaidOutcome::Settled)
    }

    async fn delete(&self, _: &CallContext, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
        let mut state = self.open("delete basket")?;
        let live = state.live(user, now).is_some();
        state.baskets.remove(user);
        Ok(live)
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut state = self.open("purge baskets")?;
        let before = state.baskets.len() + state.paid.len();
        state.baskets.retain(|_, basket| !basket.is_expired(now));
        state.paid.retain(|_, at| *at + PAID_RETENTION > now);
        Ok((before - state.baskets.len() - state.paid.len()) as u64)
    }
}

#[async_trait]
impl BasketQueries for InMemoryBaskets {
    async fn basket(&self, user: &UserId, now: Timestamp) -> Result<Option<BasketView>, StoreError> {
        Ok(self.open("read basket")?.live(user, now).map(BasketView::from))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel_application::messaging::Delivery;

    use super::*;
    use crate::testing::{StoreUnderTest, store_contract};

    struct Fake(Arc<InMemoryBaskets>);

    #[async_trait]
    impl StoreUnderTest for Fake {
        fn repository(&self) -> Arc<dyn BasketRepository> {
            Arc::clone(&self.0) as Arc<dyn BasketRepository>
        }

        fn queries(&self) -> Arc<dyn BasketQueries> {
            Arc::clone(&self.0) as Arc<dyn BasketQueries>
        }

        async fn delivery(&self, event: EventId) -> Delivery {
            Delivery {
                consumer: "basket".to_owned(),
                topic: "basket-events".to_owned(),
                partition: 0,
                epoch: 1,
                expected: 0,
                next: 1,
                event_id: Some(event),
            }
        }
    }

    #[tokio::test]
    async fn keeps_the_contract_of_stores() {
        store_contract(async || Fake(Arc::default())).await;
    }
}
