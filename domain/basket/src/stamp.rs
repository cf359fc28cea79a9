//! When a change happens, and how long the basket lives after it.

use chrono::TimeDelta;
use kernel_domain::Timestamp;

/// The instant of a change and the life it gives the basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    now: Timestamp,
    ttl: TimeDelta,
}

impl Stamp {
    /// A change at `now`; the basket expires `ttl` later.
    pub const fn new(now: Timestamp, ttl: TimeDelta) -> Self {
        Self { now, ttl }
    }

    /// The instant of the change.
    pub const fn now(self) -> Timestamp {
        self.now
    }

    /// When the basket expires unless it changes before.
    pub fn expiry(self) -> Timestamp {
        self.now.checked_add_signed(self.ttl).unwrap_or(Timestamp::MAX_UTC)
    }
}
