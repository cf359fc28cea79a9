//! Takes everything out of a basket; the basket itself stays.

use std::sync::Arc;

use async_trait::async_trait;
use basket_domain::{Change, Stamp};
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use kernel_domain::{UserId, Violations};
use shaku::Component;

use crate::{
    BasketError,
    ports::{BasketRepository, BasketTerms},
    retry::Attempts,
    views::BasketView,
};

/// Asks to empty a basket.
#[derive(Clone, Debug)]
pub struct ClearItems {
    /// Whose basket.
    pub user_id: String,
}

impl Command for ClearItems {
    const NAME: &'static str = "clear_items";
    type Output = BasketView;
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::User(&self.user_id)
    }
}

/// Leaves an empty basket as it is.
#[derive(Component)]
#[shaku(interface = CommandHandler<ClearItems>)]
pub struct ClearItemsHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) terms: Arc<dyn BasketTerms>,
}

#[async_trait]
impl CommandHandler<ClearItems> for ClearItemsHandler {
    async fn handle(&self, ctx: &CallContext, command: ClearItems) -> Result<BasketView, BasketError> {
        let user = UserId::new(command.user_id).map_err(Violations::from)?;
        let mut attempts = Attempts::default();
        loop {
            match self.attempt(ctx, &user).await {
                Err(error) if attempts.again(&error) => {}
                result => return result,
            }
        }
    }
}

impl ClearItemsHandler {
    async fn attempt(&self, ctx: &CallContext, user: &UserId) -> Result<BasketView, BasketError> {
        let stamp = Stamp::new(self.clock.now(), self.terms.ttl());
        let found = self.baskets.find(user, stamp.now()).await?;
        let mut basket = found.ok_or_else(|| BasketError::BasketNotFound(user.clone()))?;
        if basket.clear(stamp)? == Change::Made {
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
    async fn everything_leaves_and_the_basket_stays() {
        let bench = Bench::with_product(1, "2.50", 5);
        assert_eq!(bench.clear("ada").await.unwrap_err().code(), "basket_not_found");
        let full = bench.add("ada", 1, 2).await.unwrap();
        let empty = bench.clear("ada").await.unwrap();
        assert_eq!((empty.id, empty.item_count, empty.version), (full.id, 0, 2));
        assert_eq!(bench.clear("ada").await.unwrap().version, 2);
    }
}
