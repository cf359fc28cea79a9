//! The circuit breaker of one backend.
//!
//! While it is closed, a call costs one load before and one update after it, both without a lock: the state machine
//! (`circuit`) stands behind a mutex that only changes of state and the calls outside the closed state take. What the
//! hot path must know of it is mirrored in two atomics.
//!
//! A new way to open belongs into [`Breaker::record`]; a new state into `circuit` and [`State`].

mod circuit;
#[cfg(test)]
mod model;
mod settings;

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Release},
        },
    },
    time::Duration,
};

use circuit::{Circuit, Phase};
pub use settings::BreakerSettings;

use crate::{
    Moment, Tally,
    outcome::{Outcome, Verdict},
    rolling::RollingWindow,
};

/// Stops calls to a backend that fails, and finds out when it no longer does. Shared by all calls.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    circuit: Mutex<Circuit>,
    /// The generation, shifted by one, and in the lowest bit whether it is closed.
    word: AtomicU64,
    /// See [`Circuit::passable_from`].
    passable_from: AtomicU64,
    window: RollingWindow,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        let window = RollingWindow::new(settings.interval);
        let word = AtomicU64::new(word(0, true));
        Self { settings, circuit: Mutex::new(Circuit::new()), word, passable_from: AtomicU64::new(0), window }
    }

    /// Whether [`Breaker::admit`] would probably let a call through. Changes nothing.
    pub fn is_passable(&self, now: Moment) -> bool {
        self.passable_from.load(Acquire) <= now.as_nanos()
    }

    /// Lets a call through, or says when to come again. The permit must come back by [`Breaker::record`].
    pub fn admit(&self, now: Moment) -> Result<Permit, Rejected> {
        let seen = self.word.load(Acquire);
        if is_closed(seen) {
            return Ok(Permit { generation: generation(seen), trial: false });
        }
        let mut circuit = self.lock();
        if circuit.admit(&self.settings, now) {
            self.mirror(&circuit);
            let trial = circuit.phase != Phase::Closed;
            return Ok(Permit { generation: circuit.generation, trial });
        }
        Err(Rejected { retry_after: self.retry_after(&circuit, now) })
    }

    /// What became of a call; answers the new state where that changed it.
    ///
    /// A call that was let through before the last change of state changes nothing any more.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is good for one call")]
    pub fn record(&self, permit: Permit, outcome: Outcome, now: Moment) -> Option<State> {
        if permit.trial {
            return self.record_trial(permit.generation, outcome.verdict(), now);
        }
        let counted = self.word.load(Acquire) == word(permit.generation, true);
        match outcome.verdict() {
            Verdict::Good if counted => self.window.add(now, 1, 0),
            Verdict::Bad if counted => {
                self.window.add(now, 1, 1);
                if self.has_failed_enough(now) {
                    return self.trip(permit.generation, now);
                }
            }
            _ => {}
        }
        None
    }

    /// Opens it until it is reset, whatever the backend does.
    pub fn force_open(&self, now: Moment) {
        let mut circuit = self.lock();
        circuit.enter(Phase::ForcedOpen, now);
        self.mirror(&circuit);
    }

    /// Closes it and forgets all failures; the number of trips stays.
    pub fn reset(&self, now: Moment) {
        let mut circuit = self.lock();
        circuit.enter(Phase::Closed, now);
        self.mirror(&circuit);
    }

    /// What there is to see.
    pub fn view(&self, now: Moment) -> BreakerView {
        let circuit = self.lock();
        BreakerView {
            state: circuit.state(),
            time_in_state: now.since(circuit.since),
            trips: circuit.trips,
            window: self.window.tally(now),
            retry_after: self.retry_after(&circuit, now),
        }
    }

    fn record_trial(&self, generation: u64, verdict: Verdict, now: Moment) -> Option<State> {
        let mut circuit = self.lock();
        if circuit.generation != generation {
            return None;
        }
        match verdict {
            Verdict::Unknown => circuit.trial_cancelled(),
            Verdict::Good | Verdict::Bad => {
                circuit.trial_ended(&self.settings, verdict == Verdict::Good, now);
            }
        }
        self.mirror(&circuit);
        (circuit.generation != generation).then(|| circuit.state())
    }

    fn has_failed_enough(&self, now: Moment) -> bool {
        let Tally { calls, marked } = self.window.tally(now);
        calls >= u64::from(self.settings.minimum_calls)
            && self.settings.failure_rate.is_reached(marked, calls)
    }

    /// Many calls may find at once that it is time; the first one opens it.
    fn trip(&self, generation: u64, now: Moment) -> Option<State> {
        let mut circuit = self.lock();
        if circuit.generation != generation {
            return None;
        }
        circuit.trip(&self.settings, now);
        self.mirror(&circuit);
        Some(circuit.state())
    }

    /// Shows the hot path what the circuit is now. A closed period starts without the failures of the last one.
    fn mirror(&self, circuit: &Circuit) {
        let closed = circuit.phase == Phase::Closed;
        let next = word(circuit.generation, closed);
        if closed && self.word.load(Acquire) != next {
            self.window.clear();
        }
        self.passable_from.store(circuit.passable_from(&self.settings).as_nanos(), Release);
        self.word.store(next, Release);
    }

    fn retry_after(&self, circuit: &Circuit, now: Moment) -> Option<Duration> {
        let from = circuit.passable_from(&self.settings);
        (from > now && from != Moment::NEVER).then(|| from.since(now))
    }

    /// A thread that panicked here left a whole state behind: every change is one assignment after another.
    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn word(generation: u64, closed: bool) -> u64 {
    generation << 1 | closed as u64
}

const fn generation(word: u64) -> u64 {
    word >> 1
}

const fn is_closed(word: u64) -> bool {
    word & 1 == 1
}

/// That one call may go to the backend.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a trial that is never recorded keeps its place for ever"]
pub struct Permit {
    generation: u64,
    trial: bool,
}

impl Permit {
    /// Whether the call is one of the few that find out whether the backend works again.
    pub const fn is_trial(&self) -> bool {
        self.trial
    }
}

/// The breaker lets no call through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("circuit breaker is open")]
pub struct Rejected {
    /// When it will; `None` where that depends on trials under way, or on an operator.
    pub retry_after: Option<Duration>,
}

/// Whether calls go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All do.
    Closed,
    /// None does, until its time is up.
    Open,
    /// None does, until an operator resets it.
    ForcedOpen,
    /// A few do, to find out.
    HalfOpen,
}

impl State {
    /// The name in logs, metrics and answers: `half_open`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::ForcedOpen => "forced_open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A breaker at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerView {
    /// The state. An open breaker whose time is up shows as open until the next call makes it half-open.
    pub state: State,
    /// Since when it is in it.
    pub time_in_state: Duration,
    /// How often it has opened by itself.
    pub trips: u64,
    /// The calls and failures of the window.
    pub window: Tally,
    /// How long it stays open.
    pub retry_after: Option<Duration>,
}
