//! A payment's status as clients see it.

use std::{fmt, str::FromStr};

use kernel_domain::Violation;

/// `pending → processing → completed | failed`; `pending → cancelled | expired`; `completed → partially_refunded → refunded`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// Created; nothing reserved or charged.
    Pending,
    /// On the way to a verdict.
    Processing,
    /// The money was captured.
    Completed,
    /// There is no money; nothing is reserved.
    Failed,
    /// The user gave up before processing.
    Cancelled,
    /// Nobody processed it in time.
    Expired,
    /// A part of the money was given back.
    PartiallyRefunded,
    /// All of the money was given back.
    Refunded,
}

impl PaymentStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Processing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    /// The name clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// Whether the basket version is taken: another payment for it is refused.
    pub const fn holds_basket(self) -> bool {
        !matches!(self, Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// Whether a payment may go from this status to `next` in one step.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Processing | Self::Cancelled | Self::Expired),
            Self::Processing => matches!(next, Self::Completed | Self::Failed),
            Self::Completed | Self::PartiallyRefunded => {
                matches!(next, Self::PartiallyRefunded | Self::Refunded)
            }
            Self::Failed | Self::Cancelled | Self::Expired | Self::Refunded => false,
        }
    }
}

impl FromStr for PaymentStatus {
    type Err = Violation;

    fn from_str(name: &str) -> Result<Self, Violation> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Violation::new("status", "unknown_status", format!("must be one of {names}"))
        })
    }
}

impl fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
