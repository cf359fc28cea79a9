//! How patient a peer's callers are.

use std::time::Duration;

use super::BreakerSettings;

/// Limits of calls to one peer.
#[derive(Clone, Debug)]
pub struct PeerSettings {
    /// The longest a connection may take to be made.
    pub connect_timeout: Duration,
    /// The longest a call may take, retries included.
    pub call_timeout: Duration,
    /// Calls at a time; one more fails at once.
    pub max_in_flight: usize,
    /// How often a safe call is repeated at most.
    pub max_retries: u32,
    /// The first pause is at most this long, the next twice that, and so on; full jitter.
    pub retry_base: Duration,
    /// No pause is longer.
    pub retry_cap: Duration,
    /// Retries in a row before calls have to earn them: ten calls earn one.
    pub retry_budget: u32,
    /// When to stop asking.
    pub breaker: BreakerSettings,
}

impl Default for PeerSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            call_timeout: Duration::from_secs(3),
            max_in_flight: 256,
            max_retries: 3,
            retry_base: Duration::from_millis(50),
            retry_cap: Duration::from_secs(1),
            retry_budget: 20,
            breaker: BreakerSettings::default(),
        }
    }
}
