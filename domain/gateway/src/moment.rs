//! Time as the algorithms see it: counted from the start of the process.
//!
//! The count is monotonic, because a wall clock that is set back would keep a breaker open and a client limited for as
//! long as it was set back. It is 64 bits of nanoseconds, because that fits into one atomic and lasts 584 years.

use std::time::Duration;

/// An instant, as the time since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The start of the process.
    pub const START: Self = Self(0);
    /// Later than everything.
    pub const NEVER: Self = Self(u64::MAX);

    /// `elapsed` after the start.
    pub fn after_start(elapsed: Duration) -> Self {
        Self(nanos(elapsed))
    }

    /// A count of nanoseconds since the start, as kept in an atomic.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time since `earlier`; nothing where that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The instant `time` later, [`Moment::NEVER`] at most.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }
}

/// The nanoseconds of a duration, as many as 64 bits hold.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_end_is_passed() {
        let second = Duration::from_secs(1);
        assert_eq!(Moment::START.plus(second).since(Moment::START), second);
        assert_eq!(Moment::START.since(Moment::START.plus(second)), Duration::ZERO);
        assert_eq!(Moment::NEVER.plus(second), Moment::NEVER);
        assert_eq!(Moment::after_start(Duration::MAX), Moment::NEVER);
    }
}
