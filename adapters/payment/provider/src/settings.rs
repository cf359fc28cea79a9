//! Where the provider is, and how patient its callers are.

use std::time::Duration;

/// Address and limits.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// The provider's address, `http://` or `https://` (`PROVIDER_URL`).
    pub url: String,
    /// Where the provider sends its callbacks; none are asked for where absent.
    pub callback_url: Option<String>,
    /// The longest a connection may take to be made.
    pub connect_timeout: Duration,
    /// The longest a call may take, the answer's body included. The caller's own deadline may be nearer.
    pub call_timeout: Duration,
    /// Calls at a time; one more fails at once.
    pub max_in_flight: usize,
    /// Bytes of an answer.
    pub max_answer_bytes: usize,
}

impl ProviderSettings {
    /// The provider at `url`: 2 s to connect, 5 s for a call, 64 calls at a time, 64 KiB an answer, no callbacks.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            callback_url: None,
            connect_timeout: Duration::from_secs(2),
            call_timeout: Duration::from_secs(5),
            max_in_flight: 64,
            max_answer_bytes: 64 * 1024,
        }
    }
}
