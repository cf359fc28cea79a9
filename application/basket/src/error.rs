//! How the use cases of this context fail.

use basket_domain::Refusal;
use kernel_application::{Denied, ErrorClass, StoreError, UseCaseError};
use kernel_domain::{MoneyError, ProductId, UserId, Violation, Violations};

use crate::ports::CatalogError;

/// One variant per way to fail; inbound adapters turn class and code into their protocol's answer.
#[derive(Debug, thiserror::Error)]
pub enum BasketError {
    /// Fields of the input break rules.
    #[error("request is not valid")]
    Invalid(#[from] Violations),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The user has no basket, or had one that expired.
    #[error("user {0} has no basket")]
    BasketNotFound(UserId),
    /// The catalogue has no such product.
    #[error("product {0} does not exist")]
    ProductNotFound(ProductId),
    /// The basket's rules forbid the change.
    #[error(transparent)]
    Refused(Refusal),
    /// The catalogue could not be asked.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UseCaseError for BasketError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) => ErrorClass::Invalid,
            Self::Denied(denied) => denied.class(),
            Self::BasketNotFound(_) | Self::ProductNotFound(_) | Self::Refused(Refusal::ItemNotFound(_)) => {
                ErrorClass::NotFound
            }
            Self::Refused(_) => ErrorClass::Conflict,
            Self::Catalog(error) => error.class(),
            Self::Store(error) => error.class(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_failed",
            Self::Denied(denied) => denied.code(),
            Self::BasketNotFound(_) => "basket_not_found",
            Self::ProductNotFound(_) => "product_not_found",
            Self::Refused(refusal) => refusal_code(refusal),
            Self::Catalog(error) => error.code(),
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

fn refusal_code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::InsufficientStock { .. } => "insufficient_stock",
        Refusal::ItemNotFound(_) => "item_not_found",
        Refusal::Full => "basket_full",
        Refusal::Amount(MoneyError::Currencies(..)) => "currency_mismatch",
        Refusal::Quantity(_) | Refusal::Amount(_) => "validation_failed",
    }
}

/// A line or a total that would be too large is the caller's input gone wrong, not a state to wait for.
impl From<Refusal> for BasketError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Quantity(violation) => Self::Invalid(violation.into()),
            Refusal::Amount(error @ (MoneyError::Overflow | MoneyError::NotExact)) => {
                Self::Invalid(Violation::new("quantity", "amount_too_large", error.to_string()).into())
            }
            refusal => Self::Refused(refusal),
        }
    }
}
