//! A circuit breaker: stops asking a peer that is away, and finds out when it is back.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// When a breaker opens and when it tries again.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before one call may probe.
    pub pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(2) }
    }
}

/// What a call says of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answered.
    There,
    /// It could not be reached or did not answer in time.
    Away,
    /// Nothing.
    Unknown,
}

/// The breaker changed its mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
}

/// Closed: calls pass. Open: none passes. Half open: one passes and decides.
#[derive(Debug)]
pub struct Breaker(Mutex<Machine>);

impl Breaker {
    /// A closed breaker.
    pub const fn new(settings: BreakerSettings) -> Self {
        Self(Mutex::new(Machine { settings, state: State::Closed { failures: 0 } }))
    }

    /// Whether calls are held back.
    pub fn is_open(&self) -> bool {
        !matches!(self.machine().state, State::Closed { .. })
    }

    /// Lets a call pass, or says how long to wait.
    pub(super) fn admit(&self) -> Result<Pass<'_>, Duration> {
        let probe = self.machine().admit(Instant::now())?;
        Ok(Pass { breaker: self, probe, settled: false })
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. Dropped without a verdict (its caller went away), it tells nothing, and another may probe.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
    settled: bool,
}

impl Pass<'_> {
    pub(super) fn settle(mut self, verdict: Verdict) -> Option<Change> {
        self.settled = true;
        self.breaker.machine().settle(self.probe, verdict, Instant::now())
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.breaker.machine().settle(self.probe, Verdict::Unknown, Instant::now());
        }
    }
}

#[derive(Debug)]
struct Machine {
    settings: BreakerSettings,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen,
}

impl Machine {
    /// Whether the call is the probe; or how long to wait.
    fn admit(&mut self, now: Instant) -> Result<bool, Duration> {
        match self.state {
            State::Closed { .. } => Ok(false),
            State::Open { until } if until <= now => {
                self.state = State::HalfOpen;
                Ok(true)
            }
            State::Open { until } => Err(until - now),
            State::HalfOpen => Err(self.settings.pause),
        }
    }

    fn settle(&mut self, probe: bool, verdict: Verdict, now: Instant) -> Option<Change> {
        match (self.state, verdict) {
            (State::Closed { .. }, Verdict::There) => {
                self.state = State::Closed { failures: 0 };
                None
            }
            (State::Closed { failures }, Verdict::Away) => self.count(failures.saturating_add(1), now),
            (State::HalfOpen, Verdict::There) if probe => {
                self.state = State::Closed { failures: 0 };
                Some(Change::Closed)
            }
            (State::HalfOpen, Verdict::Away) if probe => {
                self.open(now + self.settings.pause);
                None
            }
            (State::HalfOpen, Verdict::Unknown) if probe => {
                self.open(now);
                None
            }
            // Calls from before the breaker opened come too late to matter.
            _ => None,
        }
    }

    fn count(&mut self, failures: u32, now: Instant) -> Option<Change> {
        if failures < self.settings.failures {
            self.state = State::Closed { failures };
            return None;
        }
        self.open(now + self.settings.pause);
        Some(Change::Opened)
    }

    const fn open(&mut self, until: Instant) {
        self.state = State::Open { until };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);

    fn machine() -> (Machine, Instant) {
        let settings = BreakerSettings { failures: 3, pause: PAUSE };
        (Machine { settings, state: State::Closed { failures: 0 } }, Instant::now())
    }

    fn opened() -> (Machine, Instant) {
        let (mut machine, now) = machine();
        for _ in 0..3 {
            machine.settle(false, Verdict::Away, now);
        }
        (machine, now)
    }

    #[test]
    fn opens_after_failures_in_a_row() {
        let (mut machine, now) = machine();
        assert_eq!(machine.settle(false, Verdict::Away, now), None);
        assert_eq!(machine.settle(false, Verdict::Away, now), None);
        assert_eq!(machine.settle(false, Verdict::Away, now), Some(Change::Opened));
        assert_eq!(machine.admit(now), Err(PAUSE));
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let (mut machine, now) = machine();
        for verdict in [Verdict::Away, Verdict::Away, Verdict::There, Verdict::Away, Verdict::Away] {
            assert_eq!(machine.settle(false, verdict, now), None);
        }
        assert_eq!(machine.admit(now), Ok(false));
    }

    #[test]
    fn an_unknown_verdict_counts_neither_way() {
        let (mut machine, now) = machine();
        for verdict in [Verdict::Away, Verdict::Away, Verdict::Unknown] {
            machine.settle(false, verdict, now);
        }
        assert_eq!(machine.settle(false, Verdict::Away, now), Some(Change::Opened));
    }

    #[test]
    fn one_probe_after_the_pause_decides() {
        let (mut machine, now) = opened();
        assert_eq!(machine.admit(now + PAUSE / 2), Err(PAUSE / 2));
        assert_eq!(machine.admit(now + PAUSE), Ok(true));
        assert!(machine.admit(now + PAUSE).is_err());
        assert_eq!(machine.settle(true, Verdict::There, now + PAUSE), Some(Change::Closed));
        assert_eq!(machine.admit(now + PAUSE), Ok(false));
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let (mut machine, now) = opened();
        assert_eq!(machine.admit(now + PAUSE), Ok(true));
        assert_eq!(machine.settle(true, Verdict::Away, now + PAUSE), None);
        assert_eq!(machine.admit(now + PAUSE), Err(PAUSE));
    }

    #[test]
    fn late_answers_do_not_disturb() {
        let (mut machine, now) = opened();
        assert_eq!(machine.settle(false, Verdict::There, now), None);
        assert_eq!(machine.admit(now + PAUSE), Ok(true));
        assert_eq!(machine.settle(false, Verdict::There, now + PAUSE), None);
        assert_eq!(machine.settle(false, Verdict::Away, now + PAUSE), None);
        assert_eq!(machine.settle(true, Verdict::There, now + PAUSE), Some(Change::Closed));
    }

    #[test]
    fn an_abandoned_probe_lets_another_one_pass() {
        let breaker = Breaker::new(BreakerSettings { failures: 1, pause: Duration::ZERO });
        assert_eq!(breaker.admit().unwrap().settle(Verdict::Away), Some(Change::Opened));
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        drop(probe);
        assert_eq!(breaker.admit().unwrap().settle(Verdict::There), Some(Change::Closed));
        assert!(!breaker.is_open());
    }
}
