//! Moves stock after a payment's verdict.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use kernel_domain::{PaymentId, ProductId, Quantity, Violations};
use product_domain::{StockChange, StockOperation};
use shaku::Component;

use crate::{ProductError, ports::StockRepository};

/// Sell a payment's reserved units of one product, or take refunded ones in.
#[derive(Clone, Debug)]
pub struct ApplyStockChange {
    /// The payment, as a UUID.
    pub payment_id: String,
    /// The product.
    pub product_id: i64,
    /// 1 to 1,000,000 units; for a decrease, exactly what is reserved.
    pub quantity: i64,
    /// Which way.
    pub operation: StockOperation,
}

impl Command for ApplyStockChange {
    const NAME: &'static str = "apply_stock_change";
    type Output = ();
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

/// Handles [`ApplyStockChange`].
#[derive(Component)]
#[shaku(interface = CommandHandler<ApplyStockChange>)]
pub struct ApplyStockChangeHandler {
    #[shaku(inject)]
    pub(crate) stock: Arc<dyn StockRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<ApplyStockChange> for ApplyStockChangeHandler {
    async fn handle(&self, ctx: &CallContext, command: ApplyStockChange) -> Result<(), ProductError> {
        let change = check(&command)?;
        Ok(self.stock.apply(ctx, change, self.clock.now()).await?)
    }
}

fn check(command: &ApplyStockChange) -> Result<StockChange, Violations> {
    let mut violations = Violations::default();
    let payment = violations.check(PaymentId::parse(&command.payment_id));
    let product = violations.check(ProductId::new(command.product_id));
    let quantity = violations.check(Quantity::new(command.quantity));
    match (payment, product, quantity) {
        (Some(payment), Some(product), Some(quantity)) => {
            Ok(StockChange { product, quantity, operation: command.operation, payment })
        }
        _ => Err(violations),
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::UseCaseError;
    use kernel_domain::Violation;

    use super::*;
    use crate::testing::Fixture;

    #[tokio::test]
    async fn a_decrease_sells_what_was_reserved() {
        let fixture = Fixture::with_stock(5).await;
        fixture.reserve(1, &[(1, 2)]).await.unwrap();
        fixture.change(StockOperation::Decrease, 1, 1, 2).await.unwrap();
        let view = fixture.get(1).await.unwrap();
        assert_eq!((view.stock_quantity, view.available_quantity), (3, 3));
        let again = fixture.change(StockOperation::Decrease, 1, 1, 2).await.unwrap_err();
        assert_eq!(again.code(), "not_reserved");
    }

    #[tokio::test]
    async fn an_increase_needs_no_reservation() {
        let fixture = Fixture::with_stock(5).await;
        fixture.change(StockOperation::Increase, 1, 1, 2).await.unwrap();
        assert_eq!(fixture.get(1).await.unwrap().stock_quantity, 7);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let operation = StockOperation::Increase;
        let command = ApplyStockChange { payment_id: "x".into(), product_id: 0, quantity: 0, operation };
        let violations = check(&command).unwrap_err();
        let fields: Vec<_> = violations.as_slice().iter().map(Violation::field).collect();
        assert_eq!(fields, ["payment_id", "product_id", "quantity"]);
    }
}
