//! Whether a failed call is repeated, and after which pause.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kernel_application::ErrorClass;

use super::{Call, Peer, PeerError, attempt::Deadline};

/// What one retry costs and what one call earns: retries are at most a tenth of the calls when a peer is down for long.
const COST: u32 = 10;
const EARNED: u32 = 1;

/// A purse of retries, so that a peer in trouble does not get a multiple of its load.
#[derive(Debug)]
pub(super) struct RetryBudget {
    max: u32,
    balance: Mutex<u32>,
}

impl RetryBudget {
    /// Starts full, with `retries` in it.
    pub(super) fn new(retries: u32) -> Self {
        let max = retries.saturating_mul(COST);
        Self { max, balance: Mutex::new(max) }
    }

    /// Every call earns a part of a retry.
    pub(super) fn deposit(&self) {
        let mut balance = self.balance.lock().unwrap_or_else(PoisonError::into_inner);
        *balance = balance.saturating_add(EARNED).min(self.max);
    }

    /// Takes one retry, where there is one.
    fn withdraw(&self) -> bool {
        let mut balance = self.balance.lock().unwrap_or_else(PoisonError::into_inner);
        let left = balance.checked_sub(COST);
        *balance = left.unwrap_or(*balance);
        left.is_some()
    }
}

impl Peer {
    /// `None` where the failure stands.
    pub(super) fn pause_before_retry(
        &self,
        call: Call,
        retries: u32,
        failed: &PeerError,
        deadline: Deadline,
    ) -> Option<Duration> {
        let settings = &self.settings;
        // A call that never left (`circuit_open`) is not worth a retry either.
        let sent = std::error::Error::source(failed).is_some();
        let may_pass = failed.class() == ErrorClass::Unavailable && !failed.is_refusal();
        let worth_it = sent && call.is_repeatable() && may_pass;
        if !worth_it || retries >= settings.max_retries {
            return None;
        }
        let longest = settings.retry_base.saturating_mul(1 << retries.min(16)).min(settings.retry_cap);
        let pause = full_jitter(longest, random());
        (pause < deadline.remaining() && self.budget.withdraw()).then_some(pause)
    }
}

/// Anything between nothing and `longest`.
fn full_jitter(longest: Duration, random: u64) -> Duration {
    let longest = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(random % longest.saturating_add(1).max(1))
}

/// The standard library seeds each hasher anew: enough to spread retries.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_runs_dry_and_is_earned_back() {
        let budget = RetryBudget::new(2);
        assert!(budget.withdraw() && budget.withdraw());
        assert!(!budget.withdraw());
        (0..9).for_each(|_| budget.deposit());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
    }

    #[test]
    fn the_budget_never_exceeds_its_size() {
        let budget = RetryBudget::new(1);
        (0..100).for_each(|_| budget.deposit());
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    #[test]
    fn jitter_stays_in_range_and_spreads() {
        let longest = Duration::from_millis(100);
        let pauses: Vec<_> = (0..200).map(|_| full_jitter(longest, random())).collect();
        assert!(pauses.iter().all(|pause| *pause <= longest));
        assert!(pauses.iter().any(|pause| *pause < longest / 4));
        assert!(pauses.iter().any(|pause| *pause > longest / 4 * 3));
        assert_eq!(full_jitter(Duration::ZERO, u64::MAX), Duration::ZERO);
    }
}
