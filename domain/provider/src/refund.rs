//! Money given back.

use kernel_domain::{Money, Timestamp};

use crate::{ChargeId, LedgerKey, Reference, RefundId};

/// One refund: made by [`crate::Charge::refund`], never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The key it was asked for under.
    pub key: LedgerKey,
    /// The charge it takes from.
    pub charge_id: ChargeId,
    /// The charge's reference.
    pub reference: Reference,
    /// How much went back.
    pub amount: Money,
    /// When.
    pub created_at: Timestamp,
}

/// Why a charge cannot be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// It was declined: there is nothing to give back.
    #[error("charge was not captured")]
    NotCaptured,
    /// More than what is left of the capture.
    #[error("refund exceeds what is left of the charge ({left})")]
    ExceedsCharge {
        /// What is left.
        left: Money,
    },
}
