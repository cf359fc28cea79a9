//! What happened to a payment, as far as its buyer is concerned.

use std::str::FromStr;

use kernel_domain::{EventId, Money, PaymentId, Quantity, UserId, Violation};

/// One payment event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentNews {
    /// The event: one notification per event and channel.
    pub event_id: EventId,
    /// The payment.
    pub payment_id: PaymentId,
    /// Who is told.
    pub user_id: UserId,
    /// The payment's amount.
    pub amount: Money,
    /// What was bought.
    pub lines: Vec<Line>,
    /// What happened.
    pub outcome: Outcome,
}

/// One line of what was bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The product's name.
    pub name: String,
    /// How many.
    pub quantity: Quantity,
    /// What they cost together.
    pub subtotal: Money,
}

/// What happened to the payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The money was taken.
    Completed,
    /// It was not.
    Failed {
        /// A stable code, such as `card_declined`.
        code: String,
        /// The reason for people, where there is one.
        reason: Option<String>,
    },
    /// Some or all of it was given back.
    Refunded {
        /// How much this time.
        refunded: Money,
        /// How much of the payment is left.
        remaining: Money,
    },
}

impl Outcome {
    /// The event's type.
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::Completed => EventType::Completed,
            Self::Failed { .. } => EventType::Failed,
            Self::Refunded { .. } => EventType::Refunded,
        }
    }
}

/// The types of event that users are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// `payment.completed.v1`.
    Completed,
    /// `payment.failed.v1`.
    Failed,
    /// `payment.refunded.v1`.
    Refunded,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Completed, Self::Failed, Self::Refunded];

    /// The name on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "payment.completed.v1",
            Self::Failed => "payment.failed.v1",
            Self::Refunded => "payment.refunded.v1",
        }
    }
}

impl FromStr for EventType {
    type Err = Violation;

    fn from_str(name: &str) -> Result<Self, Violation> {
        let unknown = || Violation::new("event_type", "unknown_event_type", "is no payment event");
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(unknown)
    }
}
