//! Adds a completed payment to the sales totals. It never moves stock.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Command, CommandHandler, Permit};
use kernel_domain::{Currency, Money, ProductId, Quantity, Violations};
use product_domain::Sale;
use shaku::Component;

use crate::{
    ProductError,
    fields::in_shop_currency,
    ports::{SalesLedger, Shop},
};

/// Count these lines as sold.
#[derive(Clone, Debug)]
pub struct RecordSale {
    /// What was sold.
    pub lines: Vec<SaleLine>,
}

/// Units of one product at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleLine {
    /// The product.
    pub product_id: i64,
    /// 1 to 1,000,000 units.
    pub quantity: i64,
    /// What one unit was sold for.
    pub price: Money,
}

impl Command for RecordSale {
    const NAME: &'static str = "record_sale";
    type Output = ();
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

/// Handles [`RecordSale`].
#[derive(Component)]
#[shaku(interface = CommandHandler<RecordSale>)]
pub struct RecordSaleHandler {
    #[shaku(inject)]
    pub(crate) sales: Arc<dyn SalesLedger>,
    #[shaku(inject)]
    pub(crate) shop: Arc<dyn Shop>,
}

#[async_trait]
impl CommandHandler<RecordSale> for RecordSaleHandler {
    async fn handle(&self, ctx: &CallContext, command: RecordSale) -> Result<(), ProductError> {
        let currency = self.shop.currency();
        let sale = Sale::new(check(&command, currency)?, currency)?;
        Ok(self.sales.record(ctx, sale).await?)
    }
}

fn check(command: &RecordSale, shop: Currency) -> Result<Vec<(ProductId, Quantity, Money)>, Violations> {
    let mut violations = Violations::default();
    let mut lines = Vec::with_capacity(command.lines.len());
    for (index, line) in command.lines.iter().enumerate() {
        let at = |field: &str| format!("items[{index}].{field}");
        let product = ProductId::new(line.product_id).map_err(|violation| violation.at(at("product_id")));
        let quantity = Quantity::new(line.quantity).map_err(|violation| violation.at(at("quantity")));
        let price = in_shop_currency(&at("price"), line.price, shop);
        let checked = (violations.check(product), violations.check(quantity), violations.check(price));
        if let (Some(product), Some(quantity), Some(price)) = checked {
            lines.push((product, quantity, price));
        }
    }
    violations.into_result().map(|()| lines)
}

#[cfg(test)]
mod tests {
    use kernel_application::{UseCaseError, testing::context};

    use super::*;
    use crate::testing::Fixture;

    fn sale(lines: &[(i64, i64, i64)]) -> RecordSale {
        let line = |&(product_id, quantity, minor): &(i64, i64, i64)| SaleLine {
            product_id,
            quantity,
            price: Money::from_minor(minor, Currency::USD),
        };
        RecordSale { lines: lines.iter().map(line).collect() }
    }

    #[tokio::test]
    async fn totals_grow_and_stock_stays() {
        let fixture = Fixture::with_stock(5).await;
        let record = &fixture.use_cases.record_sale;
        record.handle(&context(), sale(&[(1, 2, 500), (7, 1, 100)])).await.unwrap();
        record.handle(&context(), sale(&[(1, 1, 400)])).await.unwrap();
        let stats = fixture.stats().await;
        assert_eq!((stats.units_sold, stats.revenue.to_string().as_str()), (4, "15.00"));
        assert_eq!(fixture.get(1).await.unwrap().stock_quantity, 5);
    }

    #[tokio::test]
    async fn what_cannot_be_counted_is_refused() {
        let fixture = Fixture::default();
        let record = &fixture.use_cases.record_sale;
        let wrong = record.handle(&context(), sale(&[(0, 0, 1)])).await.unwrap_err();
        assert_eq!(wrong.violations().len(), 2);
        let huge = record.handle(&context(), sale(&[(1, 2, i64::MAX)])).await.unwrap_err();
        assert_eq!(huge.code(), "sales_overflow");
        assert_eq!(fixture.stats().await.units_sold, 0);
    }
}
