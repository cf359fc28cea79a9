//! What the sandbox shows.

use kernel_application::Page;
use kernel_domain::{Money, Timestamp};
use provider_domain::{Charge, Refund};

/// A charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeView {
    /// `ch_…`.
    pub id: String,
    /// The key it was made under.
    pub key: String,
    /// What is paid for.
    pub reference: String,
    /// `captured` or `declined`.
    pub status: &'static str,
    /// Why it was declined.
    pub failure_code: Option<&'static str>,
    /// What was asked for.
    pub amount: Money,
    /// The sum of its refunds.
    pub refunded: Money,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<&Charge> for ChargeView {
    fn from(charge: &Charge) -> Self {
        Self {
            id: charge.id().to_string(),
            key: charge.key().as_str().to_owned(),
            reference: charge.request().reference.as_str().to_owned(),
            status: charge.status().name(),
            failure_code: charge.status().failure_code().map(provider_domain::FailureCode::as_str),
            amount: charge.request().amount(),
            refunded: charge.refunded(),
            created_at: charge.created_at(),
        }
    }
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundView {
    /// `re_…`.
    pub id: String,
    /// The key it was made under.
    pub key: String,
    /// The charge it takes from.
    pub charge_id: String,
    /// The charge's reference.
    pub reference: String,
    /// How much went back.
    pub amount: Money,
    /// When.
    pub created_at: Timestamp,
}

impl From<&Refund> for RefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            key: refund.key.as_str().to_owned(),
            charge_id: refund.charge_id.to_string(),
            reference: refund.reference.as_str().to_owned(),
            amount: refund.amount,
            created_at: refund.created_at,
        }
    }
}

/// A line of the ledger. `entry` counts up in the order of the commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryView {
    /// A charge, captured or not.
    Charge {
        /// The line's number.
        entry: i64,
        /// The charge, with what was refunded of it up to now.
        charge: ChargeView,
    },
    /// A refund.
    Refund {
        /// The line's number.
        entry: i64,
        /// The refund.
        refund: RefundView,
    },
}

impl EntryView {
    /// The line's number.
    pub const fn entry(&self) -> i64 {
        match self {
            Self::Charge { entry, .. } | Self::Refund { entry, .. } => *entry,
        }
    }

    /// What was paid for.
    pub fn reference(&self) -> &str {
        match self {
            Self::Charge { charge, .. } => &charge.reference,
            Self::Refund { refund, .. } => &refund.reference,
        }
    }
}

/// All that happened under one reference in one currency, over the whole ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalView {
    /// What was paid for.
    pub reference: String,
    /// How many charges were captured.
    pub captures: u64,
    /// Their sum.
    pub captured: Money,
    /// The sum of the refunds.
    pub refunded: Money,
}

/// A page of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerView {
    /// Lines, oldest first.
    pub page: Page<EntryView>,
    /// The totals of the references on the page, by reference.
    pub totals: Vec<TotalView>,
}
