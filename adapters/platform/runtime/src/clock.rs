//! The real clock and the real ids.

use chrono::{SubsecRound, Utc};
use kernel_application::{Clock, IdGenerator};
use kernel_domain::Timestamp;
use uuid::Uuid;

/// Tells the machine's time, to the microsecond: stores keep no more, and a value read back must equal the one saved.
#[derive(Clone, Copy, Debug, Default, shaku::Component)]
#[shaku(interface = Clock)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }
}

/// Makes ids of UUIDv7. Within the process each is greater than the one before, even within a millisecond.
#[derive(Clone, Copy, Debug, Default, shaku::Component)]
#[shaku(interface = IdGenerator)]
pub struct UuidV7Generator;

impl IdGenerator for UuidV7Generator {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered() {
        let ids: Vec<Uuid> = (0..10_000).map(|_| UuidV7Generator.next()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert_eq!(ids[0].get_version_num(), 7);
    }

    #[test]
    fn time_has_microseconds() {
        assert_eq!(SystemClock.now().timestamp_subsec_nanos() % 1000, 0);
    }
}
