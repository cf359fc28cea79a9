//! From event to command.

use std::sync::Arc;

use async_trait::async_trait;
use basket_application::{BasketError, commands::RemovePaidItems};
use kernel_application::{CallContext, CommandHandler, StoreError};
use platform_messaging::{CloudEvent, EventHandler, HandleError, Handled};

use crate::cleared::{BASKET_CLEARED, BasketCleared};

/// Handles the events of `basket-events`.
pub struct BasketEvents {
    remove_paid_items: Arc<dyn CommandHandler<RemovePaidItems>>,
}

impl BasketEvents {
    /// Runs the command an event asks for.
    pub const fn new(remove_paid_items: Arc<dyn CommandHandler<RemovePaidItems>>) -> Self {
        Self { remove_paid_items }
    }
}

#[async_trait]
impl EventHandler for BasketEvents {
    async fn handle(&self, ctx: &CallContext, event: &CloudEvent) -> Result<Handled, HandleError> {
        if event.kind != BASKET_CLEARED {
            return Ok(Handled::Ignored);
        }
        let command = event.data::<BasketCleared>()?.into();
        match self.remove_paid_items.handle(ctx, command).await {
            // Another replica was faster; the store has moved the position on.
            Ok(_) | Err(BasketError::Store(StoreError::AlreadyApplied)) => Ok(Handled::Applied),
            Err(error) => Err(HandleError::of(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use basket_application::{testing::Bench, views::BasketView};
    use kernel_application::{messaging::Delivery, testing::context};
    use kernel_domain::{EventId, Timestamp};
    use serde_json::{Value, json};

    use super::*;

    const EVENT: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
    const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn event(kind: &str, data: Value) -> CloudEvent {
        CloudEvent {
            id: EventId::parse(EVENT).unwrap(),
            kind: kind.to_owned(),
            source: "/payment".to_owned(),
            subject: "ada".to_owned(),
            time: Timestamp::UNIX_EPOCH,
            trace: None,
            data,
        }
    }

    fn cleared(basket: &BasketView) -> Value {
        json!({
            "user_id": "ada", "basket_id": basket.id.to_string(), "basket_version": basket.version,
            "payment_id": PAYMENT, "lines": [{"product_id": 1, "quantity": 2, "name": "ignored"}], "later": true,
        })
    }

    fn delivered() -> CallContext {
        context().with_delivery(Delivery {
            consumer: "basket".to_owned(),
            topic: "basket-events".to_owned(),
            partition: 0,
            epoch: 1,
            expected: 0,
            next: 1,
            event_id: Some(EventId::parse(EVENT).unwrap()),
        })
    }

    fn events(bench: &Bench) -> BasketEvents {
        BasketEvents::new(bench.use_cases.remove_paid_items.clone())
    }

    #[tokio::test]
    async fn paid_lines_leave_once_however_often_the_event_comes() {
        let bench = Bench::with_product(1, "1.00", 50);
        let basket = bench.add("ada", 1, 2).await.unwrap();
        bench.add("ada", 1, 4).await.unwrap();
        let event = event(BASKET_CLEARED, cleared(&basket));
        for _ in 0..2 {
            let handled = events(&bench).handle(&delivered(), &event).await.unwrap();
            assert_eq!(handled, Handled::Applied);
            assert_eq!(bench.get("ada").await.unwrap().item_count, 4);
        }
    }

    #[tokio::test]
    async fn other_types_are_ignored() {
        let handled =
            events(&Bench::default()).handle(&delivered(), &event("basket.cleared.v2", Value::Null)).await;
        assert_eq!(handled.unwrap(), Handled::Ignored);
    }

    #[tokio::test]
    async fn nonsense_is_poison_and_a_store_away_is_not() {
        let bench = Bench::with_product(1, "1.00", 50);
        let basket = bench.add("ada", 1, 2).await.unwrap();
        for data in [Value::Null, json!({"user_id": "ada"}), json!({"lines": 7})] {
            let result = events(&bench).handle(&delivered(), &event(BASKET_CLEARED, data)).await;
            assert!(matches!(result, Err(HandleError::Poison(_))), "{result:?}");
        }
        let mut broken = cleared(&basket);
        broken["payment_id"] = json!("x");
        let result = events(&bench).handle(&delivered(), &event(BASKET_CLEARED, broken)).await;
        assert!(matches!(result, Err(HandleError::Poison(_))), "{result:?}");
        bench.baskets.fail(true);
        let result = events(&bench).handle(&delivered(), &event(BASKET_CLEARED, cleared(&basket))).await;
        assert!(matches!(result, Err(HandleError::Transient(_))), "{result:?}");
    }
}
