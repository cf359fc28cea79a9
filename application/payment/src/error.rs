//! How payment use cases fail.

use std::str::FromStr;

use kernel_application::{Denied, ErrorClass, IdempotencyError, InvalidCursor, StoreError, UseCaseError};
use kernel_domain::{Violation, Violations};
use payment_domain::PaymentRuleError;

use crate::PeerFailure;

/// The error of every payment use case.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// The input breaks rules.
    #[error("request is invalid: {0}")]
    Invalid(Violations),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such payment, or it is somebody else's.
    #[error("there is no payment {0}")]
    NotFound(String),
    /// The state of the payment, the basket or a product forbids it.
    #[error("{detail}")]
    Rejected {
        /// Which rule.
        reason: Rejection,
        /// In words.
        detail: String,
    },
    /// The idempotency key cannot be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A service we need did not answer.
    #[error(transparent)]
    Peer(#[from] PeerFailure),
    /// A rule was broken that the use case should have seen coming.
    #[error("payment rule was broken: {0}")]
    Rule(#[from] PaymentRuleError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PaymentError {
    pub(crate) fn rejected(reason: Rejection, detail: impl Into<String>) -> Self {
        Self::Rejected { reason, detail: detail.into() }
    }
}

impl From<Violations> for PaymentError {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

impl From<Violation> for PaymentError {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation.into())
    }
}

impl From<InvalidCursor> for PaymentError {
    fn from(cursor: InvalidCursor) -> Self {
        Self::Invalid(cursor.into())
    }
}

impl UseCaseError for PaymentError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) => ErrorClass::Invalid,
            Self::Denied(denied) => denied.class(),
            Self::NotFound(_) => ErrorClass::NotFound,
            Self::Rejected { .. } => ErrorClass::Conflict,
            Self::Idempotency(error) => error.class(),
            Self::Peer(_) => ErrorClass::Unavailable,
            Self::Rule(_) => ErrorClass::Internal,
            Self::Store(error) => error.class(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_failed",
            Self::Denied(denied) => denied.code(),
            Self::NotFound(_) => "payment_not_found",
            Self::Rejected { reason, .. } => reason.as_str(),
            Self::Idempotency(error) => error.code(),
            Self::Peer(_) => "service_unavailable",
            Self::Rule(_) => "internal",
            Self::Store(error) => error.code(),
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Invalid(violations) => violations.as_slice(),
            _ => &[],
        }
    }
}

/// Why a valid request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// The user has no basket, or nothing in it.
    BasketEmpty,
    /// The user's basket is another one than the client saw.
    BasketChanged,
    /// A product costs something else than the basket says.
    PriceChanged,
    /// A product is gone or short.
    ProductUnavailable,
    /// A payment for this basket version lives.
    PaymentInProgress,
    /// Only a pending payment can be cancelled or processed.
    PaymentNotPending,
    /// The quote is no longer honoured.
    PaymentExpired,
    /// There is no money to give back.
    PaymentNotRefundable,
    /// More than is left would be given back.
    RefundExceedsAmount,
    /// The provider refused to give the money back.
    RefundRefused,
}

impl Rejection {
    const ALL: [Self; 10] = [
        Self::BasketEmpty,
        Self::BasketChanged,
        Self::PriceChanged,
        Self::ProductUnavailable,
        Self::PaymentInProgress,
        Self::PaymentNotPending,
        Self::PaymentExpired,
        Self::PaymentNotRefundable,
        Self::RefundExceedsAmount,
        Self::RefundRefused,
    ];

    /// The code clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BasketEmpty => "basket_empty",
            Self::BasketChanged => "basket_changed",
            Self::PriceChanged => "price_changed",
            Self::ProductUnavailable => "product_unavailable",
            Self::PaymentInProgress => "payment_in_progress",
            Self::PaymentNotPending => "payment_not_pending",
            Self::PaymentExpired => "payment_expired",
            Self::PaymentNotRefundable => "payment_not_refundable",
            Self::RefundExceedsAmount => "refund_exceeds_amount",
            Self::RefundRefused => "refund_refused",
        }
    }
}

impl FromStr for Rejection {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == code)
            .ok_or_else(|| format!("unknown rejection {code}"))
    }
}
