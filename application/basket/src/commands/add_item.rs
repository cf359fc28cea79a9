//! Puts units of a product into a basket, which is made where there is none.

use std::sync::Arc;

use async_trait::async_trait;
use basket_domain::{Basket, Offer, Stamp};
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdGenerator, Permit};
use kernel_domain::{BasketId, ProductId, Quantity, UserId, Violations};
use shaku::Component;

use super::offer::offer;
use crate::{
    BasketError,
    ports::{BasketRepository, BasketTerms, ProductCatalog},
    retry::Attempts,
    views::BasketView,
};

/// Asks for units of a product.
#[derive(Clone, Debug)]
pub struct AddItem {
    /// Whose basket.
    pub user_id: String,
    /// The product's number.
    pub product_id: i64,
    /// Units to add, 1 or more.
    pub quantity: i64,
}

impl Command for AddItem {
    const NAME: &'static str = "add_item";
    type Output = BasketView;
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::User(&self.user_id)
    }
}

impl AddItem {
    fn check(self) -> Result<(UserId, ProductId, Quantity), Violations> {
        let mut violations = Violations::default();
        let user = violations.check(UserId::new(self.user_id));
        let product = violations.check(ProductId::new(self.product_id));
        let quantity = violations.check(Quantity::new(self.quantity));
        match (user, product, quantity) {
            (Some(user), Some(product), Some(quantity)) => Ok((user, product, quantity)),
            _ => Err(violations),
        }
    }
}

/// Asks the catalogue, then decides on the basket.
#[derive(Component)]
#[shaku(interface = CommandHandler<AddItem>)]
pub struct AddItemHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketRepository>,
    #[shaku(inject)]
    pub(crate) catalog: Arc<dyn ProductCatalog>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) ids: Arc<dyn IdGenerator>,
    #[shaku(inject)]
    pub(crate) terms: Arc<dyn BasketTerms>,
}

#[async_trait]
impl CommandHandler<AddItem> for AddItemHandler {
    async fn handle(&self, ctx: &CallContext, command: AddItem) -> Result<BasketView, BasketError> {
        let (user, product, quantity) = command.check()?;
        let offer = offer(&*self.catalog, ctx, product).await?;
        let mut attempts = Attempts::default();
        loop {
            match self.attempt(ctx, &user, &offer, quantity).await {
                Err(error) if attempts.again(&error) => {}
                result => return result,
            }
        }
    }
}

impl AddItemHandler {
    async fn attempt(
        &self,
        ctx: &CallContext,
        user: &UserId,
        offer: &Offer,
        quantity: Quantity,
    ) -> Result<BasketView, BasketError> {
        let stamp = Stamp::new(self.clock.now(), self.terms.ttl());
        let found = self.baskets.find(user, stamp.now()).await?;
        let mut basket = found.unwrap_or_else(|| self.open(user, stamp));
        let _ = basket.add(offer, quantity, stamp)?;
        self.baskets.save(ctx, &mut basket).await?;
        Ok((&basket).into())
    }

    fn open(&self, user: &UserId, stamp: Stamp) -> Basket {
        let id = BasketId::from_uuid(self.ids.next());
        Basket::open(id, user.clone(), self.terms.currency(), stamp)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, CatalogState};
    use chrono::TimeDelta;
    use kernel_application::UseCaseError;

    #[tokio::test]
    async fn makes_the_basket_and_adds_up() {
        let bench = Bench::with_product(1, "19.99", 5);
        let basket = bench.add("ada", 1, 2).await.unwrap();
        assert_eq!((basket.version, basket.total.to_string().as_str()), (1, "39.98"));
        let basket = bench.add("ada", 1, 3).await.unwrap();
        assert_eq!((basket.version, basket.item_count, basket.items.len()), (2, 5, 1));
        assert_eq!(bench.get("ada").await.unwrap(), basket);
    }

    #[tokio::test]
    async fn stock_counts_what_is_in_the_basket() {
        let bench = Bench::with_product(1, "19.99", 5);
        let basket = bench.add("ada", 1, 3).await.unwrap();
        let error = bench.add("ada", 1, 3).await.unwrap_err();
        assert_eq!(error.code(), "insufficient_stock");
        assert_eq!(error.to_string(), "6 units of product 1 are wanted in all, 5 are available");
        assert_eq!(bench.get("ada").await.unwrap(), basket);
    }

    #[tokio::test]
    async fn a_refused_first_item_makes_no_basket() {
        let bench = Bench::with_product(1, "19.99", 5);
        assert_eq!(bench.add("ada", 1, 6).await.unwrap_err().code(), "insufficient_stock");
        assert_eq!(bench.add("ada", 2, 1).await.unwrap_err().code(), "product_not_found");
        assert_eq!(bench.get("ada").await.unwrap_err().code(), "basket_not_found");
    }

    #[tokio::test]
    async fn every_wrong_field_is_named() {
        let error = Bench::default().add("", 0, 0).await.unwrap_err();
        let fields: Vec<_> = error.violations().iter().map(kernel_domain::Violation::field).collect();
        assert_eq!(fields, ["user_id", "product_id", "quantity"]);
    }

    #[tokio::test]
    async fn an_expired_basket_is_not_added_to() {
        let bench = Bench::with_product(1, "1.00", 5);
        let old = bench.add("ada", 1, 5).await.unwrap();
        bench.clock.advance(TimeDelta::hours(25));
        let new = bench.add("ada", 1, 2).await.unwrap();
        assert_ne!(new.id, old.id);
        assert_eq!((new.item_count, new.version), (2, 1));
    }

    #[tokio::test]
    async fn peers_that_are_away_change_nothing() {
        let bench = Bench::with_product(1, "1.00", 5);
        let basket = bench.add("ada", 1, 1).await.unwrap();
        bench.catalog.set(CatalogState::Away);
        assert_eq!(bench.add("ada", 1, 1).await.unwrap_err().code(), "product_service_unavailable");
        bench.catalog.set(CatalogState::There);
        bench.baskets.fail(true);
        assert_eq!(bench.add("ada", 1, 1).await.unwrap_err().code(), "store_unavailable");
        bench.baskets.fail(false);
        assert_eq!(bench.get("ada").await.unwrap(), basket);
    }

    #[tokio::test]
    async fn amounts_that_do_not_fit_are_invalid() {
        let bench = Bench::with_product(1, "90000000000000000.00", 5);
        let error = bench.add("ada", 1, 2).await.unwrap_err();
        assert_eq!(error.violations()[0].code(), "amount_too_large");
    }

    #[tokio::test]
    async fn decides_again_when_somebody_was_faster() {
        let bench = Bench::with_product(1, "1.00", 5);
        bench.add("ada", 1, 1).await.unwrap();
        bench.baskets.conflict(19);
        assert_eq!(bench.add("ada", 1, 1).await.unwrap().item_count, 2);
        bench.baskets.conflict(20);
        assert_eq!(bench.add("ada", 1, 1).await.unwrap_err().code(), "concurrent_change");
    }
}
