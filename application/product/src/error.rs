//! How the product context's use cases fail.

use kernel_application::{Denied, ErrorClass, StoreError, UseCaseError};
use kernel_domain::{MoneyError, Violation, Violations};
use product_domain::StockError;

use crate::ports::Failure;

/// The error of every use case here.
#[derive(Debug, thiserror::Error)]
pub enum ProductError {
    /// The input breaks rules.
    #[error("request is not valid: {0}")]
    Invalid(Violations),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such product.
    #[error("product {0} does not exist")]
    NotFound(i64),
    /// The client saw an older version.
    #[error("product {id} is at version {current}, not {expected}")]
    Stale {
        /// The product.
        id: i64,
        /// What the client saw.
        expected: u64,
        /// What is there.
        current: u64,
    },
    /// A rule of stock forbids it.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// Totals of sales do not fit.
    #[error("sales totals cannot take the sale in: {0}")]
    Sales(#[from] MoneyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UseCaseError for ProductError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) => ErrorClass::Invalid,
            Self::Denied(denied) => denied.class(),
            Self::NotFound(_) | Self::Stock(StockError::UnknownProduct(_)) => ErrorClass::NotFound,
            Self::Stale { .. } => ErrorClass::Stale,
            Self::Stock(_) | Self::Sales(_) => ErrorClass::Conflict,
            Self::Store(error) => error.class(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_failed",
            Self::Denied(denied) => denied.code(),
            Self::NotFound(_) => "product_not_found",
            Self::Stale { .. } => "stale_version",
            Self::Stock(error) => stock_code(error),
            Self::Sales(_) => "sales_overflow",
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

impl From<Violations> for ProductError {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

impl From<Violation> for ProductError {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation.into())
    }
}

impl<R> From<Failure<R>> for ProductError
where
    Self: From<R>,
{
    fn from(failure: Failure<R>) -> Self {
        match failure {
            Failure::Refused(reason) => reason.into(),
            Failure::Store(error) => error.into(),
        }
    }
}

const fn stock_code(error: &StockError) -> &'static str {
    match error {
        StockError::Reserved { .. } => "product_reserved",
        StockError::BelowReserved { .. } => "stock_below_reserved",
        StockError::NotHeld { .. } => "not_reserved",
        StockError::TooMany { .. } => "stock_overflow",
        StockError::UnknownProduct(_) => "product_not_found",
        StockError::OtherLines(_) => "reservation_differs",
        StockError::ReleasedFirst(_) => "reservation_released",
    }
}
