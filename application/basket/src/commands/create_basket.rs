//! Makes an empty basket, unless the user has one.

use std::sync::Arc;

use async_trait::async_trait;
use basket_domain::{Basket, Stamp};
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdGenerator, Permit};
use kernel_domain::{BasketId, UserId, Violations};
use shaku::Component;

use crate::{
    BasketError,
    ports::{BasketRepository, BasketTerms},
    retry::Attempts,
    views::BasketView,
};

/// Asks for a basket.
#[derive(Clone, Debug)]
pub struct CreateBasket {
    /// Whose.
    pub user_id: String,
}

/// The user's basket, and whether this call made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedBasket {
    /// The basket.
    pub basket: BasketView,
    /// `false` where it was there.
    pub created: bool,
}

impl Command for CreateBasket {
    const NAME: &'static str = "create_basket";
    type Output = CreatedBasket;
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::User(&self.user_id)
    }
}

/// Finds or makes the basket.
#[derive(Component)]
#[shaku(interface = CommandHandler<CreateBasket>)]
pub struct CreateBasketHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) ids: Arc<dyn IdGenerator>,
    #[shaku(inject)]
    pub(crate) terms: Arc<dyn BasketTerms>,
}

#[async_trait]
impl CommandHandler<CreateBasket> for CreateBasketHandler {
    async fn handle(&self, ctx: &CallContext, command: CreateBasket) -> Result<CreatedBasket, BasketError> {
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

impl CreateBasketHandler {
    async fn attempt(&self, ctx: &CallContext, user: &UserId) -> Result<CreatedBasket, BasketError> {
        let now = self.clock.now();
        if let Some(basket) = self.baskets.find(user, now).await? {
            return Ok(CreatedBasket { basket: (&basket).into(), created: false });
        }
        let id = BasketId::from_uuid(self.ids.next());
        let stamp = Stamp::new(now, self.terms.ttl());
        let mut basket = Basket::open(id, user.clone(), self.terms.currency(), stamp);
        self.baskets.save(ctx, &mut basket).await?;
        Ok(CreatedBasket { basket: (&basket).into(), created: true })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use chrono::TimeDelta;
    use kernel_application::UseCaseError;

    #[tokio::test]
    async fn the_second_call_gets_the_first_basket() {
        let bench = Bench::default();
        let first = bench.create("ada").await.unwrap();
        let second = bench.create("ada").await.unwrap();
        assert!(first.created && !second.created);
        assert_eq!(first.basket, second.basket);
        assert_eq!((first.basket.version, first.basket.item_count), (1, 0));
    }

    #[tokio::test]
    async fn an_expired_basket_makes_way() {
        let bench = Bench::default();
        let first = bench.create("ada").await.unwrap();
        bench.clock.advance(TimeDelta::hours(24));
        let second = bench.create("ada").await.unwrap();
        assert!(second.created);
        assert_ne!(first.basket.id, second.basket.id);
    }

    #[tokio::test]
    async fn a_failed_read_makes_no_basket() {
        let bench = Bench::default();
        let made = bench.create("ada").await.unwrap();
        bench.baskets.fail(true);
        assert_eq!(bench.create("ada").await.unwrap_err().code(), "store_unavailable");
        bench.baskets.fail(false);
        assert_eq!(bench.get("ada").await.unwrap(), made.basket);
    }
}
