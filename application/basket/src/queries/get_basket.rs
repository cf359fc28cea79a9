//! A user's basket.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Permit, Query, QueryHandler};
use kernel_domain::{UserId, Violations};
use shaku::Component;

use crate::{BasketError, ports::BasketQueries, views::BasketView};

/// Asks for a user's basket.
#[derive(Clone, Debug)]
pub struct GetBasket {
    /// Whose.
    pub user_id: String,
}

impl Query for GetBasket {
    const NAME: &'static str = "get_basket";
    type Output = BasketView;
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::UserOrService(&self.user_id)
    }
}

/// Answers from the read side.
#[derive(Component)]
#[shaku(interface = QueryHandler<GetBasket>)]
pub struct GetBasketHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketQueries>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl QueryHandler<GetBasket> for GetBasketHandler {
    async fn handle(&self, _: &CallContext, query: GetBasket) -> Result<BasketView, BasketError> {
        let user = UserId::new(query.user_id).map_err(Violations::from)?;
        let basket = self.baskets.basket(&user, self.clock.now()).await?;
        basket.ok_or(BasketError::BasketNotFound(user))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use chrono::TimeDelta;
    use kernel_application::UseCaseError;

    #[tokio::test]
    async fn a_basket_is_there_until_it_expires() {
        let bench = Bench::default();
        assert_eq!(bench.get("ada").await.unwrap_err().code(), "basket_not_found");
        let made = bench.create("ada").await.unwrap().basket;
        assert_eq!(bench.get("ada").await.unwrap(), made);
        bench.clock.advance(TimeDelta::hours(24));
        assert_eq!(bench.get("ada").await.unwrap_err().code(), "basket_not_found");
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_not_an_absent_basket() {
        let bench = Bench::default();
        bench.create("ada").await.unwrap();
        bench.baskets.fail(true);
        assert_eq!(bench.get("ada").await.unwrap_err().code(), "store_unavailable");
    }

    #[tokio::test]
    async fn user_ids_are_checked() {
        let error = Bench::default().get("a b").await.unwrap_err();
        assert_eq!(error.violations()[0].field(), "user_id");
    }
}
