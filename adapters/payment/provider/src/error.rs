//! Calls that bring no answer that can be trusted, and addresses that cannot be used.

use kernel_application::BoxError;
use payment_application::ProviderFailure;

/// Why the provider's answer is missing. Whatever it was, what was asked for may have happened.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// As many calls are under way as may be.
    #[error("too many calls to the payment provider are under way")]
    Busy,
    /// The call took too long.
    #[error("payment provider did not answer in time")]
    Timeout,
    /// The connection was not made, or broke.
    #[error("payment provider cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The answer exceeds the limit.
    #[error("answer of the payment provider is longer than {0} bytes")]
    TooLong(usize),
    /// The provider answered with a status that says nothing of the money.
    #[error("payment provider answered {status} {code}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The provider's code, empty where it sent none.
        code: String,
    },
    /// The answer is not what the provider's documentation promises.
    #[error("answer of the payment provider cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The answer belongs to another charge.
    #[error("payment provider answered for another key")]
    OtherKey,
}

impl From<CallError> for ProviderFailure {
    fn from(error: CallError) -> Self {
        Self { source: error.into() }
    }
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{url:?} is no address of a payment provider, expected http://host:port or https://host")]
pub struct ProviderUrlError {
    pub(crate) url: String,
    #[source]
    pub(crate) source: Option<BoxError>,
}
