//! The states of a breaker and the ways between them: plain, sequential, without any count of closed calls.

use super::{BreakerSettings, State};
use crate::Moment;

/// The state machine. Each change begins a new generation, by which outcomes of an older one are told.
#[derive(Debug)]
pub(super) struct Circuit {
    pub(super) phase: Phase,
    pub(super) generation: u64,
    pub(super) since: Moment,
    pub(super) trips: u64,
}

/// A state with what it needs to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    Open { until: Moment },
    ForcedOpen,
    HalfOpen { admitted: u32, succeeded: u32 },
}

impl Circuit {
    pub(super) const fn new() -> Self {
        Self { phase: Phase::Closed, generation: 0, since: Moment::START, trips: 0 }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::ForcedOpen => State::ForcedOpen,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// The earliest time at which a call may be let through; [`Moment::NEVER`] where that depends on other calls.
    pub(super) const fn passable_from(&self, settings: &BreakerSettings) -> Moment {
        match self.phase {
            Phase::Closed => Moment::START,
            Phase::Open { until } => until,
            Phase::HalfOpen { admitted, .. } if admitted < settings.max_requests.get() => Moment::START,
            Phase::ForcedOpen | Phase::HalfOpen { .. } => Moment::NEVER,
        }
    }

    /// Lets a call through where [`Circuit::passable_from`] allows it; time may turn open into half-open here.
    pub(super) fn admit(&mut self, settings: &BreakerSettings, now: Moment) -> bool {
        if now < self.passable_from(settings) {
            return false;
        }
        if matches!(self.phase, Phase::Open { .. }) {
            self.enter(Phase::HalfOpen { admitted: 0, succeeded: 0 }, now);
        }
        if let Phase::HalfOpen { admitted, .. } = &mut self.phase {
            *admitted += 1;
        }
        true
    }

    /// The outcome of a trial; those of other generations have been left out before.
    pub(super) fn trial_ended(&mut self, settings: &BreakerSettings, good: bool, now: Moment) {
        let Phase::HalfOpen { succeeded, .. } = &mut self.phase else { return };
        if !good {
            return self.trip(settings, now);
        }
        *succeeded += 1;
        if *succeeded >= settings.max_requests.get() {
            self.enter(Phase::Closed, now);
        }
    }

    /// A trial that said nothing gives its place to another.
    pub(super) const fn trial_cancelled(&mut self) {
        if let Phase::HalfOpen { admitted, .. } = &mut self.phase {
            *admitted = admitted.saturating_sub(1);
        }
    }

    pub(super) fn trip(&mut self, settings: &BreakerSettings, now: Moment) {
        self.trips += 1;
        self.enter(Phase::Open { until: now.plus(settings.timeout) }, now);
    }

    pub(super) const fn enter(&mut self, phase: Phase, now: Moment) {
        self.phase = phase;
        self.since = now;
        self.generation += 1;
    }
}
