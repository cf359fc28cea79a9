//! Takes out of a basket what a completed payment paid, once per payment and nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use basket_domain::{Change, Paid, PaidLine, Stamp};
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use kernel_domain::{BasketId, PaymentId, ProductId, Quantity, UserId, Version, Violations};
use shaku::Component;

use crate::{
    BasketError,
    ports::{BasketRepository, BasketTerms, PaidOutcome},
    retry::Attempts,
};

/// Says which lines were paid.
#[derive(Clone, Debug)]
pub struct RemovePaidItems {
    /// Whose basket.
    pub user_id: String,
    /// The basket that was paid (UUID).
    pub basket_id: String,
    /// The basket's version that was paid, where the payment says so.
    pub basket_version: Option<u64>,
    /// The payment (UUID).
    pub payment_id: String,
    /// The lines it paid.
    pub lines: Vec<PaidItem>,
}

/// Units of a product that were paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidItem {
    /// The product's number.
    pub product_id: i64,
    /// Units.
    pub quantity: i64,
}

impl Command for RemovePaidItems {
    const NAME: &'static str = "remove_paid_items";
    type Output = PaidOutcome;
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

impl RemovePaidItems {
    fn check(self) -> Result<(UserId, PaymentId, Paid), Violations> {
        let mut violations = Violations::default();
        let user = violations.check(UserId::new(self.user_id));
        let payment = violations.check(PaymentId::parse(&self.payment_id));
        let basket = violations.check(BasketId::parse(&self.basket_id));
        let lines = paid_lines(&mut violations, &self.lines);
        let version = self.basket_version.map(Version::new);
        violations.clone().into_result()?;
        match (user, payment, basket) {
            (Some(user), Some(payment), Some(basket)) => Ok((user, payment, Paid { basket, version, lines })),
            _ => Err(violations),
        }
    }
}

fn paid_lines(violations: &mut Violations, items: &[PaidItem]) -> Vec<PaidLine> {
    let mut line = |(index, item): (usize, &PaidItem)| {
        let at = |field: &str| format!("lines[{index}].{field}");
        let product = violations.check(ProductId::new(item.product_id).map_err(|it| it.at(at("product_id"))));
        let quantity = violations.check(Quantity::new(item.quantity).map_err(|it| it.at(at("quantity"))));
        product.zip(quantity).map(|(product, quantity)| PaidLine { product, quantity })
    };
    items.iter().enumerate().filter_map(&mut line).collect()
}

/// Remembers the payment even where the basket is gone, so that a later basket is safe from it.
#[derive(Component)]
#[shaku(interface = CommandHandler<RemovePaidItems>)]
pub struct RemovePaidItemsHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) terms: Arc<dyn BasketTerms>,
}

#[async_trait]
impl CommandHandler<RemovePaidItems> for RemovePaidItemsHandler {
    async fn handle(&self, ctx: &CallContext, command: RemovePaidItems) -> Result<PaidOutcome, BasketError> {
        let (user, payment, paid) = command.check()?;
        let mut attempts = Attempts::default();
        loop {
            match self.attempt(ctx, &user, payment, &paid).await {
                Err(error) if attempts.again(&error) => {}
                result => return result,
            }
        }
    }
}

impl RemovePaidItemsHandler {
    async fn attempt(
        &self,
        ctx: &CallContext,
        user: &UserId,
        payment: PaymentId,
        paid: &Paid,
    ) -> Result<PaidOutcome, BasketError> {
        let stamp = Stamp::new(self.clock.now(), self.terms.ttl());
        let mut basket = self.baskets.find(user, stamp.now()).await?;
        let change = match &mut basket {
            Some(basket) => basket.remove_paid(paid, stamp)?,
            None => Change::None,
        };
        let changed = basket.as_mut().filter(|_| change == Change::Made);
        Ok(self.baskets.save_paid(ctx, user, payment, changed, stamp.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::UseCaseError;

    use super::*;
    use crate::{
        testing::Bench,
        views::{BasketItemView, BasketView},
    };

    const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn paid(basket: &BasketView) -> RemovePaidItems {
        let line = |item: &BasketItemView| PaidItem {
            product_id: item.product_id.get(),
            quantity: item.quantity.into(),
        };
        RemovePaidItems {
            user_id: basket.user_id.to_string(),
            basket_id: basket.id.to_string(),
            basket_version: Some(basket.version),
            payment_id: PAYMENT.to_owned(),
            lines: basket.items.iter().map(line).collect(),
        }
    }

    #[tokio::test]
    async fn paid_lines_leave_once() {
        let bench = Bench::with_product(1, "2.50", 50);
        let basket = bench.add("ada", 1, 2).await.unwrap();
        bench.add("ada", 1, 3).await.unwrap();
        assert_eq!(bench.remove_paid(paid(&basket)).await.unwrap(), PaidOutcome::Settled);
        let rest = bench.get("ada").await.unwrap();
        assert_eq!((rest.item_count, rest.version), (3, 3));
        assert_eq!(bench.remove_paid(paid(&basket)).await.unwrap(), PaidOutcome::Before);
        assert_eq!(bench.get("ada").await.unwrap(), rest);
    }

    #[tokio::test]
    async fn a_basket_that_is_gone_is_no_failure_and_the_next_one_is_safe() {
        let bench = Bench::with_product(1, "2.50", 50);
        let basket = bench.add("ada", 1, 2).await.unwrap();
        bench.delete("ada").await.unwrap();
        assert_eq!(bench.remove_paid(paid(&basket)).await.unwrap(), PaidOutcome::Settled);
        let next = bench.add("ada", 1, 2).await.unwrap();
        assert_eq!(bench.remove_paid(paid(&basket)).await.unwrap(), PaidOutcome::Before);
        let other = RemovePaidItems { payment_id: PAYMENT.replace('0', "1"), ..paid(&basket) };
        assert_eq!(bench.remove_paid(other).await.unwrap(), PaidOutcome::Settled);
        assert_eq!(bench.get("ada").await.unwrap(), next);
    }

    #[tokio::test]
    async fn nonsense_is_named_field_by_field() {
        let bench = Bench::with_product(1, "2.50", 50);
        let basket = bench.add("ada", 1, 2).await.unwrap();
        let lines = vec![PaidItem { product_id: 0, quantity: -1 }];
        let broken = RemovePaidItems { payment_id: "x".to_owned(), lines, ..paid(&basket) };
        let error = bench.remove_paid(broken).await.unwrap_err();
        let fields: Vec<_> = error.violations().iter().map(kernel_domain::Violation::field).collect();
        assert_eq!(fields, ["payment_id", "lines[0].product_id", "lines[0].quantity"]);
    }

    #[tokio::test]
    async fn a_failed_read_is_not_a_missing_basket() {
        let bench = Bench::with_product(1, "2.50", 50);
        let basket = bench.add("ada", 1, 2).await.unwrap();
        bench.baskets.fail(true);
        assert!(bench.remove_paid(paid(&basket)).await.is_err());
        bench.baskets.fail(false);
        assert_eq!(bench.remove_paid(paid(&basket)).await.unwrap(), PaidOutcome::Settled);
        assert!(bench.get("ada").await.unwrap().items.is_empty());
    }
}
