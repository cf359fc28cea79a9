//! How the sandbox's use cases fail.

use kernel_application::{Denied, ErrorClass, StoreError, UseCaseError};
use kernel_domain::{Violation, Violations};
use provider_domain::RefundError;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The input breaks a rule.
    #[error("{0}")]
    Invalid(Violations),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The key belongs to another request.
    #[error("idempotency key was used for another request")]
    KeyReused,
    /// There is no such charge.
    #[error("there is no such charge")]
    UnknownCharge,
    /// There is no such refund.
    #[error("there is no such refund")]
    UnknownRefund,
    /// The charge cannot be refunded so.
    #[error(transparent)]
    Refund(#[from] RefundError),
    /// The ledger failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Violations> for ProviderError {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

impl UseCaseError for ProviderError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) | Self::KeyReused => ErrorClass::Invalid,
            Self::Denied(denied) => denied.class(),
            Self::UnknownCharge | Self::UnknownRefund => ErrorClass::NotFound,
            Self::Refund(_) => ErrorClass::Conflict,
            Self::Store(error) => error.class(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_failed",
            Self::Denied(denied) => denied.code(),
            Self::KeyReused => "idempotency_key_reused",
            Self::UnknownCharge => "charge_not_found",
            Self::UnknownRefund => "refund_not_found",
            Self::Refund(RefundError::NotCaptured) => "charge_not_captured",
            Self::Refund(RefundError::ExceedsCharge { .. }) => "amount_exceeds_charge",
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
