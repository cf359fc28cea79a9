//! GCRA, the generic cell rate algorithm: a rate and a burst in one number per client.
//!
//! The number is the *theoretical arrival time*: when the client's next request would come if it kept to the rate. A
//! request may be early by the burst. The same arithmetic runs in a shared store, which keeps the same number.

use std::{num::NonZeroU32, time::Duration};

use kernel_domain::Violation;

use crate::moment::{Moment, nanos};

/// So many requests in a window, and so many of them at once.
///
/// Over any time `t`, at most `burst + t / interval` requests are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    interval: u64,
    burst: u32,
    requests: NonZeroU32,
    window: Duration,
}

impl Quota {
    /// `requests` per `window`, spread evenly, apart from `burst` at once.
    pub fn new(requests: NonZeroU32, window: Duration, burst: NonZeroU32) -> Result<Self, Violation> {
        let refused = |message| Violation::new("rate_limit", "out_of_range", message);
        let interval = nanos(window) / u64::from(requests.get());
        if interval == 0 {
            return Err(refused("must be at most one request in a nanosecond"));
        }
        // What has to be added to a time of this century must not overflow it.
        if interval.checked_mul(u64::from(burst.get())).is_none_or(|tolerance| tolerance > u64::MAX / 4) {
            return Err(refused("must let a burst recover within a hundred years"));
        }
        Ok(Self { interval, burst: burst.get(), requests, window })
    }

    /// So many requests are earned in a window.
    pub const fn requests(&self) -> u32 {
        self.requests.get()
    }

    /// The window.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// The time in which one request is earned.
    pub const fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    /// The most requests at once.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// Decides on a request. `arrival` is the number that is kept for the client: [`Moment::START`] for one that is not
    /// known, or whose number has passed. It changes only where the request is allowed.
    pub fn decide(&self, arrival: &mut Moment, now: Moment) -> Decision {
        let earned = arrival.as_nanos().max(now.as_nanos());
        let next = earned.saturating_add(self.interval);
        let early = next - now.as_nanos();
        let limit = self.burst;
        if early > self.tolerance() {
            let retry_after = Duration::from_nanos(early - self.tolerance());
            let reset = arrival.since(now);
            return Decision { limit, remaining: 0, reset, refused: Some(retry_after) };
        }
        *arrival = Moment::from_nanos(next);
        let remaining = (self.tolerance() - early) / self.interval;
        let remaining = u32::try_from(remaining).unwrap_or(limit);
        Decision { limit, remaining, reset: Duration::from_nanos(early), refused: None }
    }

    /// How far the next request may lie ahead.
    const fn tolerance(&self) -> u64 {
        self.interval * self.burst as u64
    }
}

/// Answer to one request, with the figures of the `RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The most requests at once: `RateLimit-Limit`.
    pub limit: u32,
    /// So many more would be allowed now: `RateLimit-Remaining`.
    pub remaining: u32,
    /// When the whole burst is there again: `RateLimit-Reset`.
    pub reset: Duration,
    /// `None` where the request is allowed, otherwise when the next one will be: `Retry-After`.
    pub refused: Option<Duration>,
}

impl Decision {
    /// Whether the request may go on.
    pub const fn is_allowed(&self) -> bool {
        self.refused.is_none()
    }
}

/// Whole seconds as headers have them: rounded up, so that nobody comes back too early.
pub fn header_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn quota(requests: u32, window: Duration, burst: u32) -> Quota {
        Quota::new(NonZeroU32::new(requests).unwrap(), window, NonZeroU32::new(burst).unwrap()).unwrap()
    }

    fn at(millis: u64) -> Moment {
        Moment::after_start(Duration::from_millis(millis))
    }

    #[test]
    fn a_burst_is_allowed_and_earned_again() {
        let quota = quota(100, Duration::from_mins(1), 10);
        let mut arrival = Moment::START;
        let now = at(5_000);
        let left: Vec<_> = (0..10).map(|_| quota.decide(&mut arrival, now).remaining).collect();
        assert_eq!(left, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        let refused = quota.decide(&mut arrival, now);
        let retry_after = Duration::from_millis(600);
        assert_eq!(
            refused,
            Decision { limit: 10, remaining: 0, reset: Duration::from_secs(6), refused: Some(retry_after) }
        );
        assert!(!quota.decide(&mut arrival, at(5_599)).is_allowed());
        let next = quota.decide(&mut arrival, at(5_600));
        assert!(next.is_allowed() && next.remaining == 0);
        assert_eq!(quota.decide(&mut arrival, at(60_000)).remaining, 9);
    }

    #[test]
    fn headers_round_up() {
        assert_eq!(
            [0, 1, 999, 1_000, 1_001].map(|ms| header_seconds(Duration::from_millis(ms))),
            [0, 1, 1, 1, 2]
        );
    }

    #[test]
    fn rates_beyond_all_measure_are_refused() {
        let (one, most) = (NonZeroU32::MIN, NonZeroU32::MAX);
        assert!(Quota::new(most, Duration::from_nanos(1), one).is_err());
        assert!(Quota::new(one, Duration::MAX, most).is_err());
    }

    proptest! {
        #[test]
        fn no_window_ever_has_more_than_burst_and_rate(
            (requests, burst) in (1_u32..50, 1_u32..20),
            steps in vec(prop_oneof![Just(0_u64), 0_u64..50, 0_u64..3_000], 1..150),
        ) {
            let quota = quota(requests, Duration::from_secs(10), burst);
            let mut arrival = Moment::START;
            let mut now = 0;
            let mut allowed: Vec<u64> = Vec::new();
            for step in steps {
                now += step;
                let decision = quota.decide(&mut arrival, at(now));
                if decision.is_allowed() {
                    allowed.push(now);
                }
                prop_assert!(decision.remaining < burst);
                prop_assert!(decision.reset <= quota.interval() * burst);
            }
            let interval = quota.interval().as_nanos();
            for (index, first) in allowed.iter().enumerate() {
                for (count, last) in allowed[index..].iter().enumerate() {
                    let window = u128::from(last - first) * 1_000_000;
                    prop_assert!((count as u128) < u128::from(burst) + window / interval);
                }
            }
        }

        #[test]
        fn what_it_promises_comes_true(
            (requests, burst) in (1_u32..50, 1_u32..20), steps in vec(0_u64..500, 1..100),
        ) {
            let quota = quota(requests, Duration::from_secs(10), burst);
            let mut arrival = Moment::START;
            let mut now = Moment::START;
            for step in steps {
                now = now.plus(Duration::from_millis(step));
                let decision = quota.decide(&mut arrival, now);
                let mut later = arrival;
                if let Some(wait) = decision.refused {
                    let just_before = now.plus(wait.checked_sub(Duration::from_nanos(1)).unwrap());
                    prop_assert!(!quota.decide(&mut later, just_before).is_allowed());
                    prop_assert!(quota.decide(&mut later, now.plus(wait)).is_allowed());
                } else {
                    let more = (0..=burst).take_while(|_| quota.decide(&mut later, now).is_allowed()).count();
                    prop_assert_eq!(more, decision.remaining as usize);
                }
            }
        }
    }
}
