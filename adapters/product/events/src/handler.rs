//! Finds the command that an event asks for.

use async_trait::async_trait;
use kernel_application::{CallContext, Command, CommandHandler};
use platform_messaging::{CloudEvent, EventHandler, HandleError, Handled, topics};
use product_application::ProductUseCases;

use crate::{payment_completed, stock_updated};

/// Handles stock and payment events.
pub struct ProductEvents {
    use_cases: ProductUseCases,
}

impl ProductEvents {
    /// The consumer's name: its positions and handled events are kept under it.
    pub const CONSUMER: &'static str = "product";
    /// What it listens to.
    pub const TOPICS: [&'static str; 2] = [topics::STOCK_EVENTS, topics::PAYMENT_EVENTS];

    /// A handler over `use_cases`.
    pub const fn new(use_cases: ProductUseCases) -> Self {
        Self { use_cases }
    }
}

#[async_trait]
impl EventHandler for ProductEvents {
    async fn handle(&self, ctx: &CallContext, event: &CloudEvent) -> Result<Handled, HandleError> {
        match event.kind.as_str() {
            stock_updated::TYPE => {
                apply(&*self.use_cases.apply_stock_change, ctx, stock_updated::command(event)?).await
            }
            payment_completed::TYPE => {
                apply(&*self.use_cases.record_sale, ctx, payment_completed::command(event)?).await
            }
            _ => Ok(Handled::Ignored),
        }
    }
}

async fn apply<C: Command>(
    handler: &dyn CommandHandler<C>,
    ctx: &CallContext,
    command: C,
) -> Result<Handled, HandleError> {
    handler.handle(ctx, command).await.map_err(HandleError::of)?;
    Ok(Handled::Applied)
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::context;
    use kernel_domain::{EventId, Timestamp};
    use product_application::testing::Fixture;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    const PAYMENT: &str = "00000000-0000-0000-0000-000000000001";

    fn event(kind: &str, data: Value) -> CloudEvent {
        CloudEvent {
            id: EventId::from_uuid(Uuid::from_u128(1)),
            kind: kind.into(),
            source: "/payment".into(),
            subject: "1".into(),
            time: Timestamp::UNIX_EPOCH,
            trace: None,
            data,
        }
    }

    async fn handle(fixture: &Fixture, event: &CloudEvent) -> Result<Handled, HandleError> {
        ProductEvents::new(fixture.use_cases.clone()).handle(&context(), event).await
    }

    fn stock_updated(operation: &str, quantity: i64) -> CloudEvent {
        let data = json!({
            "product_id": 1, "quantity": quantity, "operation": operation, "reason": "sold", "payment_id": PAYMENT,
            "a_field_of_tomorrow": true
        });
        event("stock.updated.v1", data)
    }

    fn payment_completed(price: &str) -> CloudEvent {
        let item =
            json!({"product_id": 1, "name": "Lamp", "price": price, "quantity": 2, "subtotal": "259.80"});
        let data = json!({"payment_id": PAYMENT, "amount": "259.80", "currency": "USD", "items": [item]});
        event("payment.completed.v1", data)
    }

    fn poison(result: Result<Handled, HandleError>) -> String {
        match result {
            Err(HandleError::Poison(reason)) => reason,
            other => panic!("not poison: {other:?}"),
        }
    }

    #[tokio::test]
    async fn stock_moves_with_stock_events_only() {
        let fixture = Fixture::with_stock(5).await;
        fixture.reserve(1, &[(1, 2)]).await.unwrap();
        let figures = async || {
            let view = fixture.get(1).await.unwrap();
            (view.stock_quantity, view.available_quantity)
        };
        assert_eq!(handle(&fixture, &payment_completed("129.90")).await.unwrap(), Handled::Applied);
        assert_eq!(figures().await, (5, 3));
        assert_eq!(handle(&fixture, &stock_updated("decrease", 2)).await.unwrap(), Handled::Applied);
        assert_eq!(figures().await, (3, 3));
        assert_eq!(handle(&fixture, &stock_updated("increase", 2)).await.unwrap(), Handled::Applied);
        assert_eq!(figures().await, (5, 5));
    }

    #[tokio::test]
    async fn completed_payments_count_as_sales() {
        let fixture = Fixture::with_stock(5).await;
        handle(&fixture, &payment_completed("129.90")).await.unwrap();
        let stats = fixture.stats().await;
        assert_eq!((stats.units_sold, stats.revenue.to_string().as_str()), (2, "259.80"));
    }

    #[tokio::test]
    async fn other_types_are_ignored() {
        let fixture = Fixture::default();
        for kind in ["payment.failed.v1", "payment.completed.v2", "stock.updated", ""] {
            assert_eq!(
                handle(&fixture, &event(kind, Value::Null)).await.unwrap(),
                Handled::Ignored,
                "{kind}"
            );
        }
    }

    #[tokio::test]
    async fn what_can_never_be_applied_is_poison_with_a_reason() {
        let fixture = Fixture::with_stock(5).await;
        let unreserved = poison(handle(&fixture, &stock_updated("decrease", 2)).await);
        assert!(unreserved.starts_with("not_reserved: payment"), "{unreserved}");
        let sideways = poison(handle(&fixture, &stock_updated("sideways", 2)).await);
        assert!(sideways.contains("stock.updated.v1") && sideways.contains("sideways"), "{sideways}");
        let none = poison(handle(&fixture, &stock_updated("increase", 0)).await);
        assert!(none.contains("quantity"), "{none}");
        let inexact = poison(handle(&fixture, &payment_completed("1.005")).await);
        assert!(inexact.contains("items[0].price"), "{inexact}");
        let empty = poison(handle(&fixture, &event("payment.completed.v1", json!({}))).await);
        assert!(empty.contains("payment.completed.v1"), "{empty}");
    }
}
