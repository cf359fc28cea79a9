//! How a store fails, without naming its driver.

use crate::{BoxError, ErrorClass, UseCaseError};

/// The error of every port that stores. Absence is never an error: ports answer `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer saved the aggregate first: load again and decide again.
    #[error("{0} was changed by somebody else at the same time")]
    Conflict(&'static str),
    /// A unique rule of the store, named, forbids the write.
    #[error("{0} exists already")]
    Duplicate(&'static str),
    /// The delivery in the context was applied before; its position has been moved on.
    #[error("event was applied before")]
    AlreadyApplied,
    /// The claim or delivery in the context is no longer held; nothing was written.
    #[error("claim was taken over by another worker")]
    Fenced,
    /// The store cannot be reached or answers too late.
    #[error("{store} is unavailable ({operation})")]
    Unavailable {
        /// The store's name, such as `product store`.
        store: &'static str,
        /// What was tried.
        operation: &'static str,
        /// The driver's error.
        #[source]
        source: BoxError,
    },
    /// The store answered with something we did not expect.
    #[error("{store} failed ({operation})")]
    Failed {
        /// The store's name.
        store: &'static str,
        /// What was tried.
        operation: &'static str,
        /// The driver's error.
        #[source]
        source: BoxError,
    },
}

impl UseCaseError for StoreError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Conflict(_) | Self::Duplicate(_) | Self::AlreadyApplied | Self::Fenced => {
                ErrorClass::Contended
            }
            Self::Unavailable { .. } => ErrorClass::Unavailable,
            Self::Failed { .. } => ErrorClass::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Conflict(_) | Self::Fenced => "concurrent_change",
            Self::Duplicate(_) => "duplicate",
            Self::AlreadyApplied => "already_applied",
            Self::Unavailable { .. } => "store_unavailable",
            Self::Failed { .. } => "internal",
        }
    }
}
