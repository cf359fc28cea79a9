//! Why a caller is turned away.

use crate::{ErrorClass, UseCaseError};

/// The caller may not do this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// An identity is needed, and there is none.
    #[error("this needs a token; send `Authorization: Bearer …`")]
    Unauthenticated,
    /// The identity is known, and is not let in.
    #[error("this is not yours, or needs a role that your token does not have")]
    Forbidden,
}

impl UseCaseError for Denied {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unauthenticated => ErrorClass::Unauthenticated,
            Self::Forbidden => ErrorClass::Forbidden,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
        }
    }
}
