//! When a breaker opens and closes.

use std::{num::NonZeroU32, time::Duration};

use crate::Share;

/// One breaker's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// The rolling window over which failures are counted while closed.
    pub interval: Duration,
    /// How long it stays open before it lets trials through.
    pub timeout: Duration,
    /// How many trials one half-open period lets through; all of them must succeed for it to close.
    pub max_requests: NonZeroU32,
    /// The share of failed calls in the window at which it opens.
    pub failure_rate: Share,
    /// Below so many calls in the window it does not open: one failure at night is no rate.
    pub minimum_calls: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(1),
            timeout: Duration::from_secs(30),
            max_requests: NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN),
            failure_rate: Share::HALF,
            minimum_calls: 20,
        }
    }
}
