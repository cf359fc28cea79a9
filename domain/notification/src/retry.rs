//! When a failed attempt is repeated.

use chrono::TimeDelta;
use kernel_domain::Timestamp;

/// Exponential backoff: `base`, four times as long after each failure, never above `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The pause after the first failure.
    pub base: TimeDelta,
    /// The longest pause.
    pub cap: TimeDelta,
    /// After that many attempts the notification has failed; at least 1 is made.
    pub max_attempts: u32,
    /// After that long it has failed, too, however many attempts were made.
    pub deadline: TimeDelta,
}

impl RetryPolicy {
    /// When to try again after `attempts` failures; `None` where nothing more is tried.
    pub fn next_attempt(&self, attempts: u32, created_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        if attempts >= self.max_attempts || self.is_over(created_at, now) {
            return None;
        }
        now.checked_add_signed(self.pause(attempts))
    }

    /// Whether the deadline has passed.
    pub fn is_over(&self, created_at: Timestamp, now: Timestamp) -> bool {
        now - created_at >= self.deadline
    }

    fn pause(&self, attempts: u32) -> TimeDelta {
        let factor = 4_i32.checked_pow(attempts.saturating_sub(1));
        factor.and_then(|factor| self.base.checked_mul(factor)).map_or(self.cap, |pause| pause.min(self.cap))
    }
}

/// Six attempts within nine minutes: after 2 s, 8 s, 32 s, 2 min and 5 min; given up after a day at the latest.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: TimeDelta::seconds(2),
            cap: TimeDelta::minutes(5),
            max_attempts: 6,
            deadline: TimeDelta::days(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn the_default_backs_off_and_ends() {
        let policy = RetryPolicy::default();
        let pauses: Vec<_> = (1..=6)
            .map(|attempts| policy.next_attempt(attempts, START, START).map(|at| (at - START).num_seconds()))
            .collect();
        assert_eq!(pauses, [Some(2), Some(8), Some(32), Some(128), Some(300), None]);
    }

    #[test]
    fn nothing_is_tried_after_the_deadline() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.next_attempt(1, START, START + TimeDelta::days(1)), None);
    }

    proptest! {
        #[test]
        fn pauses_grow_up_to_the_cap(base in 1_i64..100_000, cap in 1_i64..1_000_000, max in 1_u32..1_000) {
            let (base, cap) = (TimeDelta::milliseconds(base), TimeDelta::milliseconds(cap));
            let policy = RetryPolicy { base, cap, max_attempts: max, deadline: TimeDelta::days(1) };
            let mut last = TimeDelta::zero();
            for attempts in 1..max {
                let next = policy.next_attempt(attempts, START, START).map(|at| at - START);
                let Some(pause) = next else { return Err(TestCaseError::fail("ended early")) };
                prop_assert!(pause >= last && pause <= cap);
                last = pause;
            }
            prop_assert_eq!(policy.next_attempt(max, START, START), None);
        }
    }
}
