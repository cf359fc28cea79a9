//! Gives back the units a payment had reserved.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit, Role};
use kernel_domain::PaymentId;
use shaku::Component;

use crate::{ProductError, ports::StockRepository};

/// End a payment's reservation. Safe to repeat; a payment that never asked cannot reserve afterwards.
#[derive(Clone, Debug)]
pub struct ReleaseStock {
    /// The payment, as a UUID.
    pub payment_id: String,
}

impl Command for ReleaseStock {
    const NAME: &'static str = "release_stock";
    type Output = ();
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Service)
    }
}

/// Handles [`ReleaseStock`].
#[derive(Component)]
#[shaku(interface = CommandHandler<ReleaseStock>)]
pub struct ReleaseStockHandler {
    #[shaku(inject)]
    pub(crate) stock: Arc<dyn StockRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<ReleaseStock> for ReleaseStockHandler {
    async fn handle(&self, ctx: &CallContext, command: ReleaseStock) -> Result<(), ProductError> {
        let payment = PaymentId::parse(&command.payment_id)?;
        Ok(self.stock.release(ctx, payment, self.clock.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::UseCaseError;

    use crate::testing::Fixture;

    #[tokio::test]
    async fn units_come_back_once() {
        let fixture = Fixture::with_stock(5).await;
        fixture.reserve(1, &[(1, 4)]).await.unwrap();
        for _ in 0..2 {
            fixture.release(1).await.unwrap();
            assert_eq!(fixture.get(1).await.unwrap().available_quantity, 5);
        }
    }

    #[tokio::test]
    async fn a_late_reservation_is_refused() {
        let fixture = Fixture::with_stock(5).await;
        fixture.release(1).await.unwrap();
        assert_eq!(fixture.reserve(1, &[(1, 4)]).await.unwrap_err().code(), "reservation_released");
        assert_eq!(fixture.get(1).await.unwrap().available_quantity, 5);
    }
}
