//! Payment events become notifications.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, CommandHandler};
use kernel_domain::Currency;
use notification_application::commands::{NotifyPayment, PaymentOutcome};
use platform_messaging::{CloudEvent, EventHandler, HandleError, Handled};

use crate::data::{FailureData, PaymentData, RefundData, money};

/// Handles the events of payment-events; types it does not know are ignored.
pub struct PaymentEvents {
    notify: Arc<dyn CommandHandler<NotifyPayment>>,
}

impl PaymentEvents {
    /// Tells users through `notify`.
    pub fn new(notify: Arc<dyn CommandHandler<NotifyPayment>>) -> Self {
        Self { notify }
    }
}

#[async_trait]
impl EventHandler for PaymentEvents {
    async fn handle(&self, ctx: &CallContext, event: &CloudEvent) -> Result<Handled, HandleError> {
        let Some(outcome) = Kind::of(&event.kind) else { return Ok(Handled::Ignored) };
        let data: PaymentData = event.data()?;
        let currency = data.currency()?;
        let command = NotifyPayment {
            event_id: event.id,
            amount: money("amount", &data.amount, currency)?,
            outcome: outcome.read(event, currency)?,
            payment_id: data.payment_id,
            user_id: data.user_id,
            lines: data.items.into_iter().map(|item| item.line(currency)).collect::<Result<_, _>>()?,
        };
        self.notify.handle(ctx, command).await.map_err(HandleError::of)?;
        Ok(Handled::Applied)
    }
}

enum Kind {
    Completed,
    Failed,
    Refunded,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        match name {
            "payment.completed.v1" => Some(Self::Completed),
            "payment.failed.v1" => Some(Self::Failed),
            "payment.refunded.v1" => Some(Self::Refunded),
            _ => None,
        }
    }

    fn read(self, event: &CloudEvent, currency: Currency) -> Result<PaymentOutcome, HandleError> {
        Ok(match self {
            Self::Completed => PaymentOutcome::Completed,
            Self::Failed => {
                let FailureData { failure_code, reason } = event.data()?;
                PaymentOutcome::Failed { code: failure_code, reason }
            }
            Self::Refunded => {
                let data: RefundData = event.data()?;
                PaymentOutcome::Refunded {
                    refunded: money("refund_amount", &data.refund_amount, currency)?,
                    remaining: money("remaining", &data.remaining, currency)?,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kernel_application::{StoreError, testing::context};
    use kernel_domain::{EventId, Timestamp};
    use notification_application::NotificationError;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    #[derive(Default)]
    struct Notify {
        commands: Mutex<Vec<NotifyPayment>>,
        away: bool,
    }

    #[async_trait]
    impl CommandHandler<NotifyPayment> for Notify {
        async fn handle(&self, _: &CallContext, command: NotifyPayment) -> Result<usize, NotificationError> {
            if self.away {
                return Err(StoreError::Conflict("notification").into());
            }
            self.commands.lock().unwrap().push(command);
            Ok(1)
        }
    }

    fn event(kind: &str, more: &Value) -> CloudEvent {
        let mut data = json!({
            "payment_id": "01890a5d-ac96-774b-bcce-b302099a8057", "user_id": "ada", "amount": "129.90",
            "currency": "USD", "new_field": true,
            "items": [{"product_id": 7, "name": "Pen", "quantity": 2, "price": "64.95", "subtotal": "129.90"}],
        });
        for (name, value) in more.as_object().unwrap() {
            data[name] = value.clone();
        }
        CloudEvent {
            id: EventId::from_uuid(Uuid::from_u128(1)),
            kind: kind.into(),
            source: "/payment".into(),
            subject: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
            time: Timestamp::UNIX_EPOCH,
            trace: None,
            data,
        }
    }

    async fn handle(event: CloudEvent) -> (Result<Handled, HandleError>, Vec<NotifyPayment>) {
        let notify = Arc::new(Notify::default());
        let result = PaymentEvents::new(notify.clone()).handle(&context(), &event).await;
        let commands = notify.commands.lock().unwrap().clone();
        (result, commands)
    }

    #[tokio::test]
    async fn each_type_becomes_a_notification() {
        let (result, commands) = handle(event("payment.completed.v1", &json!({}))).await;
        assert_eq!(result.unwrap(), Handled::Applied);
        let [NotifyPayment { outcome: PaymentOutcome::Completed, lines, .. }] = &commands[..] else {
            panic!("{commands:?}")
        };
        assert_eq!((&*lines[0].name, lines[0].quantity, lines[0].subtotal.minor()), ("Pen", 2, 12_990));

        let failed = json!({"failure_code": "card_declined", "reason": null});
        let (_, commands) = handle(event("payment.failed.v1", &failed)).await;
        assert!(matches!(
            &commands[..],
            [NotifyPayment { outcome: PaymentOutcome::Failed { code, reason: None }, .. }] if code == "card_declined"
        ));

        let refunded = json!({"refund_id": "r", "refund_amount": "29.90", "remaining": "100.00"});
        let (_, commands) = handle(event("payment.refunded.v1", &refunded)).await;
        let [NotifyPayment { outcome: PaymentOutcome::Refunded { refunded, remaining }, .. }] = &commands[..]
        else {
            panic!("{commands:?}")
        };
        assert_eq!((refunded.minor(), remaining.minor()), (2_990, 10_000));
    }

    #[tokio::test]
    async fn other_types_are_ignored() {
        let (result, commands) = handle(event("payment.completed.v2", &json!({}))).await;
        assert_eq!(result.unwrap(), Handled::Ignored);
        assert!(commands.is_empty());
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_poison() {
        for (kind, broken) in [
            ("payment.completed.v1", json!({"amount": 129.9})),
            ("payment.completed.v1", json!({"amount": "1.005"})),
            ("payment.completed.v1", json!({"currency": "dollars"})),
            ("payment.completed.v1", json!({"items": [{"name": "Pen"}]})),
            ("payment.failed.v1", json!({})),
            ("payment.refunded.v1", json!({"refund_amount": "1.00"})),
        ] {
            let (result, commands) = handle(event(kind, &broken)).await;
            assert!(matches!(result, Err(HandleError::Poison(_))), "{broken}: {result:?}");
            assert!(commands.is_empty());
        }
    }

    #[tokio::test]
    async fn a_store_in_trouble_is_tried_again() {
        let notify = Arc::new(Notify { away: true, ..Notify::default() });
        let events = PaymentEvents::new(notify);
        let result = events.handle(&context(), &event("payment.completed.v1", &json!({}))).await;
        assert!(matches!(result, Err(HandleError::Transient(_))), "{result:?}");
    }
}
