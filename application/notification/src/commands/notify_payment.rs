//! Tells a user what became of a payment: one notification per channel that is on.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdGenerator, Permit};
use kernel_domain::{EventId, Money, PaymentId, Quantity, UserId, Violation, Violations};
use notification_domain::{Channel, Line, Notification, NotificationId, Outcome, PaymentNews};
use shaku::Component;

use crate::{ArrivalSignal, NotificationChannel, NotificationError, NotificationRepository};

/// A payment event, as it came in.
#[derive(Clone, Debug)]
pub struct NotifyPayment {
    /// The event's id.
    pub event_id: EventId,
    /// The payment's UUID.
    pub payment_id: String,
    /// Who is told.
    pub user_id: String,
    /// The payment's amount.
    pub amount: Money,
    /// What was bought.
    pub lines: Vec<PurchasedLine>,
    /// What happened.
    pub outcome: PaymentOutcome,
}

/// One line of what was bought.
#[derive(Clone, Debug)]
pub struct PurchasedLine {
    /// The product's name.
    pub name: String,
    /// How many.
    pub quantity: i64,
    /// What they cost together.
    pub subtotal: Money,
}

/// What happened to the payment.
#[derive(Clone, Debug)]
pub enum PaymentOutcome {
    /// `payment.completed.v1`.
    Completed,
    /// `payment.failed.v1`.
    Failed {
        /// A stable code.
        code: String,
        /// The reason for people.
        reason: Option<String>,
    },
    /// `payment.refunded.v1`.
    Refunded {
        /// How much this time.
        refunded: Money,
        /// How much is left.
        remaining: Money,
    },
}

impl Command for NotifyPayment {
    const NAME: &'static str = "notify_payment";
    /// How many notifications were new: none for an event that was told before.
    type Output = usize;
    type Error = NotificationError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

/// Handles [`NotifyPayment`].
#[derive(Component)]
#[shaku(interface = CommandHandler<NotifyPayment>)]
pub struct NotifyPaymentHandler {
    #[shaku(inject)]
    pub(crate) notifications: Arc<dyn NotificationRepository>,
    #[shaku(inject)]
    pub(crate) channels: HashMap<Channel, Arc<dyn NotificationChannel>>,
    #[shaku(inject)]
    pub(crate) arrivals: Arc<dyn ArrivalSignal>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<NotifyPayment> for NotifyPaymentHandler {
    async fn handle(&self, ctx: &CallContext, command: NotifyPayment) -> Result<usize, NotificationError> {
        let news = read(command)?;
        let now = self.clock.now();
        let id = || NotificationId::from_uuid(self.ids.next());
        let new =
            self.channels_on().map(|channel| Notification::compose(id(), &news, channel, now)).collect();
        let count = self.notifications.add_all(ctx, new).await?;
        self.arrivals.raise();
        Ok(count)
    }
}

impl NotifyPaymentHandler {
    fn channels_on(&self) -> impl Iterator<Item = Channel> {
        Channel::ALL.into_iter().filter(|channel| {
            *channel == Channel::InApp || self.channels.get(channel).is_some_and(|sender| sender.is_on())
        })
    }
}

fn read(command: NotifyPayment) -> Result<PaymentNews, Violations> {
    let mut violations = Violations::default();
    let payment_id = violations.check(PaymentId::parse(&command.payment_id));
    let user_id = violations.check(UserId::new(command.user_id));
    violations.check(not_negative("amount", command.amount));
    let numbered = command.lines.into_iter().enumerate();
    let lines = numbered.filter_map(|(index, line)| read_line(index, line, &mut violations)).collect();
    let outcome = read_outcome(command.outcome, &mut violations);
    let (Some(payment_id), Some(user_id)) = (payment_id, user_id) else { return Err(violations) };
    violations.into_result()?;
    let (event_id, amount) = (command.event_id, command.amount);
    Ok(PaymentNews { event_id, payment_id, user_id, amount, lines, outcome })
}

fn read_line(index: usize, line: PurchasedLine, violations: &mut Violations) -> Option<Line> {
    let PurchasedLine { name, quantity, subtotal } = line;
    let field = |name| format!("items[{index}].{name}");
    let quantity = Quantity::new(quantity).map_err(|violation| violation.at(field("quantity")));
    let quantity = violations.check(quantity);
    violations.check(not_negative(field("subtotal"), subtotal));
    quantity.map(|quantity| Line { name, quantity, subtotal })
}

fn read_outcome(outcome: PaymentOutcome, violations: &mut Violations) -> Outcome {
    match outcome {
        PaymentOutcome::Completed => Outcome::Completed,
        PaymentOutcome::Failed { code, reason } => Outcome::Failed { code, reason },
        PaymentOutcome::Refunded { refunded, remaining } => {
            violations.check(not_negative("refund_amount", refunded));
            violations.check(not_negative("remaining", remaining));
            Outcome::Refunded { refunded, remaining }
        }
    }
}

fn not_negative(field: impl Into<String>, amount: Money) -> Result<(), Violation> {
    if amount.minor() < 0 {
        return Err(Violation::new(field, "out_of_range", "must not be negative"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kernel_application::{
        ErrorClass, UseCaseError,
        testing::{ManualClock, SequenceIds, context},
    };
    use kernel_domain::Currency;
    use uuid::Uuid;

    use super::*;
    use crate::{
        LocalArrivals,
        testing::{FakeChannel, MemoryStore},
    };

    fn handler(store: &Arc<MemoryStore>) -> NotifyPaymentHandler {
        let channel = |on| -> Arc<dyn NotificationChannel> { Arc::new(FakeChannel::new(on)) };
        NotifyPaymentHandler {
            notifications: store.clone(),
            channels: [(Channel::Email, channel(false)), (Channel::Webhook, channel(true))].into(),
            arrivals: Arc::new(LocalArrivals::default()),
            clock: Arc::new(ManualClock::default()),
            ids: Arc::new(SequenceIds::default()),
        }
    }

    fn command() -> NotifyPayment {
        NotifyPayment {
            event_id: EventId::from_uuid(Uuid::from_u128(1)),
            payment_id: Uuid::from_u128(2).to_string(),
            user_id: "ada".into(),
            amount: Money::from_minor(12_990, Currency::USD),
            lines: vec![],
            outcome: PaymentOutcome::Completed,
        }
    }

    #[tokio::test]
    async fn one_notification_per_channel_that_is_on() {
        let store = Arc::new(MemoryStore::default());
        assert_eq!(handler(&store).handle(&context(), command()).await.unwrap(), 2);
        let channels: Vec<_> = store.all().iter().map(|note| note.snapshot().channel).collect();
        assert_eq!(channels, [Channel::InApp, Channel::Webhook]);
    }

    #[tokio::test]
    async fn an_event_is_told_once() {
        let store = Arc::new(MemoryStore::default());
        let handler = handler(&store);
        handler.handle(&context(), command()).await.unwrap();
        assert_eq!(handler.handle(&context(), command()).await.unwrap(), 0);
        assert_eq!(store.all().len(), 2);
    }

    #[tokio::test]
    async fn streams_are_woken() {
        let store = Arc::new(MemoryStore::default());
        let handler = handler(&store);
        let mut arrivals = handler.arrivals.listen();
        handler.handle(&context(), command()).await.unwrap();
        arrivals.next().await;
    }

    #[tokio::test]
    async fn everything_wrong_is_named_and_nothing_kept() {
        let store = Arc::new(MemoryStore::default());
        let line = PurchasedLine { name: "Pen".into(), quantity: 0, subtotal: Money::zero(Currency::USD) };
        let bad =
            NotifyPayment { payment_id: "x".into(), user_id: "a b".into(), lines: vec![line], ..command() };
        let error = handler(&store).handle(&context(), bad).await.unwrap_err();
        let fields: Vec<_> = error.violations().iter().map(Violation::field).collect();
        assert_eq!(fields, ["payment_id", "user_id", "items[0].quantity"]);
        assert!(store.all().is_empty());
    }
    /// The class is what sends the event to the dead letters: no later attempt could go better.
    #[tokio::test]
    async fn negative_money_is_refused_for_good() {
        let owed = Money::from_minor(-1, Currency::USD);
        let line = PurchasedLine { name: "Pen".into(), quantity: 1, subtotal: owed };
        let outcome = PaymentOutcome::Refunded { refunded: owed, remaining: owed };
        let store = Arc::new(MemoryStore::default());
        let bad = NotifyPayment { amount: owed, lines: vec![line], outcome, ..command() };
        let error = handler(&store).handle(&context(), bad).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Invalid);
        let fields: Vec<_> = error.violations().iter().map(Violation::field).collect();
        assert_eq!(fields, ["amount", "items[0].subtotal", "refund_amount", "remaining"]);
        assert!(store.all().is_empty());
        let free = NotifyPayment { amount: Money::zero(Currency::USD), ..command() };
        assert_eq!(handler(&store).handle(&context(), free).await.unwrap(), 2);
    }
}
