//! Which rule forbids a change.

use kernel_domain::{Money, MoneyError};

use crate::PaymentStatus;

/// A rule of the payment that an action would break. Nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentRuleError {
    /// The status does not allow the action.
    #[error("payment is {status}, which does not allow to {action}")]
    Status {
        /// The payment's status.
        status: PaymentStatus,
        /// What was tried.
        action: &'static str,
    },
    /// The step of processing does not allow the action.
    #[error("payment is not at the step that allows to {0}")]
    Step(&'static str),
    /// The quote is no longer honoured.
    #[error("payment has expired")]
    Expired,
    /// There is nothing to pay.
    #[error("basket is empty")]
    NoItems,
    /// More would be given back than is left.
    #[error("refund of {asked} exceeds the {left} that can be refunded")]
    RefundExceeds {
        /// What was asked for.
        asked: Money,
        /// What is left.
        left: Money,
    },
    /// A refund gives back more than nothing.
    #[error("refund must be above zero")]
    RefundNotPositive,
    /// There is no such refund, or it has its verdict.
    #[error("refund is not pending")]
    NoSuchRefund,
    /// Amounts do not add up.
    #[error(transparent)]
    Money(#[from] MoneyError),
}
