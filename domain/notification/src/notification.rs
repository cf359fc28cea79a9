//! One notification: news on one channel, and how far its delivery has come.

use chrono::TimeDelta;
use kernel_domain::{EventId, Money, PaymentId, Timestamp, UserId, Version};
use uuid::Uuid;

use crate::{Channel, EventType, Message, NotificationId, Outcome, PaymentNews, RetryPolicy};

/// News for one user on one channel.
///
/// An attempt is claimed and counted *before* it is made, and only the holder of the claim may say how it ended:
/// of two workers one sends, and a message that kills its worker runs out of attempts, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification(Snapshot);

/// A notification's state, as stores keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The id.
    pub id: NotificationId,
    /// The event it tells of; unique together with the channel.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// Who is told.
    pub user_id: UserId,
    /// The payment.
    pub payment_id: PaymentId,
    /// On which channel.
    pub channel: Channel,
    /// The amount that moved, or did not: the refunded one for a refund.
    pub amount: Money,
    /// The words.
    pub message: Message,
    /// How far the delivery has come.
    pub delivery: DeliveryState,
    /// Attempts begun.
    pub attempts: u32,
    /// Why the last failed attempt failed.
    pub last_error: Option<String>,
    /// When the user read it.
    pub read_at: Option<Timestamp>,
    /// When it was written.
    pub created_at: Timestamp,
    /// How often it was saved.
    pub version: Version,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent.
    Pending {
        /// When the next attempt is due; while one is under way, when its claim ends.
        due: Timestamp,
        /// Who makes the attempt.
        claim: Option<Uuid>,
    },
    /// Done.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// Given up.
    Failed {
        /// When.
        at: Timestamp,
    },
}

impl DeliveryState {
    /// The stable name in stores and answers.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Sent { .. } => "sent",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What the holder of a claim has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send the message, then record how it went.
    Send,
    /// Nothing: attempts or time have run out, and the notification has failed.
    GaveUp,
}

/// There is nothing to send now: it is done, not due yet, or another worker is at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("notification is not due")]
pub struct NotDue;

/// The attempt is no longer ours: it took longer than its claim and somebody else took over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claim on the notification is lost")]
pub struct ClaimLost;

impl Notification {
    /// Puts news into words for one channel. In the app it is delivered by being there.
    pub fn compose(id: NotificationId, news: &PaymentNews, channel: Channel, now: Timestamp) -> Self {
        let delivery = match channel {
            Channel::InApp => DeliveryState::Sent { at: now },
            _ => DeliveryState::Pending { due: now, claim: None },
        };
        let amount = match news.outcome {
            Outcome::Refunded { refunded, .. } => refunded,
            _ => news.amount,
        };
        Self(Snapshot {
            id,
            event_id: news.event_id,
            event_type: news.outcome.event_type(),
            user_id: news.user_id.clone(),
            payment_id: news.payment_id,
            channel,
            amount,
            message: Message::render(news),
            delivery,
            attempts: 0,
            last_error: None,
            read_at: None,
            created_at: now,
            version: Version::NEW,
        })
    }

    /// Takes back what a store kept.
    pub const fn restore(snapshot: Snapshot) -> Self {
        Self(snapshot)
    }

    /// The state to keep.
    pub const fn snapshot(&self) -> &Snapshot {
        &self.0
    }

    /// Begins an attempt until `now + lease`, or gives up where attempts or time have run out.
    pub fn claim(
        &mut self,
        token: Uuid,
        now: Timestamp,
        lease: TimeDelta,
        policy: &RetryPolicy,
    ) -> Result<Turn, NotDue> {
        if !self.is_due(now) {
            return Err(NotDue);
        }
        if self.0.attempts >= policy.max_attempts || policy.is_over(self.0.created_at, now) {
            self.give_up(now);
            return Ok(Turn::GaveUp);
        }
        self.0.attempts += 1;
        self.0.delivery = DeliveryState::Pending { due: now + lease, claim: Some(token) };
        Ok(Turn::Send)
    }

    /// Gives up a due notification whose time is over; for channels that are switched off.
    pub fn expire(&mut self, now: Timestamp, policy: &RetryPolicy) -> bool {
        let over = self.is_due(now) && policy.is_over(self.0.created_at, now);
        if over {
            self.give_up(now);
        }
        over
    }

    /// The attempt under `token` succeeded.
    pub fn record_sent(&mut self, token: Uuid, now: Timestamp) -> Result<(), ClaimLost> {
        self.check_claim(token)?;
        self.0.delivery = DeliveryState::Sent { at: now };
        self.0.last_error = None;
        Ok(())
    }

    /// The attempt under `token` failed: it is repeated later, unless it was the last one or is `permanent`.
    pub fn record_failure(
        &mut self,
        token: Uuid,
        now: Timestamp,
        reason: impl Into<String>,
        permanent: bool,
        policy: &RetryPolicy,
    ) -> Result<(), ClaimLost> {
        self.check_claim(token)?;
        self.0.last_error = Some(reason.into());
        let next = policy.next_attempt(self.0.attempts, self.0.created_at, now).filter(|_| !permanent);
        self.0.delivery = match next {
            Some(due) => DeliveryState::Pending { due, claim: None },
            None => DeliveryState::Failed { at: now },
        };
        Ok(())
    }

    /// The user has read it; the first time counts. `false` where it was read before.
    pub fn mark_read(&mut self, now: Timestamp) -> bool {
        let first = self.0.read_at.is_none();
        self.0.read_at.get_or_insert(now);
        first
    }

    /// Counts a save; called by repositories.
    pub fn saved(&mut self) {
        self.0.version = self.0.version.next();
    }

    fn is_due(&self, now: Timestamp) -> bool {
        matches!(self.0.delivery, DeliveryState::Pending { due, .. } if due <= now)
    }

    fn check_claim(&self, token: Uuid) -> Result<(), ClaimLost> {
        match self.0.delivery {
            DeliveryState::Pending { claim: Some(held), .. } if held == token => Ok(()),
            _ => Err(ClaimLost),
        }
    }

    fn give_up(&mut self, now: Timestamp) {
        self.0.delivery = DeliveryState::Failed { at: now };
        self.0.last_error.get_or_insert_with(|| "no attempt ended in time".to_owned());
    }
}

#[cfg(test)]
mod tests;
