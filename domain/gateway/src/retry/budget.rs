//! How many requests may be repeated in all.
//!
//! A bucket of tokens that expire, as in Finagle: every request that is sent puts a part of a token in, every retry takes
//! one out.
//! While all goes well retries are free; when a service is down they add a fifth to its load, not a multiple.

use std::time::Duration;

use crate::{Moment, Share, Tally, rolling::RollingWindow};

/// How many of the requests may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// So much of the requests.
    pub share: Share,
    /// And so many besides in each [`BudgetSettings::time_to_live`], so that a service with few requests can repeat at
    /// all.
    pub reserve: u32,
    /// How long a request counts.
    pub time_to_live: Duration,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { share: Share::FIFTH, reserve: 10, time_to_live: Duration::from_secs(10) }
    }
}

/// The bucket. Shared by all requests of a service, without a lock.
#[derive(Debug)]
pub struct RetryBudget {
    settings: BudgetSettings,
    /// Calls are requests, marks are retries.
    window: RollingWindow,
}

impl RetryBudget {
    /// Holds the reserve only.
    pub fn new(settings: BudgetSettings) -> Self {
        Self { settings, window: RollingWindow::new(settings.time_to_live) }
    }

    /// A request is sent to a backend for the first time. Those that are turned away MUST NOT be counted: the more of them
    /// there were, the more often the others could be repeated.
    pub fn deposit(&self, now: Moment) {
        self.window.add(now, 1, 0);
    }

    /// Takes one retry out, where there is one.
    pub fn withdraw(&self, now: Moment) -> bool {
        // Taken before it is looked whether it was there: two threads never take the last one both.
        self.window.add(now, 0, 1);
        let Tally { calls, marked } = self.window.tally(now);
        let granted = marked <= self.allowed(calls);
        if !granted {
            self.window.unmark(now);
        }
        granted
    }

    /// The retry that was taken out at `taken` was not made.
    pub fn put_back(&self, taken: Moment) {
        self.window.unmark(taken);
    }

    /// The retries that are left now.
    pub fn balance(&self, now: Moment) -> u64 {
        let Tally { calls, marked } = self.window.tally(now);
        self.allowed(calls).saturating_sub(marked)
    }

    fn allowed(&self, requests: u64) -> u64 {
        self.settings.share.of(requests) + u64::from(self.settings.reserve)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::after_start(Duration::from_millis(millis))
    }

    fn budget(reserve: u32) -> RetryBudget {
        RetryBudget::new(BudgetSettings { reserve, ..BudgetSettings::default() })
    }

    fn withdraw_all(budget: &RetryBudget, millis: u64) -> usize {
        (0..1_000).take_while(|_| budget.withdraw(at(millis))).count()
    }

    #[test]
    fn a_fifth_of_the_requests_may_be_repeated_and_the_reserve() {
        let budget = budget(3);
        assert_eq!(withdraw_all(&budget, 0), 3);
        (0..100).for_each(|_| budget.deposit(at(100)));
        assert_eq!(budget.balance(at(100)), 20);
        assert_eq!(withdraw_all(&budget, 200), 20);
        assert_eq!(budget.balance(at(200)), 0);
    }

    #[test]
    fn old_requests_buy_nothing_and_old_retries_cost_nothing() {
        let budget = budget(3);
        (0..100).for_each(|_| budget.deposit(at(0)));
        assert_eq!(withdraw_all(&budget, 10_000), 3);
        assert_eq!(withdraw_all(&budget, 20_000), 3);
    }

    #[test]
    fn a_retry_that_was_not_made_is_there_for_another_request() {
        let budget = budget(1);
        assert!(budget.withdraw(at(900)) && !budget.withdraw(at(1_100)));
        budget.put_back(at(900));
        assert_eq!(budget.balance(at(1_100)), 1);
        assert!(budget.withdraw(at(1_100)) && !budget.withdraw(at(1_200)));
    }

    #[test]
    fn threads_do_not_overdraw_it() {
        let budget = budget(10);
        (0..1_000).for_each(|_| budget.deposit(at(0)));
        let granted: usize = std::thread::scope(|scope| {
            let count = || (0..500).filter(|_| budget.withdraw(at(1))).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // Threads that overtake each other may both be refused, so that a few may be left, but never too many granted.
        assert!((200..=210).contains(&granted), "{granted}");
    }

    proptest! {
        #[test]
        fn retries_never_exceed_the_share(steps in proptest::collection::vec((0_u64..300, any::<bool>()), 1..300)) {
            let budget = budget(2);
            let (mut millis, mut requests, mut retries) = (0, Vec::new(), Vec::new());
            for (step, is_request) in steps {
                millis += step;
                let live = |ticks: &[u64]| ticks.iter().filter(|tick| **tick + 10 > millis / 1_000).count();
                if is_request {
                    budget.deposit(at(millis));
                    requests.push(millis / 1_000);
                } else {
                    let expected = live(&retries) < live(&requests) / 5 + 2;
                    prop_assert_eq!(budget.withdraw(at(millis)), expected);
                    retries.extend(expected.then_some(millis / 1_000));
                }
            }
        }
    }
}
