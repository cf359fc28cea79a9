//! Giving money back: asked for, carried out by the provider, then done.

use std::fmt;

use chrono::TimeDelta;
use kernel_domain::{Money, Timestamp, Violation};
use uuid::Uuid;

use crate::{Payment, PaymentEvent, PaymentRuleError, PaymentStatus};

/// A refund's UUIDv7, its key at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefundId(Uuid);

impl RefundId {
    /// Wraps an id made by the `IdGenerator` port.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// Reads the hyphenated form.
    pub fn parse(id: &str) -> Result<Self, Violation> {
        Uuid::try_parse(id)
            .map(Self)
            .map_err(|_| Violation::new("refund_id", "invalid_uuid", "must be a UUID"))
    }
}

impl fmt::Display for RefundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// A part or all of the money on its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The refund's id.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Why, in the client's words.
    pub reason: Option<String>,
    /// Whose idempotency key the request had, and which, so that a repeated request finds this refund again.
    pub request_key: Option<String>,
    /// Where it is.
    pub state: RefundState,
    /// Whether it gives back a charge that came after the payment had ended.
    pub compensates: bool,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// From then on the recovery worker takes over, while it is pending.
    pub resume_at: Timestamp,
}

impl Refund {
    /// Whether somebody asked for it and it has no verdict yet.
    pub fn is_awaited(&self) -> bool {
        self.state == RefundState::Pending && !self.compensates
    }
}

/// Where a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// Saved; the provider may have been asked.
    Pending,
    /// The provider gave the money back.
    Done,
    /// The provider refused.
    Refused,
}

impl Payment {
    /// Asks for a refund of `amount`, or of all that is left. What is pending counts as given back.
    pub fn request_refund(
        &mut self,
        id: RefundId,
        amount: Option<Money>,
        reason: Option<String>,
        request_key: Option<String>,
        now: Timestamp,
    ) -> Result<(), PaymentRuleError> {
        self.require(&[PaymentStatus::Completed, PaymentStatus::PartiallyRefunded], "refund it")?;
        let left = self.refundable()?;
        let amount = amount.unwrap_or(left);
        let rest = left.checked_sub(amount)?;
        if rest.minor() < 0 || left.is_zero() {
            return Err(PaymentRuleError::RefundExceeds { asked: amount, left });
        }
        if !amount.is_positive() {
            return Err(PaymentRuleError::RefundNotPositive);
        }
        self.state.refunds.push(Refund {
            id,
            amount,
            reason,
            request_key,
            state: RefundState::Pending,
            compensates: false,
            requested_at: now,
            resume_at: now + Self::STEP_LEASE,
        });
        self.state.updated_at = now;
        Ok(())
    }

    /// The provider gave the money back: `completed → partially_refunded → refunded`.
    pub fn finish_refund(&mut self, id: RefundId, now: Timestamp) -> Result<(), PaymentRuleError> {
        let refund = self.pending_refund(id)?;
        refund.state = RefundState::Done;
        self.state.updated_at = now;
        if self.state.refunds.iter().any(|refund| refund.id == id && refund.compensates) {
            return Ok(());
        }
        let all = self.state.refunded()? == self.state.amount;
        let status = if all { PaymentStatus::Refunded } else { PaymentStatus::PartiallyRefunded };
        self.become_status(status, now);
        self.events.record(PaymentEvent::Refunded(id));
        Ok(())
    }

    /// The provider refused: the amount can be asked for again.
    pub fn refuse_refund(&mut self, id: RefundId, now: Timestamp) -> Result<(), PaymentRuleError> {
        self.pending_refund(id)?.state = RefundState::Refused;
        self.state.updated_at = now;
        Ok(())
    }

    /// The worker goes on with the refund after `pause`; taking it over is the same with a lease for pause.
    pub fn postpone_refund(
        &mut self,
        id: RefundId,
        pause: TimeDelta,
        now: Timestamp,
    ) -> Result<(), PaymentRuleError> {
        self.pending_refund(id)?.resume_at = now + pause;
        self.state.updated_at = now;
        Ok(())
    }

    /// What can still be asked back.
    pub fn refundable(&self) -> Result<Money, PaymentRuleError> {
        let held = self.state.refunds.iter().filter(|refund| refund.state != RefundState::Refused);
        let held = Money::sum(held.map(|refund| refund.amount), self.state.amount.currency())?;
        Ok(self.state.amount.checked_sub(held)?)
    }

    fn pending_refund(&mut self, id: RefundId) -> Result<&mut Refund, PaymentRuleError> {
        self.state
            .refunds
            .iter_mut()
            .find(|refund| refund.id == id && refund.state == RefundState::Pending)
            .ok_or(PaymentRuleError::NoSuchRefund)
    }
}
