//! The payment's data in the open, for stores and views.

use std::collections::BTreeMap;

use kernel_domain::{Money, MoneyError, PaymentId, Recorded, Timestamp, UserId, Version};

use crate::{
    BasketRef, Failure, Payment, PaymentItem, PaymentMethod, PaymentStatus, Processing, Refund, RefundState,
};

/// Everything a payment is. A store writes it and gives it back unchanged; only [`Payment`] changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentSnapshot {
    /// The payment's id.
    pub id: PaymentId,
    /// Who pays.
    pub user_id: UserId,
    /// For which basket.
    pub basket: BasketRef,
    /// How much.
    pub amount: Money,
    /// The status.
    pub status: PaymentStatus,
    /// How it is paid.
    pub method: PaymentMethod,
    /// Through whom.
    pub provider: Option<String>,
    /// The charge's id at the provider, once captured.
    pub provider_id: Option<String>,
    /// The user's note.
    pub description: Option<String>,
    /// The client's own data.
    pub metadata: BTreeMap<String, String>,
    /// What is paid for.
    pub items: Vec<PaymentItem>,
    /// Where processing is.
    pub processing: Option<Processing>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What was or is being given back.
    pub refunds: Vec<Refund>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it reached its verdict.
    pub processed_at: Option<Timestamp>,
    /// Until when the quote is honoured.
    pub expires_at: Timestamp,
    /// How often it was saved.
    pub version: Version,
}

impl PaymentSnapshot {
    /// What was given back of a captured payment.
    pub fn refunded(&self) -> Result<Money, MoneyError> {
        let done =
            self.refunds.iter().filter(|refund| refund.state == RefundState::Done && !refund.compensates);
        Money::sum(done.map(|refund| refund.amount), self.amount.currency())
    }
}

impl PaymentSnapshot {
    /// From when on the recovery worker has something to do; `None` where it never has.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.status {
            PaymentStatus::Pending => Some(self.expires_at),
            PaymentStatus::Processing => self.processing.as_ref().map(|processing| processing.resume_at),
            _ => self
                .refunds
                .iter()
                .filter(|refund| refund.state == RefundState::Pending)
                .map(|refund| refund.resume_at)
                .min(),
        }
    }
}

impl From<PaymentSnapshot> for Payment {
    /// Brings a stored payment back.
    fn from(state: PaymentSnapshot) -> Self {
        Self { state, events: Recorded::default() }
    }
}
