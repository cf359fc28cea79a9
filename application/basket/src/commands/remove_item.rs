//! Takes a product out of a basket.

use std::sync::Arc;

use async_trait::async_trait;
use basket_domain::{Change, Stamp};
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use kernel_domain::{ProductId, UserId, Violations};
use shaku::Component;

use crate::{
    BasketError,
    ports::{BasketRepository, BasketTerms},
    retry::Attempts,
    views::BasketView,
};

/// Asks to take a product out.
#[derive(Clone, Debug)]
pub struct RemoveItem {
    /// Whose basket.
    pub user_id: String,
    /// The product's number.
    pub product_id: i64,
}

impl Command for RemoveItem {
    const NAME: &'static str = "remove_item";
    type Output = BasketView;
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::User(&self.user_id)
    }
}

impl RemoveItem {
    fn check(self) -> Result<(UserId, ProductId), Violations> {
        let mut violations = Violations::default();
        let user = violations.check(UserId::new(self.user_id));
        let product = violations.check(ProductId::new(self.product_id));
        user.zip(product).ok_or(violations)
    }
}

/// Needs no catalogue: what is in the basket can always leave it.
#[derive(Component)]
#[shaku(interface = CommandHandler<RemoveItem>)]
pub struct RemoveItemHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) terms: Arc<dyn BasketTerms>,
}

#[async_trait]
impl CommandHandler<RemoveItem> for RemoveItemHandler {
    async fn handle(&self, ctx: &CallContext, command: RemoveItem) -> Result<BasketView, BasketError> {
        let (user, product) = command.check()?;
        let mut attempts = Attempts::default();
        loop {
            match self.attempt(ctx, &user, product).await {
                Err(error) if attempts.again(&error) => {}
                result => return result,
            }
        }
    }
}

impl RemoveItemHandler {
    async fn attempt(
        &self,
        ctx: &CallContext,
        user: &UserId,
        product: ProductId,
    ) -> Result<BasketView, BasketError> {
        let stamp = Stamp::new(self.clock.now(), self.terms.ttl());
        let found = self.baskets.find(user, stamp.now()).await?;
        let mut basket = found.ok_or_else(|| BasketError::BasketNotFound(user.clone()))?;
        if basket.remove(product, stamp)? == Change::Made {
            self.baskets.save(ctx, &mut basket).await?;
        }
        Ok((&basket).into())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use kernel_application::UseCaseError;

    #[tokio::test]
    async fn a_product_is_taken_out_once() {
        let bench = Bench::with_product(1, "2.50", 5);
        assert_eq!(bench.remove("ada", 1).await.unwrap_err().code(), "basket_not_found");
        bench.add("ada", 1, 2).await.unwrap();
        let basket = bench.remove("ada", 1).await.unwrap();
        assert!(basket.items.is_empty() && basket.total.is_zero());
        assert_eq!(bench.get("ada").await.unwrap(), basket);
        assert_eq!(bench.remove("ada", 1).await.unwrap_err().code(), "item_not_found");
    }
}
