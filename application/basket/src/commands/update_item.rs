//! Sets how many units of a product a basket holds; none takes the product out.

use std::sync::Arc;

use async_trait::async_trait;
use basket_domain::{Basket, Change, Stamp};
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use kernel_domain::{ProductId, Quantity, UserId, Violation, Violations};
use shaku::Component;

use super::offer::offer;
use crate::{
    BasketError,
    ports::{BasketRepository, BasketTerms, ProductCatalog},
    retry::Attempts,
    views::BasketView,
};

/// Asks for a number of units.
#[derive(Clone, Debug)]
pub struct UpdateItem {
    /// Whose basket.
    pub user_id: String,
    /// The product's number.
    pub product_id: i64,
    /// Units to have afterwards; 0 takes the product out.
    pub quantity: i64,
}

impl Command for UpdateItem {
    const NAME: &'static str = "update_item";
    type Output = BasketView;
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::User(&self.user_id)
    }
}

struct Wanted {
    user: UserId,
    product: ProductId,
    quantity: Option<Quantity>,
}

impl UpdateItem {
    fn check(self) -> Result<Wanted, Violations> {
        let mut violations = Violations::default();
        let user = violations.check(UserId::new(self.user_id));
        let product = violations.check(ProductId::new(self.product_id));
        let quantity = violations.check(units(self.quantity));
        match (user, product, quantity) {
            (Some(user), Some(product), Some(quantity)) => Ok(Wanted { user, product, quantity }),
            _ => Err(violations),
        }
    }
}

fn units(quantity: i64) -> Result<Option<Quantity>, Violation> {
    if quantity == 0 {
        return Ok(None);
    }
    let range = |_| Violation::new("quantity", "out_of_range", "must be 0 to 1000000");
    Quantity::new(quantity).map(Some).map_err(range)
}

/// Asks the catalogue only about products that are in the basket.
#[derive(Component)]
#[shaku(interface = CommandHandler<UpdateItem>)]
pub struct UpdateItemHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketRepository>,
    #[shaku(inject)]
    pub(crate) catalog: Arc<dyn ProductCatalog>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) terms: Arc<dyn BasketTerms>,
}

#[async_trait]
impl CommandHandler<UpdateItem> for UpdateItemHandler {
    async fn handle(&self, ctx: &CallContext, command: UpdateItem) -> Result<BasketView, BasketError> {
        let wanted = command.check()?;
        let mut attempts = Attempts::default();
        loop {
            match self.attempt(ctx, &wanted).await {
                Err(error) if attempts.again(&error) => {}
                result => return result,
            }
        }
    }
}

impl UpdateItemHandler {
    async fn attempt(&self, ctx: &CallContext, wanted: &Wanted) -> Result<BasketView, BasketError> {
        let stamp = Stamp::new(self.clock.now(), self.terms.ttl());
        let found = self.baskets.find(&wanted.user, stamp.now()).await?;
        let mut basket = found.ok_or_else(|| BasketError::BasketNotFound(wanted.user.clone()))?;
        if self.change(ctx, &mut basket, wanted, stamp).await? == Change::Made {
            self.baskets.save(ctx, &mut basket).await?;
        }
        Ok((&basket).into())
    }

    async fn change(
        &self,
        ctx: &CallContext,
        basket: &mut Basket,
        wanted: &Wanted,
        stamp: Stamp,
    ) -> Result<Change, BasketError> {
        basket.line(wanted.product)?;
        let Some(quantity) = wanted.quantity else { return Ok(basket.remove(wanted.product, stamp)?) };
        let offer = offer(&*self.catalog, ctx, wanted.product).await?;
        Ok(basket.set_quantity(&offer, quantity, stamp)?)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, CatalogState};
    use kernel_application::UseCaseError;

    #[tokio::test]
    async fn sets_the_units_within_stock() {
        let bench = Bench::with_product(1, "2.50", 5);
        bench.add("ada", 1, 2).await.unwrap();
        let basket = bench.update("ada", 1, 5).await.unwrap();
        assert_eq!((basket.item_count, basket.total.minor(), basket.version), (5, 1_250, 2));
        assert_eq!(bench.update("ada", 1, 6).await.unwrap_err().code(), "insufficient_stock");
        assert_eq!(bench.update("ada", 1, 5).await.unwrap().version, 2);
        assert_eq!(bench.get("ada").await.unwrap(), basket);
    }

    #[tokio::test]
    async fn none_takes_the_product_out_even_while_the_catalogue_is_away() {
        let bench = Bench::with_product(1, "2.50", 5);
        bench.add("ada", 1, 2).await.unwrap();
        bench.catalog.set(CatalogState::Away);
        assert_eq!(bench.update("ada", 1, 1).await.unwrap_err().code(), "product_service_unavailable");
        assert!(bench.update("ada", 1, 0).await.unwrap().items.is_empty());
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let bench = Bench::with_product(1, "2.50", 5);
        assert_eq!(bench.update("ada", 1, 1).await.unwrap_err().code(), "basket_not_found");
        bench.create("ada").await.unwrap();
        assert_eq!(bench.update("ada", 1, 1).await.unwrap_err().code(), "item_not_found");
        assert_eq!(bench.update("ada", 1, 0).await.unwrap_err().code(), "item_not_found");
        bench.add("ada", 1, 1).await.unwrap();
        bench.catalog.set(CatalogState::Empty);
        assert_eq!(bench.update("ada", 1, 2).await.unwrap_err().code(), "product_not_found");
    }

    #[tokio::test]
    async fn ranges_are_checked() {
        for bad in [-1, 1_000_001, i64::MAX, i64::MIN] {
            let error = Bench::default().update("ada", 1, bad).await.unwrap_err();
            assert_eq!(error.violations()[0].field(), "quantity", "{bad}");
        }
    }
}
