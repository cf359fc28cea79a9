//! One backend in the roster.

use std::{sync::Arc, time::Duration};

use super::view::{Condition, MemberView};
use crate::{
    Moment, Weight,
    health::{Ejection, ProbeTally},
    member::Member,
};

/// A weight grows in so many steps: one step less than this is missing at the start.
pub(super) const RAMP_STEPS: u32 = 10;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) member: Arc<Member>,
    pub(super) weight: Weight,
    pub(super) probes: ProbeTally,
    pub(super) ejection: Ejection,
    pub(super) draining: bool,
    /// Since when its weight grows; `None` where it is whole.
    pub(super) warming_since: Option<Moment>,
}

impl Entry {
    pub(super) fn new(member: Arc<Member>, now: Moment) -> Self {
        Self {
            weight: member.backend().weight(),
            member,
            probes: ProbeTally::default(),
            ejection: Ejection::default(),
            draining: false,
            warming_since: Some(now),
        }
    }

    pub(super) const fn is_ready(&self) -> bool {
        !self.draining && self.probes.is_up() && self.ejection.until().is_none()
    }

    /// Ends what is over.
    pub(super) fn advance(&mut self, slow_start: Duration, now: Moment) {
        if self.ejection.end(now) {
            self.warming_since = Some(now);
        }
        if self.ramp_step(slow_start, now) == RAMP_STEPS {
            self.warming_since = None;
        }
    }

    /// How much of its weight it has, in tenths.
    pub(super) fn ramp_step(&self, slow_start: Duration, now: Moment) -> u32 {
        let Some(since) = self.warming_since else { return RAMP_STEPS };
        let elapsed = now.since(since);
        if elapsed >= slow_start {
            return RAMP_STEPS;
        }
        let step = elapsed.as_nanos() * u128::from(RAMP_STEPS - 1) / slow_start.as_nanos().max(1);
        u32::try_from(step).map_or(RAMP_STEPS, |step| (step + 1).min(RAMP_STEPS))
    }

    /// When it changes by itself: at the end of its ejection, or at its next step.
    pub(super) fn due(&self, slow_start: Duration, now: Moment) -> Option<Moment> {
        if let Some(until) = self.ejection.until() {
            return Some(until);
        }
        let since = self.warming_since?;
        let step = self.ramp_step(slow_start, now);
        // A nanosecond more than the division leaves, so that the step has been made when the time has come.
        let next =
            (slow_start * step / (RAMP_STEPS - 1)).min(slow_start).saturating_add(Duration::from_nanos(1));
        Some(since.plus(next))
    }

    /// When it may be ready again, where it is not; `up` is when probes may have brought it up.
    pub(super) fn returns(&self, up: Moment) -> Option<Moment> {
        let probes = (!self.probes.is_up()).then_some(up);
        probes.max(self.ejection.until())
    }

    pub(super) fn view(&self, slow_start: Duration, now: Moment) -> MemberView {
        MemberView {
            id: self.member.backend().id().to_owned(),
            weight: self.weight,
            condition: self.condition(slow_start, now),
            counts: self.member.gate().counts(),
            limits: self.member.gate().limits(),
            latency: Duration::from_secs_f64(self.member.latency().seconds(now)),
            breaker: self.member.breaker().map(|breaker| breaker.view(now)),
        }
    }

    fn condition(&self, slow_start: Duration, now: Moment) -> Condition {
        if self.draining {
            return Condition::Draining { drained: self.member.is_idle() };
        }
        if !self.probes.is_up() {
            return Condition::Down;
        }
        if let Some(until) = self.ejection.until() {
            return Condition::Ejected { left: until.since(now) };
        }
        match self.ramp_step(slow_start, now) {
            RAMP_STEPS => Condition::Ready,
            step => Condition::Warming { tenths: step },
        }
    }
}
