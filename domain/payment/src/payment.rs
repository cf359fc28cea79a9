//! The aggregate: what a payment is, and how it begins and ends without money.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use kernel_domain::{BasketId, Currency, Money, PaymentId, Recorded, Timestamp, UserId, Version};

use crate::{
    PaymentEvent, PaymentItem, PaymentMethod, PaymentRuleError, PaymentSnapshot, PaymentStatus, Processing,
    Refund,
};

/// A payment for one version of one basket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub(crate) state: PaymentSnapshot,
    pub(crate) events: Recorded<PaymentEvent>,
}

/// The basket that is paid, as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasketRef {
    /// The basket.
    pub id: BasketId,
    /// Its version: one payment at a time may live for it.
    pub version: u64,
}

/// What a payment is created from.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// The payment's id.
    pub id: PaymentId,
    /// Who pays.
    pub user_id: UserId,
    /// For which basket.
    pub basket: BasketRef,
    /// What, at which prices.
    pub items: Vec<PaymentItem>,
    /// In which currency.
    pub currency: Currency,
    /// How.
    pub method: PaymentMethod,
    /// Through whom, where the user has a wish.
    pub provider: Option<String>,
    /// The user's note.
    pub description: Option<String>,
    /// The client's own data.
    pub metadata: BTreeMap<String, String>,
}

impl Payment {
    /// How long the quote is honoured: 30 minutes.
    pub const QUOTE: TimeDelta = TimeDelta::minutes(30);

    /// A pending payment over the sum of its items.
    pub fn create(new: NewPayment, now: Timestamp) -> Result<Self, PaymentRuleError> {
        if new.items.is_empty() {
            return Err(PaymentRuleError::NoItems);
        }
        let amount = Money::sum(new.items.iter().map(PaymentItem::subtotal), new.currency)?;
        let state = PaymentSnapshot {
            id: new.id,
            user_id: new.user_id,
            basket: new.basket,
            amount,
            status: PaymentStatus::Pending,
            method: new.method,
            provider: new.provider,
            provider_id: None,
            description: new.description,
            metadata: new.metadata,
            items: new.items,
            processing: None,
            failure: None,
            refunds: Vec::new(),
            created_at: now,
            updated_at: now,
            processed_at: None,
            expires_at: now + Self::QUOTE,
            version: Version::NEW,
        };
        Ok(Self { state, events: Recorded::default() })
    }

    /// The user gives up. Only a pending payment can be cancelled.
    pub fn cancel(&mut self, now: Timestamp) -> Result<(), PaymentRuleError> {
        self.require(&[PaymentStatus::Pending], "cancel it")?;
        self.become_status(PaymentStatus::Cancelled, now);
        Ok(())
    }

    /// The quote's time is over. Does nothing before.
    pub fn expire(&mut self, now: Timestamp) -> Result<(), PaymentRuleError> {
        self.require(&[PaymentStatus::Pending], "expire it")?;
        if now >= self.state.expires_at {
            self.become_status(PaymentStatus::Expired, now);
        }
        Ok(())
    }

    /// The payment's id.
    pub const fn id(&self) -> PaymentId {
        self.state.id
    }

    /// The status.
    pub const fn status(&self) -> PaymentStatus {
        self.state.status
    }

    /// What has to be paid.
    pub const fn amount(&self) -> Money {
        self.state.amount
    }

    /// Where processing is, while it is under way.
    pub const fn processing(&self) -> Option<&Processing> {
        self.state.processing.as_ref()
    }

    /// The refunds, oldest first.
    pub fn refunds(&self) -> &[Refund] {
        &self.state.refunds
    }

    /// All of the payment's data, for stores and views.
    pub const fn snapshot(&self) -> &PaymentSnapshot {
        &self.state
    }

    /// The events not yet saved.
    pub const fn events(&self) -> &Recorded<PaymentEvent> {
        &self.events
    }

    /// Called by the repository once a save is durable.
    pub fn mark_saved(&mut self) {
        self.state.version = self.state.version.next();
        self.events.clear();
    }

    pub(crate) fn require(
        &self,
        allowed: &[PaymentStatus],
        action: &'static str,
    ) -> Result<(), PaymentRuleError> {
        let status = self.state.status;
        if allowed.contains(&status) { Ok(()) } else { Err(PaymentRuleError::Status { status, action }) }
    }

    pub(crate) const fn become_status(&mut self, status: PaymentStatus, now: Timestamp) {
        self.state.status = status;
        self.state.updated_at = now;
    }
}
