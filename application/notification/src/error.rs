//! How use cases of this context fail.

use kernel_application::{Denied, ErrorClass, StoreError, UseCaseError};
use kernel_domain::{Violation, Violations};

use crate::PageError;

/// The error of every use case of this context.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// The input breaks rules.
    #[error("request is not valid")]
    Invalid(#[from] Violations),
    /// There is no such notification.
    #[error("notification {0} does not exist")]
    NotFound(String),
    /// The caller is not let in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PageError> for NotificationError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Cursor(cursor) => Self::Invalid(cursor.into()),
            PageError::Store(error) => Self::Store(error),
        }
    }
}

impl UseCaseError for NotificationError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) => ErrorClass::Invalid,
            Self::NotFound(_) => ErrorClass::NotFound,
            Self::Denied(denied) => denied.class(),
            Self::Store(error) => error.class(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_failed",
            Self::NotFound(_) => "notification_not_found",
            Self::Denied(denied) => denied.code(),
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
