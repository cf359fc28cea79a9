//! Sets units of several products aside for one payment, all or nothing.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit, Role};
use kernel_domain::{PaymentId, ProductId, Quantity, Violations};
use product_domain::ReservationLines;
use shaku::Component;

use crate::{ProductError, ports::StockRepository, views::ReservationView};

/// Reserve these lines. The payment's first answer is its only one, however often it asks.
#[derive(Clone, Debug)]
pub struct ReserveStock {
    /// The payment, as a UUID.
    pub payment_id: String,
    /// 1 to 1000 lines, each product once.
    pub lines: Vec<StockLine>,
}

/// Units of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockLine {
    /// The product.
    pub product_id: i64,
    /// 1 to 1,000,000 units.
    pub quantity: i64,
}

impl Command for ReserveStock {
    const NAME: &'static str = "reserve_stock";
    type Output = ReservationView;
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Service)
    }
}

/// Handles [`ReserveStock`].
#[derive(Component)]
#[shaku(interface = CommandHandler<ReserveStock>)]
pub struct ReserveStockHandler {
    #[shaku(inject)]
    pub(crate) stock: Arc<dyn StockRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<ReserveStock> for ReserveStockHandler {
    async fn handle(
        &self,
        ctx: &CallContext,
        command: ReserveStock,
    ) -> Result<ReservationView, ProductError> {
        let (payment, lines) = check(&command)?;
        Ok(self.stock.reserve(ctx, payment, lines, self.clock.now()).await?.into())
    }
}

fn check(command: &ReserveStock) -> Result<(PaymentId, ReservationLines), Violations> {
    let mut violations = Violations::default();
    let payment = violations.check(PaymentId::parse(&command.payment_id));
    let mut lines = Vec::with_capacity(command.lines.len());
    for (index, line) in command.lines.iter().enumerate() {
        let at = |field: &str| format!("lines[{index}].{field}");
        let product = ProductId::new(line.product_id).map_err(|violation| violation.at(at("product_id")));
        let quantity = Quantity::new(line.quantity).map_err(|violation| violation.at(at("quantity")));
        lines.extend(violations.check(product).zip(violations.check(quantity)));
    }
    let all_read = lines.len() == command.lines.len();
    let lines = if all_read { violations.check(ReservationLines::new(lines)) } else { None };
    payment.zip(lines).ok_or(violations)
}

#[cfg(test)]
mod tests {
    use kernel_application::{UseCaseError, testing::context};
    use kernel_domain::Violation;

    use super::*;
    use crate::{testing::Fixture, views::ShortageView};

    #[tokio::test]
    async fn the_answer_names_what_is_short_and_what_is_missing() {
        let fixture = Fixture::with_stock(5).await;
        let answer = fixture.reserve(1, &[(1, 6), (9, 1)]).await.unwrap();
        let shortages = vec![ShortageView { product_id: 1, requested: 6, available: 5 }];
        assert_eq!(answer, ReservationView::Rejected { shortages, missing: vec![9] });
        assert_eq!(fixture.get(1).await.unwrap().available_quantity, 5);
    }

    #[tokio::test]
    async fn a_payment_has_one_answer() {
        let fixture = Fixture::with_stock(5).await;
        for _ in 0..3 {
            assert_eq!(fixture.reserve(1, &[(1, 4)]).await.unwrap(), ReservationView::Reserved);
        }
        assert_eq!(fixture.get(1).await.unwrap().available_quantity, 1);
        assert_eq!(fixture.reserve(1, &[(1, 1)]).await.unwrap_err().code(), "reservation_differs");
    }

    #[tokio::test]
    async fn everything_wrong_is_named_at_once() {
        let fixture = Fixture::default();
        let lines =
            vec![StockLine { product_id: 0, quantity: 0 }, StockLine { product_id: 1, quantity: 1_000_001 }];
        let command = ReserveStock { payment_id: "nope".into(), lines };
        let error = fixture.use_cases.reserve_stock.handle(&context(), command).await.unwrap_err();
        let fields: Vec<_> = error.violations().iter().map(Violation::field).collect();
        assert_eq!(fields, ["payment_id", "lines[0].product_id", "lines[0].quantity", "lines[1].quantity"]);
    }

    #[tokio::test]
    async fn lines_must_be_there_and_name_a_product_once() {
        let fixture = Fixture::with_stock(5).await;
        for lines in [&[][..], &[(1, 1), (1, 2)]] {
            assert_eq!(fixture.reserve(1, lines).await.unwrap_err().code(), "validation_failed");
        }
    }
}
