//! Removes a user's basket with all that is in it.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use kernel_domain::{UserId, Violations};
use shaku::Component;

use crate::{BasketError, ports::BasketRepository};

/// Asks to remove a basket.
#[derive(Clone, Debug)]
pub struct DeleteBasket {
    /// Whose.
    pub user_id: String,
}

impl Command for DeleteBasket {
    const NAME: &'static str = "delete_basket";
    type Output = ();
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::User(&self.user_id)
    }
}

/// Removes it in whatever version it is.
#[derive(Component)]
#[shaku(interface = CommandHandler<DeleteBasket>)]
pub struct DeleteBasketHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<DeleteBasket> for DeleteBasketHandler {
    async fn handle(&self, ctx: &CallContext, command: DeleteBasket) -> Result<(), BasketError> {
        let user = UserId::new(command.user_id).map_err(Violations::from)?;
        let deleted = self.baskets.delete(ctx, &user, self.clock.now()).await?;
        if deleted { Ok(()) } else { Err(BasketError::BasketNotFound(user)) }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use kernel_application::UseCaseError;

    #[tokio::test]
    async fn a_basket_is_removed_once() {
        let bench = Bench::default();
        bench.create("ada").await.unwrap();
        bench.create("bob").await.unwrap();
        bench.delete("ada").await.unwrap();
        assert_eq!(bench.delete("ada").await.unwrap_err().code(), "basket_not_found");
        assert_eq!(bench.get("ada").await.unwrap_err().code(), "basket_not_found");
        assert!(bench.get("bob").await.is_ok());
    }
}
